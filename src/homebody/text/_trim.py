"""Cutting segments so that together they fit a model's input."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.text._items import Items, as_ragged
from homebody.text._ragged import Ragged
from homebody.text._rows import splits_of, spread, take
from homebody.text._select import Ids

Lengths = NDArray[np.int64]


class Trimmer(abc.ABC):
    """Cuts segments at their ends so that a row's segments together keep to a length.

    Args:
        max_seq_length: the most items of a row in all segments together; for
            :class:`WaterfallTrimmer` also as many numbers as there are rows.
        axis: whose sub-arrays are counted and kept or dropped whole; -1: the innermost.

    Raises:
        TextError: the length is negative or no whole number.
    """

    def __init__(
        self, max_seq_length: int | Sequence[int] | NDArray[np.integer], axis: int = -1
    ) -> None:
        lengths = np.asarray(max_seq_length)
        if lengths.dtype.kind not in "iu" or lengths.ndim > self._most_dimensions:
            raise TextError(
                f"max_seq_length is {max_seq_length!r}; give a whole number of 0 or more"
                + (", or one a row" if self._most_dimensions else "")
            )
        if (lengths < 0).any():
            raise TextError(f"max_seq_length is {max_seq_length!r}; give 0 or more")
        self._max_seq_length = lengths.astype(np.int64).reshape(-1)
        self._axis = axis

    _most_dimensions = 0

    def trim(self, segments: Sequence[Ids]) -> list[Ragged]:
        """The segments without what does not fit.

        Args:
            segments: rows of ids or of strings; equally many rows in each.

        Returns:
            As many Ragged, nested as they were, in their order.

        Raises:
            RaggedError: there are no segments, or their rows differ in number.
        """
        items, budgets = self._allocated(segments)
        return [_cut(item, budget) for item, budget in zip(items, budgets.T, strict=True)]

    def generate_mask(self, segments: Sequence[Ids]) -> list[Ragged]:
        """What :meth:`trim` keeps: for each segment a Ragged of bool; True is kept.

        Nested as the segment, as far as ``axis``. Arguments and errors as in :meth:`trim`.
        """
        items, budgets = self._allocated(segments)
        return [
            item.shaped(_first(item, budget)) for item, budget in zip(items, budgets.T, strict=True)
        ]

    def _allocated(self, segments: Sequence[Ids]) -> tuple[list[Items], Lengths]:
        """Each segment's items, and how many of them each row keeps: [rows, segments]."""
        if not len(segments):
            raise RaggedError("there are no segments; give at least one")
        items = [
            Items(as_ragged(segment, f"segment {i}"), self._axis)
            for i, segment in enumerate(segments)
        ]
        rows = {len(item.ragged) for item in items}
        if len(rows) > 1:
            raise RaggedError(f"segments have {sorted(rows)} rows; give equally many in each")
        most = self._max_seq_length
        if len(most) not in (1, *rows):
            raise RaggedError(
                f"max_seq_length has {len(most)} numbers for {rows.pop()} rows; give as many"
            )
        lengths = np.stack([item.row_lengths() for item in items], axis=1)
        return items, self._allocate(lengths, np.broadcast_to(most, len(lengths)))

    @abc.abstractmethod
    def _allocate(self, lengths: Lengths, most: Lengths) -> Lengths:
        """How many items of ``lengths`` [rows, segments] are kept, at most ``most`` [rows]."""


class WaterfallTrimmer(Trimmer):
    """Fills the length from the first segment on; the last ones get what is left.

    A length of 5 for segments of 3, 4 and 2 items keeps 3, 2 and 0.

    Example:
        >>> a, b = [["a", "b", "c"], [], ["d"]], [["1", "2", "3"], [], ["4", "5", "6", "7"]]
        >>> WaterfallTrimmer(4).trim([a, b])
        [Ragged([['a', 'b', 'c'], [], ['d']]), Ragged([['1'], [], ['4', '5', '6']])]
    """

    _most_dimensions = 2

    def _allocate(self, lengths: Lengths, most: Lengths) -> Lengths:
        left = most[:, None] - (np.cumsum(lengths, axis=1) - lengths)
        return np.clip(left, 0, lengths)


class RoundRobinTrimmer(Trimmer):
    """Gives each segment one item in turn until the length is used up.

    A length of 5 for segments of 3, 4 and 2 items keeps 2, 2 and 1.

    Example:
        >>> [part.to_list() for part in RoundRobinTrimmer(5).trim([[[1, 2, 3]], [[4, 5, 6, 7]]])]
        [[[1, 2, 3]], [[4, 5]]]
    """

    def _allocate(self, lengths: Lengths, most: Lengths) -> Lengths:
        level, left = _level(lengths, most)
        longer = lengths > level[:, None]
        turn = np.cumsum(longer, axis=1)
        return np.minimum(lengths, level[:, None]) + (longer & (turn <= left[:, None]))


class ShrinkLongestTrimmer(Trimmer):
    """Takes one item from the longest segment, the first of equally long ones, until all fit.

    A length of 7 for segments of 3, 4 and 4 items keeps 2, 2 and 3.

    Example:
        >>> [part.to_list() for part in ShrinkLongestTrimmer(4).trim([[[1, 2, 3, 4]], [[5]]])]
        [[[1, 2, 3]], [[5]]]
    """

    def _allocate(self, lengths: Lengths, most: Lengths) -> Lengths:
        level, left = _level(lengths, most)
        longer = lengths > level[:, None]
        turn = np.cumsum(longer[:, ::-1], axis=1)[:, ::-1]
        return np.minimum(lengths, level[:, None]) + (longer & (turn <= left[:, None]))


def _cut(items: Items, budget: Lengths) -> Ragged:
    """The Ragged with the first ``budget`` items of each row alone."""
    ragged = items.ragged
    if ragged.ragged_rank > 1:
        return items.kept(_first(items, budget))
    splits = splits_of(budget)
    return Ragged(take(ragged.values, spread(ragged.row_splits[:-1], splits)), splits)


def _first(items: Items, budget: Lengths) -> NDArray[np.bool_]:
    """The first ``budget`` items of each row."""
    lengths = items.row_lengths()
    place = np.arange(items.count) - np.repeat(items.row_splits[:-1], lengths)
    return place < np.repeat(budget, lengths)


def _level(lengths: Lengths, most: Lengths) -> tuple[Lengths, Lengths]:
    """The length that all longer segments are cut to, and how many of them keep one item more.

    Sorted, the segments that fit whole come first: m of them do when they and m times the last
    one's length for the others keep to the length. What is left is divided among the others.
    """
    ordered = np.sort(lengths, axis=1)
    count = lengths.shape[1]
    summed = np.cumsum(ordered, axis=1)
    others = np.arange(count - 1, -1, -1)
    whole = (summed + others * ordered <= most[:, None]).sum(axis=1)
    rows = np.arange(len(lengths))
    used = np.where(whole > 0, summed[rows, np.maximum(whole, 1) - 1], 0)
    sharing = np.maximum(count - whole, 1)
    cut = whole < count
    level = np.where(cut, (most - used) // sharing, ordered[:, -1])
    return level, np.where(cut, (most - used) % sharing, 0)
