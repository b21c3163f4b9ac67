"""Build networks and turn them into models: Keras in, ``.tflite`` out (extra ``[train]``).

Importing this package imports no TensorFlow; the functions that need it do.
"""

from __future__ import annotations

from homebody.train.published import squeezenet_weights
from homebody.train.squeezenet import INPUT_SIZE, MEAN_BGR, read_weights, squeezenet
from homebody.train.tflite import to_tflite

__all__ = [
    "INPUT_SIZE",
    "MEAN_BGR",
    "read_weights",
    "squeezenet",
    "squeezenet_weights",
    "to_tflite",
]
