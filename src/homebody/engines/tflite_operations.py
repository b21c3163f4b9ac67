"""How each TFLite operation is said in ONNX.

Source: the operations' reference kernels in TensorFlow Lite and ONNX's operator specification.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from homebody.engines.tflite_in import FIRST, LAST, Handler, Import
from homebody.errors import GraphError
from homebody.runtime import editing

HANDLERS: dict[str, Handler] = {}
"""By TFLite's name of the operation."""

_SAME = editing.schema.Padding.SAME


def _takes(*kinds: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


# ---- convolutions and pools


@_takes("CONV_2D", "DEPTHWISE_CONV_2D")
def _convolution(to: Import, op: Any) -> None:
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
    pads = before or _pads(to.shape(data)[1:3], kernel[1:3], strides, dilations, options.padding)
    inputs = [to.real(data, FIRST), filters]
    if rest and rest[0] >= 0:
        inputs.append(to.real(rest[0]))
    value = to.node(
        "Conv", inputs, kernel_shape=list(kernel[1:3]), strides=strides, dilations=dilations,
        group=groups, **pads,
    )  # fmt: skip
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, FIRST)


@_takes("AVERAGE_POOL_2D", "MAX_POOL_2D")
def _pool(to: Import, op: Any) -> None:
    options, data = op.builtinOptions, op.inputs[0]
    kernel = [options.filterHeight, options.filterWidth]
    strides = [options.strideH, options.strideW]
    pads = _pads(to.shape(data)[1:3], kernel, strides, [1, 1], options.padding)
    kind = "MaxPool" if to.source.kind(op) == "MAX_POOL_2D" else "AveragePool"
    value = to.node(kind, [to.real(data, FIRST)], kernel_shape=kernel, strides=strides, **pads)
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, FIRST)


