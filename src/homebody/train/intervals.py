"""Intervals: how far a measured share may lie from the true one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import intervals
from homebody.errors import UsageError


class Share(msgspec.Struct, frozen=True):
    """``count`` of ``n``, with a 95 % interval; value and interval are NaN-free: None for n = 0."""

    count: int
    n: int
    value: float | None
    low: float
    high: float

    def __str__(self) -> str:
        """Say it with n and interval.

        >>> print(wilson(9, 10))
        90 % (9 of 10; 95 % interval 60 to 98)
        """
        if self.value is None:
            return "not measured (n = 0)"
        return (
            f"{100 * self.value:.0f} % ({self.count} of {self.n}; "
            f"95 % interval {100 * self.low:.0f} to {100 * self.high:.0f})"
        )


def wilson(count: int, n: int) -> Share:
    """A share with its 95 % score interval, which stays inside [0, 1] and works for small n.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927).

    Args:
        count: successes, 0..n.
        n: trials; for 0 the interval is [0, 1] and the value None.

    Raises:
        UsageError: the numbers are no share.

    Example:
        >>> share = wilson(5, 10)
        >>> round(share.low, 4), round(share.high, 4)
        (0.2366, 0.7634)
    """
    low, high = intervals.wilson(count, n)
    return Share(count, n, count / n if n else None, low, high)


def difference(one: Share, other: Share) -> tuple[float, float]:
    """The 95 % interval of ``one - other`` for two independent shares, in [-1, 1].

    Source: R. G. Newcombe, "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17 (1998), method 10.

    Example:
        >>> low, high = difference(wilson(56, 70), wilson(48, 80))
        >>> round(low, 4), round(high, 4)
        (0.0524, 0.3339)
    """
    if one.value is None or other.value is None:
        return -1.0, 1.0
    gap = one.value - other.value
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    return gap - below, gap + above


def bootstrap(
    statistic: Callable[[NDArray[np.intp]], float],
    n: int,
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval of any statistic of n observations.

    Source: B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Args:
        statistic: takes indices [n] into the observations, drawn with replacement.
        n: how many observations there are, at least 1.
        rounds: how often to draw.
        seed: of the draws.

    Example:
        >>> heights = np.array([1.0, 2.0, 3.0, 4.0])
        >>> low, high = bootstrap(lambda chosen: heights[chosen].mean(), 4)
        >>> 1 <= low < 2.5 < high <= 4
        True
    """
    if n < 1:
        raise UsageError("there are no observations to draw from; give at least one")
    rng = np.random.default_rng(seed)
    values: NDArray[Any] = np.array(
        [statistic(rng.integers(0, n, n)) for _ in range(rounds)], np.float64
    )
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
