"""The look engine once more, in numpy and libm: what ``kernels/look.c`` is held against.

Written from the description at the top of that file, vectorised, with library functions for roots,
powers and angles. Only the table of the gamut's edge is read from the kernel's source;
:func:`reach_by_bisection` is what that table is held against.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).parents[3] / "kernels" / "look.c"
BAND_HUES = np.array([25.0, 60, 105, 140, 195, 255, 300, 345])
M1 = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
M2 = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
WARM, MAGENTA = np.array([0.702, -0.105, -1.413]), np.array([0.48, -0.195, 0.48])


def decode(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encode(v):
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * np.maximum(v, 1e-12) ** (1 / 2.4) - 0.055)


def oklab(linear):
    return np.cbrt(linear @ M1.T) @ M2.T


def linear_from(lab):
    return (lab @ np.linalg.inv(M2).T) ** 3 @ np.linalg.inv(M1).T


def curve(flat, v):
    """Fritsch-Butland monotone cubic through the points of one curve in the parameter array."""
    n = int(flat[0])
    if n == 0:
        return v
    x, y = flat[1 : 1 + 2 * n : 2], flat[2 : 2 + 2 * n : 2]
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    slope = np.empty(n)
    slope[0], slope[-1] = secant[0], secant[-1]
    for i in range(1, n - 1):
        if secant[i - 1] * secant[i] <= 0:
            slope[i] = 0
        else:
            w1, w2 = 2 * width[i] + width[i - 1], width[i] + 2 * width[i - 1]
            slope[i] = (w1 + w2) / (w1 / secant[i - 1] + w2 / secant[i])
    i = np.clip(np.searchsorted(x, v, side="right") - 1, 0, n - 2)
    t = np.clip((v - x[i]) / width[i], 0, 1)
    return (
        (1 + 2 * t) * (1 - t) ** 2 * y[i]
        + t * (1 - t) ** 2 * width[i] * slope[i]
        + t**2 * (3 - 2 * t) * y[i + 1]
        + t**2 * (t - 1) * width[i] * slope[i + 1]
    )


def tone(p, v):
    v = v + 0.85 * p[5] * v * (1 - v) ** 3
    v = v + 0.85 * p[4] * v**3 * (1 - v)
    steep = v**2 / (v**2 + (1 - v) ** 2)
    v = v + p[3] * (0.9 if p[3] > 0 else 0.45) * (steep - v)
    v = curve(p[42:75], v)
    return v + 0.2 * p[6] * (1 - v) ** 2


def smooth(t):
    return t * t * (3 - 2 * t)


def edge():
    """The kernel's table of the gamut's edge: float64[72, 3]."""
    body = SOURCE.read_text().split("EDGE[72][3] = {")[1].split("};")[0]
    return np.array(re.findall(r"-?\d+\.\d+", body), float).reshape(72, 3)


EDGE = edge()


def reach(lightness, hue):
    """The chroma where sRGB ends, by the table."""
    rise, cusp, bend = (
        np.interp(hue, np.arange(0, 365, 5), np.append(EDGE[:, c], EDGE[0, c])) for c in range(3)
    )
    down = (1 - lightness) / (1 - cusp)
    return np.where(
        lightness < cusp, rise * lightness, rise * cusp * down * (1 - bend * (1 - down))
    )


def reach_by_bisection(lightness, hue):
    """The chroma where sRGB ends, really: the first place on the way out from grey."""
    way = np.column_stack([np.cos(np.radians(hue)), np.sin(np.radians(hue))])
    steps = np.linspace(0, 0.4, 400)[:, None]
    rgb = np.stack([linear_from(np.column_stack([lightness, s * way])) for s in steps])
    inside = ((rgb >= -1e-9) & (rgb <= 1 + 1e-9)).all(-1)
    first = np.argmin(inside, 0)
    within, beyond = steps[first - 1, 0], steps[first, 0]
    for _ in range(40):
        middle = (within + beyond) / 2
        rgb = linear_from(np.column_stack([lightness, middle[:, None] * way]))
        ok = ((rgb >= -1e-9) & (rgb <= 1 + 1e-9)).all(1)
        within, beyond = np.where(ok, middle, within), np.where(ok, beyond, middle)
    return within


def adjust_colour(p, rgb):
    bands = p[9:33].reshape(8, 3)
    lab = oklab(decode(rgb))
    grey = np.ptp(rgb, axis=-1) == 0
    lab[grey, 1:] = 0
    lightness, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    was = chroma / np.maximum(reach(lightness, hue), 1e-9)
    at = np.where(hue < 25, hue + 360, hue)
    edges = np.append(BAND_HUES, 385)
    i = np.searchsorted(BAND_HUES, at, side="right") - 1
    t = smooth((at - edges[i]) / (edges[i + 1] - edges[i]))[:, None]
    turn, saturation, luminance = ((1 - t) * bands[i] + t * bands[(i + 1) % 8]).T
    gate = chroma**2 / (chroma**2 + 0.0009)
    off = np.abs((hue - 55 + 180) % 360 - 180)
    skin = np.where(off < 40, smooth(np.clip(1 - off / 40, 0, 1)), 0)
    gain = (
        (1 + p[7])
        * (1 + gate * saturation)
        * (1 + 1.5 * p[8] * (1 - 0.7 * skin) * 0.0225 / (chroma**2 + 0.0225))
    )
    weight = 1.6 * gate * luminance * chroma / (chroma + 0.08)
    lightness = lightness + weight * lightness * (1 - lightness)
    angle = np.radians(hue + 30 * gate * turn)
    ab = (chroma * gain)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    high = smooth(np.clip((lightness - (0.5 - 0.3 * p[37]) + 0.45) / 0.9, 0, 1))
    low = (1 - high) * lightness / (lightness + 0.06)
    high = high * np.clip(2.5 * (1.15 - lightness), 0, 1)
    for weight, degrees, amount in ((low, p[33], p[34]), (high, p[35], p[36])):
        tint = 0.16 * amount * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        ab = ab + weight[:, None] * tint
    chroma = np.hypot(*ab.T)
    after = np.degrees(np.arctan2(ab[:, 1], ab[:, 0])) % 360
    share = chroma / np.maximum(reach(np.clip(lightness, 0, 1), after), 1e-12)
    knee = np.maximum(0.88, was)
    room = np.maximum(0.97 - knee, 1e-30)
    excess = np.maximum(share - knee, 0) / room
    allowed = np.where(share > knee, knee + room * excess / (1 + excess), share)
    # No room: the colour was at the edge already and stays there.
    allowed = np.where((share > knee) & (knee >= 0.97), knee, allowed)
    ab = ab * (allowed / np.maximum(share, 1e-300))[:, None]
    return encode(np.clip(linear_from(np.column_stack([lightness, ab])), 0, 1))


def look(p, size=33):
    """The table for one parameter array, in levels * 128: float64[size, size, size, 3]."""
    v = np.arange(size) / (size - 1)
    gains = 2.0 ** (p[0] + p[1] * WARM + p[2] * MAGENTA)
    axes = [encode(g * decode(v) / (1 + (g - 1) * decode(v))) for g in gains]
    b, g, r = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    rgb = np.clip(np.stack([r, g, b], -1).reshape(-1, 3), 0, 1)
    if p[38]:
        rgb = np.repeat(tone(p, np.clip(rgb @ p[39:42], 0, 1))[:, None], 3, 1)
    else:
        low, high = rgb.min(1, keepdims=True), rgb.max(1, keepdims=True)
        toned = tone(p, np.hstack([low, high]))
        share = (rgb - low) / np.maximum(high - low, 1e-300)
        rgb = toned[:, :1] + share * (toned[:, 1:] - toned[:, :1])
    rgb = np.stack([curve(p[75 + 33 * c : 108 + 33 * c], rgb[:, c]) for c in range(3)], -1)
    rgb = np.clip(rgb, 0, 1)
    if p[7:37].any():
        rgb = adjust_colour(p, rgb)
    return np.clip(rgb, 0, 1).reshape(size, size, size, 3) * 32640
