"""A decoded picture and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import ImageError

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Limits:
    """What :func:`~homebody.image.decode` refuses to read."""

    file_bytes: int = 512 << 20
    """Largest file."""
    pixels: int = 200_000_000
    """Most pixels, from the header, before any is decoded."""
    side: int = 65_535
    """Longest side."""


LIMITS = Limits()
"""The caps that apply unless others are given."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture: 8-bit RGB the right way up, and the metadata that has to survive an edit.

    Example:
        >>> Photo.from_pixels(np.zeros((2, 3, 3), np.uint8)).size
        (3, 2)
    """

    pixels: Pixels
    """uint8 [h, w, 3], RGB, upright. Where alpha is 0 the colour is whatever the file holds."""
    size: tuple[int, int]
    """(width, height) of the whole picture, upright; ``pixels`` may be a scaled decoding of it."""
    alpha: Pixels | None = None
    """uint8 [h, w], 255 opaque; None when there is none."""
    format: str | None = None
    """``"JPEG"``, ``"PNG"``, ...; None when it did not come from a file."""
    exif: bytes | None = None
    """TIFF-structured EXIF, its orientation set to upright."""
    icc: bytes | None = None
    """ICC profile of ``pixels``."""
    xmp: bytes | None = None
    """XMP packet, its orientation set to upright."""

    @classmethod
    def from_pixels(cls, pixels: NDArray[Any]) -> Photo:
        """A photo without metadata from uint8 [h, w, 3], or 4 with alpha.

        Raises:
            ImageError: the array is of another kind.
        """
        if (
            not isinstance(pixels, np.ndarray)
            or pixels.dtype != np.uint8
            or pixels.ndim != 3
            or pixels.shape[2] not in (3, 4)
            or pixels.size == 0
        ):
            kind = (
                f"{pixels.dtype} {list(pixels.shape)}"
                if isinstance(pixels, np.ndarray)
                else f"a {type(pixels).__name__}"
            )
            raise ImageError(f"pixels are {kind}; give a uint8 array [height, width, 3 or 4]")
        size = (pixels.shape[1], pixels.shape[0])
        alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
        return cls(np.ascontiguousarray(pixels[..., :3]), size, alpha)

    def with_pixels(self, pixels: Pixels) -> Photo:
        """The same photo, alpha and metadata with other pixels, uint8 [h, w, 3]."""
        return replace(self, pixels=pixels, size=(pixels.shape[1], pixels.shape[0]))

    @cached_property
    def flat(self) -> Pixels:
        """``pixels`` as they look on white paper: what a model or a preview should see.

        Example:
            >>> Photo.from_pixels(np.array([[[0, 0, 0, 51]]], np.uint8)).flat.tolist()
            [[[204, 204, 204]]]
        """
        if self.alpha is None:
            return self.pixels
        alpha = self.alpha[..., None].astype(np.uint16)
        mixed = self.pixels * alpha + (255 - alpha) * np.uint16(255) + np.uint16(127)
        flat: Pixels = (mixed // np.uint16(255)).astype(np.uint8)
        return flat
