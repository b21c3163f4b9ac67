"""Rounding that gradients pass through: floats in, the floats that int8 can hold out.

The arithmetic is float32 and rounds ties to even, as TFLite's QUANTIZE does. Rounding has the
gradient of the identity; what is clipped has none, but moves the range (S. K. Esser et al.,
"Learned step size quantization", arXiv:1902.08153; B. Jacob et al., arXiv:1712.05877).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

LEAST = -128
GREATEST = 127


class Grid(NamedTuple):
    """``real = scale * (code - zero_point)``, as float32 scalars that may carry gradients."""

    scale: Any
    zero_point: Any


def straight_through(exact: Any, rounded: Any) -> Any:
    """The value of ``rounded`` with the gradient of ``exact``."""
    return exact + ops.stop_gradient(rounded - exact)


def grid(low: Any, high: Any) -> Grid:
    """The grid of 256 codes that covers ``low <= 0 <= high``; zero is on it exactly.

    A range of nothing but zero has the scale 1/256.
    """
    span = high - low
    known = span > 255e-12
    scale = ops.where(known, ops.where(known, span, 1.0) / 255.0, 1.0 / 256)
    zero = ops.clip(ops.round(LEAST - low / scale), LEAST, GREATEST)
    return Grid(scale, ops.stop_gradient(ops.where(known, zero, 0.0)))


def quantize(values: Any, to: Grid) -> Any:
    """The nearest values on an int8 grid.

    Args:
        values: float32, any shape.
        to: the grid; its scale receives a gradient.
    """
    low = (LEAST - to.zero_point) * to.scale
    high = (GREATEST - to.zero_point) * to.scale
    inside = ops.minimum(ops.maximum(values, low), high)
    steps = inside / to.scale
    return to.scale * straight_through(steps, ops.round(steps))


def weight_scale(weights: Any, axis: int | None, bits: int, least: Any = 0.0) -> Any:
    """Symmetric scales, one a slice of ``axis`` (broadcastable), or one in all for None.

    Codes are in [-127, 127] for 8 bits, in [-7, 7] for 4. ``least``, one value or one a slice,
    keeps scales from falling below what the int32 bias needs.
    """
    others = tuple(i for i in range(len(weights.shape)) if i != axis)
    reach = ops.max(ops.abs(weights), axis=others, keepdims=True)
    # As for post-training quantization: no scale that kernels cannot multiply with.
    floor = ops.maximum(ops.max(reach) * 2.0**-20, 1e-9)
    scale = ops.maximum(reach, floor) / float(2 ** (bits - 1) - 1)
    least = ops.convert_to_tensor(least)
    if axis is None:
        least = ops.max(least)
    elif len(least.shape):
        least = ops.reshape(least, [-1 if i == axis else 1 for i in range(len(weights.shape))])
    return ops.maximum(scale, least)


def weight_codes(weights: Any, scale: Any, bits: int) -> Any:
    """The nearest integers, as float32."""
    limit = 2 ** (bits - 1) - 1
    return ops.clip(ops.round(weights / scale), -limit, limit)


def quantize_weights(weights: Any, scale: Any, bits: int) -> Any:
    """The nearest values on the weights' grid."""
    return straight_through(weights, weight_codes(weights, scale, bits) * scale)


def quantize_bias(bias: Any, step: Any) -> Any:
    """The nearest int32 multiples of ``step``, the input's scale times the weights'."""
    return straight_through(bias, ops.round(bias / ops.stop_gradient(step)) * step)


class Range(keras.layers.Layer):  # type: ignore[misc]
    """The range of some tensors that share it: ``low <= 0 <= high``, learned or followed.

    A learned range is the calibrated one times ``exp`` of two variables, so that it keeps its
    signs and learns at a rate relative to its size. A followed one is an exponential moving
    average of the batches' extremes.

    Args:
        learned: learn by gradient; otherwise follow while training.
        momentum: of the moving average.
    """

    def __init__(self, *, learned: bool, momentum: float = 0.99, name: str | None = None) -> None:
        super().__init__(name=name)
        self.learned, self.momentum = learned, momentum

        def scalar(name: str, trainable: bool) -> Any:
            return self.add_weight(name=name, shape=(), initializer="zeros", trainable=trainable)

        self.low, self.high = scalar("low", False), scalar("high", False)
        if learned:
            self.shift_low, self.shift_high = scalar("shift_low", True), scalar("shift_high", True)

    def set(self, low: float, high: float) -> None:
        """Set the range, widened to hold zero."""
        self.low.assign(min(low, 0.0))
        self.high.assign(max(high, 0.0))
        if self.learned:
            self.shift_low.assign(0.0)
            self.shift_high.assign(0.0)

    def follow(self, values: Any) -> None:
        """Move a step towards the extremes of some values."""
        low = ops.minimum(ops.min(values), 0.0)
        high = ops.maximum(ops.max(values), 0.0)
        self.low.assign(self.low * self.momentum + low * (1 - self.momentum))
        self.high.assign(self.high * self.momentum + high * (1 - self.momentum))

    def grid(self) -> Grid:
        """The grid that covers the range."""
        if self.learned:
            low, high = self.low * ops.exp(self.shift_low), self.high * ops.exp(self.shift_high)
            return grid(low, high)
        return grid(self.low, self.high)
