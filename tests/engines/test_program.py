"""Programs cut for two engines give the native engine's answer."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.engines.build import build
from homebody.engines.choose import choose, noise
from homebody.engines.engine import Options, Reason
from homebody.engines.litert import LiteRt
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.plan import plan
from homebody.engines.program import WORTH_POINTING
from homebody.engines.reading import read_graph
from homebody.errors import EngineBuildError, GraphError
from tests.engines.astray import astray
from tests.engines.graphs import random_graph

NATIVE, OPENVINO = OnnxRuntime(), OpenVino()
ENGINES = {engine.name: engine for engine in (NATIVE, OPENVINO)}


def graph_of(seed: int, rows: int = 2):
    graph = read_graph(random_graph(seed))
    return graph.at({tensor.name: (rows, 5) for tensor in graph.inputs})


def refusing(graph, operations):
    return [
        (number, Reason("unknown-operation", "for the test"))
        for number, node in enumerate(graph.nodes)
        if node.op_type in operations
    ]


@pytest.mark.parametrize("seed", range(12))
def test_cut_in_two_it_computes_the_same(seed):
    graph = graph_of(seed)
    inputs = noise(graph)
    whole, _ = build(plan(graph, NATIVE, NATIVE), ENGINES, NATIVE, Options(), None)
    cut = plan(
        graph, OPENVINO, NATIVE, min_segment_size=1, faulty=refusing(graph, {"Softmax", "Tanh"})
    )
    assert set(cut.engines) == {"onnxruntime", "openvino"}
    program, told = build(cut, ENGINES, NATIVE, Options(), None)
    assert [built.engine for built in told] == list(cut.engines)
    wanted, found = whole(inputs), program(inputs)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5)


class Failing(OpenVino):
    """Says yes to everything and builds nothing."""

    def build(self, segment, options):
        raise EngineBuildError("this engine is out of order")


def test_a_failing_build_falls_back_and_says_why():
    graph = graph_of(1)
    inputs = noise(graph)
    program, told = build(
        plan(graph, Failing(), NATIVE), {**ENGINES, "openvino": Failing()}, NATIVE, Options(), None
    )
    whole, _ = build(plan(graph, NATIVE, NATIVE), ENGINES, NATIVE, Options(), None)
    assert told[0].engine == "onnxruntime"
    assert told[0].failure == Reason("build-failed", "this engine is out of order")
    wanted, found = whole(inputs), program(inputs)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


class Straying(OpenVino):
    """Builds another network than it was given."""

    def build(self, segment, options):
        return astray(super().build(segment, options))


def test_an_engine_that_answers_otherwise_is_not_chosen():
    graph = graph_of(2)
    straying = {"onnxruntime": NATIVE, "openvino": Straying()}
    choice = choose(graph, straying, NATIVE, Options(), min_segment_size=1)
    assert choice.best.engine == "onnxruntime"
    assert choice.refused["openvino"].code == "wrong-answer"


def on_large_inputs(name):
    """A graph whose inputs are worth pointing at, by this engine and by the native one."""
    graph = graph_of(5, WORTH_POINTING // (4 * 5) + 1)
    engine = {**ENGINES, "litert": LiteRt()}[name]
    program, _ = build(
        plan(graph, engine, NATIVE), {name: engine, **ENGINES}, NATIVE, Options(), None
    )
    copied, _ = build(plan(graph, NATIVE, NATIVE), ENGINES, NATIVE, Options(), None)
    return graph, program, copied


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "litert"])
def test_large_inputs_are_read_where_they_are_and_still_right(name):
    graph, program, copied = on_large_inputs(name)
    dice = np.random.default_rng(4)
    for layout in ("C", "C", "F", "C", "strided"):
        inputs = {t.name: dice.normal(size=t.shape).astype(np.float32) for t in graph.inputs}
        if layout == "F":
            given = {n: np.asfortranarray(v) for n, v in inputs.items()}
        elif layout == "strided":
            given = {n: np.repeat(v, 2, axis=0)[::2] for n, v in inputs.items()}
        else:
            given = {n: v.copy() for n, v in inputs.items()}
        found = program(given)
        wanted = copied({n: v[:] for n, v in inputs.items()})
        for value in given.values():
            value[...] = np.nan  # the answer is the caller's own by now
        for output in wanted:
            np.testing.assert_allclose(found[output], wanted[output], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "litert"])
def test_large_inputs_may_be_given_again_changed_or_read_only(name):
    graph, program, copied = on_large_inputs(name)
    dice = np.random.default_rng(9)
    first, second = (
        {t.name: dice.normal(size=t.shape).astype(np.float32) for t in graph.inputs} for _ in "ab"
    )
    for inputs in (first, second, first, first):
        for value in inputs.values():
            value += dice.normal(size=value.shape).astype(np.float32)  # in place: the same array
        fixed = {
            n: np.frombuffer(v.tobytes(), np.float32).reshape(v.shape) for n, v in first.items()
        }
        for given in (inputs, fixed):
            found = program(given)
            wanted = copied({n: v.copy() for n, v in given.items()})
            for output in wanted:
                np.testing.assert_allclose(found[output], wanted[output], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: {**x, "more": x["x1"]}, "'more'"),
        (lambda x: {}, "give"),
        (lambda x: {n: v[:1] for n, v in x.items()}, r"\[2, 5\]"),
        (lambda x: {n: v.astype(np.float64) for n, v in x.items()}, "float64"),
    ],
    ids=["one too many", "none", "another shape", "another type"],
)
def test_other_inputs_are_refused(change, words):
    graph = graph_of(3)
    program, _ = build(plan(graph, NATIVE, NATIVE), ENGINES, NATIVE, Options(), None)
    with pytest.raises(GraphError, match=words):
        program(change(noise(graph)))
