"""Every operation against its peers, over 400,000 documents and 20,000 hostile strings."""

from __future__ import annotations

import pytest

from tests.text import corpus


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("group", ["splitters", "words", "normal", "features"])
def test_no_document_differs_without_a_reason(group):
    pytest.importorskip("tensorflow_text")
    pytest.importorskip("tokenizers")
    from tests.text import differences

    documents = differences.sample([text.encode() for text in corpus.documents()])
    hostile = [string for name, strings in differences.sources().items() if name != "documents"
               for string in strings]  # fmt: skip
    assert len(documents) >= corpus.DOCUMENTS
    assert sum(map(len, documents)) >= corpus.BYTES
    assert len(hostile) == 20_000
    found = {}
    for comparison in getattr(differences, group)():
        excuse = comparison.excuse
        if comparison.explained and not excuse:
            continue
        tally = differences.compare(comparison, [*documents, *hostile])
        assert tally.documents == len(documents) + len(hostile)
        unexplained = [one for one in tally.different if not (excuse and excuse(one))]
        if unexplained:
            found[comparison.name] = (len(unexplained), unexplained[:3])
    assert found == {}
