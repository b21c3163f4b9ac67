"""The chi-square distribution: how unlikely a squared distance is."""

from __future__ import annotations

import math

from homebody.errors import FilterError


def chi_square_tail(x: float, df: int) -> float:
    """The share of chi-square with ``df`` degrees of freedom that lies above ``x``.

    The regularised upper incomplete gamma function: its series below the mean, its continued
    fraction (Lentz's method) above.

    Args:
        x: 0 or more.
        df: 1 or more.

    Raises:
        FilterError: out of range.

    Example:
        >>> round(chi_square_tail(3.841459, 1), 6)
        0.05
    """
    if not x >= 0 or df < 1:
        raise FilterError(f"chi-square of {x} with {df} degrees is not defined; give x >= 0")
    a, z = df / 2, x / 2
    if z == 0:
        return 1.0
    if math.isinf(z):
        return 0.0
    front = math.exp(a * math.log(z) - z - math.lgamma(a))
    if z < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-17:
            n += 1
            term *= z / n
            total += term
        return max(0.0, 1 - front * total)
    b = z + 1 - a
    c, d = 1e300, 1 / b
    value = d
    for i in range(1, 10_000):
        k = -i * (i - a)
        b += 2
        d = 1 / (k * d + b)
        c = b + k / c
        value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return front * value


def chi_square_threshold(false_alarm: float, df: int) -> float:
    """The squared distance that chance exceeds with probability ``false_alarm``.

    Args:
        false_alarm: above 0, below 1.
        df: degrees of freedom, 1 or more.

    Raises:
        FilterError: out of range.

    Example:
        >>> round(chi_square_threshold(0.05, 1), 4)
        3.8415
    """
    if not 0 < false_alarm < 1:
        raise FilterError(f"a false-alarm rate of {false_alarm} is none; give 0 < rate < 1")
    low, high = 0.0, float(df)
    while chi_square_tail(high, df) > false_alarm:
        high *= 2
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if chi_square_tail(middle, df) > false_alarm:
            low = middle
        else:
            high = middle
    return high
