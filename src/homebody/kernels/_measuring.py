"""What a picture's light and colour are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.kernels._arguments import Pixels, picture
from homebody.kernels._library import check, load


class Statistics(NamedTuple):
    """What :func:`statistics` counts; every value is an exact integer."""

    pixels: int
    """Height times width."""
    luma: NDArray[np.uint32]
    """[256] Histogram of ``(54 R + 183 G + 19 B + 128) >> 8``."""
    chroma: NDArray[np.uint32]
    """[256] Histogram of ``max(R, G, B) - min(R, G, B)``."""
    rg_sum: int
    """Sum of ``R - G``."""
    rg_square: int
    """Sum of ``(R - G) ** 2``."""
    yb_sum: int
    """Sum of ``R + G - 2 B``, twice the yb of Hasler and Süsstrunk (2003)."""
    yb_square: int
    """Sum of ``(R + G - 2 B) ** 2``."""
    grid: NDArray[np.uint64]
    """[8, 8] Sum of luma over the pixels (y, x) with (y * 8 // h, x * 8 // w) = (row, column)."""


def statistics(rgb: Pixels) -> Statistics:
    """Histograms and sums that describe a picture's light and colour, in one pass.

    Args:
        rgb: uint8 [h, w, 3].

    Example:
        >>> statistics(np.full((2, 2, 3), 9, np.uint8)).luma[9]
        np.uint32(4)
    """
    picture(rgb, "rgb")
    luma, chroma = np.empty(256, np.uint32), np.empty(256, np.uint32)
    sums, grid = np.empty(4, np.int64), np.empty((8, 8), np.uint64)
    height, width, _ = rgb.shape
    check(
        load().hb_statistics(
            rgb.ctypes.data, height, width,
            luma.ctypes.data, chroma.ctypes.data, sums.ctypes.data, grid.ctypes.data,
        ),
        "statistics",
    )  # fmt: skip
    rg_sum, rg_square, yb_sum, yb_square = map(int, sums)
    return Statistics(height * width, luma, chroma, rg_sum, rg_square, yb_sum, yb_square, grid)
