"""What the channels of an array of numbers span and sum to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import described
from homebody.kernels._library import check, load


class ChannelStatistics(NamedTuple):
    """What :func:`channel_statistics` finds, each [channels]."""

    low: NDArray[np.float32]
    """The least value."""
    high: NDArray[np.float32]
    """The greatest value."""
    total: NDArray[np.float64]
    """The sum, added in float64 row by row; NaN or infinite where a value is."""


def channel_statistics(values: NDArray[np.float32]) -> ChannelStatistics:
    """The least, the greatest and the sum of each channel, in one pass.

    Args:
        values: float32 [rows, channels], C-contiguous, with at least one of each. ``low`` and
            ``high`` mean nothing for a channel that holds NaN.

    Example:
        >>> channel_statistics(np.array([[1, 5], [3, 4]], np.float32)).total
        array([4., 9.])
    """
    if not isinstance(values, np.ndarray) or values.dtype != np.float32 or values.ndim != 2:
        raise KernelError(f"values is {described(values)}; give a float32 array [rows, channels]")
    if not values.flags.c_contiguous:
        raise KernelError("values is not C-contiguous; pass numpy.ascontiguousarray(values)")
    if not values.size:
        raise KernelError(f"values is {described(values)}; give at least one row and one channel")
    rows, channels = values.shape
    low, high = np.empty(channels, np.float32), np.empty(channels, np.float32)
    total = np.empty(channels)
    check(
        load().hb_channel_statistics(
            values.ctypes.data, rows, channels,
            low.ctypes.data, high.ctypes.data, total.ctypes.data,
        ),
        "channel_statistics",
    )  # fmt: skip
    return ChannelStatistics(low, high, total)
