"""Whether the rows of a batch are computed apart, so that they may be put together and split."""

from __future__ import annotations

import numpy as np

from homebody.engines.build import Store, build
from homebody.engines.choose import LEAST_SQNR, nearness, noise
from homebody.engines.engine import Engine, Options
from homebody.engines.graph import Graph
from homebody.engines.plan import plan
from homebody.errors import EngineBuildError, GraphError

_ROWS = 3


def rows_independent(
    graph: Graph, native: Engine, options: Options, *, store: Store | None = None
) -> bool:
    """Compare three different rows in one call with the same rows in three.

    A sum over the batch, say, or a range observed over all of it, mixes rows: then no answer may be
    padded, split, or shared with another's request. No form of a graph tells that; its answers do.

    Args:
        graph: its batch open; dimensions that are open elsewhere are three here.
        native: what computes.
        options: threads and precision, whose tolerance is that of
            :func:`~homebody.engines.choose.choose`.
        store: where compiled segments are kept.

    Returns:
        False too where three rows at once are not computed at all.
    """
    rows = noise(graph, batch=_ROWS)
    try:
        whole = plan(graph, native, native, min_segment_size=1)
        program, _ = build(whole, {native.name: native}, native, options, store)
        together = program(rows)
        apart = [
            program({name: value[row : row + 1] for name, value in rows.items()})
            for row in range(_ROWS)
        ]
    except (EngineBuildError, GraphError):
        return False
    joined = {name: np.concatenate([one[name] for one in apart]) for name in together}
    return nearness(joined, together) >= LEAST_SQNR[options.precision]
