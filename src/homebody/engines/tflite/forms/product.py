"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.tflite.exporting import Export, Scale
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import PLAIN
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError


@imports("FULLY_CONNECTED")
def _import_fully_connected(to: Import, op: Any) -> None:
    options, (data, weights, *rest) = op.builtinOptions, op.inputs
    wide = to.source.shape(weights)[1]
    bias = [to.real(rest[0])] if rest and rest[0] >= 0 else []
    real = to.real(data)
    if to.rank(data) == 2 or not options.keepNumDims:
        if to.rank(data) != 2:
            rows = to.constant(np.array([-1, wide], np.int64), "rows")
            real = to.node("Reshape", [real, rows])
        value = to.node("Gemm", [real, to.real(weights), *bias], transB=1)
    else:
        filters, _ = to.real_filters(weights, (1, 0))
        value = to.node("MatMul", [real, filters])
        if bias:
            value = to.node("Add", [value, *bias])
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value)


@imports("BATCH_MATMUL")
def _import_batch_matmul(to: Import, op: Any) -> None:
    sides = []
    for tensor, turn in zip(
        op.inputs, (op.builtinOptions.adjX, op.builtinOptions.adjY), strict=True
    ):
        value = to.real(tensor)
        if turn:
            last = to.rank(tensor)
            perm = [*range(last - 2), last - 1, last - 2]
            value = to.node("Transpose", [value], perm=perm)
        sides.append(value)
    to.put(op.outputs[0], to.node("MatMul", sides))


@exports("Gemm")
def _export_gemm(to: Export, node: ir.Node) -> None:
    data, weights, *rest = node.inputs
    assert data is not None
    filters = to.constant(weights)
    options = node.attributes
    plain = options.get_float("alpha", 1.0) == 1 and options.get_float("beta", 1.0) == 1
    if filters is None or not plain or options.get_int("transA", 0):
        raise GraphError(f"the product {node.name!r} scales, turns or computes what TFLite cannot")
    turned = options.get_int("transB", 0) != 0
    _dense(to, node, data, weights, filters, turned, rest)


@exports("MatMul")
def _export_matmul(to: Export, node: ir.Node) -> None:
    data, weights = node.inputs
    assert data is not None
    assert weights is not None
    filters = to.constant(weights)
    if filters is not None and filters.ndim == 2:
        _dense(to, node, data, weights, filters, False, [])
        return
    integer = to.integer(node) and filters is None
    inputs = [to.operand(value, PLAIN, integer) for value in node.inputs]
    to.put("BATCH_MATMUL", inputs, node.outputs[0], PLAIN, integer,
           options="BatchMatMulOptions", version=4 if integer else 1)  # fmt: skip


def _dense(
    to: Export, node: ir.Node, data: ir.Value, weights: ir.Value | None,
    filters: NDArray[Any], turned: bool, rest: list[ir.Value | None],
) -> None:  # fmt: skip
    kept, scale = to.stored(weights), to.read_scale(data)
    wide = filters.shape[0] if turned else filters.shape[1]
    whole = kept is not None and kept[0].dtype == np.int8 and not kept[1].zero.any()
    if to.integer(node) and whole and kept is not None and scale is not None:
        numbers = kept[0] if turned else kept[0].T
        each = np.broadcast_to(kept[1].scale, (wide,))
        read = Scale(np.array(each), np.zeros(wide, np.int64), 0)
        inputs = [
            to.operand(data, PLAIN, True),
            to.add_constant(numbers, f"{node.name}/weights", read),
        ]
        inputs.append(bias_of(to, rest, wide, scale.scale * each, at=0))
        integer = True
    else:
        numbers = filters if turned else filters.T
        inputs = [to.operand(data, PLAIN, False), to.add_constant(numbers, f"{node.name}/weights")]
        bias = to.constant(rest[0]) if rest else None
        inputs.append(
            -1 if bias is None else to.add_constant(bias.reshape(-1), f"{node.name}/bias")
        )
        integer = False
    to.put("FULLY_CONNECTED", inputs, node.outputs[0], PLAIN, integer, version=5 if integer else 1,
           options="FullyConnectedOptions", keepNumDims=True)  # fmt: skip


def bias_of(
    to: Export, rest: list[ir.Value | None], count: int, scales: NDArray[Any], at: int
) -> int:
    """A bias in steps of the products' own scale."""
    real = to.constant(rest[0]) if rest else None
    if real is None:
        real = np.zeros(count)
    numbers = np.round(real.reshape(-1).astype(np.float64) / scales)
    limit = np.iinfo(np.int32)
    kept = np.clip(numbers, limit.min, limit.max).astype(np.int32)
    reading = Scale(scales.astype(np.float32), np.zeros(len(scales), np.int64), at)
    return to.add_constant(kept, "bias", reading)
