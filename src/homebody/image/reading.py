"""Decode pictures with Pillow's codecs, behind caps and one kind of error.

Only the codec that a file's first bytes name is loaded and run: other codecs of Pillow (EPS starts
Ghostscript) never see the file, and a cold start pays for one.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
import stat
import warnings
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import (
    BrokenImageError,
    ImageError,
    ImageFileError,
    ImageTooLargeError,
    NotAnImageError,
)
from homebody.image import _metadata
from homebody.image.photo import LIMITS, Limits, Photo
from homebody.stderr import without_lines

if TYPE_CHECKING:
    from PIL.Image import Image

Source = str | os.PathLike[str] | bytes

_TIFF = ("TIFF", "TiffImagePlugin", "TiffImageFile")
_NETPBM = ("PPM", "PpmImagePlugin", "PpmImageFile")
_CODECS = {
    b"\xff\xd8\xff": ("JPEG", "JpegImagePlugin", "JpegImageFile"),
    b"\x89PNG\r\n\x1a\n": ("PNG", "PngImagePlugin", "PngImageFile"),
    b"GIF87a": ("GIF", "GifImagePlugin", "GifImageFile"),
    b"GIF89a": ("GIF", "GifImagePlugin", "GifImageFile"),
    b"II*\0": _TIFF,
    b"MM\0*": _TIFF,
    b"BM": ("BMP", "BmpImagePlugin", "BmpImageFile"),
    **{b"P%d" % i: _NETPBM for i in range(1, 7)},
}
_READS = "JPEG, PNG, WebP, TIFF, GIF, BMP, PPM or AVIF"

logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what it logs

_COMPLAINTS = re.compile(
    rb"(_?TIFF|LZW|ZIP|ZSTD|LZMA|WebP|Lerc|PackBits|Fax|CCITT|O?JPEG|JBIG|Log|PixarLog|SGILog|NeXT"
    rb"|Thunder|Dump|ChopUp|EstimateStrip|Initial|MissingRequired|setByteArray|tempfile\.tif)"
    rb"\w*: "
)
"""How libtiff's own lines begin: with the function that found a flaw. Pillow raises for what
matters of them."""

_DESCRIPTIVE_TAGS = {
    *(270, 271, 272, 274, 282, 283, 296, 305, 306, 315, 318, 319),  # description to chromaticities
    *(33432, 34665, 34853),  # copyright, and the EXIF and GPS folders
}
"""Tags of a TIFF's first folder that speak of the photo (CIPA DC-008, table 4)."""

_TRANSPOSITIONS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""From the EXIF orientation to the ``PIL.Image.Transpose`` that puts a picture upright."""


def decode(source: Source, *, at_least: int | None = None, limits: Limits = LIMITS) -> Photo:
    """Read a picture: 8-bit RGB, upright.

    16-bit values are scaled to 8 bits and rounded, palettes looked up, grey spread over three
    channels; of an animation the first frame is read; CMYK goes through its own ICC profile when
    it has one. Damaged metadata is dropped, never fatal.

    Args:
        source: a path, or a file's bytes.
        at_least: the short side, in pixels, that is enough: a JPEG is then decoded at the smallest
            of 1/1, 1/2, 1/4 and 1/8 of its size that keeps it; other formats come in full.
        limits: caps on the file and on the pixels, checked before any pixel is decoded.

    Raises:
        ImageFileError: no such file, not a file, or no permission.
        NotAnImageError: empty, not a picture, or of an unsupported kind.
        BrokenImageError: it ends early or its data contradict themselves.
        ImageTooLargeError: it is over a cap.

    Example:
        >>> decode(b"P6 2 1 255 " + bytes([9, 8, 7, 1, 2, 3])).pixels.tolist()
        [[[9, 8, 7], [1, 2, 3]]]
    """
    if at_least is not None and at_least < 1:
        raise ImageError(f"at_least is {at_least}; give a number of pixels from 1")
    with _open(source, limits) as file:
        name = "the picture" if isinstance(source, bytes) else _quoted(source)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            return _decode(file, name, at_least, limits)


def _quoted(path: str | os.PathLike[str]) -> str:
    """The path for a message: one printable line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in os.fspath(path))


def _open(source: Source, limits: Limits) -> IO[bytes]:
    if isinstance(source, bytes):
        size = len(source)
        file: IO[bytes] = BytesIO(source)
        name = "the picture"
    else:
        name = _quoted(source)
        try:
            # Not open() first: opening a pipe waits for its other end.
            status = os.stat(source)
            if stat.S_ISDIR(status.st_mode):
                raise ImageFileError(f"{name} is a folder; name a picture in it")
            if not stat.S_ISREG(status.st_mode):
                raise ImageFileError(f"{name} is not a regular file; name a picture's file")
            size = status.st_size
            file = Path(source).open("rb")  # noqa: SIM115 - decode() closes it
        except FileNotFoundError:
            raise ImageFileError(f"{name} does not exist; check the path") from None
        except PermissionError:
            raise ImageFileError(f"{name} may not be read; check its permissions") from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ImageFileError(f"{name} cannot be opened ({reason}); check the path") from None
    problem: ImageError | None = None
    if size == 0:
        problem = NotAnImageError(f"{name} is empty; give a {_READS} picture")
    elif size > limits.file_bytes:
        problem = ImageTooLargeError(
            f"{name} has {size:,} bytes, over the cap of {limits.file_bytes:,}; "
            "give a smaller picture"
        )
    if problem is not None:
        file.close()
        raise problem
    return file


