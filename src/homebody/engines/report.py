"""What ``homebody compile`` did and why: every node, its segment, its engine, and the reasons.

Each candidate is measured anew, step by step: how long each segment takes, and how far what it
leaves at its borders is from what the native engine leaves there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.engines.advice import Advice, advise
from homebody.engines.build import Built, build
from homebody.engines.choose import Candidate, Choice, noise
from homebody.engines.compiled import Arrays, CompiledModel
from homebody.engines.compiling import ENGINES
from homebody.engines.engine import Reason
from homebody.engines.folder import Why
from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph, Segment
from homebody.engines.plan import Plan
from homebody.engines.processor import Processor, processor
from homebody.engines.profile import Kernel, boundary_seconds, kernels, step_seconds
from homebody.engines.program import Moments, Program, aligned
from homebody.engines.trace import Trace, spans
from homebody.errors import EngineError
from homebody.files import replacing
from homebody.sqnr import decibels

CALLS = 20
"""As many calls are timed step by step."""
WARM = 10
"""As many calls go before them."""
SLOWEST = 10
"""As many kernels of a segment are reported."""

Decibels: TypeAlias = float | Literal["exact", "wrong"] | None
"""SQNR against the native engine; exact where nothing differs, wrong where it is not finite."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SegmentReport(_Strict, frozen=True, kw_only=True):
    """One segment of a candidate.

    Attributes:
        number: its place in the order in which segments run.
        engine: what runs it in the end.
        nodes: how many it has.
        inputs, outputs: what crosses its border, by name.
        weight_bytes, border_bytes: of its constants, and of what crosses its border in one call.
        build_seconds, cached: what building took, and whether it came out of the cache.
        failure: why another engine runs it than was planned.
        seconds: the median of one run.
        sqnr_db: of what it leaves at its border, in decibels; what came in may differ already.
        own_sqnr_db: the same where what comes in is the native engine's: its own error.
        kernels: the engine's own, the slowest first.
    """

    number: int
    engine: str
    nodes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weight_bytes: int
    border_bytes: int
    build_seconds: float
    cached: bool
    failure: Why | None
    seconds: float
    sqnr_db: Decibels
    own_sqnr_db: Decibels
    kernels: tuple[Kernel, ...]


class CandidateReport(_Strict, frozen=True, kw_only=True):
    """One way that was built and measured.

    Attributes:
        engine: what was given as much of the graph as it takes.
        seconds: the median of a call when engines were compared, in turns.
        sqnr_db: of its outputs.
        boundary_seconds: what a call spends outside its segments.
        segments: in the order in which they run.
    """

    engine: str
    seconds: float
    sqnr_db: Decibels
    boundary_seconds: float
    segments: tuple[SegmentReport, ...]


class NodeReport(_Strict, frozen=True, kw_only=True):
    """One node: where it runs, and for every other engine why it does not run it.

    Attributes:
        number: its place in the graph's order.
        name, kind: its name, and its operation.
        reads: the numbers of the nodes that it reads from.
        segment: the number of its segment.
        engine: what runs it.
        why: by the name of each other engine.
    """

    number: int
    name: str
    kind: str
    reads: tuple[int, ...]
    segment: int
    engine: str
    why: dict[str, Why]


class ShapeReport(_Strict, frozen=True, kw_only=True):
    """What was chosen for one set of input shapes; the first candidate was."""

    shapes: dict[str, tuple[int, ...]]
    candidates: tuple[CandidateReport, ...]
    refused: dict[str, Why]
    nodes: tuple[NodeReport, ...]
    advice: tuple[Advice, ...]


class Report(_Strict, frozen=True, kw_only=True):
    """Everything that is known of a compiled model."""

    format: Literal["homebody.engines-report/1"] = "homebody.engines-report/1"
    source: str
    processor: Processor
    versions: dict[str, str]
    precision: str
    threads: int
    shapes: tuple[ShapeReport, ...]


