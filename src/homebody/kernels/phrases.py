"""Phrases of a vocabulary found in text: ``kernels/text_phrases.h``."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from homebody.kernels import _library
from homebody.kernels._library import POINTER
from homebody.kernels.texts import SIZE, Spans, grown, total_size

_load = _library.bind(
    {
        "hb_phrases_index": [POINTER, SIZE, POINTER, SIZE],
        "hb_phrases_find": [POINTER, POINTER, SIZE, *[POINTER] * 5, SIZE],
    }
)
_SHORT_BUFFER = -2


class _Phrases(ctypes.Structure):
    """``hb_phrases``."""

    _fields_ = (
        ("classes", POINTER), ("classes_size", SIZE), ("vocabulary", POINTER),
        ("table", POINTER), ("slots", SIZE), ("rate", ctypes.c_uint64),
        ("seed", ctypes.c_uint64), ("tick", ctypes.c_uint32), ("unknown", ctypes.c_uint32),
    )  # fmt: skip


class Phrases:
    """A vocabulary and the index of its phrases.

    Args:
        vocabulary: spans of the phrases, whose memory the caller keeps alive.
        classes: of :func:`.texts.build_classes`, for "space".
    """

    def __init__(self, vocabulary: Spans, classes: NDArray[np.uint8]) -> None:
        self._vocabulary, self._classes = vocabulary, classes
        slots = 1 << (4 * len(vocabulary) + 16).bit_length()
        while True:
            self._table = np.zeros(2 * slots, np.uint64)
            status = _load().hb_phrases_index(
                vocabulary.ctypes.data, len(vocabulary), self._table.ctypes.data, slots
            )
            if status != _SHORT_BUFFER:
                break
            slots *= 2
        _library.check(status, "phrases' index")
        self._slots = slots

    def find(
        self, spans: Spans, *, unknown: int, rate: int, seed: int, tick: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """The phrases of strings.

        Args:
            spans: n strings, each under 2 GiB.
            unknown: the entry where no phrase begins.
            rate: how probable it is that a shorter phrase is taken, times 2**32.
            seed, tick: of the random numbers.

        Returns:
            Row splits int64 [n + 1]; the entries, and their starts and ends in bytes, int32.
        """
        phrases = _Phrases(
            self._classes.ctypes.data, self._classes.size, self._vocabulary.ctypes.data,
            self._table.ctypes.data, self._slots, rate, seed, tick, unknown,
        )  # fmt: skip
        splits = np.zeros(len(spans) + 1, np.int64)

        def run(progress: int, arrays: list[int], room: int) -> int:
            return int(
                _load().hb_phrases_find(
                    ctypes.byref(phrases), spans.ctypes.data, len(spans), progress,
                    splits.ctypes.data, *arrays, room,
                )
            )  # fmt: skip

        entries, starts, ends = grown(run, total_size(spans) // 2, (np.int32,) * 3)
        return splits, entries, starts, ends
