"""Builds in another process: how each way of going wrong is told, and that all goes on after it."""

from __future__ import annotations

import io
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")

from homebody.engines.build import CRASHED, build
from homebody.engines.cache import DiskCache
from homebody.engines.choose import noise
from homebody.engines.engine import Options
from homebody.engines.isolation import messages
from homebody.engines.isolation.builder import Builder
from homebody.engines.isolation.engine import Isolated
from homebody.engines.litert import LiteRt
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.plan import plan
from homebody.engines.reading import read_graph
from homebody.errors import EngineBuildError, EngineCrashError

from ..graphs import random_graph
from . import fakes

NATIVE = OnnxRuntime()
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def builder():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv(fakes.BUILDER, str(os.getpid()))
        made = Builder(limit_s=60)
        yield made
        made.close()


def graph_of(seed: int = 1):
    graph = read_graph(random_graph(seed))
    return graph.at({tensor.name: (2, 5) for tensor in graph.inputs})


def whole(engine, store=None, graph=None):
    """A program that is this engine's, or the native one's after it; and what came of it."""
    graph = graph or graph_of()
    engines = {engine.name: engine, NATIVE.name: NATIVE}
    program, (told,) = build(plan(graph, engine, NATIVE), engines, NATIVE, Options(), store)
    wanted, _ = build(plan(graph, NATIVE, NATIVE), engines, NATIVE, Options(), None)
    inputs = noise(graph)
    found, right = program(inputs), wanted(inputs)
    for name in right:
        np.testing.assert_allclose(found[name], right[name], rtol=1e-4, atol=1e-5)
    return told


@pytest.mark.parametrize("engine", [OnnxRuntime, OpenVino, LiteRt])
def test_real_engines_answer_as_if_built_here(builder, engine):
    made = engine()
    if not isinstance(made.probe(), str):
        pytest.skip(f"{made.name} is not installed")
    told = whole(Isolated(made, builder))
    assert (told.engine, told.failure) == (made.name, None)


BAD = {
    fakes.Segfault: "the build was killed by SIGSEGV",
    fakes.Abort: r"the build was killed by SIGABRT: Check failed: shapes.size\(\) == 2 \(1 vs. 2\)",
    fakes.Exit: "the build ended its process with status 3",
    fakes.Killed: "the build was killed by SIGKILL",
    fakes.Nonsense: "the build was ended: its process answered nonsense",
    fakes.Raises: "the build fails: ZeroDivisionError: by zero",
    fakes.Forgetful: "what it saved answers otherwise than what it built",
    fakes.LoadCrashes: "the build was killed by SIGABRT",
    fakes.RunCrashes: "the build was killed by SIGABRT",
}


@pytest.mark.parametrize("engine", BAD)
def test_what_goes_wrong_is_told_and_the_native_engine_answers(builder, engine):
    told = whole(Isolated(engine(), builder))
    assert told.engine == "onnxruntime"
    assert told.failure.code == "build-failed"
    with pytest.raises(EngineBuildError, match=f"^{BAD[engine]}"):
        raise EngineBuildError(told.failure.detail)
    assert whole(Isolated(fakes.Sound(), builder)).engine == "fake"


def test_a_build_that_hangs_is_ended():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        made = Builder(limit_s=60)
        assert whole(Isolated(fakes.Sound(), made)).failure is None
        made.limit_s = 0.2
        told = whole(Isolated(fakes.Hang(), made))
        assert told.failure.detail == "the build took over 0.2 s and was ended"
        made.limit_s = 60
        assert whole(Isolated(fakes.Sound(), made)).failure is None
        made.close()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits are Linux's")
def test_a_build_that_takes_too_much_memory_fails_alone():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        made = Builder(memory=1 << 30)
        assert whole(Isolated(fakes.Hungry(), made)).failure.detail == (
            "the build runs out of memory"
        )
        process = made._process
        assert whole(Isolated(fakes.Sound(), made)).failure is None
        assert made._process is process
        made.close()


def test_one_process_builds_until_it_ends(builder):
    assert whole(Isolated(fakes.Sound(), builder)).failure is None
    first = builder._process
    assert whole(Isolated(fakes.Noisy(), builder)).failure is None
    assert whole(Isolated(fakes.Raises(), builder)).failure is not None
    assert builder._process is first
    assert whole(Isolated(fakes.Exit(), builder)).failure is not None
    assert whole(Isolated(fakes.Sound(), builder)).failure is None
    assert builder._process not in (None, first)


