"""Borders around an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST, to_last
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError, GraphError
from homebody.runtime.editing import schema


@imports("PAD", "PADV2")
def _import_pad(to: Import, op: Any) -> None:
    data, amounts = op.inputs[0], to.values(op.inputs[1]).astype(np.int64)
    fill = float(to.real_values(op.inputs[2]).reshape(())) if len(op.inputs) > 2 else 0.0
    if to.folds_padding(op, amounts, fill):
        return
    layout = to.layout([data])
    if layout == FIRST:
        amounts = amounts[[0, 3, 1, 2]]
    pads = to.constant(amounts.T.reshape(-1), "pads")
    value = to.node(
        "Pad", [to.real(data, layout), pads, to.constant(np.asarray(fill, np.float32), "fill")]
    )
    to.put(op.outputs[0], value, layout)


@imports("MIRROR_PAD")
def _import_mirror(to: Import, op: Any) -> None:
    if op.builtinOptions.mode != _REFLECT:
        raise GraphError("a MIRROR_PAD that repeats the border is not imported; convert without it")
    pads = to.constant(to.values(op.inputs[1]).astype(np.int64).T.reshape(-1), "pads")
    value = to.node("Pad", [to.real(op.inputs[0]), pads], mode="reflect")
    to.put(op.outputs[0], value)


@exports("Pad")
def _export_pad(to: Export, node: ir.Node) -> None:
    data, options = node.inputs[0], node.attributes
    mode, layout = options.get_string("mode", "constant"), to.layout(node.inputs[:1])
    rank, inputs = len(to.shape(data)), [*node.inputs, None, None, None]
    fill, axes = to.constant(inputs[2]), to.constant(inputs[3])
    known = to.constant(inputs[1])
    if inputs[1] is None:  # attributes, before opset 11
        known = np.array(options.get_ints("pads", []))
        fill = np.array(options.get_float("value", 0.0))
    computed = [v for v, found in zip(inputs[2:4], (fill, axes), strict=True)
                if v is not None and found is None]  # fmt: skip
    if known is None or computed or mode not in ("constant", "reflect"):
        raise FormError(f"{node.name!r} pads in a way that TFLite's PAD does not")
    pairs = np.zeros((rank, 2), np.int32)
    pairs[range(rank) if axes is None else axes.astype(int)] = known.reshape(2, -1).T
    if (pairs < 0).any():
        raise FormError(f"{node.name!r} pads by less than nothing")
    if layout == LAST:
        pairs = pairs[list(to_last(rank))]
    integer, scale = to.moves_integers(node), to.read_scale(data)
    operands = [to.operand(data, layout, integer), to.add_constant(pairs, "pads")]
    if mode == "reflect":
        to.put_like_input(node, "MIRROR_PAD", operands, layout, integer, mode=_REFLECT)
        return
    kind = "PAD"
    if fill is not None and float(fill.reshape(())) != 0:
        kind, real = "PADV2", float(fill.reshape(()))
        if integer and scale is not None:
            number = np.clip(np.round(real / scale.scale) + scale.zero, -128, 127).astype(np.int8)
            operands.append(to.add_constant(number, "fill", scale))
        else:
            dtype = np.dtype(to.out.numpy_type(operands[0]))
            operands.append(to.add_constant(np.array([real], dtype), "fill"))
    to.put_like_input(node, kind, operands, layout, integer)


_REFLECT = schema.MirrorPadMode.REFLECT
