"""Planted faults: the operation that was damaged is the one that is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.runtime import Model
from homebody.runtime.editing import Graph
from homebody.shrink import compare, shrink
from homebody.shrink._jump import first_jump
from homebody.shrink._measure import NOISELESS_DB
from homebody.shrink._measure import sqnr as bounded
from homebody.shrink._rescaling import Channels

from .nets import Net

IMAGES = np.random.default_rng(8).normal(size=(64, 8, 8, 3)).astype(np.float32)


def _weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))


def _plain(rng: np.random.Generator) -> Net:
    """Convolutions in a row, pooling, a dense layer."""
    net = Net()
    x = net.input((1, 8, 8, 3), name="image")
    for i, (channels, stride) in enumerate([(8, 1), (16, 2), (16, 1), (24, 2)]):
        x = net.conv(x, _weights(rng, channels, 3, 3, net.shape(x)[3]), rng.normal(size=channels),
                     stride=stride, activation="RELU", name=f"conv{i}")  # fmt: skip
    net.dense(net.mean(x, name="mean"), _weights(rng, 10, 24), rng.normal(size=10), name="logits")
    return net


def _mobile(rng: np.random.Generator) -> Net:
    """Two inverted residual blocks."""
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3), name="image"), _weights(rng, 8, 3, 3, 3),
                 rng.normal(size=8) / 4, name="stem")  # fmt: skip
    for i in range(2):
        wide = net.conv(x, _weights(rng, 16, 1, 1, 8), rng.normal(size=16) / 4,
                        activation="RELU6", name=f"expand{i}")  # fmt: skip
        deep = net.depthwise(wide, rng.normal(size=(1, 3, 3, 16)) / 3, rng.normal(size=16) / 4,
                             activation="RELU6", name=f"depthwise{i}")  # fmt: skip
        slim = net.conv(deep, _weights(rng, 8, 1, 1, 16), np.zeros(8), name=f"project{i}")
        x = net.add(x, slim, name=f"add{i}")
    net.dense(net.mean(x, name="mean"), _weights(rng, 10, 8), rng.normal(size=10), name="logits")
    return net


def _uneven(rng: np.random.Generator) -> Net:
    """Channels of very different sizes, without biases: equalization has most to do here."""
    net = Net()
    x = net.input((1, 8, 8, 3), name="image")
    sizes = np.ones(3)
    for i in range(4):
        wanted = 10.0 ** rng.uniform(-1, 1, size=8)
        weights = _weights(rng, 8, 3, 3, len(sizes)) * wanted[:, None, None, None] / sizes
        x = net.conv(x, weights, np.zeros(8), activation="RELU", name=f"conv{i}")
        sizes = wanted
    net.dense(net.mean(x, name="mean"), _weights(rng, 10, 8) / sizes, name="logits")
    return net


def _pooled(rng: np.random.Generator) -> Net:
    """Pooling and branches, as in SqueezeNet."""
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3), name="image"), _weights(rng, 12, 3, 3, 3),
                 rng.normal(size=12), activation="RELU", name="conv")  # fmt: skip
    x = net.op("MAX_POOL_2D", [x], (1, 4, 4, 12), options="Pool2DOptions", strideW=2, strideH=2,
               filterWidth=2, filterHeight=2, name="pool")  # fmt: skip
    slim = net.conv(x, _weights(rng, 6, 1, 1, 12), rng.normal(size=6), activation="RELU",
                    name="squeeze")  # fmt: skip
    wide = [net.conv(slim, _weights(rng, 8, k, k, 6), rng.normal(size=8), activation="RELU",
                     name=f"expand{k}") for k in (1, 3)]  # fmt: skip
    joined = net.op("CONCATENATION", wide, (1, 4, 4, 16), options="ConcatenationOptions", axis=3,
                    name="joined")  # fmt: skip
    last = net.conv(joined, _weights(rng, 10, 1, 1, 16), rng.normal(size=10), name="classes")
    net.mean(last, name="logits")
    return net


NETS = {"plain": _plain, "mobile": _mobile, "uneven": _uneven, "pooled": _pooled}


def _other(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    return rng.permutation(values.reshape(-1)).reshape(values.shape)


def _larger(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    return values * 3


def _larger_here_and_there(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    if len(values) == 1:  # of a depthwise convolution, channels last
        return values * rng.choice([0.3, 1, 4], size=values.shape[-1])
    return values * rng.choice([0.3, 1, 4], size=(len(values), *[1] * (values.ndim - 1)))


def _negative(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    return -values


DAMAGES = {"other": _other, "larger": _larger, "uneven": _larger_here_and_there,
           "negative": _negative}  # fmt: skip
Damage = Callable[[np.random.Generator, np.ndarray], np.ndarray]


def _damaged(data: bytes, index: int, damage: Damage, seed: int) -> bytes:
    graph = Graph(data)
    place = graph.operators[index].inputs[1]
    values = graph.constant(place)
    assert values is not None
    changed = damage(np.random.default_rng(seed), values)
    graph.set_constant(place, changed.astype(values.dtype))
    return graph.save()


def _with_weights(data: bytes) -> list[int]:
    graph = Graph(data)
    kinds = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    return [i for i, op in enumerate(graph.operators) if graph.kind(op) in kinds]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("net", NETS)
def test_a_damaged_operation_is_named(net: str, seed: int, damage: str) -> None:
    data = NETS[net](np.random.default_rng(seed)).build()
    for index in _with_weights(data):
        result = compare(data, _damaged(data, index, DAMAGES[damage], seed), IMAGES)
        assert result.error_jumps_at == index


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("net", NETS)
def test_a_damaged_operation_is_named_in_an_equalized_integer_model(net: str, seed: int) -> None:
    data = NETS[net](np.random.default_rng(seed)).build()
    shrunk = shrink(data, IMAGES).model
    whole = compare(data, shrunk, IMAGES)
    assert whole.error_jumps_at is None
    names = [op.name for op in whole.operations]
    graph = Graph(shrunk)
    for index in _with_weights(shrunk):
        name = graph.name(graph.operators[index].outputs[0])
        result = compare(data, _damaged(shrunk, index, _other, seed), IMAGES)
        jump = result.error_jumps_at
        assert jump is not None
        assert names[jump] == name.removesuffix("_int8").removesuffix("_equalized")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_equalization_rescaled_is_undone(seed: int) -> None:
    data = _uneven(np.random.default_rng(seed)).build()
    shrunk = shrink(data, IMAGES)
    assert shrunk.report.equalized
    result = compare(data, shrunk.model, IMAGES)
    rescaled = {op.name for op in result.operations if op.rescaled}
    assert rescaled
    assert "logits" not in rescaled
    reported = {op.name: op.sqnr_db for op in shrunk.report.operations}
    for op in result.operations:
        # The report knows the factors, and measures on fewer samples.
        assert op.sqnr_db == pytest.approx(reported[op.name], abs=4)
    assert result.error_jumps_at is None
    assert shrunk.report.error_jumps_at is None


def test_nothing_is_rescaled_where_nothing_was() -> None:
    for net in NETS.values():
        data = net(np.random.default_rng(4)).build()
        for options in ({"equalize": False}, {"bias_correction": "none", "equalize": False},
                        {"scheme": "float16"}, {"scheme": "int16x8"}):  # fmt: skip
            result = compare(data, shrink(data, IMAGES, **options).model, IMAGES)  # type: ignore[arg-type]
            assert not any(op.rescaled for op in result.operations)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(8, 40))
def test_factors_are_those_of_least_squares(seed: int, channels: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    expected = rng.normal(size=(count, channels))
    factors = 10 ** rng.uniform(0.7, 2, size=channels)
    actual = expected * factors + rng.normal(size=expected.shape) * factors * 0.01
    sums = Channels()
    for half in (slice(0, count // 2), slice(count // 2, None)):
        sums.add(expected[half], actual[half])
    found = sums.factors()
    assert found is not None
    for c in range(channels):
        inverse, *_ = np.linalg.lstsq(actual[:, c : c + 1], expected[:, c], rcond=None)
        assert found[c] == pytest.approx(1 / inverse[0])


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (np.ones((20, 2)), -np.ones((20, 2))),  # a sign is no size
        (np.ones((20, 20)), np.ones((20, 20)) * [-3, *[3] * 19]),  # nor is one among many
        (np.ones((4, 2)), 3 * np.ones((4, 2))),  # four values fit anything
        (np.eye(20), np.eye(20)),  # nothing to gain
        (np.ones((20, 2)), np.full((20, 2), np.nan)),
        (np.zeros((20, 2)), np.ones((20, 2))),
    ],
)
def test_what_is_no_rescaling_is_not_called_one(expected: Any, actual: Any) -> None:
    sums = Channels()
    sums.add(expected, actual)
    assert sums.factors() is None


def _chain(*db: float | None) -> int | None:
    """Operations in a row, with these SQNR at the input and after each."""
    net = Net()
    x = net.input((1, 4))
    for _ in db[1:]:
        x = net.op("ABS", [x], (1, 4))
    graph = Graph(net.build())
    tensors = [graph.inputs[0], *(op.outputs[0] for op in graph.operators)]
    return first_jump(graph, dict(zip(tensors, db, strict=True)))


@pytest.mark.parametrize(
    ("db", "at"),
    [
        ((200.0, 28.0, 27.0), None),  # eight bits after an exact input
        ((45.0, 21.0), None),  # a great loss that harms nothing
        ((200.0, 19.0), 0),  # one that does
        ((40.0, 30.0, 22.0, 17.0, 12.0), None),  # worse little by little
        ((40.0, 35.0, 5.0, 4.0), 1),
        ((40.0, 15.0, 30.0, 14.0), 0),
        ((16.0, 15.0, 30.0, 14.0), None),  # noise that an average hid for a while
        ((40.0, None, 8.0), 1),
        ((None, None), None),
        ((40.0, -200.0), 0),
    ],
)
def test_a_jump_is_a_loss_that_matters(db: tuple[float | None, ...], at: int | None) -> None:
    assert _chain(*db) == at


def test_values_that_are_not_finite_are_the_worst_and_not_the_best() -> None:
    assert bounded(1.0, float("nan")) == bounded(1.0, float("inf")) == -NOISELESS_DB
    assert bounded(1.0, 0.0) == NOISELESS_DB
    assert bounded(0.0, 1.0) is None


def test_a_model_that_gives_nan_is_not_called_exact() -> None:
    def dense(weights: np.ndarray) -> bytes:
        net = Net()
        net.dense(net.input((1, 4)), weights, name="out")
        return net.build()

    broken = np.eye(4)
    broken[0, 0] = np.nan
    samples = np.ones((3, 4), np.float32)
    assert np.isnan(Model(dense(broken))(samples[:1])[0]).any()
    result = compare(dense(np.eye(4)), dense(broken), samples)
    assert result.outputs[0].sqnr_db == -NOISELESS_DB
    assert result.error_jumps_at == 0
