"""Memory as the kernels want it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def aligned(length: int) -> NDArray[np.uint8]:
    """``length`` zero bytes that start at a multiple of 64, the processors' widest load.

    Example:
        >>> aligned(100).ctypes.data % 64
        0
    """
    memory = np.zeros(length + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + length]
