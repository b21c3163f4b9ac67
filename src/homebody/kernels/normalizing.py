"""Normal forms, words' shapes and bits: ``kernels/text_normalize.h``, ``text_wordshape.h``.

Strings are spans, uintp [n, 2] (address, size), as in :mod:`homebody.kernels.texts`; the Unicode
tables are the address of a block that :func:`homebody.kernels.unicode.check_tables` has passed.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._library import INT, POINTER, UINT, bind, check
from homebody.kernels.texts import Spans, total_size

FORMS = ("NFC", "NFD", "NFKC", "NFKD", "casefold", "accents", "tf", "hf", "valid")
"""The kernel's forms, by its numbers: four of Unicode's; NFKC_Casefold; NFD less the nonspacing
marks; BERT's clean-up by two rules; the text itself."""

ROW = np.dtype([(name, "<i4") for name in ("to", "from", "to_step", "from_step")])
"""A row of a map: ``hb_map_row``."""

_SHORT_BUFFER, _SHORT_MAP = -2, -5
_SIZE = ctypes.c_size_t
_load = bind(
    {
        "hb_text_is_normal": [POINTER, INT, POINTER, _SIZE, _SIZE],
        "hb_text_normalize": [
            POINTER, INT, UINT, POINTER, _SIZE, _SIZE, POINTER, _SIZE, POINTER, POINTER, _SIZE,
            *[POINTER] * 2,
        ],
        "hb_text_source_offsets": [POINTER, POINTER, POINTER, _SIZE, POINTER],
        "hb_text_wordshape": [POINTER, POINTER, _SIZE, POINTER, _SIZE, POINTER],
        "hb_text_binarize": [POINTER, _SIZE, UINT, UINT, UINT, POINTER],
    },
    {"hb_text_is_normal": _SIZE},
)  # fmt: skip


class Normalized(NamedTuple):
    """What :func:`normalize` gives: the strings, and the map back to where they came from.

    Attributes:
        data: uint8 [bytes].
        offsets: int64 [n + 1].
        rows: ROW [rows]; none without a map.
        row_splits: int64 [n + 1]: string i has rows[row_splits[i]:row_splits[i + 1]].
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    rows: NDArray[np.void]
    row_splits: NDArray[np.int64]


def first_changed(tables: int, form: str, spans: Spans) -> int:
    """Index of the first string that :func:`normalize` may change; n when there is none."""
    return int(
        _load().hb_text_is_normal(tables, FORMS.index(form), spans.ctypes.data, 0, len(spans))
    )


def normalize(
    tables: int,
    form: str,
    spans: Spans,
    replacement: int = 0xFFFD,
    *,
    normal: int = 0,
    mapped: bool = False,
) -> Normalized:
    """The strings in a form.

    Args:
        form: one of FORMS.
        replacement: code point for what is not UTF-8, or 0 to leave that out.
        normal: how many strings at the beginning are known to be in the form.
        mapped: make the map too.

    Raises:
        KernelError: a string, or what comes out, is 2 GiB or longer.
    """
    count = len(spans)
    size = total_size(spans)
    data = np.empty(size + size // 8 + 64, np.uint8)
    rows = np.empty(4 * count + 64 if mapped else 0, ROW)
    offsets, row_splits = np.empty(count + 1, np.int64), np.zeros(count + 1, np.int64)
    progress = np.zeros(3, np.int64)
    while True:
        status = _load().hb_text_normalize(
            tables, FORMS.index(form), replacement, spans.ctypes.data, count, normal,
            data.ctypes.data, data.size, offsets.ctypes.data,
            rows.ctypes.data if mapped else None, rows.size, row_splits.ctypes.data,
            progress.ctypes.data,
        )  # fmt: skip
        _, written, used = progress.tolist()
        if status == _SHORT_BUFFER:
            data = _grown(data, written)
        elif status == _SHORT_MAP:  # alone: a text of many changes needs far more rows than bytes
            rows = _grown(rows, used)
        else:
            break
    if status != 0:
        raise KernelError("a text is 2 GiB or longer, or becomes so; give it in parts")
    return Normalized(_shrunk(data, written), offsets, _shrunk(rows, used), row_splits)


_Items = TypeVar("_Items", bound=np.generic)


def _grown(array: NDArray[_Items], used: int) -> NDArray[_Items]:
    """Twice the room, with what is written."""
    larger = np.empty(2 * array.size, array.dtype)
    larger[:used] = array[:used]
    return larger


def _shrunk(array: NDArray[_Items], used: int) -> NDArray[_Items]:
    """What is written; without keeping much room that is not."""
    return array[:used] if 8 * used >= 7 * array.size else array[:used].copy()


def source_offsets(
    rows: NDArray[np.void],
    row_splits: NDArray[np.int64],
    splits: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Where offsets into normalized strings came from.

    Args:
        rows, row_splits: n maps.
        splits: int64 [n + 1]: map i has offsets[splits[i]:splits[i + 1]].
        offsets: int64 [m].
    """
    out = np.array(offsets, np.int64)
    rows = np.ascontiguousarray(rows)
    status = _load().hb_text_source_offsets(
        rows.ctypes.data, row_splits.ctypes.data, splits.ctypes.data, len(splits) - 1,
        out.ctypes.data,
    )  # fmt: skip
    check(status, "source offsets")
    return out


def wordshape(tables: int, spans: Spans, shapes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which strings have which shapes: bool [n, shapes]. Shapes are numbered as in the header."""
    out = np.empty((len(spans), len(shapes)), np.bool_)
    status = _load().hb_text_wordshape(
        tables, spans.ctypes.data, len(spans), shapes.ctypes.data, len(shapes), out.ctypes.data
    )
    check(status, "word shapes'")
    return out


def binarize(spans: Spans, characters: int, bits: int, replacement: int) -> NDArray[np.float32]:
    """The lowest bits of the first characters: float32 [n, characters * bits]."""
    out = np.empty((len(spans), characters * bits), np.float32)
    status = _load().hb_text_binarize(
        spans.ctypes.data, len(spans), characters, bits, replacement, out.ctypes.data
    )
    check(status, "binarizing")
    return out
