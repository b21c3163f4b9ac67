"""Choose by measurement: every engine's way of running a graph, timed here, the quickest kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines import measure
from homebody.engines.build import Built, Store, build
from homebody.engines.engine import Engine, Options, Reason
from homebody.engines.graph import Graph
from homebody.engines.plan import Plan, plan
from homebody.engines.program import Program
from homebody.errors import EngineBuildError
from homebody.sqnr import decibels

LEAST_SQNR = {"fp32": 60.0, "int8-exact": 60.0, "int8": 20.0, "bf16": 30.0, "fp16": 40.0}
"""How near to the native answer, in decibels, an engine must stay to be chosen."""
WHOLE_GRAPH_MARGIN = 1.03
"""A cut program must beat a whole graph in one engine by more than this to be preferred."""
MOST_SECONDS = 4.0
"""No longer is spent on telling the two quickest apart."""


@dataclass(frozen=True)
class Candidate:
    """One way of running a graph.

    Attributes:
        engine: the engine that was given as much as it takes.
        plan: how the graph was cut for it.
        program: what runs.
        built: what came of each segment.
        seconds: the median of a call.
        sqnr: its outputs against the native engine's, in decibels; infinite where equal, NaN where
            an earlier choice was taken over.
    """

    engine: str
    plan: Plan
    program: Program
    built: tuple[Built, ...]
    seconds: float
    sqnr: float


@dataclass(frozen=True)
class Choice:
    """What was chosen for one set of shapes, and what was not.

    Attributes:
        best: the candidate to run.
        others: the rest, the quickest first.
        refused: why an engine gave no candidate.
        rows: how many it was measured with.
    """

    best: Candidate
    others: tuple[Candidate, ...]
    refused: dict[str, Reason]
    rows: int = 1


def choose(
    graph: Graph,
    engines: Mapping[str, Engine],
    native: Engine,
    options: Options,
    *,
    inputs: Mapping[str, NDArray[Any]] | None = None,
    min_segment_size: int,
    store: Store | None = None,
    told: Callable[[str], None] = lambda engine: None,
) -> Choice:
    """Build the graph with each engine, time them in turns, and choose.

    Args:
        graph: of the shapes to measure; its batch may be open.
        engines: those to try, by name; the native one may be among them.
        native: what runs the rest, and whose answer the others must give.
        options: threads and precision.
        inputs: real inputs to measure and compare with; without them, seeded noise.
        min_segment_size: see :func:`~homebody.engines.plan.plan`.
        store: where compiled segments are kept.
        told: called with an engine's name before it builds.

    Raises:
        EngineBuildError: the native engine does not build the graph.
    """
    inputs = inputs or noise(graph)
    refused: dict[str, Reason] = {}
    ready: dict[str, tuple[Plan, Program, tuple[Built, ...], float]] = {}
    told(native.name)
    uncut = plan(graph, native, native, min_segment_size=1)
    reference, built = build(uncut, {native.name: native}, native, options, store)
    unchanged = (uncut, reference, built, np.inf)
    wanted = reference(inputs)
    for name, engine in engines.items():
        if name == native.name:
            continue
        version = engine.probe()
        if isinstance(version, Reason):
            refused[name] = version
            continue
        told(name)
        cut = plan(graph, engine, native, min_segment_size=min_segment_size)
        if name not in cut.engines:
            refused[name] = next(reason for reason in cut.reasons if reason)
            continue
        try:
            program, built = build(cut, {**engines, native.name: native}, native, options, store)
            near = nearness(program(inputs), wanted)
        except EngineBuildError as error:
            refused[name] = Reason("build-failed", str(error))
            continue
        except RuntimeError as error:  # what it built does not run: engines raise their own kinds
            detail = " ".join(str(error).split())[:300]
            refused[name] = Reason("build-failed", f"what it built does not run: {detail}")
            continue
        if near < LEAST_SQNR[options.precision]:
            detail = f"its answer is {near:.0f} dB from the native one"
            refused[name] = Reason("wrong-answer", detail)
            continue
        ready[name] = (cut, program, built, near)
    if native.name in engines or not ready:
        ready[native.name] = unchanged
    seconds = measure.medians(
        {n: _call(r[1], inputs) for n, r in ready.items()},
        seconds=measure.LINGER, warm=measure.LINGER, limit=MOST_SECONDS,
    )  # fmt: skip
    candidates = sorted(
        (
            Candidate(name, cut, program, built, seconds[name], near)
            for name, (cut, program, built, near) in ready.items()
        ),
        key=lambda c: c.seconds * (1.0 if len(c.plan.segments) == 1 else WHOLE_GRAPH_MARGIN),
    )
    rows = next((len(value) for value in inputs.values() if value.ndim), 1)
    return Choice(candidates[0], tuple(candidates[1:]), refused, rows)


def remembered(
    graph: Graph,
    engine: Engine,
    native: Engine,
    options: Options,
    *,
    whole: bool = False,
    seconds: float = np.nan,
    min_segment_size: int,
    store: Store | None = None,
) -> Choice:
    """Build what was chosen before, for this graph or for another batch of it, and nothing else.

    Its answer was compared when it was chosen, and nothing is measured: calls tell.

    Args:
        graph, engine, native, options, min_segment_size, store: as for :func:`choose`.
        whole: the engine took the whole graph, so it need not be asked for every node.
        seconds: what a call is expected to take.

    Raises:
        EngineBuildError: the native engine does not build what the other leaves to it.
    """
    engines = {native.name: native, engine.name: engine}
    if whole:
        all_of_it = graph.whole()
        reasons = (None,) * len(all_of_it.members)
        cut = Plan(graph, (all_of_it,), (engine.name,), reasons)
        program, built = build(cut, engines, native, options, store)
    if not whole or built[0].failure:
        cut = plan(graph, engine, native, min_segment_size=min_segment_size)
        program, built = build(cut, engines, native, options, store)
    return Choice(Candidate(engine.name, cut, program, built, seconds, np.nan), (), {})


def noise(graph: Graph, *, batch: int = 1) -> dict[str, NDArray[Any]]:
    """Seeded inputs: normal for floating point, small numbers for integers.

    Args:
        graph: whose inputs to make.
        batch: how long a dimension is that is open.
    """
    rng = np.random.default_rng(0)
    made: dict[str, NDArray[Any]] = {}
    for tensor in graph.inputs:
        shape = tuple(batch if length == -1 else length for length in tensor.shape)
        if tensor.dtype.kind == "f":
            made[tensor.name] = rng.normal(size=shape).astype(tensor.dtype)
        else:
            made[tensor.name] = rng.integers(0, 2, shape).astype(tensor.dtype)
    return made


def nearness(found: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]]) -> float:
    """The least SQNR of any output, in decibels; NaN anywhere but where it is wanted is -inf."""
    return min((_near(found[name], wanted[name]) for name in wanted), default=np.inf)


def _near(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    if np.array_equal(found, wanted, equal_nan=found.dtype.kind == "f"):
        return float(np.inf)
    if not np.isfinite(found).all():
        return float(-np.inf)
    if found.shape != wanted.shape:
        return float(-np.inf)
    right = wanted.astype(np.float64)
    return decibels(float(np.sum(right**2)), float(np.sum((found - right) ** 2)))


def _call(program: Program, inputs: Mapping[str, NDArray[Any]]) -> Callable[[], object]:
    return lambda: program(inputs)
