"""TensorFlow's own converter as the oracle: the same network, the same samples, the same format."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from homebody.runtime import Model, summarize
from homebody.shrink import shrink

from .nets import sqnr

pytestmark = pytest.mark.oracle

SAMPLES = np.random.default_rng(5).normal(size=(40, 12, 12, 4)).astype(np.float32)


def _layers() -> dict[str, Callable[[Any], Any]]:
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    k = keras.layers

    def residual(x: Any) -> Any:
        y = k.Conv2D(8, 1, activation="relu6")(x)
        y = k.DepthwiseConv2D(3, padding="same", activation="relu6")(y)
        return k.Add()([x, k.Conv2D(4, 1)(y)])

    return {
        "conv": lambda x: k.Conv2D(6, 3, padding="same", activation="relu")(x),
        "strided conv": lambda x: k.Conv2D(6, 3, strides=2, padding="same")(x),
        "depthwise": lambda x: k.DepthwiseConv2D(3, padding="same")(x),
        "dense": lambda x: k.Dense(5)(k.Flatten()(x)),
        "transposed conv": lambda x: k.Conv2DTranspose(5, 3, strides=2, padding="same")(x),
        "residual": residual,
        "concat": lambda x: k.Concatenate()([k.Conv2D(3, 1)(x), k.Conv2D(3, 3, padding="same")(x)]),
        "max pool": lambda x: k.MaxPooling2D()(k.Conv2D(4, 3)(x)),
        "average pool": lambda x: k.AveragePooling2D(2)(k.Conv2D(4, 3)(x)),
        "global mean": lambda x: k.GlobalAveragePooling2D()(k.Conv2D(8, 3)(x)),
        "softmax": lambda x: k.Softmax()(k.Dense(6)(k.Flatten()(x))),
        "sigmoid": lambda x: k.Conv2D(4, 3, activation="sigmoid")(x),
        "tanh": lambda x: k.Conv2D(4, 3, activation="tanh")(x),
        "leaky": lambda x: k.LeakyReLU(0.1)(k.Conv2D(4, 3)(x)),
        "hard swish": lambda x: k.Activation("hard_silu")(k.Conv2D(4, 3)(x)),
        "squeeze and excite": lambda x: k.Multiply()(
            [x, k.Reshape((1, 1, 4))(k.Dense(4, activation="sigmoid")(
                k.GlobalAveragePooling2D()(x)))]
        ),
        "upsampling": lambda x: k.UpSampling2D(2, interpolation="bilinear")(k.Conv2D(3, 1)(x)),
        "padding": lambda x: k.ZeroPadding2D(2)(k.Conv2D(3, 1)(x)),
        "permute": lambda x: k.Permute((3, 1, 2))(k.Conv2D(3, 1)(x)),
    }  # fmt: skip


NAMES = [
    "conv", "strided conv", "depthwise", "dense", "transposed conv", "residual", "concat",
    "max pool", "average pool", "global mean", "softmax", "sigmoid", "tanh", "leaky", "hard swish",
    "squeeze and excite", "upsampling", "padding", "permute",
]  # fmt: skip


def _keras(build: Callable[[Any], Any], shape: tuple[int, ...]) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    image = keras.Input(batch_shape=(1, *shape))
    return keras.Model(image, build(image))


def _convert(model: Any, samples: np.ndarray | None) -> bytes:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if samples is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([x[None]] for x in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()):
        return bytes(converter.convert())


def _run(data: bytes, samples: np.ndarray) -> np.ndarray:
    model = Model(data)
    return np.concatenate([model(x[None])[0].reshape(1, -1) for x in samples])


def test_the_list_is_whole() -> None:
    assert sorted(_layers()) == sorted(NAMES)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", NAMES)
def test_as_near_to_float_as_tensorflow_with_the_same_operations(name: str) -> None:
    model = _keras(_layers()[name], SAMPLES.shape[1:])
    data, theirs = _convert(model, None), _convert(model, SAMPLES)
    ours = shrink(data, SAMPLES)
    expected = _run(data, SAMPLES)
    assert sqnr(expected, _run(ours.model, SAMPLES)) > sqnr(expected, _run(theirs, SAMPLES)) - 1
    assert len(ours.model) < 1.1 * len(theirs) + 1000
    assert ours.report.float_operations == ()
    kinds = [[op.name for op in summarize(m).operations] for m in (ours.model, theirs)]
    assert kinds[0] == kinds[1]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
@pytest.mark.parametrize("unroll", [False, True])
def test_recurrent_layers_are_unrolled_or_float_with_a_reason(layer: str, unroll: bool) -> None:
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    kind = getattr(keras.layers, layer)
    model = _keras(lambda x: keras.layers.Dense(3)(kind(8, unroll=unroll)(x)), (6, 5))
    data = _convert(model, None)
    samples = np.random.default_rng(0).normal(size=(30, 6, 5)).astype(np.float32)
    shrunk = shrink(data, samples)
    expected = _run(data, samples)
    assert sqnr(expected, _run(shrunk.model, samples)) > 18
    reasons = [op.reason or "" for op in shrunk.report.float_operations]
    if unroll:
        assert len(reasons) < len(shrunk.report.operations) / 2
    else:
        assert any("recurrent" in r or "control flow" in r for r in reasons)
