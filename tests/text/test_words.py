"""Text split at white space, by script, into characters and bytes."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import text
from homebody.errors import KernelError, MalformedTextError, TextError
from homebody.kernels import texts
from homebody.text import (
    ByteSplitter,
    Ragged,
    Strings,
    UnicodeCharTokenizer,
    UnicodeScriptTokenizer,
    WhitespaceTokenizer,
)

SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
TEXTS = st.lists(
    st.text(
        st.one_of(
            st.sampled_from(" \t\n\u3000\xa0\u1680.,1aéяα日ᚁ\u0301\u200b😀\0"),
            st.characters(exclude_categories=["Cs"]),
        )
    ),
    max_size=5,
)
SPLITTERS = [
    WhitespaceTokenizer(),
    UnicodeScriptTokenizer(),
    UnicodeScriptTokenizer(keep_whitespace=True),
]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_white_space_separates_and_nothing_else(documents):
    tokens, starts, ends = WhitespaceTokenizer().tokenize_with_offsets(documents)
    for row, document in enumerate(documents):
        found = list(re.finditer(f"[^{SPACE}]+", document))
        assert tokens[row] == [match.group() for match in found]
        before = [len(document[: m.start()].encode()) for m in found]
        assert starts[row].tolist() == before
        lengths = [len(m.group().encode()) for m in found]
        assert (ends[row] - starts[row]).tolist() == lengths


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.sampled_from(SPLITTERS))
def test_tokens_are_what_lies_between_their_offsets(documents, splitter):
    tokens, starts, ends = splitter.tokenize_with_offsets(documents)
    for row, document in enumerate(documents):
        encoded = document.encode()
        between = [encoded[a:b].decode() for a, b in zip(starts[row], ends[row], strict=True)]
        assert tokens[row] == between
        assert all(between)
        assert (starts[row][1:] >= ends[row][:-1]).all()
    assert splitter.tokenize(documents) == tokens == splitter.split(documents)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_kept_white_space_leaves_nothing_out(documents):
    tokens = UnicodeScriptTokenizer(keep_whitespace=True).tokenize(documents)
    assert ["".join(row) for row in tokens.to_list()] == documents
    without = UnicodeScriptTokenizer().tokenize(documents).to_list()
    joined = ["".join(re.sub(f"[{SPACE}]", "", document)) for document in documents]
    assert ["".join(row) for row in without] == joined


def test_scripts():
    tokens = UnicodeScriptTokenizer().tokenize("xy.,z deαβ累計7239人アー가𐍈\u0301é ᚁ\u1680ᚂ")
    expected = ["xy", ".,", "z", "de", "αβ", "累計", "7239", "人", "ア", "ー", "가", "𐍈", "\u0301"]
    assert tokens == [*expected, "é", "ᚁ", "ᚂ"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (". .", (["..", "x"], [0, 4], [3, 5])),
        ("1 . 2", (["1.2", "x"], [0, 6], [5, 7])),
        (" . ", ([".", "x"], [1, 4], [2, 5])),
    ],
)
def test_compat_drops_white_space_within_a_script(text, expected):
    tokens, starts, ends = UnicodeScriptTokenizer(compat="tf_text").tokenize_with_offsets(
        text + " x"
    )
    assert (tokens.to_list(), starts.tolist(), ends.tolist()) == expected
    ours = UnicodeScriptTokenizer().tokenize(text)
    assert ours == text.split()


def test_compat_ends_tokens_within_white_space():
    tokens, starts, ends = WhitespaceTokenizer(compat="tf_text").tokenize_with_offsets(
        "a\u3000b\xa0 c"
    )
    assert tokens.to_bytes_list() == [b"a\xe3\x80", b"b\xc2", b"c"]
    assert (starts.tolist(), ends.tolist()) == ([0, 4, 8], [3, 6, 9])


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.sampled_from(["byte", "char", "utf16"]))
def test_characters_and_back(documents, unit):
    tokenizer = UnicodeCharTokenizer(offset_unit=unit)
    codes, starts, ends = tokenizer.tokenize_with_offsets(documents)
    assert codes.to_list() == [[ord(c) for c in document] for document in documents]
    sizes = {"byte": lambda c: len(c.encode()), "char": len, "utf16": lambda c: 1 + (c > "\uffff")}
    for row, document in enumerate(documents):
        at = np.cumsum([0, *map(sizes[unit], document)])
        assert np.array_equal(starts[row], at[:-1])
        assert np.array_equal(ends[row], at[1:])
    assert tokenizer.detokenize(codes) == documents


def test_numbers_that_are_no_characters():
    assert (
        UnicodeCharTokenizer().detokenize([97, -1, 0xD800, 0x110000, 98]) == "a\ufffd\ufffd\ufffdb"
    )
    assert UnicodeCharTokenizer().detokenize([[[97], []], [[98, 99]]]).to_list() == [
        ["a", ""],
        ["bc"],
    ]


MALFORMED = [b"a\xffb c", b"\xe3\x80 \xe3\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80 x", b"\xc0\x80"]


@pytest.mark.parametrize("text", MALFORMED)
def test_bytes_that_are_no_text_are_replaced_as_python_does(text):
    # Python follows the same rule: U+FFFD for each maximal subpart.
    for tokenizer in SPLITTERS[1:]:
        tokens = tokenizer.tokenize([text])
        assert tokens == tokenizer.tokenize([text.decode(errors="replace")])
    codes = UnicodeCharTokenizer().tokenize(text)
    assert codes.tolist() == [ord(c) for c in text.decode(errors="replace")]
    kept = UnicodeScriptTokenizer(True, malformed="ignore").tokenize(text)
    assert "".join(kept) == text.decode(errors="ignore")
    with pytest.raises(MalformedTextError):
        WhitespaceTokenizer(malformed="error").tokenize([b"fine", text])


def test_offsets_of_what_is_left_when_bytes_are_ignored():
    tokens, starts, ends = WhitespaceTokenizer(malformed="ignore").tokenize_with_offsets(
        [b"\xffa\xffb\xff \xff c", "d\ud800 e"]
    )
    assert tokens.to_list() == [["ab", "c"], ["d", "e"]]
    assert (starts.to_list(), ends.to_list()) == ([[1, 8], [0, 5]], [[4, 9], [1, 6]])
    both = WhitespaceTokenizer(malformed="ignore", offset_unit="char")
    assert both.tokenize_with_offsets("d\ud800 e")[1].tolist() == [0, 3]


def test_bytes():
    data, starts, ends = ByteSplitter().split_with_offsets(["hé", b"\xff", ""])
    assert data.to_list() == [[104, 195, 169], [255], []]
    assert (starts.to_list(), ends.to_list()) == ([[0, 1, 2], [0], []], [[1, 2, 3], [1], []])
    parts = ByteSplitter().split_by_offsets(["hello", "you"], [[0, 4], [1]], [[4, 5], [3]])
    assert parts.to_list() == [["hell", "o"], ["ou"]]
    nested = ByteSplitter().split_by_offsets([["ab"], []], [[[0, 1]], []], [[[1, 2]], []])
    assert nested.to_list() == [[["a", "b"]], []]
    for starts_, ends_ in (([0], [6]), ([-1], [1]), ([2], [1]), ([0, 1], [1])):
        with pytest.raises(TextError):
            ByteSplitter().split_by_offsets("hello", starts_, ends_)
    with pytest.raises(TextError, match="rows"):
        ByteSplitter().split_by_offsets(["a", "b"], [[0]], [[1]])


def test_every_form_of_input_and_its_result():
    tokenizer = WhitespaceTokenizer()
    expected = [["a", "b"], [], ["c"]]
    texts_ = ["a b", "", "c"]
    inputs = [texts_, tuple(texts_), [b"a b", "", b"c"], np.array(texts_), np.array(texts_, object)]
    inputs += [np.array([b"a b", b"", b"c"]), Strings.of(texts_)]
    for given_ in inputs:
        assert tokenizer.tokenize(given_).to_list() == expected
    assert tokenizer.tokenize(b"a b") == ["a", "b"]
    nested = tokenizer.tokenize(Ragged(Strings.of(texts_), [0, 2, 3]))
    assert nested.to_list() == [expected[:2], expected[2:]]
    square = tokenizer.tokenize(np.array([["a b", "c"], ["", "d"]]))
    assert square.to_list() == [[["a", "b"], ["c"]], [[], ["d"]]]
    assert tokenizer.tokenize(Strings.of(["x", *texts_])[1:]).to_list() == expected


def test_arrow_strings():
    arrow = pytest.importorskip("pyarrow")
    for kind in (arrow.string(), arrow.large_string(), arrow.binary(), arrow.large_binary()):
        array = arrow.array(["x y", "a b", "", "c"], arrow.string()).cast(kind)
        assert WhitespaceTokenizer().tokenize(array[1:]).to_list() == [["a", "b"], [], ["c"]]
    with pytest.raises(TextError, match="nulls"):
        WhitespaceTokenizer().tokenize(arrow.array(["a", None]))
    with pytest.raises(TextError, match="int64"):
        WhitespaceTokenizer().tokenize(arrow.array([1]))


def test_more_tokens_than_was_made_room_for():
    document = "a b " * 5000
    tokens, starts, _ = UnicodeScriptTokenizer(True).tokenize_with_offsets(["x", document, "y z"])
    assert tokens.row_lengths().tolist() == [1, 20000, 3]
    assert starts[1].tolist() == list(range(20000))
    codes = UnicodeCharTokenizer().tokenize(["q" * 9999, "\U0001f600" * 10])
    assert codes.row_lengths().tolist() == [9999, 10]


def test_offsets_that_are_none():
    spans = Strings.of(["abc"]).spans()
    one = np.array([0, 1], np.int64)
    for start, end in ((0, 4), (-1, 1), (2, 1)):
        with pytest.raises(KernelError):
            texts.gather(spans, one, np.array([start], np.int32), np.array([end], np.int32))
    with pytest.raises(KernelError):
        texts.convert_units(spans, one, "char", np.array([4], np.int32))


def test_the_facade_fetches_what_it_names_and_no_more():
    assert {*text._HOMES, "metrics"} == set(text.__all__)
    assert all(getattr(text, name) is not None for name in text.__all__)
    with pytest.raises(AttributeError, match="no attribute 'words'"):
        _ = text.words
    program = "import sys, homebody.text; assert not any('numpy' in name for name in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
