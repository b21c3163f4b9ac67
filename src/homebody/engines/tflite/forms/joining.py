"""Arrays put together and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir

from homebody.engines.graph import tensor
from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST, to_last
from homebody.engines.tflite.registry import exports, imports


@imports("CONCATENATION")
def _import_concatenation(to: Import, op: Any) -> None:
    layout = to.layout(op.inputs)
    axis = op.builtinOptions.axis % to.rank(op.outputs[0])
    if layout == FIRST:
        axis = (0, 2, 3, 1)[axis]
    value = to.node("Concat", [to.real(t, layout) for t in op.inputs], axis=axis)
    value = to.activate(value, op.builtinOptions.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, layout)


@imports("PACK")
def _import_pack(to: Import, op: Any) -> None:
    axis = op.builtinOptions.axis
    axes = to.constant(np.asarray([axis], np.int64), "axes")
    parts = [to.node("Unsqueeze", [to.stored(t, LAST), axes]) for t in op.inputs]
    to.put_stored(op.outputs[0], to.node("Concat", parts, axis=axis))


@imports("SPLIT")
def _import_split(to: Import, op: Any) -> None:
    axis = int(to.values(op.inputs[0]))
    parts = to.node("Split", [to.stored(op.inputs[1], LAST)], len(op.outputs), axis=axis)
    for made, part in zip(op.outputs, [parts] if len(op.outputs) == 1 else parts, strict=True):
        to.put_stored(made, part)


@imports("SPLIT_V")
def _import_split_v(to: Import, op: Any) -> None:
    data, sizes, axis = op.inputs
    lengths = to.values(sizes).astype(np.int64)
    at = int(to.values(axis).reshape(()))
    if (lengths < 0).any():
        lengths = np.array([to.source.shape(made)[at] for made in op.outputs])
    inputs = [to.stored(data, LAST), to.constant(lengths, "sizes")]
    parts = to.node("Split", inputs, len(op.outputs), axis=at)
    for made, part in zip(op.outputs, [parts] if len(op.outputs) == 1 else parts, strict=True):
        to.put_stored(made, part)


@imports("UNPACK")
def _import_unpack(to: Import, op: Any) -> None:
    axis = int(op.builtinOptions.axis)
    source, axes = to.stored(op.inputs[0], LAST), to.constant(np.asarray([axis], np.int64), "axes")
    parts = to.node("Split", [source], len(op.outputs), axis=axis)
    for made, part in zip(op.outputs, [parts] if len(op.outputs) == 1 else parts, strict=True):
        to.put_stored(made, to.node("Squeeze", [part, axes]))


@exports("Concat")
def _export_concat(to: Export, node: ir.Node) -> None:
    layout, made = to.layout(node.inputs), node.outputs[0]
    axis = node.attributes.get_int("axis", 0) % len(to.shape(made))
    if layout == LAST:
        axis = to_last(len(to.shape(made))).index(axis)
    computed = all(to.constant(value) is None for value in node.inputs)
    integer, wanted = to.integer(node) and computed, to.made_scale(made)
    parts = []
    for value in node.inputs:
        assert value is not None
        part, read = to.operand(value, layout, integer), to.read_scale(value)
        if integer and wanted is not None and not wanted.same(read):
            part = to.requantized(part, value, layout, wanted)
        parts.append(part)
    to.put("CONCATENATION", parts, made, layout, integer, axis=axis)


@exports("Split")
def _export_split(to: Export, node: ir.Node) -> None:
    source, layout = node.inputs[0], to.layout(node.inputs[:1])
    rank, read = len(to.shape(source)), to.read_scale(source)
    axis = node.attributes.get_int("axis", 0) % rank
    sizes = [to.shape(value)[axis] for value in node.outputs]
    if layout == LAST:
        axis = to_last(rank).index(axis)
    integer = bool(read and all(to.made_scale(value) for value in node.outputs))
    parts = [
        to.out.add_tensor(
            str(value.name),
            to.shape(value, layout),
            "int8" if integer else tensor(value).dtype.name,
            scales=read.scale if integer and read else None,
            zero_points=read.zero if integer and read else None,
        )
        for value in node.outputs
    ]
    inputs = [to.operand(source, layout, integer), to.integers(sizes), to.number(axis, "int32")]
    to.add("SPLIT_V", inputs, parts, numSplits=len(parts))
    for value, part in zip(node.outputs, parts, strict=True):
        wanted = to.made_scale(value) if integer else None
        if wanted is not None and not wanted.same(read):
            part = to.requantized(part, value, layout, wanted)
        to.remember(value, layout, integer, part)
