"""The Unicode tables' check: ``hb_unicode_check`` of ``kernels/text_unicode.h``."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._library import POINTER, bind

_load = bind({"hb_unicode_check": [POINTER, ctypes.c_size_t]})


def check_tables(block: NDArray[np.uint8]) -> None:
    """Refuse a block that the text kernels could not be let loose on.

    Args:
        block: uint8 [bytes], contiguous and aligned to 4.

    Raises:
        KernelError: it is not the block of this version.

    Example:
        >>> check_tables(np.zeros(16, np.uint8))
        Traceback (most recent call last):
        homebody.errors.KernelError: the Unicode tables are damaged or of another version; \
reinstall homebody
    """
    if _load().hb_unicode_check(block.ctypes.data, block.size) != 0:
        raise KernelError(
            "the Unicode tables are damaged or of another version; reinstall homebody"
        )
