"""N-grams, windows, pads and ROUGE-L against TF.Text's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homebody import text
from homebody.text import Ragged, Reduction

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
tf = pytest.importorskip("tensorflow")
tf_text = pytest.importorskip("tensorflow_text")

PEERS = {one: getattr(tf_text.Reduction, one.name) for one in Reduction}
ALPHABET = ["a", "b", "ä", "語", "", "long word", "\0"]


def listed(result: Any) -> Any:
    """Nested lists of either's result."""
    if isinstance(result, (np.ndarray, tf.Tensor)):
        return np.asarray(result).tolist()
    return result.to_list()


def decoded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else [decoded(part) for part in value]


def ragged_numbers(
    rng: np.random.Generator, rank: int, dtype: type, inner: tuple[int, ...]
) -> Ragged:
    splits, count = [], int(rng.integers(1, 5))
    for _ in range(rank):
        lengths = rng.integers(0, 6, count)
        splits.append(np.concatenate([[0], np.cumsum(lengths)]))
        count = int(lengths.sum())
    return Ragged(rng.integers(-9, 10, (count, *inner)).astype(dtype), *splits)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32, np.float64, np.int8])
@pytest.mark.parametrize("inner", [(), (2,), (3, 2)])
def test_windows_and_sums_of_ragged(dtype, inner):
    rng = np.random.default_rng(1)
    for _ in range(8):
        ragged = ragged_numbers(rng, int(rng.integers(1, 3)), dtype, inner)
        peer = ragged.to_tf()
        for axis in range(-peer.shape.rank, peer.shape.rank):
            width = int(rng.integers(1, 4))
            got = text.sliding_window(ragged, width, axis)
            expected = tf_text.sliding_window(peer, width, axis)
            assert listed(got) == expected.to_list(), (ragged, width, axis)
            for reduction in (Reduction.SUM, Reduction.MEAN):
                if dtype == np.int8 and reduction is Reduction.MEAN:
                    continue  # TF.Text's is of sums that overflow
                got = text.ngrams(ragged, width, axis, reduction)
                expected = tf_text.ngrams(peer, width, axis, PEERS[reduction])
                assert got.flat_values.dtype == expected.dtype.as_numpy_dtype
                assert got.to_list() == expected.to_list(), (ragged, width, axis, reduction)


@pytest.mark.parametrize("dtype", [np.int32, np.float32, np.float64])
def test_windows_and_sums_of_arrays(dtype):
    rng = np.random.default_rng(2)
    for _ in range(25):
        array = rng.integers(-9, 10, rng.integers(1, 6, rng.integers(1, 4))).astype(dtype)
        for axis in range(-array.ndim, array.ndim):
            width = int(rng.integers(1, 5))
            got = text.sliding_window(array, width, axis)
            expected = tf_text.sliding_window(tf.constant(array), width, axis).numpy()
            assert got.shape == expected.shape
            assert np.array_equal(got, expected)
            got = text.ngrams(array, width, axis, Reduction.SUM)
            expected = tf_text.ngrams(tf.constant(array), width, axis, PEERS[Reduction.SUM]).numpy()
            assert got.dtype == expected.dtype
            assert np.array_equal(got, expected)
            if dtype != np.int32:  # TF.Text's cut off the means of whole numbers
                got = text.ngrams(array, width, axis, Reduction.MEAN)
                expected = tf_text.ngrams(tf.constant(array), width, axis, PEERS[Reduction.MEAN])
                assert np.array_equal(got, expected.numpy())


