"""Each form with random shapes and attributes: LiteRT beside ONNX Runtime, there and back."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from homebody.engines.graph import Graph
from homebody.engines.reading import read_graph
from homebody.engines.tflite import export_tflite, import_tflite, refusals
from homebody.errors import GraphError, ModelError
from homebody.runtime import Model
from tests.engines.tflite.cases import CASES, Case

SEEDS = range(3)


def native(data: bytes, given: dict[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, given)


def made(name: str, seed: int) -> Case:
    case = Case(seed)
    CASES[name](case)
    return case


def static(case: Case) -> Graph:
    graph = read_graph(case.model())
    return graph if case.stated else graph.at({})


def near(wanted: list[np.ndarray], found: list[np.ndarray]) -> None:
    assert len(wanted) == len(found)
    for one, other in zip(wanted, found, strict=True):
        assert other.shape == one.shape
        assert other.dtype == one.dtype
        np.testing.assert_allclose(other, one, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", CASES)
def test_litert_answers_as_onnx_runtime_does(name, seed):
    case = made(name, seed)
    wanted = native(case.model(), case.given)
    graph = static(case)
    assert not any(refusals(graph))
    written = export_tflite(graph)
    found = Model(written)(*[case.given[t.name] for t in graph.inputs])
    near(wanted, found)


@pytest.mark.parametrize("name", CASES)
def test_there_and_back(name):
    case = made(name, 0)
    written = export_tflite(static(case))
    again = import_tflite(written).SerializeToString()
    given = {s.name: case.given[s.name] for s in Model(written).inputs}
    near(Model(written)(*given.values()), native(again, given))


@pytest.mark.parametrize("name", ["slicing_of_channels", "attention", "pool", "gather", "largest"])
def test_damaged_files_are_refused_by_name(name):
    """Bytes changed at random and files cut short, of both formats; nothing else is raised."""
    case, dice = made(name, 1), np.random.default_rng(0)
    whole, written = case.model(), export_tflite(static(case))
    refused = 0
    for number in range(60):
        data = bytearray(whole if number % 2 else written)
        data = data[: dice.integers(len(data))] if dice.random() < 0.2 else data
        for place in dice.integers(0, max(1, len(data)), 3 if data else 0):
            data[place] = dice.integers(256)
        try:
            if number % 2:
                graph = read_graph(bytes(data)).at({})
                refusals(graph)
                export_tflite(graph)
            else:
                import_tflite(bytes(data))
        except (GraphError, ModelError):
            refused += 1
    assert refused > 10


def test_weights_that_are_not_of_their_shape_are_refused():
    """ONNX's inference of shapes ends the process for what follows from these."""
    case = made("slicing_of_channels", 1)
    proto = onnx.load_from_string(case.model())
    (filters,) = (v for v in proto.graph.initializer if len(v.dims) == 4)
    filters.dims[2] = 38
    with pytest.raises(GraphError, match="bytes, their shape says"):
        read_graph(proto.SerializeToString())
