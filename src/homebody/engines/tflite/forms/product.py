"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import PLAIN
from homebody.engines.tflite.registry import exports, imports
from homebody.engines.tflite.scales import Scale


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
    options, bias = node.attributes, rest[0] if rest else None
    alpha, beta = options.get_float("alpha", 1.0), options.get_float("beta", 1.0)
    turned = [options.get_int("transA", 0) != 0, options.get_int("transB", 0) != 0]
    filters, offset = to.constant(weights), to.constant(bias)
    wide = to.shape(node.outputs[0])[1]
    known = bias is None or (offset is not None and offset.size in (1, wide) and beta == 1)
    if filters is not None and known and alpha == 1 and not turned[0]:
        _dense(to, node, filters, turned[1], bias)
        return
    sides = [to.operand(value, PLAIN, False) for value in (data, weights)]
    made = to.step("BATCH_MATMUL", sides, to.shape(node.outputs[0]), adjX=turned[0], adjY=turned[1])
    if alpha != 1:
        made = to.step("MUL", [made, to.number(alpha)])
    if bias is None or beta == 0:
        to.put("RESHAPE", [made, to.integers(to.out.shape(made))], node.outputs[0], PLAIN, False)
        return
    added = to.operand(bias, PLAIN, False)
    if beta != 1:
        added = to.step("MUL", [added, to.number(beta)])
    to.put("ADD", [made, added], node.outputs[0], PLAIN, False)


@exports("MatMul")
def _export_matmul(to: Export, node: ir.Node) -> None:
    filters, made = to.constant(node.inputs[1]), node.outputs[0]
    shapes = [to.shape(value) for value in node.inputs]
    if filters is not None and filters.ndim == 2 and len(shapes[0]) > 1:
        _dense(to, node, filters, False, None)
        return
    computed = all(to.constant(value) is None for value in node.inputs)
    wide = min(map(len, shapes)) > 1
    integer = to.integer(node) and computed and wide
    sides = [to.operand(value, PLAIN, integer) for value in node.inputs]
    if wide:
        to.put("BATCH_MATMUL", sides, made, PLAIN, integer)
        return
    # A vector is a row on the left and a column on the right, and no dimension of the product.
    full = [(1, *s) if len(s) == 1 else s for s in shapes[:1]]
    full += [(*s, 1) if len(s) == 1 else s for s in shapes[1:]]
    sides = [to.reshaped(side, shape) for side, shape in zip(sides, full, strict=True)]
    batch = np.broadcast_shapes(full[0][:-2], full[1][:-2])
    product = to.step("BATCH_MATMUL", sides, (*batch, full[0][-2], full[1][-1]))
    to.put("RESHAPE", [product, to.integers(to.shape(made))], made, PLAIN, False)


def _dense(
    to: Export, node: ir.Node, filters: NDArray[Any], turned: bool, bias: ir.Value | None
) -> None:
    """A product with constant weights, [out, in] where they are turned."""
    data, weights = node.inputs[:2]
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
        inputs.append(bias_of(to, [bias], wide, scale.scale * each, at=0))
        integer = True
    else:
        numbers = filters if turned else filters.T
        inputs = [to.operand(data, PLAIN, False), to.add_constant(numbers, f"{node.name}/weights")]
        known = to.constant(bias)
        if known is not None:
            each = np.broadcast_to(known.reshape(-1), (wide,))
            inputs.append(to.add_constant(each, f"{node.name}/bias"))
        else:
            inputs.append(-1)
        integer = False
    to.put("FULLY_CONNECTED", inputs, node.outputs[0], PLAIN, integer, keepNumDims=True)


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
