"""How good predictions with an uncertainty are."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import FilterError

Array = NDArray[np.float64]


def crps(mean: ArrayLike, sigma: ArrayLike, measured: ArrayLike) -> Array:
    """The continuous ranked probability score of normal predictions: smaller is better.

    In the measurement's unit; for a prediction without width it is the absolute error. Unlike
    coverage it rewards narrow intervals, and unlike an error it punishes wrong ones.

    Source: Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation",
    JASA 102 (2007).

    Args:
        mean, sigma, measured: float64, of shapes that broadcast; sigma above 0.

    Raises:
        FilterError: a sigma is not above 0.

    Example:
        >>> crps(0.0, 1.0, [0.0, 2.0]).round(3).tolist()
        [0.234, 1.453]
    """
    width = np.asarray(sigma, np.float64)
    if not (width > 0).all():
        raise FilterError("a sigma is 0, negative or NaN; CRPS needs a width above 0")
    z = (np.asarray(measured, np.float64) - np.asarray(mean, np.float64)) / width
    erf = np.vectorize(math.erf, otypes=[np.float64])
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    score: Array = width * (z * erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))
    return score


def coverage(low: ArrayLike, high: ArrayLike, measured: ArrayLike) -> tuple[int, int]:
    """How many measurements lie inside their intervals, and of how many; NaN are left out.

    ``homebody.intervals.wilson(*coverage(...))`` says how far the share may be from the truth.

    Example:
        >>> coverage([0, 0, 0], [1, 1, 1], [0.5, 2.0, np.nan])
        (1, 2)
    """
    y = np.asarray(measured, np.float64)
    there = ~np.isnan(y)
    inside = (np.asarray(low) <= y) & (y <= np.asarray(high)) & there
    return int(inside.sum()), int(there.sum())
