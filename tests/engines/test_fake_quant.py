"""Ranges that training learned come out as they stand in the file."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from homebody.engines import qdq
from homebody.engines.graph import QUANTIZE, Graph
from homebody.engines.reading import read_graph
from homebody.engines.tflite import export_tflite
from homebody.errors import GraphError
from homebody.runtime import Model, summarize
from tests.engines.graphs import model, value
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


def trained(scales: np.ndarray, zero: int = 10) -> tuple[bytes, np.ndarray]:
    """What PyTorch exports after training: float weights that the graph quantizes, a float bias."""
    dice = np.random.default_rng(0)
    weights = dice.normal(size=(8, 4, 3, 3)).astype(np.float32)
    tensors = {
        "s": np.float32(0.05), "z": np.uint8(zero), "w": weights, "sw": scales,
        "zw": np.zeros(scales.shape, np.int8), "b": dice.normal(size=8).astype(np.float32),
    }  # fmt: skip
    make = helper.make_node
    nodes = [
        make("QuantizeLinear", ["x", "s", "z"], ["q"]),
        make("DequantizeLinear", ["q", "s", "z"], ["xf"]),
        make("QuantizeLinear", ["w", "sw", "zw"], ["wq"], axis=0),
        make("DequantizeLinear", ["wq", "sw", "zw"], ["wf"], axis=0),
        make("Conv", ["xf", "wf", "b"], ["c"], pads=[1] * 4),
        make("QuantizeLinear", ["c", "s", "z"], ["yq"]),
        make("DequantizeLinear", ["yq", "s", "z"], ["y"]),
    ]
    initial = [numpy_helper.from_array(np.asarray(v), n) for n, v in tensors.items()]
    data = model(nodes, [value("x", [1, 4, 6, 6])], [value("y", [1, 8, 6, 6])],
                 initializers=initial)  # fmt: skip
    return data, weights


@pytest.mark.parametrize("scales", [np.float32(0.03), np.linspace(0.01, 0.04, 8, dtype=np.float32)])
def test_trained_weights_and_biases_are_stored_as_integers(scales):
    data, weights = trained(np.asarray(scales))
    before, after = read_graph(data), Graph(qdq.prepare(read_graph(data).model))
    stored = {v.const_value.dtype.name for n in after.nodes if n.op_type == "DequantizeLinear"
              for v in n.inputs[:1] if v.const_value is not None}  # fmt: skip
    assert stored == {"INT8", "INT32"}
    (filters,) = [v.const_value.numpy() for n in after.nodes for v in n.inputs
                  if v is not None and v.const_value is not None
                  and v.const_value.numpy().shape == weights.shape]  # fmt: skip
    each = np.broadcast_to(scales, 8).reshape(8, 1, 1, 1)
    np.testing.assert_array_equal(filters, np.clip(np.rint(weights / each), -128, 127))
    x = np.random.default_rng(1).normal(size=(1, 4, 6, 6)).astype(np.float32)
    (wanted,), (found,) = answers(before, [x]), answers(after, [x])
    assert np.abs(found - wanted).max() < 0.0501  # a step, where the bias' rounding decides
    assert (found == wanted).mean() > 0.99
    assert [n.op_type for n in after.nodes].count("QuantizeLinear") == 2


def test_trained_weights_become_int8_in_tflite():
    data, _ = trained(np.float32(0.03))
    small = export_tflite(Graph(qdq.prepare(read_graph(data).model)))
    kinds = [op.name for op in summarize(small).operations]
    assert kinds.count("CONV_2D") == 1
    x = np.random.default_rng(1).normal(size=(1, 4, 6, 6)).astype(np.float32)
    (wanted,), (found,) = answers(read_graph(data), [x]), Model(small)(x)
    assert (np.abs(found - wanted) < 1e-6).mean() > 0.99


def test_activations_by_channel_and_in_16_bits_stay_as_they_are():
    """ONNX Runtime computes them; LiteRT says why it does not."""
    for scale, zero in ((np.full(4, 0.05, np.float32), np.zeros(4, np.uint8)),
                        (np.float32(0.05), np.uint16(9))):  # fmt: skip
        nodes = [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"], axis=1),
            helper.make_node("Relu", ["d"], ["y"]),
        ]
        initial = [numpy_helper.from_array(np.asarray(v), n)
                   for n, v in (("s", scale), ("z", zero))]  # fmt: skip
        shape = [1, 4, 2, 2]
        data = model(nodes, [value("x", shape)], [value("y", shape)],
                     initializers=initial, opset=21)  # fmt: skip
        graph = Graph(qdq.prepare(read_graph(data).model))
        x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
        low = np.maximum(np.clip(np.rint(x / 0.05), -float(np.max(zero)), 65535) * 0.05, 0)
        (found,) = answers(graph, [x])
        np.testing.assert_allclose(found, low, atol=0.026)
        with pytest.raises(GraphError, match="quantizes by computed scales, by several, or not to"):
            export_tflite(graph)
