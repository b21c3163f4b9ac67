"""How each ONNX operation is said in TFLite: in integers where all that it touches is.

Source: TFLite's 8-bit quantization specification and its operators' versions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import DEQUANTIZE, QUANTIZE, tensor
from homebody.engines.tflite_out import LAST, PLAIN, TO_LAST, TO_PLAIN, Export, Handler, Scale
from homebody.errors import GraphError
from homebody.runtime import editing

FORMS: dict[str, Handler] = {}
"""By ONNX's name of the operation."""

_ACTIVATIONS = editing.schema.ActivationFunctionType
_VALID, _SAME = editing.schema.Padding.VALID, editing.schema.Padding.SAME
_TANH = Scale(np.array([1 / 128], np.float32), np.array([0], np.int64))
_UNIT = Scale(np.array([1 / 256], np.float32), np.array([-128], np.int64))
"""What kernels of functions that end at 1 demand of their results."""


def _says(*kinds: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        FORMS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


def _ints(node: ir.Node, name: str, default: list[int]) -> list[int]:
    found = node.attributes.get(name)
    return default if found is None else [int(n) for n in found.as_ints()]


def _int(node: ir.Node, name: str, default: int) -> int:
    found = node.attributes.get(name)
    return default if found is None else int(found.as_int())


def _float(node: ir.Node, name: str, default: float) -> float:
    found = node.attributes.get(name)
    return default if found is None else float(found.as_float())


def _text(node: ir.Node, name: str, default: str) -> str:
    found = node.attributes.get(name)
    return default if found is None else str(found.as_string())


# ---- convolutions, products and pools


@_says("Conv")
def _conv(to: Export, node: ir.Node) -> None:
    data, weights, *rest = node.inputs
    assert data is not None
    filters = to.constant(weights)
    if filters is None or filters.ndim != 4:
        raise GraphError(f"the weights of {node.name!r} are computed or not of two dimensions")
    groups, channels = _int(node, "group", 1), to.shape(data)[1]
    depthwise = groups == channels and groups > 1
    if groups > 1 and not depthwise:
        raise GraphError(f"{node.name!r} convolves in {groups} groups, which TFLite cannot here")
    strides, dilations = _ints(node, "strides", [1, 1]), _ints(node, "dilations", [1, 1])
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
        inputs.append(_bias(to, rest, filters.shape[0], scale.scale * each, at=0))
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


def _bias(
    to: Export, rest: list[ir.Value | None], count: int, scales: NDArray[Any], at: int
) -> int:
    """A bias in steps of the products' own scale."""
    real = to.constant(rest[0]) if rest else None
    if real is None:
        real = np.zeros(count)
    numbers = np.round(real.reshape(-1).astype(np.float64) / scales)
    limit = np.iinfo(np.int32)
    kept = np.clip(numbers, limit.min, limit.max).astype(np.int32)
    reading = Scale(scales.astype(np.float32), np.zeros(len(scales), np.int64), at)
    return to.add_constant(kept, "bias", reading)


def _padded(
    to: Export, node: ir.Node, data: ir.Value, kernel: Any, strides: list[int],
    dilations: list[int], size: tuple[int, ...], integer: bool,
) -> tuple[int, int]:  # fmt: skip
    """A convolution's or pool's input, padded where TFLite's own padding is another."""
    source = to.operand(data, LAST, integer)
    before = to.shape(data)[2:]
    pads = _pads(node, before, kernel, strides, dilations)
    if not any(pads):
        return source, _VALID
    same = []
    for axis in (0, 1):
        reach = dilations[axis] * (kernel[axis] - 1) + 1
        total = max(0, (size[axis] - 1) * strides[axis] + reach - before[axis])
        same.append((total // 2, total - total // 2))
    fits = all(-(-b // s) == n for b, s, n in zip(before, strides, size, strict=True))
    if fits and [same[0][0], same[1][0], same[0][1], same[1][1]] == pads:
        return source, _SAME
    amounts = np.array([[0, 0], [pads[0], pads[2]], [pads[1], pads[3]], [0, 0]], np.int32)
    shape = list(to.shape(data, LAST))
    grown = [n + int(a.sum()) for n, a in zip(shape, amounts, strict=True)]
    scale = to.read_scale(data) if integer else None
    index = to.out.add_tensor(
        f"{data.name}/padded", grown, "int8" if integer else "float32",
        scales=scale.scale if scale else None, zero_points=scale.zero if scale else None,
    )  # fmt: skip
    to.add("PAD", [source, to.add_constant(amounts, "pads")], [index], 2, "PadOptions", {})
    return index, _VALID


def _pads(
    node: ir.Node, before: Any, kernel: Any, strides: list[int], dilations: list[int]
) -> list[int]:
    how = _text(node, "auto_pad", "NOTSET")
    if how == "NOTSET":
        return _ints(node, "pads", [0, 0, 0, 0])
    if how == "VALID":
        return [0, 0, 0, 0]
    totals = [
        max(0, (-(-b // s) - 1) * s + d * (k - 1) + 1 - b)
        for b, k, s, d in zip(before, kernel, strides, dilations, strict=True)
    ]
    less, more = [t // 2 for t in totals], [t - t // 2 for t in totals]
    return [*less, *more] if how == "SAME_UPPER" else [*more, *less]


@_says("Gemm")
def _gemm(to: Export, node: ir.Node) -> None:
    data, weights, *rest = node.inputs
    assert data is not None
    filters = to.constant(weights)
    plain = _float(node, "alpha", 1) == 1 and _float(node, "beta", 1) == 1
    if filters is None or not plain or _int(node, "transA", 0):
        raise GraphError(f"the product {node.name!r} scales, turns or computes what TFLite cannot")
    turned = bool(_int(node, "transB", 0))
    _dense(to, node, data, weights, filters, turned, rest)


@_says("MatMul")
def _matmul(to: Export, node: ir.Node) -> None:
    data, weights = node.inputs
    assert data is not None
    assert weights is not None
    filters = to.constant(weights)
    if filters is not None and filters.ndim == 2:
        _dense(to, node, data, weights, filters, False, [])
        return
    integer = to.integer(node) and filters is None
    inputs = [to.operand(value, PLAIN, integer) for value in node.inputs]
    to.put("BATCH_MATMUL", inputs, node.outputs[0], PLAIN, integer,
           options="BatchMatMulOptions", version=4 if integer else 1)  # fmt: skip


def _dense(
    to: Export, node: ir.Node, data: ir.Value, weights: ir.Value | None,
    filters: NDArray[Any], turned: bool, rest: list[ir.Value | None],
) -> None:  # fmt: skip
    kept, scale = to.stored(weights), to.read_scale(data)
    wide = filters.shape[0] if turned else filters.shape[1]
    whole = kept is not None and kept[0].dtype == np.int8 and not kept[1].zero.any()
    if to.integer(node) and whole and kept is not None and scale is not None:
        numbers = kept[0] if turned else kept[0].T
        each = np.broadcast_to(kept[1].scale, (wide,))
        read = Scale(np.array(each), np.zeros(wide, np.int64), 0)
        inputs = [
            to.operand(data, PLAIN, True),
            to.add_constant(numbers, f"{node.name}/weights", read),
        ]
        inputs.append(_bias(to, rest, wide, scale.scale * each, at=0))
        integer = True
    else:
        numbers = filters if turned else filters.T
        inputs = [to.operand(data, PLAIN, False), to.add_constant(numbers, f"{node.name}/weights")]
        bias = to.constant(rest[0]) if rest else None
        inputs.append(
            -1 if bias is None else to.add_constant(bias.reshape(-1), f"{node.name}/bias")
        )
        integer = False
    to.put("FULLY_CONNECTED", inputs, node.outputs[0], PLAIN, integer, version=5 if integer else 1,
           options="FullyConnectedOptions", keepNumDims=True)  # fmt: skip


@_says("MaxPool", "AveragePool")
def _pool(to: Export, node: ir.Node) -> None:
    data, made = node.inputs[0], node.outputs[0]
    assert data is not None
    kernel, strides = _ints(node, "kernel_shape", []), _ints(node, "strides", [1, 1])
    if _int(node, "ceil_mode", 0) or len(kernel) != 2 or _int(node, "count_include_pad", 0):
        raise GraphError(f"the pool {node.name!r} counts in a way that TFLite does not")
    integer = to.integer(node)
    size = to.shape(made)[2:]
    pads = _pads(node, to.shape(data)[2:], kernel, strides, [1, 1])
    source, padding = to.operand(data, LAST, integer), _VALID
    if any(pads):
        padding = _SAME
        for axis in (0, 1):
            before = to.shape(data)[2 + axis]
            total = max(0, (size[axis] - 1) * strides[axis] + kernel[axis] - before)
            if [pads[axis], pads[axis + 2]] != [total // 2, total - total // 2]:
                raise GraphError(f"the pool {node.name!r} is padded in a way that TFLite does not")
    kind = "MAX_POOL_2D" if node.op_type == "MaxPool" else "AVERAGE_POOL_2D"
    _like_input(to, node, kind, [source], LAST, integer, version=2 if integer else 1,
                options="Pool2DOptions", padding=padding, strideH=strides[0], strideW=strides[1],
                filterHeight=kernel[0], filterWidth=kernel[1])  # fmt: skip


def _like_input(
    to: Export, node: ir.Node, kind: str, inputs: list[int], layout: str, integer: bool,
    *, options: str = "", version: int = 1, **fields: Any,
) -> None:  # fmt: skip
    """An operation whose integers are read after it as before it; another scale is made after."""
    made = node.outputs[0]
    read, wanted = to.read_scale(node.inputs[0]), to.made_scale(made)
    if not integer or read is None or wanted is None or read.same(wanted):
        to.put(kind, inputs, made, layout, integer, options=options, version=version, **fields)
        return
    index = to.op(kind, inputs, made, layout, True, scale=read, options=options, version=version,
                  **fields)  # fmt: skip
    to.remember(made, layout, True, to.requantized(index, made, layout, wanted))


def _fixed(to: Export, node: ir.Node, kind: str, layout: str, needed: Scale, **more: Any) -> None:
    """An operation whose kernel demands a scale of its result."""
    integer, made = to.integer(node), node.outputs[0]
    source = to.operand(node.inputs[0], layout, integer)
    if not integer:
        to.put(kind, [source], made, layout, False, **more)
        return
    index = to.op(kind, [source], made, layout, True, scale=needed, **{**more, "version": 2})
    wanted = to.made_scale(made)
    if wanted is not None and not needed.same(wanted):
        index = to.requantized(index, made, layout, wanted)
    to.remember(made, layout, True, index)


@_says("GlobalAveragePool")
def _global_average(to: Export, node: ir.Node) -> None:
    integer = to.integer(node)
    axes = to.add_constant(np.array([1, 2], np.int32), "axes")
    source = to.operand(node.inputs[0], LAST, integer)
    to.put("MEAN", [source, axes], node.outputs[0], LAST, integer, version=2 if integer else 1,
           options="ReducerOptions", keepDims=True)  # fmt: skip


@_says("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin")
def _reduce(to: Export, node: ir.Node) -> None:
    given = to.constant(node.inputs[1]) if len(node.inputs) > 1 else None
    rank = len(to.shape(node.inputs[0]))
    axes = _ints(node, "axes", list(range(rank))) if given is None else [int(a) for a in given]
    kind = {"ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX",
            "ReduceMin": "REDUCE_MIN"}[node.op_type]  # fmt: skip
    integer = to.integer(node) and kind in ("MEAN", "SUM")
    where = to.add_constant(np.array([a % rank for a in axes], np.int32), "axes")
    to.put(kind, [to.operand(node.inputs[0], PLAIN, integer), where], node.outputs[0], PLAIN,
           integer, version=2 if integer else 1, options="ReducerOptions",
           keepDims=bool(_int(node, "keepdims", 1)))  # fmt: skip


# ---- element by element

_BINARY = {"Add": ("ADD", "AddOptions"), "Sub": ("SUB", "SubOptions"), "Mul": ("MUL", "MulOptions"),
           "Div": ("DIV", "DivOptions"), "Pow": ("POW", "PowOptions"),
           "Max": ("MAXIMUM", "MaximumMinimumOptions"),
           "Min": ("MINIMUM", "MaximumMinimumOptions")}  # fmt: skip


@_says(*_BINARY)
def _binary(to: Export, node: ir.Node) -> None:
    if len(node.inputs) != 2:
        raise GraphError(f"{node.op_type} {node.name!r} has {len(node.inputs)} operands, not two")
    kind, options = _BINARY[node.op_type]
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


_UNARY = {"Exp": "EXP", "Log": "LOG", "Sqrt": "SQRT", "Abs": "ABS", "Neg": "NEG", "Floor": "FLOOR",
          "Ceil": "CEIL", "Sin": "SIN", "Cos": "COS", "Elu": "ELU", "HardSwish": "HARD_SWISH",
          "Round": "ROUND", "Sign": "SIGN"}  # fmt: skip


@_says(*_UNARY)
def _unary(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    options = {"ABS": "AbsOptions", "EXP": "ExpOptions", "NEG": "NegOptions", "COS": "CosOptions",
               "SIGN": "SignOptions", "HARD_SWISH": "HardSwishOptions"}  # fmt: skip
    kind = _UNARY[node.op_type]
    to.put(kind, [to.operand(node.inputs[0], layout, False)], node.outputs[0], layout, False,
           options=options.get(kind, ""))  # fmt: skip


@_says("Relu", "Clip", "LeakyRelu")
def _relu(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    kind, options, fields = "RELU", "", {}
    if node.op_type == "LeakyRelu":
        kind, options = "LEAKY_RELU", "LeakyReluOptions"
        fields = {"alpha": _float(node, "alpha", 0.01)}
    elif node.op_type == "Clip":
        limits = [to.constant(value) for value in node.inputs[1:3]]
        ends = tuple(None if limit is None else float(limit) for limit in [*limits, None][:2])
        known = {(0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, None): "RELU"}
        if ends not in known:
            raise GraphError(f"{node.name!r} clips to {ends}, for which TFLite has no operation")
        kind = known[ends]
    integer = to.integer(node) and kind != "RELU_N1_TO_1"
    source = to.operand(node.inputs[0], layout, integer)
    to.put(kind, [source], node.outputs[0], layout, integer, version=2 if integer else 1,
           options=options, **fields)  # fmt: skip


@_says("Sigmoid")
def _sigmoid(to: Export, node: ir.Node) -> None:
    _fixed(to, node, "LOGISTIC", to.layout(node.inputs), _UNIT)


@_says("Tanh")
def _tanh(to: Export, node: ir.Node) -> None:
    _fixed(to, node, "TANH", to.layout(node.inputs), _TANH)


@_says("Softmax")
def _softmax(to: Export, node: ir.Node) -> None:
    if _int(node, "axis", -1) % len(to.shape(node.inputs[0])) != len(to.shape(node.inputs[0])) - 1:
        raise GraphError(f"{node.name!r} is a softmax over an axis that is not the last")
    _fixed(to, node, "SOFTMAX", PLAIN, _UNIT, options="SoftmaxOptions", beta=1.0)


@_says("Reciprocal")
def _reciprocal(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs)
    one = to.add_constant(np.ones((), np.float32), "one")
    to.put("DIV", [one, to.operand(node.inputs[0], layout, False)], node.outputs[0], layout, False,
           options="DivOptions")  # fmt: skip


@_says(QUANTIZE)
def _quantize(to: Export, node: ir.Node) -> None:
    source, made = node.inputs[0], node.outputs[0]
    assert source is not None
    if to.has_integers(made):
        return  # what made the value stored it so
    scale = to.read_scale(made)
    if scale is None:
        raise GraphError(f"{node.name!r} quantizes by computed scales, or by more than one")
    layout = to.layout([source])
    index = to.op("QUANTIZE", [to.operand(source, layout, False)], made, layout, True, scale=scale)
    to.remember(made, layout, True, index)


@_says(DEQUANTIZE)
def _dequantize(to: Export, node: ir.Node) -> None:
    if to.constant(node.outputs[0]) is None:
        raise GraphError(f"{node.name!r} dequantizes what is not int8")


@_says("Identity", "Dropout")
def _identity(to: Export, node: ir.Node) -> None:
    _reshape(to, node)


@_says("Cast")
def _cast(to: Export, node: ir.Node) -> None:
    source = to.operand(node.inputs[0], PLAIN, False)
    to.put("CAST", [source], node.outputs[0], PLAIN, False, options="CastOptions")


# ---- shapes


@_says("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def _reshape(to: Export, node: ir.Node) -> None:
    integer, made = _moves_integers(to, node), node.outputs[0]
    shape = to.add_constant(np.array(to.shape(made), np.int32), "shape")
    data = node.inputs[0]
    # Pictures of one pixel are the same numbers in either order.
    pixel = len(to.shape(data)) == 4 and to.shape(data)[2:] == (1, 1) and to.layout([data]) == LAST
    source = to.operand(data, LAST if pixel else PLAIN, integer)
    _like_input(to, node, "RESHAPE", [source, shape], PLAIN, integer)


def _moves_integers(to: Export, node: ir.Node) -> bool:
    return bool(to.read_scale(node.inputs[0]) and to.made_scale(node.outputs[0]))


@_says("Transpose")
def _transpose(to: Export, node: ir.Node) -> None:
    source, made = node.inputs[0], node.outputs[0]
    rank = len(to.shape(source))
    perm = tuple(_ints(node, "perm", list(reversed(range(rank)))))
    integer = _moves_integers(to, node)
    read, wanted = to.read_scale(source), to.made_scale(made)
    if not integer or (read and read.same(wanted)):
        if perm == TO_PLAIN:
            to.remember(made, LAST, integer, to.operand(source, PLAIN, integer))
            return
        if perm == TO_LAST:
            to.remember(made, PLAIN, integer, to.operand(source, LAST, integer))
            return
    order = to.add_constant(np.array(perm, np.int32), "perm")
    _like_input(to, node, "TRANSPOSE", [to.operand(source, PLAIN, integer), order], PLAIN, integer,
                options="TransposeOptions", version=2 if integer else 1)  # fmt: skip


@_says("Concat")
def _concat(to: Export, node: ir.Node) -> None:
    layout, made = to.layout(node.inputs), node.outputs[0]
    axis = _int(node, "axis", 0) % len(to.shape(made))
    if layout == LAST:
        axis = TO_LAST.index(axis)
    computed = all(to.constant(value) is None for value in node.inputs)
    integer, wanted = to.integer(node) and computed, to.made_scale(made)
    parts = []
    for value in node.inputs:
        assert value is not None
        part, read = to.operand(value, layout, integer), to.read_scale(value)
        if integer and wanted is not None and not wanted.same(read):
            part = to.requantized(part, value, layout, wanted)
        parts.append(part)
    to.put("CONCATENATION", parts, made, layout, integer, options="ConcatenationOptions", axis=axis,
           version=2 if integer else 1)  # fmt: skip


@_says("Pad")
def _pad(to: Export, node: ir.Node) -> None:
    amounts = to.constant(node.inputs[1])
    fill = to.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    plain = _text(node, "mode", "constant") == "constant" and len(node.inputs) < 4
    if amounts is None or not plain:
        raise GraphError(f"{node.name!r} pads in a way that TFLite's PAD does not")
    layout = to.layout(node.inputs[:1])
    pairs = amounts.reshape(2, -1).T.astype(np.int32)
    if layout == LAST:
        pairs = pairs[list(TO_LAST)]
    integer, scale = _moves_integers(to, node), to.read_scale(node.inputs[0])
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
    _like_input(to, node, kind, inputs, layout, integer, options=options,
                version=2 if integer else 1)  # fmt: skip


@_says("Gather")
def _gather(to: Export, node: ir.Node) -> None:
    integer = _moves_integers(to, node)
    inputs = [to.operand(node.inputs[0], PLAIN, integer), to.operand(node.inputs[1], PLAIN, False)]
    _like_input(to, node, "GATHER", inputs, PLAIN, integer, options="GatherOptions",
                axis=_int(node, "axis", 0), version=2 if integer else 1)  # fmt: skip


@_says("Slice")
def _slice(to: Export, node: ir.Node) -> None:
    shape = to.shape(node.inputs[0])
    given = [to.constant(value) for value in node.inputs[1:]]
    if len(given) < 2 or any(numbers is None for numbers in given):
        raise GraphError(f"{node.name!r} slices at computed places")
    first, last, *more = [[int(n) for n in np.asarray(numbers)] for numbers in given]
    axes = more[0] if more else list(range(len(first)))
    steps = more[1] if len(more) > 1 else [1] * len(first)
    begin, end, step, open_end = [0] * len(shape), list(shape), [1] * len(shape), 0
    for axis, low, high, stride in zip(axes, first, last, steps, strict=True):
        begin[axis], end[axis], step[axis] = slice(low, high, stride).indices(shape[axis])
        if end[axis] < 0:  # backwards to the beginning, which no index says
            open_end |= 1 << axis % len(shape)
    integer = _moves_integers(to, node)
    ends = [to.add_constant(np.array(v, np.int32), "slice") for v in (begin, end, step)]
    inputs = [to.operand(node.inputs[0], PLAIN, integer), *ends]
    _like_input(to, node, "STRIDED_SLICE", inputs, PLAIN, integer, options="StridedSliceOptions",
                endMask=open_end, version=2 if integer else 1)  # fmt: skip


@_says("Split")
def _split(to: Export, node: ir.Node) -> None:
    source = node.inputs[0]
    axis = _int(node, "axis", 0) % len(to.shape(source))
    integer = bool(to.read_scale(source) and all(to.made_scale(v) for v in node.outputs))
    sizes = [to.shape(value)[axis] for value in node.outputs]
    kind = "int8" if integer else tensor(node.outputs[0]).dtype.name
    parts = []
    for value in node.outputs:
        scale = to.made_scale(value) if integer else None
        if integer and scale is not None and not scale.same(to.read_scale(source)):
            raise GraphError(f"{node.name!r} splits integers and counts its parts otherwise")
        parts.append(
            to.out.add_tensor(
                str(value.name),
                to.shape(value),
                kind,
                scales=scale.scale if scale else None,
                zero_points=scale.zero if scale else None,
            )
        )
        to.remember(value, PLAIN, integer, parts[-1])
    inputs = [
        to.operand(source, PLAIN, integer),
        to.add_constant(np.array(sizes, np.int32), "sizes"),
        to.add_constant(np.array(axis, np.int32), "axis"),
    ]
    fields = {"numSplits": len(parts)}
    to.add("SPLIT_V", inputs, parts, 2 if integer else 1, "SplitVOptions", fields)


@_says("PRelu")
def _prelu(to: Export, node: ir.Node) -> None:
    layout, slope = to.layout(node.inputs), to.constant(node.inputs[1])
    if slope is None:
        raise GraphError(f"the slopes of {node.name!r} are computed")
    if layout == LAST:
        slope = slope.reshape((1,) * (4 - slope.ndim) + slope.shape).transpose(TO_LAST)
    wide = len(to.shape(node.inputs[0])) - 1
    slope = slope.reshape((1,) * (wide - slope.ndim) + slope.shape)
    if slope.ndim > wide:
        if slope.shape[0] != 1:
            raise GraphError(f"{node.name!r} has other slopes for each row of its batch")
        slope = slope[0]
    inputs = [to.operand(node.inputs[0], layout, False), to.add_constant(slope, "slopes")]
    to.put("PRELU", inputs, node.outputs[0], layout, False)


@_says("ArgMax", "ArgMin")
def _arg(to: Export, node: ir.Node) -> None:
    rank = len(to.shape(node.inputs[0]))
    if _int(node, "keepdims", 1) or _int(node, "select_last_index", 0):
        raise GraphError(f"{node.name!r} keeps its dimension or wants the last of equals")
    kind, options = {
        "ArgMax": ("ARG_MAX", "ArgMaxOptions"),
        "ArgMin": ("ARG_MIN", "ArgMinOptions"),
    }[node.op_type]
    axis = to.add_constant(np.array(_int(node, "axis", 0) % rank, np.int32), "axis")
    to.put(kind, [to.operand(node.inputs[0], PLAIN, False), axis], node.outputs[0], PLAIN, False,
           options=options, outputType=editing.schema.TensorType.INT64)  # fmt: skip


@_says("Resize")
def _resize(to: Export, node: ir.Node) -> None:
    before, after = to.shape(node.inputs[0]), to.shape(node.outputs[0])
    mode, where = (
        _text(node, "mode", "nearest"),
        _text(node, "coordinate_transformation_mode", "half_pixel"),
    )
    rounding = {"asymmetric": "floor", "half_pixel": "round_prefer_ceil",
                "align_corners": "round_prefer_ceil"}  # fmt: skip
    known = where in rounding and (
        mode == "linear"
        or (
            mode == "nearest"
            and _text(node, "nearest_mode", "round_prefer_floor") == rounding[where]
        )
    )
    scales = to.constant(node.inputs[2]) if len(node.inputs) > 2 else None
    if scales is not None and scales.size:
        known = known and bool(np.array_equal(np.array(before) * scales, after))
    plain = len(before) == 4 and before[:2] == after[:2] and not _int(node, "antialias", 0)
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
    _like_input(to, node, kind, [to.operand(node.inputs[0], LAST, integer), size], LAST, integer,
                options=options, version=version, alignCorners=where == "align_corners",
                halfPixelCenters=where == "half_pixel")  # fmt: skip