def report(
    model: CompiledModel,
    source: str,
    *,
    inputs: Mapping[str, NDArray[Any]] | None = None,
    trace: Trace | None = None,
) -> Report:
    """Measure a compiled model's candidates step by step and say what became of each node.

    Args:
        model: with the shapes that were built, as :func:`homebody.engines.compile` returns it.
        source: the model's name.
        inputs: real inputs for the shapes that they fit; others are measured with seeded noise.
        trace: what one call of each shape is added to.

    Example:
        >>> told = report(engines.compile("net.onnx", "out/"), "net.onnx")  # doctest: +SKIP
        >>> told.shapes[0].nodes[0].why["litert"].code                      # doctest: +SKIP
        'slower'
    """
    options = model.settings.options
    versions = {name: engine.probe() for name, engine in model.engines.items()}
    return Report(
        source=source,
        processor=processor(),
        versions={n: v.detail if isinstance(v, Reason) else v for n, v in versions.items()},
        precision=options.precision,
        threads=options.threads,
        shapes=tuple(
            _shape(model, choice, inputs, trace) for choice in list(model.choices.values())
        ),
    )


def write_report(told: Report, path: str | os.PathLike[str]) -> None:
    """Write a report: JSON where the name ends in ``.json``, else one HTML page.

    Raises:
        EngineError: the file cannot be written; what was there is unchanged.
    """
    if os.fspath(path).endswith(".json"):
        data = msgspec.json.format(msgspec.json.encode(told), indent=1)
    else:
        from homebody.engines.page import page

        data = page(told).encode("utf-8")
    with replacing(path, EngineError) as draft:
        draft.write_bytes(data)


def _shape(
    model: CompiledModel, choice: Choice, inputs: Arrays | None, trace: Trace | None
) -> ShapeReport:
    graph = choice.best.plan.graph
    fits = inputs is not None and all(
        t.name in inputs and inputs[t.name].shape == t.shape and inputs[t.name].dtype == t.dtype
        for t in graph.inputs
    )
    given = {t.name: inputs[t.name] for t in graph.inputs} if inputs and fits else noise(graph)
    native = _Native(model, given)
    candidates = (choice.best, *choice.others)
    calls = [_timed(candidate.program, given) for candidate in candidates]
    measured = [_candidate(c, m, given, native) for c, m in zip(candidates, calls, strict=True)]
    if trace is not None:
        program = choice.best.program
        moments = program.timed(given)
        shapes = ", ".join("×".join(map(str, t.shape)) for t in graph.inputs)
        trace.add(f"{choice.best.engine}, {shapes}", spans(program, moments, kernels(program)))
    return ShapeReport(
        shapes={t.name: t.shape for t in graph.inputs},
        candidates=tuple(measured),
        refused={name: Why(r.code, r.detail) for name, r in choice.refused.items()},
        nodes=_nodes(choice, tuple(ENGINES)),
        advice=advise(choice, model.engines, model.native, model.settings, processor()),
    )


class _Native:
    """The native engine's values at any plan's borders, and its whole answer."""

    def __init__(self, model: CompiledModel, given: Arrays) -> None:
        self._engine, self._options, self._given = model.native, model.settings.options, given

    def at_borders(self, plan: Plan) -> dict[str, NDArray[Any]]:
        names = (self._engine.name,) * len(plan.segments)
        cut = Plan(plan.graph, plan.segments, names, plan.reasons)
        program, _ = build(
            cut, {self._engine.name: self._engine}, self._engine, self._options, None
        )
        program(self._given)
        return program.values()


def _timed(program: Program, given: Arrays) -> list[Moments]:
    """Calls in a row: between calls of others, waiting threads of theirs would still spin."""
    return [program.timed(given) for _ in range(CALLS + WARM)][WARM:]


def _candidate(
    candidate: Candidate, calls: Sequence[Moments], given: Arrays, native: _Native
) -> CandidateReport:
    program, plan = candidate.program, candidate.plan
    program.timed(given)
    found, wanted = program.values(), native.at_borders(plan)
    inner = kernels(program)
    seconds = step_seconds(calls)
    return CandidateReport(
        engine=candidate.engine,
        seconds=candidate.seconds,
        sqnr_db=_told([(found[t.name], wanted[t.name], 0) for t in plan.graph.outputs]),
        boundary_seconds=boundary_seconds(calls),
        segments=tuple(
            _segment(n, plan.graph, program, built, took, found, wanted, inner[n])
            for n, (built, took) in enumerate(zip(candidate.built, seconds, strict=True))
        ),
    )


