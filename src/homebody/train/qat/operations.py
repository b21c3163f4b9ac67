"""The operations of a ``.tflite`` file as differentiable functions of a batch.

Each takes the graph, the operation and its operands, of which activations have any batch size,
and gives the float result *with* the fused activation: what one kernel computes before it
quantizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from keras import ops

from homebody.errors import ModelError
from homebody.shrink.quantization import Graph

Compute: TypeAlias = Callable[[Graph, Any, list[Any]], Any]

_PADDING = {0: "same", 1: "valid"}
_FUSED: dict[int, Callable[[Any], Any]] = {
    0: lambda x: x,
    1: ops.relu,
    2: lambda x: ops.clip(x, -1.0, 1.0),
    3: lambda x: ops.clip(x, 0.0, 6.0),
}


def _fused(graph: Graph, op: Any, value: Any) -> Any:
    function = op.builtinOptions.fusedActivationFunction
    if function not in _FUSED:
        raise ModelError(f"{graph.label(graph.operators.index(op))} has an unknown activation")
    return _FUSED[function](value)


def _conv(graph: Graph, op: Any, operands: list[Any]) -> Any:
    found, x, kernel = op.builtinOptions, operands[0], ops.transpose(operands[1], (1, 2, 3, 0))
    y = ops.conv(
        x, kernel, strides=(found.strideH, found.strideW), padding=_PADDING[found.padding],
        dilation_rate=(found.dilationHFactor, found.dilationWFactor), data_format="channels_last",
    )  # fmt: skip
    return _fused(graph, op, _biased(y, operands))


def _depthwise(graph: Graph, op: Any, operands: list[Any]) -> Any:
    found, x, flat = op.builtinOptions, operands[0], operands[1]
    height, width, out = flat.shape[1:]
    kernel = ops.reshape(flat, (height, width, x.shape[-1], out // x.shape[-1]))
    y = ops.depthwise_conv(
        x, kernel, strides=(found.strideH, found.strideW), padding=_PADDING[found.padding],
        dilation_rate=(found.dilationHFactor, found.dilationWFactor), data_format="channels_last",
    )  # fmt: skip
    return _fused(graph, op, _biased(y, operands))


def _dense(graph: Graph, op: Any, operands: list[Any]) -> Any:
    x, kernel = operands[0], operands[1]
    if not op.builtinOptions.keepNumDims:
        x = ops.reshape(x, (-1, kernel.shape[1]))
    return _fused(graph, op, _biased(ops.matmul(x, ops.transpose(kernel)), operands))


def _biased(value: Any, operands: list[Any]) -> Any:
    return value if len(operands) < 3 or operands[2] is None else value + operands[2]


def _pool(kind: str) -> Compute:
    def compute(graph: Graph, op: Any, operands: list[Any]) -> Any:
        found = op.builtinOptions
        pool = ops.max_pool if kind == "max" else ops.average_pool
        y = pool(
            operands[0], (found.filterHeight, found.filterWidth),
            strides=(found.strideH, found.strideW), padding=_PADDING[found.padding],
            data_format="channels_last",
        )  # fmt: skip
        return _fused(graph, op, y)

    return compute


def _arithmetic(function: Callable[[Any, Any], Any]) -> Compute:
    return lambda graph, op, operands: _fused(graph, op, function(operands[0], operands[1]))


def _plain(function: Callable[[Any], Any]) -> Compute:
    return lambda graph, op, operands: function(operands[0])


def _constant(graph: Graph, op: Any, place: int) -> list[int]:
    values = graph.constant(op.inputs[place])
    if values is None:
        label = graph.label(graph.operators.index(op))
        raise ModelError(f"{label} computes its shape; export the model with fixed shapes")
    return [int(v) for v in values.reshape(-1)]


def _mean(graph: Graph, op: Any, operands: list[Any]) -> Any:
    axes = tuple(_constant(graph, op, 1))
    return ops.mean(operands[0], axis=axes, keepdims=bool(op.builtinOptions.keepDims))


def _concatenate(graph: Graph, op: Any, operands: list[Any]) -> Any:
    return _fused(graph, op, ops.concatenate(operands, axis=op.builtinOptions.axis))


def _reshape(graph: Graph, op: Any, operands: list[Any]) -> Any:
    return ops.reshape(operands[0], (-1, *graph.shape(op.outputs[0])[1:]))


def _pad(graph: Graph, op: Any, operands: list[Any]) -> Any:
    flat = _constant(graph, op, 1)
    return ops.pad(operands[0], list(zip(flat[::2], flat[1::2], strict=True)))


def _transpose(graph: Graph, op: Any, operands: list[Any]) -> Any:
    order = _constant(graph, op, 1)
    if order[0] != 0:
        raise ModelError(f"{graph.label(graph.operators.index(op))} moves the batch; keep it first")
    return ops.transpose(operands[0], order)


COMPUTE: dict[str, Compute] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _pool("max"),
    "AVERAGE_POOL_2D": _pool("average"),
    "ADD": _arithmetic(ops.add),
    "SUB": _arithmetic(ops.subtract),
    "MUL": _arithmetic(ops.multiply),
    "MEAN": _mean,
    "CONCATENATION": _concatenate,
    "RESHAPE": _reshape,
    "SQUEEZE": _reshape,
    "EXPAND_DIMS": _reshape,
    "PAD": _pad,
    "TRANSPOSE": _transpose,
    "RELU": _plain(ops.relu),
    "RELU6": _plain(lambda x: ops.clip(x, 0.0, 6.0)),
    "HARD_SWISH": _plain(ops.hard_silu),
    "LOGISTIC": _plain(ops.sigmoid),
    "TANH": _plain(ops.tanh),
    "SOFTMAX": lambda graph, op, operands: ops.softmax(
        operands[0] * op.builtinOptions.beta, axis=-1
    ),
}
"""What each kind of operation computes."""

KEEPS_CODES = frozenset({"MAX_POOL_2D"})
"""Operations besides those that only move values whose results are on their inputs' grid."""
