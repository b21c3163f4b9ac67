"""Which operations cost the most: leave each float in turn and see what it gains."""

from __future__ import annotations

from collections.abc import Sequence

from homebody.runtime.editing import Graph
from homebody.shrink._draft import Draft
from homebody.shrink._observe import Trace
from homebody.shrink.report import Sensitivity
from homebody.shrink.samples import Arrays


def rank(
    draft: Draft, samples: Sequence[Arrays], traces: Sequence[Trace], *, threads: int = 1
) -> tuple[Sensitivity, ...]:
    """Operations by the SQNR that the outputs gain when one of them stays float.

    Operations that only move values are left out: their error is another's.

    Args:
        draft: the integer model in the making.
        samples: what to measure on.
        traces: what the float model made of each.
        threads: how many threads an operation may use.
    """
    graph = Graph(draft.original)
    base = draft.output_db(samples, traces, threads=threads)
    left_out = set(draft.plan.floats)
    found = []
    for index, rule in draft.plan.rules.items():
        if rule.moves or not graph.operators[index].outputs:
            continue
        gain = draft.keeping(left_out | {index}).output_db(samples, traces, threads=threads) - base
        name = graph.name(graph.operators[index].outputs[0])
        found.append(Sensitivity(index=index, name=name, gain_db=gain))
    return tuple(sorted(found, key=lambda s: -s.gain_db))
