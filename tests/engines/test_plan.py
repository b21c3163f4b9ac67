"""Plans say of each node why the engine does not run it, and lose none."""

from __future__ import annotations

import random

import numpy as np
import pytest

from homebody.engines.build import build
from homebody.engines.choose import noise
from homebody.engines.engine import Options, Reason
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.plan import plan
from homebody.engines.reading import read_graph
from tests.engines.graphs import random_graph

NATIVE = OnnxRuntime()


class Choosy(OnnxRuntime):
    """Refuses nodes by lot."""

    name = "choosy"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def supports(self, graph):
        dice = random.Random(self.seed)
        share = dice.choice((0.1, 0.5, 0.9))
        refusal = Reason("unsupported-shape", "drawn by lot")
        return tuple(refusal if dice.random() < share else None for _ in graph.nodes)


def planned(seed: int, smallest: int):
    graph = read_graph(random_graph(seed))
    graph = graph.at({tensor.name: (2, 5) for tensor in graph.inputs})
    engine = Choosy(seed)
    return graph, engine, plan(graph, engine, NATIVE, min_segment_size=smallest)


@pytest.mark.parametrize("smallest", [1, 3, 10])
def test_every_native_node_has_a_reason_and_no_other_has(smallest):
    for seed in range(30):
        graph, engine, cut = planned(seed, smallest)
        refused = engine.supports(graph)
        members = [n for segment in cut.segments for n in segment.members]
        assert sorted(members) == list(range(len(graph.nodes)))
        for segment, name in zip(cut.segments, cut.engines, strict=True):
            for number in segment.members:
                reason = cut.reasons[number]
                assert (reason is None) == (name == "choosy")
                if reason is not None:
                    wanted = "unsupported-shape" if refused[number] else "too-small"
                    assert reason.code == wanted
                    assert reason.detail
            if name == "choosy":
                assert segment.size >= smallest


@pytest.mark.parametrize("seed", range(15))
def test_however_it_is_cut_it_computes_the_same(seed):
    graph, engine, cut = planned(seed, 1 + seed % 3)
    engines = {engine.name: engine, NATIVE.name: NATIVE}
    program, _ = build(cut, engines, NATIVE, Options(), None)
    whole, _ = build(plan(graph, NATIVE, NATIVE), engines, NATIVE, Options(), None)
    wanted, found = whole(noise(graph)), program(noise(graph))
    assert wanted.keys() == found.keys()
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, atol=1e-6)
