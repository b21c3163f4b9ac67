"""A Ragged seen as rows of items: what trimmers and selectors keep or drop whole."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError
from homebody.text._ragged import Ragged

Mask = NDArray[np.bool_]


def as_ragged(value: Any, name: str) -> Ragged:
    """A Ragged, nested lists, or an array of two dimensions or more, as Ragged.

    Raises:
        RaggedError: it is none of these.
    """
    if isinstance(value, Ragged):
        return value
    if isinstance(value, np.ndarray) and value.ndim >= 2:
        rows, splits = 1, []
        for size, inner in pairwise(value.shape):
            rows *= size
            splits.append(np.arange(rows + 1, dtype=np.int64) * inner)
        return Ragged(value.reshape(-1), *splits)
    if isinstance(value, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in value):
        return Ragged.from_lists(list(value))
    raise RaggedError(f"{name} is {_described(value)}; give a Ragged or a list of lists")


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return "a list whose elements are not all lists"
    return f"a {type(value).__name__}"


class Items:
    """The sub-arrays at one axis, as items of the rows of axis 0.

    Of [batch, (words), (pieces)], axis 1 has words as items and axis 2 (or -1) pieces.

    Args:
        ragged: what is seen.
        axis: 1 to its ragged rank, or negative from the end.

    Attributes:
        row_splits: int64 [batch + 1]: row i has the items row_splits[i] to row_splits[i + 1] - 1.
        limits: int64 [items + 1]: likewise an item's flat values; None when each is one.

    Raises:
        RaggedError: there is no such axis.
    """

    def __init__(self, ragged: Ragged, axis: int) -> None:
        rank = ragged.ragged_rank
        place = axis + rank + 1 if axis < 0 else axis
        if not 1 <= place <= rank:
            raise RaggedError(f"axis is {axis}; give 1 to {rank}, or -{rank} to -1")
        nested = ragged.nested_row_splits
        self.ragged, self.axis = ragged, place
        self.row_splits = nested[0]
        for splits in nested[1:place]:
            self.row_splits = splits[self.row_splits]
        self.limits: NDArray[np.int64] | None = None
        if place < rank:
            self.limits = nested[place]
            for splits in nested[place + 1 :]:
                self.limits = splits[self.limits]

    @property
    def count(self) -> int:
        """Number of items in all rows."""
        return int(self.row_splits[-1])

    def row_lengths(self) -> NDArray[np.int64]:
        """Items of each row."""
        return np.diff(self.row_splits)

    def all_true(self, flat: Mask) -> Mask:
        """Whether all of an item's flat values are true; of an empty item, they are."""
        if self.limits is None:
            return flat
        false = _before(~flat)[self.limits]
        return np.asarray(np.diff(false) == 0)

    def rank_within_row(self, chosen: Mask) -> NDArray[np.int64]:
        """How many chosen items of its row stand before each item."""
        before = _before(chosen)
        starts = before[self.row_splits[:-1]]
        return before[:-1] - np.repeat(starts, self.row_lengths())

    def chosen_in_row(self, chosen: Mask) -> NDArray[np.int64]:
        """Number of chosen items of each row."""
        return np.diff(_before(chosen)[self.row_splits])

    def spread(self, chosen: Mask) -> Mask:
        """An item's answer for each of its flat values."""
        return chosen if self.limits is None else np.repeat(chosen, np.diff(self.limits))

    def shaped(self, values: NDArray[Any]) -> Ragged:
        """One value an item, in the items' nesting."""
        return Ragged(values, *self.ragged.nested_row_splits[: self.axis])

    def kept(self, chosen: Mask) -> Ragged:
        """The Ragged without the items that are not chosen; outer levels keep their rows."""
        nested = list(self.ragged.nested_row_splits)
        nested[self.axis - 1] = _before(chosen)[nested[self.axis - 1]]
        keep = chosen
        for level in range(self.axis, len(nested)):
            lengths = np.diff(nested[level])
            nested[level] = np.concatenate([[0], np.cumsum(lengths[keep], dtype=np.int64)])
            keep = np.repeat(keep, lengths)
        return Ragged(self.ragged.flat_values[keep], *nested)


def _before(chosen: Mask) -> NDArray[np.int64]:
    """How many are true before each place, and in all: [n + 1]."""
    before = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(chosen, out=before[1:])
    return before
