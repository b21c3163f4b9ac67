"""Convolutions, also transposed, in two dimensions or one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.forms.product import bias_of
from homebody.engines.tflite.forms.windows import (
    SAME,
    VALID,
    same_pads,
    transposed_pads,
    window_pads,
)
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.engines.tflite.scales import Scale
from homebody.errors import FormError, GraphError


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


@imports("TRANSPOSE_CONV")
def _import_transposed(to: Import, op: Any) -> None:
    options, (_, weights, data, *rest) = op.builtinOptions, op.inputs
    before, after = to.shape(data)[1:3], to.source.shape(op.outputs[0])[1:3]
    kernel, strides = to.source.shape(weights)[1:3], [options.strideH, options.strideW]
    if -1 in before:
        raise GraphError("a TRANSPOSE_CONV of an unknown size is not imported; fix its shape")
    # [out, h, w, in] becomes [in, out, h, w].
    filters, _ = to.real_filters(weights, (3, 0, 1, 2))
    shapes = zip(before, after, kernel, strides, strict=True)
    totals = [(b - 1) * s + k - a for b, a, k, s in shapes]
    first = [max(0, total) // 2 for total in totals]
    inputs = [to.real(data, FIRST), filters]
    if rest and rest[0] >= 0:
        inputs.append(to.real(rest[0]))
    value = to.node(
        "ConvTranspose", inputs, kernel_shape=list(kernel), strides=strides,
        pads=[*first, *(max(0, t) - low for t, low in zip(totals, first, strict=True))],
        output_padding=[max(0, -total) for total in totals],
    )  # fmt: skip
    fused = getattr(options, "fusedActivationFunction", 0)
    to.put(op.outputs[0], to.activate(value, fused, op.outputs[0]), FIRST)


@exports("Conv")
def _export_conv(to: Export, node: ir.Node) -> None:
    lifted = _Lifted(to, node)
    filters, channels = lifted.filters, to.shape(node.inputs[0])[1]
    groups = node.attributes.get_int("group", 1)
    depthwise = groups == channels and groups > 1
    # [out, in / groups, h, w] becomes [out, h, w, in], depthwise [1, h, w, out].
    axes = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
    source, padding = lifted.padded()
    weights, bias = lifted.weights(axes, at=0)
    fields: dict[str, Any] = {
        "padding": padding, "strideH": lifted.strides[0], "strideW": lifted.strides[1],
        "dilationHFactor": lifted.dilations[0], "dilationWFactor": lifted.dilations[1],
    }  # fmt: skip
    kind = "CONV_2D"
    if depthwise:
        kind, fields["depthMultiplier"] = "DEPTHWISE_CONV_2D", filters.shape[0] // channels
    lifted.put(kind, [source, weights, bias], **fields)


@exports("ConvTranspose")
def _export_conv_transpose(to: Export, node: ir.Node) -> None:
    lifted = _Lifted(to, node)
    if node.attributes.get_int("group", 1) != 1 or lifted.dilations != [1, 1]:
        raise FormError(f"{node.name!r} is transposed in groups or dilated, TFLite's is not")
    before, after = lifted.shape(node.inputs[0]), lifted.shape(node.outputs[0])
    kernel, strides = lifted.filters.shape[2:], lifted.strides
    pads, whole, same = lifted.pads(transposed=True), [], True
    for axis in (0, 1):
        full = (before[1 + axis] - 1) * strides[axis] + kernel[axis]
        total = full - after[1 + axis]
        whole.append(after[1 + axis] + pads[axis] + max(0, pads[axis + 2]))
        same &= -(-after[1 + axis] // strides[axis]) == before[1 + axis]
        same &= total >= 0 and pads[axis] == total // 2
    # [in, out, h, w] becomes [out, h, w, in].
    weights, bias = lifted.weights((1, 2, 3, 0), at=1)
    fields = {"strideH": strides[0], "strideW": strides[1]}
    source = lifted.source()
    if same or whole == list(after[1:3]):
        inputs = [to.integers(after), weights, source, bias]
        lifted.put("TRANSPOSE_CONV", inputs, padding=SAME if same else VALID, **fields)
        return
    shape = [after[0], *whole, after[3]]
    inputs = [to.integers(shape), weights, source, bias]
    made = to.step("TRANSPOSE_CONV", inputs, shape, lifted.dtype, lifted.scale, padding=VALID,
                   **fields)  # fmt: skip
    first = [0, pads[0], pads[1], 0]
    last = [low + length for low, length in zip(first, after, strict=True)]
    inputs = [made, to.integers(first), to.integers(last), to.integers([1] * 4)]
    lifted.put("STRIDED_SLICE", inputs)


class _Lifted:
    """A convolution in one dimension or two, as one in two, with channels last."""

    def __init__(self, to: Export, node: ir.Node) -> None:
        self.to, self.node = to, node
        self.data, self.kernel, *rest = node.inputs
        self.bias = rest[0] if rest else None
        filters, bias = to.constant(self.kernel), to.constant(self.bias)
        if filters is None or (self.bias is not None and bias is None):
            raise FormError(f"the weights of {node.name!r} are computed")
        if filters.ndim not in (3, 4):
            raise FormError(f"{node.name!r} convolves in {filters.ndim - 2} dimensions")
        self.flat = filters.ndim == 3
        self.filters: NDArray[Any] = filters[:, :, None] if self.flat else filters
        self.strides = self._both("strides")
        self.dilations = self._both("dilations")
        kept = to.stored(self.kernel)
        whole = kept is not None and kept[0].dtype == np.int8 and not kept[1].zero.any()
        self.integer = to.integer(node) and whole
        self.dtype = "int8" if self.integer else "float32"
        self.scale = to.made_scale(node.outputs[0]) if self.integer else None

    def _both(self, name: str) -> list[int]:
        found = list(self.node.attributes.get_ints(name, [1] * (1 if self.flat else 2)))
        return [1, *found] if self.flat else found

    def shape(self, value: ir.Value | None) -> tuple[int, ...]:
        """A value's [batch, height, width, channels]."""
        batch, *rest = self.to.shape(value, LAST)
        return (batch, 1, *rest) if self.flat else (batch, *rest)

    def source(self) -> int:
        """What is convolved."""
        index = self.to.operand(self.data, LAST, self.integer)
        return self.to.reshaped(index, self.shape(self.data))

    def pads(self, *, transposed: bool = False) -> list[int]:
        """Top, left, bottom and right."""
        node, before = self.node, self.shape(self.data)[1:3]
        if transposed:
            return transposed_pads(
                node, before, self.shape(node.outputs[0])[1:3], self.filters.shape[2:], self.strides
            )
        found = window_pads(
            node, before[self.flat :], self.filters.shape[2 + self.flat :],
            self.strides[self.flat :], self.dilations[self.flat :],
        )  # fmt: skip
        return [0, found[0], 0, found[1]] if self.flat else found

    def padded(self) -> tuple[int, int]:
        """What is convolved, padded where TFLite's own padding is another, and that."""
        source, pads = self.source(), self.pads()
        if not any(pads):
            return source, VALID
        before, after = (self.shape(v)[1:3] for v in (self.data, self.node.outputs[0]))
        kernel, strides, dilations = self.filters.shape[2:], self.strides, self.dilations
        if pads == same_pads(before, kernel, strides, dilations, SAME)["pads"] and all(
            -(-b // s) == n for b, s, n in zip(before, strides, after, strict=True)
        ):
            return source, SAME
        amounts = np.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], np.int32)
        if (amounts < 0).any():
            raise FormError(f"{self.node.name!r} is padded by less than nothing")
        grown = [n + int(a.sum()) for n, a in zip(self.shape(self.data), amounts, strict=True)]
        return self.to.moved("PAD", [source, self.to.add_constant(amounts, "pads")], grown), VALID

    def weights(self, axes: tuple[int, ...], at: int) -> tuple[int, int]:
        """Weights with their axes in TFLite's order, and a bias.

        Args:
            axes: that order.
            at: ONNX's axis of the output's channels.
        """
        to, name = self.to, str(self.node.name)
        channels = self.shape(self.node.outputs[0])[3]
        kept, scale = to.stored(self.kernel), to.read_scale(self.data)
        if self.integer and kept is not None and scale is not None:
            numbers = kept[0][:, :, None] if self.flat else kept[0]
            each = np.broadcast_to(kept[1].scale, (channels,))
            read = Scale(np.array(each), np.zeros(channels, np.int64), axes.index(at))
            filters = to.add_constant(numbers.transpose(axes), f"{name}/weights", read)
            return filters, bias_of(to, [self.bias], channels, scale.scale * each, at=0)
        filters = to.add_constant(self.filters.transpose(axes), f"{name}/weights")
        bias = to.constant(self.bias)
        zeros = np.zeros(channels, np.float32)
        return filters, to.add_constant(zeros if bias is None else bias, f"{name}/bias")

    def put(self, kind: str, inputs: list[int], **fields: Any) -> None:
        """The last operation: what it makes is the convolution's result."""
        to, made = self.to, self.node.outputs[0]
        if not self.flat:
            to.put(kind, inputs, made, LAST, self.integer, **fields)
            return
        index = to.step(kind, inputs, self.shape(made), self.dtype, self.scale, **fields)
        to.remember(made, LAST, self.integer, to.reshaped(index, to.shape(made, LAST)))
