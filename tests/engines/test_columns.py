"""Two columns taken as one give the integers of each by itself."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from homebody.engines import openvino
from homebody.engines.columns import FEW, pair_columns
from homebody.engines.engine import Options
from homebody.engines.reading import read_graph
from tests.engines.graphs import model, parsed, value


def convolved(
    *, sides=(3, 3), pads=(0, 0, 0, 0), strides=(2, 2), size=(9, 12), channels=3, seed=0,
    product=False, perm=(0, 3, 1, 2), read_again=False, group=1, dilations=(1, 1), zero=0,
) -> bytes:  # fmt: skip
    """A picture with its channels last, quantized and convolved."""
    dice = np.random.default_rng(seed)
    weights = dice.integers(-127, 128, (5 * group, channels // group, *sides)).astype(np.int8)
    scales = dice.uniform(0.001, 0.01, 5 * group).astype(np.float32)
    constants = {
        "factor": np.float32(1.3), "s": np.float32(0.03), "z": np.uint8(119), "w": weights,
        "ws": scales, "wz": np.full(5 * group, zero, np.int8), "so": np.float32(0.1),
        "zo": np.uint8(31),
        "b": dice.integers(-900, 900, 5 * group).astype(np.int32),
        "bs": (scales * np.float32(0.03)).astype(np.float32),
    }  # fmt: skip
    node = helper.make_node
    nodes = [node("Transpose", ["x"], ["t"], "turn", perm=perm)]
    if product:
        nodes.append(node("Mul", ["t", "factor"], ["m"], "product"))
    nodes += [
        node("QuantizeLinear", ["m" if product else "t", "s", "z"], ["q"], "quantize"),
        node("DequantizeLinear", ["q", "s", "z"], ["d"], "dequantize"),
        node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], "weights", axis=0),
        node("DequantizeLinear", ["b", "bs"], ["bd"], "bias", axis=0),
        node("Conv", ["d", "wd", "bd"], ["c"], "conv", kernel_shape=sides, pads=pads,
             strides=strides, group=group, dilations=dilations),
        node("QuantizeLinear", ["c", "so", "zo"], ["y"], "again"),
    ]  # fmt: skip
    outputs = [value("y", [2, None, None, None], TensorProto.UINT8)]
    if read_again:
        nodes.append(node("DequantizeLinear", ["q", "s", "z"], ["q2"], "other"))
        outputs.append(value("q2", [2, None, None, None]))
    used = {name for n in nodes for name in n.input}
    initials = [
        numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items() if n in used
    ]
    shape = [2, *size, channels] if tuple(perm) == (0, 3, 1, 2) else [2, channels, *size]
    return model(nodes, [value("x", shape)], outputs, initializers=initials)


def answer(data: bytes, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(["y"], {"x": x})[0]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_integers_stay(data):
    draw = data.draw
    sides = (draw(st.integers(1, 4)), draw(st.integers(1, 7)))
    pads = [draw(st.integers(0, side - 1)) for side in (*sides, *sides)]
    size = (draw(st.integers(4, 9)), 2 * draw(st.integers(3, 7)))
    channels = draw(st.integers(1, FEW))
    made = convolved(
        sides=sides, pads=pads, size=size, channels=channels, seed=draw(st.integers(0, 99)),
        strides=(draw(st.integers(1, 3)), 2), product=draw(st.booleans()),
    )  # fmt: skip
    found = pair_columns(made)
    assume(found is not None)
    onnx.checker.check_model(parsed(found), full_check=True)
    x = np.random.default_rng(7).normal(size=(2, *size, channels)).astype(np.float32)
    np.testing.assert_array_equal(answer(found, x), answer(made, x))


def test_kernels_wider_than_the_picture_are_left_as_they_are():
    assert pair_columns(convolved(sides=(1, 7), pads=[0] * 4, size=(4, 6))) is None
    assert pair_columns(convolved(sides=(1, 7), pads=[0] * 4, size=(4, 8))) is not None


@pytest.mark.parametrize(
    ("sides", "pads", "kernel", "paired"),
    [
        ((3, 3), (0, 0, 0, 0), [3, 2], [0, 0, 0, 0]),
        ((3, 3), (0, 0, 1, 1), [3, 2], [0, 0, 1, 0]),
        ((7, 7), (3, 3, 3, 3), [7, 4], [3, 2, 3, 1]),
    ],
    ids=["SqueezeNet", "MobileNet", "ResNet"],
)
def test_first_convolutions_have_half_as_many_columns(sides, pads, kernel, paired):
    made = parsed(pair_columns(convolved(sides=sides, pads=pads, size=(12, 12))))
    (conv,) = [node for node in made.graph.node if node.op_type == "Conv"]
    attributes = {a.name: helper.get_attribute_value(a) for a in conv.attribute}
    assert attributes["kernel_shape"] == kernel
    assert attributes["strides"] == [2, 1]
    # After the picture there is at least what the kernels read, and never more than they would.
    assert attributes["pads"][:3] == paired[:3]
    shapes = {i.name: list(i.dims) for i in made.graph.initializer}
    assert shapes["conv_paired_weights"] == [5, 6, *kernel]
    x = np.random.default_rng(7).normal(size=(2, 12, 12, 3)).astype(np.float32)
    wanted = answer(convolved(sides=sides, pads=pads, size=(12, 12)), x)
    assert np.unique(wanted).size > 30
    np.testing.assert_array_equal(answer(made.SerializeToString(), x), wanted)


@pytest.mark.parametrize(
    "change",
    [
        {"strides": (2, 1)}, {"size": (9, 11)}, {"channels": FEW + 1}, {"read_again": True},
        {"perm": (0, 1, 2, 3)}, {"channels": 4, "group": 2}, {"dilations": (1, 2)}, {"zero": 1},
    ],
    ids=str,
)  # fmt: skip
def test_other_convolutions_are_left(change):
    assert pair_columns(convolved(**change)) is None


def test_openvino_answers_alike_with_pairs(monkeypatch):
    whole = read_graph(convolved(size=(12, 12), seed=5)).whole()
    x = np.random.default_rng(8).normal(size=(2, 12, 12, 3)).astype(np.float32)
    found = []
    for form in (openvino.PLAIN, "paired columns"):
        monkeypatch.setattr(openvino, "_quickest", lambda built, segment, form=form: form)
        built = openvino.OpenVino().build(whole, Options(precision="int8"))
        y = np.zeros((2, 5, 5, 5), np.uint8)
        built.bind([x], [y])()
        found.append(y)
    assert np.unique(found[0]).size > 30
    np.testing.assert_array_equal(found[1], found[0])
