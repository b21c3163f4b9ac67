"""Pixels: decode, orient, resize, colour look-up tables.

A picture stays in its own RGB encoding from file to file: an ICC profile is carried, not applied,
and presets are designed in sRGB, which nearly every photo is. Only colour models that are not RGB
(CMYK, L*a*b*) are converted, to sRGB.
"""

from __future__ import annotations

from homebody.image.lut import Lut, read_cube, write_cube
from homebody.image.photo import LIMITS, Limits, Photo
from homebody.image.reading import decode
from homebody.image.writing import encode

__all__ = ["LIMITS", "Limits", "Lut", "Photo", "decode", "encode", "read_cube", "write_cube"]
