"""What a model file holds, for people and for machines."""

from __future__ import annotations

import math

import msgspec

from homebody.runtime.tflite import Subgraph, Tensor, operator_names, parse

# Codes of tflite/schema/schema.fbs, for the operations whose multiply-adds are counted.
_CONV_2D, _DEPTHWISE_CONV_2D, _FULLY_CONNECTED, _TRANSPOSE_CONV = 3, 4, 9, 67


class OperationSummary(msgspec.Struct, frozen=True):
    """One operation; ``weights`` is its constants' size in bytes, ``macs`` its multiply-adds."""

    index: int
    name: str
    inputs: tuple[str, ...]
    output: str
    shape: tuple[int, ...]
    dtype: str
    quantization: str
    weights: int
    macs: int


class ModelSummary(msgspec.Struct, frozen=True):
    """A whole model: sizes in bytes, shapes without names where the file has none."""

    size: int
    description: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operations: tuple[OperationSummary, ...]
    parameters: int
    macs: int
    subgraphs: int


def summarize(data: bytes | memoryview) -> ModelSummary:
    """Describe a ``.tflite`` file's main subgraph.

    Args:
        data: the file's bytes.

    Raises:
        ModelError: when the file is damaged.

    Example:
        >>> print(summarize(data).operations[0].name)     # doctest: +SKIP
        CONV_2D
    """
    model = parse(data)
    graph = model.subgraphs[0]
    names = operator_names()
    operations = tuple(_operation(graph, i, names) for i in range(len(graph.operations)))
    return ModelSummary(
        model.size,
        model.description,
        tuple(graph.tensors[i] for i in graph.inputs),
        tuple(graph.tensors[i] for i in graph.outputs),
        operations,
        sum(math.prod(t.shape) for t in graph.tensors if t.size and _is_learned(t)),
        sum(op.macs for op in operations),
        len(model.subgraphs),
    )


def _operation(graph: Subgraph, index: int, names: dict[int, str]) -> OperationSummary:
    op = graph.operations[index]
    inputs = [graph.tensors[i] for i in op.inputs if i >= 0]
    output = graph.tensors[op.outputs[0]] if op.outputs else None
    return OperationSummary(
        index,
        op.custom or names.get(op.code, f"operator {op.code}"),
        tuple(t.name for t in inputs),
        output.name if output else "",
        output.shape if output else (),
        output.dtype if output else "",
        describe_quantization(output) if output else "",
        sum(t.size for t in inputs),
        _macs(op.code, inputs, output),
    )


def describe_quantization(tensor: Tensor) -> str:
    """``scale 0.02, zero point -3``; ``64 scales, axis 0``; empty for a float tensor."""
    found = tensor.quantization
    if found is None:
        return ""
    if found.axis is not None:
        return f"{len(found.scales)} scales, axis {found.axis}"
    zero_point = found.zero_points[0] if found.zero_points else 0
    return f"scale {found.scales[0]:.6g}, zero point {zero_point}"


def _is_learned(tensor: Tensor) -> bool:
    """Weights and biases, but not axes, shapes and paddings, which are plain integers."""
    return tensor.quantization is not None or tensor.dtype in ("float32", "float16", "bfloat16")


def _macs(code: int, inputs: list[Tensor], output: Tensor | None) -> int:
    if output is None or len(inputs) < 2:
        return 0
    if code == _TRANSPOSE_CONV and len(inputs) > 2:
        weights, image = inputs[1], inputs[2]
        return math.prod(weights.shape[:3]) * math.prod(image.shape)
    weights = inputs[1]
    if code == _CONV_2D:
        return math.prod(output.shape) * math.prod(weights.shape[1:])
    if code == _DEPTHWISE_CONV_2D:
        return math.prod(output.shape) * math.prod(weights.shape[1:3])
    if code == _FULLY_CONNECTED and weights.shape:
        return math.prod(output.shape) * weights.shape[-1]
    return 0