def _pads(
    size: tuple[int, ...], kernel: Any, strides: list[int], dilations: list[int], padding: int
) -> dict[str, Any]:
    """ONNX's padding for TFLite's; explicit where the size is known, which engines fuse best."""
    if padding != _SAME:
        return {"pads": [0, 0, 0, 0]}
    if -1 in size:
        return {"auto_pad": "SAME_UPPER"}
    first, last = [], []
    for length, window, stride, dilation in zip(size, kernel, strides, dilations, strict=True):
        reach = dilation * (window - 1) + 1
        total = max(0, (-(-length // stride) - 1) * stride + reach - length)
        first.append(total // 2)
        last.append(total - total // 2)
    return {"pads": [*first, *last]}


@_takes("PAD", "PADV2")
def _pad(to: Import, op: Any) -> None:
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


@_takes("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")
def _reduce(to: Import, op: Any) -> None:
    data, keep = op.inputs[0], bool(op.builtinOptions.keepDims)
    rank = to.rank(data)
    axes = sorted({int(axis) % rank for axis in np.atleast_1d(to.values(op.inputs[1]))})
    kind = to.source.kind(op)
    if kind == "MEAN" and rank == 4 and axes == [1, 2]:
        value = to.node("GlobalAveragePool", [to.real(data, FIRST)])
        if keep:
            to.put(op.outputs[0], value, FIRST)
            return
        # Quantized before its empty dimensions go, so that engines find the pool whole.
        stored = to.quantized(value, op.outputs[0])
        flat = to.node("Flatten", [stored], axis=1)
        to.put_stored(op.outputs[0], flat)
        return
    name = {"MEAN": "ReduceMean", "SUM": "ReduceSum", "REDUCE_MAX": "ReduceMax",
            "REDUCE_MIN": "ReduceMin", "REDUCE_PROD": "ReduceProd"}[kind]  # fmt: skip
    real = to.real(data)
    if name == "ReduceSum":
        value = to.node(
            name, [real, to.constant(np.asarray(axes, np.int64), "axes")], keepdims=keep
        )
    else:
        value = to.node(name, [real], axes=axes, keepdims=int(keep))
    to.put(op.outputs[0], value)


# ---- products


@_takes("FULLY_CONNECTED")
def _fully_connected(to: Import, op: Any) -> None:
    options, (data, weights, *rest) = op.builtinOptions, op.inputs
    wide = to.source.shape(weights)[1]
    bias = [to.real(rest[0])] if rest and rest[0] >= 0 else []
    real = to.real(data)
    if to.rank(data) == 2 or not options.keepNumDims:
        if to.rank(data) != 2:
            rows = to.constant(np.array([-1, wide], np.int64), "rows")
            real = to.node("Reshape", [real, rows])
        value = to.node("Gemm", [real, to.real(weights), *bias], transB=1)
    else:
        filters, _ = to.real_filters(weights, (1, 0))
        value = to.node("MatMul", [real, filters])
        if bias:
            value = to.node("Add", [value, *bias])
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value)


@_takes("BATCH_MATMUL")
def _batch_matmul(to: Import, op: Any) -> None:
    sides = []
    for tensor, turn in zip(
        op.inputs, (op.builtinOptions.adjX, op.builtinOptions.adjY), strict=True
    ):
        value = to.real(tensor)
        if turn:
            last = to.rank(tensor)
            perm = [*range(last - 2), last - 1, last - 2]
            value = to.node("Transpose", [value], perm=perm)
        sides.append(value)
    to.put(op.outputs[0], to.node("MatMul", sides))


# ---- element by element

_BINARY = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div", "MAXIMUM": "Max",
           "MINIMUM": "Min", "POW": "Pow"}  # fmt: skip


@_takes(*_BINARY, "SQUARED_DIFFERENCE")
def _binary(to: Import, op: Any) -> None:
    layout, operands = to.operands(op)
    kind = to.source.kind(op)
    if kind == "SQUARED_DIFFERENCE":
        less = to.node("Sub", operands)
        value = to.node("Mul", [less, less])
    else:
        value = to.node(_BINARY[kind], operands)
    fused = getattr(op.builtinOptions, "fusedActivationFunction", 0)
    to.put(op.outputs[0], to.activate(value, fused, op.outputs[0]), layout)


_UNARY: dict[str, tuple[str, dict[str, Any]]] = {
    "RELU": ("Relu", {}), "LOGISTIC": ("Sigmoid", {}), "TANH": ("Tanh", {}), "EXP": ("Exp", {}),
    "LOG": ("Log", {}), "SQRT": ("Sqrt", {}), "ABS": ("Abs", {}), "NEG": ("Neg", {}),
    "FLOOR": ("Floor", {}), "CEIL": ("Ceil", {}), "ROUND": ("Round", {}), "SIN": ("Sin", {}),
    "COS": ("Cos", {}), "ELU": ("Elu", {}), "HARD_SWISH": ("HardSwish", {}), "SIGN": ("Sign", {}),
}  # fmt: skip


@_takes(*_UNARY)
def _unary(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    kind, options = _UNARY[to.source.kind(op)]
    to.put(op.outputs[0], to.node(kind, [to.real(op.inputs[0], layout)], **options), layout)


@_takes("RELU6", "RELU_N1_TO_1")
def _clip(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    kind = getattr(editing.schema.ActivationFunctionType, to.source.kind(op))
    value = to.activate(to.real(op.inputs[0], layout), kind, op.outputs[0])
    if value == to.stored(op.inputs[0], layout):
        value = to.node("Identity", [value])
    to.put(op.outputs[0], value, layout)


@_takes("RSQRT")
def _rsqrt(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    root = to.node("Sqrt", [to.real(op.inputs[0], layout)])
    to.put(op.outputs[0], to.node("Reciprocal", [root]), layout)


@_takes("SQUARE")
def _square(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    value = to.real(op.inputs[0], layout)
    to.put(op.outputs[0], to.node("Mul", [value, value]), layout)


@_takes("LEAKY_RELU")
def _leaky_relu(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    value = to.node(
        "LeakyRelu", [to.real(op.inputs[0], layout)], alpha=float(op.builtinOptions.alpha)
    )
    to.put(op.outputs[0], value, layout)


@_takes("PRELU")
def _prelu(to: Import, op: Any) -> None:
    layout, operands = to.operands(op)
    to.put(op.outputs[0], to.node("PRelu", operands), layout)


@_takes("GELU")
def _gelu(to: Import, op: Any) -> None:
    """x (1 + erf(x / sqrt 2)) / 2, or its approximation by tanh."""
    layout = to.layout(op.inputs)
    x = to.real(op.inputs[0], layout)

    def number(value: float) -> str:
        return to.constant(np.asarray(value, np.float32), "number")

    if op.builtinOptions.approximate:
        cube = to.node("Mul", [to.node("Mul", [x, x]), x])
        inner = to.node("Add", [x, to.node("Mul", [cube, number(0.044715)])])
        bent = to.node("Tanh", [to.node("Mul", [inner, number(float(np.sqrt(2 / np.pi)))])])
    else:
        bent = to.node("Erf", [to.node("Div", [x, number(float(np.sqrt(2)))])])
    value = to.node("Mul", [to.node("Mul", [x, to.node("Add", [bent, number(1)])]), number(0.5)])
    to.put(op.outputs[0], value, layout)


@_takes("SOFTMAX")
def _softmax(to: Import, op: Any) -> None:
    value, beta = to.real(op.inputs[0]), float(op.builtinOptions.beta)
    if beta != 1:
        value = to.node("Mul", [value, to.constant(np.asarray(beta, np.float32), "beta")])
    to.put(op.outputs[0], to.node("Softmax", [value], axis=-1))


@_takes("QUANTIZE", "DEQUANTIZE")
def _quantize(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    value = to.real(op.inputs[0], layout)
    if value == to.stored(op.inputs[0], layout) and to.source.kind(op) == "DEQUANTIZE":
        value = to.node("Cast", [value], to=TensorProto.FLOAT)  # float16 weights
    to.put(op.outputs[0], value, layout)


@_takes("FAKE_QUANT")
def _fake_quant(to: Import, op: Any) -> None:
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


@_takes("CAST")
def _cast(to: Import, op: Any) -> None:
    from onnx import helper

    dtype = to.source.numpy_type(op.outputs[0])
    if dtype is None:
        raise GraphError("a CAST goes to a type that is not imported; convert the model without it")
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    layout = to.layout(op.inputs)
    value = to.node("Cast", [to.stored(op.inputs[0], layout)], to=kind)
    to.put_stored(op.outputs[0], value, layout)


# ---- shapes


@_takes("CONCATENATION")
def _concatenation(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    axis = op.builtinOptions.axis % to.rank(op.outputs[0])
    if layout == FIRST:
        axis = (0, 2, 3, 1)[axis]
    value = to.node("Concat", [to.real(t, layout) for t in op.inputs], axis=axis)
    value = to.activate(value, op.builtinOptions.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, layout)


@_takes("RESHAPE")
def _reshape(to: Import, op: Any) -> None:
    if len(op.inputs) > 1 and not to.source.is_constant(op.inputs[1]):
        wanted = to.node("Cast", [to.stored(op.inputs[1], LAST)], to=TensorProto.INT64)
    else:
        given = to.values(op.inputs[1]) if len(op.inputs) > 1 else op.builtinOptions.newShape
        shape = np.asarray(given, np.int64)
        if to.shape(op.inputs[0])[:1] == (-1,) and -1 not in shape and len(shape):
            shape = np.concatenate([[-1], shape[1:]])  # the batch is open, and comes first
        wanted = to.constant(shape.astype(np.int64), "shape")
    value = to.node("Reshape", [to.stored(op.inputs[0], LAST), wanted])
    to.put_stored(op.outputs[0], value)


@_takes("SQUEEZE", "EXPAND_DIMS")
def _reshape_to_output(to: Import, op: Any) -> None:
    kind = to.source.kind(op)
    if kind == "SQUEEZE":
        found = op.builtinOptions.squeezeDims
        axes = [] if found is None else [int(axis) for axis in np.atleast_1d(found)]
        rest = [to.constant(np.asarray(axes, np.int64), "axes")] if axes else []
    else:
        axes = [int(axis) for axis in np.atleast_1d(to.values(op.inputs[1]))]
        rest = [to.constant(np.asarray(axes, np.int64), "axes")]
    name = "Squeeze" if kind == "SQUEEZE" else "Unsqueeze"
    to.put_stored(op.outputs[0], to.node(name, [to.stored(op.inputs[0], LAST), *rest]))


@_takes("TRANSPOSE")
def _transpose(to: Import, op: Any) -> None:
    perm = [int(axis) for axis in to.values(op.inputs[1])]
    value = to.node("Transpose", [to.stored(op.inputs[0], LAST)], perm=perm)
    to.put_stored(op.outputs[0], value)


@_takes("SHAPE")
def _shape(to: Import, op: Any) -> None:
    value = to.node("Shape", [to.stored(op.inputs[0], LAST)])
    kind = TensorProto.INT32 if to.source.numpy_type(op.outputs[0]) is np.int32 else None
    if kind is not None:
        value = to.node("Cast", [value], to=kind)
    to.put_stored(op.outputs[0], value)


@_takes("PACK")
def _pack(to: Import, op: Any) -> None:
    axis = op.builtinOptions.axis
    axes = to.constant(np.asarray([axis], np.int64), "axes")
    parts = [to.node("Unsqueeze", [to.stored(t, LAST), axes]) for t in op.inputs]
    to.put_stored(op.outputs[0], to.node("Concat", parts, axis=axis))


@_takes("GATHER")
def _gather(to: Import, op: Any) -> None:
    if getattr(op.builtinOptions, "batchDims", 0):
        raise GraphError("a GATHER with batch dimensions is not imported; convert without it")
    inputs = [to.stored(t, LAST) for t in op.inputs[:2]]
    to.put_stored(op.outputs[0], to.node("Gather", inputs, axis=op.builtinOptions.axis))


@_takes("SLICE")
def _slice(to: Import, op: Any) -> None:
    begin = to.values(op.inputs[1]).astype(np.int64)
    size = to.values(op.inputs[2]).astype(np.int64)
    end = np.where(size == -1, np.iinfo(np.int64).max, begin + size)
    _sliced(to, op, begin, end, np.arange(len(begin)), np.ones(len(begin), np.int64))


@_takes("STRIDED_SLICE")
def _strided_slice(to: Import, op: Any) -> None:
    options = op.builtinOptions
    if options.ellipsisMask or options.newAxisMask:
        raise GraphError("a STRIDED_SLICE with new axes is not imported; convert without it")
    begin, end, step = (to.values(t).astype(np.int64).copy() for t in op.inputs[1:4])
    far = np.iinfo(np.int64)
    for axis in range(len(begin)):
        if options.beginMask >> axis & 1:
            begin[axis] = 0 if step[axis] > 0 else far.max
        if options.endMask >> axis & 1:
            end[axis] = far.max if step[axis] > 0 else far.min
        if options.shrinkAxisMask >> axis & 1:
            end[axis], step[axis] = begin[axis] + 1 or far.max, 1
    gone = [axis for axis in range(len(begin)) if options.shrinkAxisMask >> axis & 1]
    _sliced(to, op, begin, end, np.arange(len(begin)), step, gone)


def _sliced(
    to: Import,
    op: Any,
    begin: NDArray[Any],
    end: NDArray[Any],
    axes: NDArray[Any],
    step: NDArray[Any],
    gone: list[int] | None = None,
) -> None:
    limits = [to.constant(v.astype(np.int64), "slice") for v in (begin, end, axes, step)]
    value = to.node("Slice", [to.stored(op.inputs[0], LAST), *limits])
    if gone:
        value = to.node("Squeeze", [value, to.constant(np.asarray(gone, np.int64), "axes")])
    to.put_stored(op.outputs[0], value)


@_takes("SPLIT")
def _split(to: Import, op: Any) -> None:
    axis = int(to.values(op.inputs[0]))
    parts = to.node("Split", [to.stored(op.inputs[1], LAST)], len(op.outputs), axis=axis)
    for tensor, part in zip(op.outputs, [parts] if len(op.outputs) == 1 else parts, strict=True):
        to.put_stored(tensor, part)


@_takes("ARG_MAX", "ARG_MIN")
def _arg(to: Import, op: Any) -> None:
    name = "ArgMax" if to.source.kind(op) == "ARG_MAX" else "ArgMin"
    axis = int(to.values(op.inputs[1]))
    value = to.node(name, [to.real(op.inputs[0])], axis=axis, keepdims=0)
    if to.source.numpy_type(op.outputs[0]) is np.int32:
        value = to.node("Cast", [value], to=TensorProto.INT32)
    to.put_stored(op.outputs[0], value)


@_takes("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def _resize(to: Import, op: Any) -> None:
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
