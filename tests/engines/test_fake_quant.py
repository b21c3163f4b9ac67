"""Ranges that training learned come out as they stand in the file."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.engines.graph import QUANTIZE
from homebody.errors import GraphError
from homebody.runtime import Model
from tests.engines.tflite.test_importing import answers, imported
from tests.shrink.nets import Net


def net(low: float, high: float, narrow: bool = False, bits: int = 8) -> bytes:
    made = Net()
    made.op(
        "FAKE_QUANT", [made.input((1, 64))], (1, 64), options="FakeQuantOptions",
        min=low, max=high, numBits=bits, narrowRange=narrow,
    )  # fmt: skip
    return made.build()


@pytest.mark.parametrize("ends", [(0.0, 6.0), (-1.0, 1.0), (-0.3, 5.1), (-4.0, 0.0)])
def test_the_range_and_every_value_are_the_files(ends):
    data = net(*ends)
    graph = imported(data)
    (quantize,) = [node for node in graph.nodes if node.op_type == QUANTIZE]
    scale = float(quantize.inputs[1].const_value.numpy())
    zero = int(quantize.inputs[2].const_value.numpy())
    assert 255 * scale == pytest.approx(ends[1] - ends[0], rel=1e-6)
    assert -zero * scale == pytest.approx(ends[0], abs=scale / 2 * 1.001)
    x = np.linspace(ends[0] - 1, ends[1] + 1, 64, dtype=np.float32).reshape(1, 64)
    (wanted,), (found,) = Model(data)(x), answers(graph, [x])
    # What lies halfway between two steps may go either way.
    assert np.abs(found - wanted).max() <= scale * 1.001
    assert (np.abs(found - wanted) < 1e-5).mean() > 0.9


def test_what_is_not_learned_in_8_bits_is_refused():
    with pytest.raises(GraphError, match="4 bits"):
        imported(net(-1, 1, bits=4))
    with pytest.raises(GraphError, match="narrow range"):
        imported(net(-1, 1, narrow=True))
    with pytest.raises(GraphError, match="empty range"):
        imported(net(0, 0))
