"""What is moved and scaled to a mean of 0 and a variance of 1, or to a length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST, PLAIN
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError


def _standardized(
    to: Export, source: int, axes: Sequence[int], epsilon: float, *, centred: bool = True
) -> int:
    """(x - mean) / sqrt(variance + epsilon) over some axes."""
    where = to.integers(axes)
    kept = [1 if axis in axes else n for axis, n in enumerate(to.out.shape(source))]
    if centred:
        mean = to.step("MEAN", [source, where], kept, keepDims=True)
        source = to.step("SUB", [source, mean])
    squares = to.step("MUL", [source, source])
    variance = to.step("MEAN", [squares, where], kept, keepDims=True)
    shifted = to.step("ADD", [variance, to.number(epsilon)])
    return to.step("MUL", [source, to.step("RSQRT", [shifted])])


@imports("L2_NORMALIZATION")
def _import_length(to: Import, op: Any) -> None:
    value = to.node("LpNormalization", [to.real(op.inputs[0])], axis=-1, p=2)
    value = to.activate(value, op.builtinOptions.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value)


@imports("LOCAL_RESPONSE_NORMALIZATION")
def _import_response(to: Import, op: Any) -> None:
    options = op.builtinOptions
    size = 2 * options.radius + 1
    value = to.node("LRN", [to.real(op.inputs[0], FIRST)], size=size, bias=float(options.bias),
                    alpha=float(options.alpha) * size, beta=float(options.beta))  # fmt: skip
    to.put(op.outputs[0], value, FIRST)


@exports("LayerNormalization", "RMSNormalization")
def _export_layer(to: Export, node: ir.Node) -> None:
    """TFLite has no such operation, so it is a mean, a difference, a root and products.

    Source: Ba et al., *Layer Normalization*, 2016.
    """
    data, made, options = node.inputs[0], node.outputs[0], node.attributes
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        raise FormError(f"the mean or deviation of {node.name!r} is read too")
    rank = len(to.shape(data))
    axes = range(options.get_int("axis", -1) % rank, rank)
    centred = node.op_type == "LayerNormalization"
    source = to.operand(data, PLAIN, False)
    value = _standardized(to, source, axes, options.get_float("epsilon", 1e-5), centred=centred)
    rest = [operand for operand in node.inputs[1:] if operand is not None]
    for kind, operand in zip(("MUL", "ADD"), rest[:-1], strict=False):
        value = to.step(kind, [value, to.operand(operand, PLAIN, False)])
    last = ("MUL", "ADD")[len(rest) - 1]
    to.put(last, [value, to.operand(rest[-1], PLAIN, False)], made, PLAIN, False)


@exports("BatchNormalization")
def _export_batch(to: Export, node: ir.Node) -> None:
    """With constant statistics: a product and a sum."""
    data, made = node.inputs[0], node.outputs[0]
    known = [to.constant(value) for value in node.inputs[1:5]]
    scale, bias, mean, variance = known
    if scale is None or bias is None or mean is None or variance is None:
        raise FormError(f"the statistics of {node.name!r} are computed")
    if node.attributes.get_int("training_mode", 0):
        raise FormError(f"{node.name!r} is in training")
    epsilon = node.attributes.get_float("epsilon", 1e-5)
    factor = (scale / np.sqrt(variance.astype(np.float64) + epsilon)).astype(np.float32)
    offset = (bias - mean.astype(np.float64) * factor).astype(np.float32)
    rank = len(to.shape(data))
    layout = LAST if rank == 2 else to.layout([data])
    shape = (-1,) if layout == LAST else (-1, *[1] * (rank - 2))
    source = to.operand(data, PLAIN if rank == 2 else layout, False)
    scaled = to.step("MUL", [source, to.add_constant(factor.reshape(shape), "factor")])
    inputs = [scaled, to.add_constant(offset.reshape(shape), "offset")]
    to.put("ADD", inputs, made, PLAIN if rank == 2 else layout, False)


@exports("InstanceNormalization", "GroupNormalization")
def _export_group(to: Export, node: ir.Node) -> None:
    """Over each channel's picture, or over that of a group of channels (Wu and He, 2018)."""
    data, made, options = node.inputs[0], node.outputs[0], node.attributes
    scale, bias = (to.constant(value) for value in node.inputs[1:3])
    if scale is None or bias is None:
        raise FormError(f"the scale or bias of {node.name!r} is computed")
    epsilon, shape = options.get_float("epsilon", 1e-5), to.shape(data)
    rank, channels = len(shape), shape[1]
    if node.op_type == "InstanceNormalization":
        layout = to.layout([data])
        axes = range(1, rank - 1) if layout == LAST else range(2, rank)
        value = _standardized(to, to.operand(data, layout, False), axes, epsilon)
    else:
        layout, groups = PLAIN, options.get_int("num_groups", 1)
        split = (shape[0], groups, int(np.prod(shape[1:])) // groups)
        source = to.reshaped(to.operand(data, PLAIN, False), split)
        value = to.reshaped(_standardized(to, source, [2], epsilon), shape)
        # Before opset 21 there is one for each group.
        scale, bias = (np.repeat(v, channels // v.size) for v in (scale, bias))
    each = (-1,) if layout == LAST else (-1, *[1] * (rank - 2))
    scaled = to.step("MUL", [value, to.add_constant(scale.reshape(each), "scale")])
    to.put("ADD", [scaled, to.add_constant(bias.reshape(each), "bias")], made, layout, False)


@exports("LpNormalization")
def _export_length(to: Export, node: ir.Node) -> None:
    data, made, options = node.inputs[0], node.outputs[0], node.attributes
    rank = len(to.shape(data))
    axis = options.get_int("axis", -1) % rank
    if options.get_int("p", 2) != 2 or axis != rank - 1:
        raise FormError(f"{node.name!r} is no Euclidean length along the last axis")
    to.put("L2_NORMALIZATION", [to.operand(data, PLAIN, False)], made, PLAIN, False)


@exports("LRN")
def _export_response(to: Export, node: ir.Node) -> None:
    data, options = node.inputs[0], node.attributes
    size = options.get_int("size", 1)
    if size % 2 == 0 or len(to.shape(data)) != 4:
        raise FormError(f"{node.name!r} sums an even number of channels, or no picture's")
    to.put("LOCAL_RESPONSE_NORMALIZATION", [to.operand(data, LAST, False)], node.outputs[0], LAST,
           False, radius=size // 2, bias=options.get_float("bias", 1.0),
           alpha=options.get_float("alpha", 1e-4) / size,
           beta=options.get_float("beta", 0.75))  # fmt: skip
