"""Keras models and TensorFlow SavedModels, through TensorFlow's own converter to TFLite."""

from __future__ import annotations

import re
from pathlib import Path

from homebody.errors import GraphError, MissingExtraError
from homebody.stderr import without_lines

_TALK = re.compile(rb"")
"""All that TensorFlow says while it converts."""


def is_saved_model(path: Path) -> bool:
    """Whether TensorFlow is needed to read it: a SavedModel's folder, or a ``.keras`` file."""
    return path.suffix == ".keras" or (path / "saved_model.pb").is_file()


def to_tflite(path: Path) -> bytes:
    """A float ``.tflite`` model of a SavedModel's folder or a ``.keras`` file.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        GraphError: TensorFlow cannot read or convert it.
    """
    try:
        with without_lines(_TALK):
            import tensorflow as tf
    except ImportError:
        raise MissingExtraError("train", "reading a SavedModel or Keras model") from None
    try:
        with without_lines(_TALK):
            if path.suffix == ".keras":
                import keras

                # Lambda layers hold code; a model's file is not to run any.
                model = keras.saving.load_model(path, compile=False, safe_mode=True)
                converter = tf.lite.TFLiteConverter.from_keras_model(model)
            else:
                converter = tf.lite.TFLiteConverter.from_saved_model(str(path))
            return bytes(converter.convert())
    except Exception as error:  # TensorFlow raises whatever its C++ does
        line = " ".join(str(error).split())[:300]
        raise GraphError(f"TensorFlow does not convert {path}: {line}") from None
