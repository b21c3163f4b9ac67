"""Give a tensor's channels similar ranges before one scale is put on all of them.

Where a channel only passes through operations that commute with a positive factor, the factor can
be multiplied into the weights that make the channel and divided out of those that read it: the
float network stays the same, and channels that used a few of the 256 levels use most of them.
ReLU commutes with any factor. ReLU6 does not: a channel that stays below six on the samples goes
above elsewhere (measured: 20 dB of float accuracy lost), so its tensors are left alone.

Sources: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
Correction", section 4.1, here with measured activations and across depthwise convolutions, whose
weights have a scale for each channel, and across residual additions; the balance between
activations and weights is that of Xiao et al. 2023, "SmoothQuant".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph, schema
from homebody.shrink._observe import Statistics
from homebody.shrink._plan import Plan
from homebody.shrink._weights import along

_FUSED = schema.ActivationFunctionType
_COMMUTING = {_FUSED.NONE, _FUSED.RELU}
_PASSING = frozenset({"ADD", "MEAN", "MAX_POOL_2D", "AVERAGE_POOL_2D", "RELU", "PAD"})
STRENGTH = 0.5
"""1 would equalize activations alone, 0 the weights that read them alone."""
MAX_FACTOR = 64.0


class Block(NamedTuple):
    """Tensors whose channels must have the same factors, and the weights that touch them."""

    tensors: tuple[int, ...]
    writers: tuple[int, ...]
    """Operations whose output channels these are."""
    readers: tuple[int, ...]
    """Operations whose input channels these are."""


def find_blocks(graph: Graph, plan: Plan) -> list[Block]:
    """The groups of tensors whose channels may be rescaled."""
    activations = set(graph.activations())
    parent = {t: t for t in activations}

    def find(tensor: int) -> int:
        while parent[tensor] != tensor:
            tensor = parent[tensor]
        return tensor

    ends = {t for t in (*graph.inputs, *graph.outputs) if t in activations}
    spoiled: set[int] = set(ends)
    writers: dict[int, list[int]] = {}
    readers: dict[int, list[int]] = {}
    for index, op in enumerate(graph.operators):
        touched = [t for t in (*op.inputs, *op.outputs) if t in activations]
        fused = getattr(op.builtinOptions, "fusedActivationFunction", _FUSED.NONE)
        rule = plan.rules.get(index)
        commutes = rule is not None and fused in _COMMUTING
        if rule is not None and rule.weights is not None and _separable(graph, op):
            data, output = op.inputs[rule.weights.data], op.outputs[0]
            readers.setdefault(data, []).append(index)
            writers.setdefault(output, []).append(index)
            spoiled.update(t for t in touched if t != data and (t != output or not commutes))
        elif commutes and _passes(graph, op, touched):
            for tensor in touched[1:]:
                parent[find(tensor)] = find(touched[0])
        else:
            spoiled.update(touched)
    members: dict[int, list[int]] = {}
    for tensor in activations:
        members.setdefault(find(tensor), []).append(tensor)
    blocks = []
    for tensors in members.values():
        ins = [i for t in tensors for i in writers.get(t, ())]
        outs = [i for t in tensors for i in readers.get(t, ())]
        if ins and outs and not spoiled.intersection(tensors):
            blocks.append(Block(tuple(sorted(tensors)), tuple(ins), tuple(outs)))
    return sorted(blocks)


def _separable(graph: Graph, op: object) -> bool:
    """Whether each input channel has a slice of the weights to itself."""
    inputs = op.inputs  # type: ignore[attr-defined]
    kind = graph.kind(op)
    if kind == "CONV_2D":
        return graph.shape(inputs[0])[-1:] == graph.shape(inputs[1])[-1:]
    if kind == "DEPTHWISE_CONV_2D":
        return graph.shape(inputs[0])[-1:] == graph.shape(inputs[1])[-1:]
    if kind == "FULLY_CONNECTED":
        return graph.shape(inputs[0])[-1:] == graph.shape(inputs[1])[-1:]
    return False


def _passes(graph: Graph, op: object, touched: list[int]) -> bool:
    """Whether factors on the last axis go through unchanged."""
    kind = graph.kind(op)
    if kind not in _PASSING or len({graph.shape(t)[-1:] for t in touched}) != 1:
        return False
    if kind == "ADD":
        return len(touched) == 3 and len({graph.shape(t) for t in touched}) == 1
    if kind == "MEAN":
        axes = graph.constant(op.inputs[1])  # type: ignore[attr-defined]
        rank = len(graph.shape(touched[0]))
        return axes is not None and all(int(a) % max(rank, 1) != rank - 1 for a in axes.flat)
    return True


def balance(
    graph: Graph, plan: Plan, blocks: list[Block], statistics: Mapping[int, Statistics]
) -> dict[int, NDArray[np.float64]]:
    """A factor for each channel of each block's tensors.

    Args:
        graph: the float model.
        plan: what becomes integer.
        blocks: from :func:`find_blocks`.
        statistics: what the activations did.

    Returns:
        Factors by tensor: the tensor is to become that many times as large.
    """
    found: dict[int, NDArray[np.float64]] = {}
    for block in blocks:
        observed = [statistics[t] for t in block.tensors]
        reach = np.max([np.maximum(-s.low, s.high) for s in observed], axis=0)
        widest = float(reach.max(initial=0.0))
        alive = reach > widest * 1e-4
        reach = np.where(alive, reach, 1.0)
        weight = np.max([_column_reach(graph, i) for i in block.readers], axis=0)
        # Where every reader has a scale for each input channel, weights lose nothing.
        per_channel = all(_is_depthwise(graph, i) for i in block.readers)
        strength = 1.0 if per_channel else STRENGTH
        factors = np.where(alive, weight ** (1 - strength) / reach**strength, 0.0)
        if not factors.max(initial=0.0) > 0:
            continue
        # The widest channel keeps its size, so that sizes stay what they were.
        factors = factors / factors[np.argmax(np.where(alive, reach, 0.0))]
        factors = np.minimum(factors, widest / reach)
        factors = np.where(alive, np.clip(factors, 1 / MAX_FACTOR, MAX_FACTOR), 1.0)
        found.update(dict.fromkeys(block.tensors, factors))
    return found


def _is_depthwise(graph: Graph, index: int) -> bool:
    return graph.kind(graph.operators[index]) == "DEPTHWISE_CONV_2D"


def _column_reach(graph: Graph, index: int) -> NDArray[np.float64]:
    """How large each input channel's weights are beside their output channel's largest."""
    op = graph.operators[index]
    weights = graph.constant(op.inputs[1])
    assert weights is not None
    absolute = np.abs(weights.astype(np.float64))
    if _is_depthwise(graph, index):
        return np.ones(weights.shape[-1])
    rows = absolute.reshape(len(absolute), -1, absolute.shape[-1]).max(1)
    scale = np.maximum(rows.max(1, keepdims=True), 1e-12)
    reach: NDArray[np.float64] = np.asarray((rows / scale).max(0))
    return np.maximum(reach, 1e-4)


def rescale(graph: Graph, plan: Plan, factors: Mapping[int, NDArray[np.float64]]) -> None:
    """Multiply the factors into the graph's weights; the float network keeps its outputs.

    The rescaled tensors get another name, so that nobody compares them with what they were.
    """
    for tensor in factors:
        graph.tensors[tensor].name = f"{graph.name(tensor)}_equalized"
    for index, rule in plan.rules.items():
        place = rule.weights
        if place is None:
            continue
        op = graph.operators[index]
        before = factors.get(op.inputs[place.data])
        after = factors.get(op.outputs[0])
        if before is None and after is None:
            continue
        raw = graph.constant(op.inputs[place.input])
        assert raw is not None
        weights = raw.astype(np.float64)
        if before is not None:
            weights = weights / along(weights.ndim - 1, weights.ndim, before)
        if after is not None:
            weights = weights * along(place.axis, weights.ndim, after)
            bias = op.inputs[place.bias] if len(op.inputs) > place.bias else -1
            values = graph.constant(bias)
            if values is not None:
                op.inputs[place.bias] = graph.own(bias)
                graph.set_constant(op.inputs[place.bias], (values * after).astype(np.float32))
        op.inputs[place.input] = graph.own(op.inputs[place.input])
        graph.set_constant(op.inputs[place.input], weights.astype(np.float32))
