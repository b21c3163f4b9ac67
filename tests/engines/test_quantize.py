"""Float graphs made int8 by shrink, and run by every engine that is here."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.engine import Options
from homebody.engines.graph import QUANTIZE, Graph
from homebody.engines.loading import ENGINES, NATIVE
from homebody.engines.quantize import quantize
from homebody.errors import CalibrationError, GraphError
from tests.engines.tflite.test_importing import imported
from tests.shrink.nets import Net, sqnr

SAMPLES = np.random.default_rng(5).normal(size=(70, 8, 8, 3)).astype(np.float32)


def small_net() -> Graph:
    dice = np.random.default_rng(0)
    net = Net()
    x = net.input((1, 8, 8, 3), name="picture")
    x = net.conv(x, dice.normal(size=(16, 3, 3, 3)), dice.normal(size=16), activation="RELU")
    x = net.depthwise(x, dice.normal(size=(1, 3, 3, 16)), np.zeros(16), stride=2)
    x = net.add(x, x)
    net.dense(net.mean(x), dice.normal(size=(5, 16)), np.ones(5), name="scores")
    for tensor in net.graph.tensors:
        if tensor.buffer == 0:
            tensor.shapeSignature = [-1, *tensor.shape[1:]]
    return imported(net.build())


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_net()


def run(graph: Graph, engine: str, precision: str, x: np.ndarray) -> np.ndarray:
    settings = Settings(Options(threads=1, precision=precision))
    model = CompiledModel(graph, {engine: ENGINES[engine]()}, ENGINES[NATIVE](), settings)
    (found,) = model({"picture": x}).values()
    best = next(iter(model.choices.values())).best
    assert best.engine == engine
    assert [built.failure for built in best.built] == [None]
    return found


@pytest.mark.parametrize("engine", [n for n in ENGINES if isinstance(ENGINES[n]().probe(), str)])
@pytest.mark.parametrize("rows", [1, 3])
def test_every_engine_gives_nearly_the_float_answer(graph, engine, rows):
    small = quantize(graph, [row[None] for row in SAMPLES])
    assert any(node.op_type == QUANTIZE for node in small.nodes)
    assert small.inputs == graph.inputs
    assert [t.shape for t in small.outputs] == [t.shape for t in graph.outputs]
    x = np.random.default_rng(rows).normal(size=(rows, 8, 8, 3)).astype(np.float32)
    assert sqnr(run(graph, NATIVE, "fp32", x), run(small, engine, "int8", x)) > 20


def test_a_quantized_model_is_not_quantized_again(graph):
    small = quantize(graph, [row[None] for row in SAMPLES[:8]])
    with pytest.raises(GraphError, match="quantized already"):
        quantize(small, [row[None] for row in SAMPLES[:8]])


@pytest.mark.parametrize(
    "samples", [[], [np.zeros((1, 4, 4, 3), np.float32)]], ids=["none", "small"]
)
def test_samples_that_do_not_fit_are_refused(graph, samples):
    with pytest.raises(CalibrationError):
        quantize(graph, samples)
