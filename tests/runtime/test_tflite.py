from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import HomebodyError, ModelError
from homebody.runtime import summarize
from homebody.runtime.tflite import operator_names, parse

from .models import dense_model, serialize

WEIGHTS = np.arange(15, dtype=np.float32).reshape(3, 5)
BIAS = np.zeros(3, np.float32)
DATA = serialize(dense_model(WEIGHTS, BIAS))


def test_structure_is_read() -> None:
    graph = parse(DATA).subgraphs[0]
    assert [(t.name, t.shape, t.dtype, t.size) for t in graph.tensors] == [
        ("x", (1, 5), "float32", 0),
        ("w", (3, 5), "float32", 60),
        ("b", (3,), "float32", 12),
        ("y", (1, 3), "float32", 0),
    ]
    (op,) = graph.operations
    assert (op.inputs, op.outputs) == ((0, 1, 2), (3,))
    assert operator_names()[op.code] == "FULLY_CONNECTED"


def test_summary_counts_by_hand() -> None:
    summary = summarize(DATA)
    (op,) = summary.operations
    assert (op.name, op.shape, op.weights, op.macs) == ("FULLY_CONNECTED", (1, 3), 72, 15)
    assert (summary.parameters, summary.macs, summary.size) == (18, 15, len(DATA))


def test_quantization_is_read_per_axis() -> None:
    model = dense_model(WEIGHTS, BIAS)
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [0.5, 0.25, 0.125], [0, 0, 0]
    quantization.quantizedDimension = 0
    model.subgraphs[0].tensors[1].quantization = quantization
    found = parse(serialize(model)).subgraphs[0].tensors[1].quantization
    assert found is not None
    assert (found.scales, found.zero_points, found.axis) == ((0.5, 0.25, 0.125), (0, 0, 0), 0)


def _edit(change: Callable[[schema.ModelT], None]) -> bytes:
    model = dense_model(WEIGHTS, BIAS)
    change(model)
    return serialize(model)


def _set(path: str, value: object) -> Callable[[schema.ModelT], None]:
    def change(model: schema.ModelT) -> None:
        graph = model.subgraphs[0]
        owner = {"op": graph.operators[0], "graph": graph, "tensor": graph.tensors[0],
                 "weights": graph.tensors[1], "model": model}  # fmt: skip
        name, attribute = path.split(".")
        setattr(owner[name], attribute, value)

    return change


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("op.inputs", [0, 99, 2], "names tensor 99"),
        ("op.inputs", [0, -2, 2], "names tensor -2"),
        ("op.outputs", [-1], "names tensor -1"),
        ("op.opcodeIndex", 7, "operator code 7"),
        ("graph.inputs", [12], "names tensor 12"),
        ("graph.outputs", [-1], "names tensor -1"),
        ("tensor.buffer", 40, "buffer 40"),
        ("tensor.type", 99, "unknown type 99"),
        ("tensor.shape", [1, -5], "negative shape"),
        ("tensor.shape", [1 << 20, 1 << 20], "would need"),
        ("weights.shape", [3, 6], "needs 72"),
        ("model.version", 4, "schema version 4"),
        ("model.subgraphs", [], "no subgraph"),
    ],
)
def test_hostile_models_are_refused_by_name(path: str, value: object, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        parse(_edit(_set(path, value)))


@pytest.mark.parametrize("data", [b"", b"x", b"text that is not a model", b"\0" * 64, DATA[:40]])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        parse(data)


@given(st.data())
def test_any_damage_gives_a_reading_or_a_homebody_error(data: st.DataObject) -> None:
    damaged = bytearray(DATA)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for piece in (bytes(damaged), bytes(damaged[:cut])):
        with contextlib.suppress(HomebodyError):
            parse(piece)
