"""Where a call's time goes: by segment, by the engines' own kernels, at borders, before it."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.engines.compiled import Arrays, CompiledModel
from homebody.engines.engine import KernelTime
from homebody.engines.graph import Tensor
from homebody.engines.program import Moments, Program, aligned
from homebody.engines.trace import Span, Trace, spans
from homebody.errors import EngineBuildError, EngineError

TRACED = 20
"""As many calls go into a trace; more would only make the file long."""


class Kernel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of an engine's own kernels, in a run with the engine's counters on."""

    name: str
    kind: str
    segment: int
    seconds: float


class SegmentTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A segment's median seconds in a call, and its share of the calls' time, 0 to 1."""

    number: int
    engine: str
    nodes: int
    seconds: float
    share: float


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where time went, in seconds; medians of all calls.

    Attributes:
        shapes: the inputs' shapes of one call.
        engine: what runs them.
        calls: how many were timed.
        seconds: of one call.
        input_seconds: what reading one call's inputs took: decoding, preparing.
        boundary_seconds: what copying in and out and changing segments took.
        boundary_share: that of the call, 0 to 1.
        segments: in their order.
        kernels: the slowest first.
        rows_a_second: how many rows of a batch are read, and computed, each alone.
        input_bound: whether reading inputs takes longer than computing.
    """

    shapes: dict[str, tuple[int, ...]]
    engine: str
    calls: int
    seconds: float
    input_seconds: float
    boundary_seconds: float
    boundary_share: float
    segments: tuple[SegmentTime, ...]
    kernels: tuple[Kernel, ...]
    rows_a_second: dict[str, float]
    input_bound: bool


def profile(
    model: CompiledModel,
    inputs: Iterable[Arrays],
    *,
    trace: Trace | None = None,
    told: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Profile:
    """Run a compiled model over inputs and tell where the time goes.

    Args:
        model: what runs.
        inputs: for each call its inputs by name, all of the first one's shapes; getting the next
            one is timed as reading inputs.
        trace: what the first calls are added to, with the engines' kernels.
        told: called after each call.
        clock: tells the time in seconds.

    Raises:
        EngineError: there are no inputs, or they change their shapes.
    """
    program: Program | None = None
    read: list[tuple[float, float]] = []
    calls: list[Moments] = []
    shapes: dict[str, tuple[int, ...]] = {}
    source = iter(inputs)
    while True:
        start = clock()
        given = next(source, None)
        end = clock()
        if given is None:
            break
        if program is None:
            shapes = {name: tuple(value.shape) for name, value in given.items()}
            choice = model.at({t.name: shapes.get(t.name, ()) for t in model.graph.inputs})
            program, engine = choice.best.program, choice.best.engine
            program.timed(given, clock)  # the first call allocates
        elif {name: tuple(value.shape) for name, value in given.items()} != shapes:
            raise EngineError(
                f"input {len(calls)} has other shapes than the first; profile one shape at a time"
            )
        read.append((start, end))
        calls.append(program.timed(given, clock))
        told()
    if program is None:
        raise EngineError("there are no inputs to profile with; give one at least")
    inner = kernels(program)
    if trace is not None:
        # The clock stood still for us while the program was built.
        for (start, end), moments in list(zip(read, calls, strict=True))[:TRACED]:
            shift = moments.began - end
            trace.add(engine, [Span("read inputs", "input", start + shift, moments.began)])
            trace.add(engine, spans(program, moments, inner))
    return _summed(program, engine, shapes, read, calls, inner)


def kernels(program: Program) -> tuple[tuple[KernelTime, ...], ...]:
    """For each step the engine's own kernels over what the last call left; none where unknown."""
    values = program.values()
    found = []
    for step in program.steps:
        given = [_copied(values[t.name]) for t in step.segment.inputs]
        taken = [_copied(values[t.name]) for t in step.segment.outputs]
        try:
            found.append(step.executable.profile(given, taken))
        except EngineBuildError:
            found.append(())
    return tuple(found)


def step_seconds(calls: Sequence[Moments]) -> list[float]:
    """Each step's median seconds."""
    return [
        statistics.median(end - start for start, end in times)
        for times in zip(*(call.steps for call in calls), strict=True)
    ]


def boundary_seconds(calls: Sequence[Moments]) -> float:
    """The median of what a call spends outside its steps."""
    return statistics.median(
        call.ended - call.began - sum(end - start for start, end in call.steps) for call in calls
    )


def _summed(
    program: Program,
    engine: str,
    shapes: dict[str, tuple[int, ...]],
    read: Sequence[tuple[float, float]],
    calls: Sequence[Moments],
    inner: Sequence[Sequence[KernelTime]],
) -> Profile:
    seconds = statistics.median(call.ended - call.began for call in calls)
    reading = statistics.median(end - start for start, end in read)
    border = boundary_seconds(calls)
    rows = next((shape[0] for shape in shapes.values() if shape), 1)
    steps = step_seconds(calls)
    slowest = sorted(
        (
            Kernel(one.name, one.kind, number, one.microseconds / 1e6)
            for number, of_step in enumerate(inner)
            for one in of_step
        ),
        key=lambda kernel: -kernel.seconds,
    )
    return Profile(
        shapes=shapes,
        engine=engine,
        calls=len(calls),
        seconds=seconds,
        input_seconds=reading,
        boundary_seconds=border,
        boundary_share=_share(border, seconds),
        segments=tuple(
            SegmentTime(n, step.engine, len(step.segment.members), took, _share(took, seconds))
            for n, (step, took) in enumerate(zip(program.steps, steps, strict=True))
        ),
        kernels=tuple(slowest),
        rows_a_second={
            "reading": rows / reading if reading else math.inf,
            "computing": rows / seconds if seconds else math.inf,
        },
        input_bound=reading > seconds,
    )


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole else 0.0


def _copied(value: NDArray[Any]) -> NDArray[Any]:
    copy = aligned(Tensor("", value.dtype, value.shape))
    np.copyto(copy, value)
    return copy
