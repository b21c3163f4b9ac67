"""A Keras model as a float32 ``.tflite`` file with one fixed input shape."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from homebody.errors import MissingExtraError, ModelError


def to_tflite(model: Any, *, batch: int = 1) -> bytes:
    """Convert a one-input, one-output Keras model to float32 ``.tflite`` bytes.

    The batch is fixed, because devices plan memory ahead and Homebody runs one photo at a
    time. The result depends on the model's graph, weights and the TensorFlow version alone:
    converting twice gives the same bytes.

    Args:
        model: a built ``keras.Model``; input ``[None, ...]``, every other dimension known.
        batch: the fixed batch size, at least 1.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        ModelError: the input shape is not fixed beyond the batch.

    Example:
        >>> from homebody.train import squeezenet, to_tflite          # doctest: +SKIP
        >>> data = to_tflite(squeezenet())                            # doctest: +SKIP
    """
    shape = tuple(model.input_shape[1:])
    if any(not isinstance(size, int) for size in shape):
        raise ModelError(
            f"the model's input shape is {model.input_shape}; fix every dimension but the batch"
        )
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError("train", "converting a model to .tflite") from error
    image = keras.Input(batch_shape=(batch, *shape), name="input")
    fixed = keras.Model(image, model(image), name=model.name)
    with contextlib.redirect_stdout(io.StringIO()):  # Keras lists every variable it exports
        return bytes(tf.lite.TFLiteConverter.from_keras_model(fixed).convert())
