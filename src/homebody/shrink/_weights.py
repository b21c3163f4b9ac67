"""Integer weights and the corrected biases beside them.

Source of the correction: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization
and Bias Correction", section 4.2, with measured input means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import ModelError
from homebody.runtime.editing import Graph
from homebody.shrink._observe import Statistics
from homebody.shrink._plan import Plan
from homebody.shrink._ranges import Parameters
from homebody.shrink._rules import RULES

BIAS_LIMIT = 2**30
"""Half of int32: the accumulator must hold products beside the bias."""


class Weighted(NamedTuple):
    """One operation's weights as integers, and its bias as reals.

    ``scales`` has one value for each output channel, also where the format asks for one in all.
    """

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    bias: NDArray[np.float64] | None


def float_weights(graph: Graph, index: int, plan: Plan) -> NDArray[np.float64]:
    """An operation's float weights.

    Raises:
        ModelError: they hold NaN or infinity, or are not of the operation's rank.
    """
    place = plan.rules[index].weights
    assert place is not None
    values = graph.constant(graph.operators[index].inputs[place.input])
    assert values is not None
    rank = 2 if graph.kind(graph.operators[index]) == "FULLY_CONNECTED" else 4
    if values.ndim != rank or not values.size:
        raise ModelError(
            f"{graph.label(index)} has weights of shape {list(values.shape)}; "
            f"expected {rank} dimensions, so export the model again"
        )
    return finite(graph, index, values, "weights")


def float_bias(graph: Graph, index: int, plan: Plan) -> NDArray[np.float64] | None:
    """An operation's float bias, None if it has none.

    Raises:
        ModelError: it holds NaN or infinity.
    """
    place = plan.rules[index].weights
    assert place is not None
    inputs = graph.operators[index].inputs
    values = graph.constant(inputs[place.bias]) if len(inputs) > place.bias else None
    return None if values is None else finite(graph, index, values, "bias")


def finite(graph: Graph, index: int, values: NDArray[Any], what: str) -> NDArray[np.float64]:
    """The constant as float64, or a sentence that it holds NaN or infinity."""
    if not np.isfinite(values).all():
        raise ModelError(
            f"the {what} of {graph.label(index)} hold NaN or infinity; "
            "export a model whose training has not diverged"
        )
    return values.astype(np.float64)


def verify_weights(graph: Graph) -> None:
    """Refuse weights and biases that hold NaN or infinity, whatever becomes of them.

    Raises:
        ModelError: naming the operation.
    """
    for index, op in enumerate(graph.operators):
        rule = RULES.get(graph.kind(op))
        if rule is None or rule.weights is None:
            continue
        for place, what in ((rule.weights.input, "weights"), (rule.weights.bias, "bias")):
            tensor = op.inputs[place] if len(op.inputs) > place else -1
            values = graph.constant(tensor) if graph.is_float(tensor) else None
            if values is not None:
                finite(graph, index, values, what)


def weight_scales(
    weights: NDArray[np.float64],
    axis: int,
    *,
    per_axis: bool,
    input_scale: float,
    bias: NDArray[np.float64] | None,
) -> NDArray[np.float32]:
    """Symmetric scales for codes in [-127, 127], one for each slice of ``axis``.

    They are widened where the int32 bias, whose scale is ``input_scale`` times theirs, would
    otherwise overflow.

    Example:
        >>> w = np.array([[1.27, 0.0], [0.0, 2.54]])
        >>> weight_scales(w, 0, per_axis=True, input_scale=1.0, bias=None)
        array([0.01, 0.02], dtype=float32)
    """
    others = tuple(i for i in range(weights.ndim) if i != axis)
    reach = np.abs(weights).max(others)
    # A channel of zeros, or nearly so, must not get a scale that kernels cannot multiply with.
    reach = np.maximum(reach, max(float(reach.max()) * 2.0**-20, 1e-9))
    scales = reach / 127
    if not per_axis:
        scales = np.full_like(scales, scales.max())
    if bias is not None:
        scales = np.maximum(scales, np.abs(bias) / (input_scale * BIAS_LIMIT))
        if not per_axis:
            scales = np.full_like(scales, scales.max())
    return np.asarray(scales, np.float32)


def along(axis: int, ndim: int, values: NDArray[Any]) -> NDArray[Any]:
    """Reshape one value a channel so that it broadcasts along ``axis``."""
    shape = [1] * ndim
    shape[axis] = -1
    return values.reshape(shape)


def bias_codes(weighted: Weighted, data: Parameters) -> NDArray[np.integer]:
    """The bias as int32, int64 beside 16-bit activations: steps of input times weight scale."""
    assert weighted.bias is not None
    steps = weighted.scales.astype(np.float64) * data.scale
    limit = 2.0**39 if data.bits == 16 else 2.0**31 - 1
    rounded = np.clip(np.round(weighted.bias / steps), -limit, limit)
    return rounded.astype(np.int64 if data.bits == 16 else np.int32)


def quantize_weights(
    graph: Graph,
    plan: Plan,
    statistics: Mapping[int, Statistics],
    chosen: Mapping[int, Parameters],
    *,
    correct_bias: bool,
) -> dict[int, Weighted]:
    """Round every operation's weights to the nearest code.

    Args:
        graph: the float model.
        plan: what becomes integer.
        statistics: the activations' channel means.
        chosen: the activations' parameters.
        correct_bias: subtract from each bias what rounding adds to the output on average.
    """
    found: dict[int, Weighted] = {}
    for index, rule in plan.rules.items():
        place = rule.weights
        if place is None:
            continue
        weights, bias = float_weights(graph, index, plan), float_bias(graph, index, plan)
        data = graph.operators[index].inputs[place.data]
        scales = weight_scales(
            weights, place.axis, per_axis=place.per_axis, input_scale=chosen[data].scale, bias=bias
        )
        steps = along(place.axis, weights.ndim, scales.astype(np.float64))
        codes = np.clip(np.round(weights / steps), -127, 127).astype(np.int8)
        weighted = Weighted(codes, scales, bias)
        if correct_bias:
            weighted = corrected(graph, index, plan, weighted, weights, statistics[data].mean)
        found[index] = weighted
    return found


def corrected(
    graph: Graph,
    index: int,
    plan: Plan,
    weighted: Weighted,
    weights: NDArray[np.float64],
    mean: NDArray[np.float64],
) -> Weighted:
    """The same weights with ``bias - sum((codes * scale - weights) * E[x])``.

    ``mean`` is E[x] for each input channel; ``weights`` are the float ones.
    """
    place = plan.rules[index].weights
    assert place is not None
    steps = along(place.axis, weights.ndim, weighted.scales.astype(np.float64))
    shift = mean_response(graph, index, weighted.codes * steps - weights, mean)
    if shift is None:
        return weighted
    bias = np.zeros(len(weighted.scales)) if weighted.bias is None else weighted.bias
    return weighted._replace(bias=bias - shift)


def mean_response(
    graph: Graph, index: int, weights: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """What ``weights`` give on average to an input with these channel means, away from borders.

    None where the input's channels cannot be told apart.
    """
    op = graph.operators[index]
    channels = len(mean)
    match graph.kind(op):
        case "DEPTHWISE_CONV_2D":
            multiplier = weights.shape[3] // max(channels, 1)
            if multiplier * channels != weights.shape[3]:
                return None
            return np.asarray(weights.sum((0, 1, 2)) * np.repeat(mean, multiplier))
        case "FULLY_CONNECTED":
            repeats = weights.shape[1] // max(channels, 1)
            if repeats * channels != weights.shape[1]:
                return None
            return np.asarray(weights @ np.tile(mean, repeats))
    taps = weights.sum((1, 2))  # [output channel, input channel of its group]
    groups = channels // taps.shape[1]
    if groups * taps.shape[1] != channels or len(taps) % max(groups, 1):
        return None
    grouped = taps.reshape(groups, -1, taps.shape[1])
    response = np.einsum("goi,gi->go", grouped, mean.reshape(groups, -1)).reshape(-1)
    if graph.kind(op) == "TRANSPOSE_CONV":  # an output meets one tap in stride x stride
        response = response / (op.builtinOptions.strideH * op.builtinOptions.strideW)
    return np.asarray(response)
