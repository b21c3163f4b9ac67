"""The borders that convolutions and pools put around a picture, as each format counts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from homebody.runtime.editing import schema

VALID, SAME = schema.Padding.VALID, schema.Padding.SAME


def same_pads(
    size: tuple[int, ...], kernel: Any, strides: list[int], dilations: list[int], padding: int
) -> dict[str, Any]:
    """ONNX's padding for TFLite's; explicit where the size is known, which engines fuse best."""
    if padding != SAME:
        return {"pads": [0, 0, 0, 0]}
    if -1 in size:
        return {"auto_pad": "SAME_UPPER"}
    first, last = [], []
    for length, window, stride, dilation in zip(size, kernel, strides, dilations, strict=True):
        reach = dilation * (window - 1) + 1
        total = max(0, (-(-length // stride) - 1) * stride + reach - length)
        first.append(total // 2)
        last.append(total - total // 2)
    return {"pads": [*first, *last]}


def window_pads(
    node: ir.Node, before: Any, kernel: Any, strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    """A node's borders: first of each axis, then last of each."""
    how = node.attributes.get_string("auto_pad", "NOTSET")
    if how == "NOTSET":
        return list(node.attributes.get_ints("pads", [0] * (2 * len(before))))
    if how == "VALID":
        return [0] * (2 * len(before))
    totals = [
        max(0, (-(-b // s) - 1) * s + d * (k - 1) + 1 - b)
        for b, k, s, d in zip(before, kernel, strides, dilations, strict=True)
    ]
    less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
    return [*less, *more] if how == "SAME_UPPER" else [*more, *less]


def transposed_pads(
    node: ir.Node, before: Any, after: Any, kernel: Any, strides: Sequence[int]
) -> list[int]:
    """What a transposed convolution cuts off: first of each axis, then last of each.

    The last ones are negative where its output goes on past the last window.
    """
    how = node.attributes.get_string("auto_pad", "NOTSET")
    given = list(node.attributes.get_ints("pads", []))
    stated = "output_shape" not in node.attributes and how in ("NOTSET", "VALID")
    first, last = [], []
    for axis, (b, a, k, s) in enumerate(zip(before, after, kernel, strides, strict=True)):
        total = (b - 1) * s + k - a
        place = axis - (2 - len(given) // 2)  # a single axis is the last one
        if stated:
            first.append(given[place] if given and place >= 0 and how == "NOTSET" else 0)
        else:
            first.append(max(0, total if how == "SAME_UPPER" else total + 1) // 2)
        last.append(total - first[-1])
    return [*first, *last]
