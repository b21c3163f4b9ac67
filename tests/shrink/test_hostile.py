"""Models and values that mean harm: a sentence or a right answer, never a crash."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import HomebodyError, ModelError, ShrinkError
from homebody.runtime import Model
from homebody.runtime.editing import MAX_BYTES, Graph
from homebody.shrink import compare, edge_tpu, shrink

from .nets import Net, serialize, sqnr

RANDOM = np.random.default_rng(2)
SAMPLES = RANDOM.normal(size=(4, 6, 6, 3)).astype(np.float32)


def _net() -> Net:
    net = Net()
    x = net.conv(net.input((1, 6, 6, 3)), RANDOM.normal(size=(4, 3, 3, 3)), np.ones(4))
    net.mean(net.add(x, net.conv(x, RANDOM.normal(size=(4, 1, 1, 4)), np.ones(4))))
    return net


DATA = _net().build()


def _edited(change: Callable[[Any, list[Any], list[Any]], None]) -> bytes:
    net = _net()
    net.build()
    change(net.graph, net.graph.operators, net.graph.tensors)
    return serialize(net.model)


def _cycle(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].inputs = [ops[1].outputs[0], *ops[0].inputs[1:]]


def _self(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].inputs = [ops[0].outputs[0], *ops[0].inputs[1:]]


def _backwards(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops.reverse()


def _writes_weights(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].outputs = [ops[1].inputs[1]]


def _writes_twice(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[1].outputs = list(ops[0].outputs)


def _stride(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].builtinOptions.strideH = 0


def _dilation(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].builtinOptions.dilationWFactor = -1


def _too_few_operands(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].inputs = ops[0].inputs[:1]


def _no_options(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    ops[0].builtinOptions, ops[0].builtinOptionsType = None, 0


def _flat_weights(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    tensors[ops[0].inputs[1]].shape = [108]


def _huge(graph: Any, ops: list[Any], tensors: list[Any]) -> None:
    tensors[0].shape = [1, 2**16, 2**16, 3]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_cycle, "before anything has written it"),
        (_self, "before anything has written it"),
        (_backwards, "before anything has written it"),
        (_writes_weights, "is a constant, an input or another"),
        (_writes_twice, "is a constant, an input or another"),
        (_stride, "stride_h 0; expected at least 1"),
        (_dilation, "dilation_w_factor -1"),
        (_huge, "would need"),
    ],
)
def test_hostile_graphs_are_refused_by_name(change: Any, says: str) -> None:
    data = _edited(change)
    for use in (lambda: shrink(data, SAMPLES), lambda: shrink(data, scheme="hybrid"),
                lambda: compare(DATA, data, SAMPLES), lambda: edge_tpu(data)):  # fmt: skip
        with pytest.raises(ModelError, match=says):
            use()


@pytest.mark.parametrize("change", [_too_few_operands, _no_options, _flat_weights])
def test_malformed_operations_are_refused(change: Any) -> None:
    with pytest.raises(HomebodyError):
        shrink(_edited(change), SAMPLES)


@pytest.mark.parametrize("place", ["weights", "bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("scheme", ["int8", "hybrid", "float16", "int16x8"])
def test_weights_that_are_no_numbers_are_named(place: str, value: float, scheme: Any) -> None:
    net = Net()
    weights, bias = RANDOM.normal(size=(64, 32)), np.zeros(64)
    (weights if place == "weights" else bias)[..., 0] = value
    net.dense(net.input((1, 32)), weights, bias, name="broken")
    says = f"the {place} of #0 FULLY_CONNECTED 'broken' hold NaN"
    with pytest.raises(ModelError, match=says):
        shrink(net.build(), np.ones((2, 32), np.float32), scheme=scheme)


@pytest.mark.parametrize(
    "weights", [np.zeros((4, 8)), np.full((4, 8), 1e-30), np.eye(4, 8) * [[1e-12], [1], [1e6], [0]]]
)
@pytest.mark.parametrize("inputs", [np.zeros((3, 8)), np.full((3, 8), 5.0), np.full((3, 8), 1e-20)])
@pytest.mark.parametrize("scheme", ["int8", "int16x8"])
def test_ranges_of_nothing_run_and_stay_finite(weights: Any, inputs: Any, scheme: Any) -> None:
    net = Net()
    net.dense(net.input((1, 8)), weights, np.array([0, 1e-9, 3, -1e4]))
    data = net.build()
    model = Model(shrink(data, inputs.astype(np.float32), scheme=scheme).model)
    expected = Model(data)(inputs[:1].astype(np.float32))[0]
    got = model(inputs[:1].astype(np.float32))[0]
    np.testing.assert_allclose(got, expected, atol=0.01 * np.abs(expected).max() + 1e-6)


@pytest.mark.parametrize("kind", ["SUB", "ADD"])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_operands_that_cancel_do_not_stop_the_kernel(kind: str, scale: float) -> None:
    net = Net()
    x = net.op("MUL", [net.input((1, 8)), net.constant([scale], "float32")], (1, 8),
               options="MulOptions")  # fmt: skip
    y = x if kind == "SUB" else net.op("MUL", [x, net.constant([-1.0], "float32")], (1, 8),
                                       options="MulOptions")  # fmt: skip
    net.op(kind, [x, y], (1, 8), options=f"{kind.title()}Options")
    samples = RANDOM.normal(size=(4, 8)).astype(np.float32)
    for scheme in ("int8", "int16x8"):
        model = Model(shrink(net.build(), samples, scheme=scheme).model)  # type: ignore[arg-type]
        assert np.abs(model(samples[:1])[0]).max() < 0.05 * scale


def test_an_operand_that_is_always_zero_does_not_stop_the_kernel() -> None:
    """Its scale is any, and was once so coarse beside the other's that the process ended."""
    net = Net()
    x = net.input((1, 8))
    never = net.op("RELU", [net.op("ABS", [x], (1, 8))], (1, 8))
    never = net.op("SUB", [never, never], (1, 8), options="SubOptions")
    tiny = net.op("MUL", [x, net.constant([1e-9], "float32")], (1, 8), options="MulOptions")
    net.op("ADD", [tiny, never], (1, 8), options="AddOptions")
    samples = RANDOM.normal(size=(4, 8)).astype(np.float32)
    for scheme in ("int8", "int16x8"):
        model = Model(shrink(net.build(), samples, scheme=scheme).model)  # type: ignore[arg-type]
        assert np.isfinite(model(samples[:1])[0]).all()


