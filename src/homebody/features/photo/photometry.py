"""How the light and colour of a photo are, whatever it shows: four rules over integer counts.

Each rule turns :class:`homebody.kernels.Statistics` of the whole photo, resized as for
the model, into a strength from 0 (absent) to 1 (plain), 0.5 where the rule begins to hold.
The counts are exact integers and the arithmetic after them is a few IEEE double operations in a
fixed order, so every platform gives the same strengths.

A measure is turned into a strength by a ramp: 0 up to its first number, 1 from its second, and
straight in between. A rule with several measures is as strong as its weakest.

=================  ==========================================================================
night              dark pixels (luma under 56) are 40 % -> 60 % of the photo, and bright ones
                   (luma 200 or more) 15 % -> 5 %: darkness, broken at most by lamps
monochrome         coloured pixels (chroma over 16) are 2 % -> 0.5 %: black and white, but for
                   what JPEG leaves. Toned pictures (sepia) are not neutral and do not count
vibrant            colourfulness M of Hasler and Süsstrunk 50 -> 100 (they call 59 quite, 82
                   highly and 109 extremely colourful), and red-green spread 30 -> 50: a plain
                   blue sky is colourful, but alone it is not vibrant
light-and-shadow   two bodies of luma (split as Otsu does) 80 -> 140 apart, the smaller one
                   25 % -> 40 % of the photo, dark pixels 20 % -> 40 %; they alternate across the
                   photo (spread of mean luma along the rows of an 8x8 grid 10 -> 30), so that a
                   bright sky over dark land does not count; and colour is not the main thing
                   (M 45 -> 25)
=================  ==========================================================================

Sources: D. Hasler, S. Süsstrunk, "Measuring colourfulness in natural images", SPIE 5007 (2003);
N. Otsu, "A threshold selection method from gray-level histograms", IEEE SMC 9 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from homebody.kernels import Statistics

DARK = 56
"""Luma under this is dark."""
BRIGHT = 200
"""Luma from this on is bright."""
NEUTRAL = 16
"""Chroma (largest less smallest of R, G, B) up to this is neutral."""

SUBJECTS = ("animal", "flower", "food", "portrait")
"""Content categories whose dark photos are of a thing before a dark ground, not of a night."""

PERSON = 0.25
"""From this confidence on, ``portrait`` goes before ``animal``."""


class Measures(NamedTuple):
    """What the rules look at."""

    dark: float
    """Share of pixels with luma under :data:`DARK`."""
    bright: float
    """Share of pixels with luma of at least :data:`BRIGHT`."""
    coloured: float
    """Share of pixels with chroma over :data:`NEUTRAL`."""
    colourfulness: float
    """Hasler and Süsstrunk's M, 0 for grey to about 150."""
    red_green: float
    """Standard deviation of R - G, in levels."""
    separation: float
    """Distance of the mean lumas of the two bodies that Otsu's threshold makes, in levels."""
    smaller: float
    """The smaller body's share of the photo."""
    alternation: float
    """Root mean square spread of cell luma along the rows of the 8x8 grid, in levels."""


def measures(statistics: Statistics) -> Measures:
    """Reduce a photo's counts to what the rules look at.

    Example:
        >>> import numpy as np
        >>> from homebody import kernels
        >>> grey = np.full((16, 16, 3), 128, np.uint8)
        >>> measures(kernels.statistics(grey)).coloured
        0.0
    """
    pixels = statistics.pixels
    luma = [int(count) for count in statistics.luma]
    rg_variance = _variance(statistics.rg_sum, statistics.rg_square, pixels)
    yb_variance = _variance(statistics.yb_sum, statistics.yb_square, pixels) / 4
    rg_mean, yb_mean = statistics.rg_sum / pixels, statistics.yb_sum / pixels / 2
    spread = math.sqrt(rg_variance + yb_variance)
    distance = math.sqrt(rg_mean * rg_mean + yb_mean * yb_mean)
    separation, smaller = _two_bodies(luma)
    return Measures(
        dark=sum(luma[:DARK]) / pixels,
        bright=sum(luma[BRIGHT:]) / pixels,
        coloured=sum(int(count) for count in statistics.chroma[NEUTRAL + 1 :]) / pixels,
        colourfulness=spread + 0.3 * distance,
        red_green=math.sqrt(rg_variance),
        separation=separation,
        smaller=smaller,
        alternation=_alternation(statistics),
    )


