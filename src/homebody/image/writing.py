"""Encode a photo into a file, whole or not at all."""

from __future__ import annotations

import importlib
import os
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from homebody.errors import ImageWriteError
from homebody.files import replacing
from homebody.image import _metadata
from homebody.image.photo import Photo

_FORMATS = {
    ".jpg": ("JPEG", "JpegImagePlugin"),
    ".jpeg": ("JPEG", "JpegImagePlugin"),
    ".png": ("PNG", "PngImagePlugin"),
    ".webp": ("WEBP", "WebPImagePlugin"),
    ".tif": ("TIFF", "TiffImagePlugin"),
    ".tiff": ("TIFF", "TiffImagePlugin"),
}
_XMP_TAG = 700
_JPEG_SEGMENT = 65_500
"""Bytes of EXIF or XMP that fit into one JPEG segment beside their heads."""


def encode(photo: Photo, path: str | os.PathLike[str], *, quality: int = 95) -> None:
    """Write ``photo.pixels`` with its alpha, EXIF, ICC profile and XMP.

    EXIF is written upright and with the pixels' own size. The file appears whole, under its name,
    or not at all. JPEG has no alpha: it gets the photo on white.

    Args:
        photo: what to write.
        path: ends in ``.jpg``, ``.jpeg``, ``.png``, ``.webp``, ``.tif`` or ``.tiff``.
        quality: of JPEG and WebP, 1 to 100; from 90 colour is kept at full resolution.

    Raises:
        ImageWriteError: the suffix is unknown, the quality out of range, or the file cannot be
            written.
    """
    target = Path(path)
    check_target(target)
    if not 1 <= quality <= 100:
        raise ImageWriteError(f"quality is {quality}; give a whole number from 1 to 100")
    data = _encoded(photo, target, quality)
    with replacing(target, ImageWriteError) as draft:
        draft.write_bytes(data)


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse a path that :func:`encode` could not write, before the work is done.

    Raises:
        ImageWriteError: unknown suffix, a folder, or no folder to write into.
    """
    target = Path(path)
    if target.suffix.lower() not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise ImageWriteError(f"{target} ends in no format that is written; use one of {known}")
    if target.is_dir():
        raise ImageWriteError(f"{target} is a folder; name a file")
    if not target.parent.is_dir():
        raise ImageWriteError(f"{target.parent} is not a folder; make it first")
    if not os.access(target.parent, os.W_OK):
        raise ImageWriteError(f"{target.parent} may not be written to; choose another place")


def _encoded(photo: Photo, target: Path, quality: int) -> bytes:
    from PIL import Image

    kind, module = _FORMATS[target.suffix.lower()]
    importlib.import_module(f"PIL.{module}")
    height, width = photo.pixels.shape[:2]
    pixels = photo.pixels
    if photo.alpha is not None:
        pixels = photo.flat if kind == "JPEG" else np.dstack([pixels, photo.alpha])
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        options = _options(photo, kind, quality, width, height, target)
        try:
            picture.save(buffer, kind, **options)
        except Exception as error:  # a codec's limits, e.g. WebP's sides of 16,383
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ImageWriteError(
                f"{target} cannot be encoded as {kind} ({reason}); choose another format"
            ) from None
    return buffer.getvalue()


def _options(
    photo: Photo, kind: str, quality: int, width: int, height: int, target: Path
) -> dict[str, Any]:
    exif = _metadata.upright(photo.exif, width, height)
    xmp = _metadata.upright_xmp(photo.xmp)
    options: dict[str, Any] = {}
    if photo.icc is not None:
        options["icc_profile"] = photo.icc
    if kind == "JPEG":
        for name, value in (("EXIF", exif), ("XMP", xmp)):
            if value is not None and len(value) > _JPEG_SEGMENT:
                raise ImageWriteError(
                    f"the photo's {name} of {len(value):,} bytes does not fit into the JPEG "
                    f"{target}; write PNG, WebP or TIFF"
                )
        options |= {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    if kind == "WEBP":
        options |= {"quality": quality, "method": 4}
    if kind == "TIFF":
        # Not compressed: that takes another writer of Pillow's, which cannot write an EXIF folder.
        options["exif"] = _tiff_tags(exif, xmp)
        return options
    if kind == "PNG" and xmp is not None:
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        options["pnginfo"] = text
    if kind in ("JPEG", "WEBP") and xmp is not None:
        options["xmp"] = xmp
    if exif is not None:
        options["exif"] = b"Exif\0\0" + exif
    return options


def _tiff_tags(exif: bytes | None, xmp: bytes | None) -> Any:
    """EXIF and XMP as tags of the TIFF's own folder."""
    from PIL.Image import Exif

    tags: Any = Exif()
    if exif is not None:
        tags.load(exif)
    if xmp is not None:
        tags[_XMP_TAG] = xmp
        tags.tagtype = {_XMP_TAG: 1}  # bytes; the writer would guess text
    return tags
