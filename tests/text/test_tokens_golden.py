"""The golden vectors of tokenizers, normalization and pipelines, in Python and under node."""

from __future__ import annotations

import json

import pytest

from conformance.text import make_tokens
from tests.text.twin import Twin, needs_node

DOCUMENT = json.loads(make_tokens.PATH.read_text(encoding="ascii"))


def plain(value):
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def test_they_are_of_these_texts_and_calls():
    made = make_tokens.document()
    assert plain(made["texts"]) == DOCUMENT["texts"]
    assert plain(made["vocabulary"]) == DOCUMENT["vocabulary"]
    asked = [{key: one[key] for key in ("call", "arguments")} for one in DOCUMENT["cases"]]
    assert plain(make_tokens.cases()) == asked


@pytest.mark.parametrize("case", DOCUMENT["cases"], ids=lambda one: one["call"])
def test_python_gives_them(case):
    for text, expected in zip(DOCUMENT["texts"], case["results"], strict=True):
        assert plain(make_tokens.run(case, text)) == expected, text


@needs_node
def test_node_gives_them():
    with Twin() as twin:
        found = twin.ask("golden", file=str(make_tokens.PATH))
    for case, results in zip(DOCUMENT["cases"], found, strict=True):
        for text, expected, given in zip(DOCUMENT["texts"], case["results"], results, strict=True):
            assert given == expected, (case["call"], case["arguments"], text)
