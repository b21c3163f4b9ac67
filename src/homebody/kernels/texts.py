"""Strings: the kernels of ``kernels/text_strings.h`` over spans.

A span is where a string's UTF-8 lies: a row (address, size) of an array uintp [n, 2]. Whoever
makes spans keeps the memory alive. The interpreter's lock is released while a kernel runs, but
for :func:`borrow`, which reads Python's own objects.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels import _library
from homebody.kernels._library import INT, POINTER, UINT

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
        "hb_classes_build": [POINTER, UINT, UINT, POINTER, SIZE],
        "hb_split_space": [POINTER, SIZE, POINTER, SIZE, INT, *[POINTER] * 4, SIZE],
        "hb_split_script": [POINTER, SIZE, POINTER, SIZE, INT, *[POINTER] * 4, SIZE],
        "hb_split_characters": [POINTER, SIZE, *[POINTER] * 5, SIZE],
        "hb_tokens_size": [POINTER, SIZE, *[POINTER] * 3],
        "hb_tokens_gather": [POINTER, SIZE, *[POINTER] * 4, SIZE, POINTER],
    },
    dict.fromkeys(
        (
            "hb_strings_check",
            "hb_strings_size",
            "hb_string_mend",
            "hb_classes_build",
            "hb_tokens_size",
        ),
        SIZE,
    ),
)

_SHORT_BUFFER = -2
CLASSES = {"space": 0, "script": 1, "words": 2}
"""What a table of classes is asked, with the kernels' own numbers."""
KEEP_SPACE, TF_TEXT = 1, 2
"""Flags of :func:`split`."""


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


def build_classes(tables: int, question: str, rules: int = 0) -> NDArray[np.uint8]:
    """A table of characters' classes.

    Args:
        tables: address of the Unicode block.
        question: "space", "script" or "words".
        rules: for "words": HB_RULES_... of ``kernels/text_classes.h``.
    """
    out = np.empty(1 << 21, np.uint8)
    size = _load().hb_classes_build(tables, CLASSES[question], rules, out.ctypes.data, out.size)
    if not size:
        raise KernelError(
            f"there is no table of classes for {question}, rules {rules}; report this"
        )
    return out[:size].copy()


def grown(
    run: Callable[[int, list[int], int], int], bytes_in: int, dtypes: tuple[Any, ...]
) -> list[NDArray[Any]]:
    """Arrays that a kernel fills, as long as what it wrote.

    Nobody knows how many tokens a text has before it is split. The memory asked for at first is
    touched only where it is written; where it runs out, the kernel says how far it came.

    Args:
        run: called with the addresses of an ``hb_progress`` and of the arrays, and their length;
            again with longer ones while it returns that they are short.
        bytes_in: of text.
        dtypes: of the arrays.

    Raises:
        KernelError: the kernel refused its arguments.
    """
    progress = np.zeros(3, np.uintp)
    room = bytes_in // 2 + 64
    arrays = [np.empty(room, dtype) for dtype in dtypes]
    at = int(progress.ctypes.data)
    while (status := run(at, [int(a.ctypes.data) for a in arrays], room)) == _SHORT_BUFFER:
        room = room * 3 // 2 + 64
        for array in arrays:
            array.resize(room, refcheck=False)
    _library.check(status, "text")
    for array in arrays:
        array.resize(int(progress[2]), refcheck=False)
    return arrays


def split(
    spans: Spans, classes: NDArray[np.uint8], question: str, flags: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """Split at white space ("space") or also where the script changes ("script").

    Args:
        spans: n strings, each under 2 GiB.
        classes: of :func:`build_classes`, for the same question.
        flags: ``KEEP_SPACE`` (of scripts), ``TF_TEXT``.

    Returns:
        Row splits int64 [n + 1], and the tokens' starts and ends, int32 bytes.
    """
    kernel = _load().hb_split_space if question == "space" else _load().hb_split_script
    splits = np.zeros(len(spans) + 1, np.int64)

    def run(progress: int, arrays: list[int], room: int) -> int:
        return int(
            kernel(
                classes.ctypes.data, classes.size, spans.ctypes.data, len(spans), flags,
                progress, splits.ctypes.data, *arrays, room,
            )
        )  # fmt: skip

    starts, ends = grown(run, total_size(spans), (np.int32, np.int32))
    return splits, starts, ends


def characters(
    spans: Spans,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Row splits, and each character's code point, start and end in bytes."""
    splits = np.zeros(len(spans) + 1, np.int64)

    def run(progress: int, arrays: list[int], room: int) -> int:
        return int(
            _load().hb_split_characters(
                spans.ctypes.data, len(spans), progress, splits.ctypes.data, *arrays, room
            )
        )

    codes, starts, ends = grown(run, total_size(spans), (np.int32, np.int32, np.int32))
    return splits, codes, starts, ends


def gather(
    spans: Spans,
    row_splits: NDArray[np.int64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    *,
    apart: bool = False,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The texts between byte offsets, one after another, and the offsets int64 between them.

    Args:
        spans: n strings.
        row_splits: int64 [n + 1]: string i has the tokens from row_splits[i] to row_splits[i + 1].
        starts, ends: int32.
        apart: these come from :func:`split`: they are right, and no two tokens overlap.

    Raises:
        KernelError: an offset lies outside its string, or a token ends before it starts.
    """
    library = _load()
    where = row_splits.ctypes.data, starts.ctypes.data, ends.ctypes.data
    if apart:
        size = total_size(spans)
    else:
        size = library.hb_tokens_size(spans.ctypes.data, len(spans), *where)
    if not apart and size == 2 * np.iinfo(np.intp).max + 1:
        raise KernelError("an offset lies outside its string; give offsets into these strings")
    data = np.empty(size, np.uint8)
    offsets = np.empty(len(starts) + 1, np.int64)
    status = library.hb_tokens_gather(
        spans.ctypes.data, len(spans), *where, data.ctypes.data, size, offsets.ctypes.data
    )
    _library.check(status, "tokens' gathering")
    if apart:
        data.resize(int(offsets[-1]), refcheck=False)
    return data, offsets
