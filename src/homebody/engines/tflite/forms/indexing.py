"""Parts of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import TensorProto

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import LAST, PLAIN, to_last
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError, GraphError


@imports("GATHER")
def _import_gather(to: Import, op: Any) -> None:
    if getattr(op.builtinOptions, "batchDims", 0):
        raise GraphError("a GATHER with batch dimensions is not imported; convert without it")
    inputs = [to.stored(t, LAST) for t in op.inputs[:2]]
    to.put_stored(op.outputs[0], to.node("Gather", inputs, axis=op.builtinOptions.axis))


@imports("SLICE")
def _import_slice(to: Import, op: Any) -> None:
    begin = to.values(op.inputs[1]).astype(np.int64)
    size = to.values(op.inputs[2]).astype(np.int64)
    end = np.where(size == -1, np.iinfo(np.int64).max, begin + size)
    _sliced(to, op, begin, end, np.arange(len(begin)), np.ones(len(begin), np.int64))


@imports("STRIDED_SLICE")
def _import_strided_slice(to: Import, op: Any) -> None:
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


@imports("GATHER_ND")
def _import_gather_nd(to: Import, op: Any) -> None:
    where = to.node("Cast", [to.stored(op.inputs[1], LAST)], to=TensorProto.INT64)
    to.put_stored(op.outputs[0], to.node("GatherND", [to.stored(op.inputs[0], LAST), where]))


@imports("EMBEDDING_LOOKUP")
def _import_embedding(to: Import, op: Any) -> None:
    places, rows = (to.stored(tensor, LAST) for tensor in op.inputs)
    to.put_stored(op.outputs[0], to.node("Gather", [rows, places], axis=0))


@imports("REVERSE_V2")
def _import_reverse(to: Import, op: Any) -> None:
    axes = np.atleast_1d(to.values(op.inputs[1])).astype(np.int64)
    far = np.iinfo(np.int64)
    begin, end = np.full(axes.shape, far.max), np.full(axes.shape, far.min)
    _sliced(to, op, begin, end, axes, -np.ones(axes.shape, np.int64))


@imports("ONE_HOT")
def _import_one_hot(to: Import, op: Any) -> None:
    places, depth, on, off = op.inputs
    ends = np.stack([to.values(off).reshape(()), to.values(on).reshape(())])
    count = to.constant(np.asarray(to.values(depth), np.int64).reshape(1), "depth")
    inputs = [to.stored(places, LAST), count, to.constant(ends, "ends")]
    value = to.node("OneHot", inputs, axis=int(op.builtinOptions.axis))
    to.put_stored(op.outputs[0], value)


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


@exports("Gather")
def _export_gather(to: Export, node: ir.Node) -> None:
    data, places = node.inputs
    integer, shape = to.moves_integers(node), to.shape(data)
    axis = node.attributes.get_int("axis", 0) % len(shape)
    inputs = [to.operand(data, PLAIN, integer), _from_start(to, places, shape[axis])]
    to.put_like_input(node, "GATHER", inputs, PLAIN, integer, axis=axis)


def _from_start(to: Export, places: ir.Value | None, length: int) -> int:
    """Indices none of which counts from the end."""
    known = to.constant(places)
    if known is not None:
        return to.integers(np.where(known < 0, known + length, known))
    return _counted(to, to.operand(places, PLAIN, False), length)


def _counted(to: Export, found: int, length: int) -> int:
    dtype, shape = np.dtype(to.out.numpy_type(found)).name, to.out.shape(found)
    behind = to.step("LESS", [found, to.number(0, dtype)], shape, "bool")
    ahead = to.step("ADD", [found, to.number(length, dtype)])
    return to.step("SELECT_V2", [behind, ahead, found], shape, dtype)


@exports("GatherND")
def _export_gather_nd(to: Export, node: ir.Node) -> None:
    data, places = node.inputs
    known, integer = to.constant(places), to.moves_integers(node)
    if node.attributes.get_int("batch_dims", 0) or (known is not None and (known < 0).any()):
        raise FormError(f"{node.name!r} gathers row by row, or counts from the end")
    where = to.operand(places, PLAIN, False) if known is None else to.integers(known)
    inputs = [to.operand(data, PLAIN, integer), where]
    to.put_like_input(node, "GATHER_ND", inputs, PLAIN, integer)


@exports("Slice")
def _export_slice(to: Export, node: ir.Node) -> None:
    data, options = node.inputs[0], node.attributes
    shape, layout = to.shape(data), to.layout(node.inputs[:1])
    given = [to.constant(value) for value in node.inputs[1:] if value is not None]
    if any(numbers is None for numbers in given):
        raise FormError(f"{node.name!r} slices at computed places")
    places = [[int(n) for n in np.asarray(numbers)] for numbers in given]
    if not places:  # attributes, before opset 10
        places = [list(options.get_ints(name, [])) for name in ("starts", "ends", "axes")]
        places = places if places[2] else places[:2]
    first, last, *more = places
    axes = more[0] if more else list(range(len(first)))
    steps = more[1] if len(more) > 1 else [1] * len(first)
    rank = len(shape)
    begin, end, step = [0] * rank, list(shape), [1] * rank
    for axis, low, high, stride in zip(axes, first, last, steps, strict=True):
        begin[axis], end[axis], step[axis] = slice(low, high, stride).indices(shape[axis])
    if layout == LAST:
        begin, end, step = ([v[axis] for axis in to_last(rank)] for v in (begin, end, step))
    # Backwards to the beginning is an end that no index says.
    open_end = sum(1 << axis for axis, n in enumerate(end) if n < 0)
    integer = to.moves_integers(node)
    inputs = [to.operand(data, layout, integer), *map(to.integers, (begin, end, step))]
    to.put_like_input(node, "STRIDED_SLICE", inputs, layout, integer, endMask=open_end)


@exports("OneHot")
def _export_one_hot(to: Export, node: ir.Node) -> None:
    places, depth, values = node.inputs
    known, ends = to.constant(depth), to.constant(values)
    if known is None or ends is None:
        raise FormError(f"the depth or the values of {node.name!r} are computed")
    length, rank = int(known.reshape(())), len(to.shape(node.outputs[0]))
    where = to.operand(places, PLAIN, False)
    if np.dtype(to.out.numpy_type(where)) not in (np.int32, np.int64):
        where = to.step("CAST", [where], dtype="int64")
    where = _counted(to, where, length)
    axis = node.attributes.get_int("axis", -1) % rank
    off, on = (to.add_constant(end, "end") for end in ends)
    inputs = [where, to.number(length, "int32"), on, off]
    to.put("ONE_HOT", inputs, node.outputs[0], PLAIN, False,
           axis=-1 if axis == rank - 1 else axis)  # fmt: skip


@exports("Trilu")
def _export_triangle(to: Export, node: ir.Node) -> None:
    shape, made = to.shape(node.inputs[0]), node.outputs[0]
    known = to.constant(node.inputs[1]) if len(node.inputs) > 1 else np.array(0)
    if known is None:
        raise FormError(f"the diagonal of {node.name!r} is computed")
    upper, offset = node.attributes.get_int("upper", 1), int(known.reshape(()))
    kept = np.ones(shape[-2:], bool)
    kept = np.triu(kept, offset) if upper else np.tril(kept, offset)
    kept = kept.reshape((1,) * (len(shape) - 2) + kept.shape)
    source = to.operand(node.inputs[0], PLAIN, False)
    zero = to.number(0, np.dtype(to.out.numpy_type(source)).name)
    to.put("SELECT_V2", [to.add_constant(kept, "kept"), source, zero], made, PLAIN, False)
