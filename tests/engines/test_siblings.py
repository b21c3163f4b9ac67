"""Joined convolutions made one give the integers of the several."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from homebody.engines import openvino
from homebody.engines.engine import Options
from homebody.engines.reading import read_graph
from homebody.engines.siblings import merge_siblings
from homebody.errors import EngineBuildError
from tests.engines.graphs import model, parsed, value


def joined(kernels, *, strides=(1, 1), per_kernel=True, seed=0, **change) -> bytes:
    """A quantized picture, convolutions of it by these ((sides), (pads)), and their Concat.

    `change` makes the second convolution one that is not merged.
    """
    dice = np.random.default_rng(seed)
    nodes, initials = [], []

    def initial(name, array):
        initials.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(kind, read, made, **attributes):
        nodes.append(helper.make_node(kind, read, [made], made, **attributes))
        return made

    scale, zero = initial("s", np.float32(0.05)), initial("z", np.uint8(120))
    out_scale, out_zero = initial("so", np.float32(0.3)), initial("zo", np.uint8(9))
    other = initial("other", np.float32(0.31))
    whole = node("QuantizeLinear", ["x", scale, zero], "q")
    second = node("QuantizeLinear", ["x", other, zero], "q2")
    results = []
    for number, (sides, pads) in enumerate(kernels):
        changed = change if number == 1 else {}
        outputs = 3 + number
        group = 2 if "group" in changed else 1
        weights = dice.integers(-127, 128, (4 if group == 2 else outputs, 4 // group, *sides))
        count = len(weights) if per_kernel else ()
        given = second if "source" in changed else whole
        x = node("DequantizeLinear", [given, scale, zero], f"d{number}")
        scales = np.asarray(dice.uniform(0.001, 0.01, count), np.float32)
        steps = initial(f"ws{number}", scales)
        w = node(
            "DequantizeLinear",
            [initial(f"w{number}", weights.astype(np.int8)), steps,
             initial(f"wz{number}", np.zeros(count, np.int8))],
            f"wd{number}", axis=0,
        )  # fmt: skip
        rough = dice.integers(-500, 500, len(weights)).astype(np.int32)
        b = node(
            "DequantizeLinear",
            [initial(f"b{number}", rough), initial(f"bs{number}", scales * np.float32(0.05))],
            f"bd{number}", axis=0,
        )  # fmt: skip
        y = node(
            "Conv", [x, w, b], f"c{number}", pads=list(pads), strides=list(strides),
            kernel_shape=list(sides), group=group,
        )  # fmt: skip
        if "relu" in changed:
            y = node("Relu", [y], f"r{number}")
        step = other if "result" in changed else out_scale
        q = node("QuantizeLinear", [y, step, out_zero], f"cq{number}")
        if "read_again" in changed:
            node("DequantizeLinear", [q, step, out_zero], "again")
        results.append(node("DequantizeLinear", [q, step, out_zero], f"cd{number}"))
    join = node("Concat", results, "join", axis=change.get("axis", 1))
    step = other if "joined" in change else out_scale
    node("QuantizeLinear", [join, step, out_zero], "y")
    outputs = [value("y", ["n", None, None, None], TensorProto.UINT8)]
    if "read_again" in change:
        outputs.append(value("again", ["n", None, None, None]))
    return model(nodes, [value("x", ["n", 4, 9, 10])], outputs, initializers=initials)


def answers(data: bytes, x: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


FIRE = [((1, 1), (0, 0, 0, 0)), ((3, 3), (1, 1, 1, 1))]


def kernel(side: int, slack: int, before: int) -> tuple[int, int]:
    """Padding before and after that leaves `slack` beside a kernel's side."""
    total = slack + side
    return min(before, total), total - min(before, total)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_integers_are_those_of_the_several(data):
    draw = data.draw
    slack = [draw(st.integers(-3, 1)) for _ in "hw"]
    kernels = []
    for _ in range(draw(st.integers(2, 3))):
        sides = [draw(st.integers(max(1, -s), 4)) for s in slack]
        pads = [kernel(k, s, draw(st.integers(0, 3))) for k, s in zip(sides, slack, strict=True)]
        kernels.append((tuple(sides), (pads[0][0], pads[1][0], pads[0][1], pads[1][1])))
    made = joined(
        kernels,
        strides=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        per_kernel=draw(st.booleans()),
        seed=draw(st.integers(0, 99)),
    )
    merged = merge_siblings(made)
    if merged is None:  # zeros before and after would not do: the padding would be negative
        before = [max(p[a] for _, p in kernels) for a in (0, 1)]
        reach = [max(before[a] - p[a] + s[a] for s, p in kernels) for a in (0, 1)]
        assert any(slack[a] + reach[a] < before[a] for a in (0, 1))
        return
    kinds = [node.op_type for node in parsed(merged).graph.node]
    assert kinds.count("Conv") == 1
    assert "Concat" not in kinds
    onnx.checker.check_model(parsed(merged), full_check=True)
    x = np.random.default_rng(1).normal(scale=3, size=(2, 4, 9, 10)).astype(np.float32)
    (wanted,), (found,) = answers(made, x), answers(merged, x)
    assert np.unique(wanted).size > 20
    np.testing.assert_array_equal(found, wanted)


