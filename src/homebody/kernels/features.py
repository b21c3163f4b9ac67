"""Features of token sequences: the kernels of ``kernels/text_features.h``."""

from __future__ import annotations

import ctypes
import functools
import os

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._library import INT, POINTER, bind, check
from homebody.kernels.texts import Spans

_LONG, _SIZE = ctypes.c_int64, ctypes.c_size_t


class _String(ctypes.Structure):
    """``hb_string``."""

    _fields_ = (("data", ctypes.c_char_p), ("size", _SIZE))


_load = bind(
    {
        "hb_ngrams_size": [POINTER, POINTER, _SIZE, _LONG, _SIZE],
        "hb_ngrams": [POINTER, POINTER, _SIZE, _LONG, _String, POINTER, _SIZE, POINTER, POINTER],
        "hb_strings_number": [POINTER, _SIZE, ctypes.c_uint64, POINTER, _SIZE, POINTER],
        "hb_lcs_scratch": [INT, _LONG],
        "hb_lcs": [*[POINTER] * 4, _SIZE, INT, _LONG, POINTER, POINTER, _SIZE],
    },
    {"hb_ngrams_size": _SIZE, "hb_strings_number": _LONG, "hb_lcs_scratch": _SIZE},
)


@functools.cache
def _seed() -> int:
    """Of this process: whoever makes strings cannot choose them to collide."""
    return int.from_bytes(os.urandom(8), "little")


def join_ngrams(
    spans: Spans, splits: NDArray[np.int64], width: int, separator: bytes
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Every ``width`` strings that follow each other in a row, joined.

    Returns:
        The n-grams' bytes, the offsets between them, and the splits of their rows.
    """
    rows, lengths = len(splits) - 1, np.diff(splits)
    size = _load().hb_ngrams_size(
        spans.ctypes.data, splits.ctypes.data, rows, width, len(separator)
    )
    if size > np.iinfo(np.int64).max:
        raise KernelError("the n-grams' bytes are more than memory has addresses; take fewer rows")
    data = np.empty(size, np.uint8)
    offsets = np.empty(int(np.maximum(lengths - width + 1, 0).sum()) + 1, np.int64)
    out = np.empty(rows + 1, np.int64)
    status = _load().hb_ngrams(
        spans.ctypes.data, splits.ctypes.data, rows, width, _String(separator, len(separator)),
        data.ctypes.data, size, offsets.ctypes.data, out.ctypes.data,
    )  # fmt: skip
    check(status, "n-grams'")
    return data, offsets, out


def number(spans: Spans) -> tuple[NDArray[np.int32], int]:
    """Each different string's number, in the order in which they first come; and how many."""
    ids = np.empty(len(spans), np.int32)
    table = np.empty(1 << (2 * len(spans)).bit_length(), np.uint32)
    kinds = _load().hb_strings_number(
        spans.ctypes.data, len(spans), _seed(), table.ctypes.data, table.size, ids.ctypes.data
    )
    if kinds < 0:
        raise KernelError(f"{len(spans)} strings are too many to number; take fewer than 2^31")
    return ids, int(kinds)


def common_lengths(
    ids: NDArray[np.int32],
    splits: NDArray[np.int64],
    others: NDArray[np.int32],
    other_splits: NDArray[np.int64],
    kinds: int,
) -> NDArray[np.int32]:
    """The length of each row's longest common subsequence with the same row of the others.

    Args:
        ids: int32, 0 to ``kinds`` - 1.
        splits: int64 [rows + 1], from 0.
        others: like ``ids``.
        other_splits: of as many rows.
    """
    library, rows = _load(), len(splits) - 1
    longest = int(np.diff(other_splits).max(initial=0))
    scratch = np.empty(library.hb_lcs_scratch(kinds, longest), np.uint64)
    lengths = np.empty(rows, np.int32)
    status = library.hb_lcs(
        ids.ctypes.data, splits.ctypes.data, others.ctypes.data, other_splits.ctypes.data, rows,
        kinds, longest, lengths.ctypes.data, scratch.ctypes.data, scratch.size,
    )  # fmt: skip
    check(status, "common subsequences'")
    return lengths
