"""Which engines answer which batch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.engine import Options
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.policy import Costs, cheapest, choose
from homebody.engines.reading import read_graph
from homebody.errors import GraphError
from tests.engines.graphs import random_graph

NATIVE = OnnxRuntime()


@given(
    st.integers(1, 12),
    st.dictionaries(st.integers(1, 6), st.integers(1, 40), min_size=1, max_size=4),
)
def test_no_cover_is_cheaper(batch, run):
    sizes, seconds = cheapest(batch, run)
    assert sum(sizes) >= batch
    assert seconds == sum(run[size] for size in sizes)
    best = min(
        sum(run[size] for size in cover)
        for count in range(1, batch + 1)
        for cover in itertools.combinations_with_replacement(run, count)
        if sum(cover) >= batch
    )
    assert seconds == best


def test_thousands_of_rows_take_no_long_table():
    sizes, seconds = cheapest(100_000, {1: 1.0, 8: 4.0})
    assert sum(sizes) == 100_000
    assert seconds == 50_000


def stream(policy, requests, run, build, costs=None, opened=None):
    """What a stream costs where calls take what `run` says and each build the same."""
    costs = costs or Costs()
    costs.build[:] = [build]
    total, builds = 0.0, 0
    for batch in requests:
        parts, wanted = choose(batch, costs, policy)
        if wanted is not None:
            costs.add(wanted, run(wanted))
            total, builds = total + build, builds + 1
            parts = costs.cover(batch) if policy == "cost" else ((batch, batch),)
        assert sum(rows for _, rows in parts) == batch
        for engine, rows in parts:
            total += opened(rows) if isinstance(engine, str) else run(engine)
            costs.told((engine, rows), opened(rows) if isinstance(engine, str) else run(engine))
    return total, builds


def foreseen(requests, run, build, given=(), opened=None):
    """The least that any choice of engines costs, where every request is known beforehand."""
    sizes = sorted(set(requests) - set(given))

    def cost(chosen):
        engines = {size: run(size) for size in (*given, *chosen)}
        seconds = build * len(chosen)
        for batch in requests:
            covers = [cheapest(batch, engines)[1]] if engines else []
            covers += [opened(batch)] if opened else []
            if opened and engines:
                covers += [cheapest(batch - k, engines)[1] + opened(k) for k in range(1, batch)]
            if not covers:
                return np.inf
            seconds += min(covers)
        return seconds

    return min(cost(c) for n in range(len(sizes) + 1) for c in itertools.combinations(sizes, n))


def per_row(seconds):
    return lambda rows: seconds * rows


REQUESTS = np.random.default_rng(0).integers(1, 9, 150).tolist()


@pytest.mark.parametrize("build", [0.001, 0.1, 1.0, 30.0])
def test_the_cost_rule_is_never_much_worse_than_another(build):
    ours, _ = stream("cost", REQUESTS, per_row(0.01), build)
    for policy in ("at-least", "exact"):
        assert ours <= 1.05 * stream(policy, REQUESTS, per_row(0.01), build)[0]


def test_dear_builds_are_few_and_cheap_ones_are_exact():
    def curve(rows):
        return 0.01 * rows**0.5

    assert stream("cost", REQUESTS, curve, 30.0)[1] < stream("cost", REQUESTS, curve, 0.0001)[1]
    assert stream("cost", REQUESTS, curve, 0.0)[1] == 8
    assert stream("exact", REQUESTS, curve, 30.0)[1] == 8


def test_rent_is_paid_until_it_is_the_price():
    costs = Costs(run={8: 8.0}, build=[10.0])
    rents = []
    while choose(1, costs, "cost")[1] is None:
        rents.append(costs.rent[1])
    assert rents == [7.0]  # a second time would make it 14, more than building


@given(st.integers(1, 200), st.floats(0.01, 50), st.floats(0.05, 1))
def test_where_one_engine_may_be_worth_it_at_most_twice_what_foresight_costs(count, build, row):
    """Karlin's bound."""
    costs = Costs()
    costs.add(8, 8 * row)
    ours, _ = stream("cost", [1] * count, per_row(row), build, costs)
    assert ours <= 2 * foreseen([1] * count, per_row(row), build, [8]) + 1e-9


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=120),
    st.floats(0.01, 30), st.floats(0.1, 1), st.floats(0, 2), st.integers(1, 6),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_what_was_lost_for_want_of_an_engine_is_at_most_its_price(
    requests, build, row, call, first
):
    run = lambda size: call + row * size  # noqa: E731
    costs = Costs()
    costs.add(first, run(first))
    stream("cost", requests, run, build, costs)
    assert all(rent < build for rent in costs.rent.values())
    assert not costs.rent.keys() & costs.run.keys()