def test_activations_beyond_integers_are_refused() -> None:
    net = Net()
    net.dense(net.input((1, 8)), np.full((4, 8), 1e35), name="huge")
    with pytest.raises(ModelError, match=r"'huge' reaches .*; integer arithmetic ends"):
        shrink(net.build(), np.ones((2, 8), np.float32))


def test_a_large_bias_does_not_overflow() -> None:
    net = Net()
    weights = RANDOM.normal(size=(4, 8)) * 1e-5
    net.conv(net.input((1, 1, 1, 8)), weights.reshape(4, 1, 1, 8), np.array([3e4, -3e4, 1, 0]))
    data = net.build()
    samples = RANDOM.normal(size=(8, 1, 1, 8)).astype(np.float32) * 1e-3
    shrunk = shrink(data, samples)
    expected, got = Model(data)(samples[:1])[0], Model(shrunk.model)(samples[:1])[0]
    assert sqnr(expected, got) > 30


def test_over_two_gigabytes_is_refused_before_reading() -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return MAX_BYTES + 1

    with pytest.raises(ModelError, match=r"2\.1 GB; files up to 2 GB are read"):
        Graph(Huge())


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0" * 100, DATA[: len(DATA) // 2], DATA[:-40]])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        shrink(data, SAMPLES)


def test_names_that_are_no_text_are_replaced() -> None:
    data = DATA.replace(b"input0", b"in\xff\x80t0")
    report = shrink(data, SAMPLES).report
    assert report.calibration_samples == 4
    with pytest.raises(HomebodyError, match="in\ufffd\ufffdt0"):
        shrink(data, [np.zeros(3, np.float32)])


def test_an_integer_model_is_not_shrunk_again() -> None:
    integer = shrink(DATA, SAMPLES, io="int8").model
    with pytest.raises(ShrinkError, match="no float32 values"):
        shrink(integer, SAMPLES)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_still_reads(data: st.DataObject) -> None:
    damaged = bytearray(DATA)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    # Reading and rewriting only: what runs must first have come through here.
    with contextlib.suppress(HomebodyError):
        Graph(Graph(bytes(damaged)).save())
