"""Sums, products and functions, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import tensor
from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import LAST, PLAIN, to_last
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError, GraphError

_BINARY_IMPORTED = {
    "ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div", "MAXIMUM": "Max", "MINIMUM": "Min",
    "POW": "Pow",
}  # fmt: skip


@imports(*_BINARY_IMPORTED, "SQUARED_DIFFERENCE")
def _import_binary(to: Import, op: Any) -> None:
    layout, operands = to.operands(op)
    kind = to.source.kind(op)
    if kind == "SQUARED_DIFFERENCE":
        less = to.node("Sub", operands)
        value = to.node("Mul", [less, less])
    else:
        value = to.node(_BINARY_IMPORTED[kind], operands)
    fused = getattr(op.builtinOptions, "fusedActivationFunction", 0)
    to.put(op.outputs[0], to.activate(value, fused, op.outputs[0]), layout)


_UNARY_IMPORTED: dict[str, tuple[str, dict[str, Any]]] = {
    "RELU": ("Relu", {}), "LOGISTIC": ("Sigmoid", {}), "TANH": ("Tanh", {}), "EXP": ("Exp", {}),
    "LOG": ("Log", {}), "SQRT": ("Sqrt", {}), "ABS": ("Abs", {}), "NEG": ("Neg", {}),
    "FLOOR": ("Floor", {}), "CEIL": ("Ceil", {}), "ROUND": ("Round", {}), "SIN": ("Sin", {}),
    "COS": ("Cos", {}), "ELU": ("Elu", {}), "HARD_SWISH": ("HardSwish", {}), "SIGN": ("Sign", {}),
}  # fmt: skip


@imports(*_UNARY_IMPORTED)
def _import_unary(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    kind, options = _UNARY_IMPORTED[to.source.kind(op)]
    to.put(op.outputs[0], to.node(kind, [to.real(op.inputs[0], layout)], **options), layout)


@imports("RSQRT")
def _import_rsqrt(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    root = to.node("Sqrt", [to.real(op.inputs[0], layout)])
    to.put(op.outputs[0], to.node("Reciprocal", [root]), layout)


@imports("SQUARE")
def _import_square(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    value = to.real(op.inputs[0], layout)
    to.put(op.outputs[0], to.node("Mul", [value, value]), layout)


_COMPARED = {
    "EQUAL": "Equal", "LESS": "Less", "LESS_EQUAL": "LessOrEqual", "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterOrEqual", "LOGICAL_AND": "And", "LOGICAL_OR": "Or",
}  # fmt: skip


@imports(*_COMPARED, "NOT_EQUAL")
def _import_comparison(to: Import, op: Any) -> None:
    layout, operands = to.operands(op)
    value = to.node(_COMPARED.get(to.source.kind(op), "Equal"), operands)
    if to.source.kind(op) == "NOT_EQUAL":
        value = to.node("Not", [value])
    to.put(op.outputs[0], value, layout)


@imports("LOGICAL_NOT")
def _import_not(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    to.put(op.outputs[0], to.node("Not", [to.stored(op.inputs[0], layout)]), layout)


@imports("FLOOR_DIV", "FLOOR_MOD")
def _import_floor(to: Import, op: Any) -> None:
    layout, (one, other) = to.operands(op)
    is_float, kind = to.source.is_float(op.inputs[0]), to.source.kind(op)
    if not is_float:
        if kind == "FLOOR_DIV":
            raise GraphError("a FLOOR_DIV of integers is not imported; convert without it")
        to.put(op.outputs[0], to.node("Mod", [one, other]), layout)
        return
    value = to.node("Floor", [to.node("Div", [one, other])])
    if kind == "FLOOR_MOD":
        value = to.node("Sub", [one, to.node("Mul", [value, other])])
    to.put(op.outputs[0], value, layout)


@imports("ADD_N")
def _import_sum(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    to.put(op.outputs[0], to.node("Sum", [to.real(t, layout) for t in op.inputs]), layout)


@imports("SELECT", "SELECT_V2")
def _import_select(to: Import, op: Any) -> None:
    mask, *sides = op.inputs
    if to.source.kind(op) == "SELECT" and to.rank(mask) not in (0, to.rank(op.outputs[0])):
        raise GraphError("a SELECT of rows is not imported; convert with SELECT_V2")
    values = [to.stored(mask, LAST), *(to.real(side) for side in sides)]
    to.put(op.outputs[0], to.node("Where", values))


_BINARY_EXPORTED = {
    "Add": "ADD", "Sub": "SUB", "Mul": "MUL", "Div": "DIV", "Pow": "POW", "Max": "MAXIMUM",
    "Min": "MINIMUM", "Sum": "ADD", "Mod": "FLOOR_MOD", "Equal": "EQUAL", "Less": "LESS",
    "LessOrEqual": "LESS_EQUAL", "Greater": "GREATER", "GreaterOrEqual": "GREATER_EQUAL",
    "And": "LOGICAL_AND", "Or": "LOGICAL_OR", "Xor": "NOT_EQUAL",
}  # fmt: skip


@exports(*(_BINARY_EXPORTED.keys() - {"Pow"}))
def _export_binary(to: Export, node: ir.Node) -> None:
    kind, made = _BINARY_EXPORTED[node.op_type], node.outputs[0]
    if node.attributes.get_int("fmod", 0):
        raise FormError(f"{node.name!r} is a remainder with the sign of what is divided")
    layout = to.layout(node.inputs)
    computed = all(to.constant(value) is None for value in node.inputs)
    two = len(node.inputs) == 2
    integer = to.integer(node) and computed and two and kind in ("ADD", "SUB", "MUL")
    inputs = broadcast(to, node, layout, integer)
    if two:
        to.put(kind, inputs, made, layout, integer)
        return
    total = inputs[0]
    for index in inputs[1:-1]:
        shape = np.broadcast_shapes(to.out.shape(total), to.out.shape(index))
        total = to.step(kind, [total, index], shape)
    if len(inputs) == 1:
        to.put("RESHAPE", [total, to.integers(to.out.shape(total))], made, layout, False)
    else:
        to.put(kind, [total, inputs[-1]], made, layout, False)


def broadcast(to: Export, node: ir.Node, layout: str, integer: bool = False) -> list[int]:
    """Operands that broadcast in a layout as ONNX's do."""
    rank, found = len(to.shape(node.outputs[0])), []
    for value in node.inputs:
        numbers = to.constant(value)
        if numbers is not None and layout == LAST and 0 < numbers.ndim < rank:
            numbers = numbers.reshape((1,) * (rank - numbers.ndim) + numbers.shape)
            found.append(to.add_constant(numbers.transpose(to_last(rank)), str(value)))
        else:
            found.append(to.operand(value, PLAIN if _is_scalar(numbers) else layout, integer))
    return found


