"""Arrays that a caller gives, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import FleetError

Array = NDArray[np.float64]


def numbers(value: ArrayLike, name: str, shape: tuple[int, int]) -> Array:
    """Real numbers of a shape; [n] will do for [n, 1].

    Raises:
        FleetError: they are none.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.empty(0, object)
    if array.dtype.kind not in "fiu":
        raise FleetError(f"{name} are {array.dtype}; give real numbers {list(shape)}")
    if array.shape == shape[:1] and shape[1] == 1:
        array = array[:, None]
    if array.shape != shape:
        raise FleetError(f"{name} are {list(array.shape)}; give real numbers {list(shape)}")
    return array.astype(np.float64)


def seconds(at: ArrayLike, n: int) -> Array:
    """n times in seconds; NaN for no time.

    Raises:
        FleetError: they are neither numbers nor dates.
    """
    array = np.asarray(at)
    if array.dtype.kind == "M":
        since = array.astype("datetime64[ns]").astype(np.int64) / 1e9
        array = np.where(np.isnat(array), np.nan, since)
    if array.dtype.kind not in "fiu" or array.shape != (n,):
        raise FleetError(
            f"times are {array.dtype} {list(array.shape)}; give seconds or datetime64 [{n}]"
        )
    return array.astype(np.float64)
