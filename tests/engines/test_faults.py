"""The first node that an engine computes otherwise is found by halving."""

from __future__ import annotations

import math

import numpy as np
import pytest
from onnx import helper

from homebody.engines.choose import noise
from homebody.engines.engine import Options
from homebody.engines.faults import find_faulty
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.reading import read_graph
from tests.engines.graphs import model, value

NATIVE = OnnxRuntime()


class Suspect(OnnxRuntime):
    """Computes as the native engine does, but for the nodes of one name."""

    name = "suspect"

    def __init__(self, faulty: str) -> None:
        self.faulty = faulty
        self.builds = 0

    def build(self, segment, options):
        self.builds += 1
        built = super().build(segment, options)
        if self.faulty not in [node.name for node in segment.nodes]:
            return built
        bind = built.bind

        def bound(inputs, outputs):
            run = bind(inputs, outputs)

            def wrong():
                run()
                for output in outputs:
                    output += 1

            return wrong

        built.bind = bound
        return built


def chain(count: int):
    """x, then `count` nodes that each add one to what the last gave."""
    one = helper.make_tensor("one", 1, [], [1.0])
    nodes = [
        helper.make_node("Add", [f"v{n}" if n else "x", "one"], [f"v{n + 1}"], f"n{n}")
        for n in range(count)
    ]
    graph = model(nodes, [value("x", [4])], [value(f"v{count}", [4])], initializers=[one])
    return read_graph(graph)


@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_every_place_is_found(count):
    graph = chain(count)
    for place in {0, count // 3, count // 2, count - 1}:
        suspect = Suspect(f"n{place}")
        fault = find_faulty(graph, suspect, NATIVE, Options(), noise(graph), least_sqnr=60)
        assert fault is not None
        assert fault.nodes == (f"n{place}",)
        assert fault.builds <= math.ceil(math.log2(count))
        assert suspect.builds == fault.builds + 1  # and once for the whole
        assert fault.sqnr < 60


def test_a_right_engine_has_no_fault():
    graph = chain(9)
    right = Suspect("none")
    assert find_faulty(graph, right, NATIVE, Options(), noise(graph), least_sqnr=60) is None


def test_nan_is_wrong():
    class Nan(Suspect):
        def build(self, segment, options):
            built = super().build(segment, options)
            if "n3" in [node.name for node in segment.nodes]:
                bind = built.bind

                def bound(inputs, outputs):
                    run = bind(inputs, outputs)

                    def wrong():
                        run()
                        outputs[0][...] = np.nan

                    return wrong

                built.bind = bound
            return built

    graph = chain(8)
    fault = find_faulty(graph, Nan("none"), NATIVE, Options(), noise(graph), least_sqnr=60)
    assert fault is not None
    assert fault.nodes == ("n3",)
