"""Strings and Ragged: layout, slices, conversions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import MalformedTextError, RaggedError, TextError
from homebody.text import Ragged, Strings

WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8)
ROWS = st.lists(st.lists(st.integers(-(2**62), 2**62), max_size=4), max_size=6)
DEEP = st.lists(st.lists(st.lists(st.text("aé😀", max_size=3), max_size=3), max_size=3), max_size=4)


@given(WORDS)
def test_strings_keep_what_they_are_made_of(words):
    strings = Strings.of(words)
    assert strings.to_list() == words == list(strings)
    assert strings.to_bytes_list() == [word.encode() for word in words]
    assert Strings.of([word.encode() for word in words]) == strings
    assert strings == words
    assert len(strings) == len(words)
    assert [strings[i] for i in range(len(words))] == words


@given(WORDS, st.data())
def test_parts_of_strings(words, data):
    strings = Strings.of(words)
    part = data.draw(st.slices(len(words)))
    assert strings[part] == words[part]
    picked = data.draw(st.lists(st.integers(0, len(words) - 1), max_size=5)) if words else []
    assert strings[np.array(picked, np.int64)] == [words[i] for i in picked]
    again = strings[1:][part] if len(words) > 1 else strings
    assert again.spans().shape == (len(again), 2)


def test_strings_are_immutable_and_slices_share():
    strings = Strings.of(["ab", "c", "def"])
    assert np.shares_memory(strings[1:].data, strings.data)
    with pytest.raises(ValueError, match="read-only"):
        strings.data[0] = 1
    with pytest.raises(IndexError):
        strings[3]
    assert strings[-1] == "def"
    assert repr(Strings.of(list("abcdefghij"))).endswith(", …])")


@pytest.mark.parametrize(
    ("data", "offsets"),
    [
        (np.zeros(2, np.int8), np.array([0, 2])),
        (np.zeros(2, np.uint8), np.array([0, 3])),
        (np.zeros(2, np.uint8), np.array([2, 1])),
        (np.zeros(2, np.uint8), np.array([-1, 1])),
        (np.zeros(2, np.uint8), np.array([], np.int64)),
        (np.zeros(2, np.uint8), np.array([0, 1], np.int32)),
        (np.zeros(4, np.uint8)[::2], np.array([0, 1])),
    ],
)
def test_offsets_that_do_not_fit(data, offsets):
    with pytest.raises(TextError):
        Strings(data, offsets)


def test_what_is_not_utf8():
    bad = [b"a\xff", b"b", "c\ud800"]
    assert Strings.of(bad) == ["a\ufffd", "b", "c\ufffd"]
    assert Strings.of(bad, malformed="ignore") == ["a", "b", "c"]
    assert Strings.of(bad[:2], malformed="keep").to_bytes_list() == bad[:2]
    for one in (bad, bad[1:]):
        with pytest.raises(MalformedTextError):
            Strings.of(one, malformed="error")
    with pytest.raises(MalformedTextError):
        Strings.of(bad[:2], malformed="keep").to_list()
    assert Strings.of(["\ud83d\ude00"]) == ["😀"]
    with pytest.raises(TextError, match="malformed"):
        Strings.of(bad, malformed="strict")
    for wrong in ([1], 3, [None], np.zeros((2, 2), "U1")):
        with pytest.raises(TextError):
            Strings.of(wrong)


@given(ROWS)
def test_lists_and_back(rows):
    ragged = Ragged.from_lists(rows, np.int64)
    assert ragged.to_list() == rows
    assert ragged.row_lengths().tolist() == [len(row) for row in rows]
    assert [row.tolist() for row in ragged] == rows
    assert ragged == Ragged.from_row_lengths(ragged.values, ragged.row_lengths())
    for first in range(len(rows) + 1):
        assert ragged[first:].to_list() == rows[first:]
        assert ragged[:first].to_list() == rows[:first]


@given(DEEP)
def test_deeper_lists_and_merged_levels(rows):
    deep = Ragged.from_lists(rows) if any(any(row) for row in rows) else None
    if deep is None:
        return
    assert deep.to_list() == rows
    assert (deep.ragged_rank, len(deep.nested_row_splits)) == (2, 2)
    assert deep.merge_dims(0, 1).to_list() == [inner for row in rows for inner in row]
    assert deep.merge_dims(1, 2).to_list() == [[x for inner in row for x in inner] for row in rows]
    assert deep.merge_dims(0, 2).to_list() == [x for row in rows for inner in row for x in inner]
    assert deep.merge_dims(-2, -1) == deep.merge_dims(1, 2)
    assert Ragged(deep.flat_values, *deep.nested_row_splits) == deep
    assert deep[1:].to_list() == rows[1:]
    for axes in ((1, 1), (0, 3), (2, 1)):
        with pytest.raises(RaggedError):
            deep.merge_dims(*axes)


def test_four_levels():
    deep = Ragged.from_lists([[[[1, 2], [3]], []], [[[4]]]])
    assert deep.merge_dims(1, 3).to_list() == [[1, 2, 3], [4]]
    assert deep.merge_dims(2, 3).to_list() == [[[1, 2, 3], []], [[4]]]
    assert deep.merge_dims(1, 2).to_list() == [[[1, 2], [3]], [[4]]]


@given(ROWS, st.none() | st.integers(0, 5))
def test_padding(rows, width):
    dense, mask = Ragged.from_lists(rows, np.int64).to_padded(-7, width)
    wide = max(map(len, rows), default=0) if width is None else width
    assert dense.shape == mask.shape == (len(rows), wide)
    for row, values, real in zip(rows, dense, mask, strict=True):
        assert values.tolist() == (row + [-7] * wide)[:wide]
        assert real.tolist() == [i < len(row) for i in range(wide)]


def test_values_that_do_not_fit():
    for splits in ([0, 2], [1, 3], [0, 2, 1, 3], [], [[0, 3]], [0.0, 3.0]):
        with pytest.raises(RaggedError):
            Ragged([1, 2, 3], splits)
    with pytest.raises(RaggedError):
        Ragged([1, 2, 3])
    for nested in ([1, [2]], [[1], 2], [[["a"]], ["b"]], [["a", 1]]):
        with pytest.raises(RaggedError):
            Ragged.from_lists(nested)
    with pytest.raises(RaggedError):
        Ragged.from_lists([["a"]]).to_padded()
    with pytest.raises(RaggedError):
        Ragged([1], [0, 1])[::2]
    assert Ragged([1], [0, 1]) != Ragged([1], [0, 1, 1])
    assert (Ragged([1], [0, 1]) == 3) is False


def test_arrow_both_ways_without_copies():
    arrow = pytest.importorskip("pyarrow")
    for rows in ([[1, 2], [], [3]], [["a", "é"], []], [[["a"], []], [["b", "c"]]]):
        ragged = Ragged.from_lists(rows)
        array = ragged.to_arrow()
        assert array.to_pylist() == rows
        assert Ragged.from_arrow(array) == ragged
        assert Ragged.from_arrow(array[1:]).to_list() == rows[1:]
    numbers = Ragged(np.arange(3), [0, 2, 3])
    back = Ragged.from_arrow(numbers.to_arrow())
    assert np.shares_memory(back.values, numbers.values)
    assert Ragged.from_arrow(arrow.array([[1], [2, 3]])).to_list() == [[1], [2, 3]]
    strings = Strings.of(["ab", "c"])
    assert np.shares_memory(Strings.of(strings.to_arrow()).data, strings.data)
    for wrong in (arrow.array([1]), arrow.array([[1], None]), arrow.array([[1, None]])):
        with pytest.raises(RaggedError):
            Ragged.from_arrow(wrong)


def test_a_library_that_is_not_installed(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "awkward", None)
    with pytest.raises(TextError, match="pip install awkward"):
        Ragged([1], [0, 1]).to_awkward()