def _codec(file: IO[bytes], name: str) -> tuple[str, str, str]:
    head = file.read(16)
    file.seek(0)
    for magic, codec in _CODECS.items():
        if head.startswith(magic):
            return codec
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ("WEBP", "WebPImagePlugin", "WebPImageFile")
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"avif", b"avis"):
            return ("AVIF", "AvifImagePlugin", "AvifImageFile")
        if head[8:12] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"):
            raise NotAnImageError(f"{name} is HEIC, which is not read; export it as {_READS}")
    raise NotAnImageError(f"{name} is not a picture that is read here; give {_READS}")


def _decode(file: IO[bytes], name: str, at_least: int | None, limits: Limits) -> Photo:
    kind, module, class_name = _codec(file, name)
    try:
        # The class, not PIL.Image.open: that loads more codecs and has its own, global, pixel cap.
        picture: Any = getattr(importlib.import_module(f"PIL.{module}"), class_name)(file)
    except Exception as error:  # codecs raise nearly anything on hostile bytes
        raise _broken(name, kind, error) from None
    width, height = picture.size
    if width < 1 or height < 1:
        raise BrokenImageError(f"{name} says it is {width}×{height} pixels; export it again")
    if max(width, height) > limits.side or width * height > limits.pixels:
        raise ImageTooLargeError(
            f"{name} is {width:,}×{height:,} pixels, over the caps of {limits.pixels:,} pixels and "
            f"{limits.side:,} a side; give a smaller picture"
        )
    try:
        if kind == "JPEG" and at_least is not None:
            picture.draft(None, (at_least, at_least))
        with without_lines(_COMPLAINTS) if kind == "TIFF" else nullcontext():
            picture.load()
        exif, icc, xmp = _carried(picture, kind)
        rgb, alpha, icc = _to_rgb(picture, icc)
        turn = _metadata.orientation(exif)
        if turn != 1:
            from PIL.Image import Transpose

            rgb = rgb.transpose(Transpose(_TRANSPOSITIONS[turn]))
            alpha = alpha and alpha.transpose(Transpose(_TRANSPOSITIONS[turn]))
        pixels = np.asarray(rgb)
        mask = None if alpha is None else np.asarray(alpha)
    except ImageError:
        raise
    except Exception as error:
        raise _broken(name, kind, error) from None
    if kind != "JPEG":  # a TIFF turns itself as it loads
        height, width = pixels.shape[:2]
    elif turn >= 5:
        width, height = height, width
    return Photo(
        pixels=pixels,
        size=(width, height),
        alpha=None if mask is None or mask.min() == 255 else mask,
        format=kind,
        exif=_metadata.upright(exif, width, height),
        icc=icc,
        xmp=_metadata.upright_xmp(xmp),
    )


def _broken(name: str, kind: str, error: Exception) -> ImageError:
    if isinstance(error, MemoryError):
        return ImageTooLargeError(f"{name} does not fit into memory; give a smaller picture")
    if isinstance(error, ImportError):
        return NotAnImageError(f"{name} is {kind}, which this Pillow does not read; export it anew")
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return BrokenImageError(f"{name} is a broken {kind} ({reason}); export or copy it again")


def _carried(picture: Any, kind: str) -> tuple[bytes | None, bytes | None, bytes | None]:
    """EXIF, ICC profile and XMP as bytes; what is not bytes is damaged and dropped."""
    info = picture.info
    exif = info.get("exif")
    if exif is None and kind in ("TIFF", "PNG"):  # PNG: ImageMagick's hex text
        try:
            tags = picture.getexif()
            for tag in [tag for tag in tags if tag not in _DESCRIPTIVE_TAGS]:
                del tags[tag]  # a TIFF's own say how its pixels are stored
            exif = tags.tobytes() if len(tags) else None
        except Exception:  # damaged metadata
            exif = None
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    icc = info.get("icc_profile")
    found = [value if isinstance(value, bytes) and value else None for value in (exif, icc, xmp)]
    return found[0], found[1], found[2]


def _to_rgb(picture: Image, icc: bytes | None) -> tuple[Image, Image | None, bytes | None]:
    """RGB, alpha ("L") and the ICC profile that still holds for that RGB."""
    mode = picture.mode
    space = icc[16:20] if icc is not None and len(icc) >= 128 else b""
    icc = icc if space == b"RGB " else None
    if mode == "RGB" and "transparency" not in picture.info:
        return picture, None, icc
    if mode in ("CMYK", "LAB"):
        return _through_profile(picture, space), None, None
    if mode.startswith("I") or mode == "F":
        return _from_wide(picture), None, icc
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        whole = picture.convert("RGBA")
        return whole.convert("RGB"), whole.getchannel("A"), icc
    return picture.convert("RGB"), None, icc


def _from_wide(picture: Image) -> Image:
    """16-bit grey, rounded to 8; other wide pictures are refused, since their range is unknown."""
    from PIL import Image

    values: NDArray[Any] = np.asarray(picture)
    if values.dtype.kind == "f" or values.min() < 0 or values.max() > 65535:
        raise NotAnImageError(
            f"pictures of {values.dtype.name} values have no agreed white and are not read; "
            "export with 8 or 16 bits a channel"
        )
    table = ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)
    return Image.fromarray(table[values]).convert("RGB")


def _through_profile(picture: Image, space: bytes) -> Image:
    """CMYK or L*a*b* to sRGB: by the embedded profile if it is one for that space."""
    from PIL import ImageCms

    try:
        if picture.mode == "LAB":
            source: Any = ImageCms.createProfile("LAB")
        elif space == b"CMYK":
            source = ImageCms.ImageCmsProfile(BytesIO(picture.info["icc_profile"]))
        else:
            return picture.convert("RGB")
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        if picture.mode == "LAB":
            raise
        return picture.convert("RGB")  # a damaged profile
    assert converted is not None
    return converted
