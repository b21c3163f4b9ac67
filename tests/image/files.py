"""Small picture files of every kind, made in memory."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def ramp(height: int, width: int, channels: int = 3) -> np.ndarray:
    """A smooth picture without two equal corners: survives JPEG, shows every turn."""
    y, x = np.mgrid[:height, :width]
    planes = [x * 200 / max(1, width - 1) + 20, y * 150 / max(1, height - 1) + 60, 0 * x + 120]
    if channels == 4:
        planes.append((x + y) * 255 / max(1, width + height - 2))
    return np.stack(planes, -1).astype(np.uint8)


def saved(picture: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(order: str = "<", orientation: int = 6, extra: bytes = b"") -> bytes:
    """Orientation, a pixel size in the EXIF folder, and a thumbnail folder, as a TIFF structure."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    pack = lambda form, *values: struct.pack(order + form, *values)  # noqa: E731
    short = lambda tag, value: pack("HHIHH", tag, 3, 1, value, 0)  # noqa: E731
    make = pack("HHI", 0x010F, 2, 4) + b"Ann\0"
    first = pack("H", 3) + make + short(0x0112, orientation) + pack("HHII", 0x8769, 4, 1, 50)
    second = pack("H", 2) + pack("HHII", 0xA002, 4, 1, 999) + short(0xA003, 888) + pack("I", 0)
    third = pack("H", 1) + pack("HHII", 0x0201, 4, 1, 100) + pack("I", 0)
    whole = mark + pack("I", 8) + first + pack("I", 80) + second + third + extra
    assert len(mark + pack("I", 8) + first + pack("I", 80)) == 50
    assert len(whole) - len(extra) - len(third) == 80
    return whole


def xmp(orientation: int = 6) -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d" '
        b'dc:title="Harbour"/></x:xmpmeta>' % orientation
    )


def icc() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + head + data + png_chunk(b"IEND", b"")


def png_16_bit(values: np.ndarray) -> bytes:
    """A 16-bit PNG: grey [h, w] or RGB [h, w, 3]."""
    height, width = values.shape[:2]
    colour = 0 if values.ndim == 2 else 2
    rows = values.astype(">u2").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(raw))
    return b"\x89PNG\r\n\x1a\n" + head + data + png_chunk(b"IEND", b"")
