"""What makes one number of many along axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx import TensorProto

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST, PLAIN, to_last
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError
from homebody.runtime.editing import schema


@imports("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")
def _import_reduce(to: Import, op: Any) -> None:
    data, keep = op.inputs[0], bool(op.builtinOptions.keepDims)
    rank = to.rank(data)
    axes = sorted({int(axis) % rank for axis in np.atleast_1d(to.values(op.inputs[1]))})
    kind = to.source.kind(op)
    if kind == "MEAN" and rank == 4 and axes == [1, 2]:
        value = to.node("GlobalAveragePool", [to.real(data, FIRST)])
        if keep:
            to.put(op.outputs[0], value, FIRST)
            return
        # Quantized before its empty dimensions go, so that engines find the pool whole.
        stored = to.quantized(value, op.outputs[0])
        flat = to.node("Flatten", [stored], axis=1)
        to.put_stored(op.outputs[0], flat)
        return
    name = {"MEAN": "ReduceMean", "SUM": "ReduceSum", "REDUCE_MAX": "ReduceMax",
            "REDUCE_MIN": "ReduceMin", "REDUCE_PROD": "ReduceProd"}[kind]  # fmt: skip
    real = to.real(data)
    if name == "ReduceSum":
        value = to.node(
            name, [real, to.constant(np.asarray(axes, np.int64), "axes")], keepdims=keep
        )
    else:
        value = to.node(name, [real], axes=axes, keepdims=int(keep))
    to.put(op.outputs[0], value)


@imports("ARG_MAX", "ARG_MIN")
def _import_arg(to: Import, op: Any) -> None:
    name = "ArgMax" if to.source.kind(op) == "ARG_MAX" else "ArgMin"
    axis = int(to.values(op.inputs[1]))
    value = to.node(name, [to.real(op.inputs[0])], axis=axis, keepdims=0)
    if to.source.numpy_type(op.outputs[0]) is np.int32:
        value = to.node("Cast", [value], to=TensorProto.INT32)
    to.put_stored(op.outputs[0], value)


@imports("REDUCE_ANY", "REDUCE_ALL")
def _import_whether(to: Import, op: Any) -> None:
    axes = [int(axis) for axis in np.atleast_1d(to.values(op.inputs[1]))]
    kind = "ReduceMax" if to.source.kind(op) == "REDUCE_ANY" else "ReduceMin"
    numbers = to.node("Cast", [to.stored(op.inputs[0], LAST)], to=TensorProto.INT32)
    found = to.node(kind, [numbers], axes=axes, keepdims=int(op.builtinOptions.keepDims))
    to.put_stored(op.outputs[0], to.node("Cast", [found], to=TensorProto.BOOL))


@imports("TOPK_V2")
def _import_top_k(to: Import, op: Any) -> None:
    count = to.constant(np.atleast_1d(to.values(op.inputs[1])).astype(np.int64), "count")
    values, places = to.node("TopK", [to.real(op.inputs[0]), count], 2)
    to.put(op.outputs[0], values)
    to.put_stored(op.outputs[1], to.node("Cast", [places], to=TensorProto.INT32))


@imports("CUMSUM")
def _import_cumulative(to: Import, op: Any) -> None:
    options, axis = op.builtinOptions, to.values(op.inputs[1]).astype(np.int64).reshape(())
    inputs = [to.real(op.inputs[0]), to.constant(axis, "axis")]
    value = to.node("CumSum", inputs, exclusive=int(options.exclusive),
                    reverse=int(options.reverse))  # fmt: skip
    to.put(op.outputs[0], value)


_REDUCED = {
    "ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX", "ReduceMin": "REDUCE_MIN",
    "ReduceProd": "REDUCE_PROD",
}  # fmt: skip
_COMPOSED = {
    "ReduceL1": ("ABS", ""), "ReduceL2": ("SQUARE", "SQRT"), "ReduceSumSquare": ("SQUARE", ""),
    "ReduceLogSum": ("", "LOG"),
}  # fmt: skip
"""What is done to each number before the sum, and to the sum."""


@exports(*_REDUCED, *_COMPOSED, "ReduceLogSumExp")
def _export_reduce(to: Export, node: ir.Node) -> None:
    data, made, layout = node.inputs[0], node.outputs[0], to.layout(node.inputs[:1])
    rank, keep = len(to.shape(data)), bool(node.attributes.get_int("keepdims", 1))
    axes = _axes(to, node, rank)
    left = [axis for axis in to_last(rank) if axis not in axes]
    if not keep and left != sorted(left):
        layout = PLAIN  # else what is left would have to be turned
    if layout == LAST:
        axes = [to_last(rank).index(axis) for axis in axes]
    where = to.integers(axes)
    kind = _REDUCED.get(node.op_type, "SUM")
    integer = to.integer(node) and kind in ("MEAN", "SUM") and node.op_type in _REDUCED
    source = to.operand(data, layout, integer)
    if not axes:
        to.put("RESHAPE", [source, to.integers(to.shape(made, layout))], made, layout, integer)
        return
    result = layout if keep else PLAIN
    if node.op_type in _REDUCED:
        to.put(kind, [source, where], made, result, integer, keepDims=keep)
        return
    if node.op_type == "ReduceLogSumExp":
        _log_sum_exp(to, node, source, axes, result)
        return
    before, after = _COMPOSED[node.op_type]
    each = to.step(before, [source]) if before else source
    if not after:
        to.put("SUM", [each, where], made, result, False, keepDims=keep)
        return
    total = to.step("SUM", [each, where], to.shape(made, result), keepDims=keep)
    to.put(after, [total], made, result, False)


def _log_sum_exp(to: Export, node: ir.Node, source: int, axes: list[int], layout: str) -> None:
    """log sum exp (x - max x) + max x, which does not overflow."""
    made, where = node.outputs[0], to.integers(axes)
    kept = [1 if axis in axes else n for axis, n in enumerate(to.out.shape(source))]
    most = to.step("REDUCE_MAX", [source, where], kept, keepDims=True)
    less = to.step("SUB", [source, most])
    total = to.step("SUM", [to.step("EXP", [less]), where], kept, keepDims=True)
    whole = to.step("ADD", [to.step("LOG", [total]), most])
    to.put("RESHAPE", [whole, to.integers(to.shape(made, layout))], made, layout, False)


def _axes(to: Export, node: ir.Node, rank: int) -> list[int]:
    given = node.inputs[1] if len(node.inputs) > 1 else None
    if given is None:
        axes = [int(axis) for axis in node.attributes.get_ints("axes", [])]
    else:
        known = to.constant(given)
        if known is None:
            raise FormError(f"{node.name!r} reduces computed axes")
        axes = [int(axis) for axis in known]
    if not axes and not node.attributes.get_int("noop_with_empty_axes", 0):
        axes = list(range(rank))
    return sorted({axis % max(rank, 1) for axis in axes} if rank else set())


@exports("ArgMax", "ArgMin")
def _export_arg(to: Export, node: ir.Node) -> None:
    data, made = node.inputs[0], node.outputs[0]
    shape = to.shape(data)
    if node.attributes.get_int("select_last_index", 0):
        raise FormError(f"{node.name!r} wants the last of equals, TFLite gives the first")
    kind = "ARG_MAX" if node.op_type == "ArgMax" else "ARG_MIN"
    axis = node.attributes.get_int("axis", 0) % len(shape)
    inputs = [to.operand(data, PLAIN, False), to.number(axis, "int32")]
    how = {"outputType": schema.TensorType.INT64}
    if not node.attributes.get_int("keepdims", 1):
        to.put(kind, inputs, made, PLAIN, False, **how)
        return
    found = to.step(kind, inputs, [*shape[:axis], *shape[axis + 1 :]], "int64", **how)
    to.put("RESHAPE", [found, to.integers(to.shape(made))], made, PLAIN, False)


@exports("TopK")
def _export_top_k(to: Export, node: ir.Node) -> None:
    data, (values, places) = node.inputs[0], node.outputs
    count, shape = to.constant(node.inputs[1]), to.shape(data)
    axis = node.attributes.get_int("axis", -1) % len(shape)
    if count is None or not node.attributes.get_int("largest", 1):
        raise FormError(f"{node.name!r} wants the least, or a computed number of values")
    perm = [n for n in range(len(shape)) if n != axis] + [axis]
    source = to.turned(to.operand(data, PLAIN, False), perm)
    made = [*to.out.shape(source)[:-1], int(count.reshape(()))]
    dtype = np.dtype(to.out.numpy_type(source)).name
    found = [to.out.add_tensor(f"{node.name}/{n}", made, t)
             for n, t in (("values", dtype), ("places", "int32"))]  # fmt: skip
    to.add("TOPK_V2", [source, to.number(made[-1], "int32")], found)
    back = np.argsort(perm)
    to.remember(values, PLAIN, False, to.turned(found[0], back))
    turned = to.turned(found[1], back)
    to.put("CAST", [turned], places, PLAIN, False)


@exports("CumSum")
def _export_cumulative(to: Export, node: ir.Node) -> None:
    axis = to.constant(node.inputs[1])
    if axis is None:
        raise FormError(f"{node.name!r} sums along a computed axis")
    rank = len(to.shape(node.inputs[0]))
    inputs = [
        to.operand(node.inputs[0], PLAIN, False),
        to.number(int(axis.reshape(())) % rank, "int32"),
    ]
    to.put("CUMSUM", inputs, node.outputs[0], PLAIN, False,
           exclusive=bool(node.attributes.get_int("exclusive", 0)),
           reverse=bool(node.attributes.get_int("reverse", 0)))  # fmt: skip
