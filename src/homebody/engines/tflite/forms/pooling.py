"""Pools: the largest or the mean of a window."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.forms.windows import SAME, VALID, same_pads, window_pads
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError


@imports("AVERAGE_POOL_2D", "MAX_POOL_2D")
def _import_pool(to: Import, op: Any) -> None:
    options, data = op.builtinOptions, op.inputs[0]
    kernel = [options.filterHeight, options.filterWidth]
    strides = [options.strideH, options.strideW]
    pads = same_pads(to.shape(data)[1:3], kernel, strides, [1, 1], options.padding)
    kind = "MaxPool" if to.source.kind(op) == "MAX_POOL_2D" else "AveragePool"
    value = to.node(kind, [to.real(data, FIRST)], kernel_shape=kernel, strides=strides, **pads)
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, FIRST)


@exports("MaxPool", "AveragePool")
def _export_pool(to: Export, node: ir.Node) -> None:
    data, made = node.inputs[0], node.outputs[0]
    assert data is not None
    kernel, strides = (
        node.attributes.get_ints("kernel_shape", []),
        node.attributes.get_ints("strides", [1, 1]),
    )
    if (
        node.attributes.get_int("ceil_mode", 0)
        or len(kernel) != 2
        or node.attributes.get_int("count_include_pad", 0)
    ):
        raise GraphError(f"the pool {node.name!r} counts in a way that TFLite does not")
    integer = to.integer(node)
    size = to.shape(made)[2:]
    pads = window_pads(node, to.shape(data)[2:], kernel, strides, [1, 1])
    source, padding = to.operand(data, LAST, integer), VALID
    if any(pads):
        padding = SAME
        for axis in (0, 1):
            before = to.shape(data)[2 + axis]
            total = max(0, (size[axis] - 1) * strides[axis] + kernel[axis] - before)
            if [pads[axis], pads[axis + 2]] != [total // 2, total - total // 2]:
                raise GraphError(f"the pool {node.name!r} is padded in a way that TFLite does not")
    kind = "MAX_POOL_2D" if node.op_type == "MaxPool" else "AVERAGE_POOL_2D"
    to.put_like_input(node, kind, [source], LAST, integer, version=2 if integer else 1,
                options="Pool2DOptions", padding=padding, strideH=strides[0], strideW=strides[1],
                filterHeight=kernel[0], filterWidth=kernel[1])  # fmt: skip


@exports("GlobalAveragePool")
def _export_global_average(to: Export, node: ir.Node) -> None:
    integer = to.integer(node)
    axes = to.add_constant(np.array([1, 2], np.int32), "axes")
    source = to.operand(node.inputs[0], LAST, integer)
    to.put("MEAN", [source, axes], node.outputs[0], LAST, integer, version=2 if integer else 1,
           options="ReducerOptions", keepDims=True)  # fmt: skip
