"""Pictures made larger or smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError


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


@exports("Resize")
def _export_resize(to: Export, node: ir.Node) -> None:
    before, after = to.shape(node.inputs[0]), to.shape(node.outputs[0])
    mode, where = (
        node.attributes.get_string("mode", "nearest"),
        node.attributes.get_string("coordinate_transformation_mode", "half_pixel"),
    )
    rounding = {"asymmetric": "floor", "half_pixel": "round_prefer_ceil",
                "align_corners": "round_prefer_ceil"}  # fmt: skip
    known = where in rounding and (
        mode == "linear"
        or (
            mode == "nearest"
            and node.attributes.get_string("nearest_mode", "round_prefer_floor") == rounding[where]
        )
    )
    scales = to.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if scales is not None and scales.size:
        known = known and bool(np.array_equal(np.array(before) * scales, after))
    antialias = node.attributes.get_int("antialias", 0)
    plain = len(before) == 4 and before[:2] == after[:2] and not antialias
    if not known or not plain:
        raise GraphError(f"{node.name!r} resizes in a way that TFLite does not")
    bilinear, integer = mode == "linear", to.integer(node)
    kind, options = (
        ("RESIZE_BILINEAR", "ResizeBilinearOptions")
        if bilinear
        else ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")
    )
    size = to.add_constant(np.array(after[2:], np.int32), "size")
    version = (3 if where == "half_pixel" else 2) if integer or where == "half_pixel" else 1
    to.put_like_input(node, kind, [to.operand(node.inputs[0], LAST, integer), size], LAST, integer,
                options=options, version=version, alignCorners=where == "align_corners",
                halfPixelCenters=where == "half_pixel")  # fmt: skip
