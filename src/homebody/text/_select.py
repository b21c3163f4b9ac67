"""Choosing items of rows: the first, the last, random ones; those that may not be chosen."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.text._items import Items, Mask, as_ragged
from homebody.text._ragged import Ragged
from homebody.text._random import SELECTING, checked_seed, drawn

Ids = Ragged | Sequence[Sequence[Any]] | NDArray[Any]
"""Rows of ids: Ragged, nested lists, or an array of two dimensions or more."""


class ItemSelector:
    """Selects the items that may be selected; subclasses narrow that down.

    An item is what lies at ``axis``: of [batch, (pieces)] a piece, of [batch, (words), (pieces)]
    with ``axis=1`` a whole word, which may be selected when all its pieces may.

    Args:
        unselectable_ids: ids of items that are never selected, e.g. those of [CLS] and [SEP].

    Example:
        >>> ItemSelector([0]).get_selection_mask([[3, 0, 5], [0]])
        Ragged([[True, False, True], [False]])
    """

    def __init__(self, unselectable_ids: Sequence[int] | NDArray[Any] | None = None) -> None:
        ids = np.asarray([] if unselectable_ids is None else unselectable_ids)
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            raise TextError(
                f"unselectable_ids are {ids.dtype} {list(ids.shape)}; give a list of whole numbers"
            )
        self._unselectable_ids = ids.astype(np.int64)

    @property
    def unselectable_ids(self) -> list[int]:
        """The ids that are never selected."""
        return [int(number) for number in self._unselectable_ids]

    def get_selectable(self, input_ids: Ids, axis: int = 1) -> Ragged:
        """Which items may be selected.

        Args:
            input_ids: rows of ids, nested as deep as wanted.
            axis: whose sub-arrays are the items; 1 to the ragged rank, or negative from the end.

        Returns:
            A Ragged of bool, nested as far as ``axis``.

        Raises:
            RaggedError: there is no such axis, or the ids are no rows.
        """
        items = Items(as_ragged(input_ids, "input_ids"), axis)
        return items.shaped(self._selectable(items))

    def get_selection_mask(self, input_ids: Ids, axis: int = 1) -> Ragged:
        """Which items are selected; arguments, result and errors as in :meth:`get_selectable`."""
        return self.get_selectable(input_ids, axis)

    def _selectable(self, items: Items) -> Mask:
        values = items.ragged.flat_values
        if not self._unselectable_ids.size:
            return np.ones(items.count, np.bool_)
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu":
            raise RaggedError("input_ids are not whole numbers; unselectable_ids need some")
        return items.all_true(~np.isin(values, self._unselectable_ids))


class NothingSelector(ItemSelector):
    """Selects nothing.

    Example:
        >>> NothingSelector().get_selection_mask([[3, 4]])
        Ragged([[False, False]])
    """

    def __init__(self) -> None:
        super().__init__()

    def _selectable(self, items: Items) -> Mask:
        return np.zeros(items.count, np.bool_)


class FirstNItemSelector(ItemSelector):
    """Selects the first items of each row.

    Args:
        num_to_select: how many of a row; or as many numbers as there are rows.
        unselectable_ids: ids of items that are passed over.

    Example:
        >>> FirstNItemSelector(2).get_selection_mask([[1, 2, 3], [5, 6, 7, 8]])
        Ragged([[True, True, False], [True, True, False, False]])
    """

    def __init__(
        self,
        num_to_select: int | NDArray[Any] | Sequence[int],
        unselectable_ids: Sequence[int] | None = None,
    ) -> None:
        super().__init__(unselectable_ids)
        numbers = np.asarray(num_to_select)
        if numbers.dtype.kind not in "iu" or numbers.ndim > 1 or (numbers < 0).any():
            raise TextError(
                f"num_to_select is {num_to_select!r}; give a whole number of 0 or more, "
                "or one a row"
            )
        self._num_to_select = numbers.astype(np.int64)

    def _selectable(self, items: Items) -> Mask:
        chosen = super()._selectable(items)
        return chosen & (items.rank_within_row(chosen) < self._limits(items))

    def _limits(self, items: Items) -> NDArray[np.int64]:
        """How many of its row may stand before an item that is selected, and one more."""
        rows = len(items.row_splits) - 1
        numbers = self._num_to_select
        if numbers.ndim == 1 and len(numbers) != rows:
            raise RaggedError(
                f"num_to_select has {len(numbers)} numbers for {rows} rows; give as many, or one"
            )
        return np.repeat(np.broadcast_to(numbers, rows), items.row_lengths())


class LastNItemSelector(FirstNItemSelector):
    """Selects the last items of each row.

    Args:
        num_to_select: how many of a row; or as many numbers as there are rows.
        unselectable_ids: ids of items that are passed over.

    Example:
        >>> LastNItemSelector(2).get_selection_mask([[1, 2, 3, 4], [5, 6, 7]])
        Ragged([[False, False, True, True], [False, True, True]])
    """

    def _selectable(self, items: Items) -> Mask:
        chosen = ItemSelector._selectable(self, items)
        after = np.repeat(items.chosen_in_row(chosen), items.row_lengths())
        return chosen & (after - items.rank_within_row(chosen) <= self._limits(items))


class RandomItemSelector(ItemSelector):
    """Selects random items of each row.

    Of a row's n selectable items it takes min(ceil(n * selection_rate), max_selections_per_batch),
    every subset as likely as any other. The product is float32's, as TF.Text has it.

    The numbers are counted ones (Philox4x32-7): the item at place i among all items draws the
    first word at counter (i, 0, tick, 16) under the key ``seed``; the smallest words of a row win,
    and of equal ones the first. So a seed and a tick give one selection, in every language.

    Args:
        max_selections_per_batch: the most that are selected of a row.
        selection_rate: the share of a row's selectable items, 0 to 1.
        unselectable_ids: ids of items that are never selected.
        shuffle_fn: shuffles an array of positions [n], instead of counted numbers: TF.Text's own
            way. It is called for each row, which is slow.
        seed: 0 to 2**64 - 1.

    Attributes:
        tick: how often a mask was made, from 0; each call draws anew. Set it to repeat one.

    Raises:
        TextError: an argument is out of range.

    Example:
        >>> selector = RandomItemSelector(2, 0.5, unselectable_ids=[0], seed=1)
        >>> mask = selector.get_selection_mask([[0, 5, 6, 7, 8], [0, 9]])
        >>> [sum(row) for row in mask.to_list()]
        [2, 1]
    """

    def __init__(
        self,
        max_selections_per_batch: int,
        selection_rate: float,
        unselectable_ids: Sequence[int] | None = None,
        shuffle_fn: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(unselectable_ids)
        if not isinstance(max_selections_per_batch, (int, np.integer)) or (
            max_selections_per_batch < 0
        ):
            raise TextError(
                f"max_selections_per_batch is {max_selections_per_batch!r}; give 0 or more"
            )
        if not 0 <= float(selection_rate) <= 1:
            raise TextError(f"selection_rate is {selection_rate!r}; give a share from 0 to 1")
        self._max_selections_per_batch = int(max_selections_per_batch)
        self._selection_rate = selection_rate
        self._shuffle_fn = shuffle_fn
        self._seed = checked_seed(seed)
        self.tick = 0

    @property
    def max_selections_per_batch(self) -> int:
        """The most that are selected of a row."""
        return self._max_selections_per_batch

    @property
    def selection_rate(self) -> float:
        """The share of a row's selectable items."""
        return self._selection_rate

    @property
    def shuffle_fn(self) -> Callable[[NDArray[np.int64]], NDArray[np.int64]] | None:
        """What shuffles instead of counted numbers."""
        return self._shuffle_fn

    def get_selection_mask(self, input_ids: Ids, axis: int = 1) -> Ragged:
        """Which items are selected; arguments, result and errors as in :meth:`get_selectable`."""
        items = Items(as_ragged(input_ids, "input_ids"), axis)
        selectable = np.asarray(self.get_selectable(input_ids, axis).flat_values)
        counts = items.chosen_in_row(selectable)
        wanted = np.ceil(counts.astype(np.float32) * np.float32(self._selection_rate))
        limits = np.minimum(wanted, self._max_selections_per_batch).astype(np.int64)
        places = np.flatnonzero(selectable)
        splits = np.concatenate([[0], np.cumsum(counts)])
        if self._shuffle_fn is None:
            order = self._shuffled(places, counts)
        else:
            rows = (self._shuffle_fn(places[a:b]) for a, b in itertools.pairwise(splits.tolist()))
            order = np.concatenate([places[:0], *rows])
        self.tick = (self.tick + 1) & 0xFFFFFFFF
        within = np.arange(len(places)) - np.repeat(splits[:-1], counts)
        chosen = np.zeros(items.count, np.bool_)
        chosen[order[within < np.repeat(limits, counts)]] = True
        return items.shaped(chosen)

    def _shuffled(self, places: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The places in random order within their rows."""
        count = int(places[-1]) + 1 if len(places) else 0
        words = drawn(self._seed, self.tick, SELECTING, count)[0]
        rows = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
        return places[np.argsort(rows << np.uint64(32) | words[places], kind="stable")]
