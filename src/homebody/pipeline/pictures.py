"""Pixels to a model's input.

Pixels are integer kernels, so the tensor that reaches a model is the same, bit for bit, on every
platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.bundle.operations import CenterCrop, Normalize, Operation, Resize
from homebody.errors import FeatureError
from homebody.pipeline._misplaced import misplaced

MAX_ASPECT = 16
"""``resize.v1`` first cuts a longer picture to this many times its short side, at its centre."""


class Prepared(NamedTuple):
    """A picture on its way into a model."""

    picture: NDArray[np.uint8]
    """The whole picture after the last resize, uint8 [h, w, 3]."""
    tensor: NDArray[Any]
    """What the model takes: float32 [1, h, w, 3]."""


def prepare(pixels: NDArray[np.uint8], operations: Iterable[Operation]) -> Prepared:
    """Run an input pipeline.

    Args:
        pixels: uint8 [h, w, 3], RGB.
        operations: the manifest's ``input``.

    Returns:
        The resized picture and the model's input.

    Raises:
        FeatureError: an operation does not belong into an input pipeline.
        KernelError: the picture does not suit an operation.

    Example:
        >>> grey = np.full((40, 60, 3), 100, np.uint8)
        >>> crop = CenterCrop(width=8, height=8)
        >>> normal = Normalize(order="rgb", mean=(100,) * 3, std=(1,) * 3)
        >>> prepare(grey, [Resize(short_side=8), crop, normal]).tensor.shape
        (1, 8, 8, 3)
    """
    picture: NDArray[np.uint8] = pixels
    value: NDArray[Any] = pixels
    for operation in operations:
        match operation:
            case Resize():
                picture = value = _resize(value, operation.short_side)
            case CenterCrop():
                value = _center_crop(value, operation.width, operation.height)
            case Normalize():
                value = kernels.normalize(
                    value, order=operation.order, mean=operation.mean, std=operation.std
                )
            case _:
                raise misplaced(operation, "input")
    return Prepared(picture, value[np.newaxis])


def _resize(pixels: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    shortest = min(height, width)
    if max(height, width) > MAX_ASPECT * shortest:
        longest = MAX_ASPECT * shortest
        pixels = _center_crop(pixels, min(width, longest), min(height, longest))
        height, width = pixels.shape[:2]
    return kernels.resize(pixels, *kernels.fit_short_side(width, height, short_side))


def _center_crop(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    if top < 0 or left < 0:
        raise FeatureError(
            f"a {pixels.shape[1]}×{pixels.shape[0]} picture cannot be cropped to "
            f"{width}×{height}; put a resize.v1 of at least that size before center_crop.v1"
        )
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])


def decoding_side(operations: Iterable[Operation]) -> int | None:
    """The short side, in pixels, to decode photos with: twice what the first resize asks for.

    Large JPEGs then come scaled, at a fraction of the time, and the resize still has real work to
    do. Whoever trains and whoever runs a model must decode alike. None without a resize.

    Example:
        >>> decoding_side([Resize(short_side=227)])
        454
    """
    return next((2 * o.short_side for o in operations if isinstance(o, Resize)), None)
