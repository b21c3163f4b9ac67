"""Windows over sequences: as they are, reduced to n-grams, and room at their ends."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.kernels import features
from homebody.text._ragged import Ragged
from homebody.text._rows import (
    Data,
    checked_axis,
    concatenated,
    data_of,
    evenly,
    splits_of,
    spread,
    take,
)
from homebody.text._strings import Strings


class Reduction(enum.Enum):
    """What becomes of a window's elements.

    Attributes:
        SUM: they are added up.
        MEAN: their mean.
        STRING_JOIN: strings are joined, with a separator between.
    """

    SUM = 1
    MEAN = 2
    STRING_JOIN = 3


def sliding_window(data: Any, width: int, axis: int = -1) -> Data:
    """Every ``width`` elements that follow each other along an axis.

    Args:
        data: an array [..., n, ...], nested lists, :class:`Strings` or :class:`Ragged`.
        width: elements of a window, 1 or more.
        axis: which axis the windows move along.

    Returns:
        The same kind of data with n - width + 1 windows in place of n elements, none where there
        are fewer than ``width``, and an axis of size ``width`` after it. Windows of an array share
        its memory and are read-only; windows of strings are rows of a Ragged.

    Raises:
        TextError: ``width`` or ``axis`` is out of range.

    Example:
        >>> sliding_window(["one", "two", "three", "four"], width=2).to_list()
        [['one', 'two'], ['two', 'three'], ['three', 'four']]
        >>> sliding_window([[1, 2, 3], [4]], width=2).to_list()
        [[[1, 2], [2, 3]], []]
        >>> import numpy as np
        >>> sliding_window(np.arange(6).reshape(3, 2), width=2, axis=0).tolist()
        [[[0, 1], [2, 3]], [[2, 3], [4, 5]]]
    """
    data = data_of(data)
    return _windows(data, _checked_width(width), checked_axis(axis, data))


def ngrams(
    data: Any,
    width: int,
    axis: int = -1,
    reduction_type: Reduction | None = None,
    string_separator: str | bytes = " ",
) -> Data:
    """Every ``width`` elements that follow each other along an axis, reduced to one.

    Args:
        data: numbers or strings, as for :func:`sliding_window`.
        width: elements of an n-gram, 1 or more.
        axis: which axis the n-grams move along; the last one for strings.
        reduction_type: what becomes of them; it has to be given.
        string_separator: goes between strings.

    Returns:
        The same kind of data with n - width + 1 n-grams in place of n elements, none where there
        are fewer than ``width``. Sums have the data's type and are added from left to right; means
        of whole numbers are float64.

    Raises:
        TextError: an argument is out of range, or text is to be added, or numbers joined.

    Example:
        >>> ngrams([["e", "f", "g"], ["dd", "ee"]], 2, reduction_type=Reduction.STRING_JOIN,
        ...        string_separator="|").to_list()
        [['e|f', 'f|g'], ['dd|ee']]
        >>> ngrams([[1, 2, 4], [8]], 2, reduction_type=Reduction.SUM).to_list()
        [[3, 6], []]
        >>> ngrams([[1, 2, 4], [8, 8, 8]], 2, axis=0, reduction_type=Reduction.MEAN).tolist()
        [[4.5, 5.0, 6.0]]
    """
    if not isinstance(reduction_type, Reduction):
        raise TextError(
            f"reduction_type is {reduction_type!r}; "
            "give Reduction.SUM, Reduction.MEAN or Reduction.STRING_JOIN"
        )
    data = data_of(data)
    width, axis = _checked_width(width), checked_axis(axis, data)
    flat = data.flat_values if isinstance(data, Ragged) else data
    if reduction_type is not Reduction.STRING_JOIN:
        if not isinstance(flat, np.ndarray) or flat.dtype == bool:
            raise TextError(
                f"the data are {'text' if isinstance(flat, Strings) else 'bool'}; "
                f"{reduction_type} takes numbers"
            )
        return _reduced(data, width, axis, mean=reduction_type is Reduction.MEAN)
    if not isinstance(flat, Strings):
        raise TextError("the data are numbers; Reduction.STRING_JOIN takes text")
    if axis != checked_axis(-1, data):
        raise TextError(f"axis is {axis}; Reduction.STRING_JOIN takes the last one alone")
    separator = string_separator.encode() if isinstance(string_separator, str) else string_separator
    return _joined(data, width, separator)


def pad_along_dimension(
    data: Any, axis: int = -1, left_pad: Any = None, right_pad: Any = None
) -> Data:
    """The same elements before and after each row along an axis.

    Args:
        data: an array [..., n, a, b], nested lists, :class:`Strings` or :class:`Ragged`.
        axis: whose beginning and end get them.
        left_pad: what comes before [l, a, b]; None for nothing.
        right_pad: what comes after [r, a, b].

    Returns:
        The same kind of data with l + n + r elements in place of n.

    Raises:
        RaggedError: the pads' inner axes are not the data's.
        TextError: the axis is out of range, or a pad's type does not fit.

    Example:
        >>> pad_along_dimension([["a", "b"], ["c"]], left_pad=["<s>"], right_pad=["</s>"]).to_list()
        [['<s>', 'a', 'b', '</s>'], ['<s>', 'c', '</s>']]
        >>> import numpy as np
        >>> pad_along_dimension(np.ones((2, 1), int), axis=0, right_pad=[[7], [8]]).tolist()
        [[1], [1], [7], [8]]
    """
    data = data_of(data)
    axis = checked_axis(axis, data)
    flat = data.flat_values if isinstance(data, Ragged) else data
    pads = (_pad(left_pad, "left_pad", flat), _pad(right_pad, "right_pad", flat))
    return data if left_pad is None and right_pad is None else _padded(data, axis, *pads)


def _checked_width(width: int) -> int:
    if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
        raise TextError(f"width is a {type(width).__name__}; give a whole number")
    if not 1 <= width < 2**31:
        raise TextError(f"width is {width}; give 1 to {2**31 - 1}")
    return int(width)


def _starts(splits: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the windows of each row begin, and the splits of their rows."""
    out = splits_of(np.maximum(np.diff(splits) - width + 1, 0))
    return spread(splits[:-1], out), out


