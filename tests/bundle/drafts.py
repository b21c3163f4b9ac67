"""Small manifests to write bundles with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import homebody.bundle
from homebody.bundle import Manifest, Model, TensorSpec
from homebody.bundle.operations import Labels, Resize, Softmax

ROOT = Path(__file__).parents[2]
MODEL = Model(
    entry="model.tflite",
    format="tflite",
    inputs=(TensorSpec(name="image", shape=(1, 8, 8, 3), dtype="float32"),),
    outputs=(TensorSpec(name="scores", shape=(1, 2), dtype="float32"),),
)
ENTRIES = {"model.tflite": bytes(range(256)) * 3, "labels.txt": b"left\nright\n"}


def draft(**changes: Any) -> Manifest:
    """A manifest without entries, some of its values replaced."""
    values: dict[str, Any] = {
        "name": "draft",
        "version": "1.0.0",
        "task": "classify-image",
        "input": (Resize(short_side=8),),
        "model": MODEL,
        "output": (Softmax(), Labels(entry="labels.txt")),
        "licence": "CC0-1.0",
    }
    return Manifest(**values | changes)


def written(path: Path, **changes: Any) -> Path:
    """Write the draft's bundle and return its path."""
    homebody.bundle.write(path, draft(**changes), ENTRIES)
    return path