def test_sums_of_floats():
    """To seven elements the order is the same; from eight on TensorFlow adds eight at once."""
    values = np.random.default_rng(3).standard_normal((50, 64), np.float32)
    for width in (1, 2, 3, 5, 7, 8, 33):
        for reduction in (Reduction.SUM, Reduction.MEAN):
            got = text.ngrams(values, width, -1, reduction)
            expected = tf_text.ngrams(values, width, -1, PEERS[reduction]).numpy()
            if width <= 7:
                assert np.array_equal(got, expected)
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_joined_strings():
    rng = np.random.default_rng(4)
    for _ in range(60):
        rank, width = rng.integers(1, 4, 2)
        shape = ragged_numbers(rng, int(rank), np.int32, ())
        flat = text.Strings.of([ALPHABET[i] for i in shape.flat_values % len(ALPHABET)])
        given = shape.with_flat_values(flat)
        separator = ["|", " ", "", "語\0"][rng.integers(4)]
        expected = tf_text.ngrams(
            given.to_tf(), int(width), -1, PEERS[Reduction.STRING_JOIN], separator
        )
        got = text.ngrams(given, int(width), -1, Reduction.STRING_JOIN, separator)
        assert got.to_list() == decoded(expected.to_list())
        windows = text.sliding_window(given, int(width))
        assert windows.to_list() == decoded(
            tf_text.sliding_window(given.to_tf(), int(width)).to_list()
        )
    words = ["a", "b", "c"]
    got = text.ngrams(words, 2, -1, Reduction.STRING_JOIN)
    assert got == ["a b", "b c"]


@pytest.mark.parametrize("strings", [False, True])
def test_pads(strings):
    rng = np.random.default_rng(5)
    for _ in range(50):
        rank, inner = int(rng.integers(1, 3)), () if strings else ((), (2,))[rng.integers(2)]
        given = ragged_numbers(rng, rank, np.int32, inner)
        axis = int(rng.integers(1, rank + 1))
        left, right = (rng.integers(-9, 10, (n, *inner)) for n in rng.integers(0, 3, 2))
        if axis < rank:  # the elements are rows themselves
            left, right = (ragged_numbers(rng, rank - axis, np.int32, inner) for _ in range(2))
        if strings:
            given, left, right = (worded(part) for part in (given, left, right))
        peers = [part.to_tf() if isinstance(part, Ragged) else
                 (part.to_bytes_list() if strings else part) for part in (left, right)]  # fmt: skip
        if strings and axis == rank:
            peers = [tf.constant(part, tf.string, [len(part)]) for part in peers]
        expected = tf_text.pad_along_dimension(given.to_tf(), axis, *peers)
        got = text.pad_along_dimension(given, axis, left, right)
        mine = got.to_list()
        assert mine == (decoded(expected.to_list()) if strings else expected.to_list())
    array = rng.integers(0, 9, (2, 3, 4))
    for axis in range(-3, 3):
        pad = rng.integers(0, 9, (2, *array.shape[axis % 3 + 1 :]))
        expected = tf_text.pad_along_dimension(array, axis, pad, pad[:1]).numpy()
        assert np.array_equal(text.pad_along_dimension(array, axis, pad, pad[:1]), expected)


def worded(part: Any) -> Any:
    flat = part.flat_values if isinstance(part, Ragged) else part
    strings = text.Strings.of([ALPHABET[i] for i in flat % len(ALPHABET)])
    return part.with_flat_values(strings) if isinstance(part, Ragged) else strings


@pytest.mark.parametrize("alpha", [None, 0, 0.3, 1, -1])
@pytest.mark.parametrize("strings", [False, True])
def test_rouge_l(alpha, strings):
    rng = np.random.default_rng(6)
    for case in range(60):
        rows, most = int(rng.integers(1, 6)), 6 if case % 2 else 200
        lengths = rng.integers(0, most, (2, rows))
        ragged = [Ragged.from_row_lengths(rng.integers(0, rng.choice([2, 9, 300]), n.sum()), n)
                  for n in lengths]  # fmt: skip
        if strings:
            ragged = [
                part.with_flat_values(text.Strings.of([f"word {i}" * (i % 3) for i in part.values]))
                for part in ragged
            ]
        expected = tf_text.metrics.rouge_l(*(part.to_tf() for part in ragged), alpha)
        got = text.metrics.rouge_l(*ragged, alpha)
        for mine, theirs in zip(got, expected, strict=True):
            assert mine.dtype == np.float32
            assert np.array_equal(mine, theirs.numpy())
