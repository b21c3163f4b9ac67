"""How each operation is said in the other format: one module for each kind, both ways in it.

A form is a function that :mod:`homebody.engines.tflite.registry` knows by the operation's name.
From TFLite it adds nodes to an :class:`~homebody.engines.tflite.importing.Import`, to TFLite it
adds operations to an :class:`~homebody.engines.tflite.exporting.Export`: in integers where all
that it touches is.

Source: the operations' reference kernels in TensorFlow Lite, its 8-bit quantization specification
and its operators' versions; ONNX's operator specification.
"""

from homebody.engines.tflite.forms import (
    activation,
    arithmetic,
    convolution,
    indexing,
    joining,
    normalization,
    padding,
    pooling,
    product,
    quantization,
    reduction,
    resizing,
    shape,
)

__all__ = [
    "activation",
    "arithmetic",
    "convolution",
    "indexing",
    "joining",
    "normalization",
    "padding",
    "pooling",
    "product",
    "quantization",
    "reduction",
    "resizing",
    "shape",
]
