"""How far a measured share may lie from the true one."""

from __future__ import annotations

import math

from homebody.errors import UsageError

Z95 = 1.959963984540054
"""The standard normal's 0.975 quantile."""


def wilson(count: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share, which stays inside [0, 1] and works for small n.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927).

    Args:
        count: successes, 0..n.
        n: trials; for 0 the interval is [0, 1].

    Raises:
        UsageError: the numbers are no share.

    Example:
        >>> [round(end, 4) for end in wilson(5, 10)]
        [0.2366, 0.7634]
    """
    if not 0 <= count <= n:
        raise UsageError(f"{count} of {n} is not a share; give 0 <= count <= n")
    if n == 0:
        return 0.0, 1.0
    p, z2 = count / n, Z95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At the ends one bound is exactly the share itself; rounding must not move it past.
    low = 0.0 if count == 0 else max(0.0, centre - reach)
    high = 1.0 if count == n else min(1.0, centre + reach)
    return low, high
