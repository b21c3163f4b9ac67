"""Presets made visible: compile one to a colour table, render a photo with it.

The colour of a preset becomes one 33 x 33 x 33 table from sRGB to sRGB (see ``kernels/look.c`` for
the arithmetic and the working spaces); sharpening, vignette and grain follow at the photo's own
place in the full picture, so that a preview shows what the full-size photo will show.

    >>> import numpy as np
    >>> from homebody.features.photo.preset import NEUTRAL
    >>> photo = np.full((2, 3, 3), 128, np.uint8)
    >>> bool((render(photo, NEUTRAL) == photo).all())
    True
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.features.photo.preset import (
    BANDS,
    Adjustments,
    Cube,
    Points,
    Preset,
    Tier,
    preset_from_json,
    preset_to_json,
)
from homebody.image import Lut, read_cube

SIZE = 33
"""Edge of the colour table."""

_CURVE_POINTS = 16


def parameters(adjust: Adjustments) -> NDArray[np.float64]:
    """The colour adjustments as the flat array that ``hb_look_lut`` reads (float64[174]).

    The order is that of the offsets at the top of ``kernels/look.c``; amounts are divided by 100.

    >>> parameters(Adjustments(exposure=0.5, tint=-10))[:3].tolist()
    [0.5, 0.0, -0.1]
    """
    split, mono = adjust.split_toning, adjust.mono
    values: list[float] = [adjust.exposure]
    for amount in (
        adjust.temperature,
        adjust.tint,
        adjust.contrast,
        adjust.highlights,
        adjust.shadows,
        adjust.fade,
        adjust.saturation,
        adjust.vibrance,
    ):
        values.append(amount / 100)
    for name in BANDS:
        band = getattr(adjust.bands, name)
        values += [band.hue / 100, band.saturation / 100, band.luminance / 100]
    for tone in (split.shadows, split.highlights):
        values += [tone.hue, tone.amount / 100]
    values.append(split.balance / 100)
    values += (
        [0, 0, 0, 0] if mono is None else [1, mono.red / 100, mono.green / 100, mono.blue / 100]
    )
    for points in (
        adjust.curves.master,
        adjust.curves.red,
        adjust.curves.green,
        adjust.curves.blue,
    ):
        values += _curve(points)
    return np.array(values, np.float64)


def _curve(points: Points) -> list[float]:
    flat = [coordinate / 255 for point in points for coordinate in point]
    return [float(len(points)), *flat, *[0.0] * (2 * _CURVE_POINTS - len(flat))]


def compile_lut(preset: Preset, size: int = SIZE) -> NDArray[np.int16]:
    """The preset's colour as a table: int16[size, size, size, 4], blue slowest, red fastest.

    Values are sRGB levels times 128 (0..32640); the fourth lane is 0. The same preset gives the
    same bits on every platform, and a preset without colour adjustments the exact identity. The
    last few dozen tables are kept, so the array is read-only.

    A preset made from a .cube file has the size of its own table.

    Raises:
        KernelError: size is not 2..65.
    """
    cube = preset.adjust.cube
    if cube is None:
        return _compiled(parameters(preset.adjust).tobytes(), size)
    nodes = np.frombuffer(cube.table, "<i2").reshape(*[cube.size] * 3, 3)
    lut = np.zeros((*nodes.shape[:3], 4), np.int16)
    lut[..., :3] = nodes
    return lut


def preset_from_cube(
    path: str | PathLike[str], id: str, name: str, family: str = "imported", tier: Tier = "free"
) -> Preset:
    """A preset from a .cube file, whose colours it carries along (33 nodes a side).

    Put it into a catalog with :func:`homebody.features.photo.catalog.with_preset`.

    Raises:
        LutError: the file cannot be read, or is no .cube file.
        PresetError: id, name, family or tier is not what a preset may have.
    """
    lut = read_cube(path)
    if len(lut.table) not in (17, SIZE):
        lut = Lut.from_floats(lut.floats[::2, ::2, ::2])  # 65 nodes hold the 33 exactly
    table = np.ascontiguousarray(lut.table[..., :3], "<i2")
    preset = Preset(
        id=id,
        name=name,
        family=family,
        tier=tier,
        version=1,
        description=f"Colours of {Path(path).name[:100]}.",
        adjust=Adjustments(cube=Cube(size=33 if len(table) == SIZE else 17, table=table.tobytes())),
    )
    return preset_from_json(preset_to_json(preset))  # construction checks no ranges; reading does


@lru_cache(maxsize=48)
def _compiled(values: bytes, size: int) -> NDArray[np.int16]:
    lut = kernels.look_lut(np.frombuffer(values), size)
    lut.flags.writeable = False
    return lut


def render(
    pixels: NDArray[np.uint8],
    preset: Preset,
    strength: int = 100,
    *,
    full_size: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
    lut: NDArray[np.int16] | None = None,
    threads: int = 1,
) -> NDArray[np.uint8]:
    """The photo with the preset: table, sharpen, vignette, grain, then mixed with the original.

    Sharpen, vignette and grain are relative to the photo's size, so a smaller rendering of the
    whole photo looks like the large one.

    Args:
        pixels: uint8[height, width, 3 or 4], sRGB; a fourth channel (alpha) stays as it is.
        preset: what to do.
        strength: 0 gives the original, 100 the whole preset.
        full_size: (height, width) of the picture that ``pixels`` is a window of; by default its
            own.
        origin: (top, left) of the window in that picture.
        lut: the preset's compiled table, if it is at hand already.
        threads: bands of rows to work on at a time; changes no bit of the result.

    Returns:
        A new array of the shape of ``pixels``.

    Raises:
        KernelError: an argument is out of range.
    """
    adjust = preset.adjust
    full_height, full_width = pixels.shape[:2] if full_size is None else full_size
    pixels = np.ascontiguousarray(pixels)
    table = compile_lut(preset) if lut is None else lut
    edited = kernels.lut_apply(pixels, table, threads=threads)
    if adjust.sharpen.amount:
        edge = max(full_height, full_width)
        edited = kernels.sharpen(
            edited, adjust.sharpen.amount, adjust.sharpen.radius, long_edge=edge, threads=threads
        )
    if adjust.vignette.amount:
        edited = kernels.vignette(
            edited,
            adjust.vignette.amount,
            adjust.vignette.midpoint,
            full_size=(full_height, full_width),
            origin=origin,
            out=edited,
            threads=threads,
        )
    if adjust.grain.amount:
        edited = kernels.grain(
            edited,
            adjust.grain.amount,
            adjust.grain.size,
            seed=seed_of(preset),
            full_size=(full_height, full_width),
            origin=origin,
            out=edited,
            threads=threads,
        )
    if strength == 100:
        return edited
    return kernels.blend(pixels, edited, strength, out=edited, threads=threads)


def seed_of(preset: Preset) -> int:
    """The grain's seed: fixed for a preset, different between presets."""
    return zlib.crc32(preset.id.encode())
