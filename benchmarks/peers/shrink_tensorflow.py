"""The peer of ``homebody shrink``: TensorFlow's converter and its int8 calibration.

It wants the model that a ``.tflite`` was made from, so ``benchmarks/shrink.py`` keeps the Keras
models beside the float files.

    python benchmarks/peers/shrink_tensorflow.py MODEL.keras SAMPLES_FOLDER OUT.tflite
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf


def main(model_path: str, samples_path: str, out: str) -> None:
    model = keras.models.load_model(model_path, compile=False)
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="input")
    model = keras.Model(image, model(image))
    samples = sorted(Path(samples_path).glob("*.npy"))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([np.load(path)[None]] for path in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()):
        data = converter.convert()
    with open(out, "wb") as file:
        file.write(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
