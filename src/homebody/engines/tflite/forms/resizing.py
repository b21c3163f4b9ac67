"""Pictures made larger or smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError, GraphError


@imports("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def _import_resize(to: Import, op: Any) -> None:
    options = op.builtinOptions
    height, width = (int(n) for n in to.values(op.inputs[1]))
    bilinear = to.source.kind(op) == "RESIZE_BILINEAR"
    where = (
        "align_corners" if options.alignCorners
        else "half_pixel" if options.halfPixelCenters else "asymmetric"
    )  # fmt: skip
    batch, channels = to.shape(op.inputs[0])[0], to.shape(op.inputs[0])[3]
    if -1 in (batch, channels):
        old = to.shape(op.inputs[0])[1:3]
        if -1 in old:
            raise GraphError("a resize of an unknown size is not imported; fix the input's shape")
        scales = np.array([1, 1, height / old[0], width / old[1]], np.float32)
        inputs = ["", to.constant(scales, "scales")]
    else:
        sizes = np.array([batch, channels, height, width], np.int64)
        inputs = ["", "", to.constant(sizes, "sizes")]
    nearest = "floor" if where == "asymmetric" else "round_prefer_ceil"
    how: dict[str, Any] = (
        {"mode": "linear"} if bilinear else {"mode": "nearest", "nearest_mode": nearest}
    )
    real = to.real(op.inputs[0], FIRST)
    value = to.node("Resize", [real, *inputs], coordinate_transformation_mode=where, **how)
    to.put(op.outputs[0], value, FIRST)


_ROUNDING = {"asymmetric": "floor", "half_pixel": "round_prefer_ceil",
             "align_corners": "round_prefer_ceil"}  # fmt: skip
"""How TFLite's nearest neighbour rounds, by where it counts from."""


@exports("Resize", "Upsample")
def _export_resize(to: Export, node: ir.Node) -> None:
    before, after = to.shape(node.inputs[0]), to.shape(node.outputs[0])
    options, old = node.attributes, node.op_type == "Upsample" or to.opset < 11
    mode = options.get_string("mode", "nearest")
    where = options.get_string(
        "coordinate_transformation_mode", "asymmetric" if old else "half_pixel"
    )
    if where == "pytorch_half_pixel" and min(after) > 0 and 1 not in after[2:]:
        where = "half_pixel"  # they differ for sizes of 1 only
    rounding = options.get_string("nearest_mode", "floor" if old else "round_prefer_floor")
    if len(before) != 4 or before[:2] != after[:2] or options.get_int("antialias", 0) != 0:
        raise FormError(f"{node.name!r} resizes no picture, its channels, or against aliasing")
    scales = to.constant([*node.inputs, None, None][1 if old else 2])
    if scales is not None and scales.size == 4:
        stated = np.array(before) * scales
        if where != "align_corners" and not np.allclose(stated, after, rtol=1e-6):
            raise FormError(f"{node.name!r} resizes by a scale that lies between sizes")
    whole = all(a % b == 0 for a, b in zip(after[2:], before[2:], strict=True))
    if mode == "nearest" and where == "half_pixel" and whole and rounding.startswith("round"):
        rounding = _ROUNDING[where]  # no pixel's middle lies halfway between two
    if where not in _ROUNDING or (mode == "nearest" and rounding != _ROUNDING[where]):
        raise FormError(f"{node.name!r} resizes in a way that TFLite does not: {where}, {rounding}")
    if mode not in ("linear", "nearest"):
        raise FormError(f"{node.name!r} resizes by {mode}, TFLite only by linear and nearest")
    integer = to.integer(node)
    kind = "RESIZE_BILINEAR" if mode == "linear" else "RESIZE_NEAREST_NEIGHBOR"
    inputs = [to.operand(node.inputs[0], LAST, integer), to.integers(after[2:])]
    to.put_like_input(node, kind, inputs, LAST, integer,
                      version=3 if where == "half_pixel" else 2 if integer else 1,
                      alignCorners=where == "align_corners",
                      halfPixelCenters=where == "half_pixel")  # fmt: skip
