"""The operations that pipelines are made of, as data.

An operation is one JSON object whose key ``op`` names it with its version; every other key is
one of its parameters. What an operation computes never changes under one name: another
arithmetic is another version. The arithmetic is one C kernel each (``kernels/homebody.h``);
this module only says which operations there are and which parameters they take; those on text
are in :mod:`homebody.bundle.text_operations`. docs/bundle-format.md describes each.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta, Struct

from homebody.bundle._operation import EntryName, Step
from homebody.bundle.text_operations import TextOperation

Pixels: TypeAlias = Annotated[int, Meta(ge=1, le=16384)]
"""A width or a height."""
Level: TypeAlias = Annotated[float, Meta(ge=-1e6, le=1e6)]
"""A channel's mean, on the scale 0-255."""
Spread: TypeAlias = Annotated[float, Meta(ge=1e-6, le=1e6)]
"""A channel's standard deviation, on the scale 0-255."""


class Resize(Step, frozen=True, kw_only=True, tag="resize.v1"):
    """Scale an image, antialiased, so that its shorter side has `short_side` pixels."""

    short_side: Pixels


class CenterCrop(Step, frozen=True, kw_only=True, tag="center_crop.v1"):
    """Cut `width` x `height` pixels out of an image's middle."""

    width: Pixels
    height: Pixels


class Normalize(Step, frozen=True, kw_only=True, tag="normalize.v1"):
    """Turn uint8 RGB into float32 ``(value - mean) / std``, a channel at a time.

    `order` is the order of the channels that leave; `mean` and `std` are in that order.
    """

    order: Literal["rgb", "bgr"]
    mean: tuple[Level, Level, Level]
    std: tuple[Spread, Spread, Spread]


class Softmax(Step, frozen=True, kw_only=True, tag="softmax.v1"):
    """Turn scores into probabilities along the last axis."""


class ClassMap(Step, frozen=True, kw_only=True, tag="class_map.v1"):
    """Gather class probabilities into categories, by the masses that a JSON entry states."""

    entry: EntryName


class Labels(Step, frozen=True, kw_only=True, tag="labels.v1"):
    """Name the values along the last axis by the lines of a text entry."""

    entry: EntryName


class Photometry(Step, frozen=True, kw_only=True, tag="photometry.v1"):
    """Set photometric categories (night, monochrome, ...) beside what the image shows."""


Operation: TypeAlias = (
    Resize | CenterCrop | Normalize | Softmax | ClassMap | Labels | Photometry | TextOperation
)

OPERATIONS: dict[str, type[Struct]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(Operation)
}
"""Every operation that this runtime knows, by the name that ``op`` holds.

>>> sorted(OPERATIONS)[:2]
['boise_tags.v1', 'bytes.v1']
"""


def referred_entry(operation: Operation) -> str | None:
    """Return the entry that an operation reads, or None.

    >>> referred_entry(Labels(entry="labels.txt"))
    'labels.txt'
    """
    return getattr(operation, "entry", None)


def operation_name(operation: Operation) -> str:
    """Return an operation's versioned name.

    >>> operation_name(Softmax())
    'softmax.v1'
    """
    return str(type(operation).__struct_config__.tag)
