"""How good a prediction is, and how sure one can be of that."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import UsageError

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """A mean, and the 95 % interval of it."""

    mean: float
    low: float
    high: float


def rmse(predicted: ArrayLike, true: ArrayLike) -> float:
    """Root mean square difference.

    Example:
        >>> rmse([1.0, 5.0], [1.0, 1.0]).__round__(3)
        2.828
    """
    off = np.asarray(predicted, np.float64) - np.asarray(true, np.float64)
    return math.sqrt(float(np.mean(off * off)))


def crps(measured: ArrayLike, mean: ArrayLike, sigma: ArrayLike) -> float:
    """Mean continuous ranked probability score of normal predictions; smaller is better.

    Source: Gneiting and Raftery, "Strictly proper scoring rules, prediction, and estimation",
    JASA 102 (2007), their closed form for a normal.

    Example:
        >>> round(crps([0.0], [0.0], [1.0]), 4)
        0.2337
    """
    y, m, s = (np.atleast_1d(np.asarray(part, np.float64)) for part in (measured, mean, sigma))
    z = (y - m) / s
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    below = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    return float(np.mean(s * (z * (2 * below - 1) + 2 * density - 1 / math.sqrt(math.pi))))


def coverage(measured: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """The share of measurements inside their intervals."""
    y = np.asarray(measured, np.float64)
    return float(np.mean((y >= np.asarray(low)) & (y <= np.asarray(high))))


def mean_interval(values: ArrayLike, *, draws: int = 2000, seed: int = 0) -> Interval:
    """A mean with its 95 % percentile bootstrap interval.

    Source: Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7
    (1979).

    Args:
        values: one number a seed, an asset or a cell, [n].
        draws: how many resamples.
        seed: of the resamples.

    Raises:
        UsageError: there are none.

    Example:
        >>> mean_interval([1.0, 1.0, 1.0])
        Interval(mean=1.0, low=1.0, high=1.0)
    """
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or not len(found):
        raise UsageError(f"values are {list(found.shape)}; give one or more numbers")
    chosen = np.random.default_rng(seed).integers(0, len(found), (draws, len(found)))
    means = found[chosen].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(found.mean()), float(low), float(high))