def _windows(data: Data, width: int, axis: int) -> Data:
    if isinstance(data, np.ndarray):
        if data.shape[axis] < width:
            shape = (*data.shape[:axis], 0, width, *data.shape[axis + 1 :])
            return np.empty(shape, data.dtype)
        windows = np.lib.stride_tricks.sliding_window_view(data, width, axis)
        return np.moveaxis(windows, -1, axis + 1)
    if isinstance(data, Ragged) and axis > 1:
        return Ragged._made(_windows(data.values, width, axis - 1), data.row_splits)
    if isinstance(data, Ragged) and axis == 1:
        starts, splits = _starts(data.row_splits, width)
        if isinstance(data.values, Strings):
            return Ragged._made(_of_strings(data.values, data.row_splits, width), splits)
        return Ragged._made(_at(data.values, starts, width), splits)
    if isinstance(data, Strings):
        return _of_strings(data, np.array([0, len(data)]), width)
    return _at(data, np.arange(max(len(data) - width + 1, 0)), width)


def _at(values: Data, starts: NDArray[np.int64], width: int) -> Data:
    """The windows that begin at the starts, which are in range."""
    if not isinstance(values, np.ndarray):
        index = (starts[:, None] + np.arange(width)).ravel()
        return evenly(take(values, index), width, len(starts))
    windows = np.empty((len(starts), width, *values.shape[1:]), values.dtype)
    for i in range(width):
        np.take(values[i:], starts, axis=0, out=windows[:, i])
    return windows


def _of_strings(strings: Strings, splits: NDArray[np.int64], width: int) -> Ragged:
    """The windows within rows. Their bytes lie together: those of the n-grams."""
    joined, _, _ = features.join_ngrams(strings.spans(), splits, width, b"")
    starts, _ = _starts(splits, width)
    sizes = np.diff(strings.offsets)[starts[:, None] + np.arange(width)]
    return evenly(Strings._made(joined, splits_of(sizes.ravel())), width, len(starts))


def _joined(data: Data, width: int, separator: bytes) -> Data:
    if isinstance(data, Ragged) and isinstance(data.values, Ragged):
        return Ragged._made(_joined(data.values, width, separator), data.row_splits)
    strings = data.values if isinstance(data, Ragged) else data
    assert isinstance(strings, Strings)
    splits = data.row_splits if isinstance(data, Ragged) else np.array([0, len(data)])
    joined, offsets, out = features.join_ngrams(strings.spans(), splits, width, separator)
    grams = Strings._made(joined, offsets)
    return Ragged._made(grams, out) if isinstance(data, Ragged) else grams


def _reduced(data: Data, width: int, axis: int, *, mean: bool) -> Data:
    if isinstance(data, np.ndarray):
        return _moving(data, width, axis, mean=mean)
    assert isinstance(data, Ragged)
    if axis > 1:
        return Ragged._made(_reduced(data.values, width, axis - 1, mean=mean), data.row_splits)
    if axis == 1 and isinstance(data.values, np.ndarray):
        starts, splits = _starts(data.row_splits, width)
        return Ragged._made(_moving(data.values, width, 0, mean=mean)[starts], splits)
    windows = _windows(data, width, axis)
    assert isinstance(windows, Ragged)
    if axis == 1:
        return Ragged._made(_merged(windows.values, mean=mean), windows.row_splits)
    return _merged(windows, mean=mean)


