"""Text split into sentences, and characters joined to words, over spans (see :mod:`.texts`)."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels import _library
from homebody.kernels._library import INT, POINTER
from homebody.kernels.texts import SIZE, TF_TEXT, Spans, grown, total_size

Tokens = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]
"""Row splits int64 [n + 1], and the tokens' starts and ends, int32 bytes."""

_load = _library.bind(
    {
        "hb_split_sentences": [POINTER, POINTER, SIZE, INT, *[POINTER] * 4, SIZE],
        "hb_merge_characters": [
            POINTER, SIZE, POINTER, SIZE, POINTER, POINTER, INT, *[POINTER] * 4, SIZE,
        ],
    }
)  # fmt: skip


def sentences(spans: Spans, tables: int, *, tf_text: bool) -> Tokens:
    """Split into sentences.

    Args:
        spans: n strings, each under 2 GiB.
        tables: address of the Unicode block.
        tf_text: of white space of several bytes skip the first alone.
    """
    splits = np.zeros(len(spans) + 1, np.int64)

    def run(progress: int, arrays: list[int], room: int) -> int:
        return int(
            _load().hb_split_sentences(
                tables, spans.ctypes.data, len(spans), TF_TEXT if tf_text else 0,
                progress, splits.ctypes.data, *arrays, room,
            )
        )  # fmt: skip

    starts, ends = grown(run, total_size(spans) // 16, (np.int32, np.int32))
    return splits, starts, ends


def merge(
    spans: Spans,
    classes: NDArray[np.uint8],
    labels: NDArray[np.int32],
    rows: NDArray[np.int64],
    *,
    forced: bool,
) -> Tokens:
    """Join characters to words.

    Args:
        spans: n strings, each under 2 GiB.
        classes: of :func:`.texts.build_classes`, for "space".
        labels: one a character: 0 begins a word.
        rows: int64 [n + 1]: string i has the labels from rows[i] to rows[i + 1].
        forced: what follows white space begins a word, whatever its label.

    Raises:
        KernelError: a string has more characters than labels.
    """
    splits = np.zeros(len(spans) + 1, np.int64)
    short = -1

    def run(progress: int, arrays: list[int], room: int) -> int:
        nonlocal short
        status = int(
            _load().hb_merge_characters(
                classes.ctypes.data, classes.size, spans.ctypes.data, len(spans),
                labels.ctypes.data, rows.ctypes.data, int(forced), progress, splits.ctypes.data,
                *arrays, room,
            )
        )  # fmt: skip
        if status == -1:
            short = ctypes.c_size_t.from_address(progress).value
            return 0
        return status

    starts, ends = grown(run, total_size(spans), (np.int32, np.int32))
    if short >= 0:
        raise KernelError(
            f"string {short} has more characters than its {int(rows[short + 1] - rows[short])} "
            "labels; give one a character"
        )
    return splits, starts, ends
