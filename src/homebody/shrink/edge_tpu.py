"""Whether a Coral Edge TPU could take a model, and which operations it would leave to the CPU.

Source: the operations and limits that Coral's documentation lists for the Edge TPU compiler,
version 16 (runtime 14). The compiler has the last word: it may also leave out what is too large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from homebody.runtime.editing import Graph, schema
from homebody.shrink._rules import SHAPE_ONLY


class EdgeTpuOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that would run on the CPU, and why."""

    index: int
    kind: str
    name: str
    reason: str


class EdgeTpuReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a Coral device would make of a model.

    ``mapped`` operations, from the first on, would run on the device: its compiler leaves
    everything behind the first one that it cannot take to the CPU. Conversions of a model's float
    ends always run on the CPU; shrink with integer ends and there are none.
    """

    fully_integer: bool
    operations: int
    mapped: int
    rejected: tuple[EdgeTpuOperation, ...]

    @property
    def fits(self) -> bool:
        """Whether the whole model would run on the device."""
        return self.fully_integer and not self.rejected


def _none(graph: Graph, op: Any) -> str:
    return ""


def _no_activation(graph: Graph, op: Any) -> str:
    fused = getattr(op.builtinOptions, "fusedActivationFunction", 0)
    return "it has a fused activation function" if fused else ""


def _concatenation(graph: Graph, op: Any) -> str:
    constants = [t for t in op.inputs if graph.is_constant(t)]
    if constants and len(op.inputs) != 2:
        return "it joins a constant with more than one other tensor"
    return _no_activation(graph, op)


def _in_plane(graph: Graph, op: Any) -> str:
    """Only height and width may be padded or reduced."""
    values = graph.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    if values is None:
        return "its axes or paddings are not constant"
    rank = len(graph.shape(op.inputs[0]))
    if graph.kind(op) == "PAD":
        touched = {i for i, row in enumerate(values.reshape(-1, 2)) if row.any()}
    else:
        touched = {int(a) % max(rank, 1) for a in values.reshape(-1)}
    allowed = {rank - 2, rank - 3} if rank >= 3 else {rank - 1}
    return "" if touched <= allowed else "it works along other axes than height and width"


def _dense(graph: Graph, op: Any) -> str:
    options = op.builtinOptions
    if options is not None and options.weightsFormat:
        return "its weights are shuffled"
    shape = graph.shape(op.outputs[0])
    return "" if sum(d > 1 for d in shape) <= 1 else "its output has more than one dimension"


def _softmax(graph: Graph, op: Any) -> str:
    shape = graph.shape(op.inputs[0])
    if sum(d > 1 for d in shape) > 1:
        return "its input has more than one dimension"
    return "" if shape and shape[-1] <= 16000 else "it has more than 16,000 values"


def _no_batch_stride(graph: Graph, op: Any) -> str:
    strides = graph.constant(op.inputs[3]) if len(op.inputs) > 3 else None
    if strides is None:
        return "its strides are not constant"
    return "" if (strides == 1).all() else "its strides are not all 1"


TAKES: dict[str, Callable[[Graph, Any], str]] = {
    "ADD": _none, "SUB": _none, "MUL": _none, "MAXIMUM": _none, "MINIMUM": _none,
    "LOGISTIC": _none, "TANH": _none, "RELU": _none, "RELU6": _none, "RELU_N1_TO_1": _none,
    "CONV_2D": _none, "DEPTHWISE_CONV_2D": _none, "TRANSPOSE_CONV": _none, "RESHAPE": _none,
    "SQUEEZE": _none, "SLICE": _none, "SPLIT": _none, "PACK": _none, "TRANSPOSE": _none,
    "EXPAND_DIMS": _none, "QUANTIZE": _none, "DEPTH_TO_SPACE": _none, "SPACE_TO_DEPTH": _none,
    "L2_NORMALIZATION": _none, "PRELU": _none, "RSQRT": _none, "SQUARED_DIFFERENCE": _none,
    "REDUCE_MAX": _none, "REDUCE_MIN": _none, "RESIZE_BILINEAR": _none,
    "RESIZE_NEAREST_NEIGHBOR": _none, "AVERAGE_POOL_2D": _no_activation,
    "MAX_POOL_2D": _no_activation, "CONCATENATION": _concatenation, "MEAN": _in_plane,
    "SUM": _in_plane, "PAD": _in_plane, "FULLY_CONNECTED": _dense, "SOFTMAX": _softmax,
    "STRIDED_SLICE": _no_batch_stride,
}  # fmt: skip
"""What the Edge TPU takes, and the limits: each gives a reason not to, or nothing."""

_INTEGERS = {schema.TensorType.INT8, schema.TensorType.UINT8}


def edge_tpu(model: bytes) -> EdgeTpuReport:
    """Check a model against what a Coral Edge TPU takes.

    Args:
        model: a ``.tflite`` file's bytes.

    Raises:
        ModelError: the file is damaged.

    Example:
        >>> report = edge_tpu(shrink(model, images, io="int8").model)     # doctest: +SKIP
        >>> report.fits                                                   # doctest: +SKIP
        True
    """
    graph = Graph(model)
    rejected = []
    mapped: int | None = None
    border = 0
    for index, op in enumerate(graph.operators):
        reason = _reason(graph, op)
        if reason and _is_border(graph, op):
            border += 1
        elif reason and mapped is None:
            mapped = index - border
        if reason:
            name = graph.name(op.outputs[0]) if op.outputs else ""
            rejected.append(
                EdgeTpuOperation(index=index, kind=graph.kind(op), name=name, reason=reason)
            )
    floats = {t for op in graph.operators for t in (*op.inputs, *op.outputs) if graph.is_float(t)}
    return EdgeTpuReport(
        fully_integer=not floats,
        operations=len(graph.operators),
        mapped=len(graph.operators) - border if mapped is None else mapped,
        rejected=tuple(rejected),
    )


def _reason(graph: Graph, op: Any) -> str:
    kind = graph.kind(op)
    if kind in SHAPE_ONLY or kind not in TAKES:
        return "the device has no such operation"
    touched = [t for t in (*op.inputs, *op.outputs) if t >= 0]
    if any(graph.is_float(t) for t in touched):
        return "it computes with floats"
    if any(_is_dynamic(graph, t) for t in touched):
        return "its size is only known when it runs"
    computed = [t for t in touched if not graph.is_constant(t)]
    if any(graph.tensors[t].type not in _INTEGERS for t in computed):
        return "its values are not 8-bit integers"
    if any(sum(d > 1 for d in graph.shape(t)[:-3]) for t in computed):
        return "more than its three innermost dimensions are above 1"
    return TAKES[kind](graph, op)


def _is_border(graph: Graph, op: Any) -> bool:
    """Whether it only converts between the model's float ends and integers."""
    kind = graph.kind(op)
    return (kind == "QUANTIZE" and op.inputs[0] in graph.inputs) or (
        kind == "DEQUANTIZE" and op.outputs[0] in graph.outputs
    )


def _is_dynamic(graph: Graph, tensor: int) -> bool:
    signature = graph.tensors[tensor].shapeSignature
    return signature is not None and any(int(d) < 0 for d in signature)
