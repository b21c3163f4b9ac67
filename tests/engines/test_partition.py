"""Cutting a graph, held against exhaustive search and against the definition of a convex cut."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.engines.partition import at_least, contract, partition


@st.composite
def graphs(draw, most: int = 12):
    """Predecessors in order, and colours."""
    count = draw(st.integers(1, most))
    before = [
        sorted(draw(st.sets(st.integers(0, node - 1), max_size=3)) if node else ())
        for node in range(count)
    ]
    return before, draw(st.lists(st.booleans(), min_size=count, max_size=count))


def random_graph(seed: int) -> tuple[list[list[int]], list[bool]]:
    dice = random.Random(seed)
    count = dice.randint(1, 80)
    reach = dice.choice((2, 4, 8, 80))
    before = [
        sorted({dice.randrange(max(0, node - reach), node) for _ in range(dice.randint(0, 3))})
        if node
        else []
        for node in range(count)
    ]
    share = dice.choice((0.1, 0.5, 0.9))
    return before, [dice.random() < share for _ in range(count)]


def sound(before, colours, segments) -> None:
    """Every node once; one colour a segment; whatever is read was made by then."""
    done: set[int] = set()
    for segment in segments:
        assert segment
        assert len({colours[node] for node in segment}) == 1
        assert segment == sorted(segment)
        assert done.isdisjoint(segment)
        for node in segment:
            assert set(before[node]) <= done | set(segment)
        done |= set(segment)
    assert done == set(range(len(before)))


def fewest(before, colours) -> int:
    """The fewest segments, by trying every order: a set of nodes done, and the colour last run."""

    @cache
    def least(done: frozenset[int], last: bool | None) -> int:
        if len(done) == len(before):
            return 0
        ready = [
            n for n in range(len(before)) if n not in done and all(p in done for p in before[n])
        ]
        return min(least(done | {node}, colours[node]) + (colours[node] != last) for node in ready)

    return least(frozenset(), None)


@given(graphs())
def test_every_cut_can_be_run_in_order(graph):
    sound(*graph, partition(*graph))


@given(graphs(most=8))
def test_no_cut_has_fewer_segments(graph):
    assert len(partition(*graph)) == fewest(*graph)


@pytest.mark.parametrize("block", range(10))
def test_large_random_graphs(block):
    """A path that changes colour k times needs k + 1 segments, and gets at most one more."""
    for seed in range(100 * block, 100 * block + 100):
        before, colours = random_graph(seed)
        segments = partition(before, colours)
        sound(before, colours, segments)
        changes: list[int] = []
        for node, read in enumerate(before):
            changes.append(
                max((changes[p] + (colours[p] != colours[node]) for p in read), default=1)
            )
        assert max(changes) <= len(segments) <= max(changes) + 1


@given(graphs(), st.integers(1, 5))
def test_no_segment_of_the_engine_is_too_small(graph, smallest):
    before, colours = graph
    segments, kept = at_least(before, colours, [1] * len(before), smallest)
    sound(before, kept, segments)
    assert all(old or not new for old, new in zip(colours, kept, strict=True))
    assert all(len(s) >= smallest for s in segments if kept[s[0]])


@given(graphs(), st.data())
def test_units_stay_together(graph, data):
    before, _ = graph
    # Neighbours along a chain of numbers: no path can leave such a unit and come back.
    cuts = data.draw(st.sets(st.integers(1, len(before))))
    units = [sum(node >= cut for cut in cuts) for node in range(len(before))]
    reads, members = contract(before, units)
    assert sorted(n for unit in members for n in unit) == list(range(len(before)))
    assert all(len({units[n] for n in unit}) == 1 for unit in members)
    home = {node: number for number, unit in enumerate(members) for node in unit}
    for number, read in enumerate(reads):
        wanted = {home[p] for node in members[number] for p in before[node]} - {number}
        assert set(read) == wanted
        assert all(other < number for other in read)
