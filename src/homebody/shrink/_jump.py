"""The operation at which the error between two models jumps."""

from __future__ import annotations

from collections.abc import Mapping

from homebody.runtime.editing import Graph
from homebody.shrink._measure import NOISELESS_DB

JUMP_DB = 10.0
"""A jump is a loss of more than this: ten times the noise that came in."""
HARMLESS_DB = 20.0
"""Above this no loss is a jump: the error is below a tenth of the signal. Eight bits cost the
first operation more than ``JUMP_DB`` wherever its input is nearly exact, and harm nothing."""


def first_jump(graph: Graph, db: Mapping[int, float | None]) -> int | None:
    """The first operation whose output is much worse than anything that it was made from.

    Its output is below :data:`HARMLESS_DB`, and by more than :data:`JUMP_DB` below the least SQNR
    on the way to its inputs. The way counts and not the inputs alone, since an average hides
    noise that the next operation shows again.

    Args:
        graph: the model whose values count as right.
        db: SQNR at its tensors, None or absent where it is not known.
    """
    least = {t: found for t in graph.inputs if (found := db.get(t)) is not None}
    for index, op in enumerate(graph.operators):
        before = min((least.get(t, NOISELESS_DB) for t in op.inputs), default=NOISELESS_DB)
        for tensor in op.outputs:
            found = db.get(tensor)
            if found is not None and found < min(HARMLESS_DB, before - JUMP_DB):
                return index
            least[tensor] = before if found is None else min(before, found)
    return None
