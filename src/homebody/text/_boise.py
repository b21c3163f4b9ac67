"""Spans as tags of tokens: begin, outside, inside, singleton, end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.kernels import labels, texts
from homebody.text._ragged import Ragged
from homebody.text._rows import Data, data_of, ragged_of
from homebody.text._strings import Strings


def offsets_to_boise_tags(
    token_begin_offsets: Any,
    token_end_offsets: Any,
    span_begin_offsets: Any,
    span_end_offsets: Any,
    span_type: Any,
    use_strict_boundary_mode: bool = False,
) -> Data:
    """Each token's tag, by the spans it lies in.

    A token is ``B-type`` at a span's beginning, ``I-type`` within, ``E-type`` at its end,
    ``S-type`` where the span is this token alone, and ``O`` outside. One that touches several
    spans has the last one's tag.

    Args:
        token_begin_offsets: int [rows, (tokens)], or [tokens] of one row.
        token_end_offsets: likewise; where each token ends, exclusive.
        span_begin_offsets: int [rows, (spans)], or [spans]; ascending within a row.
        span_end_offsets: likewise.
        span_type: strings, likewise.
        use_strict_boundary_mode: a token that reaches over a span's beginning or end is outside;
            otherwise it is tagged too.

    Returns:
        Strings' Ragged [rows, (tokens)], or Strings [tokens].

    Raises:
        RaggedError: the numbers of rows, tokens or spans do not fit together.
        TextError: offsets are no whole numbers of 32 bits, or types no text.

    Example:
        >>> offsets_to_boise_tags([0, 4, 8, 12, 17], [3, 7, 11, 16, 20], [4], [16], ["animal"])
        Strings(['O', 'B-animal', 'I-animal', 'E-animal', 'O'])
    """
    starts, ends = (
        _offsets(token_begin_offsets, "token_begin_offsets"),
        _offsets(token_end_offsets, "token_end_offsets"),
    )
    span_starts, span_ends = (
        _offsets(span_begin_offsets, "span_begin_offsets"),
        _offsets(span_end_offsets, "span_end_offsets"),
    )
    types = _texts(span_type, "span_type", span_starts)
    tokens = _rows("token_begin_offsets", starts, "token_end_offsets", ends)
    spans = _rows("span_begin_offsets", span_starts, "span_end_offsets", span_ends)
    typed = _rows("span_begin_offsets", span_starts, "span_type", types)
    if len(tokens[-1]) != len(spans[-1]):
        raise RaggedError(
            f"there are {len(tokens[-1]) - 1} rows of tokens and {len(spans[-1]) - 1} of spans; "
            "give as many of both"
        )
    codes = labels.boise_tags(
        (tokens[0], tokens[1], tokens[2]), (spans[0], spans[1], spans[2]),
        strict=bool(use_strict_boundary_mode),
    )  # fmt: skip
    tags = _tagged(codes, typed[1])
    return starts.with_flat_values(tags) if isinstance(starts, Ragged) else tags


def boise_tags_to_offsets(
    token_begin_offsets: Any, token_end_offsets: Any, boise_tags: Any
) -> tuple[Data, Data, Data]:
    """The spans that tags of tokens tell.

    A span begins at ``B-type`` or ``I-type`` and ends with ``E-type`` or ``S-type``, or before
    ``O``, or with the row; ``E-type`` and ``S-type`` outside of a span are one. Its type is that
    of its last tag.

    Args:
        token_begin_offsets: int [rows, (tokens)], or [tokens] of one row.
        token_end_offsets: likewise; where each token ends, exclusive.
        boise_tags: strings, likewise.

    Returns:
        Where the spans begin and where they end, int32, and their types: Ragged [rows, (spans)],
        or arrays and Strings [spans].

    Raises:
        RaggedError: the numbers of rows or tokens do not fit together.
        TextError: offsets are no whole numbers of 32 bits, or tags no text.

    Example:
        >>> boise_tags_to_offsets([[0, 4, 8]], [[3, 7, 11]], [["O", "B-animal", "E-animal"]])
        (Ragged([[4]]), Ragged([[11]]), Ragged([['animal']]))
    """
    starts, ends = (
        _offsets(token_begin_offsets, "token_begin_offsets"),
        _offsets(token_end_offsets, "token_end_offsets"),
    )
    tags = _texts(boise_tags, "boise_tags", starts)
    begins, limits, splits = _rows("token_begin_offsets", starts, "token_end_offsets", ends)
    strings = _rows("token_begin_offsets", starts, "boise_tags", tags)[1]
    spans = strings.spans()
    first, last, typed, out = labels.boise_spans(spans, splits)
    kinds = np.ascontiguousarray(spans[typed])
    kinds[:, 0] += 2  # past the letter and its hyphen
    kinds[:, 1] -= 2
    found = (begins[first], limits[last], Strings._made(*texts.join(kinds)))
    if not isinstance(starts, Ragged):
        return found
    outer = starts.nested_row_splits[:-1]
    begun, ended, types = (Ragged(Ragged(part, out), *outer) if outer else Ragged(part, out)
                           for part in found)  # fmt: skip
    return begun, ended, types


def _offsets(source: Any, name: str) -> NDArray[np.int32] | Ragged:
    data = data_of(source, name)
    flat = data.flat_values if isinstance(data, Ragged) else data
    if isinstance(flat, np.ndarray) and not flat.size:
        flat = flat.astype(np.int64)
    if not isinstance(flat, np.ndarray) or flat.dtype.kind not in "iu":
        kind = flat.dtype if isinstance(flat, np.ndarray) else "text"
        raise TextError(f"{name} are {kind}; give whole numbers")
    if flat.size and not (flat.min() >= -(2**31) and flat.max() < 2**31):
        raise TextError(f"{name} are {flat.min()} to {flat.max()}; give numbers of 32 bits")
    whole = np.ascontiguousarray(flat, np.int32)
    if isinstance(data, Ragged):
        return data.with_flat_values(whole)
    return whole if whole.ndim == 1 else ragged_of(whole, name)


def _texts(source: Any, name: str, like: NDArray[np.int32] | Ragged) -> Strings | Ragged:
    data = data_of(source, name)
    flat = data.flat_values if isinstance(data, Ragged) else data
    if isinstance(flat, np.ndarray) and not flat.size:
        strings = Strings.of([])
        return like.with_flat_values(strings) if isinstance(like, Ragged) else strings
    if not isinstance(flat, Strings):
        raise TextError(f"{name} are {flat.dtype}; give text")
    assert isinstance(data, (Strings, Ragged))
    return data


def _rows(
    name: str, data: Data, other_name: str, other: Data
) -> tuple[Any, Any, NDArray[np.int64]]:
    """Both's flat values and their rows' common splits."""
    if isinstance(data, Ragged) and isinstance(other, Ragged):
        mine, theirs = data.nested_row_splits, other.nested_row_splits
        if len(mine) == len(theirs) and all(map(np.array_equal, mine, theirs)):
            return data.flat_values, other.flat_values, mine[-1]
    elif not isinstance(data, Ragged) and not isinstance(other, Ragged) and len(data) == len(other):
        return data, other, np.array([0, len(data)])
    raise RaggedError(f"{name} and {other_name} have different rows; give as many of both")


def _tagged(codes: NDArray[np.int64], types: Strings) -> Strings:
    """The tags as text: for each a prefix and a type, of what lies in memory."""
    prefixes = Strings.of(["B-", "I-", "E-", "S-", "O", ""])
    ahead, behind = prefixes.spans(), np.concatenate([types.spans(), prefixes.spans()[-1:]])
    pieces = np.empty((len(codes), 2, 2), np.uintp)
    outside = codes < 0
    pieces[:, 0] = ahead[np.where(outside, 4, codes & 3)]
    pieces[:, 1] = behind[np.where(outside, -1, codes >> 2)]
    data, offsets = texts.join(pieces.reshape(-1, 2))
    return Strings._made(data, np.ascontiguousarray(offsets[::2]))
