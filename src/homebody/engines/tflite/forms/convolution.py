"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.tflite.exporting import Export, Scale
from homebody.engines.tflite.forms.product import bias_of
from homebody.engines.tflite.forms.windows import SAME, VALID, same_pads, window_pads
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError


@imports("CONV_2D", "DEPTHWISE_CONV_2D")
def _import_convolution(to: Import, op: Any) -> None:
    options, (data, weights, *rest) = op.builtinOptions, op.inputs
    depthwise = to.source.kind(op) == "DEPTHWISE_CONV_2D"
    kernel = to.source.shape(weights)
    # [out, h, w, in] and [1, h, w, out] both become [out, in / groups, h, w].
    filters, _ = to.real_filters(weights, (3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    data, before = to.unpadded(data)
    channels = to.source.shape(data)[3]
    groups = channels if depthwise else channels // kernel[3]
    strides = [options.strideH, options.strideW]
    dilations = [options.dilationHFactor, options.dilationWFactor]
    pads = before or same_pads(
        to.shape(data)[1:3], kernel[1:3], strides, dilations, options.padding
    )
    inputs = [to.real(data, FIRST), filters]
    if rest and rest[0] >= 0:
        inputs.append(to.real(rest[0]))
    value = to.node(
        "Conv", inputs, kernel_shape=list(kernel[1:3]), strides=strides, dilations=dilations,
        group=groups, **pads,
    )  # fmt: skip
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, FIRST)


@exports("Conv")
def _export_conv(to: Export, node: ir.Node) -> None:
    data, weights, *rest = node.inputs
    assert data is not None
    filters = to.constant(weights)
    if filters is None or filters.ndim != 4:
        raise GraphError(f"the weights of {node.name!r} are computed or not of two dimensions")
    groups, channels = node.attributes.get_int("group", 1), to.shape(data)[1]
    depthwise = groups == channels and groups > 1
    if groups > 1 and not depthwise:
        raise GraphError(f"{node.name!r} convolves in {groups} groups, which TFLite cannot here")
    strides, dilations = (
        node.attributes.get_ints("strides", [1, 1]),
        node.attributes.get_ints("dilations", [1, 1]),
    )
    # [out, in / groups, h, w] becomes [out, h, w, in], depthwise [1, h, w, out].
    axes = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
    kept, integer = to.stored(weights), to.integer(node)
    scale = to.read_scale(data)
    integer = integer and kept is not None and kept[0].dtype == np.int8 and not kept[1].zero.any()
    size = to.shape(node.outputs[0])[2:]
    source, padding = _padded(to, node, data, filters.shape[2:], strides, dilations, size, integer)
    if integer and kept is not None and scale is not None:
        at = axes.index(0)
        each = np.broadcast_to(kept[1].scale, (filters.shape[0],))
        read = Scale(np.array(each), np.zeros(len(each), np.int64), at)
        inputs = [source, to.add_constant(kept[0].transpose(axes), str(weights), read)]
        inputs.append(bias_of(to, rest, filters.shape[0], scale.scale * each, at=0))
    else:
        inputs = [source, to.add_constant(filters.transpose(axes), f"{node.name}/weights")]
        bias = to.constant(rest[0]) if rest else None
        zeros = np.zeros(filters.shape[0], np.float32)
        inputs.append(to.add_constant(zeros if bias is None else bias, f"{node.name}/bias"))
    fields: dict[str, Any] = {
        "padding": padding, "strideH": strides[0], "strideW": strides[1],
        "dilationHFactor": dilations[0], "dilationWFactor": dilations[1],
    }  # fmt: skip
    if depthwise:
        to.put("DEPTHWISE_CONV_2D", inputs, node.outputs[0], LAST, integer, version=3,
               options="DepthwiseConv2DOptions", depthMultiplier=filters.shape[0] // channels,
               **fields)  # fmt: skip
    else:
        to.put("CONV_2D", inputs, node.outputs[0], LAST, integer, version=3,
               options="Conv2DOptions", **fields)  # fmt: skip


def _padded(
    to: Export, node: ir.Node, data: ir.Value, kernel: Any, strides: Sequence[int],
    dilations: Sequence[int], size: tuple[int, ...], integer: bool,
) -> tuple[int, int]:  # fmt: skip
    """A convolution's or pool's input, padded where TFLite's own padding is another."""
    source = to.operand(data, LAST, integer)
    before = to.shape(data)[2:]
    pads = window_pads(node, before, kernel, strides, dilations)
    if not any(pads):
        return source, VALID
    same = []
    for axis in (0, 1):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        total = max(0, (size[axis] - 1) * strides[axis] + reach - before[axis])
        same.append((total // 2, total - total // 2))
    fits = all(-(-b // s) == n for b, s, n in zip(before, strides, size, strict=True))
    if fits and [same[0][0], same[1][0], same[0][1], same[1][1]] == pads:
        return source, SAME
    amounts = np.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], np.int32)
    shape = list(to.shape(data, LAST))
    grown = [n + int(a.sum()) for n, a in zip(shape, amounts, strict=True)]
    scale = to.read_scale(data) if integer else None
    index = to.out.add_tensor(
        f"{data.name}/padded", grown, "int8" if integer else "float32",
        scales=scale.scale if scale else None, zero_points=scale.zero if scale else None,
    )  # fmt: skip
    to.add("PAD", [source, to.add_constant(amounts, "pads")], [index], 2, "PadOptions", {})
    return index, VALID
