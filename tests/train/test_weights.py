from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import homebody
from homebody.errors import HomebodyError, ModelError
from homebody.runtime import Model
from homebody.train import load_weights
from homebody.train.squeezenet import Weights, layer_shapes
from homebody.train.weights import weights_from_tflite

from ..runtime.models import dense_model, serialize


def forward(weights: Weights, image: np.ndarray) -> np.ndarray:
    """SqueezeNet 1.1 in plain numpy: [h, w, 3] to 1000 logits."""

    def conv(x: np.ndarray, name: str, pad: int = 0, stride: int = 1) -> np.ndarray:
        kernel, bias = weights[name]
        x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        k = kernel.shape[0]
        windows = np.lib.stride_tricks.sliding_window_view(x, (k, k), (0, 1))[::stride, ::stride]
        return np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel, optimize=True) + bias, 0)

    def pool(x: np.ndarray) -> np.ndarray:
        # Caffe rounds sizes up: the last window may hang over the edge
        h, w = (-(-(n - 3) // 2) * 2 + 3 - n for n in x.shape[:2])
        x = np.pad(x, ((0, h), (0, w), (0, 0)), constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (0, 1))[::2, ::2]
        return windows.max((-1, -2))

    x = pool(conv(image, "conv1", stride=2))
    for number in range(2, 10):
        narrow = conv(x, f"fire{number}/squeeze1x1")
        wide = [conv(narrow, f"fire{number}/expand{k}x{k}", pad=k // 2) for k in (1, 3)]
        x = np.concatenate(wide, -1)
        if number in (3, 5):
            x = pool(x)
    return conv(x, "conv10").mean((0, 1))


def test_the_default_bundle_gives_the_weights_that_its_model_runs_with():
    weights = load_weights()
    assert weights.keys() == layer_shapes().keys()
    image = np.random.default_rng(0).normal(0, 60, (1, 227, 227, 3)).astype(np.float32)
    with homebody.load("for-this-photo") as feature:
        (expected,) = feature.infer(feature.prepare(np.zeros((300, 300, 3), np.uint8))._replace(
            tensor=image
        ))  # fmt: skip
    found = forward(weights, image[0])
    noise = ((found - expected[0]) ** 2).sum() / (expected[0] ** 2).sum()
    assert noise < 0.01  # 20 dB, also where the bundle's model is int8


def test_a_bundle_and_a_model_file_give_the_same(tmp_path: Path):
    with homebody.load("for-this-photo") as feature:
        data = feature.bundle.read("model.tflite")
    (tmp_path / "m.tflite").write_bytes(data)
    one, other = load_weights(), load_weights(tmp_path / "m.tflite")
    assert all(np.array_equal(one[name][0], other[name][0]) for name in layer_shapes())


def test_an_int8_model_gives_the_weights_that_its_codes_stand_for():
    from homebody.runtime.tflite import parse
    from homebody.shrink import shrink

    weights = load_weights()
    with homebody.load("for-this-photo") as feature:
        model = feature.bundle.read("model.tflite")
    if {t.dtype for t in parse(model).subgraphs[0].tensors if t.size} == {"float32"}:
        image = np.random.default_rng(0).normal(0, 60, (2, 227, 227, 3)).astype(np.float32)
        model = shrink(model, image, bias_correction="none", equalize=False).model
    found = weights_from_tflite(model)
    for name, (kernel, bias) in weights.items():
        step = np.abs(kernel).max((0, 1, 2)) / 127
        assert (np.abs(found[name][0] - kernel) <= 0.51 * step).all()
        assert np.allclose(found[name][1], bias, atol=0.01)


def test_another_network_is_refused():
    model = serialize(dense_model(np.ones((2, 3), np.float32), np.ones(2, np.float32)))
    Model(model)  # it is sound
    with pytest.raises(ModelError, match="where SqueezeNet 1.1 has conv1"):
        weights_from_tflite(model)


@pytest.mark.parametrize("name", ["a.tflite", "a.hb", "a.pkl"])
def test_a_missing_or_foreign_file_is_one_sentence(tmp_path: Path, name: str):
    with pytest.raises(HomebodyError):
        load_weights(tmp_path / name)
    (tmp_path / name).write_bytes(b"not weights")
    with pytest.raises(HomebodyError):
        load_weights(tmp_path / name)