def _is_scalar(numbers: NDArray[Any] | None) -> bool:
    return numbers is not None and numbers.ndim == 0


@exports("Pow")
def _export_power(to: Export, node: ir.Node) -> None:
    """By products and roots where the exponent is one of these: LiteRT's own is slow."""
    data, power = node.inputs
    layout, made, known = to.layout(node.inputs), node.outputs[0], to.constant(power)
    is_float = tensor(made).dtype == np.float32
    exponent = float(known.reshape(())) if known is not None and known.size == 1 else None
    if not is_float or exponent not in (2, 3, 0.5, -0.5, -1) or known is None or known.ndim:
        exponent = None
    if exponent is None:
        sides = broadcast(to, node, layout)
        kinds = [np.dtype(to.out.numpy_type(side)).name for side in sides]
        if kinds[0] != kinds[1]:
            sides[1] = to.step("CAST", sides[1:], dtype=kinds[0])
        to.put("POW", sides, made, layout, False)
        return
    source = to.operand(data, layout, False)
    match exponent:
        case 2:
            to.put("MUL", [source, source], made, layout, False)
        case 3:
            square = to.step("MUL", [source, source])
            to.put("MUL", [square, source], made, layout, False)
        case -1:
            to.put("DIV", [to.number(1), source], made, layout, False)
        case _:
            to.put("SQRT" if exponent > 0 else "RSQRT", [source], made, layout, False)


_UNARY_EXPORTED = {
    "Exp": "EXP", "Log": "LOG", "Sqrt": "SQRT", "Abs": "ABS", "Neg": "NEG", "Floor": "FLOOR",
    "Ceil": "CEIL", "Sin": "SIN", "Cos": "COS", "Round": "ROUND", "Sign": "SIGN",
    "Not": "LOGICAL_NOT",
}  # fmt: skip


@exports(*_UNARY_EXPORTED)
def _export_unary(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    source = to.operand(node.inputs[0], layout, False)
    to.put(_UNARY_EXPORTED[node.op_type], [source], node.outputs[0], layout, False)


@exports("Reciprocal", "Tan", "IsNaN")
def _export_quotient(to: Export, node: ir.Node) -> None:
    layout, made = to.layout(node.inputs), node.outputs[0]
    source = to.operand(node.inputs[0], layout, False)
    if node.op_type == "IsNaN":
        to.put("NOT_EQUAL", [source, source], made, layout, False)
    elif node.op_type == "Tan":
        sides = [to.step("SIN", [source]), to.step("COS", [source])]
        to.put("DIV", sides, made, layout, False)
    else:
        to.put("DIV", [to.number(1), source], made, layout, False)


@exports("Where")
def _export_where(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    to.put("SELECT_V2", broadcast(to, node, layout), node.outputs[0], layout, False)


_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


@exports("Erf")
def _export_erf(to: Export, node: ir.Node) -> None:
    """To 1.5e-7 by exponentials, as TFLite has no such operation.

    Source: Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26.
    """
    layout = to.layout(node.inputs)
    x = to.operand(node.inputs[0], layout, False)
    size = to.step("ABS", [x])
    slope = to.step("MUL", [size, to.number(0.3275911)])
    t = to.step("DIV", [to.number(1), to.step("ADD", [slope, to.number(1)])], to.out.shape(x))
    total = to.step("MUL", [t, to.number(_ERF[4])])
    for factor in _ERF[3::-1]:
        total = to.step("MUL", [to.step("ADD", [total, to.number(factor)]), t])
    tail = to.step("MUL", [total, to.step("EXP", [to.step("NEG", [to.step("MUL", [x, x])])])])
    rest = to.step("SUB", [to.number(1), tail], to.out.shape(x))
    to.put("MUL", [to.step("SIGN", [x]), rest], node.outputs[0], layout, False)