@pytest.mark.parametrize("call", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("build", [0.5, 5.0, 25.0])
@pytest.mark.parametrize("opened", [None, 1.0, 1.3])
def test_random_streams_cost_at_most_twice_what_foresight_does(call, build, opened):
    dice = np.random.default_rng(0)
    run = lambda size: call + 0.3 * size  # noqa: E731
    any_batch = None if opened is None else lambda rows: opened * run(rows)
    for _ in range(12):
        weights = dice.dirichlet(np.ones(6) * dice.choice([0.2, 1, 5]))
        requests = (1 + dice.choice(6, 120, p=weights)).tolist()
        first = int(dice.integers(1, 7))
        costs = Costs()
        costs.add(first, run(first))
        if any_batch:
            costs.add_open("any", first, any_batch(first))
        ours, _ = stream("cost", requests, run, build, costs, any_batch)
        assert ours <= 2 * foreseen(requests, run, build, [first], any_batch)


def test_an_engine_for_every_batch_is_taken_where_it_is_as_quick():
    costs = Costs()
    costs.add(7, 7.0)
    costs.add_open("any", 7, 7.1)
    costs.build.append(5.0)
    ours, builds = stream("cost", REQUESTS, per_row(1.0), 5.0, costs, per_row(1.02))
    assert ours <= 1.03 * sum(REQUESTS) + 10
    assert builds <= 2


def test_calls_tell_how_long_they_take():
    costs = Costs()
    costs.add(1, 1.0)
    costs.add_open("any", 1, 1.0)
    for _ in range(3):
        costs.told(("any", 8), 16.0)  # a line through what is known would say 8
    assert costs.cover(8) == ((1, 1),) * 8
    for _ in range(5):
        costs.told(("any", 8), 4.0)
    assert costs.cover(8) == (("any", 8),)


def test_one_slow_call_is_not_believed():
    costs = Costs()
    costs.add(1, 1.0)
    costs.add_open("any", 1, 1.0)
    before = costs.cover(8)
    costs.told(("any", 8), 1000.0)
    assert costs.cover(8) == before


def test_what_can_be_loaded_is_cheaper_to_have():
    costs = Costs(run={8: 8.0}, build=[10.0], load=[1.0], stored={4})
    assert costs.price(4) == 1.0
    assert costs.price(2) == 10.0
    assert choose(4, costs, "cost")[1] == 4  # what covering costs too much is over 1 at once


@pytest.mark.parametrize("policy", ["cost", "at-least", "exact"])
def test_every_batch_gets_its_own_rows_answer(policy):
    graph = read_graph(random_graph(3))
    model = CompiledModel(graph, {}, NATIVE, Settings(Options(), policy))
    one = CompiledModel(graph, {}, NATIVE, Settings(Options(), "exact"))
    dice = np.random.default_rng(1)
    for batch in (3, 1, 8, 5, 8, 2, 17):
        inputs = {t.name: dice.normal(size=(batch, 5)).astype(np.float32) for t in graph.inputs}
        found = model(inputs)
        for row in range(batch):
            wanted = one({name: rows[row : row + 1] for name, rows in inputs.items()})
            for name in wanted:
                np.testing.assert_allclose(
                    found[name][row : row + 1], wanted[name], rtol=1e-5, atol=1e-6
                )


def test_no_more_engines_are_kept_than_asked_for():
    graph = read_graph(random_graph(3))
    model = CompiledModel(graph, {}, NATIVE, Settings(Options(), "exact", max_cached_engines=2))
    for batch in (1, 2, 3, 1):
        model({t.name: np.zeros((batch, 5), np.float32) for t in graph.inputs})
        assert len(model.choices) <= 2
    assert [key[0][0] for key in model.choices] == [3, 1]


@pytest.mark.parametrize(
    ("shapes", "says"),
    [((0, 5), "rows"), ((2, 6), "asked for"), ((2, 5, 1), "asked for"), ((), "scalar")],
)
def test_requests_that_do_not_fit_are_refused(shapes, says):
    graph = read_graph(random_graph(3))
    model = CompiledModel(graph, {}, NATIVE)
    with pytest.raises(GraphError, match=says):
        model({t.name: np.zeros(shapes, np.float32) for t in graph.inputs})
