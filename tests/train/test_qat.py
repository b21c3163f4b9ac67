"""Quantization-aware training, held to LiteRT. Needs the [train] extra."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from homebody.errors import ModelError, TrainError, UsageError
from homebody.runtime import Model
from homebody.runtime.tflite import parse
from homebody.train import to_tflite
from homebody.train.qat import quantization_aware

pytestmark = pytest.mark.oracle
pytest.importorskip("keras")


@cache
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """1,797 handwritten digits of 8x8 pixels: 1,200 to train on, 597 to test on."""
    data = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    x, y = (data.images / 16).astype(np.float32)[order, ..., None], data.target[order]
    return x[:1200], y[:1200], x[1200:], y[1200:]


def loss() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@cache
def float_net() -> bytes:
    """A net with what real ones have: batch norm, depthwise, two branches, pooling."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    wide = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Concatenate()([layers.Conv2D(8, 1)(x), wide])
    x = layers.Conv2D(16, 3, activation="relu")(layers.MaxPooling2D()(x))
    net = keras.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    epochs, batch = 60, 64
    falling = keras.optimizers.schedules.CosineDecay(5e-3, epochs * (1200 // batch + 1))
    net.compile(keras.optimizers.Adam(falling), loss())
    net.fit(*digits()[:2], epochs=epochs, batch_size=batch, verbose=0)
    return to_tflite(net)


def answers(model: bytes, x: np.ndarray) -> np.ndarray:
    runner = Model(model)
    return np.concatenate([runner(row[None])[0] for row in x])


def accuracy(model: bytes) -> float:
    _, _, x, y = digits()
    return float((answers(model, x).argmax(1) == y).mean())


def quantized(**options: Any) -> Any:
    net = quantization_aware(float_net(), **options)
    net.calibrate([digits()[0]])
    return net


def fit(net: Any, epochs: int) -> None:
    import keras

    keras.utils.set_random_seed(1)
    net.compile(keras.optimizers.Adam(1e-3), loss())
    net.fit(*digits()[:2], epochs=epochs, batch_size=64, verbose=0)


def output_step(model: bytes) -> float:
    """The scale of the grid that the output is on."""
    graph = parse(model).subgraphs[0]
    last = graph.operations[-1]  # DEQUANTIZE
    found = graph.tensors[last.inputs[0]].quantization
    assert found is not None
    return found.scales[0]


@pytest.mark.parametrize("ranges", ["learned", "ema"])
def test_training_recovers_what_three_bit_weights_lose(ranges: str):
    """On 597 digits. The float net has converged, so that mere training gains next to nothing."""
    net = quantized(weight_bits=3, ranges=ranges)
    before, whole = accuracy(net.export_tflite()), accuracy(float_net())
    assert before < whole - 0.1  # there is something to recover
    fit(net, 10)
    after = accuracy(net.export_tflite())
    assert after > before + 0.75 * (whole - before)


@pytest.mark.parametrize(("bits", "ranges"), [(8, "learned"), (4, "learned"), (8, "ema")])
def test_litert_computes_what_the_net_was_trained_with(bits: int, ranges: str):
    net = quantized(weight_bits=bits, ranges=ranges)
    fit(net, 2)
    model, x = net.export_tflite(), digits()[2]
    ours, theirs = np.asarray(net.predict_on_batch(x)), answers(model, x)
    steps = np.abs(ours - theirs) / output_step(model)
    assert steps.max() < 1.01
    assert (steps < 0.01).mean() > 0.98


def test_no_operation_is_left_float():
    graph = parse(quantized().export_tflite()).subgraphs[0]
    inner = [graph.tensors[op.outputs[0]] for op in graph.operations[:-1]]
    assert {t.dtype for t in inner} == {"int8"}
    ends = parse(quantized().export_tflite(io="int8")).subgraphs[0]
    assert {ends.tensors[t].dtype for t in (*ends.inputs, *ends.outputs)} == {"int8"}


def test_the_grids_are_the_schemes():
    graph = parse(quantized(weight_bits=4).export_tflite()).subgraphs[0]
    for op in graph.operations:
        tensors = [graph.tensors[t] for t in op.inputs]
        if len(tensors) < 3 or not tensors[1].size:
            continue
        data, kernel, bias = tensors[:3]
        assert data.quantization is not None
        assert kernel.quantization is not None
        assert bias.quantization is not None
        assert set(kernel.quantization.zero_points) == {0}
        assert bias.dtype == "int32"
        expected = np.array(kernel.quantization.scales) * data.quantization.scales[0]
        assert np.allclose(bias.quantization.scales, expected, rtol=1e-6)
        assert -128 <= data.quantization.zero_points[0] <= 127


def test_branches_of_a_concatenation_share_a_grid():
    model = parse(quantized().export_tflite()).subgraphs[0]
    (join,) = [op for op in model.operations if op.code == 2]
    found = {model.tensors[t].quantization for t in (*join.inputs, *join.outputs)}
    assert len(found) == 1
    assert None not in found


def test_kernels_round_once_and_nowhere_else():
    """Every rounding is at an operation's output: none between a sum and its activation."""
    net = quantized()
    graph = net._graph
    rounded = {t for t in net._plan.group if t in set(graph.activations())}
    relus = [op for op in graph.operators if graph.kind(op) in ("RELU", "RELU6")]
    assert relus == []  # fused by the converter, so there is no tensor to round there
    assert len(rounded) == len(graph.operators) + 1


def test_calibration_takes_any_batches_and_gives_extremes():
    import keras

    x = digits()[0]
    one, many = quantization_aware(float_net()), quantization_aware(float_net())
    one.calibrate([x])
    many.calibrate(x[i : i + 100] for i in range(0, 1200, 100))
    for a, b in zip(one.variables, many.variables, strict=True):
        assert np.allclose(a, b, atol=1e-5)
    keras.utils.clear_session()


def test_learned_ranges_learn_and_fixed_ones_stay():
    for ranges, moves in (("learned", True), ("ema", True), ("fixed", False)):
        net = quantized(ranges=ranges)
        before = [float(net._grid(t).scale) for t in net._plan.group]
        fit(net, 1)
        after = [float(net._grid(t).scale) for t in net._plan.group]
        assert (before != after) == moves


def test_a_net_that_is_not_calibrated_says_so():
    net = quantization_aware(float_net())
    with pytest.raises(TrainError, match="call calibrate"):
        net(digits()[0][:1])
    with pytest.raises(TrainError, match="call calibrate"):
        net.export_tflite()
    with pytest.raises(TrainError, match="none, or give values"):
        net.calibrate([])
    with pytest.raises(TrainError, match="not finite"):
        net.calibrate([np.full((1, 8, 8, 1), np.nan, np.float32)])


def test_a_net_that_diverged_is_not_exported():
    net = quantized()
    net.trainable_variables[0].assign(np.full(net.trainable_variables[0].shape, np.nan))
    with pytest.raises(TrainError, match="diverged"):
        net.export_tflite()


def test_what_would_stay_float_is_named():
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1))
    odd = keras.Model(image, layers.Flatten()(keras.ops.cos(image)))
    with pytest.raises(ModelError, match="COS"):
        quantization_aware(to_tflite(odd))


