"""Strings: the kernels of ``kernels/text_strings.h`` over spans.

A span is where a string's UTF-8 lies: a row (address, size) of an array uintp [n, 2]. Whoever
makes spans keeps the memory alive. The interpreter's lock is released while a kernel runs, but
for :func:`borrow`, which reads Python's own objects.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels import _library
from homebody.kernels._library import INT, POINTER

SIZE = ctypes.c_size_t
Spans = NDArray[np.uintp]

UNITS = {"char": 1, "utf16": 2}
"""What offsets may count besides bytes, with the kernel's own numbers."""

_load = _library.bind(
    {
        "hb_strings_check": [POINTER, SIZE],
        "hb_strings_size": [POINTER, SIZE],
        "hb_strings_join": [POINTER, SIZE, POINTER, SIZE, POINTER],
        "hb_string_mend": [POINTER, SIZE, INT, POINTER, SIZE, POINTER, POINTER],
        "hb_strings_units": [POINTER, SIZE, POINTER, INT, POINTER],
    },
    {"hb_strings_check": SIZE, "hb_strings_size": SIZE, "hb_string_mend": SIZE},
)


class _Python(ctypes.Structure):
    """CPython's own functions, by address: ``hb_python``."""

    _fields_ = (("item", POINTER), ("utf8", POINTER), ("bytes", POINTER), ("forget", POINTER))


@functools.cache
def _borrower() -> tuple[Any, _Python]:
    """hb_strings_borrow, called with the interpreter's lock held, and what it calls back."""
    library = _library.opened()
    function = ctypes.PyDLL(library._name, handle=library._handle).hb_strings_borrow
    function.argtypes = [
        ctypes.POINTER(_Python), ctypes.py_object, SIZE, SIZE, INT, POINTER,
    ]  # fmt: skip
    function.restype = SIZE
    names = ("PyTuple_GetItem", "PyUnicode_AsUTF8AndSize", "PyBytes_AsStringAndSize", "PyErr_Clear")
    addresses = (ctypes.cast(getattr(ctypes.pythonapi, name), POINTER).value for name in names)
    return function, _Python(*addresses)


def borrow(
    strings: tuple[Any, ...], spans: Spans, first: int = 0, *, of_bytes: bool = False
) -> int:
    """Point ``spans`` at the strings' own memory, which the tuple keeps alive.

    Args:
        strings: n str, or n bytes with ``of_bytes``.
        spans: uintp [n, 2], written from ``first`` on.

    Returns:
        The index of the first that is neither, or is a str with a lone surrogate; n when all are.
    """
    function, python = _borrower()
    return int(function(python, strings, first, len(strings), of_bytes, spans.ctypes.data))


def check_utf8(spans: Spans) -> int:
    """The index of the first string that is not UTF-8; n when all are."""
    return int(_load().hb_strings_check(spans.ctypes.data, len(spans)))


def total_size(spans: Spans) -> int:
    """Bytes in all strings together."""
    return int(_load().hb_strings_size(spans.ctypes.data, len(spans)))


def join(spans: Spans) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All strings one after another, and the offsets int64 [n + 1] between them."""
    data = np.empty(total_size(spans), np.uint8)
    offsets = np.empty(len(spans) + 1, np.int64)
    status = _load().hb_strings_join(
        spans.ctypes.data, len(spans), data.ctypes.data, data.size, offsets.ctypes.data
    )
    _library.check(status, "strings' joining")
    return data, offsets


def mend(
    span: NDArray[np.uintp], *, ignore: bool, mapped: bool = False
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]]:
    """One string with what is not UTF-8 replaced by U+FFFD, or left out.

    Args:
        span: uintp [2].
        ignore: leave it out.
        mapped: also say, for each byte of the result, where its character begins and ends in the
            source, as int32 arrays; else these are empty.
    """
    length = int(span[1])
    out = np.empty(3 * length, np.uint8)
    starts, ends = (np.empty(out.size if mapped else 0, np.int32) for _ in range(2))
    size = _load().hb_string_mend(
        int(span[0]), length, ignore, out.ctypes.data, out.size,
        starts.ctypes.data if mapped else None, ends.ctypes.data if mapped else None,
    )  # fmt: skip
    return out[:size].copy(), starts[:size], ends[:size]


def convert_units(
    spans: Spans, row_splits: NDArray[np.int64], unit: str, offsets: NDArray[np.int32]
) -> None:
    """Turn byte offsets into characters or UTF-16 units, in place.

    Args:
        spans: n strings.
        row_splits: int64 [n + 1]: string i has the offsets from row_splits[i] to row_splits[i + 1].
        unit: "char" or "utf16".
        offsets: int32, within their strings.

    Raises:
        KernelError: an offset lies outside its string.
    """
    status = _load().hb_strings_units(
        spans.ctypes.data, len(spans), row_splits.ctypes.data, UNITS[unit], offsets.ctypes.data
    )
    if status != 0:
        raise KernelError("an offset lies outside its string; give offsets into these strings")