def _moving(values: NDArray[Any], width: int, axis: int, *, mean: bool) -> NDArray[Any]:
    """The windows' sums, each added from left to right; or their means."""
    if mean and values.dtype.kind in "iu":
        values = values.astype(np.float64)
    moved = np.moveaxis(values, axis, 0)
    count = max(len(moved) - width + 1, 0)
    total = moved[:count].copy()
    for i in range(1, width if count else 0):
        total += moved[i : i + count]
    if mean:
        total /= total.dtype.type(width)
    return np.moveaxis(total, 0, axis)


def _merged(windows: Ragged, *, mean: bool) -> Ragged:
    """Rows of rows, [window, element, (...)]: the elements of each window added place by place."""
    inner = windows.values
    assert isinstance(inner, Ragged)
    lengths = inner.row_lengths()
    longest = np.zeros(len(windows), np.int64)
    of_window = np.repeat(np.arange(len(windows)), windows.row_lengths())
    np.maximum.at(longest, of_window, lengths)
    splits = splits_of(longest)
    place = spread(splits[of_window], splits_of(lengths))  # where each innermost row is added
    if isinstance(inner.values, Ragged):
        order = np.argsort(place, kind="stable")
        counts = splits_of(np.bincount(place, minlength=int(splits[-1])).astype(np.int64))
        groups = Ragged._made(take(inner.values, order), counts)
        return Ragged._made(_merged(groups, mean=mean), splits)
    values = inner.values
    if mean and values.dtype.kind in "iu":
        values = values.astype(np.float64)
    total = np.zeros((int(splits[-1]), *values.shape[1:]), values.dtype)
    np.add.at(total, place, values)
    if mean:
        count = np.bincount(place, minlength=len(total)).astype(total.dtype)
        total /= count.reshape(-1, *[1] * (total.ndim - 1))
    return Ragged._made(total, splits)


def _pad(pad: Any, name: str, like: NDArray[Any] | Strings) -> Data | None:
    """A pad of the data's type."""
    if pad is None:
        return None
    made = data_of(pad, name)
    flat = made.flat_values if isinstance(made, Ragged) else made
    if isinstance(flat, np.ndarray) and not flat.size and isinstance(like, Strings):
        flat = Strings.of([])
    if type(flat) is not type(like):
        raise TextError(f"{name} does not hold what the data hold; give numbers or text like them")
    if isinstance(flat, np.ndarray) and isinstance(like, np.ndarray):
        if flat.size and not np.can_cast(flat.dtype, like.dtype, "same_kind"):
            raise TextError(f"{name} are {flat.dtype}, the data {like.dtype}; give {like.dtype}")
        flat = flat.astype(like.dtype)
    return made.with_flat_values(flat) if isinstance(made, Ragged) else flat


def _padded(data: Data, axis: int, left: Data | None, right: Data | None) -> Data:
    if isinstance(data, np.ndarray):
        return _padded_array(data, axis, left, right)
    if isinstance(data, Ragged) and axis > 1:
        return Ragged._made(_padded(data.values, axis - 1, left, right), data.row_splits)
    if axis == 0:
        return concatenated([part for part in (left, data, right) if part is not None])
    assert isinstance(data, Ragged)
    pads = [part for part in (left, right) if part is not None]
    pool = concatenated([data.values, *pads])
    before, after = (0 if part is None else len(part) for part in (left, right))
    lengths = data.row_lengths()
    splits = splits_of(lengths + before + after)
    at = spread(np.zeros(len(data), np.int64), splits)  # each element's place in its row
    length = np.repeat(lengths, np.diff(splits))
    index = np.repeat(data.row_splits[:-1], np.diff(splits)) + at - before
    index = np.where(at < before, len(data.values) + at, index)
    behind = len(data.values) + at - length
    index = np.where(at >= before + length, behind, index)
    return Ragged._made(take(pool, index), splits)


def _padded_array(
    data: NDArray[Any], axis: int, left: Data | None, right: Data | None
) -> NDArray[Any]:
    parts = [data]
    for name, pad in (("left_pad", left), ("right_pad", right)):
        if pad is None:
            continue
        if not isinstance(pad, np.ndarray) or pad.ndim != data.ndim - axis:
            raise RaggedError(
                f"{name} is no array of {data.ndim - axis} axes; "
                "give one axis of elements, and then the data's inner ones"
            )
        if pad.shape[1:] != data.shape[axis + 1 :]:
            raise RaggedError(
                f"{name} has elements of shape {list(pad.shape[1:])}, "
                f"the data {list(data.shape[axis + 1 :])}; make them equal"
            )
        tiled = np.broadcast_to(pad, (*data.shape[:axis], *pad.shape))
        parts.insert(0 if name == "left_pad" else len(parts), tiled)
    return np.concatenate(parts, axis)
