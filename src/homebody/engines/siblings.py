"""Convolutions of one value whose results are joined, made one convolution.

A fire module of SqueezeNet convolves one value by 1×1 and by 3×3 and joins what both give. Said as
one 3×3 convolution, whose kernels are zero around the 1×1, it has one output to write and nothing
to join: on processors that multiply tiles of int8 (AMX) the products by zero cost less than that,
on others more, so an engine builds both and measures.

The integers stay: zeros are added to sums. Only quantized convolutions are taken, whose results
have one scale and one zero point, which is also the joined value's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.passes.common import RemoveUnusedNodesPass

from homebody.engines.graph import DEQUANTIZE, QUANTIZE
from homebody.engines.values import constant, initial, maker, only_reader


@dataclass(frozen=True)
class _Sibling:
    """One convolution, up to its QuantizeLinear."""

    node: ir.Node
    source: tuple[Any, ...]
    """What it reads: a value, and what that is dequantized by."""
    result: tuple[Any, ...]
    """What its result is quantized by."""
    weights: NDArray[Any]
    scales: NDArray[Any]
    zeros: NDArray[Any]
    bias: NDArray[Any]
    bias_scales: NDArray[Any]
    strides: tuple[int, ...]
    begins: tuple[int, ...]
    slack: tuple[int, ...]
    """Per axis, what the padding adds to a length less what the kernel takes from it."""


def merge_siblings(data: bytes) -> bytes | None:
    """Make each set of joined convolutions one.

    Args:
        data: an ONNX model with QDQ.

    Returns:
        The model whose answers are the same, or None where there are none to merge.
    """
    model = ir.from_proto(onnx.load_model_from_string(data))
    graph = model.graph
    merged = 0
    for join in [node for node in graph if node.op_type == "Concat"]:
        merged += _merge(graph, join)
    if not merged:
        return None
    RemoveUnusedNodesPass()(model)
    return bytes(ir.to_proto(model).SerializeToString(deterministic=True))


def _merge(graph: ir.Graph, join: ir.Node) -> bool:
    after = only_reader(join.outputs[0])
    axis = join.attributes.get("axis")
    if after is None or after.op_type != QUANTIZE or axis is None or axis.as_int() != 1:
        return False
    found = [_sibling(value) for value in join.inputs]
    siblings = [sibling for sibling in found if sibling is not None]
    if len(siblings) != len(found) or len(siblings) < 2:
        return False
    first = siblings[0]
    if _reading(after) != first.result or any(
        (s.source, s.result, s.strides, s.slack, s.weights.dtype, s.zeros.dtype)
        != (first.source, first.result, first.strides, first.slack, first.weights.dtype,
            first.zeros.dtype)
        for s in siblings
    ):  # fmt: skip
        return False
    axes = range(len(first.slack))
    begins = [max(s.begins[a] for s in siblings) for a in axes]
    shape = [max(begins[a] - s.begins[a] + s.weights.shape[2 + a] for s in siblings) for a in axes]
    ends = [first.slack[a] + shape[a] - begins[a] for a in axes]
    if min(ends) < 0:
        return False
    weights = np.concatenate([_within(s, begins, shape) for s in siblings])
    name = str(first.node.name or first.node.outputs[0].name)
    read = [
        _dequantized(graph, first.node, f"{name}_joined_weights", weights,
                     np.concatenate([s.scales for s in siblings]),
                     np.concatenate([s.zeros for s in siblings])),
        _dequantized(graph, first.node, f"{name}_joined_bias",
                     np.concatenate([s.bias for s in siblings]),
                     np.concatenate([s.bias_scales for s in siblings]), None),
    ]  # fmt: skip
    node = ir.Node(
        "", "Conv", [first.node.inputs[0], *read], name=f"{name}_joined",
        attributes=[
            ir.AttrInt64s("kernel_shape", shape),
            ir.AttrInt64s("pads", [*begins, *ends]),
            ir.AttrInt64s("strides", list(first.strides)),
        ],
    )  # fmt: skip
    made, joined = node.outputs[0], join.outputs[0]
    made.name, made.shape, made.type = f"{name}_joined", joined.shape, joined.type
    graph.insert_before(after, node)
    after.replace_input_with(0, made)
    return True


def _sibling(joined: ir.Value | None) -> _Sibling | None:
    """What gives one of the values that are joined, if it is a convolution that can be merged."""
    back = maker(joined, DEQUANTIZE)
    quantize = maker(back.inputs[0], QUANTIZE) if back is not None else None
    node = maker(quantize.inputs[0], "Conv") if quantize is not None else None
    if back is None or quantize is None or node is None or len(node.inputs) != 3:
        return None
    inner = (joined, back.inputs[0], node.outputs[0])
    result = _reading(quantize)
    if any(only_reader(value) is None for value in inner) or _reading(back) != result:
        return None
    source, weights, bias = (maker(value, DEQUANTIZE) for value in node.inputs)
    if source is None or weights is None or bias is None or result is None:
        return None
    whole, biases = constant(weights.inputs[0]), constant(bias.inputs[0])
    given = _reading(source)
    if whole is None or biases is None or given is None or whole.ndim < 3:
        return None
    rank, count = whole.ndim - 2, len(whole)
    options = {name: attribute.value for name, attribute in node.attributes.items()}
    if (
        options.get("group", 1) != 1
        or options.get("auto_pad", "NOTSET") != "NOTSET"
        or set(options.get("dilations", [1])) != {1}
    ):
        return None
    scales, zeros = _per_kernel(weights, 1, count), _per_kernel(weights, 2, count)
    bias_scales, bias_zeros = _per_kernel(bias, 1, count), _per_kernel(bias, 2, count)
    if scales is None or bias_scales is None or (bias_zeros is not None and bias_zeros.any()):
        return None
    pads = [int(p) for p in options.get("pads", [0] * 2 * rank)]
    return _Sibling(
        node,
        (id(source.inputs[0]), *given),
        result,
        whole,
        scales,
        np.zeros(count, whole.dtype) if zeros is None else zeros,
        biases,
        bias_scales,
        tuple(int(s) for s in options.get("strides", [1] * rank)),
        tuple(pads[:rank]),
        tuple(pads[a] + pads[rank + a] - whole.shape[2 + a] for a in range(rank)),
    )


def _within(sibling: _Sibling, begins: list[int], shape: list[int]) -> NDArray[Any]:
    """Its kernels in the middle of larger ones, which count nothing around them."""
    weights, zeros = sibling.weights, sibling.zeros
    larger = np.empty((*weights.shape[:2], *shape), weights.dtype)
    larger[...] = zeros.reshape(-1, *[1] * (weights.ndim - 1))
    starts = (b - s for b, s in zip(begins, sibling.begins, strict=True))
    place = tuple(slice(s, s + length) for s, length in zip(starts, weights.shape[2:], strict=True))
    larger[(slice(None), slice(None), *place)] = weights
    return larger


def _dequantized(
    graph: ir.Graph,
    before: ir.Node,
    name: str,
    values: NDArray[Any],
    scales: NDArray[Any],
    zeros: NDArray[Any] | None,
) -> ir.Value:
    read = []
    for part, array in (("", values), ("_scale", scales), ("_zero_point", zeros)):
        if array is not None:
            read.append(initial(graph, f"{name}{part}", array))
    node = ir.Node("", DEQUANTIZE, read, name=name, attributes=[ir.AttrInt64("axis", 0)])
    made = node.outputs[0]
    made.name, made.shape = f"{name}_dequantized", ir.Shape(values.shape)
    made.type = ir.TensorType(ir.DataType.FLOAT)
    graph.insert_before(before, node)
    return made


def _reading(node: ir.Node) -> tuple[Any, ...] | None:
    """The one scale, zero point and type of a QuantizeLinear or DequantizeLinear."""
    scale = constant(node.inputs[1])
    zero = constant(node.inputs[2]) if len(node.inputs) > 2 else np.uint8(0)
    if scale is None or zero is None or scale.size != 1 or zero.size != 1:
        return None
    return float(scale.reshape(())), int(zero.reshape(())), str(zero.dtype)


def _per_kernel(node: ir.Node, place: int, count: int) -> NDArray[Any] | None:
    """A DequantizeLinear's scales or zero points, one for each kernel; None if it has none."""
    values = constant(node.inputs[place]) if len(node.inputs) > place else None
    if values is None or values.size not in (1, count):
        return None
    axis = node.attributes.get("axis")
    if values.size > 1 and (axis is None or axis.as_int() != 0):
        return None
    return np.broadcast_to(values.reshape(-1), (count,)).copy()