def test_a_process_that_ended_while_it_had_nothing_to_do_is_no_crash(builder):
    assert whole(Isolated(fakes.Sound(), builder)).failure is None
    running = builder._process._running
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert whole(Isolated(fakes.Sound(), builder)).failure is None


def test_threads_take_turns(builder):
    found = []
    engines = [fakes.Sound, fakes.Segfault, fakes.Noisy, fakes.Exit, fakes.Sound, fakes.Raises]
    threads = [
        threading.Thread(
            target=lambda e=e, n=n: found.append(
                (e, whole(Isolated(e(), builder), graph=graph_of(n)))
            )
        )
        for n, e in enumerate(engines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(engines)
    for engine, told in found:
        assert (told.failure is None) == (engine in (fakes.Sound, fakes.Noisy))


def test_what_cannot_save_is_built_here_once_it_has_been_built_apart(builder, tmp_path):
    store = DiskCache(tmp_path)
    told = whole(Isolated(fakes.Unsaved(), builder), store)
    assert (told.engine, told.failure) == ("fake", None)
    assert list(tmp_path.iterdir()) == []


def test_a_crash_is_remembered_and_not_tried_again(builder, tmp_path):
    assert (
        "SIGSEGV" in whole(Isolated(fakes.Segfault(), builder), DiskCache(tmp_path)).failure.detail
    )

    class Untried:
        def build(self, *order):
            raise AssertionError("it was tried again")

    again = whole(Isolated(fakes.Segfault(), Untried()), DiskCache(tmp_path))
    assert again.failure.detail == "the build was killed by SIGSEGV"
    # Another key, here another graph, is another build.
    with pytest.raises(AssertionError, match="tried again"):
        whole(Isolated(fakes.Segfault(), Untried()), DiskCache(tmp_path), graph_of(2))


@pytest.mark.parametrize("engine", [fakes.Killed, fakes.Raises])
def test_what_was_ended_from_outside_or_only_failed_is_tried_again(builder, tmp_path, engine):
    store = DiskCache(tmp_path)
    assert whole(Isolated(engine(), builder), store).failure is not None
    assert whole(Isolated(fakes.Sound(), builder), store).failure is None


def test_what_was_built_apart_is_loaded_from_the_store(builder, tmp_path):
    assert not whole(Isolated(fakes.Sound(), builder), DiskCache(tmp_path)).cached
    assert whole(Isolated(fakes.Sound(), None), DiskCache(tmp_path)).cached


def test_a_native_engine_that_crashes_is_an_error(builder):
    native = Isolated(fakes.Segfault(), builder)
    with pytest.raises(EngineCrashError, match="SIGSEGV"):
        build(plan(graph_of(), native, native), {"fake": native}, native, Options(), None)


def test_without_a_process_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(EngineBuildError, match="does not start .* isolated=False"):
        Builder().build(NATIVE, graph_of().whole(), Options())


def test_an_entry_of_a_crash_is_no_engine():
    """Nothing that an engine saves begins like one."""
    segment = graph_of().whole()
    for engine in (OnnxRuntime(), OpenVino(), LiteRt()):
        if isinstance(engine.probe(), str):
            assert not engine.build(segment, Options()).save().startswith(CRASHED)


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_messages_come_out_as_they_went_in(name, body):
    head = messages.Reply(error=name.hex(), saved=True)
    pipe = io.BytesIO()
    messages.send(pipe, head, body)
    pipe.seek(0)
    assert messages.receive(pipe, messages.Reply) == (head, body)


@given(st.binary(max_size=80))
def test_nonsense_is_told_from_messages(data):
    with pytest.raises((EOFError, ValueError)):
        messages.receive(io.BytesIO(data), messages.Ready)


def test_a_length_that_cannot_be_is_refused_before_memory_is_taken():
    with pytest.raises(ValueError, match="impossible"):
        messages.receive(io.BytesIO(b"\xff" * 100), messages.Reply)
    stated = (10).to_bytes(8, "little") + (1 << 33).to_bytes(8, "little")
    with pytest.raises(ValueError, match="cannot be read"):
        messages.receive(io.BytesIO(stated + b"\0" * 50), messages.Reply)
