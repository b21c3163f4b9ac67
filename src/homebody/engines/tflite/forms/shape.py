"""The same numbers in another shape, order or type."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from onnx import TensorProto, helper

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST, PLAIN, to_first, to_last
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError, GraphError


@imports("CAST")
def _import_cast(to: Import, op: Any) -> None:
    dtype = to.source.numpy_type(op.outputs[0])
    if dtype is None:
        raise GraphError("a CAST goes to a type that is not imported; convert the model without it")
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    layout = to.layout(op.inputs)
    value = to.node("Cast", [to.stored(op.inputs[0], layout)], to=kind)
    to.put_stored(op.outputs[0], value, layout)


@imports("RESHAPE")
def _import_reshape(to: Import, op: Any) -> None:
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


@imports("SQUEEZE", "EXPAND_DIMS")
def _import_reshape_to_output(to: Import, op: Any) -> None:
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


@imports("TRANSPOSE")
def _import_transpose(to: Import, op: Any) -> None:
    perm = [int(axis) for axis in to.values(op.inputs[1])]
    value = to.node("Transpose", [to.stored(op.inputs[0], LAST)], perm=perm)
    to.put_stored(op.outputs[0], value)


@imports("SHAPE")
def _import_shape(to: Import, op: Any) -> None:
    value = to.node("Shape", [to.stored(op.inputs[0], LAST)])
    kind = TensorProto.INT32 if to.source.numpy_type(op.outputs[0]) is np.int32 else None
    if kind is not None:
        value = to.node("Cast", [value], to=kind)
    to.put_stored(op.outputs[0], value)


@imports("BROADCAST_TO", "TILE")
def _import_repeated(to: Import, op: Any) -> None:
    kind = "Tile" if to.source.kind(op) == "TILE" else "Expand"
    counts = to.constant(to.values(op.inputs[1]).astype(np.int64), "counts")
    to.put_stored(op.outputs[0], to.node(kind, [to.stored(op.inputs[0], LAST), counts]))


@imports("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def _import_depth(to: Import, op: Any) -> None:
    kind = "DepthToSpace" if to.source.kind(op) == "DEPTH_TO_SPACE" else "SpaceToDepth"
    size = int(op.builtinOptions.blockSize)
    value = to.node(kind, [to.stored(op.inputs[0], FIRST)], blocksize=size)
    to.put_stored(op.outputs[0], value, FIRST)


@imports("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
def _import_batch(to: Import, op: Any) -> None:
    """Blocks of a picture as pictures, around which older converters dilate convolutions."""
    block = [int(n) for n in to.values(op.inputs[1])]
    pairs = to.values(op.inputs[2]).astype(int)
    shape, count = list(to.shape(op.inputs[0])), len(block)
    if -1 in shape:
        raise GraphError(
            f"a {to.source.kind(op)} of an unknown size is not imported; fix its shape"
        )
    value, rest = to.real(op.inputs[0]), shape[1 + count :]

    def reshaped(value: str, to_shape: list[int]) -> str:
        return str(to.node("Reshape", [value, to.constant(np.array(to_shape, np.int64), "shape")]))

    if to.source.kind(op) == "SPACE_TO_BATCH_ND":
        pads = np.zeros((len(shape), 2), np.int64)
        pads[1 : 1 + count] = pairs
        value = to.node("Pad", [value, to.constant(pads.T.reshape(-1), "pads")])
        grown = [n + int(p.sum()) for n, p in zip(shape[1:], pairs, strict=False)]
        inner = [part for n, b in zip(grown, block, strict=True) for part in (n // b, b)]
        value = reshaped(value, [shape[0], *inner, *rest])
        axes = [*range(2, 2 * count + 1, 2), 0, *range(1, 2 * count, 2)]
        axes += range(2 * count + 1, 2 * count + 1 + len(rest))
        value = to.node("Transpose", [value], perm=axes)
        made = [n // b for n, b in zip(grown, block, strict=True)]
        value = reshaped(value, [shape[0] * int(np.prod(block)), *made, *rest])
    else:
        batch = shape[0] // int(np.prod(block))
        value = reshaped(value, [*block, batch, *shape[1:]])
        axes = [count, *(axis for n in range(count) for axis in (count + 1 + n, n))]
        axes += range(2 * count + 1, 2 * count + 1 + len(rest))
        value = to.node("Transpose", [value], perm=axes)
        grown = [n * b for n, b in zip(shape[1:], block, strict=False)]
        value = reshaped(value, [batch, *grown, *rest])
        first = to.constant(pairs[:, 0].astype(np.int64), "first")
        last = to.constant((np.array(grown) - pairs[:, 1]).astype(np.int64), "last")
        where = to.constant(np.arange(1, 1 + count), "axes")
        value = to.node("Slice", [value, first, last, where])
    to.put(op.outputs[0], value)


@exports("Identity", "Dropout")
def _export_identity(to: Export, node: ir.Node) -> None:
    if any(value.uses() or value.is_graph_output() for value in node.outputs[1:]):
        raise FormError(f"what {node.name!r} drops is read too")
    _export_reshape(to, node)


@exports("Cast", "CastLike")
def _export_cast(to: Export, node: ir.Node) -> None:
    layout = to.layout(node.inputs[:1])
    source = to.operand(node.inputs[0], layout, False)
    wanted = node.outputs[0].dtype
    if wanted is None or wanted.name not in _TYPES:
        name = "nothing known" if wanted is None else wanted.name
        raise FormError(f"{node.name!r} makes {name}, which TFLite lacks", "unsupported-type")
    to.put("CAST", [source], node.outputs[0], layout, False)


_TYPES = {"FLOAT", "FLOAT16", "DOUBLE", "BOOL", "INT8", "UINT8", "INT16", "INT32", "INT64"}


@exports("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def _export_reshape(to: Export, node: ir.Node) -> None:
    integer, made = to.moves_integers(node), node.outputs[0]
    data = node.inputs[0]
    # Pictures of one pixel are the same numbers in either order.
    pixel = len(to.shape(data)) == 4 and to.shape(data)[2:] == (1, 1) and to.layout([data]) == LAST
    source = to.operand(data, LAST if pixel else PLAIN, integer)
    to.put_like_input(node, "RESHAPE", [source, to.integers(to.shape(made))], PLAIN, integer)


@exports("Transpose")
def _export_transpose(to: Export, node: ir.Node) -> None:
    source, made = node.inputs[0], node.outputs[0]
    rank = len(to.shape(source))
    perm = tuple(node.attributes.get_ints("perm", list(reversed(range(rank)))))
    integer = to.moves_integers(node)
    read, wanted = to.read_scale(source), to.made_scale(made)
    if rank in (3, 4) and (not integer or (read and read.same(wanted))):
        if perm == to_first(rank):
            to.remember(made, LAST, integer, to.operand(source, PLAIN, integer))
            return
        if perm == to_last(rank) and to.layout([source]) == LAST:
            to.remember(made, PLAIN, integer, to.operand(source, LAST, integer))
            return
    inputs = [to.operand(source, PLAIN, integer), to.integers(perm)]
    to.put_like_input(node, "TRANSPOSE", inputs, PLAIN, integer)


@exports("Expand")
def _export_expand(to: Export, node: ir.Node) -> None:
    integer, shape = to.moves_integers(node), to.shape(node.outputs[0])
    inputs = [to.operand(node.inputs[0], PLAIN, integer), to.integers(shape)]
    to.put_like_input(node, "BROADCAST_TO", inputs, PLAIN, integer)


@exports("Tile")
def _export_tile(to: Export, node: ir.Node) -> None:
    times = to.constant(node.inputs[1])
    if times is None:
        raise FormError(f"{node.name!r} repeats a computed number of times")
    integer = to.moves_integers(node)
    inputs = [to.operand(node.inputs[0], PLAIN, integer), to.integers(times)]
    to.put_like_input(node, "TILE", inputs, PLAIN, integer)


@exports("DepthToSpace", "SpaceToDepth")
def _export_depth(to: Export, node: ir.Node) -> None:
    size, integer = node.attributes.get_int("blocksize", 1), to.moves_integers(node)
    source = to.operand(node.inputs[0], LAST, integer)
    kind = "DEPTH_TO_SPACE" if node.op_type == "DepthToSpace" else "SPACE_TO_DEPTH"
    if node.attributes.get_string("mode", "DCR") == "CRD":
        shape = to.out.shape(source)
        order = np.arange(shape[3]).reshape(-1, size * size).T.reshape(-1)
        source = to.moved("GATHER", [source, to.integers(order)], shape, axis=3)
    to.put_like_input(node, kind, [source], LAST, integer, blockSize=size)
