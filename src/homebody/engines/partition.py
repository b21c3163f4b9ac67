"""Cut a graph into the fewest convex segments of two kinds: for an engine, and native.

A segment is convex when no path leaves it and comes back, so that segments can run one after the
other. Nodes are numbered; each has a colour, True where the engine takes it.

Every graph with alternating colours along a path needs at least as many segments as that path has
stretches of one colour. Giving each node the lowest stage that its predecessors allow, where the
engine's stages and the native ones take turns, reaches that number exactly, but for one stage when
both kinds could begin; so both beginnings are tried. Cost: one pass over the edges.
"""

from __future__ import annotations

from collections.abc import Sequence

Numbers = Sequence[int]


def partition(predecessors: Sequence[Numbers], colours: Sequence[bool]) -> list[list[int]]:
    """Cut into the fewest segments.

    Args:
        predecessors: for each node, those it reads from; all have lower numbers.
        colours: for each node, whether the engine takes it.

    Returns:
        The segments in an order to run them in, each a sorted list of nodes of one colour.

    Example:
        >>> partition([[], [0], [1], [0], [2, 3]], [True, False, True, True, True])
        [[0, 3], [1], [2, 4]]
    """
    return min((_staged(predecessors, colours, first) for first in (True, False)), key=len)


def _staged(
    predecessors: Sequence[Numbers], colours: Sequence[bool], first: bool
) -> list[list[int]]:
    stages: list[int] = []
    for node, before in enumerate(predecessors):
        stage = max((stages[p] for p in before), default=0)
        turn = 0 if colours[node] == first else 1
        stages.append(stage + (stage % 2 != turn))
    groups: dict[int, list[int]] = {}
    for node, stage in enumerate(stages):
        groups.setdefault(stage, []).append(node)
    return [groups[stage] for stage in sorted(groups)]


def at_least(
    predecessors: Sequence[Numbers],
    colours: Sequence[bool],
    sizes: Sequence[int],
    smallest: int,
) -> tuple[list[list[int]], list[bool]]:
    """Cut so that no segment of the engine is smaller than worth it; its nodes become native.

    Args:
        predecessors, colours: as for :func:`partition`.
        sizes: what each node counts for.
        smallest: the least sum of sizes of an engine's segment.

    Returns:
        The segments, and for each node whether the engine still takes it.

    Example:
        >>> at_least([[], [0], [1]], [True, False, True], [1, 1, 1], smallest=2)
        ([[0, 1, 2]], [False, False, False])
    """
    kept = list(colours)
    while True:
        segments = partition(predecessors, kept)
        small = [
            segment
            for segment in segments
            if kept[segment[0]] and sum(sizes[node] for node in segment) < smallest
        ]
        if not small:
            return segments, kept
        for segment in small:
            for node in segment:
                kept[node] = False


def contract(
    predecessors: Sequence[Numbers], units: Sequence[int]
) -> tuple[list[list[int]], list[list[int]]]:
    """Make one node of each unit of nodes that must stay together.

    Args:
        predecessors: for each node, those it reads from.
        units: for each node, its unit's name: any number.

    Returns:
        For each unit the units that it reads from, in an order where these come first, and for each
        unit its nodes.

    Example:
        >>> contract([[], [0], [1], [2]], [7, 7, 7, 9])
        ([[], [0]], [[0, 1, 2], [3]])
    """
    members: dict[int, list[int]] = {}
    for node, unit in enumerate(units):
        members.setdefault(unit, []).append(node)
    reads = {
        unit: {units[p] for node in nodes for p in predecessors[node]} - {unit}
        for unit, nodes in members.items()
    }
    order: dict[int, int] = {}
    stack = list(reversed(members))
    while stack:
        unit = stack[-1]
        waiting = [u for u in reads[unit] if u not in order]
        if unit in order:
            stack.pop()
        elif waiting:
            stack += waiting
        else:
            order[unit] = len(order)
            stack.pop()
    return (
        [sorted(order[read] for read in reads[unit]) for unit in order],
        [members[unit] for unit in order],
    )
