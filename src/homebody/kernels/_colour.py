"""Colour tables: make one, look colours up in it, mix the result with the original."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import Pixels, described, integer, output, picture
from homebody.kernels._library import bands, check, load

LUT_SIZES = (17, 33, 65)
"""Nodes a side of a colour table that :func:`lut_apply` takes."""

LUT_WHITE = 32640
"""The value of a colour table's node that stands for 255."""

LOOK_PARAMETERS = 174
"""Length of the array that :func:`look_lut` takes."""


def lut_identity(size: int = 33) -> NDArray[np.int16]:
    """The colour table that changes nothing: int16 [size, size, size, 4].

    Example:
        >>> lut_identity(17)[0, 0, 16].tolist()
        [32640, 0, 0, 0]
    """
    if size not in LUT_SIZES:
        raise KernelError(
            f"a colour table of {size} nodes a side is not supported; use {LUT_SIZES}"
        )
    steps = np.arange(size, dtype=np.int16) * np.int16(LUT_WHITE // (size - 1))
    lut = np.zeros((size, size, size, 4), np.int16)
    lut[..., 0], lut[..., 1], lut[..., 2] = steps, steps[:, None], steps[:, None, None]
    return lut


def lut_apply(
    pixels: Pixels, lut: NDArray[np.int16], *, out: Pixels | None = None, threads: int = 1
) -> Pixels:
    """Colours through a three-dimensional table, with tetrahedral interpolation.

    Args:
        pixels: uint8 [h, w, 3 or 4].
        lut: int16 [n, n, n, 4], n 17, 33 or 65: blue slowest, red fastest, 0 to 32,640 (= 255); the
            fourth lane is zero. Values outside the range are refused.
        out: of the shape of ``pixels``, which it may be.
        threads: bands of rows to work on at a time.

    The result is within 1/255 of the interpolation in real numbers; the identity table is exact.

    Example:
        >>> lut_apply(np.array([[[1, 2, 3]]], np.uint8), lut_identity()).tolist()
        [[[1, 2, 3]]]
    """
    picture(pixels, "pixels", (3, 4))
    size = _lut_size(lut)
    out = output(out, pixels.shape)
    library = load()
    _, width, channels = pixels.shape

    def work(first: int, last: int) -> None:
        check(
            library.hb_lut_apply(
                pixels[first:].ctypes.data, (last - first) * width, channels,
                lut.ctypes.data, size, out[first:].ctypes.data,
            ),
            "lut_apply",
        )  # fmt: skip

    bands(pixels.shape[0], threads, work)
    return out


def _lut_size(lut: NDArray[np.int16]) -> int:
    if (
        not isinstance(lut, np.ndarray)
        or lut.dtype != np.int16
        or lut.ndim != 4
        or lut.shape[0] not in LUT_SIZES
        or lut.shape != (*[lut.shape[0]] * 3, 4)
        or not lut.flags.c_contiguous
    ):
        raise KernelError(
            f"lut is {described(lut)}; give a C-contiguous int16 [n, n, n, 4], n one of {LUT_SIZES}"
        )
    if lut.min() < 0 or lut.max() > LUT_WHITE:
        raise KernelError(f"lut has values outside 0 to {LUT_WHITE}; clip it first")
    return int(lut.shape[0])


def look_lut(parameters: NDArray[np.float64], size: int = 33) -> NDArray[np.int16]:
    """Compile a preset's colour adjustments to a table for :func:`lut_apply`.

    Args:
        parameters: float64 [174]; ``kernels/look.c`` names their offsets and ranges.
        size: nodes a side, 2 to 65.

    Returns:
        int16 [size, size, size, 4].
    """
    values = np.ascontiguousarray(parameters, np.float64)
    if values.shape != (LOOK_PARAMETERS,):
        raise KernelError(
            f"parameters has shape {values.shape}; give {LOOK_PARAMETERS} numbers in one row"
        )
    integer(size, "size", 2, 65)
    lut = np.empty((size, size, size, 4), np.int16)
    status = load().hb_look_lut(values.ctypes.data, values.size, size, lut.ctypes.data)
    if status != 0:
        raise KernelError(
            "an adjustment is out of its range, or a curve does not run left to right; "
            "kernels/look.c states both"
        )
    return lut


def blend(
    original: Pixels,
    edited: Pixels,
    strength: int,
    *,
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """``(original * (100 - strength) + edited * strength + 50) // 100``.

    Args:
        original: uint8 [h, w, 3 or 4].
        edited: of the same shape.
        strength: 0 gives the original, 100 the edited.
        out: of that shape too; may be either input.

    Example:
        >>> black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
        >>> blend(black, white, 50).tolist()
        [[[128, 128, 128]]]
    """
    picture(original, "original", (3, 4))
    picture(edited, "edited", (3, 4))
    if original.shape != edited.shape:
        raise KernelError(
            f"original is {described(original)} and edited {described(edited)}; "
            "give two pictures of one shape"
        )
    integer(strength, "strength", 0, 100)
    out = output(out, original.shape)
    library = load()
    row = original.shape[1] * original.shape[2]

    def work(first: int, last: int) -> None:
        check(
            library.hb_blend(
                original[first:].ctypes.data, edited[first:].ctypes.data, (last - first) * row,
                strength, out[first:].ctypes.data,
            ),
            "blend",
        )  # fmt: skip

    bands(original.shape[0], threads, work)
    return out