def test_a_fire_module_is_one_convolution():
    merged = parsed(merge_siblings(joined(FIRE)))
    (conv,) = [node for node in merged.graph.node if node.op_type == "Conv"]
    attributes = {a.name: helper.get_attribute_value(a) for a in conv.attribute}
    assert attributes == {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
    weights = [i for i in merged.graph.initializer if i.name.endswith("joined_weights")]
    assert list(weights[0].dims) == [7, 4, 3, 3]


@pytest.mark.parametrize(
    "change",
    [
        {"source": 1}, {"result": 1}, {"joined": 1}, {"group": 1}, {"relu": 1},
        {"read_again": 1}, {"axis": 2},
    ],
    ids=str,
)  # fmt: skip
def test_what_would_change_an_answer_is_left(change):
    if change == {"axis": 2}:
        # Joined along rows: as many channels, so both have to have them.
        made = parsed(joined(FIRE))
        (join,) = [node for node in made.graph.node if node.op_type == "Concat"]
        join.attribute[0].i = 2
        assert merge_siblings(made.SerializeToString()) is None
        return
    assert merge_siblings(joined(FIRE, **change)) is None


def test_what_leaves_another_length_is_left():
    assert merge_siblings(joined([((1, 1), (0, 0, 0, 0)), ((3, 3), (0, 0, 0, 0))])) is None


def test_without_anything_joined_there_is_nothing_to_merge():
    made = parsed(joined(FIRE))
    del made.graph.node[-1]
    made.graph.output[0].CopyFrom(value("join", ["n", None, None, None]))
    assert merge_siblings(made.SerializeToString()) is None


def test_openvino_answers_alike_merged_or_not(monkeypatch):
    graph = read_graph(joined(FIRE, seed=4))
    graph = graph.at({"x": (1, 4, 9, 10)})
    whole, options = graph.whole(), Options(precision="int8")
    x = np.random.default_rng(2).normal(scale=3, size=(1, 4, 9, 10)).astype(np.float32)
    found = {}
    for form in (openvino.PLAIN, "merged siblings"):
        monkeypatch.setattr(openvino, "_quickest", lambda built, segment, form=form: form)
        built = openvino.OpenVino().build(whole, options)
        saved = built.save()
        assert saved.startswith(f"{form}\n".encode())
        for network in (built, openvino.OpenVino().load(saved, whole, options)):
            y = np.zeros((1, 7, 9, 10), np.uint8)
            network.bind([x], [y])()
            found[len(found)] = y
            kernels = [k.name for k in network.profile([x], [y]) if k.kind == "Convolution"]
            assert len(kernels) == (2 if form == openvino.PLAIN else 1)
    assert np.unique(found[0]).size > 20
    for y in found.values():
        np.testing.assert_array_equal(y, found[0])


def test_what_openvino_saved_in_no_known_form_is_refused():
    whole = read_graph(joined(FIRE)).at({"x": (1, 4, 9, 10)}).whole()
    with pytest.raises(EngineBuildError, match="form"):
        openvino.OpenVino().load(b"older\nrest", whole, Options())
