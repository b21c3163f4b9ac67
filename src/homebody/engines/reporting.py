"""Measure what was compiled, step by step, and say what became of each node.

Each candidate is measured anew: how long each segment takes, and how far what it leaves at its
borders is from what the native engine leaves there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from homebody.engines.advice import advise
from homebody.engines.choose import LEAST_SQNR, Choice, noise
from homebody.engines.compiled import Arrays, CompiledModel
from homebody.engines.engine import Reason
from homebody.engines.faults import find_faulty
from homebody.engines.folder import Why
from homebody.engines.loading import ENGINES
from homebody.engines.nearness import measured
from homebody.engines.processor import processor
from homebody.engines.profile import kernels
from homebody.engines.program import Moments, Program
from homebody.engines.report import (
    Event,
    FaultReport,
    InputsReport,
    NodeReport,
    Report,
    ShapeReport,
)
from homebody.engines.rows import Rows
from homebody.engines.trace import Span, Trace, spans
from homebody.errors import EngineBuildError

CALLS = 20
"""As many calls are timed step by step."""
WARM = 10
"""As many calls go before them."""
DRAWN = 2000
"""As many kernels of a call are reported in their order, the longest ones."""


def report(
    model: CompiledModel,
    source: str,
    *,
    inputs: Rows | None = None,
    trace: Trace | None = None,
    told: Callable[[str], object] = lambda what: None,
) -> Report:
    """Measure a compiled model's candidates step by step and say what became of each node.

    Args:
        model: with the shapes that were built, as :func:`homebody.engines.compile` returns it.
        source: the model's name.
        inputs: real inputs for the shapes that they fit; others are measured with seeded noise.
        trace: what one call of each shape is added to.
        told: called with what is done next.

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
        inputs=None
        if inputs is None
        else InputsReport(name=inputs.name, rows=inputs.count, row_seconds=inputs.row_seconds),
        shapes=tuple(
            _shape(model, choice, inputs, trace, told) for choice in list(model.choices.values())
        ),
    )


def _shape(
    model: CompiledModel,
    choice: Choice,
    inputs: Rows | None,
    trace: Trace | None,
    told: Callable[[str], object],
) -> ShapeReport:
    graph = choice.best.plan.graph
    real = inputs.calls(graph.inputs) if inputs else []
    given = real or [noise(graph)]
    candidates = []
    for number, candidate in enumerate((choice.best, *choice.others)):
        told(f"measuring {candidate.engine}")
        calls = _timed(candidate.program, given[0])
        inner = kernels(candidate.program)
        candidates.append(measured(candidate, calls, inner, given, model))
        if number == 0:
            moments = sorted(calls, key=lambda call: call.ended - call.began)[len(calls) // 2]
            found = list(spans(candidate.program, moments, inner))
    if trace is not None:
        shapes = ", ".join("×".join(map(str, t.shape)) for t in graph.inputs)
        trace.add(f"{choice.best.engine}, {shapes}", found)
    rows = sum(len(next(iter(call.values()))) for call in real)
    return ShapeReport(
        shapes={t.name: t.shape for t in graph.inputs},
        rows=min(rows, inputs.count) if inputs else 0,
        candidates=tuple(candidates),
        refused={name: Why(r.code, r.detail) for name, r in choice.refused.items()},
        faults=_faults(model, choice, given[0], told),
        nodes=_nodes(choice, tuple(ENGINES)),
        call=_events(found),
        advice=advise(choice, model.engines, model.native, model.settings, processor()),
    )


def _timed(program: Program, given: Arrays) -> list[Moments]:
    """Calls in a row: between calls of others, waiting threads of theirs would still spin."""
    return [program.timed(given) for _ in range(CALLS + WARM)][WARM:]


def _events(found: Sequence[Span]) -> tuple[Event, ...]:
    """A call's parts, since it began; the shortest kernels are left out where there are many."""
    began, made, number = found[0].start, [], -1
    lengths = sorted((s.end - s.start for s in found if s.kind == "kernel"), reverse=True)
    least = lengths[DRAWN - 1] if len(lengths) > DRAWN else 0.0
    for span in found[1:]:
        number += span.kind == "segment"
        if span.kind == "kernel" and span.end - span.start < least:
            continue
        made.append(
            Event(
                kind=span.kind, name=span.name, start=span.start - began,
                operation=str(span.details["operation"]) if span.kind == "kernel" else None,
                segment=number if span.kind in ("segment", "kernel") else None,
                seconds=span.end - span.start,
            )
        )  # fmt: skip
    return tuple(made)


def _faults(
    model: CompiledModel, choice: Choice, given: Arrays, told: Callable[[str], object]
) -> dict[str, FaultReport]:
    """Where engines first stray that were refused for it."""
    options = model.settings.options
    graph = model.graph.at({name: value.shape for name, value in given.items()})
    found = {}
    for name, why in choice.refused.items():
        if why.code != "wrong-answer":
            continue
        told(f"finding where {name} strays")
        try:
            fault = find_faulty(
                graph, model.engines[name], model.native, options, given,
                least_sqnr=LEAST_SQNR[options.precision],
            )  # fmt: skip
        except (EngineBuildError, RuntimeError):  # half of a graph may fail where the whole ran
            continue
        if fault is not None:
            sqnr = fault.sqnr if math.isfinite(fault.sqnr) else None
            found[name] = FaultReport(nodes=fault.nodes, sqnr_db=sqnr, builds=fault.builds)
    return found


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
