"""A trace is what Perfetto and chrome://tracing read: fields, order and nesting."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.engines.engine import KernelTime
from homebody.engines.graph import Tensor
from homebody.engines.program import Moments
from homebody.engines.trace import Span, Trace, spans
from homebody.errors import EngineError

FIELDS = {"name": str, "cat": str, "ph": str, "pid": int, "tid": int, "args": dict}
KINDS = {"call", "input", "copy", "gap", "segment", "kernel"}


def program(steps: int) -> SimpleNamespace:
    """What :func:`spans` looks at of a program."""
    x = Tensor("x", np.dtype("float32"), (2, 3))
    segment = SimpleNamespace(members=(0, 1), inputs=(x,), outputs=(x,))
    graph = SimpleNamespace(inputs=(x,), outputs=(x,))
    return SimpleNamespace(
        graph=graph, steps=[SimpleNamespace(segment=segment, engine="openvino")] * steps
    )


@st.composite
def calls(draw) -> list[Span]:
    """Calls one after the other, each with its segments and kernels, at moments of any size."""
    at, found = draw(st.floats(0, 1e5)), []
    length = st.floats(0, 0.01)
    for _ in range(draw(st.integers(1, 3))):
        began, fed = at, at + draw(length)
        at, steps, inner = fed, [], []
        for _ in range(draw(st.integers(1, 4))):
            start = at + draw(length)
            at = start + draw(length)
            steps.append((start, at))
            times = draw(st.lists(st.floats(0, 2e4), max_size=5))
            inner.append([KernelTime(f"k{n}", "Conv", time) for n, time in enumerate(times)])
        ended = at + draw(length)
        at = ended + draw(length)
        moments = Moments(began, fed, tuple(steps), ended)
        found += spans(program(len(steps)), moments, inner)  # type: ignore[arg-type]
    return found


def loaded(spans: list[Span]) -> list[dict]:
    trace = Trace("net")
    trace.add("track", spans)
    data = json.loads(trace.to_bytes())
    assert data.keys() == {"displayTimeUnit", "traceEvents"}
    assert data["displayTimeUnit"] in ("ms", "ns")
    return data["traceEvents"]


def nanoseconds(value: float, rounding: str) -> int:
    """As Perfetto reads microseconds: its older versions cut off, its newer ones round."""
    return int(value * 1000.0) if rounding == "cut" else math.floor(value * 1000.0 + 0.5)


@given(calls())
def test_events_have_their_fields_and_begin_in_order(found):
    events = loaded(found)
    assert [e["ph"] for e in events[:2]] == ["M", "M"]
    assert [e["name"] for e in events[:2]] == ["process_name", "thread_name"]
    timed = events[2:]
    assert len(timed) == len(found)
    for one in timed:
        assert one["ph"] == "X"
        assert one["cat"] in KINDS
        for name, kind in FIELDS.items():
            assert type(one[name]) is kind
        assert all(isinstance(one[name], int | float) for name in ("ts", "dur"))
        assert one["ts"] >= 0
        assert one["dur"] >= 0
        assert all(isinstance(value, str | int | float) for value in one["args"].values())
    assert timed[0]["ts"] == 0
    assert all(a["ts"] <= b["ts"] for a, b in pairwise(timed))


@pytest.mark.parametrize("rounding", ["cut", "round"])
@given(found=calls())
def test_events_lie_within_or_apart_as_perfetto_reads_them(rounding, found):
    """Perfetto drops a slice that begins in another and ends after it."""
    open_until: list[int] = []
    for one in loaded(found)[2:]:
        start = nanoseconds(one["ts"], rounding)
        end = start + nanoseconds(one["dur"], rounding)
        while open_until and open_until[-1] <= start:
            open_until.pop()
        assert not open_until or end <= open_until[-1]
        open_until.append(end)


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=50))
def test_every_nanosecond_survives(moments):
    trace = Trace("net")
    for number, moment in enumerate(sorted(moments)):
        trace.add(str(number), [Span("a", "gap", 0, 0), Span("b", "gap", 0, moment / 1e9)])
    found = [e["dur"] for e in json.loads(trace.to_bytes())["traceEvents"] if e["name"] == "b"]
    for rounding in ("cut", "round"):
        assert [nanoseconds(dur, rounding) for dur in found] == sorted(moments)


def test_a_call_is_told_whole_before_its_parts():
    moments = Moments(10.0, 10.001, ((10.002, 10.004), (10.005, 10.006)), 10.007)
    inner = [[KernelTime("a", "Conv", 1000.0)], []]
    events = loaded(list(spans(program(2), moments, inner)))[2:]  # type: ignore[arg-type]
    assert [(e["cat"], e["ts"], e["dur"]) for e in events] == [
        ("call", 0, 7000), ("copy", 0, 1000), ("gap", 1000, 1000), ("segment", 2000, 2000),
        ("kernel", 2000, 1000), ("gap", 4000, 1000), ("segment", 5000, 1000),
        ("copy", 6000, 1000),
    ]  # fmt: skip
    assert events[1]["args"] == {"bytes": 24}
    assert events[3]["args"] == {"engine": "openvino", "nodes": 2, "inputs": "x", "outputs": "x"}
    assert events[4]["args"] == {"operation": "Conv", "measured_microseconds": 1000}


def test_tracks_are_threads_of_one_process_that_have_names():
    trace = Trace("net")
    trace.add("first", [Span("a", "call", 5.0, 5.5)])
    trace.add("second", [Span("b", "call", 9.0, 9.25)])
    events = trace.events()
    assert len({e["pid"] for e in events}) == 1
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    assert {names[e["tid"]]: (e["name"], e["ts"]) for e in events if e["ph"] == "X"} == {
        "first": ("a", 0.0), "second": ("b", 0.0),
    }  # fmt: skip


def test_hostile_names_stay_text_in_json():
    name = '"}],"x":[{"\u202e\x00</script>'
    assert loaded([Span(name, "call", 0.0, 1.0)])[-1]["name"] == name


def test_a_place_that_cannot_be_written_is_one_error(tmp_path):
    with pytest.raises(EngineError, match="cannot be written"):
        Trace("net").write(tmp_path / "absent" / "trace.json")
    assert not list(tmp_path.iterdir())
