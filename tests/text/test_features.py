"""N-grams, windows, pads and ROUGE-L against Python's own slices and loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import text
from homebody.errors import RaggedError, TextError
from homebody.text import Ragged, Reduction, Strings, metrics

words = st.sampled_from(["a", "b", "ä", "語", "", "\0", "two words"])
rows = st.lists(st.lists(words, max_size=7), max_size=5)
widths = st.integers(1, 4)


def windows_of(row, width):
    return [row[i : i + width] for i in range(len(row) - width + 1)]


def ragged(lists):
    flat = Strings.of([word for row in lists for word in row])
    return Ragged.from_row_lengths(flat, [len(row) for row in lists])


@settings(max_examples=150, deadline=None)
@given(rows, widths, st.sampled_from(["", " ", "|", "語"]))
def test_windows_and_joins_are_slices(lists, width, separator):
    expected = [windows_of(row, width) for row in lists]
    assert text.sliding_window(ragged(lists), width).to_list() == expected
    joined = text.ngrams(ragged(lists), width, -1, Reduction.STRING_JOIN, separator)
    assert joined.to_list() == [[separator.join(gram) for gram in row] for row in expected]
    deep = Ragged(ragged(lists), [0, len(lists)])
    got = text.ngrams(deep, width, -1, Reduction.STRING_JOIN, separator)
    assert got.to_list() == [joined.to_list()]
    for row, grams in zip(lists, joined.to_list(), strict=True):
        alone = text.ngrams(Strings.of(row), width, -1, Reduction.STRING_JOIN, separator.encode())
        assert alone == grams


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(-99, 99), max_size=7), max_size=5), widths)
def test_sums_and_means_are_of_slices(lists, width):
    flat = np.array([number for row in lists for number in row], np.int64)
    given_rows = Ragged.from_row_lengths(flat, [len(row) for row in lists])
    expected = [[sum(gram) for gram in windows_of(row, width)] for row in lists]
    assert text.ngrams(given_rows, width, -1, Reduction.SUM).to_list() == expected
    means = text.ngrams(given_rows, width, -1, Reduction.MEAN)
    assert means.to_list() == [[total / width for total in row] for row in expected]
    assert means.flat_values.dtype == np.float64


def test_windows_along_every_axis_of_an_array():
    array = np.arange(24).reshape(2, 3, 4)
    for axis, width in itertools.product(range(3), (1, 2, 5)):
        got = text.sliding_window(array, width, axis)
        assert text.sliding_window(array, width, axis - 3).tolist() == got.tolist()
        moved, expected = np.moveaxis(got, axis, 0), np.moveaxis(array, axis, 0)
        assert len(moved) == max(array.shape[axis] - width + 1, 0)
        for i, window in enumerate(moved):
            assert np.array_equal(np.moveaxis(window, axis, 0), expected[i : i + width])
        sums = text.ngrams(array, width, axis, Reduction.SUM)
        assert sums.dtype == array.dtype
        assert np.array_equal(sums, got.sum(axis + 1))
    assert np.shares_memory(text.sliding_window(array, 2), array)


def test_windows_of_rows_of_different_lengths():
    lists = [[[1, 2], [3], []], [], [[4, 5, 6], [7, 8]]]
    given_rows = Ragged.from_lists(lists)
    assert text.sliding_window(given_rows, 2, 1).to_list() == [
        [[[1, 2], [3]], [[3], []]], [], [[[4, 5, 6], [7, 8]]],
    ]  # fmt: skip
    assert text.sliding_window(given_rows, 2, 0).to_list() == [lists[:2], lists[1:]]
    sums = text.ngrams(given_rows, 2, 1, Reduction.SUM)
    assert sums.to_list() == [[[4, 2], [3]], [], [[11, 13, 6]]]
    means = text.ngrams(given_rows, 2, 1, Reduction.MEAN)  # of as many as there are
    assert means.to_list() == [[[2, 2], [3]], [], [[5.5, 6.5, 6]]]
    assert text.ngrams(given_rows, 3, 0, Reduction.SUM).to_list() == [
        [[5, 7, 6], [10, 8], []],
    ]  # fmt: skip


def test_sums_keep_small_types():
    small = np.array([100, 100, 3], np.int8)
    assert text.ngrams(small, 2, -1, Reduction.SUM).tolist() == [-56, 103]
    assert text.ngrams(small, 2, -1, Reduction.MEAN).tolist() == [100, 51.5]
    halves = np.array([1, 2, 4], np.float16)
    assert text.ngrams(halves, 3, -1, Reduction.MEAN).dtype == np.float16


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((["a"], 0, -1, Reduction.STRING_JOIN), "width is 0"),
        ((["a"], 2**31, -1, Reduction.STRING_JOIN), "width is 2147483648"),
        ((["a"], 1.0, -1, Reduction.STRING_JOIN), "width is a float"),
        (([["a"]], 1, 0, Reduction.STRING_JOIN), "takes the last one alone"),
        (([1], 1, 1, Reduction.SUM), "axis is 1"),
        (([1], 1, True, Reduction.SUM), "axis is a bool"),
        (([1], 1, -1, None), "reduction_type is None"),
        ((["a"], 1, -1, Reduction.SUM), "takes numbers"),
        (([True], 1, -1, Reduction.MEAN), "takes numbers"),
        (([1], 1, -1, Reduction.STRING_JOIN), "takes text"),
        ((3, 1, -1, Reduction.SUM), "data is a int"),
        ((np.array(3), 1, -1, Reduction.SUM), "axis is -1"),
    ],
)
def test_ngrams_refuse(arguments, said):
    with pytest.raises(TextError, match=said):
        text.ngrams(*arguments)


@settings(max_examples=100, deadline=None)
@given(rows, st.lists(words, max_size=3), st.lists(words, max_size=3))
def test_pads_go_before_and_behind(lists, left, right):
    got = text.pad_along_dimension(ragged(lists), -1, left, right)
    assert got.to_list() == [left + row + right for row in lists]
    assert text.pad_along_dimension(ragged(lists), 1, None, right).to_list() == [
        row + right for row in lists
    ]
    outer = text.pad_along_dimension(ragged(lists), 0, ragged([left]), ragged([right, left]))
    assert outer.to_list() == [left, *lists, right, left]
    one = text.pad_along_dimension(Strings.of(["x"]), 0, left, right)
    assert one.to_list() == [*left, "x", *right]


def test_pads_of_arrays_and_of_inner_axes():
    array = np.zeros((2, 1, 3), np.int16)
    got = text.pad_along_dimension(array, 1, left_pad=np.ones((2, 3), np.int64))
    assert (got.shape, got.dtype) == ((2, 3, 3), np.int16)
    assert got[:, :2].tolist() == [[[1] * 3] * 2] * 2
    given_rows = Ragged(np.zeros((3, 2), int), [0, 1, 3])
    got = text.pad_along_dimension(given_rows, 2, right_pad=[7])
    assert got.to_list() == [[[0, 0, 7]], [[0, 0, 7], [0, 0, 7]]]
    assert text.pad_along_dimension(given_rows) is given_rows


@pytest.mark.parametrize(
    ("data", "axis", "pad", "said"),
    [
        ([[1, 2]], 0, [7], "left_pad is no array of 2 axes"),
        ([[1, 2]], 0, [[7]], "elements of shape \\[1\\]"),
        ([1, 2], 0, ["a"], "does not hold what the data hold"),
        ([1, 2], 0, [0.5], "left_pad are float64, the data int64"),
        ([[1], [1, 2]], 1, [[7]], "make them equal|give all of one kind"),
    ],
)
def test_pads_refuse(data, axis, pad, said):
    with pytest.raises(TextError, match=said):
        text.pad_along_dimension(data, axis, pad)


def common(a, b):
    """The length of the longest common subsequence, by the table of all prefixes."""
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, j in itertools.product(range(len(a)), range(len(b))):
        grown = table[i, j] + 1 if a[i] == b[j] else 0
        table[i + 1, j + 1] = max(grown, table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


tokens = st.lists(st.integers(0, 3), max_size=150)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(tokens, tokens), min_size=1, max_size=3))
def test_rouge_is_of_the_longest_common_subsequence(pairs):
    sides = [
        Ragged.from_row_lengths(
            np.array([token for row in side for token in row], np.int64), [len(row) for row in side]
        )
        for side in zip(*pairs, strict=True)
    ]
    f, precision, recall = metrics.rouge_l(*sides)
    for i, (a, b) in enumerate(pairs):
        length = common(a, b)
        p, r = length / max(len(a), 1), length / max(len(b), 1)
        assert precision[i] == np.float32(p)
        assert recall[i] == np.float32(r)
        assert f[i] == pytest.approx(2 * p * r / (p + r) if p + r else 0)
    named = [
        side.with_flat_values(Strings.of([f"token {i}" for i in side.values])) for side in sides
    ]
    for mine, theirs in zip(metrics.rouge_l(*named), (f, precision, recall), strict=True):
        assert np.array_equal(mine, theirs)


def test_rouge_weighs_by_alpha():
    a, b = [["a", "b", "c", "d"]], [["b", "d"]]
    assert metrics.rouge_l(a, b, 1)[0] == np.float32(0.5)  # the precision
    assert metrics.rouge_l(a, b, 0)[0] == np.float32(1)  # the recall
    assert metrics.rouge_l(a, b, -1)[0] == pytest.approx(1.25 * 0.5 / (1 + 0.25 * 0.5))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([["a"]], [["a"], ["b"]]), "1 hypotheses and 2 references"),
        (([["a"]], [[1]]), "text and numbers"),
        (([[0.5]], [[0.5]]), "hypotheses are float64"),
        ((["a"], ["a"]), "hypotheses has one axis"),
        (([[["a"]]], [[["a"]]]), "more than two axes"),
        (([["a"]], [["a"]], 1.5), "alpha is 1.5"),
        (([["a"]], [["a"]], float("nan")), "alpha is nan"),
    ],
)
def test_rouge_refuses(arguments, said):
    with pytest.raises(TextError, match=said):
        metrics.rouge_l(*arguments)


def test_what_lists_and_arrays_become():
    """Data of every form give the same."""
    expected = [["a b"], [], ["c d", "d e"]]
    lists = [["a", "b"], ["x"], ["c", "d", "e"]]
    forms = [lists, ragged(lists), [np.array(row) for row in lists]]
    for form in forms:
        got = text.ngrams(form, 2, reduction_type=Reduction.STRING_JOIN)
        assert got.to_list() == expected
    table = np.array([["a", "b"], ["c", "d"]])
    for form in (table, table.astype("S"), table.astype(object), table.tolist()):
        assert text.ngrams(form, 2, reduction_type=Reduction.STRING_JOIN).to_list() == [
            ["a b"],
            ["c d"],
        ]
    with pytest.raises(RaggedError, match="differ past the first axis"):
        text.sliding_window([np.zeros((1, 2)), np.zeros((2, 3))], 1)
