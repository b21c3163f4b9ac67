"""EXIF and XMP: which way up a picture is, and saying that it now is upright.

EXIF is a TIFF file (TIFF 6.0, section 2; CIPA DC-008, section 4.5.2). Values are patched where they
lie instead of being written anew, since a maker note breaks when it moves. What cannot be parsed is
no reason to refuse a picture: it has no orientation then.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Literal

_ORIENTATION, _EXIF_FOLDER = 0x0112, 0x8769
_IMAGE_SIZE, _PIXEL_SIZE = (0x0100, 0x0101), (0xA002, 0xA003)
_SHORT, _LONG = 3, 4
_MAX_ENTRIES = 4096
_PREFIX = b"Exif\0\0"

_XMP_ORIENTATION = re.compile(
    rb"""(\btiff:Orientation\s{0,9}=\s{0,9}["']|<tiff:Orientation>\s{0,99})([1-8])"""
)


def orientation(exif: bytes | None) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or it makes no sense."""
    for tag, kind, place, order in _entries(exif or b"")[0]:
        if tag == _ORIENTATION and kind == _SHORT:
            value = int(struct.unpack_from(order + "H", _body(exif or b""), place)[0])
            return value if 1 <= value <= 8 else 1
    return 1


def upright(exif: bytes | None, width: int, height: int) -> bytes | None:
    """The EXIF of a picture that is upright and of this size, without its embedded thumbnail.

    Returns:
        The TIFF structure without the ``Exif`` prefix; None when ``exif`` is not one.

    Example:
        >>> upright(b"nonsense", 1, 1) is None
        True
    """
    if exif is None:
        return None
    body = bytearray(_body(exif))
    folder, next_folder = _entries(exif)
    if next_folder is None:
        return None
    order = "<" if body[:2] == b"II" else ">"
    entries = list(folder)
    for tag, kind, place, _ in list(entries):
        if tag == _EXIF_FOLDER and kind in (_SHORT, _LONG):
            start = struct.unpack_from(order + "I", body, place)[0]
            entries += _folder(bytes(body), start, order)[0]
    values = {_ORIENTATION: 1}
    values |= dict(zip(_IMAGE_SIZE, (width, height), strict=True))
    values |= dict(zip(_PIXEL_SIZE, (width, height), strict=True))
    for tag, kind, place, _ in entries:
        if tag in values and kind in (_SHORT, _LONG):
            form: Literal["H", "I"] = "H" if kind == _SHORT else "I"
            struct.pack_into(order + form, body, place, values[tag])
    struct.pack_into(order + "I", body, next_folder, 0)  # the thumbnail shows what was
    return bytes(body)


def upright_xmp(xmp: bytes | None) -> bytes | None:
    """The XMP packet with ``tiff:Orientation`` set to 1; its length stays.

    Example:
        >>> upright_xmp(b'<x tiff:Orientation="6"/>')
        b'<x tiff:Orientation="1"/>'
    """
    return None if xmp is None else _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)


Entry = tuple[int, int, int, str]
"""(tag, type, offset of the value field, byte order) of an entry with one value."""


def _body(exif: bytes) -> bytes:
    return exif[len(_PREFIX) :] if exif.startswith(_PREFIX) else exif


def _entries(exif: bytes) -> tuple[list[Entry], int | None]:
    body = _body(exif)
    if body[:4] not in (b"II*\0", b"MM\0*") or len(body) < 8:
        return [], None
    order = "<" if body[:2] == b"II" else ">"
    return _folder(body, struct.unpack_from(order + "I", body, 4)[0], order)


def _folder(body: bytes, start: int, order: str) -> tuple[list[Entry], int | None]:
    """The single-valued entries of the folder at ``start``, and where it names the next folder.

    The second is None when the folder does not fit into ``body``.
    """
    if start < 8 or start + 2 > len(body):
        return [], None
    count = struct.unpack_from(order + "H", body, start)[0]
    end = start + 2 + 12 * count
    if count > _MAX_ENTRIES or end + 4 > len(body):
        return [], None
    return list(_single_values(body, start + 2, count, order)), end


def _single_values(body: bytes, start: int, count: int, order: str) -> Iterator[Entry]:
    for place in range(start, start + 12 * count, 12):
        tag, kind, values = struct.unpack_from(order + "HHI", body, place)
        if values == 1:
            yield tag, kind, place + 8, order
