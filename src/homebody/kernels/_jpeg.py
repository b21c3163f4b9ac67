"""JPEG files to pixels and back, with libjpeg-turbo's arithmetic."""

from __future__ import annotations

import numpy as np

from homebody.errors import KernelError
from homebody.kernels._arguments import Pixels, described, integer, picture
from homebody.kernels._library import check, load

JPEG_SCALES = (1, 2, 4, 8)
"""What both sides of a JPEG can be divided by as it is decoded."""

JPEG_SIDE = 65_500
"""Longest side of a JPEG that is written."""

_HEAD_BYTES = 640  # HB_JPEG_HEAD_BYTES
_BROKEN, _UNSUPPORTED = -3, -4  # HB_BROKEN, HB_UNSUPPORTED


def jpeg_decode(data: bytes, scale: int = 1) -> Pixels:
    """The pixels of a JPEG file, equal to libjpeg-turbo's bit for bit.

    Browsers have this decoder so that a photo gives a model the same input everywhere; in Python,
    :func:`homebody.image.decode` reads files, with Pillow.

    Args:
        data: the file: baseline, extended or progressive; Huffman; 8 bits; 1 or 3 components.
        scale: 1, 2, 4 or 8: what both sides are divided by, rounded up.

    Returns:
        uint8 [ceil(height / scale), ceil(width / scale), 3], RGB, as the file holds it: neither
        its orientation nor its colour profile is applied.

    Raises:
        KernelError: the file is broken, or of a kind that is not decoded here.

    Example:
        >>> jpeg_decode(b"not a picture")
        Traceback (most recent call last):
        homebody.errors.KernelError: the JPEG file is broken; export or copy it again
    """
    if not isinstance(data, bytes):
        raise KernelError(f"data is {described(data)}; give the bytes of a JPEG file")
    if scale not in JPEG_SCALES:
        raise KernelError(f"scale is {scale!r}; give 1, 2, 4 or 8")
    library = load()
    size = np.zeros(4, np.int32)
    scratch = np.empty(library.hb_jpeg_scratch(data, len(data), scale), np.uint32)
    _check(
        library.hb_jpeg_start(
            data, len(data), scale, size.ctypes.data, scratch.ctypes.data, scratch.size
        )
    )
    width, height = size[2:].tolist()
    out = np.empty((height, width, 3), np.uint8)
    _check(library.hb_jpeg_rows(scratch.ctypes.data, height, out.ctypes.data))
    return out


def jpeg_encode(
    rgb: Pixels, quality: int = 95, *, halved: bool = False, band: int | None = None
) -> bytes:
    """A baseline JPEG file of a picture: the bytes that libjpeg-turbo writes.

    Browsers export with this encoder, bands side by side; in Python, :func:`homebody.image.encode`
    writes files, with Pillow.

    Args:
        rgb: uint8 [height, width, 3], sides up to 65,500.
        quality: 1 to 100.
        halved: colour at half the resolution (4:2:0) instead of in full (4:4:4).
        band: rows between restart markers, a multiple of 8, or of 16 when halved; without one
            there are none.

    Raises:
        KernelError: an argument is out of range.

    Example:
        >>> jpeg_decode(jpeg_encode(np.full((4, 6, 3), 200, np.uint8)))[0, 0].tolist()
        [200, 200, 200]
    """
    picture(rgb, "rgb")
    height, width = rgb.shape[:2]
    integer(height, "rgb's height", 1, JPEG_SIDE)
    integer(width, "rgb's width", 1, JPEG_SIDE)
    integer(quality, "quality", 1, 100)
    unit = 16 if halved else 8
    across = -(-width // unit)
    if band is not None and (band % unit or not 0 < band // unit * across < 65536):
        raise KernelError(
            f"band is {band} rows; give a multiple of {unit}, with fewer than 65,536 units"
        )
    library = load()
    head = np.empty(_HEAD_BYTES, np.uint8)
    restart = 0 if band is None else band // unit * across
    length = library.hb_jpeg_encode_head(
        width, height, quality, int(halved), restart, head.ctypes.data, head.size
    )
    parts = [head[:length].tobytes()]
    scratch = np.empty(library.hb_jpeg_encode_scratch(width, int(halved)), np.uint32)
    out = np.empty(library.hb_jpeg_encode_bound(width, int(halved)), np.uint8)
    space = (out.ctypes.data, out.size)
    work = scratch.ctypes.data
    check(
        library.hb_jpeg_encode_start(width, quality, int(halved), work, scratch.size), "jpeg_encode"
    )
    for top in range(0, height, unit):
        if band is not None and top and top % band == 0:
            length = library.hb_jpeg_encode_end(work, *space)
            parts += [out[:length].tobytes(), bytes([0xFF, 0xD0 + (top // band - 1) % 8])]
        rows = min(unit, height - top)
        length = library.hb_jpeg_encode_rows(work, rgb[top:].ctypes.data, rows, *space)
        parts.append(out[:length].tobytes())
    length = library.hb_jpeg_encode_end(work, *space)
    return b"".join([*parts, out[:length].tobytes(), b"\xff\xd9"])


def _check(status: int) -> None:
    if status == _BROKEN:
        raise KernelError("the JPEG file is broken; export or copy it again")
    if status == _UNSUPPORTED:
        raise KernelError(
            "the JPEG file is of a kind that this kernel does not decode (CMYK, lossless, "
            "arithmetic coding, 12 bits or incomplete progressive); use homebody.image.decode"
        )
    check(status, "jpeg")
