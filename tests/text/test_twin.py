"""Python and the browser's modules cut the same text alike, whatever the text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.text import make_tokens
from conformance.text.make_tokens import PIPELINES, VOCABULARY
from homebody import text
from tests.text.twin import Twin, needs_node, utf16

pytestmark = needs_node

ODD = (
    "aZ9 .'-\t\n\x00\u00a0\u0301\u0323é\u1680\u2028\u3000漢😀\u200d\ufe0f\U0010ffff\ud83d\ude00ﬁﷺİß"
)
TEXTS = st.lists(
    st.text(st.one_of(st.sampled_from(ODD), st.characters()), max_size=40), min_size=1, max_size=12
)
TOKENIZERS = [
    ("WhitespaceTokenizer", {}, False),
    ("UnicodeScriptTokenizer", {}, False),
    ("UnicodeScriptTokenizer", {"keep_whitespace": True}, False),
    ("UnicodeCharTokenizer", {}, False),
    ("StateBasedSentenceBreaker", {}, False),
    ("FastBertTokenizer", {"lower_case_nfd_strip_accents": True}, True),
    ("FastBertTokenizer", {"lower_case_nfd_strip_accents": True, "rules": "hf"}, True),
    ("FastBertTokenizer", {"rules": "hf"}, True),
    ("FastWordpieceTokenizer", {"max_bytes_per_word": 7}, True),
]


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


@pytest.fixture(scope="module")
def twin():
    with Twin() as running:
        yield running


@pytest.mark.parametrize(("call", "arguments", "vocabulary"), TOKENIZERS)
@pytest.mark.parametrize("unit", ["utf16", "char", "byte"])
def test_tokens_and_places_are_the_same(twin, call, arguments, vocabulary, unit):
    kind = getattr(text, call)
    how = arguments | {"offset_unit": unit}
    tokenizer = kind(list(VOCABULARY), **how) if vocabulary else kind(**how)

    @settings(max_examples=25, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    def alike(texts):
        found = twin.ask(
            "tokens",
            call=call,
            options={camel(key): value for key, value in how.items()},
            vocabulary=list(VOCABULARY) if vocabulary else None,
            texts=[utf16(one) for one in texts],
        )
        # A lone surrogate becomes U+FFFD on both sides, three bytes long.
        mended = [
            one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in texts
        ]
        expected = tokenizer.split_with_offsets(mended)
        assert found == [list(row) for row in zip(*(x.to_list() for x in expected), strict=True)]

    alike()


@pytest.mark.parametrize("operations", PIPELINES, ids=lambda steps: steps[0]["op"])
def test_pipelines_make_the_same_tensors_and_tokens(twin, operations):
    @settings(max_examples=15, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    def alike(texts):
        found = twin.ask(
            "pipeline",
            operations=operations,
            vocabulary=list(VOCABULARY),
            texts=[utf16(one) for one in texts],
        )
        for text_, answer in zip(texts, found, strict=True):
            mended = text_.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            case = {"call": "pipeline", "arguments": {"operations": operations}}
            expected = make_tokens.run(case, mended)
            assert answer == json.loads(json.dumps(expected)), mended

    alike()
