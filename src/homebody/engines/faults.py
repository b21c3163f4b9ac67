"""Where an engine's answer goes wrong: the first node at fault, found by halving.

The nodes are in an order in which each comes after what it reads from, so the engine can be given
the first k of them and the native engine the rest. With none of them the answer is right, with all
of them it is wrong; between the two lies the first node that makes it so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines import qdq
from homebody.engines.build import build
from homebody.engines.choose import nearness
from homebody.engines.engine import Engine, Options, Reason
from homebody.engines.graph import Graph
from homebody.engines.partition import contract
from homebody.engines.plan import plan


@dataclass(frozen=True)
class Fault:
    """The first place where an engine strays.

    Attributes:
        nodes: the nodes at fault, by name: one, or a quantized operation with its Q and DQ.
        sqnr: the answer's distance from the native one once the engine runs them, in decibels.
        builds: how many programs were built to find it, once the whole was known to be wrong.
    """

    nodes: tuple[str, ...]
    sqnr: float
    builds: int


def find_faulty(
    graph: Graph,
    engine: Engine,
    native: Engine,
    options: Options,
    inputs: Mapping[str, NDArray[Any]],
    *,
    least_sqnr: float,
) -> Fault | None:
    """Find the first node whose engine makes the answer wrong.

    Args:
        graph: of static shapes.
        engine: the one that is suspected.
        native: the one that is right.
        options: threads and precision.
        inputs: what to run.
        least_sqnr: below this distance from the native answer, in decibels, an answer is wrong.

    Returns:
        None where the engine's answer is right. Beside the whole graph, once with each engine, at
        most ``ceil(log2(n))`` programs are built for n nodes.
    """
    predecessors, members = contract(graph.predecessors, qdq.units(graph))
    engines = {native.name: native, engine.name: engine}
    uncut, _ = build(plan(graph, native, native), {native.name: native}, native, options, None)
    wanted = uncut(inputs)

    def distance(first: int) -> float:
        rest = [number for unit in members[first:] for number in unit]
        beyond = Reason("not-asked", "after the part that is tried")
        excluded = [(number, beyond) for number in rest]
        cut = plan(graph, engine, native, min_segment_size=1, faulty=excluded)
        program, _ = build(cut, engines, native, options, None)
        return nearness(program(inputs), wanted)

    wrong, near = len(predecessors), distance(len(predecessors))
    if near >= least_sqnr:
        return None
    right = builds = 0
    while wrong - right > 1:
        middle = (right + wrong) // 2
        found, builds = distance(middle), builds + 1
        if found < least_sqnr or np.isnan(found):
            wrong, near = middle, found
        else:
            right = middle
    names = tuple(str(graph.nodes[number].name) for number in members[right])
    return Fault(names, near, builds)
