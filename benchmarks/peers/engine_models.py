"""Make the networks that ``benchmarks/engines.py`` compiles: random weights, real architectures.

    python benchmarks/peers/engine_models.py build/engines

Writes, for ResNet-50, MobileNetV2 and SqueezeNet 1.1: NAME/ (a SavedModel), NAME.tflite (float, by
TensorFlow's converter) and NAME.npz (calibration inputs). Needs TensorFlow.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

SIDE = 224
SAMPLES = 16


def squeezenet() -> Any:
    """SqueezeNet 1.1, as its paper and release describe it."""
    layers = keras.layers

    def fire(value: Any, squeeze: int, expand: int) -> Any:
        value = layers.Conv2D(squeeze, 1, activation="relu")(value)
        return layers.Concatenate()(
            [
                layers.Conv2D(expand, 1, activation="relu")(value),
                layers.Conv2D(expand, 3, padding="same", activation="relu")(value),
            ]
        )

    image = keras.Input((SIDE, SIDE, 3))
    value = layers.Conv2D(64, 3, strides=2, activation="relu")(image)
    for stage in (((16, 64), (16, 64)), ((32, 128), (32, 128)),
                  ((48, 192), (48, 192), (64, 256), (64, 256))):  # fmt: skip
        value = layers.MaxPool2D(3, 2)(value)
        for squeeze, expand in stage:
            value = fire(value, squeeze, expand)
    value = layers.Conv2D(1000, 1, activation="relu")(value)
    value = layers.GlobalAveragePooling2D()(value)
    return keras.Model(image, layers.Softmax()(value))


def spread(model: Any) -> Any:
    """Give normalisations statistics that keep random weights' activations in a natural range."""
    dice = np.random.default_rng(0)
    pictures = dice.normal(size=(4, SIDE, SIDE, 3)).astype(np.float32)
    for _ in range(20):  # moving averages take that long
        model(pictures, training=True)
    return model


def main() -> None:
    """Write every network."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    networks = {
        "resnet50": spread(keras.applications.ResNet50(weights=None)),
        "mobilenetv2": spread(keras.applications.MobileNetV2(weights=None)),
        "squeezenet": squeezenet(),
    }
    dice = np.random.default_rng(1)
    for name, network in networks.items():
        folder = str(out / name)
        network.export(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        (out / f"{name}.tflite").write_bytes(converter.convert())
        signature = tf.saved_model.load(folder).signatures["serving_default"]
        (feed,) = signature.structured_input_signature[1]
        pictures = dice.normal(size=(SAMPLES, SIDE, SIDE, 3)).astype(np.float32)
        np.savez(out / f"{name}.npz", **{f"serving_default_{feed}:0": pictures})
        print(f"{name}: {(out / f'{name}.tflite').stat().st_size / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    main()
