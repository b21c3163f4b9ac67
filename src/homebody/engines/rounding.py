"""The same integers from every engine, to the last step.

A quantized operation is a sum of products times a scale, rounded. Engines agree on that and not on
the order of the float operations in it, so where a result falls next to the middle between two
integers they differ by one, a few times in a million. In a deep network one such step grows into
40 dB of difference at the end, where the integers themselves carry some 30. What is here takes the
middle out of their way, or makes an engine compute in the order of the others, which is LiteRT's
and ONNX Runtime's: the sum as an integer, to float, times one scale, rounded half to even.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import DEQUANTIZE, QUANTIZE
from homebody.engines.values import constant, initial, maker, only_reader

_REACH = 48
"""How many of float32's steps a scale may move: 6e-6 of it at most."""


class Reading(NamedTuple):
    """How int8 numbers are read: ``real = scale * (integer - zero)``, zero of -128 to 127."""

    scale: np.float32
    zero: int


def sum_of(first: Reading, second: Reading, result: Reading) -> NDArray[np.int16]:
    """What LiteRT makes of every two numbers that it adds.

    Source: XNNPACK's ``qs8-vadd`` kernels: both scales over the result's in fixed point, the larger
    of 21 bits, and the sum rounded half up.

    Returns:
        int16 [256, 256], -128 to 127; the first number's row, the second's column.

    Example:
        >>> half = Reading(np.float32(0.5), 0)
        >>> int(sum_of(half, half, Reading(np.float32(1), 0))[128 + 3, 128 + 4])   # 1.5 + 2
        4
    """
    ratios = [np.float32(r.scale) / np.float32(result.scale) for r in (first, second)]
    shift = 21 - math.frexp(float(max(ratios)))[1]
    one, two = (round(math.ldexp(float(ratio), shift)) for ratio in ratios)
    numbers = np.arange(-128, 128, dtype=np.int64)
    sums = (numbers[:, None] - first.zero) * one + (numbers - second.zero) * two
    rounded = (sums + (1 << (shift - 1))) >> shift
    made: NDArray[np.int16] = np.clip(rounded + result.zero, -128, 127).astype(np.int16)
    return made


def settled(first: Reading, second: Reading, result: Reading) -> tuple[np.float32, np.float32]:
    """Two scales by which any engine adds as LiteRT does.

    Of the float32 numbers next to the scales those are taken with which the real sum of every two
    numbers is the farthest from the middle between two integers, on the side to which LiteRT
    rounds. Then it does not matter in which order an engine computes.

    Example:
        >>> a, b = (Reading(np.float32(s), 0) for s in (0.268, 0.392))
        >>> one, two = settled(a, b, Reading(np.float32(0.391), 0))
        >>> abs(float(one) / 0.268 - 1) < 1e-5, abs(float(two) / 0.392 - 1) < 1e-5
        (True, True)
    """
    numbers = np.arange(-128.0, 128.0)
    x, y = np.meshgrid(numbers - first.zero, numbers - second.zero, indexing="ij")
    wanted = sum_of(first, second, result)
    low = np.where(wanted <= -128, -np.inf, wanted - result.zero - 0.5)
    high = np.where(wanted >= 127, np.inf, wanted - result.zero + 0.5)
    step = float(result.scale)
    real = (x * float(first.scale) + y * float(second.scale)) / step
    near = np.minimum(real - low, high - real) < 5e-3  # what a step of a scale can carry across
    if not near.any():
        return first.scale, second.scale
    x, y, low, high = x[near], y[near], low[near], high[near]
    ones, twos = (_neighbours(reading.scale) for reading in (first, second))
    best, chosen = -np.inf, (first.scale, second.scale)
    others = np.outer(twos.astype(np.float64) / step, y)
    for one in ones:
        sums = x * (float(one) / step) + others
        margins = np.minimum(sums - low, high - sums).min(axis=1)
        place = int(margins.argmax())
        if margins[place] > best:
            best, chosen = float(margins[place]), (one, twos[place])
    return chosen


def _neighbours(scale: np.float32) -> NDArray[np.float32]:
    steps = np.arange(-_REACH, _REACH + 1)
    found: NDArray[np.float32] = (np.float64(scale) + steps * np.spacing(scale)).astype(np.float32)
    return found


# ---- quantizing by a product


