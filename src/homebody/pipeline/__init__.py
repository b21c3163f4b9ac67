"""What a bundle's operations compute: a person's input to a model's, a model's output to an answer.

The manifest names operations (``resize.v1``); :mod:`homebody.bundle.operations` says which
parameters they take; here is what they do: :mod:`~homebody.pipeline.pictures` to pixels,
:mod:`~homebody.pipeline.texts` to strings (imported by name), :mod:`~homebody.pipeline.answers` to
what a model gives. The tensors that reach a model are the same, bit for bit, on every platform.
"""

from __future__ import annotations

from homebody.pipeline.answers import (
    Categories,
    Category,
    finish,
    read_categories,
    read_class_map,
    softmax,
)
from homebody.pipeline.pictures import MAX_ASPECT, Prepared, decoding_side, prepare

__all__ = [
    "MAX_ASPECT",
    "Categories",
    "Category",
    "Prepared",
    "decoding_side",
    "finish",
    "prepare",
    "read_categories",
    "read_class_map",
    "softmax",
]
