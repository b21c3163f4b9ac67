"""tokenizer.json where it holds WordPiece; and what is refused."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import VocabularyError
from homebody.text import BertWordPieceTokenizer

FILE = {
    "version": "1.0",
    "truncation": None,
    "added_tokens": [
        {"id": 0, "content": "[UNK]", "special": True},
        {"id": 5, "content": "[MASK]", "special": True},
        {"id": 6, "content": "[MASK]s", "special": True},
    ],
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"deep": [[[]]]}]},
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 8,
        "vocab": {"[UNK]": 0, "home": 2, "##body": 1, "日": 3, "é": 4},
    },
}


def changed(**changes):
    return json.dumps(FILE | changes).encode()


def model(**changes):
    return changed(model=FILE["model"] | changes)


def test_a_file_is_read(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(changed())
    tokenizer = BertWordPieceTokenizer(path)
    numbers, starts, ends = tokenizer.tokenize_with_offsets("HOMÉbody日[MASK][MASK]s[mask]")
    assert numbers.tolist() == [2, 1, 3, 5, 6, 0, 0, 0]
    assert starts.tolist() == [0, 5, 9, 12, 18, 25, 26, 30]
    assert ends.tolist() == [5, 9, 12, 18, 25, 26, 30, 31]
    words = BertWordPieceTokenizer(path, token_out_type="string").tokenize(["homebodyhome", "home"])
    assert words.to_list() == [["[UNK]"], ["home"]]
    assert tokenizer.vocab_size() == 7


@pytest.mark.parametrize(
    ("normalizer", "expected"),
    [({"lowercase": False}, [0, 4]), ({"strip_accents": False}, [2, 4]), ({}, [2, 0])],
)
def test_normalizers(normalizer, expected):
    data = changed(normalizer=FILE["normalizer"] | normalizer)
    assert BertWordPieceTokenizer(data).tokenize("Home é").tolist() == expected
    assert BertWordPieceTokenizer(changed(normalizer=None)).tokenize("Home é").tolist() == [0, 4]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"model": {"vocab": ' + b"[" * 100_000,
        b'{"model": {"vocab": {}}, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        changed(model=[]),
        changed(pre_tokenizer=None),
        changed(pre_tokenizer={"type": "Whitespace"}),
        changed(normalizer={"type": "NFC"}),
        changed(normalizer={"type": "BertNormalizer", "lowercase": 1}),
        changed(added_tokens=[{"id": 9, "content": "[X]"}]),
        changed(added_tokens=[{"id": 5, "content": "[UNK]"}]),
        changed(added_tokens=[{"id": 5, "content": "[X]", "lstrip": True}]),
        changed(added_tokens=[{"id": 5, "content": "x"}]),
        changed(added_tokens=[{"id": 5, "content": " "}]),
        changed(added_tokens=[{"id": 5, "content": ""}]),
        model(type="BPE"),
        model(vocab={"[UNK]": 0, "a": 2}),
        model(vocab={"[UNK]": 0, "a": 0}),
        model(vocab={"[UNK]": 0, "a": -1}),
        model(vocab={"[UNK]": 0, "a": 1 << 70}),
        model(vocab={"[UNK]": 0, "a": 1.5}),
        model(unk_token="<unk>"),
        model(max_input_chars_per_word=0),
        model(max_input_chars_per_word=1 << 40),
        model(continuing_subword_prefix=None),
    ],
    ids=str,
)
def test_other_files_are_refused(data):
    with pytest.raises(VocabularyError):
        BertWordPieceTokenizer(data)


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(VocabularyError, match="cannot be read"):
        BertWordPieceTokenizer(tmp_path)
    from homebody.text import _bert_json

    monkeypatch.setattr(_bert_json, "MOST_BYTES", 100)
    with pytest.raises(VocabularyError, match="more than 100"):
        BertWordPieceTokenizer(changed())


@given(st.integers(0, len(changed()) - 1), st.binary(max_size=3))
def test_a_damaged_file_is_read_or_refused(at, noise):
    data = bytearray(changed())
    data[at : at + len(noise)] = noise
    with contextlib.suppress(VocabularyError):
        BertWordPieceTokenizer(bytes(data), cache_bytes=0).tokenize("home 日[MASK]")
