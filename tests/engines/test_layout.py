"""A Transpose before a quantization gives the integers of one after it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from homebody.engines.layout import turn_first
from tests.engines.graphs import model, parsed, value


def picture(*, product=False, scale=0.02, read_again=False, ends=False, axis=None):
    read = helper.make_node
    nodes, source = [], "x"
    if product:
        nodes.append(read("Mul", ["x", "factor"], ["m"]))
        source = "m"
    extra = {} if axis is None else {"axis": axis}
    nodes.append(read("QuantizeLinear", [source, "s", "z"], ["q"], **extra))
    nodes.append(read("Transpose", ["q"], ["t"], perm=[0, 3, 1, 2]))
    outputs = [value("y", [2, 3, 4, 5])]
    zero = np.zeros(np.shape(scale), np.uint8) + np.uint8(128)
    if ends:
        outputs = [value("t", [2, 3, 4, 5], TensorProto.UINT8)]
    else:
        nodes.append(read("DequantizeLinear", ["t", "one", "zero"], ["y"]))
    if read_again:
        nodes.append(read("DequantizeLinear", ["q", "one", "zero"], ["again"]))
        outputs.append(value("again", [2, 4, 5, 3]))
    initials = {
        "s": np.asarray(scale, np.float32), "z": zero, "factor": np.float32(1.7),
        "one": np.float32(0.02), "zero": np.uint8(128),
    }  # fmt: skip
    used = {name for node in nodes for name in node.input}
    kept = [numpy_helper.from_array(a, n) for n, a in initials.items() if n in used]
    return model(nodes, [value("x", [2, 4, 5, 3])], outputs, initializers=kept)


def turned(data: bytes) -> tuple[int, bytes]:
    made = ir.from_proto(parsed(data))
    count = turn_first(made)
    return count, ir.to_proto(made).SerializeToString()


def answers(data: bytes, x: np.ndarray):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


@pytest.mark.parametrize("product", [False, True])
def test_it_moves_before_and_the_integers_stay(product):
    data = picture(product=product)
    count, after = turned(data)
    kinds = [node.op_type for node in parsed(after).graph.node]
    assert count == 1
    assert kinds[0] == "Transpose"
    assert kinds.count("Transpose") == 1
    x = np.random.default_rng(3).normal(size=(2, 4, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(answers(after, x)[0], answers(data, x)[0])


@pytest.mark.parametrize(
    "change",
    [
        {"read_again": True},
        {"ends": True},
        {"scale": [0.01, 0.02, 0.03], "axis": 3},
    ],
    ids=["read twice", "an output", "scales along an axis"],
)
def test_where_an_answer_would_change_it_stays(change):
    data = picture(**change)
    count, after = turned(data)
    assert count == 0
    x = np.random.default_rng(3).normal(size=(2, 4, 5, 3)).astype(np.float32)
    for found, wanted in zip(answers(after, x), answers(data, x), strict=True):
        np.testing.assert_array_equal(found, wanted)
