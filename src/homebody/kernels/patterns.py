"""Text split where a pattern matches: ``kernels/text_patterns.h``."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels import _library
from homebody.kernels._library import POINTER
from homebody.kernels.splitting import Tokens
from homebody.kernels.texts import SIZE, Spans, grown, total_size

MATCH, SET, FORK, ASSERT = range(4)
"""What an instruction does."""

_load = _library.bind(
    {
        "hb_pattern_check": [POINTER],
        "hb_pattern_scratch": [POINTER, POINTER],
        "hb_split_matches": [
            POINTER, POINTER, POINTER, SIZE, *[POINTER] * 4, SIZE, POINTER, SIZE,
        ],
    },
    {"hb_pattern_scratch": SIZE},
)  # fmt: skip


class _Pattern(ctypes.Structure):
    """``hb_pattern``."""

    _fields_ = (
        ("program", POINTER), ("ranges", POINTER), ("sets", POINTER),
        ("length", ctypes.c_int32), ("set_count", ctypes.c_int32),
    )  # fmt: skip


class Program:
    """A pattern's program, checked.

    Args:
        instructions: int32 [length, 3]: what each does, and its operands.
        sets: ranges of code points, uint32 [ranges, 2], of each set.

    Raises:
        KernelError: an operand is outside the program.
    """

    def __init__(
        self, instructions: list[tuple[int, int, int]], sets: list[list[tuple[int, int]]]
    ) -> None:
        self._program = np.array(instructions, np.int32).reshape(-1, 3)
        counts = [len(ranges) for ranges in sets]
        self._sets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int32)
        flat = [edge for ranges in sets for pair in ranges for edge in pair]
        self._ranges: NDArray[np.uint32] = np.array([*flat, 0, 0], np.uint32)
        self.struct = _Pattern(
            self._program.ctypes.data, self._ranges.ctypes.data, self._sets.ctypes.data,
            len(self._program), len(sets),
        )  # fmt: skip
        if _load().hb_pattern_check(ctypes.byref(self.struct)) != 0:
            raise KernelError("a pattern's program points outside itself; report this")


def split_matches(spans: Spans, split: Program, keep: Program) -> Tokens:
    """What stands between the matches of ``split``, and those that ``keep`` matches whole."""
    splits = np.zeros(len(spans) + 1, np.int64)
    both = ctypes.byref(split.struct), ctypes.byref(keep.struct)
    scratch = np.empty(int(_load().hb_pattern_scratch(*both)), np.uint64)

    def run(progress: int, arrays: list[int], room: int) -> int:
        return int(
            _load().hb_split_matches(
                *both, spans.ctypes.data, len(spans), progress, splits.ctypes.data, *arrays, room,
                scratch.ctypes.data, scratch.size,
            )
        )  # fmt: skip

    starts, ends = grown(run, total_size(spans) // 2, (np.int32, np.int32))
    return splits, starts, ends
