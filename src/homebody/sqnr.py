"""The ratio of signal to quantization noise, in decibels: one definition for every report."""

from __future__ import annotations

import math


def decibels(signal: float, noise: float) -> float:
    """``10 log10(signal / noise)``.

    Args:
        signal: the energy of the right values, a sum of squares.
        noise: the energy of what differs from them.

    Returns:
        Infinite where nothing differs, minus infinite where there is only noise, nan if either
        energy is not finite.

    Example:
        >>> decibels(100.0, 1.0)
        20.0
    """
    if not (math.isfinite(signal) and math.isfinite(noise)):
        return math.nan
    if noise <= 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf
