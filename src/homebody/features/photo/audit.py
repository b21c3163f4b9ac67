"""What each preset does to each category's photos, in figures, held against the catalog's limits.

Curation by eye drifts; figures don't. For every preset in a category's list: how many pixels it
newly clips, how visible it is (mean CIEDE2000), how far it turns the hue of skin and how much
colour greys take on. And for the whole catalog: which presets are nearly the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.errors import CatalogError, CurationError
from homebody.features.photo.catalog import Catalog, Limits
from homebody.features.photo.colour import (
    Lab,
    chroma_and_hue,
    delta_e,
    hue_turn,
    lab_from_srgb,
)
from homebody.features.photo.look import compile_lut, render
from homebody.features.photo.preset import Preset

SIDE = 128
"""Samples are measured at this long side in pixels: enough for figures, quick for hundreds."""

DUPLICATE = 1.5
"""Two presets count as one look if on every sample their mean CIEDE2000 is below this."""

# Own choice of skin in even light, from very pale to very dark, in three light levels each.
_SKIN = np.array(
    [
        [255, 224, 204], [245, 206, 182], [232, 184, 152], [214, 162, 126], [198, 144, 106],
        [176, 120, 84], [150, 98, 66], [124, 78, 52], [98, 60, 42], [74, 46, 34],
        [222, 190, 172], [186, 140, 118], [148, 108, 88], [110, 76, 60], [84, 60, 50],
    ],
    np.uint8,
)  # fmt: skip
_GREY = np.repeat(np.arange(48, 216, 12, dtype=np.uint8)[:, None], 3, 1)


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One preset on one category's samples.

    ``skin_hue`` is None for a preset that leaves no colour to have a hue.
    """

    category: str
    preset: str
    samples: int
    clipped: float
    """Share of pixels that reach a channel's 255, or 0 in all, and did not before."""
    delta_e: float
    """Mean CIEDE2000 between original and rendering."""
    skin_hue: float | None
    """Mean turn of the CIELAB hue of skin, in degrees either way, by the chroma it has left."""
    neutral: float
    """Mean CIELAB chroma that greys take on."""


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """Two presets that look nearly the same on every sample."""

    one: str
    two: str
    delta_e: float
    """Mean CIEDE2000 on the sample where they differ most."""


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured, and what breaks a limit (one line each)."""

    catalog_version: str
    measures: tuple[Measure, ...]
    duplicates: tuple[Duplicate, ...]
    offences: tuple[str, ...]

    def check(self) -> None:
        """Raise if curation breaks a limit.

        Raises:
            CurationError: it does; ``offences`` lists where.
        """
        if self.offences:
            raise CurationError(list(self.offences))


def audit(
    catalog: Catalog, samples_by_category: Mapping[str, Sequence[NDArray[np.uint8]]]
) -> AuditReport:
    """Measure every curated preset on its category's samples, and every pair of presets.

    Args:
        catalog: what to audit.
        samples_by_category: photos, uint8[h, w, 3], for category ids; a category without photos is
            measured on all of them.

    Returns:
        The report; call its ``check()`` to make broken limits an error.

    Raises:
        CatalogError: an unknown category, or no sample at all.
    """
    for id in samples_by_category:
        catalog.category(id)
    everything = [_small(photo) for photos in samples_by_category.values() for photo in photos]
    if not everything:
        raise CatalogError("an audit needs at least one sample photo; none was given")
    luts = {preset.id: compile_lut(preset) for preset in catalog.presets}
    patches = {preset.id: _patches(preset, luts[preset.id]) for preset in catalog.presets}
    measures, offences = [], []
    for category in catalog.categories:
        photos = [_small(photo) for photo in samples_by_category.get(category.id, ())]
        photos = photos or everything
        before = [lab_from_srgb(photo) for photo in photos]
        limits = category.limits or catalog.limits
        for entry in category.presets:
            preset = catalog.preset(entry.preset)
            clipped, difference = _on_photos(preset, luts[preset.id], photos, before)
            skin, neutral = patches[preset.id]
            measure = Measure(
                category=category.id,
                preset=preset.id,
                samples=len(photos),
                clipped=round(clipped, 4),
                delta_e=round(difference, 2),
                skin_hue=None if skin is None else round(skin, 1),
                neutral=round(neutral, 2),
            )
            measures.append(measure)
            offences += _broken(measure, limits)
    near = _duplicates(catalog, luts, everything)
    offences += [
        f"{pair.one} and {pair.two} differ by {pair.delta_e} only (at least {DUPLICATE})"
        for pair in near
    ]
    return AuditReport(
        catalog_version=catalog.version,
        measures=tuple(measures),
        duplicates=near,
        offences=tuple(offences),
    )


def _small(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photo at most SIDE pixels long."""
    height, width = photo.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(photo[..., :3])
    return kernels.resize(
        np.ascontiguousarray(photo[..., :3]),
        max(1, round(width * scale)),
        max(1, round(height * scale)),
    )


def _on_photos(
    preset: Preset,
    lut: NDArray[np.int16],
    photos: Sequence[NDArray[np.uint8]],
    before: Sequence[Lab],
) -> tuple[float, float]:
    """Share of newly clipped pixels and mean CIEDE2000; each photo weighs the same."""
    clipped, difference = [], []
    for photo, lab in zip(photos, before, strict=True):
        after = render(photo, preset, lut=lut)
        clipped.append(float(np.mean(_clipped(after) & ~_clipped(photo))))
        difference.append(float(delta_e(lab, lab_from_srgb(after)).mean()))
    return float(np.mean(clipped)), float(np.mean(difference))


def _clipped(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((pixels.max(-1) == 255) | (pixels.max(-1) == 0))


def _patches(preset: Preset, lut: NDArray[np.int16]) -> tuple[float | None, float]:
    """Hue turn of skin (None where the preset leaves none) and chroma of greys, on patches."""
    skin = None
    if preset.adjust.mono is None:
        chroma, hue = chroma_and_hue(lab_from_srgb(kernels.lut_apply(_SKIN[None], lut)[0]))
        _, before = chroma_and_hue(lab_from_srgb(_SKIN))
        if chroma.max() > 4:
            skin = float(np.average(np.abs(hue_turn(before, hue)), weights=chroma))
    grey, _ = chroma_and_hue(lab_from_srgb(kernels.lut_apply(_GREY[None], lut)[0]))
    return skin, float(grey.mean())


def _broken(measure: Measure, limits: Limits) -> list[str]:
    where = f"{measure.preset} in {measure.category}"
    low, high = limits.delta_e
    broken = []
    if measure.clipped > limits.clipped:
        broken.append(f"{where} clips {measure.clipped:.1%} (at most {limits.clipped:.1%})")
    if not low <= measure.delta_e <= high:
        broken.append(f"{where} has mean ΔE {measure.delta_e} (limits {low:g} to {high:g})")
    if measure.skin_hue is not None and measure.skin_hue > limits.skin_hue:
        broken.append(f"{where} turns skin {measure.skin_hue}° (at most {limits.skin_hue:g}°)")
    if measure.neutral > limits.neutral:
        broken.append(f"{where} tints greys by {measure.neutral} (at most {limits.neutral:g})")
    return broken


def _duplicates(
    catalog: Catalog, luts: Mapping[str, NDArray[np.int16]], photos: Sequence[NDArray[np.uint8]]
) -> tuple[Duplicate, ...]:
    """Pairs of presets whose tables give nearly the same colours on every photo.

    The mean over all photos would call two presets one that differ in skies alone.
    """
    colours = np.stack([_spread(photo, 64) for photo in photos])
    labs = [
        lab_from_srgb(kernels.lut_apply(colours, luts[preset.id])).astype(np.float32)
        for preset in catalog.presets
    ]
    near = []
    for i, one in enumerate(labs):
        for j in range(i + 1, len(labs)):
            # Almost all pairs differ widely: CIELAB distance rules them out at a tenth of the cost.
            distance = np.sqrt(((one - labs[j]) ** 2).sum(-1)).mean(-1)
            if distance.max() > 6 * DUPLICATE:
                continue
            difference = float(delta_e(one, labs[j]).mean(-1).max())
            if difference < DUPLICATE:
                names = catalog.presets[i].id, catalog.presets[j].id
                near.append(Duplicate(one=names[0], two=names[1], delta_e=round(difference, 2)))
    return tuple(near)


def _spread(photo: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """About ``count`` pixels, evenly spread over the photo."""
    pixels = photo.reshape(-1, 3)
    return np.take(pixels, np.linspace(0, len(pixels) - 1, count).astype(int), axis=0)
