"""Edit a photo file at full resolution."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from homebody.features.photo.look import render
from homebody.features.photo.preset import Preset
from homebody.image import decode, encode
from homebody.image.writing import check_target


class EditResult(msgspec.Struct, frozen=True):
    """What :func:`edit_file` wrote: pixels, and milliseconds spent."""

    photo: str
    output: str
    preset: str
    strength: int
    width: int
    height: int
    timing_ms: dict[str, float]


def edit_file(
    photo: str | os.PathLike[str],
    preset: Preset,
    output: str | os.PathLike[str],
    *,
    strength: int = 100,
    quality: int = 95,
) -> EditResult:
    """Render a preset on a photo at full resolution and write it with its metadata.

    EXIF (orientation applied), ICC profile, XMP and alpha are kept. The preset works on the
    photo's own RGB values.

    Args:
        photo: the file to read.
        preset: what to do.
        output: the file to write; its ending names the format.
        strength: 0 is the original, 100 the whole preset.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ImageError: the photo cannot be read, or the output cannot be written.

    Example:
        >>> from homebody.features.photo.catalog import default_catalog
        >>> preset = default_catalog().preset("cin-01")
        >>> edit_file("coast.jpg", preset, "coast-cine.jpg", strength=80)     # doctest: +SKIP
    """
    target = Path(output)
    check_target(target)
    marks = [time.perf_counter()]
    decoded = decode(photo)
    marks.append(time.perf_counter())
    edited = render(decoded.pixels, preset, strength, threads=os.cpu_count() or 1)
    marks.append(time.perf_counter())
    encode(decoded.with_pixels(edited), target, quality=quality)
    marks.append(time.perf_counter())
    names = ("decode", "render", "encode")
    timing = {n: round((b - a) * 1000, 2) for n, a, b in zip(names, marks, marks[1:], strict=False)}
    height, width = edited.shape[:2]
    return EditResult(
        os.fspath(photo), os.fspath(output), preset.id, strength, width, height, timing
    )
