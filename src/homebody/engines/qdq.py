"""Int8 in the intermediate form: which nodes a quantized operation is made of.

QDQ writes a quantized operation as DequantizeLinear, the operation in float, QuantizeLinear. An
engine fuses the three; a border between them would send float where a byte would do and compute in
float what was to be int8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph
from homebody.engines.layout import turn_first
from homebody.engines.values import constant, initial, maker

_CARRIERS = {
    "Concat", "Flatten", "Gather", "Identity", "MaxPool", "Reshape", "Slice", "Split", "Squeeze",
    "Transpose", "Unsqueeze", "DepthToSpace", "SpaceToDepth", "Expand", "Tile",
}  # fmt: skip
"""Operations that hand integers on as they are, in whatever integer type."""


def prepare(model: ir.Model) -> ir.Model:
    """Everything that makes engines fuse quantized operations; changes `model`.

    The answers stay: no value that is computed changes, only how its integer is counted.
    """
    turn_first(model)
    store_weights(model)
    drop_bounds(model)
    to_unsigned(model)
    return split_shared(model)


def store_weights(model: ir.Model) -> int:
    """Store as integers what training left in float: weights that a graph quantizes at each call.

    Quantization-aware training exports float weights with a QuantizeLinear after them, and biases
    in float. Weights become int8 as that node would make them; the bias of a convolution or product
    of integers becomes int32 in steps of their scales' product, to half of which it is kept.

    Returns:
        How many weights and biases were stored.
    """
    graph, stored = model.graph, 0
    for node in list(graph):
        if node.op_type != QUANTIZE or node.outputs[0].is_graph_output():
            continue
        values, reading = constant(node.inputs[0]), _reading(node)
        if values is None or reading is None or len(np.shape(reading[0])) > 1:
            continue
        scale, zeros = (_along(part, values.ndim, node) for part in reading)
        info = np.iinfo(zeros.dtype)
        steps = np.rint(values.astype(np.float32) / scale) + zeros
        kept = np.clip(steps, info.min, info.max).astype(zeros.dtype)
        made = initial(graph, f"{node.outputs[0].name}_stored", kept)
        node.outputs[0].replace_all_uses_with(made)
        graph.remove(node, safe=True)
        stored += 1
    return stored + sum(_store_bias(graph, node) for node in list(graph))


def _store_bias(graph: ir.Graph, node: ir.Node) -> bool:
    if node.op_type not in ("Conv", "Gemm") or len(node.inputs) < 3:
        return False
    real = constant(node.inputs[2])
    data, weights = (maker(value, DEQUANTIZE) for value in node.inputs[:2])
    if data is None or weights is None or real is None or real.ndim != 1:
        return False
    read, each = _reading(data), _reading(weights)
    numbers = constant(weights.inputs[0])
    factors = [node.attributes[n].as_float() for n in ("alpha", "beta") if n in node.attributes]
    if read is None or each is None or numbers is None or numbers.dtype not in (np.int8, np.uint8):
        return False
    if read[0].ndim or each[0].ndim > 1 or read[1].dtype.itemsize > 1 or set(factors) - {1.0}:
        return False
    scale = np.broadcast_to(np.float32(read[0]) * each[0].astype(np.float32), real.shape)
    steps = np.rint(real.astype(np.float64) / scale)
    if (np.abs(steps) > np.iinfo(np.int32).max).any():
        return False
    name = f"{node.name}_bias"
    bias = ir.Node(
        "",
        DEQUANTIZE,
        [
            initial(graph, f"{name}_stored", steps.astype(np.int32)),
            initial(graph, f"{name}_scale", np.array(scale)),
        ],
        [ir.AttrInt64("axis", 0)],
        name=name,
    )
    made, source = bias.outputs[0], node.inputs[2]
    assert source is not None
    made.name, made.shape, made.type = name, source.shape, source.type
    graph.insert_before(node, bias)
    node.replace_input_with(2, made)
    return True


def _reading(node: ir.Node) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """A Q or DQ node's constant scale and zero point of bytes, not in blocks."""
    scale, zeros = constant(node.inputs[1]), _zero_point(node)
    if zeros is None and scale is not None and len(node.inputs) < 3:
        zeros = np.zeros(scale.shape, np.uint8)
    blocks = node.attributes.get("block_size")
    if scale is None or zeros is None or zeros.dtype.kind not in "iu" or scale.dtype != np.float32:
        return None
    return None if blocks is not None and blocks.as_int() else (scale, zeros)


