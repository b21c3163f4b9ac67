"""The schemes that need no samples: float16 and hybrid (dynamic range).

Source: TensorFlow Lite's float16 and dynamic-range quantization.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import ModelError
from homebody.runtime.editing import Graph
from homebody.shrink._rules import HYBRID, RULES
from homebody.shrink._weights import along, finite, weight_scales
from homebody.shrink.report import ASKED_FOR

LEAST_HYBRID = 1024
"""Weights with fewer values stay float: they save nothing and cost accuracy."""


class WeightOnly(NamedTuple):
    """A model whose constants alone were shrunk.

    ``formats`` names each float operation's format, ``reasons`` why it stays float32.
    """

    data: bytes
    formats: dict[int, str]
    reasons: dict[int, str]


def to_float16(data: bytes, keep: Collection[int]) -> WeightOnly:
    """Store float constants as float16; each is widened once, when the model is loaded.

    Raises:
        ModelError: a constant is beyond float16's range of 65504.
    """
    graph = Graph(data)
    wide: dict[int, int] = {}  # float32 constant -> the tensor that a DEQUANTIZE gives
    first: list[Any] = []
    formats: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for index, op in enumerate(graph.operators):
        constants = [t for t in op.inputs if graph.is_float(t) and graph.constant(t) is not None]
        if not constants:
            continue
        if index in keep:
            reasons[index] = ASKED_FOR
            continue
        for place, tensor in enumerate(op.inputs):
            if tensor not in constants:
                continue
            if tensor not in wide:
                wide[tensor] = _narrow(graph, index, tensor, first)
            op.inputs[place] = wide[tensor]
        formats[index] = "float16"
    graph.operators = first + graph.operators
    return WeightOnly(graph.save(), formats, reasons)


def _narrow(graph: Graph, index: int, tensor: int, first: list[Any]) -> int:
    values = graph.constant(tensor)
    assert values is not None
    with np.errstate(over="ignore"):
        half = finite(graph, index, values, "constants").astype(np.float16)
    if not np.isfinite(half).all():
        raise ModelError(
            f"a constant of {graph.label(index)} is beyond float16's 65504; keep that operation "
            "float32"
        )
    name, shape = graph.name(tensor), values.shape
    stored = graph.add_tensor(f"{name}_float16", shape, "float16", values=half)
    widened = graph.add_tensor(name, shape, "float32")
    first.append(graph.operator("DEQUANTIZE", 3, [stored], [widened]))
    return widened


def to_hybrid(data: bytes, keep: Collection[int]) -> WeightOnly:
    """Store weights as int8 with a scale for each output channel; activations stay float.

    The kernels quantize each input on the fly.
    """
    graph = Graph(data)
    formats: dict[int, str] = {}
    reasons: dict[int, str] = {}
    made: dict[tuple[int, int], int] = {}
    for index, op in enumerate(graph.operators):
        kind = graph.kind(op)
        if not any(graph.is_float(t) for t in (*op.inputs, *op.outputs)):
            continue
        reason = ASKED_FOR if index in keep else _hybrid_obstacle(graph, kind, op)
        if reason:
            reasons[index] = reason
            continue
        place = RULES[kind].weights
        assert place is not None
        source = op.inputs[place.input]
        if (source, place.axis) not in made:
            made[source, place.axis] = _integer_weights(graph, index, source, place.axis)
        op.inputs[place.input] = made[source, place.axis]
        if kind == "FULLY_CONNECTED" and op.builtinOptions is not None:
            op.builtinOptions.asymmetricQuantizeInputs = True
        graph.set_kind(op, kind, max(HYBRID[kind], graph.version(op)))
        formats[index] = "hybrid"
    return WeightOnly(graph.save(), formats, reasons)


def _hybrid_obstacle(graph: Graph, kind: str, op: Any) -> str:
    if kind not in HYBRID:
        return "the runtime has no hybrid kernel for it"
    weights = graph.constant(op.inputs[1]) if len(op.inputs) > 1 else None
    if weights is None or not graph.is_float(op.inputs[1]):
        return "its weights are computed, not constant"
    if weights.size < LEAST_HYBRID:
        return f"its weights have fewer than {LEAST_HYBRID} values"
    return ""


def _integer_weights(graph: Graph, index: int, tensor: int, axis: int) -> int:
    raw = graph.constant(tensor)
    assert raw is not None
    values: NDArray[np.float64] = finite(graph, index, raw, "weights")
    scales = weight_scales(values, axis, per_axis=True, input_scale=1.0, bias=None)
    steps = along(axis, values.ndim, scales.astype(np.float64))
    codes = np.clip(np.round(values / steps), -127, 127)
    return graph.add_tensor(
        graph.name(tensor), values.shape, "int8", values=codes, scales=scales, axis=axis
    )
