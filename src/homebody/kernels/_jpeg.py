"""Decoding JPEG files to pixels, with libjpeg-turbo's arithmetic."""

from __future__ import annotations

import numpy as np

from homebody.errors import KernelError
from homebody.kernels._arguments import Pixels, described
from homebody.kernels._library import check, load

JPEG_SCALES = (1, 2, 4, 8)
"""What both sides of a JPEG can be divided by as it is decoded."""

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


def _check(status: int) -> None:
    if status == _BROKEN:
        raise KernelError("the JPEG file is broken; export or copy it again")
    if status == _UNSUPPORTED:
        raise KernelError(
            "the JPEG file is of a kind that this kernel does not decode (CMYK, lossless, "
            "arithmetic coding, 12 bits or incomplete progressive); use homebody.image.decode"
        )
    check(status, "jpeg")
