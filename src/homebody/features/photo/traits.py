"""What a preset does and what a photo is, in a few numbers: the fixed features of a preference.

A preset's traits are measured on its own colour table at 5 x 5 x 5 nodes, which comes from one C
kernel and is integer: curves, bands, toning and carried .cube tables all count, and the browser
gets the same numbers. Each is divided by about its standard deviation over the shipped catalog, a
constant, so that what was learned stays true when presets come and go.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from homebody.features.photo.look import compile_lut
from homebody.features.photo.preset import Preset

TRAITS = (
    "light", "contrast", "fade", "warmth", "tint", "split", "colour", "mono", "grain", "vignette",
)  # fmt: skip
"""The names of a preset's traits, in their order."""
_SCALES = (0.05, 0.05, 0.03, 0.06, 0.016, 0.06, 0.06, 0.33, 0.08, 0.06)

CONTEXTS = ("people", "built", "dark")
"""What of a photo a taste may depend on."""
_PARTS = {
    "people": ("portrait",),
    "built": ("architecture", "interior", "street"),
    "dark": ("night", "light-and-shadow"),
}
MOST = 3.0
"""A trait beyond this counts as this: no preset speaks louder than three others."""
STEP = 256
"""A photo's scores are rounded to 1/256, so that a last bit never decides."""
_NODES = 5
_WHITE = 32640.0
_SPREAD = 36
"""Of the plain colours at the inner nodes, in quarters: largest less smallest channel."""


def traits(preset: Preset) -> NDArray[np.float64]:
    """float64 [10]: how a preset changes light, contrast, ... (:data:`TRAITS`).

    Example:
        >>> from homebody.features.photo.preset import NEUTRAL
        >>> bool((traits(NEUTRAL) == 0).all())
        True
    """
    table = compile_lut(preset, _NODES)
    stride = (len(table) - 1) // (_NODES - 1)
    nodes = table[::stride, ::stride, ::stride, :3].astype(np.int64)
    red, green, blue = nodes[..., 0], nodes[..., 1], nodes[..., 2]
    # Whole numbers until the last division: the order of summing cannot matter.
    luma = 299 * red + 587 * green + 114 * blue
    spread = nodes.max(-1) - nodes.min(-1)
    grey = np.arange(1, _NODES - 1)
    at = (grey, grey, grey)
    inner = (slice(1, 4),) * 3
    warm = red - blue
    adjust = preset.adjust
    mono = adjust.mono is not None
    # Black and white is a trait of its own, and not the least of colour besides.
    colour = 0.0 if mono else (int(spread[inner].sum()) - _SPREAD * _WHITE / 4) / (27 * _WHITE)
    values = (
        (int(luma[at].sum()) / 1000 - 1.5 * _WHITE) / (3 * _WHITE),
        int(luma[3, 3, 3] - luma[1, 1, 1]) / 1000 / _WHITE - 0.5,
        int(luma[0, 0, 0]) / 1000 / _WHITE,
        int(warm[at].sum()) / (3 * _WHITE),
        int((2 * green - red - blue)[at].sum()) / (6 * _WHITE),
        int(warm[3, 3, 3] - warm[1, 1, 1]) / _WHITE,
        colour,
        1.0 if mono else 0.0,
        adjust.grain.amount / 100,
        -adjust.vignette.amount / 100,
    )
    found = [value / scale for value, scale in zip(values, _SCALES, strict=True)]
    return np.array([min(max(value, -MOST), MOST) for value in found])


def contexts(scores: Mapping[str, float]) -> list[float]:
    """[3], each 0 to 1: how much a photo shows people, is of what is built, is dark.

    Example:
        >>> contexts({"portrait": 0.5, "street": 0.25, "night": 0.125})
        [0.5, 0.25, 0.125]
    """
    found = []
    for name in CONTEXTS:
        total = 0
        for part in _PARTS[name]:
            total += int(scores.get(part, 0.0) * STEP + 0.5)
        found.append(min(total, STEP) / STEP)
    return found