def test_options_are_checked():
    with pytest.raises(UsageError, match="2 to 8"):
        quantization_aware(float_net(), weight_bits=1)
    with pytest.raises(UsageError, match="'learned', 'ema' or 'fixed'"):
        quantization_aware(float_net(), ranges="percentile")  # type: ignore[arg-type]
    with pytest.raises(ModelError):
        quantization_aware(b"not a model")


@pytest.mark.parametrize("seed", range(40))
def test_grids_are_those_of_post_training_quantization(seed: int):
    from homebody.shrink.quantization import parameters
    from homebody.train.qat.fake_quantize import grid, quantize

    rng = np.random.default_rng(seed)
    low, high = (0.0, 0.0) if seed == 0 else rng.normal(size=2) * 10 ** rng.uniform(-3, 3)
    low, high = np.float32(min(low, 0.0)), np.float32(max(high, 0.0))
    found, expected = grid(low, high), parameters(float(low), float(high))
    assert float(found.scale) == pytest.approx(expected.scale, rel=1e-6)
    assert float(found.zero_point) == expected.zero_point
    values = (rng.normal(size=50) * (high - low + 1)).astype(np.float32)
    ours = np.asarray(quantize(values, found))
    theirs = (expected.codes(values) - expected.zero_point) * expected.scale
    assert np.abs(ours - theirs).max() <= 1.001 * expected.scale  # a tie may fall either way
    assert (np.abs(ours - theirs) < 0.01 * expected.scale).mean() > 0.9
