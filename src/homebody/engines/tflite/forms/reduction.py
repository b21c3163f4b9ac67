"""What makes one number of many along axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx import TensorProto

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, PLAIN
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError
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


@exports("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin")
def _export_reduce(to: Export, node: ir.Node) -> None:
    given = to.constant(node.inputs[1]) if len(node.inputs) > 1 else None
    rank = len(to.shape(node.inputs[0]))
    axes = (
        node.attributes.get_ints("axes", list(range(rank)))
        if given is None
        else [int(a) for a in given]
    )
    kind = {"ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX",
            "ReduceMin": "REDUCE_MIN"}[node.op_type]  # fmt: skip
    integer = to.integer(node) and kind in ("MEAN", "SUM")
    where = to.add_constant(np.array([a % rank for a in axes], np.int32), "axes")
    to.put(kind, [to.operand(node.inputs[0], PLAIN, integer), where], node.outputs[0], PLAIN,
           integer, version=2 if integer else 1, options="ReducerOptions",
           keepDims=bool(node.attributes.get_int("keepdims", 1)))  # fmt: skip


@exports("ArgMax", "ArgMin")
def _export_arg(to: Export, node: ir.Node) -> None:
    rank = len(to.shape(node.inputs[0]))
    if node.attributes.get_int("keepdims", 1) or node.attributes.get_int("select_last_index", 0):
        raise GraphError(f"{node.name!r} keeps its dimension or wants the last of equals")
    kind, options = {
        "ArgMax": ("ARG_MAX", "ArgMaxOptions"),
        "ArgMin": ("ARG_MIN", "ArgMinOptions"),
    }[node.op_type]
    axis = to.add_constant(np.array(node.attributes.get_int("axis", 0) % rank, np.int32), "axis")
    to.put(kind, [to.operand(node.inputs[0], PLAIN, False), axis], node.outputs[0], PLAIN, False,
           options=options, outputType=schema.TensorType.INT64)  # fmt: skip