def inverse(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """What LiteRT multiplies by where it quantizes; ONNX divides by the scale instead."""
    found: NDArray[np.float32] = np.float32(1) / np.asarray(scale, np.float32)
    return found


def scale_of_inverse(factor: np.float32) -> np.float32:
    """A scale whose :func:`inverse` a factor is."""
    about = np.float32(1) / factor
    near = _neighbours(about)
    exact = near[inverse(near) == factor]
    return np.float32(exact[np.abs(exact - about).argmin()] if len(exact) else about)


def scale_of_product(quantize: ir.Node, factor: np.float32) -> np.float32:
    """The scale that a product with its inverse stands for: the readers' own, where it fits."""
    waiting = [user for user, _ in quantize.outputs[0].uses()]
    while waiting:
        node = waiting.pop()
        if node.op_type == DEQUANTIZE:
            scale = constant(node.inputs[1])
            if scale is not None and scale.ndim == 0 and inverse(scale) == factor:
                return np.float32(scale)
        elif node.op_type != QUANTIZE:
            waiting += [user for made in node.outputs for user, _ in made.uses()]
    return scale_of_inverse(factor)


def product_before(quantize: ir.Node) -> ir.Node | None:
    """The product with one number that a QuantizeLinear by 1 reads, if that is how it is said."""
    product = maker(quantize.inputs[0], "Mul")
    if quantize.op_type != QUANTIZE or product is None:
        return None
    scale, factor = constant(quantize.inputs[1]), constant(product.inputs[1])
    alone = len(product.outputs[0].uses()) == 1 and not product.outputs[0].is_graph_output()
    if not alone or scale is None or factor is None or factor.ndim or factor <= 0:
        return None
    return product if scale.ndim == 0 and scale == 1 else None


# ---- OpenVINO


def for_openvino(model: bytes, *, exact: bool) -> bytes:
    """Say a QDQ model in a way in which OpenVINO rounds as LiteRT and ONNX Runtime do.

    It adds a zero point before it rounds, which loses the last bits of a fraction; so inputs are
    rounded before. With `exact` so are convolutions and products, and their scales are taken apart:
    powers of two inside, where they lose nothing, and one factor at the end. OpenVINO joins such
    factors across a bias, unless the factor comes as a DequantizeLinear itself.

    Args:
        model: an ONNX model whose dequantized values have one reader each.
        exact: convolutions and products too, which costs OpenVINO about a fifth of its speed.

    Returns:
        The model, unchanged where there is nothing to say.
    """
    made: ir.Model = ir.from_proto(onnx.load_model_from_string(model))
    changed = 0
    for node in list(made.graph):
        if exact and node.op_type in ("Conv", "Gemm"):
            changed += _by_one_factor(made.graph, node)
        elif node.op_type == QUANTIZE and product_before(node):
            _insert(made.graph, node, "Round", [])
            changed += 1
    return bytes(ir.to_proto(made).SerializeToString(deterministic=True)) if changed else model


_WITHIN = 2.0**-7
"""What weights are scaled by inside: any power of two but 1, which would be removed."""


def _by_one_factor(graph: ir.Graph, node: ir.Node) -> bool:
    """Multiply an integer sum by one number for each channel, and round that."""
    end = node
    while (reader := only_reader(end.outputs[0])) is not None and reader.op_type == "Relu":
        end = reader
    sides = [_dequantized(value) for value in node.inputs]
    if reader is None or reader.op_type != QUANTIZE or any(side is None for side in sides):
        return False
    data, weights, *bias = (side for side in sides if side is not None)
    scales = [constant(n.inputs[1]) for n in (data, weights, reader)]
    numbers, shifts = constant(weights.inputs[0]), constant(weights.inputs[2])
    result = constant(reader.inputs[2])
    if any(s is None for s in scales) or numbers is None or shifts is None or result is None:
        return False
    read, each, made = (np.asarray(scale, np.float32) for scale in scales)
    plain = all(_number(node, name, 1.0) == 1.0 for name in ("alpha", "beta"))
    if read.ndim or made.ndim or shifts.any() or numbers.dtype != np.int8 or not plain:
        return False
    turned = node.op_type == "Conv" or _number(node, "transB", 0) == 1
    if each.ndim and _number(weights, "axis", 1) != (0 if turned else 1):
        return False
    count = numbers.shape[0 if turned else 1]
    factors = np.broadcast_to((read * each / made).astype(np.float64) / _WITHIN, (count,))
    for part in bias:
        stored = constant(part.inputs[0])
        if stored is None or stored.dtype != np.int32:
            return False
        real = (stored.astype(np.float64) * _WITHIN).astype(np.float32)
        node.replace_input_with(2, initial(graph, f"{node.name}/bias", real))
    data.replace_input_with(1, initial(graph, f"{node.name}/one", np.ones((), np.float32)))
    weights.replace_input_with(
        1, initial(graph, f"{node.name}/within", np.asarray(_WITHIN, np.float32))
    )
    weights.replace_input_with(2, initial(graph, f"{node.name}/zero", np.zeros((), np.int8)))
    weights.attributes.pop("axis", None)
    wide = (1, count, 1, 1) if node.op_type == "Conv" else (1, count)
    factor = ir.Node(
        "",
        DEQUANTIZE,
        [
            initial(graph, f"{node.name}/ones", np.ones(wide, np.int8)),
            initial(graph, f"{node.name}/factors", factors.astype(np.float32)),
            initial(graph, f"{node.name}/zeros", np.zeros(count, np.int8)),
        ],
        [ir.AttrInt64("axis", 1)],
        name=f"{node.name}/factor",
    )
    factor.outputs[0].name = factor.name
    graph.insert_before(reader, factor)
    _insert(graph, reader, "Mul", [factor.outputs[0]])
    _insert(graph, reader, "Round", [])
    reader.replace_input_with(1, initial(graph, f"{node.name}/step", np.ones((), np.float32)))
    return True


def _insert(graph: ir.Graph, before: ir.Node, kind: str, others: list[ir.Value]) -> None:
    """Put an operation of one result between a node and what it reads first."""
    source = before.inputs[0]
    assert source is not None
    node = ir.Node("", kind, [source, *others], name=f"{before.name}/{kind}")
    made = node.outputs[0]
    made.name, made.shape, made.type = node.name, source.shape, source.type
    graph.insert_before(before, node)
    before.replace_input_with(0, made)


def _dequantized(value: ir.Value | None) -> ir.Node | None:
    """The DequantizeLinear that makes a value, if nothing else reads it."""
    node = maker(value, DEQUANTIZE)
    return node if node is not None and only_reader(value) is not None else None


def _number(node: ir.Node, name: str, default: float) -> float:
    found = node.attributes.get(name)
    if found is None:
        return default
    return float(found.as_float() if found.type == ir.AttributeType.FLOAT else found.as_int())
