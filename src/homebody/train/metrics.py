"""metrics.json: what was trained on what, with which settings, and how good it is."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import msgspec

from homebody.train.config import TrainConfig
from homebody.train.dataset import Dataset, Skipped
from homebody.train.evaluation import Evaluation
from homebody.train.finetune import Epoch
from homebody.train.split import PARTS, Split

PACKAGES = (
    "homebody", "numpy", "pillow", "ai-edge-litert", "keras", "tensorflow", "tensorflow-cpu",
)  # fmt: skip


class Data(msgspec.Struct, frozen=True):
    """The photos."""

    sha256: str
    """Of every photo's bytes and label."""
    photos: int
    parts: dict[str, dict[str, int]]
    """For each part, photos of each label."""
    skipped: tuple[Skipped, ...]


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Everything measured, and everything needed to measure it again."""

    format: Literal["homebody.metrics/1"] = "homebody.metrics/1"
    name: str
    config: TrainConfig
    run: str
    """SHA-256 of what the trained weights depend on: settings, photos, base weights."""
    data: Data
    versions: dict[str, str]
    head_steps: int
    history: tuple[Epoch, ...]
    best_epoch: int
    quantized_history: tuple[Epoch, ...] = ()
    """Losses of quantization-aware training, 0 before it; empty without."""
    best_quantized_epoch: int | None = None
    trials: int
    """How many settings a search tried before these."""
    model_bytes: dict[str, int]
    """Size of the model as float32 and as packed."""
    agreement: float
    """Share of test photos to which the packed model gives the float model's label."""
    evaluation: Evaluation
    """Of the model that the bundle carries, on the test photos."""
    float_evaluation: Evaluation
    """Of the model as it was trained, on the same photos."""
    warnings: tuple[str, ...]

    def json(self) -> bytes:
        """Indented JSON; equal metrics give equal bytes."""
        text = msgspec.json.encode(self, order="deterministic")
        return msgspec.json.format(text, indent=2) + b"\n"


def describe_data(dataset: Dataset, parts: Split) -> Data:
    """Count the photos of each label in each part."""
    counts = {
        name: {
            label: sum(e.label == label for e in getattr(parts, name)) for label in dataset.labels
        }
        for name in PARTS
    }
    return Data(dataset.sha256, len(dataset.examples), counts, dataset.skipped)


def versions() -> dict[str, str]:
    """The interpreter's version, and those of the packages that the result may depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