def _along(part: NDArray[Any], rank: int, node: ir.Node) -> NDArray[Any]:
    """A scale or zero point in the shape in which it meets the values."""
    if part.ndim == 0 or part.size == 1:
        return part.reshape(())
    axis = node.attributes.get("axis")
    shape = [1] * rank
    shape[1 if axis is None else axis.as_int()] = -1
    return part.reshape(shape)


def split_shared(model: ir.Model) -> ir.Model:
    """Give every reader of a dequantized value a DequantizeLinear of its own; changes `model`.

    Without it two operations would share one, and neither could move without the other.
    """
    graph = model.graph
    for node in list(graph):
        if node.op_type != DEQUANTIZE or node.outputs[0].is_graph_output():
            continue
        for copy, (user, index) in enumerate(list(node.outputs[0].uses())[1:], 1):
            twin = ir.Node(
                node.domain,
                node.op_type,
                list(node.inputs),
                list(node.attributes.values()),
                name=f"{node.name}_{copy}",
                version=node.version,
            )
            value, made = node.outputs[0], twin.outputs[0]
            made.name, made.shape, made.type = f"{value.name}_{copy}", value.shape, value.type
            graph.insert_after(node, twin)
            user.replace_input_with(index, made)
    return model


def units(graph: Graph) -> list[int]:
    """For each node the number of the node whose unit it belongs to.

    A DequantizeLinear belongs to its one reader, a QuantizeLinear to what it reads from. In a graph
    that :func:`split_shared` went over, no path leaves such a unit and comes back.
    """
    owner = list(range(len(graph.nodes)))
    readers: dict[int, list[int]] = {}
    for reader, read in enumerate(graph.predecessors):
        for before in read:
            readers.setdefault(before, []).append(reader)
    for index in reversed(range(len(graph.nodes))):
        if graph.nodes[index].op_type == DEQUANTIZE and len(readers.get(index, ())) == 1:
            owner[index] = owner[readers[index][0]]
    for index, node in enumerate(graph.nodes):
        if node.op_type != QUANTIZE or not graph.predecessors[index]:
            continue
        before = graph.predecessors[index][0]
        if graph.nodes[before].op_type != DEQUANTIZE:
            owner[index] = owner[before]
    return owner


def drop_bounds(model: ir.Model) -> int:
    """Remove each Relu and Clip that the quantization after it makes again; returns how many.

    Fused convolutions end in QuantizeLinear; a Relu between the two keeps engines from fusing.
    """
    graph, dropped = model.graph, 0
    for node in list(graph):
        bounds = _bounds(node)
        readers = list(node.outputs[0].uses()) if bounds else []
        if bounds is None or not readers or node.outputs[0].is_graph_output():
            continue
        if all(user.op_type == QUANTIZE and _within(user, *bounds) for user, _ in readers):
            source = node.inputs[0]
            assert source is not None
            for user, index in readers:
                user.replace_input_with(index, source)
            graph.remove(node, safe=True)
            dropped += 1
    return dropped


def to_unsigned(model: ir.Model) -> int:
    """Count computed int8 values from 0 to 255 instead of -128 to 127; returns how many.

    Processors multiply unsigned activations by signed weights in one instruction; ONNX Runtime has
    no such path for signed ones. Values at the graph's border keep their type.
    """
    graph = model.graph
    done: set[int] = set()
    count = 0
    for node in list(graph):
        if node.op_type != QUANTIZE or id(node.outputs[0]) in done:
            continue
        values, ends = _carried(node.outputs[0])
        done |= {id(value) for value in values}
        movable = all(_is_int8(value) and not _at_border(value) for value in values)
        if not movable or not all(_zero_point(end) is not None for end in ends):
            continue
        for end in ends:
            zeros = _zero_point(end)
            assert zeros is not None
            moved = (zeros.astype(np.int16) + 128).astype(np.uint8)
            end.replace_input_with(2, initial(graph, f"{end.name}_zero_point", moved))
        for value in values:
            value.type = ir.TensorType(ir.DataType.UINT8)
        count += len(values)
    return count


