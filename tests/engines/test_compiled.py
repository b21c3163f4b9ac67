"""Builds that others do not wait for: what is answered while an engine is built."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")

from onnx import helper, numpy_helper

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.reading import read_graph
from homebody.errors import EngineBuildError

from .graphs import model, value

WEIGHTS = np.arange(-4, 8, dtype=np.float32).reshape(4, 3)


class Gated(OnnxRuntime):
    """Builds the batches named only once it is let, or not at all."""

    def __init__(self, *held: int, fails: bool = False) -> None:
        self.held, self.fails = held, fails
        self.entered, self.free = threading.Event(), threading.Event()
        self.tried: list[int] = []

    def build(self, segment, options):
        batch = segment.inputs[0].shape[0]
        self.tried.append(batch)
        if batch in self.held:
            self.entered.set()
            assert self.free.wait(30)
            if self.fails:
                raise EngineBuildError("not this one")
        return super().build(segment, options)


def compiled(native, policy="cost", width: int | str = 4):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    weights = [numpy_helper.from_array(WEIGHTS, "w")]
    data = model(nodes, [value("x", ["n", width])], [value("y", ["n", 3])], initializers=weights)
    return CompiledModel(read_graph(data), {native.name: native}, native, Settings(policy=policy))


def rows(count: int) -> np.ndarray:
    return np.arange(count * 4, dtype=np.float32).reshape(count, 4)


@pytest.mark.parametrize("policy", ["exact", "at-least"])
def test_what_others_can_cover_is_answered_while_an_engine_is_built(policy):
    native = Gated(5)
    made = compiled(native, policy)
    with ThreadPoolExecutor(1) as later:
        made.later = later
        made({"x": rows(2)})
        for _ in range(3):
            assert np.array_equal(made({"x": rows(5)})["y"], rows(5) @ WEIGHTS)
        assert native.entered.wait(30)
        assert np.array_equal(made({"x": rows(5)})["y"], rows(5) @ WEIGHTS)
        assert ((5, 4),) not in made.choices
        native.free.set()
    assert ((5, 4),) in made.choices
    assert native.tried.count(5) == 1
    assert np.array_equal(made({"x": rows(5)})["y"], rows(5) @ WEIGHTS)


def test_a_build_that_fails_later_is_not_tried_at_each_call():
    native = Gated(5, fails=True)
    native.free.set()
    made = compiled(native, "exact")
    with ThreadPoolExecutor(1) as later:
        made.later = later
        made({"x": rows(2)})
        for _ in range(5):
            assert np.array_equal(made({"x": rows(5)})["y"], rows(5) @ WEIGHTS)
    assert native.tried.count(5) == 1


def test_a_build_at_once_holds_up_nobody_else():
    native = Gated(5)
    made = compiled(native, "exact")
    made({"x": rows(2)})
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(made, {"x": rows(5)})
        assert native.entered.wait(30)
        assert np.array_equal(made({"x": rows(2)})["y"], rows(2) @ WEIGHTS)
        assert not waiting.done()
        native.free.set()
        assert np.array_equal(waiting.result(30)["y"], rows(5) @ WEIGHTS)


@pytest.mark.parametrize("policy", ["cost", "dynamic"])
def test_ready_once_something_answers(policy):
    made = compiled(OnnxRuntime(), policy)
    assert not made.ready({"x": (2, 4)})
    made({"x": rows(1)})
    assert made.ready({"x": (2, 4)})


def test_two_threads_build_an_engine_once():
    native = Gated(5)
    made = compiled(native, "exact")
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(made, {"x": rows(5)}) for _ in range(2)]
        assert native.entered.wait(30)
        native.free.set()
        for one in both:
            assert np.array_equal(one.result(30)["y"], rows(5) @ WEIGHTS)
    assert native.tried == [5]
