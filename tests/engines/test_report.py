"""The report says of every node where it runs and why; the page and the trace say the same."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
from onnx import helper
from typer.testing import CliRunner

from homebody import engines
from homebody.cli._app import app
from homebody.engines.advice import advise
from homebody.engines.choose import noise
from homebody.engines.engine import KernelTime, Reason
from homebody.engines.page import page
from homebody.engines.processor import read_processor
from homebody.engines.profile import kernels, profile
from homebody.engines.report import Report, write_report
from homebody.engines.reporting import report
from homebody.engines.trace import Trace, spans
from homebody.errors import EngineError
from tests.engines.graphs import model, random_graph, value

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;\u202e"


def network(name: str = "dense") -> bytes:
    """Dense layers of 20, 19 and 8 channels; `Mod`, which LiteRT does not take, between two."""
    dice = np.random.default_rng(0)
    sizes = [("a", 16, 20), ("b", 20, 19), ("c", 19, 8)]
    weights = [helper.make_tensor(n, 1, [i, o], dice.normal(size=i * o)) for n, i, o in sizes]
    seven = helper.make_tensor("seven", 1, [], [7.0])
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["v0"], name),
        helper.make_node("Relu", ["v0"], ["v1"], "bound"),
        helper.make_node("Tanh", ["v1"], ["v2"], "tanh"),
        helper.make_node("Mod", ["v2", "seven"], ["v3"], "mod", fmod=1),
        helper.make_node("MatMul", ["v3", "b"], ["v4"], "second"),
        helper.make_node("Tanh", ["v4"], ["v5"], "tanh2"),
        helper.make_node("MatMul", ["v5", "c"], ["y"], "third"),
    ]
    return model(
        nodes, [value("x", ["n", 16])], [value("y", ["n", 8])], initializers=[*weights, seven]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("report")
    (place / "net.onnx").write_bytes(network())
    return place


@pytest.fixture(scope="module")
def cut(folder):
    """Compiled for LiteRT alone, which leaves one node to the native engine."""
    return engines.compile(
        folder / "net.onnx", folder / "out", engines=["litert"], threads=1, min_segment_size=1
    )


@pytest.fixture(scope="module")
def told(cut) -> Report:
    return report(cut, "net.onnx")


def test_every_node_has_its_segment_its_engine_and_reasons(cut, told):
    (shape,) = told.shapes
    (choice,) = cut.choices.values()
    assert [n.name for n in shape.nodes] == [n.name for n in choice.best.plan.graph.nodes]
    for node in shape.nodes:
        segment = choice.best.plan.segments[node.segment]
        assert node.number in segment.members
        assert node.engine == choice.best.built[node.segment].engine
        assert node.engine not in node.why
        assert {node.engine, *node.why} >= {"onnxruntime", "litert", "openvino"}
    mod = next(node for node in shape.nodes if node.kind == "Mod")
    assert (mod.engine, mod.why["litert"].code) == ("onnxruntime", "unsupported-shape")
    first = shape.nodes[0]
    assert (first.engine, first.why["openvino"].code) == ("litert", "not-asked")


def test_segments_are_measured_against_the_native_engine(told):
    segments = told.shapes[0].candidates[0].segments
    assert [s.engine for s in segments] == ["litert", "onnxruntime", "litert"]
    assert [s.nodes for s in segments] == [3, 1, 3]
    assert [s.weight_bytes for s in segments] == [4 * 16 * 20, 4, 4 * (20 * 19 + 19 * 8)]
    assert [s.border_bytes for s in segments] == [4 * 36, 4 * 40, 4 * 28]
    assert segments[1].own_sqnr_db == "exact"
    assert all(s.sqnr_db == "exact" or s.sqnr_db > 80 for s in segments)
    assert all(s.seconds > 0 for s in segments)


def test_a_segment_that_strays_is_seen_at_its_border_and_after(cut):
    (choice,) = cut.choices.values()
    program = choice.best.program
    step = program.steps[0]
    bind = step.executable.bind

    class Straying:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def bind(self, inputs, outputs):
            bound = bind(inputs, outputs)

            def wrong():
                bound()
                outputs[0] *= 1.1

            return wrong

    object.__setattr__(step, "executable", Straying(step.executable))
    try:
        segments = report(cut, "net.onnx").shapes[0].candidates[0].segments
    finally:
        object.__setattr__(step, "executable", step.executable.inner)
    assert segments[0].own_sqnr_db == pytest.approx(20, abs=0.1)  # a tenth too much
    assert segments[1].own_sqnr_db == "exact"


def test_json_comes_back_the_same(told, folder):
    write_report(told, folder / "report.json")
    assert msgspec.json.decode((folder / "report.json").read_bytes(), type=Report) == told


class Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_draws_every_node_once_and_loads_nothing(told):
    found = Reader(page(told)).tags
    assert sum(tag == "circle" for tag, _ in found) == len(told.shapes[0].nodes)
    assert {tag for tag, _ in found} & {"script", "img", "link", "iframe", "object"} == set()
    for _, attributes in found:
        assert not attributes.keys() & {"src", "href", "onload", "action"}
    assert "url(" not in page(told)
    assert page(told) == page(told)


def test_hostile_names_stay_text(tmp_path):
    (tmp_path / "net.onnx").write_bytes(network(HOSTILE))
    made = engines.compile(tmp_path / "net.onnx", tmp_path / "out", engines=["onnxruntime"])
    text = page(report(made, HOSTILE))
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    Reader(text)


def nested(events):
    """Whether on each thread events lie within or apart, never across."""
    for tid in {event["tid"] for event in events}:
        stack = []
        of_thread = [e for e in events if e["tid"] == tid and e["ph"] == "X"]
        for event in sorted(of_thread, key=lambda e: (e["ts"], -e["dur"])):
            end = event["ts"] + event["dur"]
            while stack and stack[-1] <= event["ts"] + 1e-6:
                stack.pop()
            if stack and end > stack[-1] + 1e-6:
                return False
            stack.append(end)
    return True


def test_a_trace_holds_the_call_its_segments_copies_and_kernels(cut, tmp_path):
    (choice,) = cut.choices.values()
    program = choice.best.program
    inputs = noise(choice.best.plan.graph)
    program(inputs)
    trace = Trace("net")
    for _ in range(3):
        trace.add("calls", spans(program, program.timed(inputs), kernels(program)))
    trace.write(tmp_path / "trace.json")
    data = json.loads((tmp_path / "trace.json").read_bytes())
    events = data["traceEvents"]
    assert {event["ph"] for event in events} == {"X", "M"}
    for event in events:
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        if event["ph"] == "X":
            assert event["ts"] >= 0
            assert event["dur"] >= 0
    kinds = [event.get("cat") for event in events]
    assert kinds.count("call") == 3
    assert kinds.count("segment") == 3 * len(program.steps)
    assert kinds.count("copy") == 6
    assert kinds.count("gap") == 3 * len(program.steps)
    assert kinds.count("kernel") >= 3 * len(program.steps)
    assert nested(events)


def test_kernels_longer_than_their_segment_are_shortened_alike(cut):
    (choice,) = cut.choices.values()
    program = choice.best.program
    moments = program.timed(noise(choice.best.plan.graph))
    slow = [(KernelTime("a", "A", 3e6), KernelTime("b", "B", 1e6))] * len(program.steps)
    trace = Trace("net")
    trace.add("calls", spans(program, moments, slow))
    events = trace.events()
    assert nested(events)
    a, b = [e["dur"] for e in events if e.get("cat") == "kernel"][:2]
    assert a == pytest.approx(3 * b, rel=0.05)


def test_profile_adds_up_and_names_the_bottleneck(cut):
    (choice,) = cut.choices.values()
    inputs = noise(choice.best.plan.graph)
    ticks = iter(range(10**6))
    found = profile(cut, (inputs for _ in range(4)), clock=lambda: float(next(ticks)))
    # With a clock that ticks at each look: reading takes 1, each of 3 steps 1, a call 8.
    assert (found.calls, found.seconds, found.input_seconds) == (4, 8.0, 1.0)
    assert found.boundary_seconds == 5.0
    assert [segment.share for segment in found.segments] == [1 / 8] * 3
    assert found.rows_a_second == {"reading": 1.0, "computing": 1 / 8}
    assert not found.input_bound
    with pytest.raises(EngineError, match="no inputs"):
        profile(cut, iter(()))
    other = {name: np.repeat(array, 2, axis=0) for name, array in inputs.items()}
    with pytest.raises(EngineError, match="other shapes"):
        profile(cut, iter((inputs, other)))


def advice_of(cut, flags):
    (choice,) = cut.choices.values()
    chip = read_processor(f"flags : {flags}", 1)
    return {a.code: a for a in advise(choice, cut.engines, cut.native, cut.settings, chip)}


def test_advice_names_the_layers_to_pad_and_the_operation_that_cuts(cut):
    found = advice_of(cut, "avx2 avx512_vnni")
    assert {item.node: item.detail.rpartition(": ")[0] for item in found["pad-channels"].items} == {
        "dense": "MatMul: 20 to 24 outputs",
        "second": "MatMul: 20 to 24 inputs and 19 to 24 outputs",
        "third": "MatMul: 19 to 24 inputs",
    }
    assert "Mod (1 of 7 nodes)" in found["lost-segments"].detail
    assert "in 1 segment rather than 2" in found["lost-segments"].detail
    assert "VNNI" in found["use-int8"].detail
    assert "use-bf16" not in found
    assert "use-int8" not in advice_of(cut, "avx2")
    assert "AMX bf16" in advice_of(cut, "amx_bf16")["use-bf16"].detail


RUN = CliRunner()


def test_the_commands(folder, tmp_path):
    out, page_at, trace = tmp_path / "out", tmp_path / "r.html", tmp_path / "t.json"
    done = RUN.invoke(
        app,
        ["compile", str(folder / "net.onnx"), "-o", str(out), "--threads", "1",
         "--engines", "onnxruntime,openvino", "--report", str(page_at), "--trace", str(trace)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    Reader(page_at.read_text())
    assert json.loads(trace.read_bytes())["traceEvents"]
    np.savez(tmp_path / "x.npz", x=np.ones((3, 16), np.float32))
    asked = ["profile", str(out), "--inputs", str(tmp_path / "x.npz"), "--runs", "5"]
    done = RUN.invoke(app, [*asked, "--json", "--batch", "2"])
    found = json.loads(done.stdout)
    assert (found["calls"], found["shapes"]) == (5, {"x": [2, 16]})
    assert "ms a call" in RUN.invoke(app, asked).stdout
    done = RUN.invoke(app, [*asked, "--find-fault", "openvino"])
    assert "openvino is right" in done.stdout
    done = RUN.invoke(app, [*asked, "--find-fault", "openvino", "--least-sqnr", "400", "--json"])
    assert json.loads(done.stdout)["engine"] == "openvino"


def test_an_engine_that_fails_when_run_is_refused(tmp_path):
    from homebody.engines.choose import choose
    from homebody.engines.engine import Options
    from homebody.engines.onnxruntime import OnnxRuntime
    from homebody.engines.reading import read_graph

    class Falling(OnnxRuntime):
        name = "falling"

        def build(self, segment, options):
            built = super().build(segment, options)

            def bind(inputs, outputs):
                def fall():
                    raise RuntimeError("no such kernel")

                return fall

            built.bind = bind
            return built

    graph = read_graph(random_graph(1))
    graph = graph.at({t.name: (2, 5) for t in graph.inputs})
    native = OnnxRuntime()
    choice = choose(
        graph, {"falling": Falling(), "onnxruntime": native}, native, Options(), min_segment_size=1
    )
    assert choice.refused == {
        "falling": Reason("build-failed", "what it built does not run: no such kernel")
    }
