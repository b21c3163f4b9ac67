"""Borders around an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST, TO_LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError


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


@exports("Pad")
def _export_pad(to: Export, node: ir.Node) -> None:
    amounts = to.constant(node.inputs[1])
    fill = to.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    plain = node.attributes.get_string("mode", "constant") == "constant" and len(node.inputs) < 4
    if amounts is None or not plain:
        raise GraphError(f"{node.name!r} pads in a way that TFLite's PAD does not")
    layout = to.layout(node.inputs[:1])
    pairs = amounts.reshape(2, -1).T.astype(np.int32)
    if layout == LAST:
        pairs = pairs[list(TO_LAST)]
    integer, scale = to.moves_integers(node), to.read_scale(node.inputs[0])
    inputs = [to.operand(node.inputs[0], layout, integer), to.add_constant(pairs, "pads")]
    kind, options = "PAD", "PadOptions"
    if fill is not None and float(fill) != 0:
        kind, options = "PADV2", "PadV2Options"
        if integer and scale is not None:
            steps = np.round(float(fill) / scale.scale) + scale.zero
            number = np.clip(steps, -128, 127).astype(np.int8)
            inputs.append(to.add_constant(number, "fill", scale))
        else:
            inputs.append(to.add_constant(np.array([float(fill)], np.float32), "fill"))
    to.put_like_input(node, kind, inputs, layout, integer, options=options,
                version=2 if integer else 1)  # fmt: skip
