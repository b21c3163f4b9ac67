"""Segments put together to a model's input, and filled up to one width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.text._items import as_ragged
from homebody.text._ragged import Ragged
from homebody.text._rows import concatenated, splits_of, spread, take
from homebody.text._select import Ids


def combine_segments(
    segments: Sequence[Ids], start_of_sequence_id: int, end_of_segment_id: int
) -> tuple[Ragged, Ragged]:
    """Segments as one sequence a row, with special ids: [CLS] a [SEP] b [SEP].

    Args:
        segments: rows of ids, int32 or int64, equally many rows and equally nested.
        start_of_sequence_id: put before the first segment.
        end_of_segment_id: put after every segment.

    Returns:
        The combined ids, and for each the number of its segment from 0 on (0 for the first id;
        an ending counts to its segment), as Ragged of the ids' dtype.

    Raises:
        RaggedError: there are no segments, or they differ in rows, nesting or dtype.
        TextError: a special id does not fit the dtype.

    Source: Devlin, Chang, Lee and Toutanova, "BERT: Pre-training of Deep Bidirectional
    Transformers for Language Understanding", NAACL 2019.

    Example:
        >>> ids, kinds = combine_segments([[[1, 2], [3]], [[10], [20, 30]]], 101, 102)
        >>> ids
        Ragged([[101, 1, 2, 102, 10, 102], [101, 3, 102, 20, 30, 102]])
        >>> kinds
        Ragged([[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]])
    """
    parts = _checked(segments)
    dtype = parts[0].flat_values.dtype
    bounds = np.iinfo(dtype)
    for name, number in (
        ("start_of_sequence_id", start_of_sequence_id),
        ("end_of_segment_id", end_of_segment_id),
    ):
        if not isinstance(number, (int, np.integer)) or not bounds.min <= number <= bounds.max:
            raise TextError(f"{name} is {number!r}; give an id that {dtype} holds")
    special = [_each_row(number, parts[0]) for number in (start_of_sequence_id, end_of_segment_id)]
    pieces, kinds = [special[0]], [0]
    for i, part in enumerate(parts):
        pieces += [part, special[1]]
        kinds += [i, i]
    return _side_by_side(pieces), _side_by_side(_numbered(pieces, kinds))


def concatenate_segments(segments: Sequence[Ids]) -> tuple[Ragged, Ragged]:
    """Segments as one sequence a row, as they are.

    Args:
        segments: rows of ids, int32 or int64, equally many rows and equally nested.

    Returns:
        The ids, and for each the number of its segment from 0 on.

    Raises:
        RaggedError: there are no segments, or they differ in rows, nesting or dtype.

    Example:
        >>> ids, kinds = concatenate_segments([[[1, 2], [3]], [[10], [20, 30]]])
        >>> ids.to_list(), kinds.to_list()
        ([[1, 2, 10], [3, 20, 30]], [[0, 0, 1], [0, 1, 1]])
    """
    parts = _checked(segments)
    return _side_by_side(parts), _side_by_side(_numbered(parts, list(range(len(parts)))))


def pad_model_inputs(
    input: Ids | NDArray[Any] | Sequence[Any], max_seq_length: int, pad_value: int | float = 0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows at one width, as a model takes them: filled up, or cut at the end.

    Args:
        input: rows of numbers; deeper levels are joined. A single row is accepted too.
        max_seq_length: the width, 0 or more.
        pad_value: what fills rows up.

    Returns:
        The numbers [rows, max_seq_length], and the mask: 1 where a number is the input's, 0 where
        it fills. Both of the input's dtype; [max_seq_length] for a single row.

    Raises:
        RaggedError: the input is no rows of numbers.
        TextError: the width is negative, or the dtype does not hold the filling value.

    Example:
        >>> data, mask = pad_model_inputs([[101, 1, 2, 102], [101, 102]], 3)
        >>> data.tolist(), mask.tolist()
        ([[101, 1, 2], [101, 102, 0]], [[1, 1, 1], [1, 1, 0]])
    """
    if not isinstance(max_seq_length, (int, np.integer)) or max_seq_length < 0:
        raise TextError(f"max_seq_length is {max_seq_length!r}; give a whole number of 0 or more")
    if not isinstance(input, Ragged):
        row = np.asarray(input) if not _nested(input) else None
        if row is not None and row.ndim == 1 and row.dtype.kind in "iuf":
            alone = Ragged(row, np.array([0, len(row)], np.int64))
            data, mask = pad_model_inputs(alone, max_seq_length, pad_value)
            return data[0], mask[0]
    ragged = as_ragged(input, "input")
    if ragged.ragged_rank > 1:
        ragged = ragged.merge_dims(1, -1)
    values = ragged.values
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iufb":
        raise RaggedError("the input's values are no numbers; give rows of ids")
    try:
        filling = np.array(pad_value, values.dtype)
    except (OverflowError, ValueError, TypeError):
        filling = None
    if filling is None or filling != pad_value:
        raise TextError(f"pad_value is {pad_value!r}; give a number that {values.dtype} holds")
    data, mask = ragged.to_padded(filling, int(max_seq_length))
    return data, mask.astype(values.dtype)


def _nested(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and any(isinstance(v, (list, tuple)) for v in value)


def _checked(segments: Sequence[Ids]) -> list[Ragged]:
    if not len(segments):
        raise RaggedError("there are no segments; give at least one")
    parts = [as_ragged(segment, f"segment {i}") for i, segment in enumerate(segments)]
    for i, part in enumerate(parts):
        values = part.flat_values
        if not isinstance(values, np.ndarray) or values.dtype not in (np.int32, np.int64):
            raise RaggedError(f"segment {i} holds no int32 or int64; give rows of ids")
        for what, own, first in (
            ("rows", len(part), len(parts[0])),
            ("levels", part.ragged_rank, parts[0].ragged_rank),
            ("dtype", values.dtype, parts[0].flat_values.dtype),
        ):
            if own != first:
                raise RaggedError(
                    f"segment {i} has {own} for {what}, segment 0 {first}; give alike segments"
                )
    return parts


def _each_row(number: int, like: Ragged) -> Ragged:
    """One item of one value in each row, nested and typed as ``like``."""
    one_each = np.arange(len(like) + 1, dtype=np.int64)
    values = np.full(len(like), number, like.flat_values.dtype)
    return Ragged(values, *[one_each] * like.ragged_rank)


def _numbered(parts: list[Ragged], numbers: list[int]) -> list[Ragged]:
    """The parts with a number each in place of their values."""
    return [
        part.with_flat_values(np.full_like(part.flat_values, number))
        for part, number in zip(parts, numbers, strict=True)
    ]


def _side_by_side(parts: list[Ragged]) -> Ragged:
    """Row i of the first, row i of the second, ... as row i."""
    lengths = np.stack([part.row_lengths() for part in parts], axis=1)
    starts = np.stack([part.row_splits[:-1] for part in parts], axis=1)
    starts = starts + np.cumsum([0, *(len(part.values) for part in parts[:-1])])
    order = spread(starts.reshape(-1), splits_of(lengths.reshape(-1)))
    values = take(concatenated([part.values for part in parts]), order)
    return Ragged(values, splits_of(lengths.sum(axis=1)))
