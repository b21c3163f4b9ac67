"""What is constant once shapes are fixed is computed before engines see the graph."""

from __future__ import annotations

import numpy as np
import onnx.reference
import pytest
from onnx import TensorProto, helper, numpy_helper

from homebody.engines.engine import Options
from homebody.engines.graph import Graph
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.reading import read_graph
from tests.engines.graphs import model, value


def node(kind, read, made, **options):
    return helper.make_node(kind, read, [made], made, **options)


def constant(name, values, dtype=np.int64):
    return numpy_helper.from_array(np.array(values, dtype), name)


def answer(graph: Graph, x: np.ndarray) -> np.ndarray:
    out = np.zeros(graph.outputs[0].shape, graph.outputs[0].dtype)
    OnnxRuntime().build(graph.whole(), Options()).bind([x], [out])()
    return out


def kinds(graph: Graph) -> list[str]:
    return [node.op_type for node in graph.nodes]


SHAPED = model(
    [
        node("Shape", ["x"], "shape"),
        node("Gather", ["shape", "first"], "batch"),
        node("Concat", ["batch", "rest"], "wanted", axis=0),
        node("Reshape", ["x", "wanted"], "rows"),
        node("Identity", ["w"], "w2"),
        node("Shape", ["rows"], "again"),
        node("Expand", ["w2", "again"], "wide"),
        node("Mul", ["rows", "wide"], "y"),
    ],
    [value("x", ["n", 2, 3])],
    [value("y", ["n", 6])],
    initializers=[constant("first", [0]), constant("rest", [-1]), constant("w", [2], np.float32)],
)


def test_arithmetic_on_shapes_is_gone_once_they_are_fixed():
    graph = read_graph(SHAPED)
    static = graph.at({"x": (4, 2, 3)})
    assert kinds(static) == ["Reshape", "Mul"]
    x = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    wanted = onnx.reference.ReferenceEvaluator(onnx.load_from_string(SHAPED)).run(None, {"x": x})[0]
    np.testing.assert_array_equal(answer(static, x), wanted)


def test_open_shapes_stay_computed():
    assert "Shape" in kinds(read_graph(SHAPED).at({"x": (-1, 2, 3)}))


def test_part_of_a_shape():
    data = model(
        [node("Shape", ["x"], "s", start=-2, end=-1), node("Reshape", ["y", "s"], "z")],
        [value("x", [4, 5, 6]), value("y", [1, 5])],
        [value("z", [5])],
    )
    static = read_graph(data).at({})
    assert kinds(static) == ["Reshape"]
    assert static.outputs[0].shape == (5,)


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("DequantizeLinear", ["q", "s"], "d")], ["q", "s"]),
        ([node("RandomNormalLike", ["s"], "d")], ["s"]),
        ([node("ConstantOfShape", ["huge"], "d")], ["huge"]),
    ],
    ids=["how a weight is stored", "chance", "more than is read"],
)
def test_some_things_stay(nodes, constants):
    given = {
        "q": constant("q", 3, np.int8),
        "s": constant("s", 0.5, np.float32),
        "huge": constant("huge", [1 << 20, 1 << 10]),
    }
    data = model(
        [*nodes, node("ReduceMax", ["d"], "m", keepdims=0), node("Mul", ["x", "m"], "y")],
        [value("x", [2])],
        [value("y", [2])],
        initializers=[given[name] for name in constants],
    )
    assert nodes[0].op_type in kinds(read_graph(data).at({}))


def test_an_output_that_is_constant_stays_an_output():
    data = model(
        [node("Shape", ["x"], "s"), node("Neg", ["x"], "y")],
        [value("x", [2, 3])],
        [value("s", [2], TensorProto.INT64), value("y", [2, 3])],
    )
    assert [t.name for t in read_graph(data).at({}).outputs] == ["s", "y"]


def test_what_the_native_engine_cannot_compute_stays():
    data = model(
        [node("Gather", ["w", "far"], "g"), node("Mul", ["x", "g"], "y")],
        [value("x", [2])],
        [value("y", [2])],
        initializers=[constant("w", [1.0, 2], np.float32), constant("far", 7)],
    )
    assert kinds(read_graph(data).at({})) == ["Gather", "Mul"]
