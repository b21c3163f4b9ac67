"""ONNX graphs written as TFLite models: there and back again, beside LiteRT."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from homebody.engines import qdq
from homebody.engines.graph import Graph
from homebody.engines.reading import read_graph
from homebody.engines.tflite import export_tflite
from homebody.errors import GraphError
from homebody.runtime import Model, tflite
from homebody.runtime.tflite import operator_names
from homebody.shrink import shrink
from tests.engines.graphs import model, value
from tests.engines.tflite.kinds import INTEGER, KINDS, in_float, in_int8, samples
from tests.engines.tflite.test_importing import imported
from tests.shrink.nets import Net, sqnr


def exported(data: bytes) -> bytes:
    graph = Graph(qdq.prepare(imported(data).model))
    static = graph.at({t.name: tuple(max(1, d) for d in t.shape) for t in graph.inputs})
    return export_tflite(static)


def kinds(data: bytes) -> list[str]:
    names = operator_names()
    return [names[op.code] for op in tflite.parse(data).subgraphs[0].operations]


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back_in_float(kind):
    data = in_float(kind)
    given = samples(data, 1)[0]
    for wanted, found in zip(Model(data)(*given), Model(exported(data))(*given), strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", INTEGER)
def test_there_and_back_in_int8(kind):
    data, seen = in_int8(kind)
    again = exported(data)
    for given in seen[:2]:
        for wanted, found in zip(Model(data)(*given), Model(again)(*given), strict=True):
            if wanted.dtype.kind == "f":
                assert sqnr(wanted, found) > 30
            else:
                assert (wanted == found).mean() > 0.9


def _net(activation: str = "RELU") -> bytes:
    dice = np.random.default_rng(0)
    net = Net()
    x = net.input((1, 8, 8, 3))
    x = net.conv(x, dice.normal(size=(4, 3, 3, 3)), np.ones(4), activation=activation)
    x = net.depthwise(x, dice.normal(size=(1, 3, 3, 4)), np.ones(4), stride=2)
    x = net.add(x, x)
    net.dense(net.mean(x), dice.normal(size=(5, 4)), np.ones(5))
    return net.build()


def test_int8_comes_back_as_int8_and_nothing_is_added():
    data = shrink(_net(), [given for (given,) in samples(_net())]).model
    again = [kind for kind in kinds(exported(data)) if kind != "RESHAPE"]  # of one pixel
    assert again == kinds(data)


def test_int8_comes_back_with_the_same_answer():
    data = shrink(_net(), [given for (given,) in samples(_net())]).model
    again = exported(data)
    for (given,) in samples(data):
        np.testing.assert_array_equal(Model(again)(given)[0], Model(data)(given)[0])


def test_what_has_no_form_is_named():
    net = Net()
    net.op("SIN", [net.input((1, 4))], (1, 4))
    graph = imported(net.build())
    graph.nodes[0].op_type = "Acosh"
    with pytest.raises(GraphError, match="Acosh .* has no TFLite form"):
        export_tflite(graph)


@pytest.mark.parametrize(
    ("node", "shape", "constants", "says"),
    [
        (
            helper.make_node("ArgMax", ["x"], ["y"], "n", axis=1, select_last_index=1),
            [1, 4], {}, "wants the last of equals",
        ),
        (
            helper.make_node("Resize", ["x", "", "s"], ["y"], "n", nearest_mode="ceil"),
            [1, 2, 4, 4], {"s": np.array([1, 1, 2, 2], np.float32)}, "resizes in a way",
        ),
        (
            helper.make_node("Resize", ["x", "", "s"], ["y"], "n", mode="linear"),
            [1, 2, 4, 4], {"s": np.array([1, 1, 1.3, 2], np.float32)}, "a scale that lies between",
        ),
    ],
    ids=["the last of equals", "another rounding", "a scale between sizes"],
)  # fmt: skip
def test_forms_that_tflite_does_not_have_are_refused(node, shape, constants, says):
    kind = 7 if node.op_type == "ArgMax" else 1
    initializers = [numpy_helper.from_array(v, n) for n, v in constants.items()]
    out = value("y", [None] * len(shape), kind)
    data = model([node], [value("x", shape)], [out], initializers=initializers)
    with pytest.raises(GraphError, match=says):
        export_tflite(read_graph(data).at({}))


def test_an_uneven_split():
    node = helper.make_node("Split", ["x", "sizes"], ["a", "b"], "n", axis=1)
    sizes = numpy_helper.from_array(np.array([1, 3]), "sizes")
    outputs = [value("a", [2, 1]), value("b", [2, 3])]
    data = model([node], [value("x", [2, 4])], outputs, initializers=[sizes])
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    first, second = Model(export_tflite(read_graph(data).at({})))(x)
    np.testing.assert_array_equal(first, x[:, :1])
    np.testing.assert_array_equal(second, x[:, 1:])


def test_an_int8_pool_with_a_row_left_over_stays_int8():
    dice = np.random.default_rng(3)
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3)), dice.normal(size=(4, 3, 3, 3)), np.ones(4))
    x = net.op(
        "MAX_POOL_2D", [x], (1, 3, 3, 4), options="Pool2DOptions", padding=1, filterHeight=3,
        filterWidth=3, strideH=2, strideW=2,
    )  # fmt: skip
    net.dense(net.mean(x), dice.normal(size=(5, 4)), np.ones(5))
    data = shrink(net.build(), [given for (given,) in samples(net.build())]).model
    again = exported(data)
    assert [kind for kind in kinds(again) if kind != "RESHAPE"] == kinds(data)
    for (given,) in samples(data):
        np.testing.assert_array_equal(Model(again)(given)[0], Model(data)(given)[0])
