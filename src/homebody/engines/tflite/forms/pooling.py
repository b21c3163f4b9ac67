"""Pools: the largest or the mean of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.tflite.exporting import Export
from homebody.engines.tflite.forms.windows import SAME, VALID, same_pads, window_pads
from homebody.engines.tflite.importing import Import
from homebody.engines.tflite.layouts import FIRST, LAST
from homebody.engines.tflite.registry import exports, imports
from homebody.errors import FormError


@imports("AVERAGE_POOL_2D", "MAX_POOL_2D")
def _import_pool(to: Import, op: Any) -> None:
    options, data = op.builtinOptions, op.inputs[0]
    kernel = [options.filterHeight, options.filterWidth]
    strides = [options.strideH, options.strideW]
    pads = same_pads(to.shape(data)[1:3], kernel, strides, [1, 1], options.padding)
    kind = "MaxPool" if to.source.kind(op) == "MAX_POOL_2D" else "AveragePool"
    value = to.node(kind, [to.real(data, FIRST)], kernel_shape=kernel, strides=strides, **pads)
    value = to.activate(value, options.fusedActivationFunction, op.outputs[0])
    to.put(op.outputs[0], value, FIRST)


@exports("MaxPool", "AveragePool")
def _export_pool(to: Export, node: ir.Node) -> None:
    data, made, options = node.inputs[0], node.outputs[0], node.attributes
    kernel = list(options.get_ints("kernel_shape", []))
    flat = len(kernel) == 1
    if len(kernel) > 2 or len(node.outputs) > 1 or set(options.get_ints("dilations", [1])) != {1}:
        raise FormError(f"the pool {node.name!r} is dilated, tells places, or has three dimensions")
    strides = list(options.get_ints("strides", [1] * len(kernel)))
    before, after = to.shape(data)[2:], to.shape(made)[2:]
    pads = window_pads(node, before, kernel, strides, [1] * len(kernel))
    if flat:
        kernel, strides, before, after = [1, *kernel], [1, *strides], (1, *before), (1, *after)
        pads = [0, pads[0], 0, pads[1]]
    starts = zip(after, strides, pads, before, strict=False)
    if options.get_int("ceil_mode", 0) and any((n - 1) * s - p >= b for n, s, p, b in starts):
        raise FormError(f"the pool {node.name!r} ends in windows past the picture")
    largest = node.op_type == "MaxPool"
    # Rows that no window reaches are left over in both formats.
    exact = not any(pads) and max(_ends(before, after, kernel, strides)) <= 0
    counted = options.get_int("count_include_pad", 0) and not largest
    padding = VALID
    if not exact and not counted:
        same = same_pads(before, kernel, strides, [1, 1], SAME)["pads"]
        fits = all(-(-b // s) == n for b, s, n in zip(before, strides, after, strict=True))
        if fits and pads[:2] == same[:2]:
            padding, exact = SAME, True
    integer = to.moves_integers(node) and exact
    batch, channels = to.shape(data)[:2]
    source = to.reshaped(to.operand(data, LAST, integer), (batch, *before, channels))
    how = {"strideH": strides[0], "strideW": strides[1], "padding": padding,
           "filterHeight": kernel[0], "filterWidth": kernel[1]}  # fmt: skip
    kind = "MAX_POOL_2D" if largest else "AVERAGE_POOL_2D"
    if exact and not flat:
        to.put_like_input(node, kind, [source], LAST, integer, **how)
        return
    shape = (batch, *after, channels)
    if exact:
        pooled = to.moved(kind, [source], shape, **how)
    else:
        grown = [pads[0], pads[1], *_ends(before, after, kernel, strides, pads[:2])]
        pooled = _padded_pool(to, source, grown, largest, shape, how)
        if not largest:
            each = _counts(before, after, kernel, strides, pads, bool(counted))
            share = to.add_constant((kernel[0] * kernel[1] / each)[None, :, :, None], "share")
            pooled = to.step("MUL", [pooled, share])
    inputs = [pooled, to.integers(to.shape(made, LAST))]
    to.put_like_input(node, "RESHAPE", inputs, LAST, integer)


def _ends(
    before: Any, after: Any, kernel: Any, strides: Any, first: Sequence[int] = (0, 0)
) -> list[int]:
    """How far the last window of each axis goes past the end, or before it."""
    shapes = zip(before, after, kernel, strides, first, strict=True)
    return [(n - 1) * s + k - low - b for b, n, k, s, low in shapes]


def _padded_pool(
    to: Export, source: int, grown: list[int], largest: bool, shape: Any, how: dict[str, Any]
) -> int:
    """Windows that all lie in a picture with a border of what does not count."""
    amounts = np.maximum(np.array(grown).reshape(2, 2).T, 0)
    pairs = to.add_constant(np.pad(amounts, ((1, 1), (0, 0))).astype(np.int32), "pads")
    before = to.out.shape(source)
    padded = [n + int(a) for n, a in zip(before, [0, *amounts.sum(1), 0], strict=True)]
    least = to.add_constant(np.array([np.finfo(np.float32).min], np.float32), "least")
    if largest:
        source = to.step("PADV2", [source, pairs, least], padded)
    else:
        source = to.step("PAD", [source, pairs], padded)
    kind = "MAX_POOL_2D" if largest else "AVERAGE_POOL_2D"
    return to.step(kind, [source], shape, **{**how, "padding": VALID})


def _counts(
    before: Any, after: Any, kernel: Any, strides: Any, pads: Sequence[int], borders: bool
) -> NDArray[np.float32]:
    """How many numbers each window's mean is over; what ceil_mode adds to borders never counts."""
    lengths = []
    for b, n, k, s, low, high in zip(
        before, after, kernel, strides, pads[:2], pads[2:], strict=True
    ):
        start = np.arange(n) * s - low
        stop = np.minimum(start + k, b + high if borders else b)
        lengths.append(stop - (start if borders else np.maximum(start, 0)))
    return np.asarray(np.maximum(lengths[0][:, None] * lengths[1], 1), np.float32)


@exports("GlobalAveragePool", "GlobalMaxPool")
def _export_global(to: Export, node: ir.Node) -> None:
    average = node.op_type == "GlobalAveragePool"
    integer = to.integer(node) and average
    axes = to.integers(range(1, len(to.shape(node.inputs[0])) - 1))
    source = to.operand(node.inputs[0], LAST, integer)
    kind = "MEAN" if average else "REDUCE_MAX"
    to.put(kind, [source, axes], node.outputs[0], LAST, integer, keepDims=True)
