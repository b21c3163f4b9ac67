"""Timing in turns, over a clock that only moves when something runs."""

from __future__ import annotations

import itertools
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.engines import measure


class Clock:
    """Time that runs take from lists of what they cost."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def __call__(self) -> float:
        return self.now

    def run(self, name, costs):
        costs = itertools.cycle(costs)

        def once():
            self.calls.append(name)
            self.now += next(costs)

        return once


def test_it_gives_the_median_of_what_was_counted():
    clock = Clock()
    runs = {"a": clock.run("a", [9.0, 1.0, 2.0, 3.0])}
    # The first call allocates; the rounds are then (1, 2), (3) and (9).
    found = measure.medians(runs, seconds=2.5, rounds=3, clock=clock)
    assert found == {"a": statistics.median([1.5, 3.0, 9.0])}


@pytest.mark.parametrize(("warm", "median"), [(0.0, 8.0), (1.0, 1.0)])
def test_what_warms_up_does_not_count(warm, median):
    clock = Clock()

    def run(name):
        def once():
            # Slow where another's threads still spin.
            slow = not clock.calls or clock.calls[-1] != name
            clock.calls.append(name)
            clock.now += 8.0 if slow else 1.0

        return once

    found = measure.medians(
        {name: run(name) for name in "abc"}, seconds=0.5, warm=warm, rounds=9, clock=clock
    )
    assert set(found.values()) == {median}


def test_what_is_hopeless_has_two_turns_and_still_its_median():
    clock = Clock()
    runs = {"a": clock.run("a", [1.0]), "b": clock.run("b", [1.5]), "c": clock.run("c", [3.5])}
    found = measure.medians(runs, seconds=0, rounds=5, limit=1000.0, clock=clock)
    assert found == {"a": 1.0, "b": 1.5, "c": 3.5}
    assert [clock.calls.count(name) for name in "abc"] == [6, 6, 3]


def test_without_a_limit_all_have_the_same_turns():
    clock = Clock()
    runs = {"a": clock.run("a", [1.0]), "b": clock.run("b", [9.0])}
    measure.medians(runs, seconds=0, rounds=4, clock=clock)
    assert [clock.calls.count(name) for name in "ab"] == [5, 5]


def test_rounds_are_added_until_the_two_quickest_are_told_apart():
    dice = random.Random(1)
    clock = Clock()
    near = {
        "a": [1 + dice.random() / 4 for _ in range(97)],
        "b": [1.05 + dice.random() / 4 for _ in range(89)],
    }
    runs = {name: clock.run(name, costs) for name, costs in near.items()}
    found = measure.medians(runs, seconds=0, rounds=3, limit=1e6, clock=clock)
    assert clock.calls.count("a") > 10
    assert found["a"] < found["b"]
    before = len(clock.calls)
    measure.medians(runs, seconds=0, rounds=3, limit=20.0, clock=clock)
    assert len(clock.calls) - before < 30  # the limit ends it sooner


def test_those_that_are_alike_end_it():
    clock = Clock()
    runs = {name: clock.run(name, [1.0, 1.001]) for name in "ab"}
    measure.medians(runs, seconds=0, rounds=3, limit=1e6, clock=clock)
    assert clock.calls.count("a") == 4


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=60))
def test_the_interval_holds_the_median(values):
    low, high = measure.interval(values)
    assert min(values) <= low <= statistics.median(values) <= high <= max(values)


@pytest.mark.parametrize("count", [6, 9, 15, 40])
def test_the_interval_misses_in_about_one_of_twenty(count):
    dice = random.Random(count)
    missed = 0
    for _ in range(2000):
        low, high = measure.interval([dice.gauss(0, 1) for _ in range(count)])
        missed += not low <= 0 <= high
    assert missed / 2000 < 0.11
    assert count < 9 or missed / 2000 > 0.005
