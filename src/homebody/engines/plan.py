"""Which engine runs which node, and why not another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homebody.engines import qdq
from homebody.engines.engine import Engine, Reason
from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph, Segment
from homebody.engines.partition import at_least, contract

MIN_SEGMENT_SIZE = 3
"""Smaller segments cost more at their borders than an engine gains."""


@dataclass(frozen=True)
class Plan:
    """A graph cut for one engine and the native one.

    Attributes:
        graph: what was cut.
        segments: in an order to run them in.
        engines: for each segment the engine's name.
        reasons: for each node None, or why the engine does not run it.
    """

    graph: Graph
    segments: tuple[Segment, ...]
    engines: tuple[str, ...]
    reasons: tuple[Reason | None, ...]


def plan(
    graph: Graph,
    engine: Engine,
    native: Engine,
    *,
    min_segment_size: int = MIN_SEGMENT_SIZE,
    faulty: Sequence[tuple[int, Reason]] = (),
) -> Plan:
    """Give the engine the largest convex segments that it takes, the native one the rest.

    Args:
        graph: of static shapes, with a DequantizeLinear for each reader (:func:`qdq.split_shared`).
        engine: what to give as much as possible to.
        native: what runs everything else, and everything whose shape depends on data unless the
            engine takes all of the graph.
        min_segment_size: nodes that compute in a segment of the engine, at least. The whole graph
            is never too small.
        faulty: nodes that the engine is not to run although it says it could, and why.
    """
    reasons = list(engine.supports(graph))
    for number, reason in faulty:
        reasons[number] = reasons[number] or reason
    if any(reasons) or not engine.varies:
        for number in range(len(graph.nodes)):
            alone = graph.segment([number])
            varying = [t.name for t in (*alone.inputs, *alone.outputs) if not t.static]
            if varying and reasons[number] is None:
                detail = f"the shape of {varying[0]!r} is known only when it is there"
                reasons[number] = Reason("varying-shape", detail)
    if not any(reasons):
        return Plan(graph, (graph.whole(),), (engine.name,), tuple(reasons))

    predecessors, members = contract(graph.predecessors, qdq.units(graph))
    colours = [all(reasons[n] is None for n in unit) for unit in members]
    sizes = [
        sum(graph.nodes[n].op_type not in (QUANTIZE, DEQUANTIZE) for n in unit) for unit in members
    ]
    groups, kept = at_least(predecessors, colours, sizes, min_segment_size)
    for unit, (before, after) in enumerate(zip(colours, kept, strict=True)):
        if before and not after:
            for number in members[unit]:
                detail = f"its segment has fewer than {min_segment_size} nodes"
                reasons[number] = Reason("too-small", detail)
        elif not before:
            why = next(r for n in members[unit] if (r := reasons[n]))
            for number in members[unit]:
                reasons[number] = reasons[number] or why
    segments = [
        graph.segment(sorted(n for unit in group for n in members[unit])) for group in groups
    ]
    engines = [engine.name if kept[group[0]] else native.name for group in groups]
    return Plan(graph, tuple(segments), tuple(engines), tuple(reasons))
