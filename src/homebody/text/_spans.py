"""Spans against spans: which overlap, and which one belongs to which."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.text._ragged import Ragged
from homebody.text._rows import Data, data_of, evenly, ragged_of, rank, splits_of, spread


def span_overlaps(
    source_start: Any,
    source_limit: Any,
    target_start: Any,
    target_limit: Any,
    contains: bool = False,
    contained_by: bool = False,
    partial_overlap: bool = False,
) -> Data:
    """Which source spans overlap which target spans.

    Equal spans do; others by choice.

    Args:
        source_start: whole numbers [..., sources], nested lists or Ragged: where spans begin.
        source_limit: likewise: where they end, exclusive.
        target_start: [..., targets], of the same rows.
        target_limit: likewise.
        contains: also where the source contains the target.
        contained_by: also where the target contains the source.
        partial_overlap: also where they have anything in common.

    Returns:
        bool [..., sources, targets]; Ragged where the spans are.

    Raises:
        RaggedError: starts and limits, or the rows of sources and targets, do not fit together.
        TextError: they are not whole numbers.

    Example:
        >>> span_overlaps([0, 10], [5, 15], [0, 11], [5, 14], contains=True).tolist()
        [[True, False], [False, True]]
    """
    spans = _Spans.of(source_start, source_limit, target_start, target_limit)
    return spans.compared(contains, contained_by, partial_overlap)


def span_alignment(
    source_start: Any,
    source_limit: Any,
    target_start: Any,
    target_limit: Any,
    contains: bool = False,
    contained_by: bool = False,
    partial_overlap: bool = False,
    multivalent_result: bool = False,
) -> Data:
    """Which target span belongs to each source span.

    Args:
        source_start: as for :func:`span_overlaps`, and likewise below.
        source_limit: where the sources end.
        target_start: where the targets begin.
        target_limit: where the targets end.
        contains: a target within the source belongs to it.
        contained_by: a target around the source belongs to it.
        partial_overlap: a target that has anything in common with the source belongs to it.
        multivalent_result: give all that belong, instead of the last one.

    Returns:
        int64 [..., sources]: the last target that belongs, -1 where none does; Ragged where the
        spans are. With ``multivalent_result`` a Ragged [..., sources, (targets)].

    Raises:
        RaggedError: starts and limits, or the rows of sources and targets, do not fit together.
        TextError: they are not whole numbers.

    Example:
        >>> span_alignment([0, 10, 20], [5, 15, 25], [0, 11, 13], [5, 12, 15], contains=True)
        array([ 0,  2, -1])
        >>> span_alignment([0, 10, 20], [5, 15, 25], [0, 11, 13], [5, 12, 15], contains=True,
        ...                multivalent_result=True)
        Ragged([[0], [1, 2], []])
    """
    spans = _Spans.of(source_start, source_limit, target_start, target_limit)
    overlaps = spans.compared(contains, contained_by, partial_overlap)
    if isinstance(overlaps, Ragged):
        return _aligned(overlaps, multivalent_result)
    assert isinstance(overlaps, np.ndarray)
    if multivalent_result:
        return _listed(overlaps)
    targets = overlaps.shape[-1]
    if not targets:
        return np.full(overlaps.shape[:-1], -1, np.int64)
    last = targets - 1 - overlaps[..., ::-1].argmax(-1)
    return np.where(overlaps.any(-1), last, -1)


class _Spans(NamedTuple):
    """Sources and targets: arrays [..., n], or Ragged all."""

    start: Data
    limit: Data
    other_start: Data
    other_limit: Data

    @classmethod
    def of(cls, start: Any, limit: Any, other_start: Any, other_limit: Any) -> _Spans:
        """The four as one kind of data.

        Raises:
            RaggedError: they have different axes or rows.
            TextError: they are not whole numbers.
        """
        names = ("source_start", "source_limit", "target_start", "target_limit")
        parts = zip((start, limit, other_start, other_limit), names, strict=True)
        given = [_whole(data_of(part, name), name) for part, name in parts]
        if len({rank(part) for part in given}) > 1 or not rank(given[0]):
            axes = ", ".join(str(rank(part)) for part in given)
            raise RaggedError(f"the spans have {axes} axes; give as many of all four")
        if any(isinstance(part, Ragged) for part in given):
            given = [_ragged(part, name) for part, name in zip(given, names, strict=True)]
        for i in (0, 2):
            if not _alike(given[i], given[i + 1]):
                raise RaggedError(
                    f"{names[i]} and {names[i + 1]} have different shapes; give both of each span"
                )
        made = cls(*given)
        made._check_rows()
        return made

    def _check_rows(self) -> None:
        mine, theirs = self.start, self.other_start
        if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
            same = mine.shape[:-1] == theirs.shape[:-1]
        else:
            assert isinstance(mine, Ragged)
            assert isinstance(theirs, Ragged)
            outer, others = mine.nested_row_splits[:-1], theirs.nested_row_splits[:-1]
            same = len(outer) == len(others) and all(map(np.array_equal, outer, others))
            same = same and len(mine.nested_row_splits[-1]) == len(theirs.nested_row_splits[-1])
        if not same:
            raise RaggedError("sources and targets have different rows; give as many of both")

    def compared(self, contains: bool, contained_by: bool, partial_overlap: bool) -> Data:
        """bool, each source with each target of its row."""
        for name, value in (("contains", contains), ("contained_by", contained_by),
                            ("partial_overlap", partial_overlap)):  # fmt: skip
            if not isinstance(value, (bool, np.bool_)):
                raise TextError(f"{name} is a {type(value).__name__}; give True or False")
        if not isinstance(self.start, Ragged):
            start, limit = (np.asarray(part)[..., :, None] for part in self[:2])
            other, other_limit = (np.asarray(part)[..., None, :] for part in self[2:])
            return _overlap(
                start, limit, other, other_limit, contains, contained_by, partial_overlap
            )
        assert isinstance(self.other_start, Ragged)
        rows, others = self.start.nested_row_splits[-1], self.other_start.nested_row_splits[-1]
        lengths, widths = np.diff(rows), np.diff(others)
        of_source = np.repeat(widths, lengths)  # how many targets each source is compared with
        inner = splits_of(of_source)
        source = np.repeat(np.arange(len(of_source)), of_source)
        target = spread(np.repeat(others[:-1], lengths), inner)
        flat = [part.flat_values for part in self if isinstance(part, Ragged)]
        found = _overlap(flat[0][source], flat[1][source], flat[2][target], flat[3][target],
                         contains, contained_by, partial_overlap)  # fmt: skip
        return self.start.with_flat_values(Ragged._made(found, inner))


def _overlap(
    start: NDArray[Any], limit: NDArray[Any], other: NDArray[Any], other_limit: NDArray[Any],
    contains: bool, contained_by: bool, partial: bool,
) -> NDArray[np.bool_]:  # fmt: skip
    if partial:
        before = (start <= other) & (other < limit)
        return np.asarray(before | ((other <= start) & (start < other_limit)))
    found = (start == other) & (limit == other_limit)
    if contains:
        found = found | ((start <= other) & (other_limit <= limit))
    if contained_by:
        found = found | ((other <= start) & (limit <= other_limit))
    return np.asarray(found)


def _aligned(overlaps: Ragged, multivalent: bool) -> Ragged:
    """Ragged bool [..., (sources), (targets)] as indices."""
    *outer, rows, inner = overlaps.nested_row_splits
    at = np.flatnonzero(overlaps.flat_values)
    source = np.searchsorted(inner, at, "right") - 1
    target = at - inner[source]
    if multivalent:
        counts = np.bincount(source, minlength=len(inner) - 1).astype(np.int64)
        return Ragged(target, *outer, rows, splits_of(counts))
    last = np.full(len(inner) - 1, -1, np.int64)
    last[source] = target  # ascending, so the last one stays
    return Ragged(last, *outer, rows)


def _listed(overlaps: NDArray[np.bool_]) -> Ragged:
    """bool [..., sources, targets] as a Ragged of indices."""
    shape = overlaps.shape[:-1]
    found = Ragged._made(np.nonzero(overlaps)[-1], splits_of(overlaps.sum(-1).ravel()))
    for axis in range(len(shape) - 1, 0, -1):
        found = evenly(found, shape[axis], int(np.prod(shape[:axis])))
    return found


def _whole(data: Data, name: str) -> Data:
    flat = data.flat_values if isinstance(data, Ragged) else data
    if isinstance(flat, np.ndarray) and (flat.dtype.kind in "iu" or not flat.size):
        if flat.dtype.kind in "iu":
            return data
        flat = flat.astype(np.int64)
        return data.with_flat_values(flat) if isinstance(data, Ragged) else flat
    kind = flat.dtype if isinstance(flat, np.ndarray) else "text"
    raise TextError(f"{name} is {kind}; give whole numbers")


def _ragged(data: Data, name: str) -> Ragged:
    found = ragged_of(data, name)
    while isinstance(found.flat_values, np.ndarray) and found.flat_values.ndim > 1:
        flat = found.flat_values
        found = found.with_flat_values(ragged_of(flat, name))
    return found


def _alike(a: Data, b: Data) -> bool:
    if isinstance(a, Ragged) and isinstance(b, Ragged):
        mine, theirs = a.nested_row_splits, b.nested_row_splits
        return len(mine) == len(theirs) and all(map(np.array_equal, mine, theirs))
    return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape == b.shape
