"""Random draws: resampling, and standard normals, the same on any platform."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import described, integer
from homebody.kernels._library import INT, POINTER, UINT, bind, check

Resampling = Literal["systematic", "stratified", "residual", "multinomial"]
"""How particles are drawn anew; in the order of the kernels' own numbers."""

RESAMPLING: tuple[Resampling, ...] = get_args(Resampling)
MAX_PARTICLES = 65536

_load = bind(
    {
        "hb_resample": [POINTER, INT, INT, UINT, UINT, UINT, POINTER, POINTER],
        "hb_normals": [UINT, UINT, UINT, POINTER, UINT],
    }
)


def scheme(resampling: str) -> int:
    """The kernels' number of a way to resample, or a refusal."""
    if resampling not in RESAMPLING:
        raise KernelError(
            f"there is no resampling {resampling!r}; choose one of {', '.join(RESAMPLING)}"
        )
    return RESAMPLING.index(resampling)


def resample(
    weights: NDArray[np.float64],
    resampling: Resampling = "systematic",
    *,
    seed: int = 0,
    stream: int = 0,
    tick: int = 0,
) -> NDArray[np.int32]:
    """As many indices as there are weights, drawn in proportion to them.

    Args:
        weights: float64 [1 to 65,536], none negative, a sum of 1e-300 to 1e300.
        resampling: the scheme.
        seed, stream, tick: 32-bit numbers; each triple draws its own numbers.

    Returns:
        int32 [as many].

    Raises:
        KernelError: the weights or a number are out of range.

    Example:
        >>> resample(np.array([0.0, 1.0, 0.0, 3.0])).tolist()
        [1, 3, 3, 3]
    """
    weights = np.ascontiguousarray(weights, np.float64)
    if weights.ndim != 1 or not 1 <= len(weights) <= MAX_PARTICLES:
        raise KernelError(f"weights are {described(weights)}; give float64 [1 to {MAX_PARTICLES}]")
    for name, value in (("seed", seed), ("stream", stream), ("tick", tick)):
        integer(value, name, 0, 2**32 - 1)
    indices = np.empty(len(weights), np.int32)
    scratch = np.empty(2 * len(weights))
    status = _load().hb_resample(
        weights.ctypes.data, len(weights), scheme(resampling), seed, stream, tick,
        indices.ctypes.data, scratch.ctypes.data,
    )  # fmt: skip
    if status != 0:
        raise KernelError("weights are negative, NaN or sum to nothing; give shares of a whole")
    return indices


def normals(count: int, *, seed: int = 0, stream: int = 0, tick: int = 0) -> NDArray[np.float32]:
    """Standard normals that depend on nothing but these numbers, on any platform.

    Args:
        count: how many, up to 2^31.
        seed, stream, tick: 32-bit numbers; each triple gives its own normals.

    Returns:
        float32 [count].

    Raises:
        KernelError: a number is out of range.
    """
    integer(count, "count", 0, 2**31)
    for name, value in (("seed", seed), ("stream", stream), ("tick", tick)):
        integer(value, name, 0, 2**32 - 1)
    out = np.empty((count + 63) // 64 * 64, np.float32)
    status = _load().hb_normals(seed, stream, tick, out.ctypes.data, len(out))
    check(status, "normals")
    return out[:count]
