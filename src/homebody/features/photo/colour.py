"""Colour difference as people see it: CIELAB (D65) and CIEDE2000.

>>> import numpy as np
>>> red, orange = lab_from_srgb(np.array([[255, 0, 0], [255, 128, 0]], np.uint8))
>>> round(float(delta_e(red, orange)), 1)
21.2
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lab = NDArray[np.float64]
"""float64[..., 3]: L* 0..100, a*, b*."""

_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_LINEAR = np.arange(256) / 255
_LINEAR = np.where(_LINEAR <= 0.04045, _LINEAR / 12.92, ((_LINEAR + 0.055) / 1.055) ** 2.4)


def lab_from_srgb(pixels: NDArray[np.uint8]) -> Lab:
    """CIELAB of 8-bit sRGB, uint8[..., 3], against sRGB's own white (so greys have a* = b* = 0)."""
    xyz = _LINEAR[pixels] @ (_XYZ / _XYZ.sum(1, keepdims=True)).T
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)


def chroma_and_hue(lab: Lab) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """C*ab and the hue angle in degrees, 0..360."""
    return np.hypot(lab[..., 1], lab[..., 2]), np.degrees(
        np.arctan2(lab[..., 2], lab[..., 1])
    ) % 360


def hue_turn(before: NDArray[np.float64], after: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smaller angle between two hues in degrees, with its sign: -180..180."""
    return (after - before + 180) % 360 - 180


def delta_e(one: NDArray[np.floating], two: NDArray[np.floating]) -> NDArray[np.float64]:
    """CIEDE2000 with kL = kC = kH = 1, of two arrays of CIELAB colours.

    After G. Sharma, W. Wu, E. Dalal, "The CIEDE2000 color-difference formula: implementation notes,
    supplementary test data, and mathematical observations", Color Research & Application 30 (2005).
    """
    L1, a1, b1 = np.moveaxis(np.asarray(one, np.float64), -1, 0)
    L2, a2, b2 = np.moveaxis(np.asarray(two, np.float64), -1, 0)
    c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(c7 / (c7 + 25.0**7))
    a1, a2 = a1 * stretch, a2 * stretch
    C1, C2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.arctan2(b1, a1), np.arctan2(b2, a2)  # of (0, 0): 0, as the paper has it
    grey = C1 * C2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi)
    # the paper takes +180 degrees at exactly opposite hues; only the sign of dH is in question
    turn = np.where(turn == -np.pi, np.pi, turn)
    h1, h2 = h1 % (2 * np.pi), h2 % (2 * np.pi)
    mean_h = (h1 + h2) / 2
    apart = np.abs(h1 - h2) > np.pi
    mean_h = np.where(apart, np.where(h1 + h2 < 2 * np.pi, mean_h + np.pi, mean_h - np.pi), mean_h)
    mean_h = np.where(grey, h1 + h2, mean_h)
    mean_L, mean_C = (L1 + L2) / 2, (C1 + C2) / 2
    T = (
        1
        - 0.17 * np.cos(mean_h - np.radians(30))
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.radians(6))
        - 0.20 * np.cos(4 * mean_h - np.radians(63))
    )
    S_L = 1 + 0.015 * (mean_L - 50) ** 2 / np.sqrt(20 + (mean_L - 50) ** 2)
    S_C = 1 + 0.045 * mean_C
    S_H = 1 + 0.015 * mean_C * T
    mean_C7 = mean_C**7
    around_blue = np.radians(30) * np.exp(-(((np.degrees(mean_h) - 275) / 25) ** 2))
    R_T = -2 * np.sqrt(mean_C7 / (mean_C7 + 25.0**7)) * np.sin(2 * around_blue)
    dL = (L2 - L1) / S_L
    dC = (C2 - C1) / S_C
    dH = 2 * np.sqrt(C1 * C2) * np.sin(turn / 2) / S_H
    return np.asarray(np.sqrt(np.maximum(dL**2 + dC**2 + dH**2 + R_T * dC * dH, 0)))
