"""What bends a layer's sums: Relu and its kin, Sigmoid, Softmax."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.graph import tensor
from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import LAST, PLAIN, to_last
from homebody.engines.tflite.registry import exports, imports
from homebody.engines.tflite.scales import TANH_SCALE, UNIT_SCALE
from homebody.errors import FormError
from homebody.runtime.editing import schema


@imports("RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
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


@imports("LOG_SOFTMAX")
def _import_log_softmax(to: Import, op: Any) -> None:
    to.put(op.outputs[0], to.node("LogSoftmax", [to.real(op.inputs[0])], axis=-1))


_BOUNDED: dict[tuple[float, float], str] = {
    (0, 6): "RELU6", (-1, 1): "RELU_N1_TO_1", (0, 1): "RELU_0_TO_1", (0, np.inf): "RELU",
}  # fmt: skip


@exports("Relu", "Clip")
def _export_bounds(to: Export, node: ir.Node) -> None:
    layout, made = to.layout(node.inputs[:1]), node.outputs[0]
    low, high = 0.0, np.inf
    if node.op_type == "Clip":
        low, high = _limits(to, node)
    known: dict[tuple[float, float], str] = {
        (0, 6): "RELU6",
        (-1, 1): "RELU_N1_TO_1",
        (0, 1): "RELU_0_TO_1",
        (0, np.inf): "RELU",
    }
    kind = known.get((low, high), "") if tensor(made).dtype == np.float32 else ""
    integer = to.integer(node) and kind in ("RELU", "RELU6")
    source = to.operand(node.inputs[0], layout, integer)
    if kind:
        to.put(kind, [source], made, layout, integer)
        return
    dtype = tensor(made).dtype.name
    bounds = [("MAXIMUM", low)] * (low != -np.inf) + [("MINIMUM", high)] * (high != np.inf)
    if not bounds:
        to.put("RESHAPE", [source, to.integers(to.out.shape(source))], made, layout, False)
        return
    for kind, bound in bounds[:-1]:
        source = to.step(kind, [source, to.number(bound, dtype)])
    kind, bound = bounds[-1]
    to.put(kind, [source, to.number(bound, dtype)], made, layout, False)


def _limits(to: Export, node: ir.Node) -> tuple[float, float]:
    found = [node.attributes.get_float("min", -np.inf), node.attributes.get_float("max", np.inf)]
    for place, value in enumerate(node.inputs[1:3]):
        if value is not None:
            known = to.constant(value)
            if known is None:
                raise FormError(f"{node.name!r} clips to computed bounds")
            found[place] = float(known.reshape(()))
    return found[0], found[1]


@exports("LeakyRelu", "HardSwish")
def _export_like(to: Export, node: ir.Node) -> None:
    layout, made = to.layout(node.inputs), node.outputs[0]
    if node.op_type == "HardSwish":
        to.put("HARD_SWISH", [to.operand(node.inputs[0], layout, False)], made, layout, False)
        return
    integer = to.integer(node)
    source = to.operand(node.inputs[0], layout, integer)
    alpha = node.attributes.get_float("alpha", 0.01)
    to.put("LEAKY_RELU", [source], made, layout, integer, alpha=alpha)


@exports("Sigmoid", "Tanh")
def _export_bounded(to: Export, node: ir.Node) -> None:
    kind, scale = {"Sigmoid": ("LOGISTIC", UNIT_SCALE), "Tanh": ("TANH", TANH_SCALE)}[node.op_type]
    to.put_fixed(node, kind, to.layout(node.inputs), scale)


@exports("HardSigmoid")
def _export_hard_sigmoid(to: Export, node: ir.Node) -> None:
    layout, options = to.layout(node.inputs), node.attributes
    source = to.operand(node.inputs[0], layout, False)
    scaled = to.step("MUL", [source, to.number(options.get_float("alpha", 0.2))])
    moved = to.step("ADD", [scaled, to.number(options.get_float("beta", 0.5))])
    to.put("RELU_0_TO_1", [moved], node.outputs[0], layout, False)


@exports("Elu", "Selu", "Celu")
def _export_elu(to: Export, node: ir.Node) -> None:
    """max(x, 0) + alpha (exp(min(x, 0) / beta) - 1), all of it times gamma."""
    layout, made, options = to.layout(node.inputs), node.outputs[0], node.attributes
    source = to.operand(node.inputs[0], layout, False)
    selu = node.op_type == "Selu"
    alpha = options.get_float("alpha", 1.67326319 if selu else 1.0)
    gamma = options.get_float("gamma", 1.05070102) if selu else 1.0
    if alpha == gamma == 1:
        to.put("ELU", [source], made, layout, False)
        return
    least = to.step("MINIMUM", [source, to.number(0)])
    if node.op_type == "Celu":
        least = to.step("DIV", [least, to.number(alpha)])
    bent = to.step("MUL", [to.step("ELU", [least]), to.number(alpha * gamma)])
    rest = to.step("RELU", [source])
    if gamma != 1:
        rest = to.step("MUL", [rest, to.number(gamma)])
    to.put("ADD", [rest, bent], made, layout, False)


@exports("Gelu")
def _export_gelu(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    approximate = node.attributes.get_string("approximate", "none") == "tanh"
    source = to.operand(node.inputs[0], layout, False)
    to.put("GELU", [source], node.outputs[0], layout, False, approximate=approximate)


@exports("Softplus", "Softsign", "Mish", "Swish")
def _export_soft(to: Export, node: ir.Node) -> None:
    layout, made = to.layout(node.inputs), node.outputs[0]
    source = to.operand(node.inputs[0], layout, False)
    match node.op_type:
        case "Softsign":
            bound = to.step("ADD", [to.step("ABS", [source]), to.number(1)])
            to.put("DIV", [source, bound], made, layout, False)
        case "Swish":
            slope = to.number(node.attributes.get_float("alpha", 1.0))
            gate = to.step("LOGISTIC", [to.step("MUL", [source, slope])])
            to.put("MUL", [source, gate], made, layout, False)
        case "Mish":
            gate = to.step("TANH", [to.step("ADD", _softplus(to, source))])
            to.put("MUL", [source, gate], made, layout, False)
        case _:
            to.put("ADD", _softplus(to, source), made, layout, False)


def _softplus(to: Export, source: int) -> list[int]:
    """log(1 + exp(x)) as a sum of two that does not overflow."""
    tail = to.step("EXP", [to.step("NEG", [to.step("ABS", [source])])])
    return [to.step("RELU", [source]), to.step("LOG", [to.step("ADD", [tail, to.number(1)])])]


@exports("Softmax", "LogSoftmax")
def _export_softmax(to: Export, node: ir.Node) -> None:
    data, made, options = node.inputs[0], node.outputs[0], node.attributes
    shape, old = to.shape(data), to.opset < 13
    rank = len(shape)
    axis = options.get_int("axis", 1 if old else -1) % max(rank, 1)
    kind = "SOFTMAX" if node.op_type == "Softmax" else "LOG_SOFTMAX"
    how: dict[str, Any] = {"beta": 1.0} if kind == "SOFTMAX" else {}
    layout = PLAIN
    if to.layout([data]) == LAST and axis == 1 and not old:
        layout, axis = LAST, rank - 1  # channels are last already
    if axis == rank - 1:
        if kind == "SOFTMAX":
            to.put_fixed(node, kind, layout, UNIT_SCALE, **how)
        else:
            to.put(kind, [to.operand(data, layout, False)], made, layout, False)
        return
    source = to.operand(data, PLAIN, False)
    if old:  # over all that begins at the axis
        wide = [int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))]
        found = to.step(kind, [to.reshaped(source, wide)], **how)
        to.put("RESHAPE", [found, to.integers(shape)], made, PLAIN, False)
        return
    perm = [n for n in range(rank) if n != axis] + [axis]
    found = to.step(kind, [to.turned(source, perm)], **how)
    to.put("TRANSPOSE", [found, to.integers(np.argsort(perm))], made, PLAIN, False)


@exports("PRelu")
def _export_prelu(to: Export, node: ir.Node) -> None:
    layout, slope = to.layout(node.inputs), to.constant(node.inputs[1])
    if slope is None:
        raise FormError(f"the slopes of {node.name!r} are computed")
    rank = len(to.shape(node.inputs[0]))
    slope = slope.reshape((1,) * (rank - slope.ndim) + slope.shape)
    if slope.shape[:1] != (1,):
        raise FormError(f"{node.name!r} has other slopes for each row of its batch")
    if layout == LAST:
        slope = slope.transpose(to_last(rank))
    inputs = [to.operand(node.inputs[0], layout, False), to.add_constant(slope[0], "slopes")]
    to.put("PRELU", inputs, node.outputs[0], layout, False)
