"""What arrays, Strings and Ragged have in common: rows that are taken, joined and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.kernels import texts
from homebody.text._ragged import Ragged
from homebody.text._strings import Strings

Data: TypeAlias = "NDArray[Any] | Strings | Ragged"


def data_of(source: Any, name: str = "data") -> Data:
    """Whatever holds numbers or strings as an array, Strings or Ragged.

    Nested lists become an array where they are all of one length and hold numbers, else Ragged;
    so does a list of arrays of different lengths. Arrays of strings become Strings, or Ragged
    ones where they have several axes.

    Raises:
        TextError: it is neither numbers nor text.
    """
    if isinstance(source, (Ragged, Strings)):
        return source
    if isinstance(source, (list, tuple)):
        return _of_lists(source, name)
    if type(source).__module__.startswith("pyarrow"):
        return _of_arrow(source)
    if hasattr(source, "nested_row_splits"):
        return Ragged.from_tf(source)
    if not hasattr(source, "__array__"):
        raise TextError(
            f"{name} is a {type(source).__name__}; give an array, nested lists, Strings or Ragged"
        )
    array = np.asarray(source)
    if array.dtype.kind in "biufc":
        return array
    return _uniform(Strings.of(array.reshape(-1)), array.shape)


def _of_lists(source: Sequence[Any], name: str) -> Data:
    if source and all(isinstance(part, np.ndarray) for part in source):
        parts = [np.asarray(part) for part in source]
        if len({part.shape for part in parts}) == 1:
            return data_of(np.stack(parts), name)
        if len({part.shape[1:] for part in parts}) > 1 or parts[0].ndim == 0:
            raise RaggedError(
                f"{name} are arrays of shapes that differ past the first axis; make those equal"
            )
        return Ragged.from_row_lengths(
            data_of(np.concatenate(parts), name), [len(part) for part in parts]
        )
    flat: Any = source
    while isinstance(flat, (list, tuple)):
        flat = next((part for part in flat if not _empty(part)), None)
    if isinstance(flat, (str, bytes)):
        if isinstance(source[0], (list, tuple)):
            return Ragged.from_lists(source)
        return Strings.of(source)
    try:
        return np.asarray(source)
    except ValueError:  # not all of one length
        return Ragged.from_lists(source)


def _empty(part: Any) -> bool:
    return isinstance(part, (list, tuple)) and all(map(_empty, part))


def _of_arrow(source: Any) -> Data:
    kind = str(source.type)
    if kind.startswith(("list", "large_list")):
        return Ragged.from_arrow(source)
    if "string" in kind or "binary" in kind:
        return Strings.of(source)
    return np.asarray(source)


def _uniform(values: Data, shape: tuple[int, ...]) -> Data:
    """Flat values as Ragged whose rows are as long as an array's of that shape."""
    for axis in range(len(shape) - 1, 0, -1):
        values = evenly(values, shape[axis], int(np.prod(shape[:axis])))
    return values


def evenly(values: Data, width: int, rows: int) -> Ragged:
    """Ragged rows of one length."""
    return Ragged._made(values, np.arange(rows + 1, dtype=np.int64) * width)


def rank(data: Data) -> int:
    """Number of axes."""
    if isinstance(data, Ragged):
        return data.ragged_rank + rank(data.flat_values)
    return data.ndim if isinstance(data, np.ndarray) else 1


def checked_axis(axis: int, data: Data) -> int:
    """The axis counted from the front.

    Raises:
        TextError: there is no such axis.
    """
    axes = rank(data)
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise TextError(f"axis is a {type(axis).__name__}; give a whole number")
    if not -axes <= axis < axes:
        raise TextError(f"axis is {axis}; data has {axes}, give {-axes} to {axes - 1}")
    return int(axis) % axes


def ragged_of(data: Data, name: str) -> Ragged:
    """The same with at least two axes, the outermost ragged.

    Raises:
        RaggedError: it has one axis alone.
    """
    if isinstance(data, Ragged):
        return data
    if rank(data) < 2:
        raise RaggedError(f"{name} has one axis; give rows")
    assert isinstance(data, np.ndarray)
    return evenly(data.reshape(-1, *data.shape[2:]), data.shape[1], data.shape[0])


def take(data: Data, index: NDArray[np.int64]) -> Data:
    """The rows at an array's indices."""
    if not isinstance(data, Ragged):
        return data[index]
    first, lengths = data.row_splits[index], data.row_lengths()[index]
    splits = splits_of(lengths)
    return Ragged._made(take(data.values, spread(first, splits)), splits)


def splits_of(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row splits of rows so long."""
    splits = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=splits[1:])
    return splits


def spread(first: NDArray[np.int64], splits: NDArray[np.int64]) -> NDArray[np.int64]:
    """first[i], first[i] + 1, ... as often as row i is long, for all rows."""
    return np.arange(splits[-1]) + np.repeat(first - splits[:-1], np.diff(splits))


def concatenated(parts: Sequence[Data]) -> Data:
    """Rows of all parts, one after another.

    Raises:
        RaggedError: the parts differ in kind, in their axes, or in what lies within a row.
    """
    first = parts[0]
    if not all(type(part) is type(first) and rank(part) == rank(first) for part in parts):
        shapes = ", ".join(f"{type(part).__name__} of {rank(part)} axes" for part in parts)
        raise RaggedError(f"parts to be joined are {shapes}; give all of one kind")
    if isinstance(first, Strings):
        spans = np.concatenate([part.spans() for part in parts if isinstance(part, Strings)])
        return Strings._made(*texts.join(spans))
    if isinstance(first, np.ndarray):
        arrays = [part for part in parts if isinstance(part, np.ndarray)]
        try:
            return np.concatenate(arrays)
        except ValueError:
            raise RaggedError(
                f"rows to be joined have the shapes "
                f"{', '.join(str(list(part.shape[1:])) for part in arrays)}; make them equal"
            ) from None
    ragged = [part for part in parts if isinstance(part, Ragged)]
    lengths = np.concatenate([part.row_lengths() for part in ragged])
    return Ragged._made(concatenated([part.values for part in ragged]), splits_of(lengths))