def _segment(
    number: int,
    graph: Graph,
    program: Program,
    built: Built,
    seconds: float,
    found: Arrays,
    wanted: Arrays,
    inner: Sequence[Any],
) -> SegmentReport:
    step = program.steps[number]
    segment = step.segment
    alone = [aligned(t) for t in segment.outputs]
    step.executable.bind([wanted[t.name] for t in segment.inputs], alone)()
    zeros = {t.name: _zero_point(graph, t.name) for t in segment.outputs}
    slowest = sorted(inner, key=lambda kernel: -kernel.microseconds)[:SLOWEST]
    return SegmentReport(
        number=number,
        engine=step.engine,
        nodes=len(segment.members),
        inputs=tuple(t.name for t in segment.inputs),
        outputs=tuple(t.name for t in segment.outputs),
        weight_bytes=_weights(segment),
        border_bytes=sum(found[t.name].nbytes for t in (*segment.inputs, *segment.outputs)),
        build_seconds=built.seconds,
        cached=built.cached,
        failure=Why(built.failure.code, built.failure.detail) if built.failure else None,
        seconds=seconds,
        sqnr_db=_told([(found[t.name], wanted[t.name], zeros[t.name]) for t in segment.outputs]),
        own_sqnr_db=_told(
            [
                (a, wanted[t.name], zeros[t.name])
                for a, t in zip(alone, segment.outputs, strict=True)
            ]
        ),
        kernels=tuple(Kernel(k.name, k.kind, number, k.microseconds / 1e6) for k in slowest),
    )


def _nodes(choice: Choice, known: Sequence[str]) -> tuple[NodeReport, ...]:
    best = choice.best
    graph = best.plan.graph
    place = {n: s for s, segment in enumerate(best.plan.segments) for n in segment.members}
    others: dict[str, Mapping[str, Why]] = {
        candidate.engine: {
            str(node.name): Why(reason.code, reason.detail)
            for node, reason in zip(candidate.plan.graph.nodes, candidate.plan.reasons, strict=True)
            if reason
        }
        for candidate in (best, *choice.others)
    }
    slower = {
        candidate.engine: Why(
            "slower", f"its program takes {candidate.seconds / best.seconds:.2f} times as long"
        )
        for candidate in choice.others
    }
    names = list(dict.fromkeys((*known, *others, *choice.refused)))
    told = []
    for number, node in enumerate(graph.nodes):
        engine = best.built[place[number]].engine
        failure = best.built[place[number]].failure
        why = {}
        for name in names:
            if name == engine:
                continue
            if name == best.engine and failure:
                why[name] = Why(failure.code, failure.detail)
            elif reason := others.get(name, {}).get(str(node.name)):
                why[name] = reason
            elif name in slower:
                why[name] = slower[name]
            elif name in choice.refused:
                refusal = choice.refused[name]
                why[name] = Why(refusal.code, refusal.detail)
            else:
                why[name] = Why("not-asked", "it was left out, or another was chosen before")
        told.append(
            NodeReport(
                number=number, name=str(node.name), kind=node.op_type,
                reads=graph.predecessors[number], segment=place[number], engine=engine, why=why,
            )
        )  # fmt: skip
    return tuple(told)


def _told(pairs: Sequence[tuple[NDArray[Any], NDArray[Any], int]]) -> Decibels:
    """The least SQNR of several values."""
    least = math.inf
    for found, wanted, zero in pairs:
        if np.array_equal(found, wanted, equal_nan=found.dtype.kind == "f"):
            continue
        right = wanted.astype(np.float64) - zero
        noise = found.astype(np.float64) - zero - right
        near = decibels(float(np.sum(right**2)), float(np.sum(noise**2)))
        least = min(least, near) if math.isfinite(near) else -math.inf
    return "exact" if least == math.inf else "wrong" if least == -math.inf else least


def _weights(segment: Segment) -> int:
    sizes = {
        str(value.name): int(value.const_value.nbytes)
        for node in segment.nodes
        for value in node.inputs
        if value is not None and value.is_initializer() and value.const_value is not None
    }
    return sum(sizes.values())


def _zero_point(graph: Graph, name: str) -> int:
    """What a quantized value counts from: an error is measured in what integers stand for."""
    for node in graph.nodes:
        made = node.op_type == QUANTIZE and node.outputs[0].name == name
        read = node.op_type == DEQUANTIZE and node.inputs[0] and node.inputs[0].name == name
        if (made or read) and len(node.inputs) > 2:
            value = node.inputs[2]
            if value is not None and value.const_value is not None:
                zeros = np.asarray(value.const_value.numpy())
                return int(zeros) if zeros.ndim == 0 else 0
    return 0
