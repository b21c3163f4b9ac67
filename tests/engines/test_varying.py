"""Graphs whose shapes depend on data, and programs whose batch stays open."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from homebody.engines.build import build
from homebody.engines.choose import choose, noise
from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.engine import Options
from homebody.engines.litert import LiteRt
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.plan import plan
from homebody.engines.reading import read_graph
from homebody.errors import GraphError
from tests.engines.graphs import model, random_graph, value

NATIVE, OPENVINO = OnnxRuntime(), OpenVino()
ENGINES = {engine.name: engine for engine in (NATIVE, OPENVINO, LiteRt())}


class Static(OpenVino):
    """An engine that needs to know every shape."""

    name = "static"
    varies = False


def constant(name: str, values):
    return numpy_helper.from_array(np.asarray(values), name)


def nonzero() -> bytes:
    """Relu and Abs, then the places that are not zero, then their sum: 2, n and 2 numbers."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "relu"),
        helper.make_node("Neg", ["a"], ["b"], "neg"),
        helper.make_node("Abs", ["b"], ["c"], "abs"),
        helper.make_node("NonZero", ["c"], ["places"], "nonzero"),
        helper.make_node("Cast", ["places"], ["real"], "cast", to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["real", "axes"], ["y"], "sum", keepdims=0),
        helper.make_node("Mul", ["y", "y"], ["z"], "square"),
    ]
    outputs = [value("places", ["k", "n"], TensorProto.INT64), value("z", ["k"])]
    return model(
        nodes, [value("x", [3, 4])], outputs, initializers=[constant("axes", np.array([1]))]
    )


def reshaped() -> bytes:
    """A value brought into a shape that is an input; nobody knows its rank."""
    nodes = [
        helper.make_node("Neg", ["x"], ["a"], "neg"),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("Abs", ["b"], ["c"], "abs"),
        helper.make_node("Reshape", ["c", "shape"], ["d"], "reshape"),
        helper.make_node("Exp", ["d"], ["e"], "exp"),
        helper.make_node("Reshape", ["e", "flat"], ["y"], "flat"),
    ]
    inputs = [value("x", [2, 6]), value("shape", ["rank"], TensorProto.INT64)]
    flat = constant("flat", np.array([-1]))
    return model(nodes, inputs, [value("y", ["n"])], initializers=[flat])


def places(x):
    kept = np.maximum(x, 0)
    found = np.array(np.nonzero(kept))
    return {"places": found, "z": found.sum(axis=1).astype(np.float32) ** 2}


@pytest.mark.parametrize("engine", [NATIVE, OPENVINO, Static()], ids=lambda engine: engine.name)
@pytest.mark.parametrize("smallest", [1, 3])
def test_places_that_are_not_zero(engine, smallest):
    graph = read_graph(nonzero())
    cut = plan(graph, engine, NATIVE, min_segment_size=smallest)
    engines = {engine.name: engine, NATIVE.name: NATIVE}
    program, _ = build(cut, engines, NATIVE, Options(), None)
    dice = np.random.default_rng(0)
    for _ in range(5):  # each has as many places as it has
        x = dice.normal(size=(3, 4)).astype(np.float32)
        found, wanted = program({"x": x}), places(x)
        for name in wanted:
            assert found[name].shape == wanted[name].shape
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6)
    assert found["places"] is not program({"x": x})["places"]


def test_an_engine_that_needs_shapes_is_given_the_rest_and_told_why():
    graph = read_graph(nonzero())
    cut = plan(graph, Static(), NATIVE, min_segment_size=2)
    assert cut.engines == ("static", "onnxruntime")
    told = {node.name: r.code for node, r in zip(graph.nodes, cut.reasons, strict=True) if r}
    assert told == {
        "nonzero": "varying-shape", "cast": "varying-shape", "sum": "varying-shape",
        "square": "too-small",
    }  # fmt: skip


def test_a_rank_that_nobody_knows():
    graph = read_graph(reshaped())
    x = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    compiled = CompiledModel(graph, ENGINES, NATIVE, Settings())
    for shape in ([12], [3, 4], [1, 2, 6, 1]):
        found = compiled({"x": x, "shape": np.array(shape)})["y"]
        np.testing.assert_allclose(found, np.exp(np.maximum(-x, 0)).reshape(-1), rtol=1e-5)
    with pytest.raises(GraphError, match="does not take these inputs"):
        compiled({"x": x, "shape": np.array([5, 5])})


def test_rows_that_are_chosen_by_data_are_no_batch():
    """Each row's choice would be padded and cut as if it were the row."""
    nodes = [
        helper.make_node("ReduceSum", ["x", "axes"], ["s"], "sum", keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["keep"], "greater"),
        helper.make_node("Compress", ["x", "keep"], ["y"], "compress", axis=0),
    ]
    constants = [constant("axes", np.array([1])), constant("zero", np.float32(0))]
    outputs = [value("y", ["kept", 4])]
    graph = read_graph(model(nodes, [value("x", ["n", 4])], outputs, initializers=constants))
    compiled = CompiledModel(graph, {}, NATIVE, Settings())
    assert not compiled.batched
    dice = np.random.default_rng(1)
    for rows in (3, 5, 3, 1):
        x = dice.normal(size=(rows, 4)).astype(np.float32)
        found = compiled({"x": x})["y"]
        np.testing.assert_array_equal(found, x[x.sum(axis=1) > 0])


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_an_open_batch_is_one_engine_for_all(name):
    graph = read_graph(random_graph(3))
    settings = Settings(Options(), "dynamic")
    compiled = CompiledModel(graph, {name: ENGINES[name]}, NATIVE, settings)
    exact = CompiledModel(graph, {}, NATIVE, Settings(Options(), "exact"))
    dice = np.random.default_rng(1)
    for batch in (3, 1, 8, 17):
        inputs = {t.name: dice.normal(size=(batch, 5)).astype(np.float32) for t in graph.inputs}
        found, wanted = compiled(inputs), exact(inputs)
        for output in wanted:
            np.testing.assert_allclose(found[output], wanted[output], rtol=1e-4, atol=1e-5)
    assert [key[0] for key in compiled.choices] == [(-1, 5)]
    (choice,) = compiled.choices.values()
    assert choice.best.engine == name


def test_an_engine_of_fixed_shapes_is_refused_for_an_open_batch():
    graph = read_graph(random_graph(3)).at({})
    choice = choose(graph, ENGINES, NATIVE, Options(), min_segment_size=1)
    assert choice.refused["litert"].code in ("varying-shape", "unknown-operation")


def test_open_programs_still_refuse_what_does_not_fit():
    graph = read_graph(random_graph(3))
    program, _ = build(plan(graph, NATIVE, NATIVE), {NATIVE.name: NATIVE}, NATIVE, Options(), None)
    good = noise(graph, batch=4)
    assert all(len(rows) == 4 for rows in program(good).values())
    with pytest.raises(GraphError, match="give float32"):
        program({name: rows[:, :3] for name, rows in good.items()})
    with pytest.raises(GraphError, match="give float32"):
        program({name: rows[0] for name, rows in good.items()})
