"""From a divided data set to a trained network: the last layer first, then the last modules."""

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
from homebody.train.finetune import Epoch, Pictures, finetune, predict
from homebody.train.head import Head, train_head
from homebody.train.network import FEATURES, Classifier, classifier
from homebody.train.photos import CropCache, Crops, Progress, silent
from homebody.train.split import Split
from homebody.train.squeezenet import Weights

_NOT_THE_RUN = ("samples", "version", "licence", "format")
"""Settings that come after training."""


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
        return min(self.history, key=lambda e: (e.validation_loss, e.epoch))


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
        config: the settings; those of the split have been used already.
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
        run=run_key(materials, config),
        progress=progress,
    )
    return Fitted(network, head, history)


def run_key(materials: Materials, config: TrainConfig) -> str:
    """What a run's result depends on, hashed; two runs of one key may share a checkpoint."""
    settings: dict[str, Any] = msgspec.to_builtins(config)
    for name in _NOT_THE_RUN:
        del settings[name]
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
