"""Parts of an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import LAST, PLAIN
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import GraphError


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
    integer = to.moves_integers(node)
    inputs = [to.operand(node.inputs[0], PLAIN, integer), to.operand(node.inputs[1], PLAIN, False)]
    to.put_like_input(node, "GATHER", inputs, PLAIN, integer, options="GatherOptions",
                axis=node.attributes.get_int("axis", 0), version=2 if integer else 1)  # fmt: skip


@exports("Slice")
def _export_slice(to: Export, node: ir.Node) -> None:
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
    integer = to.moves_integers(node)
    ends = [to.add_constant(np.array(v, np.int32), "slice") for v in (begin, end, step)]
    inputs = [to.operand(node.inputs[0], PLAIN, integer), *ends]
    to.put_like_input(node, "STRIDED_SLICE", inputs, PLAIN, integer, options="StridedSliceOptions",
                endMask=open_end, version=2 if integer else 1)  # fmt: skip
