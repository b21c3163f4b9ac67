"""What a bundle's operations compute: pixels to a model's input, a model's output to an answer.

The manifest names operations (``resize.v1``); :mod:`homebody.bundle.operations` says which
parameters they take; here is what they do. Pixels are integer kernels, so the tensor that reaches
a model is the same, bit for bit, on every platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.bundle import Bundle
from homebody.bundle.operations import (
    CenterCrop,
    ClassMap,
    Labels,
    Normalize,
    Operation,
    Resize,
    Softmax,
    operation_name,
)
from homebody.errors import FeatureError, ManifestValueError

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
                raise _misplaced(operation, "input")
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


def finish(
    logits: NDArray[Any], operations: Iterable[Operation], bundle: Bundle
) -> dict[str, float]:
    """Run an output pipeline.

    Args:
        logits: the model's first output, float [1, n].
        operations: the manifest's ``output``; it ends in names (``labels.v1``, ``class_map.v1``).
        bundle: where the operations' entries are.

    Returns:
        A score for each name, in the entry's order.

    Raises:
        FeatureError: an operation is misplaced, or the pipeline ends without names.
        ManifestValueError: an entry does not fit the model's output.
    """
    value = np.asarray(logits, np.float64).reshape(-1)
    names: list[str] | None = None
    for operation in operations:
        match operation:
            case Softmax():
                value = softmax(value)
            case ClassMap():
                names, matrix = read_class_map(bundle, operation.entry, len(value))
                value = value @ matrix
            case Labels():
                names = bundle.text(operation.entry).splitlines()
                if len(names) != len(value):
                    raise ManifestValueError(
                        f"{operation.entry} has {len(names)} lines for {len(value)} values; "
                        "give one line for each"
                    )
            case _:
                raise _misplaced(operation, "output")
    if names is None:
        raise FeatureError(
            "the output pipeline ends without names; add labels.v1 or class_map.v1 to it"
        )
    return dict(zip(names, value.tolist(), strict=True))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities along the last axis, without overflow.

    Example:
        >>> softmax(np.array([1000.0, 1000.0]))
        array([0.5, 0.5])
    """
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Category(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One category of ``categories.json``; ``classes`` maps a class's number to its share."""

    id: str
    name: str
    kind: Literal["content", "photometric"]
    experimental: bool = False
    classes: dict[str, Share] = {}


class Categories(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``categories.json``: what is in the picture, and how the light is."""

    format: Literal["homebody.categories/1"]
    categories: Annotated[tuple[Category, ...], msgspec.Meta(min_length=1, max_length=1000)]


def read_categories(bundle: Bundle, entry: str) -> Categories:
    """Decode ``categories.json``.

    Raises:
        ManifestValueError: when it is malformed.
    """
    try:
        return msgspec.convert(bundle.json(entry), Categories)
    except msgspec.ValidationError as error:
        raise ManifestValueError(
            f"{entry} is not a homebody.categories/1 map: {error}; see docs/bundle-format.md"
        ) from None


def read_class_map(
    bundle: Bundle, entry: str, classes: int
) -> tuple[list[str], NDArray[np.float64]]:
    """The content categories' ids, and their shares of each class as float64 [classes, ids]."""
    content = [c for c in read_categories(bundle, entry).categories if c.kind == "content"]
    matrix = np.zeros((classes, len(content)))
    for column, category in enumerate(content):
        for number, share in category.classes.items():
            if not (number.isascii() and number.isdigit() and int(number) < classes):
                raise ManifestValueError(
                    f"{entry} names class {number!r:.20} for {category.id}; the model has "
                    f"{classes}, numbered from 0"
                )
            matrix[int(number), column] = share
    return [c.id for c in content], matrix


def _misplaced(operation: Operation, pipeline: str) -> FeatureError:
    return FeatureError(
        f"the {pipeline} pipeline holds {operation_name(operation)}, which this task does not "
        "run there; correct the manifest or load the bundle with the feature it was made for"
    )
