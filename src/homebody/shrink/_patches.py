"""What a convolution's weights are multiplied with, at some positions of an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph, schema


class Positions(NamedTuple):
    """Where to look: rows of ``[sample, top, left]`` in the padded input, and the padding."""

    where: NDArray[np.intp]
    kernel: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]


def choose_positions(
    graph: Graph, op: Any, shape: tuple[int, ...], count: int, random: np.random.Generator
) -> Positions:
    """``count`` output positions of a convolution over an input ``[n, h, w, c]``."""
    options = op.builtinOptions
    kernel = graph.shape(op.inputs[1])[1:3]
    strides = (options.strideH, options.strideW)
    dilation = (options.dilationHFactor, options.dilationWFactor)
    sizes, padding = [], []
    for size, k, stride, d in zip(shape[1:3], kernel, strides, dilation, strict=True):
        reach = (k - 1) * d + 1
        if options.padding == schema.Padding.SAME:
            outputs = -(-size // stride)
            missing = max((outputs - 1) * stride + reach - size, 0)
            padding.append((missing // 2, missing - missing // 2))
        else:
            outputs = (size - reach) // stride + 1
            padding.append((0, 0))
        sizes.append(outputs)
    total = shape[0] * sizes[0] * sizes[1]
    flat = np.arange(total) if total <= count else random.choice(total, count, replace=False)
    sample, top, left = np.unravel_index(np.sort(flat), (shape[0], *sizes))
    where = np.stack([sample, top * strides[0], left * strides[1]], 1)
    return Positions(where, (kernel[0], kernel[1]), dilation, (padding[0], padding[1]))


def take(values: Sequence[NDArray[Any]], positions: Positions, fill: float) -> NDArray[Any]:
    """The patches ``[rows, kernel height, kernel width, channels]``; borders hold ``fill``.

    ``values`` are the samples, each [1, h, w, c].
    """
    down = np.arange(positions.kernel[0])[:, None] * positions.dilation[0]
    right = np.arange(positions.kernel[1])[None, :] * positions.dilation[1]
    found = []
    for number, sample in enumerate(values):
        padded = sample[0]
        if any(sum(p) for p in positions.padding):
            padded = np.pad(padded, (*positions.padding, (0, 0)), constant_values=fill)
        here = positions.where[positions.where[:, 0] == number]
        top, left = here[:, 1, None, None], here[:, 2, None, None]
        found.append(padded[top + down, left + right])
    return np.concatenate(found)
