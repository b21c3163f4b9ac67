"""Which engines answer which batch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.engine import Options
from homebody.engines.graph import read_graph
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.policy import Costs, cheapest, choose
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


def stream(policy: str, requests: list[int], per_row: float, build: float) -> tuple[float, int]:
    """What a stream costs where a call takes its rows' time and each build the same."""
    costs, total, builds = Costs(), 0.0, 0
    for batch in requests:
        sizes = choose(batch, costs, policy)
        if sizes is None:
            costs.run[batch] = per_row * batch
            costs.build.append(build)
            total, builds, sizes = total + build, builds + 1, (batch,)
        total += sum(costs.run[size] for size in sizes)
    return total, builds


REQUESTS = np.random.default_rng(0).integers(1, 9, 150).tolist()


@pytest.mark.parametrize("build", [0.001, 0.1, 1.0, 30.0])
def test_the_cost_rule_is_never_much_worse_than_another(build):
    ours, _ = stream("cost", REQUESTS, 0.01, build)
    others = [stream(policy, REQUESTS, 0.01, build)[0] for policy in ("at-least", "exact")]
    assert ours <= 1.05 * min(others)


def test_dear_builds_are_few_and_cheap_ones_are_exact():
    assert stream("cost", REQUESTS, 0.01, 30.0)[1] < stream("cost", REQUESTS, 0.01, 0.0001)[1]
    assert stream("cost", REQUESTS, 0.01, 0.0)[1] == 8
    assert stream("exact", REQUESTS, 0.01, 30.0)[1] == 8


def test_rent_is_paid_until_it_is_the_price():
    costs = Costs(run={8: 8.0}, build=[10.0])
    rents = []
    while choose(1, costs, "cost") is not None:
        rents.append(costs.rent[1])
    assert rents == [7.0]  # a second time would make it 14, more than building


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
