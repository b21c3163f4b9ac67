"""A report measures with what it is given, and says where a refused engine first strays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.engine import Options
from homebody.engines.litert import LiteRt
from homebody.engines.nearness import Nearness, least
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.page import page
from homebody.engines.reading import read_graph
from homebody.engines.report import FaultReport, Report
from homebody.engines.reporting import DRAWN, _events, report
from homebody.engines.rows import Rows
from homebody.engines.trace import Span, Trace
from homebody.errors import EngineBuildError
from tests.engines.graphs import random_graph
from tests.engines.test_faults import Suspect, chain
from tests.engines.test_varying import nonzero

NATIVE = OnnxRuntime()


def compiled(graph, *engines, **values) -> CompiledModel:
    given = {"options": Options(), "min_segment_size": 1} | values
    named = {engine.name: engine for engine in engines}
    return CompiledModel(graph, named, NATIVE, Settings(**given))


def told(model: CompiledModel, shapes, **more) -> Report:
    model.at(shapes, measured=True)
    return report(model, "net.onnx", **more)


def test_real_inputs_are_measured_with_all_calls_together():
    graph = read_graph(random_graph(3))
    model = compiled(graph, LiteRt())
    dice = np.random.default_rng(0)
    names = [t.name for t in graph.inputs]
    arrays = {n: dice.normal(size=(5, 5)).astype(np.float32) for n in names}
    shapes = dict.fromkeys(names, (2, 5))
    found = told(model, shapes, inputs=Rows(arrays, "x.npz", 0.25))
    assert found.inputs is not None
    assert (found.inputs.name, found.inputs.rows, found.inputs.row_seconds) == ("x.npz", 5, 0.25)
    assert found.shapes[0].rows == 4  # two calls of two rows; the fifth has no second
    choice = model.at(shapes)
    (wanted,) = (r.candidates[0].sqnr_db for r in found.shapes)
    near = np.inf
    native = compiled(graph, NATIVE).at(shapes).best.program
    calls = [{n: a[2 * c : 2 * c + 2] for n, a in arrays.items()} for c in range(2)]
    pairs = [(choice.best.program(call), native(call)) for call in calls]
    for name in pairs[0][1]:
        right = np.concatenate([p[1][name] for p in pairs]).astype(float)
        error = np.concatenate([p[0][name] for p in pairs]) - right
        if error.any():
            near = min(near, 10 * np.log10((right**2).sum() / (error**2).sum()))
    assert wanted == ("exact" if near == np.inf else pytest.approx(near, abs=1e-6))


def test_inputs_of_another_shape_leave_noise_and_say_so():
    graph = chain(3)
    arrays = Rows({"x": np.zeros((2, 7), np.float32)})
    found = told(compiled(graph, NATIVE), {"x": (4,)}, inputs=arrays)
    assert found.shapes[0].rows == 0
    assert found.inputs is not None


def test_a_refused_engine_is_searched_for_its_first_fault():
    model = compiled(chain(9), Suspect("n5"), NATIVE)
    said: list[str] = []
    found = told(model, {"x": (4,)}, told=said.append)
    (shape,) = found.shapes
    assert shape.refused["suspect"].code == "wrong-answer"
    fault = shape.faults["suspect"]
    assert isinstance(fault, FaultReport)
    assert fault.nodes == ("n5",)
    assert fault.builds <= 4
    assert fault.sqnr_db is not None
    assert fault.sqnr_db < 60
    assert said == ["measuring onnxruntime", "finding where suspect strays"]


def test_an_engine_that_fails_while_searched_is_left_alone():
    class Falling(Suspect):
        def build(self, segment, options):
            if self.builds:
                raise EngineBuildError("not twice")
            return super().build(segment, options)

    class Raising(Suspect):
        def build(self, segment, options):
            if self.builds:
                raise RuntimeError("the driver is gone")
            return super().build(segment, options)

    for engine in (Falling("n2"), Raising("n2")):
        (shape,) = told(compiled(chain(5), engine, NATIVE), {"x": (4,)}).shapes
        assert shape.refused["suspect"].code == "wrong-answer"
        assert shape.faults == {}


def test_one_engine_for_every_batch_is_reported_too():
    graph = read_graph(random_graph(1))
    model = compiled(graph, OpenVino(), NATIVE, policy="dynamic")
    shapes = {t.name: (2, 5) for t in graph.inputs}
    arrays = {t.name: np.ones((3, 5), np.float32) for t in graph.inputs}
    (shape,) = told(model, shapes, inputs=Rows(arrays)).shapes
    assert set(shape.shapes.values()) == {(-1, 5)}
    assert shape.rows == 3
    assert all(c.sqnr_db == "exact" or c.sqnr_db > 60 for c in shape.candidates)
    assert "any×5" in page(report(model, "net.onnx"))


def test_shapes_that_depend_on_data_are_measured():
    graph = read_graph(nonzero())
    model = compiled(graph, LiteRt(), NATIVE)
    (shape,) = told(model, {"x": (3, 4)}).shapes
    for candidate in shape.candidates:
        assert candidate.sqnr_db == "exact"
        assert all(s.own_sqnr_db == "exact" for s in candidate.segments)


def test_the_call_holds_what_the_trace_holds():
    trace = Trace("net")
    (shape,) = told(compiled(chain(4), NATIVE), {"x": (4,)}, trace=trace).shapes
    events = [e for e in trace.events() if e["ph"] == "X"][1:]
    assert [(e["cat"], e["name"]) for e in events] == [(e.kind, e.name) for e in shape.call]
    for event, one in zip(events, shape.call, strict=True):
        assert event["dur"] == pytest.approx(1e6 * one.seconds, abs=0.01)
    assert [e.kind for e in shape.call if e.segment is None] == ["copy", "gap", "copy"]


def test_the_longest_of_very_many_kernels_are_kept_in_their_order():
    dice = np.random.default_rng(0)
    lengths = dice.permutation(DRAWN + 50) + 1.0
    kernels = [Span(str(n), "kernel", 0.0, length, {"operation": "Conv"})
               for n, length in enumerate(lengths)]  # fmt: skip
    found = _events([Span("call", "call", 0.0, 1e4), Span("s", "segment", 0.0, 1e4), *kernels])
    kept = [int(e.name) for e in found if e.kind == "kernel"]
    assert kept == [n for n, length in enumerate(lengths) if length > 50]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-100, 100), min_size=3, max_size=3), min_size=1, max_size=4),
       st.integers(-20, 20), st.integers(0, 2**31))  # fmt: skip
def test_nearness_is_of_all_values_together(values, zero, seed):
    dice = np.random.default_rng(seed)
    near = Nearness(zero)
    wanted = np.array(values, np.int16)
    found = wanted + dice.integers(-2, 3, wanted.shape).astype(np.int16)
    for one, right in zip(found, wanted, strict=True):
        near.add(one, right)
    signal, noise = ((wanted - zero) ** 2).sum(), ((found - wanted) ** 2).sum()
    if not noise:
        assert near.decibels == "exact"
    elif not signal:
        assert near.decibels == "wrong"
    else:
        assert near.decibels == pytest.approx(10 * np.log10(signal / noise))


def test_what_is_not_finite_or_of_another_shape_is_wrong():
    one = np.ones(2, np.float32)
    for found in (np.array([1, np.nan], np.float32), np.array([1, np.inf], np.float32),
                  np.ones(3, np.float32)):  # fmt: skip
        near = Nearness()
        near.add(found, one)
        assert near.decibels == "wrong"
    both = Nearness()
    both.add(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]))
    assert both.decibels == "exact"


@pytest.mark.parametrize(
    ("found", "lowest"),
    [([], "exact"), (["exact", 3.0], 3.0), ([3.0, "wrong", 1.0], "wrong"), ([2.0, 1.0], 1.0)],
)
def test_the_least_of_several(found, lowest):
    assert least(found) == lowest