def strengths(statistics: Statistics) -> dict[str, float]:
    """Strength in [0, 1] of each photometric category, by id.

    Example:
        >>> import numpy as np
        >>> from homebody import kernels
        >>> strengths(kernels.statistics(np.full((16, 16, 3), 128, np.uint8)))
        {'night': 0.0, 'monochrome': 1.0, 'vibrant': 0.0, 'light-and-shadow': 0.0}
    """
    m = measures(statistics)
    return {
        "night": min(_ramp(m.dark, 0.40, 0.60), _ramp(m.bright, 0.15, 0.05)),
        "monochrome": _ramp(m.coloured, 0.02, 0.005),
        "vibrant": min(_ramp(m.colourfulness, 50, 100), _ramp(m.red_green, 30, 50)),
        "light-and-shadow": min(
            _ramp(m.separation, 80, 140),
            _ramp(m.smaller, 0.25, 0.40),
            _ramp(m.dark, 0.20, 0.40),
            _ramp(m.alternation, 10, 30),
            _ramp(m.colourfulness, 45, 25),
        ),
    }


def combine(content: Mapping[str, float], photometric: Mapping[str, float]) -> dict[str, float]:
    """One score for each category, content and photometric; the highest names the photo.

    Content confidences (they sum to 1) and photometric strengths stand side by side, with two
    exceptions. To call a person an animal is the worst mistake that this feature can make, and to
    call an animal a portrait is hardly one: where ``portrait`` has :data:`PERSON` or more and
    ``animal`` still more, the two exchange their confidences. And darkness is a night only where
    the photo shows a place: a fish, a dish or a face before a dark ground is not taken at night,
    so ``night`` is multiplied by the confidence that is not on :data:`SUBJECTS`.

    Args:
        content: confidence of each content category.
        photometric: strength of each photometric category, from :func:`strengths`.

    Example:
        >>> combine({"street": 0.75, "animal": 0.25}, {"night": 1.0, "vibrant": 0.5})
        {'street': 0.75, 'animal': 0.25, 'night': 0.75, 'vibrant': 0.5}
    """
    scores = {**content, **photometric}
    animal, portrait = content.get("animal", 0.0), content.get("portrait", 0.0)
    if PERSON <= portrait < animal:
        scores["animal"], scores["portrait"] = portrait, animal
    if "night" in scores:
        place = 1.0 - _sum(content.get(subject, 0.0) for subject in SUBJECTS)
        scores["night"] *= min(1.0, max(0.0, place))
    return scores


def _ramp(value: float, zero: float, one: float) -> float:
    """0 at `zero` and before, 1 at `one` and beyond; `one` may be the smaller."""
    return min(1.0, max(0.0, (value - zero) / (one - zero)))


def _variance(total: int, square: int, pixels: int) -> float:
    mean = total / pixels
    return max(0.0, square / pixels - mean * mean)


def _two_bodies(luma: list[int]) -> tuple[float, float]:
    """Otsu's split: the means' distance, and the smaller body's share; 0, 0 for one level."""
    pixels = sum(luma)
    total = sum(level * count for level, count in enumerate(luma))
    best, separation, smaller = 0.0, 0.0, 0.0
    below = below_sum = 0
    for level, count in enumerate(luma):
        below += count
        below_sum += level * count
        above = pixels - below
        if below == 0 or above == 0:
            continue
        distance = (total - below_sum) / above - below_sum / below
        between = distance * distance * (below / pixels) * (above / pixels)
        if between > best:
            best, separation, smaller = between, distance, min(below, above) / pixels
    return separation, smaller


def _alternation(statistics: Statistics) -> float:
    """Spread of the grid's mean luma within rows, as a root mean square over the rows."""
    # The grid knows sums; how many pixels a cell has follows from the photo's sides alone, but the
    # statistics carry only their product. Within a row, cells differ by one column at most, which
    # at a short side of 227 is under 4 % of a mean.
    squares = 0.0
    for row in statistics.grid:
        cells = [int(cell) * 64 / statistics.pixels for cell in row]
        mean = _sum(cells) / 8
        squares += _sum([(cell - mean) * (cell - mean) for cell in cells]) / 8
    return math.sqrt(squares / 8)


def _sum(values: Iterable[float]) -> float:
    """Plain left-to-right sum: Python's own compensates for rounding from 3.12 on."""
    total = 0.0
    for value in values:
        total += value
    return total
