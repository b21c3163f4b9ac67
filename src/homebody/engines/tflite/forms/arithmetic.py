"""Sums, products and functions, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import LAST, TO_LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError

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


_BINARY_EXPORTED = {
    "Add": ("ADD", "AddOptions"), "Sub": ("SUB", "SubOptions"), "Mul": ("MUL", "MulOptions"),
    "Div": ("DIV", "DivOptions"), "Pow": ("POW", "PowOptions"),
    "Max": ("MAXIMUM", "MaximumMinimumOptions"), "Min": ("MINIMUM", "MaximumMinimumOptions"),
}  # fmt: skip


@exports(*_BINARY_EXPORTED)
def _export_binary(to: Export, node: ir.Node) -> None:
    if len(node.inputs) != 2:
        raise GraphError(f"{node.op_type} {node.name!r} has {len(node.inputs)} operands, not two")
    kind, options = _BINARY_EXPORTED[node.op_type]
    layout = to.layout(node.inputs)
    computed = all(to.constant(value) is None for value in node.inputs)
    integer = to.integer(node) and computed and kind in ("ADD", "SUB", "MUL")
    inputs = []
    for value in node.inputs:
        numbers = to.constant(value)
        if numbers is not None and layout == LAST and 0 < numbers.ndim < 4:
            numbers = numbers.reshape((1,) * (4 - numbers.ndim) + numbers.shape)
            inputs.append(to.add_constant(numbers.transpose(TO_LAST), str(value)))
        else:
            inputs.append(to.operand(value, layout, integer))
    to.put(kind, inputs, node.outputs[0], layout, integer, options=options,
           version=2 if integer else 1)  # fmt: skip


_UNARY_EXPORTED = {
    "Exp": "EXP", "Log": "LOG", "Sqrt": "SQRT", "Abs": "ABS", "Neg": "NEG", "Floor": "FLOOR",
    "Ceil": "CEIL", "Sin": "SIN", "Cos": "COS", "Elu": "ELU", "HardSwish": "HARD_SWISH",
    "Round": "ROUND", "Sign": "SIGN",
}  # fmt: skip


@exports(*_UNARY_EXPORTED)
def _export_unary(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    options = {"ABS": "AbsOptions", "EXP": "ExpOptions", "NEG": "NegOptions", "COS": "CosOptions",
               "SIGN": "SignOptions", "HARD_SWISH": "HardSwishOptions"}  # fmt: skip
    kind = _UNARY_EXPORTED[node.op_type]
    to.put(kind, [to.operand(node.inputs[0], layout, False)], node.outputs[0], layout, False,
           options=options.get(kind, ""))  # fmt: skip


@exports("Reciprocal")
def _export_reciprocal(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    one = to.add_constant(np.ones((), np.float32), "one")
    to.put("DIV", [one, to.operand(node.inputs[0], layout, False)], node.outputs[0], layout, False,
           options="DivOptions")  # fmt: skip
