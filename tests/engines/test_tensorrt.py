"""The TensorRT adapter against a stand-in for TensorRT's interface."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.engines import tensorrt
from homebody.engines.build import build
from homebody.engines.choose import nearness, noise
from homebody.engines.engine import Options, Reason
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.plan import plan
from homebody.engines.quantize import quantize
from homebody.engines.reading import read_graph
from homebody.engines.tensorrt import TensorRt
from homebody.errors import EngineBuildError
from tests.engines.fake_tensorrt import Cuda, Trt
from tests.engines.graphs import random_graph
from tests.engines.test_quantize import SAMPLES, small_net

NATIVE, ENGINE = OnnxRuntime(), TensorRt()
ENGINES = {engine.name: engine for engine in (NATIVE, ENGINE)}


@pytest.fixture
def gpu(monkeypatch):
    cuda = Cuda()
    trt = Trt(cuda)
    monkeypatch.setattr(tensorrt, "_cuda", lambda: cuda)
    monkeypatch.setattr(tensorrt, "_trt", lambda: trt)
    tensorrt._logger.cache_clear()
    yield trt
    tensorrt._logger.cache_clear()


def graph_of(seed: int):
    graph = read_graph(random_graph(seed))
    return graph.at({tensor.name: (2, 5) for tensor in graph.inputs})


def test_without_tensorrt_it_is_unavailable():
    found = ENGINE.probe()
    assert isinstance(found, Reason)
    assert found.code == "unavailable"
    assert all(reason == found for reason in ENGINE.supports(graph_of(1)))


def test_without_a_gpu_it_is_unavailable(gpu):
    gpu.cuda.devices = 0
    assert ENGINE.probe() == Reason("unavailable", "there is no NVIDIA GPU, or no driver for it")


def test_its_version_names_what_plans_depend_on(gpu):
    assert ENGINE.probe() == "10.0.0 on Stand-in 9.0, driver 12040"


@pytest.mark.parametrize("refuses", [(), ("Softmax", "Tanh")], ids=["whole", "cut"])
def test_it_computes_what_the_native_engine_does(gpu, refuses):
    gpu.refuses = refuses
    graph = graph_of(1)
    inputs = noise(graph)
    cut = plan(graph, ENGINE, NATIVE, min_segment_size=1)
    assert set(cut.engines) == ({"tensorrt", "onnxruntime"} if refuses else {"tensorrt"})
    program, told = build(cut, ENGINES, NATIVE, Options(), None)
    assert not any(built.failure for built in told)
    whole, _ = build(plan(graph, NATIVE, NATIVE), ENGINES, NATIVE, Options(), None)
    for _ in range(2):
        wanted, found = whole(inputs), program(inputs)
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-6)
        inputs = {name: value + 1 for name, value in inputs.items()}


@pytest.mark.parametrize(
    ("precision", "flags"),
    [("fp32", set()), ("fp16", {"fp16"}), ("bf16", {"bf16"}), ("int8", {"int8"})],
)
def test_fp32_is_never_lowered(gpu, precision, flags):
    ENGINE.build(graph_of(1).whole(), Options(precision=precision))
    assert gpu.flags == flags


def test_int8_has_its_zero_in_the_middle(gpu):
    small = quantize(small_net(), [row[None] for row in SAMPLES]).at({"picture": (1, 8, 8, 3)})
    inputs = {"picture": SAMPLES[:1]}
    whole, _ = build(plan(small, NATIVE, NATIVE), ENGINES, NATIVE, Options(), None)
    options = Options(precision="int8")
    program, told = build(plan(small, ENGINE, NATIVE), ENGINES, NATIVE, options, None)
    assert [built.failure for built in told] == [None]
    assert nearness(program(inputs), whole(inputs)) > 20


def test_memory_on_the_gpu_is_given_back(gpu):
    program, _ = build(plan(graph_of(1), ENGINE, NATIVE), ENGINES, NATIVE, Options(), None)
    assert gpu.cuda.memory
    del program
    assert not gpu.cuda.memory


@pytest.mark.parametrize("call", ["cudaMalloc", "cudaStreamSynchronize"])
def test_what_the_driver_refuses_is_one_sentence(gpu, call):
    gpu.cuda.fails = call
    graph = graph_of(1)
    segment = graph.whole()
    built = ENGINE.build(segment, Options())
    inputs = [np.zeros(t.shape, t.dtype) for t in segment.inputs]
    outputs = [np.zeros(t.shape, t.dtype) for t in segment.outputs]
    with pytest.raises(EngineBuildError, match="reports error 2"):
        built.bind(inputs, outputs)()


def test_what_it_does_not_read_falls_back(gpu):
    gpu.refuses = ("Relu",)
    with pytest.raises(EngineBuildError, match="no importer registered"):
        ENGINE.build(graph_of(1).whole(), Options())
    with pytest.raises(EngineBuildError, match="made elsewhere"):
        ENGINE.load(b"another GPU's", graph_of(1).whole(), Options())


def test_its_layers_are_timed(gpu):
    segment = graph_of(1).whole()
    built = ENGINE.build(segment, Options())
    inputs = [np.zeros(t.shape, t.dtype) for t in segment.inputs]
    outputs = [np.zeros(t.shape, t.dtype) for t in segment.outputs]
    (kernel,) = built.profile(inputs, outputs)
    assert (kernel.name, kernel.microseconds) == ("layer", 250.0)
