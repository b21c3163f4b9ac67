"""A model's output to an answer: a score for each name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.bundle import Bundle
from homebody.bundle.operations import ClassMap, Labels, Operation, Softmax
from homebody.errors import FeatureError, ManifestValueError
from homebody.pipeline._misplaced import misplaced


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
                raise misplaced(operation, "output")
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
