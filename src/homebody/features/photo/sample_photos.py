"""The small photos that come with Homebody, and folders of one's own, by category."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from homebody.errors import CatalogError, ImageError
from homebody.image import decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OTHER = "other"
"""Content that is no category: a photo then stands for its photometric one alone."""

SIDE = 320
"""Short side in pixels that is enough for figures; JPEGs are decoded scaled to no less."""


class SamplePhoto(msgspec.Struct, frozen=True):
    """One entry of ``samples/samples.json``: a CC0 or public-domain photo, and what it shows."""

    file: str
    category: str
    content: str
    flags: tuple[str, ...]
    title: str
    author: str
    licence: str
    source: dict[str, str]
    made: str = ""


def sample_folder() -> Path:
    """Where the photos are."""
    return Path(str(resources.files("homebody.features.photo"))) / "samples"


def list_samples() -> tuple[SamplePhoto, ...]:
    """Every shipped photo with its category, author and licence.

    Example:
        >>> {photo.licence for photo in list_samples()} <= {"CC0-1.0", "public domain"}
        True
    """
    data = (sample_folder() / "samples.json").read_bytes()
    return msgspec.json.decode(data, type=tuple[SamplePhoto, ...])


def shipped_photos() -> dict[str, list[NDArray[np.uint8]]]:
    """The shipped photos' pixels, uint8 RGB [h, w, 3], by each category that they stand for."""
    found: dict[str, list[NDArray[np.uint8]]] = {}
    for photo in list_samples():
        pixels = decode(sample_folder() / photo.file, at_least=SIDE).flat
        for category in {photo.category, photo.content, *photo.flags} - {OTHER}:
            found.setdefault(category, []).append(pixels)
    return found


def labelled_photos(folder: Path) -> dict[str, list[NDArray[np.uint8]]]:
    """The photos of a folder of labelled folders: ``coastal/*.jpg``, ``food/*.jpg``, ...

    Raises:
        CatalogError: there is no such folder, or it holds no labelled photo.
        ImageError: a photo cannot be read.
    """
    found: dict[str, list[NDArray[np.uint8]]] = {}
    try:
        for label in sorted(p for p in folder.iterdir() if p.is_dir()):
            for path in sorted(p for p in label.iterdir() if p.is_file()):
                found.setdefault(label.name, []).append(decode(path, at_least=SIDE).flat)
    except OSError as error:
        raise ImageError(f"cannot list {folder}: {error.strerror}; make it readable") from error
    if not found:
        raise CatalogError(
            f"{folder} holds no photos to audit with; expected a folder for each category"
        )
    return found
