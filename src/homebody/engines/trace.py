"""What a program does when, as a Chrome trace: ``chrome://tracing`` and Perfetto read it.

The format is Google's *Trace Event Format*: complete events (``ph`` X) with a start and a duration
in microseconds, nested where one lies within another on the same thread, and metadata (``ph`` M)
that names processes and threads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import msgspec

from homebody.engines.engine import KernelTime
from homebody.engines.program import Moments, Program
from homebody.errors import EngineError
from homebody.files import replacing

Kind: TypeAlias = Literal["call", "input", "copy", "gap", "segment", "kernel"]
"""``input``: reading what a call computes from; ``copy``: a boundary; ``gap``: between segments."""


@dataclass(frozen=True)
class Span:
    """Something that took a while.

    Attributes:
        name: what people read.
        kind: its category in the trace.
        start, end: in seconds of any one clock.
        details: what a viewer shows of it.
    """

    name: str
    kind: Kind
    start: float
    end: float
    details: Mapping[str, str | float] = field(default_factory=dict)


def spans(
    program: Program,
    moments: Moments,
    kernels: Sequence[Sequence[KernelTime]] = (),
    *,
    name: str = "call",
) -> Iterator[Span]:
    """One call of a program, the whole before its parts.

    Args:
        program: what was called.
        moments: what :meth:`Program.timed` told.
        kernels: for each step the engine's own kernels. Their times are of another run with the
            engine's counters on, so they are laid one after the other from the segment's start,
            and shortened alike where they would not fit.
        name: what the call is called.
    """
    yield Span(name, "call", moments.began, moments.ended)
    taken: dict[str, str | float] = {
        "bytes": float(sum(_bytes(t.shape, t.dtype.itemsize) for t in program.graph.inputs))
    }
    yield Span("inputs", "copy", moments.began, moments.fed, taken)
    before = moments.fed
    for number, (step, (start, end)) in enumerate(zip(program.steps, moments.steps, strict=True)):
        yield Span("gap", "gap", before, start)
        details: dict[str, str | float] = {
            "engine": step.engine,
            "nodes": float(len(step.segment.members)),
            "inputs": ", ".join(t.name for t in step.segment.inputs),
            "outputs": ", ".join(t.name for t in step.segment.outputs),
        }
        yield Span(f"segment {number}: {step.engine}", "segment", start, end, details)
        if kernels:
            yield from _inside(kernels[number], start, end)
        before = end
    given = {"bytes": float(sum(_bytes(t.shape, t.dtype.itemsize) for t in program.graph.outputs))}
    yield Span("outputs", "copy", before, moments.ended, given)


class Trace:
    """Collects spans and writes them.

    Args:
        title: the process's name in a viewer.

    Example:
        >>> trace = Trace("net")
        >>> trace.add("1×4", [Span("call", "call", 10.0, 10.002)])
        >>> trace.events()[-1]["dur"]
        2000.0
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._tracks: dict[str, list[Span]] = {}

    def add(self, track: str, found: Iterable[Span]) -> None:
        """Add spans to a track, a thread in a viewer's words."""
        self._tracks.setdefault(track, []).extend(found)

    def events(self) -> list[dict[str, object]]:
        """The trace's events; time begins with the first span of each track.

        On each track they are in the order in which they begin, the whole before its parts.
        """
        pid = os.getpid()
        made: list[dict[str, object]] = [_named("process_name", self.title, pid, 0)]
        for tid, (track, found) in enumerate(self._tracks.items(), 1):
            made.append(_named("thread_name", track, pid, tid))
            origin = min((span.start for span in found), default=0.0)
            for span in found:
                # Whole nanoseconds of both ends, so that what lies within stays within.
                start, end = (round(1e9 * (moment - origin)) for moment in (span.start, span.end))
                made.append(
                    {
                        "name": span.name, "cat": span.kind, "ph": "X", "pid": pid, "tid": tid,
                        "ts": _microseconds(start), "dur": _microseconds(end - start),
                        "args": dict(span.details),
                    }
                )  # fmt: skip
        return made

    def to_bytes(self) -> bytes:
        """The trace as a JSON file's bytes."""
        return msgspec.json.encode({"displayTimeUnit": "ms", "traceEvents": self.events()})

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it, whole or not at all.

        Raises:
            EngineError: the file cannot be written; what was there is unchanged.
        """
        with replacing(path, EngineError) as draft:
            draft.write_bytes(self.to_bytes())


def _inside(kernels: Sequence[KernelTime], start: float, end: float) -> Iterator[Span]:
    total = sum(kernel.microseconds for kernel in kernels) / 1e6
    scale = min(1.0, (end - start) / total) if total else 1.0
    for kernel in kernels:
        until = min(start + kernel.microseconds / 1e6 * scale, end)
        details: dict[str, str | float] = {
            "operation": kernel.kind,
            "measured_microseconds": kernel.microseconds,
        }
        yield Span(kernel.name, "kernel", start, until, details)
        start = until


def _microseconds(nanoseconds: int) -> float:
    """So many that times 1000 they are as many nanoseconds, rounded or cut off.

    Perfetto cuts off, and drops what then reaches a nanosecond beyond what it lies in.
    """
    found = nanoseconds / 1e3
    return found if found * 1e3 >= nanoseconds else math.nextafter(found, math.inf)


def _named(what: str, name: str, pid: int, tid: int) -> dict[str, object]:
    return {"name": what, "ph": "M", "pid": pid, "tid": tid, "args": {"name": name}}


def _bytes(shape: Sequence[int], itemsize: int) -> int:
    size = itemsize
    for length in shape:
        size *= length
    return size
