"""What plots share: inline SVG whose x positions are percentages.

So a page from 360 pixels up needs no second drawing, and no text is ever scaled.
"""

from __future__ import annotations

import math

from homebody.pages.words import as_percent


def step(span: float, most: int) -> float:
    """The distance of ticks on an axis: 1, 2 or 5 times a power of ten.

    Args:
        span: how long the axis is, more than 0.
        most: ticks beside the first one, at most.

    Example:
        >>> step(49, 8), step(0.0049, 8)
        (10.0, 0.001)
    """
    power = math.floor(math.log10(span / most))
    for tens in (power, power + 1):
        for times in (1, 2, 5):
            found = float(f"{times}e{tens}")
            if span <= found * most:
                return found
    return float(f"1e{power + 2}")


def places(span: float, most: int) -> list[float]:
    """Where the ticks of an axis stand, from 0.

    Example:
        >>> places(49, 8)
        [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    away = step(span, most)
    return [number * away for number in range(math.floor(span / away * (1 + 1e-12)) + 1)]


def gauge(start: float, end: float, kind: str = "bar", zero: float = 0.0) -> str:
    """A bar under a name; where it begins and ends, and its zero, are shares of its room."""
    x = as_percent(zero)
    axis = f'<line class="zero" x1="{x}" x2="{x}" y1="-2" y2="7"/>' if zero else ""
    return (
        f'<svg class="gauge" aria-hidden="true"><rect class="{kind}" x="{as_percent(start)}" '
        f'width="{as_percent(max(end - start, 0.002))}" height="100%"/>{axis}</svg>'
    )
