"""Between real numbers and the integers that store them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx import TensorProto

from homebody.engines.rounding import product_before
from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.registry import exports, imports
from homebody.engines.tflite.scales import is_byte
from homebody.errors import FormError, GraphError


@imports("QUANTIZE", "DEQUANTIZE")
def _import_quantize(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    value = to.real(op.inputs[0], layout)
    if value == to.stored(op.inputs[0], layout) and to.source.kind(op) == "DEQUANTIZE":
        value = to.node("Cast", [value], to=TensorProto.FLOAT)  # float16 weights
    stored_real = to.source.numpy_type(op.inputs[0]) is np.float32
    if to.source.kind(op) == "QUANTIZE" and stored_real:
        to.put_stored(op.outputs[0], to.quantized_by_product(value, op.outputs[0]), layout)
        return
    to.put(op.outputs[0], value, layout)


@imports("FAKE_QUANT")
def _import_fake_quant(to: Import, op: Any) -> None:
    """A range that training learned, as Q and DQ; zero is moved onto the nearest integer.

    Source: Jacob et al., Quantization and Training of Neural Networks, 2018, section 3.
    """
    options, layout = op.builtinOptions, to.layout(op.inputs)
    if options.numBits != 8 or options.narrowRange:
        raise GraphError(
            f"a FAKE_QUANT of {options.numBits} bits"
            f"{' with a narrow range' if options.narrowRange else ''} is not imported; LiteRT does "
            "not run it on activations either, so train with 8 bits and the whole range"
        )
    low, high = np.float32(min(options.min, 0)), np.float32(max(options.max, 0))
    if not 0 < high - low < np.inf:
        raise GraphError("a FAKE_QUANT has an empty range; train longer, or convert without it")
    scale = (high - low) / np.float32(255)  # in float32, as TensorFlow nudges
    zero = np.clip(np.floor(-low / scale + np.float32(0.5)), 0, 255)
    reading = [
        to.constant(np.asarray(scale, np.float32), "scale"),
        to.constant(np.asarray(zero, np.uint8), "zero_point"),
    ]
    stored = to.node("QuantizeLinear", [to.real(op.inputs[0], layout), *reading])
    to.put(op.outputs[0], to.node("DequantizeLinear", [stored, *reading]), layout)


@exports("QuantizeLinear")
def _export_quantize(to: Export, node: ir.Node) -> None:
    source, made = node.inputs[0], node.outputs[0]
    if to.has_integers(made):
        return  # what made the value stored it so
    scale = to.read_scale(made)
    if scale is None or not is_byte(made):
        raise FormError(f"{node.name!r} quantizes by computed scales, by several, or not to bytes")
    product = product_before(node)
    if product is not None:  # what LiteRT computes in one
        source = product.inputs[0]
        assert source is not None
    layout = to.layout([source])
    index = to.op("QUANTIZE", [to.operand(source, layout, False)], made, layout, True, scale=scale)
    to.remember(made, layout, True, index)


@exports("DequantizeLinear")
def _export_dequantize(to: Export, node: ir.Node) -> None:
    if to.constant(node.outputs[0]) is None:
        raise FormError(f"{node.name!r} dequantizes what is not int8")
