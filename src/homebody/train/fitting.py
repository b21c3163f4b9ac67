"""From a divided data set to a trained network: the last layer first, then the last modules.

On request all of it then trains on with int8's rounding.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.train.config import TrainConfig
from homebody.train.dataset import Dataset, Example
from homebody.train.files import write_whole
from homebody.train.finetune import Epoch, Pictures, descend, finetune, predict
from homebody.train.head import Head, train_head
from homebody.train.network import FEATURES, Classifier, classifier
from homebody.train.photos import CropCache, Crops, Progress, silent, to_tensor
from homebody.train.split import Split
from homebody.train.squeezenet import Weights

_NOT_THE_RUN = ("samples", "version", "licence", "format")
"""Settings that come after training."""
CALIBRATION = 100
"""Training photos that the int8 ranges are taken from, or start from."""


class Part(NamedTuple):
    """Some photos: their crops, their labels [n] as numbers, their frozen features [n, 512]."""

    examples: tuple[Example, ...]
    crops: Pictures
    labels: NDArray[np.intp]
    features: NDArray[np.float32]


class Materials(NamedTuple):
    """Everything that training takes, read once: for one run or a whole search."""

    labels: tuple[str, ...]
    weights: Weights
    train: Part
    validation: Part
    test: Part
    key: str
    """SHA-256 of the base weights and of every photo with its label and part."""


class Fitted(NamedTuple):
    """A trained network and how it came about."""

    network: Classifier
    head: Head
    history: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """The epoch whose weights the network has."""
        return best_epoch(self.history)


def gather(
    dataset: Dataset,
    parts: Split,
    weights: Weights,
    cache: CropCache,
    folder: Path,
    progress: Progress[Any] = silent,
) -> Materials:
    """Compute the frozen network's features of every photo, or read those that are in ``folder``.

    Raises:
        MissingExtraError: Keras is not installed.
        TrainError: the features cannot be kept.
    """
    numbers = {label: number for number, label in enumerate(dataset.labels)}
    base = _hash_weights(weights)
    store = folder / f"features-{base[:12]}.npz"
    known = _read_features(store)
    missing = [e for e in dataset.examples if e.sha256 not in known]
    if missing:
        network = classifier(weights, len(dataset.labels))
        batches = [missing[i : i + 32] for i in range(0, len(missing), 32)]
        for number, batch in enumerate(progress(batches, len(batches), "features"), 1):
            rows = predict(network.base, Crops(cache, dataset.root, batch))
            known |= {e.sha256: row for e, row in zip(batch, rows, strict=True)}
            if number % 16 == 0 or number == len(batches):
                _write_features(store, known)

    def part(examples: tuple[Example, ...]) -> Part:
        return Part(
            examples,
            Crops(cache, dataset.root, examples),
            np.array([numbers[e.label] for e in examples], np.intp),
            np.array([known[e.sha256] for e in examples], np.float32).reshape(-1, FEATURES),
        )

    held = (parts.train, parts.validation, parts.test)
    listing = msgspec.json.encode(
        [base, dataset.labels, [[(e.sha256, e.label) for e in examples] for examples in held]]
    )
    key = hashlib.sha256(listing).hexdigest()
    train, validation, test = map(part, held)
    return Materials(dataset.labels, weights, train, validation, test, key)


def fit(
    materials: Materials,
    config: TrainConfig,
    *,
    checkpoint: Path | None = None,
    progress: Progress[Any] = silent,
) -> Fitted:
    """Train a network; continue where the checkpoint is.

    Args:
        materials: what to train with.
        config: the settings; those of the split have been used already, those of
            quantization-aware training are for :func:`fit_quantized`.
        checkpoint: where to keep the state after every epoch.
        progress: shows the batches.
    """
    train, validation = materials.train, materials.validation
    head = train_head(
        train.features,
        train.labels,
        (validation.features, validation.labels),
        len(materials.labels),
        config,
    )
    network = classifier(materials.weights, len(materials.labels))
    network.set_head(head.kernel, head.bias)
    history = finetune(
        network,
        (train.crops, train.labels),
        (validation.crops, validation.labels),
        config,
        checkpoint=checkpoint,
        run=run_key(materials, without_qat(config)),
        progress=progress,
    )
    return Fitted(network, head, history)


class FittedInteger(NamedTuple):
    """An int8 ``.tflite`` model and how it came about; epoch 0 is before training went on."""

    model: bytes
    history: tuple[Epoch, ...]


def fit_quantized(
    model: bytes,
    materials: Materials,
    config: TrainConfig,
    *,
    checkpoint: Path | None = None,
    progress: Progress[Any] = silent,
) -> FittedInteger:
    """Train a float network on with int8's rounding, and write it with the ranges it learned.

    Args:
        model: the float network, ``.tflite`` bytes.
        materials: what to train with.
        config: the settings.
        checkpoint: where to keep the state after every epoch.
        progress: shows the batches.

    Raises:
        ModelError: an operation of the model would stay float.
        TrainError: training diverged.
    """
    from homebody.train.qat import quantization_aware

    train, validation = materials.train, materials.validation
    net = quantization_aware(model)
    seen = calibration_pictures(materials)
    net.calibrate(to_tensor(seen[i : i + 32]) for i in range(0, len(seen), 32))
    history = descend(
        net,
        (train.crops, train.labels),
        (validation.crops, validation.labels),
        config,
        epochs=config.qat_epochs,
        learning_rate=config.qat_learning_rate,
        checkpoint=checkpoint,
        run=run_key(materials, config),
        progress=progress,
        unit="qat epoch",
    )
    return FittedInteger(net.export_tflite(), history)


def calibration_pictures(materials: Materials) -> list[NDArray[np.uint8]]:
    """Training photos that show what the network's values are: uint8 crops, labels in turn."""
    train = materials.train
    return [train.crops[i] for i in take_turns(train.labels.tolist(), CALIBRATION)]


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch whose weights are kept."""
    return min(history, key=lambda e: (e.validation_loss, e.epoch))


def without_qat(config: TrainConfig) -> TrainConfig:
    """The settings of the float network that quantization-aware training starts from."""
    return msgspec.structs.replace(config, qat=False)


def run_key(materials: Materials, config: TrainConfig) -> str:
    """What a run's result depends on, hashed; two runs of one key may share a checkpoint."""
    settings: dict[str, Any] = msgspec.to_builtins(config)
    for name in _NOT_THE_RUN:
        del settings[name]
    if not config.qat:
        settings = {name: v for name, v in settings.items() if not name.startswith("qat")}
    text = msgspec.json.encode([materials.key, settings], order="deterministic")
    return hashlib.sha256(text).hexdigest()


def take_turns(labels: Sequence[int], count: int) -> list[int]:
    """Indices of at most ``count`` items, one of each label in turn.

    Example:
        >>> take_turns([0, 0, 0, 1, 2], 4)
        [0, 3, 4, 1]
    """
    waiting = {label: [i for i, own in enumerate(labels) if own == label] for label in set(labels)}
    chosen: list[int] = []
    while len(chosen) < min(count, len(labels)):
        for label in sorted(waiting):
            if waiting[label] and len(chosen) < count:
                chosen.append(waiting[label].pop(0))
    return chosen


def _hash_weights(weights: Weights) -> str:
    digest = hashlib.sha256()
    for name, arrays in sorted(weights.items()):
        digest.update(name.encode())
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _read_features(path: Path) -> dict[str, NDArray[np.float32]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            names, rows = held["sha256"].tolist(), held["features"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    if rows.shape != (len(names), FEATURES) or rows.dtype != np.float32:
        return {}
    return dict(zip(names, rows, strict=True))


def _write_features(path: Path, known: Mapping[str, NDArray[np.float32]]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, sha256=np.array(list(known)), features=np.array(list(known.values())))
    write_whole(path, buffer.getvalue())
