"""Grain, vignette and sharpening: the same at every resolution."""

from __future__ import annotations

import numpy as np

from homebody.kernels._arguments import MAX_SIDE, Pixels, integer, output, picture, place, separate
from homebody.kernels._library import bands, check, load


def grain(
    pixels: Pixels,
    amount: int,
    size: int,
    *,
    seed: int,
    full_size: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """Monochrome film-like grain: the same pattern at every resolution, most in the mid-tones.

    Args:
        pixels: uint8 [h, w, 3 or 4].
        amount: 0 to 100; at 100 the standard deviation in the mid-tones is a tenth of the range.
        size: 0 to 100; a grain is (25 + size) / 100,000 of the full picture's long edge.
        seed: 0 to 2**32 - 1; chooses the pattern.
        full_size: (height, width) of the picture that ``pixels`` is a window of; or its own.
        origin: (row, column) of the window's first pixel in that picture.
        out: of the shape of ``pixels``, which it may be.
        threads: bands of rows to work on at a time.

    Example:
        >>> grey = np.full((4, 4, 3), 128, np.uint8)
        >>> bool((grain(grey, 0, 25, seed=1) == grey).all())
        True
    """
    picture(pixels, "pixels", (3, 4))
    integer(amount, "amount", 0, 100)
    integer(size, "size", 0, 100)
    integer(seed, "seed", 0, 2**32 - 1)
    top, left, full_height, full_width = place(pixels, full_size, origin)
    out = output(out, pixels.shape)
    library = load()
    _, width, channels = pixels.shape
    length = library.hb_grain_scratch(width, size, full_height, full_width)

    def work(first: int, last: int) -> None:
        scratch = np.empty(length, np.uint32)
        check(
            library.hb_grain(
                pixels[first:].ctypes.data, last - first, width, channels, top + first, left,
                full_height, full_width, amount, size, seed, out[first:].ctypes.data,
                scratch.ctypes.data, length,
            ),
            "grain",
        )  # fmt: skip

    bands(pixels.shape[0], threads, work)
    return out


def vignette(
    pixels: Pixels,
    amount: int,
    midpoint: int = 50,
    *,
    full_size: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """Darken or lighten smoothly towards the corners, in an ellipse that fits the picture.

    Args:
        pixels: uint8 [h, w, 3 or 4].
        amount: -100 (black corners) to 100 (white corners).
        midpoint: 0 to 100: how far towards the corners, in per cent, the change begins.
        full_size: (height, width) of the picture that ``pixels`` is a window of; or its own.
        origin: (row, column) of the window's first pixel in that picture.
        out: of the shape of ``pixels``, which it may be.
        threads: bands of rows to work on at a time.

    Example:
        >>> grey = np.full((9, 9, 3), 128, np.uint8)
        >>> vignette(grey, -100, 0)[4, 4].tolist()
        [128, 128, 128]
    """
    picture(pixels, "pixels", (3, 4))
    integer(amount, "amount", -100, 100)
    integer(midpoint, "midpoint", 0, 100)
    top, left, full_height, full_width = place(pixels, full_size, origin)
    out = output(out, pixels.shape)
    library = load()
    _, width, channels = pixels.shape

    def work(first: int, last: int) -> None:
        check(
            library.hb_vignette(
                pixels[first:].ctypes.data, last - first, width, channels, top + first, left,
                full_height, full_width, amount, midpoint, out[first:].ctypes.data,
            ),
            "vignette",
        )  # fmt: skip

    bands(pixels.shape[0], threads, work)
    return out


def sharpen(
    pixels: Pixels,
    amount: int,
    radius: int = 25,
    *,
    long_edge: int | None = None,
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """Unsharp mask of the luma: the same change to red, green and blue, so no coloured fringes.

    Args:
        pixels: uint8 [h, w, 3 or 4]; a window needs a margin of radius / 40,000 of ``long_edge``.
        amount: 0 to 100; 50 adds the difference between luma and blur once.
        radius: 0 to 100; the blur is a tent of half width radius / 40,000 of ``long_edge``.
        long_edge: longer side of the picture that ``pixels`` is a window of; its own by default.
        out: of the shape of ``pixels``; not ``pixels`` itself.
        threads: bands of rows to work on at a time.

    Example:
        >>> flat = np.full((8, 8, 3), 90, np.uint8)
        >>> bool((sharpen(flat, 100, long_edge=4000) == flat).all())
        True
    """
    picture(pixels, "pixels", (3, 4))
    integer(amount, "amount", 0, 100)
    integer(radius, "radius", 0, 100)
    height, width, channels = pixels.shape
    edge = max(height, width) if long_edge is None else long_edge
    integer(edge, "long_edge", max(height, width), MAX_SIDE)
    out = output(out, pixels.shape)
    separate(pixels, out)
    library = load()
    length = library.hb_sharpen_scratch(width, radius, edge)

    def work(first: int, last: int) -> None:
        scratch = np.empty(length, np.uint32)
        check(
            library.hb_sharpen(
                pixels.ctypes.data, height, width, channels, first, last, edge, amount, radius,
                out.ctypes.data, scratch.ctypes.data, length,
            ),
            "sharpen",
        )  # fmt: skip

    bands(height, threads, work)
    return out
