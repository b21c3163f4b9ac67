"""Nested lists of different lengths as flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError
from homebody.text._strings import Strings, installed

Values = Any
"""An ndarray, Strings or another Ragged."""


class Ragged:
    """Rows of different lengths: row i is ``values[row_splits[i]:row_splits[i + 1]]``.

    Args:
        values: an array [n, ...], Strings, or another Ragged for deeper nesting. A list of
            numbers or of strings becomes an array or Strings.
        row_splits: int64 [rows + 1], ascending from 0 to len(values). Several, outermost first,
            make as many levels.

    Attributes:
        values: as given, below the outermost level.
        row_splits: int64 [rows + 1].

    Raises:
        RaggedError: the row splits do not fit the values.

    Example:
        >>> ragged = Ragged([1, 2, 3], [0, 2, 2, 3])
        >>> ragged
        Ragged([[1, 2], [], [3]])
        >>> ragged[0].tolist(), len(ragged), ragged.row_lengths().tolist()
        ([1, 2], 3, [2, 0, 1])
        >>> Ragged(Strings.of(["a", "b", "c"]), [0, 2], [0, 2, 3]).to_list()
        [[['a', 'b'], ['c']]]
    """

    __slots__ = ("row_splits", "values")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Values, *row_splits: NDArray[np.int64] | Sequence[int]) -> None:
        if not row_splits:
            raise RaggedError("a Ragged has no row splits; give those of at least one level")
        if len(row_splits) > 1:
            values = Ragged(values, *row_splits[1:])
        if not isinstance(values, (np.ndarray, Strings, Ragged)):
            values = _flat(list(values))
        splits = np.asarray(row_splits[0])
        if not (splits.ndim == 1 and splits.size and splits.dtype.kind in "iu"):
            raise RaggedError(
                f"row splits are {splits.dtype} {list(splits.shape)}; give whole numbers [rows + 1]"
            )
        splits = splits.astype(np.int64, copy=False)
        if splits[0] != 0 or splits[-1] != len(values) or (np.diff(splits) < 0).any():
            raise RaggedError(
                f"row splits do not ascend from 0 to the {len(values)} values; "
                "give row i's beginning, and the last one's end"
            )
        self.values, self.row_splits = values, splits

    @classmethod
    def _made(cls, values: Values, row_splits: NDArray[np.int64]) -> Ragged:
        """Without the checks, for what a kernel has just written."""
        made = object.__new__(cls)
        made.values, made.row_splits = values, row_splits
        return made

    @classmethod
    def from_row_lengths(
        cls, values: Values, row_lengths: NDArray[np.int64] | Sequence[int]
    ) -> Ragged:
        """Rows of given lengths, one after another.

        Example:
            >>> Ragged.from_row_lengths([1, 2, 3], [2, 0, 1])
            Ragged([[1, 2], [], [3]])
        """
        return cls(values, np.concatenate([[0], np.cumsum(row_lengths, dtype=np.int64)]))

    @classmethod
    def from_lists(cls, nested: Sequence[Any], dtype: Any = None) -> Ragged:
        """Nested lists of numbers or strings, all at one depth.

        Args:
            nested: a list of lists (of lists ...).
            dtype: of the numbers; numpy's choice by default, int64 when there are none.

        Raises:
            RaggedError: some are deeper than others.

        Example:
            >>> Ragged.from_lists([[["a"], []], []]).nested_row_splits
            (array([0, 2, 2]), array([0, 1, 1]))
        """
        levels, level = [], list(nested)
        while True:
            if not all(isinstance(row, (list, tuple)) for row in level):
                raise RaggedError("lists are nested to different depths; give all at one depth")
            levels.append(np.cumsum([0, *map(len, level)], dtype=np.int64))
            level = [value for row in level for value in row]
            if not any(isinstance(value, (list, tuple)) for value in level):
                return cls(_flat(level, dtype), *levels)

    @property
    def ragged_rank(self) -> int:
        """Number of levels of row splits."""
        return 1 + (self.values.ragged_rank if isinstance(self.values, Ragged) else 0)

    @property
    def flat_values(self) -> Values:
        """The innermost values: an array or Strings."""
        return self.values.flat_values if isinstance(self.values, Ragged) else self.values

    @property
    def nested_row_splits(self) -> tuple[NDArray[np.int64], ...]:
        """Every level's row splits, outermost first."""
        inner = self.values.nested_row_splits if isinstance(self.values, Ragged) else ()
        return (self.row_splits, *inner)

    def row_lengths(self) -> NDArray[np.int64]:
        """Each row's length: int64 [rows]."""
        return np.diff(self.row_splits)

    def with_values(self, values: Values) -> Ragged:
        """Other values in the same rows.

        Raises:
            RaggedError: there are more or fewer than before.
        """
        return Ragged(values, self.row_splits)

    def with_flat_values(self, values: Values) -> Ragged:
        """Other innermost values in the same rows."""
        if isinstance(self.values, Ragged):
            values = self.values.with_flat_values(values)
        return Ragged(values, self.row_splits)

    def merge_dims(self, outer: int, inner: int) -> Values:
        """Join the axes ``outer`` to ``inner`` into one; axis 0 is the rows.

        Raises:
            RaggedError: these are not two of its ragged axes, in order.

        Example:
            >>> words = Ragged.from_lists([[[1, 2], [3]], [[4]]])
            >>> words.merge_dims(1, 2)
            Ragged([[1, 2, 3], [4]])
            >>> words.merge_dims(0, 1)
            Ragged([[1, 2], [3], [4]])
        """
        rank = self.ragged_rank + 1
        first, last = (axis + rank if axis < 0 else axis for axis in (outer, inner))
        if not 0 <= first < last < rank:
            raise RaggedError(
                f"the axes {outer} and {inner} are not two of the {rank} ragged ones, "
                "in order; give those to join"
            )
        if first == 0:
            return self.values if last == 1 else self.values.merge_dims(0, last - 1)
        if first > 1:
            return Ragged._made(self.values.merge_dims(first - 1, last - 1), self.row_splits)
        merged = Ragged._made(self.values.values, self.values.row_splits[self.row_splits])
        return merged if last == 2 else merged.merge_dims(1, last - 1)

    def __len__(self) -> int:
        return len(self.row_splits) - 1

    def __getitem__(self, index: Any) -> Values:
        """A row; or a Ragged of a slice's rows, which share memory."""
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step != 1:
                raise RaggedError(f"a slice's step is {step}; rows are sliced with a step of 1")
            splits = self.row_splits[first : max(first, last) + 1]
            return Ragged._made(self.values[int(splits[0]) : int(splits[-1])], splits - splits[0])
        i = range(len(self))[index]
        return self.values[int(self.row_splits[i]) : int(self.row_splits[i + 1])]

    def __iter__(self) -> Iterator[Values]:
        return (self[i] for i in range(len(self)))

    def to_list(self) -> list[Any]:
        """Nested lists of Python's numbers or str.

        Raises:
            MalformedTextError: a string is not UTF-8.
        """
        values = self.values
        flat = values.tolist() if isinstance(values, np.ndarray) else values.to_list()
        at = self.row_splits.tolist()
        return [flat[a:b] for a, b in pairwise(at)]

    def equals(self, other: object) -> bool:
        """Whether the other has equal values in equal rows."""
        if not (isinstance(other, Ragged) and np.array_equal(self.row_splits, other.row_splits)):
            return False
        mine, theirs = self.values, other.values
        if isinstance(mine, np.ndarray):
            return isinstance(theirs, np.ndarray) and bool(np.array_equal(mine, theirs))
        return type(mine) is type(theirs) and bool(mine == theirs)

    def __eq__(self, other: object) -> bool:
        return self.equals(other) if isinstance(other, Ragged) else NotImplemented

    def __repr__(self) -> str:
        rows = ", ".join(repr(row) for row in self[:6].to_list())
        return f"Ragged([{rows}{', …' if len(self) > 6 else ''}])"

    def to_padded(
        self, value: Any = 0, width: int | None = None
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """A dense array and the mask of what is real in it.

        Args:
            value: what fills rows up.
            width: of the dense array: longer rows are cut. The longest row's by default.

        Returns:
            The values [rows, width, ...], and bool [rows, width].

        Raises:
            RaggedError: there are deeper levels, or the values are Strings.

        Example:
            >>> dense, mask = Ragged([1, 2, 3], [0, 2, 3]).to_padded()
            >>> dense.tolist(), mask.tolist()
            ([[1, 2], [3, 0]], [[True, True], [True, False]])
        """
        values = self.values
        if not isinstance(values, np.ndarray):
            raise RaggedError(
                f"the values are {type(values).__name__}; padding takes one level of numbers "
                "(merge_dims joins levels)"
            )
        lengths = self.row_lengths()
        if width is None:
            width = int(lengths.max(initial=0))
        if width < 0:
            raise RaggedError(f"width is {width}; give 0 or more")
        mask = np.arange(width) < lengths[:, None]
        dense = np.full((len(self), width, *values.shape[1:]), value, values.dtype)
        if (lengths <= width).all():
            dense[mask] = values
        else:
            kept = np.arange(len(values)) - np.repeat(self.row_splits[:-1], lengths) < width
            dense[mask] = values[kept]
        return dense, mask

    def to_arrow(self) -> Any:
        """A ``pyarrow.LargeListArray`` over the same memory.

        Raises:
            TextError: pyarrow is not installed.
        """
        arrow = installed("pyarrow")
        values = self.values
        inner = arrow.array(values) if isinstance(values, np.ndarray) else values.to_arrow()
        offsets = arrow.Array.from_buffers(
            arrow.int64(), len(self.row_splits), [None, arrow.py_buffer(self.row_splits)]
        )
        return arrow.LargeListArray.from_arrays(offsets, inner)

    @classmethod
    def from_arrow(cls, array: Any) -> Ragged:
        """An Arrow list or large list array, nested or not, as Ragged over its memory.

        Raises:
            RaggedError: it is no list array, or has nulls.
        """
        arrow = installed("pyarrow")
        if isinstance(array, arrow.ChunkedArray):
            array = arrow.concat_arrays(array.chunks)
        if not (arrow.types.is_list(array.type) or arrow.types.is_large_list(array.type)):
            raise RaggedError(f"an Arrow array is {array.type}; give list or large_list")
        if array.null_count:
            raise RaggedError("an Arrow array has nulls; fill or drop them")
        splits = array.offsets.to_numpy().astype(np.int64, copy=False)
        inner = array.values[int(splits[0]) : int(splits[-1])]
        if splits[0]:
            splits = splits - splits[0]
        kind = inner.type
        if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
            return cls(cls.from_arrow(inner), splits)
        if arrow.types.is_integer(kind) or arrow.types.is_floating(kind):
            if inner.null_count:
                raise RaggedError("an Arrow array's values have nulls; fill or drop them")
            return cls(inner.to_numpy(), splits)
        return cls(Strings.of(inner, malformed="keep"), splits)

    def to_awkward(self) -> Any:
        """An ``awkward.Array`` over the same memory.

        Raises:
            TextError: awkward is not installed.
        """
        awkward = installed("awkward")
        return awkward.Array(self._awkward(awkward.contents, awkward.index))

    def _awkward(self, contents: Any, index: Any) -> Any:
        values = self.values
        if isinstance(values, Ragged):
            inner = values._awkward(contents, index)
        elif isinstance(values, Strings):
            inner = contents.ListOffsetArray(
                index.Index64(values.offsets),
                contents.NumpyArray(values.data, parameters={"__array__": "char"}),
                parameters={"__array__": "string"},
            )
        else:
            inner = contents.NumpyArray(values)
        return contents.ListOffsetArray(index.Index64(self.row_splits), inner)

    def to_tf(self) -> Any:
        """A ``tf.RaggedTensor``; strings become a tensor of them.

        Raises:
            TextError: TensorFlow is not installed.
        """
        tensorflow = installed("tensorflow")
        flat = self.flat_values
        flat = flat if isinstance(flat, np.ndarray) else flat.to_bytes_list()
        if not isinstance(flat, np.ndarray):
            flat = tensorflow.constant(flat, tensorflow.string, shape=[len(flat)])
        return tensorflow.RaggedTensor.from_nested_row_splits(flat, self.nested_row_splits)

    @classmethod
    def from_tf(cls, tensor: Any) -> Ragged:
        """A ``tf.RaggedTensor`` as Ragged."""
        flat = tensor.flat_values.numpy()
        if flat.dtype == object:
            flat = Strings.of(flat, malformed="keep")
        splits = (level.numpy().astype(np.int64) for level in tensor.nested_row_splits)
        return cls(flat, *splits)

    def to_torch(self) -> Any:
        """A ``torch.nested`` tensor (layout jagged) over the same memory.

        Raises:
            TextError: PyTorch is not installed.
            RaggedError: there are deeper levels, or the values are Strings.
        """
        torch = installed("torch")
        if not isinstance(self.values, np.ndarray):
            raise RaggedError(
                f"the values are {type(self.values).__name__}; torch.nested takes one level of "
                "numbers (merge_dims joins levels)"
            )
        return torch.nested.nested_tensor_from_jagged(
            torch.from_numpy(self.values), torch.from_numpy(self.row_splits)
        )


def _flat(values: list[Any], dtype: Any = None) -> NDArray[Any] | Strings:
    """Innermost values of lists as an array or Strings."""
    if values and all(isinstance(value, (str, bytes)) for value in values):
        return Strings.of(values)
    try:
        array = np.asarray(values, dtype if values or dtype else np.int64)
    except (ValueError, TypeError, OverflowError):
        array = np.empty(0, object)
    if array.dtype.kind not in "biufc":
        raise RaggedError("values are of different kinds; give all numbers or all text")
    return array
