"""TFLite models imported: each operation beside LiteRT, in float and in int8."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.engines import qdq
from homebody.engines.build import build
from homebody.engines.engine import Options
from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.plan import plan
from homebody.engines.reading import read_graph
from homebody.engines.tflite import import_tflite
from homebody.errors import GraphError, ModelError
from homebody.runtime import Model
from homebody.shrink import shrink
from tests.engines.tflite.kinds import INTEGER, KINDS, in_float, in_int8, samples
from tests.shrink.nets import Net, sqnr

NATIVE = OnnxRuntime()


def answers(graph: Graph, given: list[np.ndarray]) -> list[np.ndarray]:
    static = graph.at({t.name: v.shape for t, v in zip(graph.inputs, given, strict=True)})
    program, _ = build(plan(static, NATIVE, NATIVE), {NATIVE.name: NATIVE}, NATIVE, Options(), None)
    found = program({t.name: v for t, v in zip(static.inputs, given, strict=True)})
    return [found[t.name] for t in static.outputs]


def imported(data: bytes) -> Graph:
    return read_graph(import_tflite(data).SerializeToString())


def test_what_the_other_tests_hold_is_most_of_what_is_imported():
    assert len(KINDS) > 60


@pytest.mark.parametrize("kind", KINDS)
def test_each_operation_in_float(kind):
    data = in_float(kind)
    given = samples(data, 1)[0]
    for wanted, found in zip(Model(data)(*given), answers(imported(data), given), strict=True):
        assert found.shape == wanted.shape
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", INTEGER)
def test_each_operation_in_int8(kind):
    data, seen = in_int8(kind)
    graph = imported(data)
    prepared = Graph(qdq.prepare(imported(data).model))
    for given in seen[:2]:
        for wanted, found, again in zip(
            Model(data)(*given), answers(graph, given), answers(prepared, given), strict=True
        ):
            assert found.shape == wanted.shape
            if wanted.dtype.kind == "f":
                # Where a sum lies halfway between two integers, the two round apart.
                assert sqnr(wanted, found) > 30
                assert sqnr(found, again) > 30
            else:
                assert (wanted == found).mean() > 0.9


def test_between_convolutions_nothing_is_turned():
    dice = np.random.default_rng(0)
    net = Net()
    x = net.input((1, 8, 8, 3))
    for channels in (4, 6, 6):
        weights = dice.normal(size=(channels, 3, 3, net.shape(x)[3]))
        x = net.conv(x, weights, np.zeros(channels), activation="RELU")
    x = net.add(x, x)
    net.mean(x)
    kinds = [node.op_type for node in imported(net.build()).nodes]
    assert kinds.count("Transpose") == 1


def test_integers_stay_integers():
    net = Net()
    net.mean(net.conv(net.input((1, 8, 8, 3)), np.ones((4, 3, 3, 3)), np.ones(4)))
    data = shrink(net.build(), [v for (v,) in samples(net.build())]).model
    prepared = qdq.prepare(imported(data).model)
    kinds = [node.op_type for node in prepared.graph]
    assert kinds.count(QUANTIZE) == 3
    assert kinds.count(DEQUANTIZE) == 5  # two of them weights' and a bias's
    stored = {v.dtype.name for n in prepared.graph if n.op_type == QUANTIZE for v in n.outputs}
    assert stored == {"UINT8"}


def test_what_is_not_imported_is_named():
    net = Net()
    net.op("MATRIX_DIAG", [net.input((1, 4))], (1, 4, 4), options="MatrixDiagOptions")
    with pytest.raises(GraphError, match=r"#0 MATRIX_DIAG .* is not imported"):
        imported(net.build())


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\x1c\0\0\0TFL3" + b"\xff" * 60])
def test_what_is_no_model_is_refused(data):
    with pytest.raises(ModelError):
        import_tflite(data)
