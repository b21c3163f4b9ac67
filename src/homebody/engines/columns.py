"""Pictures of few channels, convolved by steps of two: two columns taken as one.

A picture of three channels fills a vector, or a tile, badly. In rows of pixels every two neighbours
already lie together: taken as one pixel of twice the channels they are half as many taps to go
over, and nothing has to move. The kernel's columns are paired likewise, with zeros where a pair
lies half beside it, so the integers stay.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import DEQUANTIZE, QUANTIZE
from homebody.engines.values import constant, initial, is_number, maker, only_reader

FEW = 4
"""So many channels are few."""
_TO_PLANES = (0, 3, 1, 2)


def pair_columns(data: bytes) -> bytes | None:
    """Take every two columns of float pictures as one where the convolution after steps by two.

    Args:
        data: an ONNX model with QDQ; pictures are inputs of known sizes, their channels last.

    Returns:
        The model whose answers are the same, or None where there is no such picture.
    """
    model = ir.from_proto(onnx.load_model_from_string(data))
    turns = [node for node in model.graph if node.op_type == "Transpose"]
    if not sum(_pair(model.graph, turn) for turn in turns):
        return None
    return bytes(ir.to_proto(model).SerializeToString(deterministic=True))


def _pair(graph: ir.Graph, turn: ir.Node) -> bool:
    picture, axes = turn.inputs[0], turn.attributes.get("perm")
    if picture is None or axes is None or tuple(axes.as_ints()) != _TO_PLANES:
        return False
    shape = _shape(picture)
    if not picture.is_graph_input() or shape is None or shape[2] % 2 or shape[3] > FEW:
        return False
    between, conv = [turn.outputs[0]], only_reader(turn.outputs[0])
    while conv is not None and conv.op_type in ("Mul", QUANTIZE, DEQUANTIZE):
        if not all(is_number(value) for value in conv.inputs[1:]):
            return False
        between.append(conv.outputs[0])
        conv = only_reader(conv.outputs[0])
    if conv is None or conv.op_type != "Conv" or conv.inputs[0] is not between[-1]:
        return False
    stored = maker(conv.inputs[1], DEQUANTIZE)
    if stored is None or only_reader(stored.outputs[0]) is None:
        return False
    weights = constant(stored.inputs[0])
    options = {name: attribute.value for name, attribute in conv.attributes.items()}
    if (
        weights is None
        or weights.ndim != 4
        or options.get("group", 1) != 1
        or options.get("auto_pad", "NOTSET") != "NOTSET"
        or set(options.get("dilations", [1])) != {1}
        or list(options.get("strides", [1, 1]))[1] != 2
    ):
        return False
    zeros = constant(stored.inputs[2]) if len(stored.inputs) > 2 else None
    if zeros is not None and zeros.any():
        return False
    top, left, bottom, right = options.get("pads", [0, 0, 0, 0])
    paired, first = _paired(weights, left)
    count = (shape[2] + left + right - weights.shape[3]) // 2 + 1
    after = count - (shape[2] // 2 - first - paired.shape[3] + 1)
    if after < 0 or count < 1:
        return False

    sides = (shape[0], shape[1], shape[2] // 2, 2 * shape[3])
    wide = initial(graph, f"{turn.name}_paired_sides", np.array(sides, np.int64))
    reshape = ir.Node("", "Reshape", [picture, wide], name=f"{turn.name}_paired")
    made = reshape.outputs[0]
    made.name, made.shape, made.type = f"{turn.name}_paired", ir.Shape(sides), picture.type
    graph.insert_before(turn, reshape)
    turn.replace_input_with(0, made)
    for value in between:
        value.shape = ir.Shape([sides[axis] for axis in _TO_PLANES])
    stored.replace_input_with(0, initial(graph, f"{conv.name}_paired_weights", paired))
    stored.outputs[0].shape = ir.Shape(paired.shape)
    conv.attributes.add(ir.AttrInt64s("kernel_shape", paired.shape[2:]))
    conv.attributes.add(ir.AttrInt64s("pads", [top, -first, bottom, after]))
    conv.attributes.add(ir.AttrInt64s("strides", [next(iter(options["strides"])), 1]))
    return True


def _paired(weights: NDArray[np.generic], left: int) -> tuple[NDArray[np.generic], int]:
    """Kernels over pairs of columns, and which pair beside an output's own they begin with."""
    count, channels, rows, columns = weights.shape
    places = [column - left for column in range(columns)]
    first, last = places[0] // 2, places[-1] // 2
    paired = np.zeros((count, 2, channels, rows, last - first + 1), weights.dtype)
    for column, place in enumerate(places):
        paired[:, place % 2, :, :, place // 2 - first] = weights[:, :, :, column]
    return paired.reshape(count, 2 * channels, rows, -1), first


def _shape(value: ir.Value) -> tuple[int, ...] | None:
    """Four known lengths, if these are what it has."""
    lengths = [] if value.shape is None else list(value.shape)
    known = tuple(length for length in lengths if isinstance(length, int))
    return known if len(known) == len(lengths) == 4 else None
