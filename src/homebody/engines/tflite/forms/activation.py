"""What bends a layer's sums: Relu and its kin, Sigmoid, Softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import TANH_SCALE, UNIT_SCALE, Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import LAST, PLAIN, TO_LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError
from homebody.runtime.editing import schema


@imports("RELU6", "RELU_N1_TO_1")
def _import_clip(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    kind = getattr(schema.ActivationFunctionType, to.source.kind(op))
    value = to.activate(to.real(op.inputs[0], layout), kind, op.outputs[0])
    if value == to.stored(op.inputs[0], layout):
        value = to.node("Identity", [value])
    to.put(op.outputs[0], value, layout)


@imports("LEAKY_RELU")
def _import_leaky_relu(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    value = to.node(
        "LeakyRelu", [to.real(op.inputs[0], layout)], alpha=float(op.builtinOptions.alpha)
    )
    to.put(op.outputs[0], value, layout)


@imports("PRELU")
def _import_prelu(to: Import, op: Any) -> None:
    layout, operands = to.operands(op)
    to.put(op.outputs[0], to.node("PRelu", operands), layout)


@imports("GELU")
def _import_gelu(to: Import, op: Any) -> None:
    """x (1 + erf(x / sqrt 2)) / 2, or its approximation by tanh."""
    layout = to.layout(op.inputs)
    x = to.real(op.inputs[0], layout)

    def number(value: float) -> str:
        return to.constant(np.asarray(value, np.float32), "number")

    if op.builtinOptions.approximate:
        cube = to.node("Mul", [to.node("Mul", [x, x]), x])
        inner = to.node("Add", [x, to.node("Mul", [cube, number(0.044715)])])
        bent = to.node("Tanh", [to.node("Mul", [inner, number(float(np.sqrt(2 / np.pi)))])])
    else:
        bent = to.node("Erf", [to.node("Div", [x, number(float(np.sqrt(2)))])])
    value = to.node("Mul", [to.node("Mul", [x, to.node("Add", [bent, number(1)])]), number(0.5)])
    to.put(op.outputs[0], value, layout)


@imports("SOFTMAX")
def _import_softmax(to: Import, op: Any) -> None:
    value, beta = to.real(op.inputs[0]), float(op.builtinOptions.beta)
    if beta != 1:
        value = to.node("Mul", [value, to.constant(np.asarray(beta, np.float32), "beta")])
    to.put(op.outputs[0], to.node("Softmax", [value], axis=-1))


@exports("Relu", "Clip", "LeakyRelu")
def _export_relu(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    kind, options, fields = "RELU", "", {}
    if node.op_type == "LeakyRelu":
        kind, options = "LEAKY_RELU", "LeakyReluOptions"
        fields = {"alpha": node.attributes.get_float("alpha", 0.01)}
    elif node.op_type == "Clip":
        limits = [to.constant(value) for value in node.inputs[1:3]]
        ends = tuple(None if limit is None else float(limit) for limit in [*limits, None][:2])
        known = {(0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, None): "RELU"}
        if ends not in known:
            raise GraphError(f"{node.name!r} clips to {ends}, for which TFLite has no operation")
        kind = known[ends]
    integer = to.integer(node) and kind != "RELU_N1_TO_1"
    source = to.operand(node.inputs[0], layout, integer)
    to.put(kind, [source], node.outputs[0], layout, integer, version=2 if integer else 1,
           options=options, **fields)  # fmt: skip


@exports("Sigmoid")
def _export_sigmoid(to: Export, node: ir.Node) -> None:
    to.put_fixed(node, "LOGISTIC", to.layout(node.inputs), UNIT_SCALE)


@exports("Tanh")
def _export_tanh(to: Export, node: ir.Node) -> None:
    to.put_fixed(node, "TANH", to.layout(node.inputs), TANH_SCALE)


@exports("Softmax")
def _export_softmax(to: Export, node: ir.Node) -> None:
    if (
        node.attributes.get_int("axis", -1) % len(to.shape(node.inputs[0]))
        != len(to.shape(node.inputs[0])) - 1
    ):
        raise GraphError(f"{node.name!r} is a softmax over an axis that is not the last")
    to.put_fixed(node, "SOFTMAX", PLAIN, UNIT_SCALE, options="SoftmaxOptions", beta=1.0)


@exports("PRelu")
def _export_prelu(to: Export, node: ir.Node) -> None:
    layout, slope = to.layout(node.inputs), to.constant(node.inputs[1])
    if slope is None:
        raise GraphError(f"the slopes of {node.name!r} are computed")
    if layout == LAST:
        slope = slope.reshape((1,) * (4 - slope.ndim) + slope.shape).transpose(TO_LAST)
    wide = len(to.shape(node.inputs[0])) - 1
    slope = slope.reshape((1,) * (wide - slope.ndim) + slope.shape)
    if slope.ndim > wide:
        if slope.shape[0] != 1:
            raise GraphError(f"{node.name!r} has other slopes for each row of its batch")
        slope = slope[0]
    inputs = [to.operand(node.inputs[0], layout, False), to.add_constant(slope, "slopes")]
    to.put("PRELU", inputs, node.outputs[0], layout, False)