def to_symmetric(model: ir.Model) -> int:
    """Count computed integers about zero, as TensorRT does; returns how many Q and DQ changed.

    The range that a pair covers stays covered, so a step grows where zero was not in its middle;
    and what the old range cut off, as a Relu does, a Relu or Clip cuts off now.
    """
    graph, changed = model.graph, 0
    for node in list(graph):
        if node.op_type not in (QUANTIZE, DEQUANTIZE):
            continue
        scale, zeros = constant(node.inputs[1]), _zero_point(node)
        source = node.inputs[0]
        if scale is None or zeros is None or zeros.dtype not in (np.int8, np.uint8):
            continue
        if source is None or source.const_value is not None:
            continue  # weights are symmetric as they are
        if zeros.dtype == np.int8 and not zeros.any():
            continue
        info, zero = np.iinfo(zeros.dtype), zeros.astype(np.float64)
        low, high = (info.min - zero) * scale, (info.max - zero) * scale
        reach = np.maximum(-low, high)
        if node.op_type == QUANTIZE and zeros.ndim == 0:
            _bound(graph, node, float(low), float(high))
        steps = (reach / 127).astype(np.float32)
        for place, values in ((1, steps), (2, np.zeros(zeros.shape, np.int8))):
            name = f"{node.name}_symmetric_{place}"
            node.replace_input_with(place, initial(graph, name, values))
        for value in _carried(node.outputs[0] if node.op_type == QUANTIZE else source)[0]:
            value.type = ir.TensorType(ir.DataType.INT8)
        changed += 1
    return changed


def _bound(graph: ir.Graph, quantize: ir.Node, low: float, high: float) -> None:
    """Cut off at `low` and `high` what a QuantizeLinear reads."""
    source = quantize.inputs[0]
    assert source is not None
    limits: list[ir.Value] = []
    if low != 0:
        for place, limit in (("low", low), ("high", high)):
            name = f"{quantize.name}_{place}"
            limits.append(initial(graph, name, np.array(limit, np.float32)))
    kind = "Clip" if limits else "Relu"
    node = ir.Node("", kind, [source, *limits], name=f"{quantize.name}_bounds")
    made = node.outputs[0]
    made.name, made.shape, made.type = f"{quantize.name}_bounded", source.shape, source.type
    graph.insert_before(quantize, node)
    quantize.replace_input_with(0, made)


def _carried(value: ir.Value) -> tuple[list[ir.Value], list[ir.Node]]:
    """The values that hold one value's integers, and the Q and DQ nodes at their ends."""
    values: dict[int, ir.Value] = {}
    ends: dict[int, ir.Node] = {}
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in values:
            continue
        values[id(one)] = one
        for node in _touching(one):
            if node.op_type in (QUANTIZE, DEQUANTIZE):
                ends[id(node)] = node
            elif node.op_type in _CARRIERS:
                data = [v for v in node.inputs if v is not None and v.dtype == one.dtype]
                waiting += [*data, *node.outputs]
            else:
                values[id(node)] = ir.Value(name="computed")  # no carrier: nothing may move
    return list(values.values()), list(ends.values())


def _touching(value: ir.Value) -> Iterator[ir.Node]:
    producer = value.producer()
    if producer is not None:
        yield producer
    for user, _ in value.uses():
        yield user


def _is_int8(value: ir.Value) -> bool:
    return value.dtype == ir.DataType.INT8 and not value.is_initializer()


def _at_border(value: ir.Value) -> bool:
    return value.is_graph_input() or value.is_graph_output() or value.producer() is None


def _zero_point(node: ir.Node) -> NDArray[Any] | None:
    return constant(node.inputs[2]) if len(node.inputs) > 2 else None


def _bounds(node: ir.Node) -> tuple[float, float] | None:
    """Between what a Relu or Clip keeps its values; None for anything else."""
    if node.op_type == "Relu":
        return 0.0, float(np.inf)
    if node.op_type != "Clip":
        return None
    limits = [-np.inf, np.inf]
    for place, value in enumerate(node.inputs[1:3]):
        if value is not None:
            found = constant(value)
            if found is None:
                return None
            limits[place] = float(found)
    return limits[0], limits[1]


def _within(quantize: ir.Node, low: float, high: float) -> bool:
    """Whether a QuantizeLinear's own range lies within bounds, to half a step."""
    scale, zeros = constant(quantize.inputs[1]), _zero_point(quantize)
    if scale is None or zeros is None or zeros.dtype.kind not in "iu":
        return False
    info, zero = np.iinfo(zeros.dtype), zeros.astype(np.float64)
    least, most = (info.min - zero) * scale, (info.max - zero) * scale
    return bool((least >= low - scale / 2).all() and (most <= high + scale / 2).all())
