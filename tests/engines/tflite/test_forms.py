"""Each form with random shapes and attributes: LiteRT beside ONNX Runtime, there and back."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from homebody.engines.graph import Graph, read_graph
from homebody.engines.tflite import export_tflite, import_tflite, refusals
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
