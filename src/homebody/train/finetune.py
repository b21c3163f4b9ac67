"""Fine-tune the last modules on augmented photos, one resumable epoch at a time.

After every epoch all that the next one depends on is on disk: weights, the optimizer's state, the
best weights so far and the history. Whatever is random in an epoch follows from the seed and its
number. So a run that was killed goes on, and ends where it would have ended.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.train.config import TrainConfig
from homebody.train.files import write_whole
from homebody.train.head import class_weights, cross_entropy
from homebody.train.network import Classifier
from homebody.train.photos import Progress, augment, silent, to_tensor

Pictures = Sequence[NDArray[np.uint8]]
Labelled = tuple[Pictures, NDArray[np.intp]]


class Epoch(msgspec.Struct, frozen=True):
    """Losses after an epoch; 0 is the network before fine-tuning."""

    epoch: int
    train_loss: float | None
    validation_loss: float
    validation_accuracy: float


class _State(msgspec.Struct):
    """Where a run stands; arrays stand beside it in the checkpoint."""

    run: str
    history: list[Epoch]
    best: int


def finetune(
    network: Classifier,
    train: Labelled,
    validation: Labelled,
    config: TrainConfig,
    *,
    checkpoint: Path | None = None,
    run: str = "",
    progress: Progress[Any] = silent,
) -> tuple[Epoch, ...]:
    """Train the last modules and leave the network with the weights that validated best.

    Args:
        network: with its last layer trained; it is changed in place.
        train: uint8 crops [227, 227, 3] and their labels [n].
        validation: likewise, for early stopping; with none, the last epoch is kept.
        config: the settings.
        checkpoint: where to keep the state; None keeps none.
        run: what the run depends on, hashed; a checkpoint of another run is not continued.
        progress: shows the batches.

    Returns:
        Every epoch's losses, epoch 0 first.
    """
    network.train_only(config.modules)
    return descend(
        network.whole,
        train,
        validation,
        config,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        checkpoint=checkpoint,
        run=run,
        progress=progress,
    )


def descend(
    model: Any,
    train: Labelled,
    validation: Labelled,
    config: TrainConfig,
    *,
    epochs: int,
    learning_rate: float,
    checkpoint: Path | None = None,
    run: str = "",
    progress: Progress[Any] = silent,
    unit: str = "epoch",
) -> tuple[Epoch, ...]:
    """Train a model's trainable variables and leave it with those that validated best.

    Args:
        model: a ``keras.Model`` from pictures to logits; it is changed in place.
        epochs: at most so many.
        learning_rate: at the start; it falls to zero along a cosine.
        unit: what the progress calls an epoch.

    The others are those of :func:`finetune`.
    """
    import keras

    steps = max(1, math.ceil(len(train[0]) / config.batch_size))
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, max(1, epochs * steps))
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
    optimizer.build(model.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=config.label_smoothing
    )
    model.compile(optimizer=optimizer, loss=loss)
    labels = model.output_shape[-1]
    weights = class_weights(train[1], labels) if config.class_weights else np.ones(labels)

    def validate() -> tuple[float, float]:
        logits = predict(model, validation[0], config.batch_size)
        right = (logits.argmax(1) == validation[1]).mean() if len(logits) else 0.0
        return cross_entropy(logits, validation[1], weights), float(right)

    variables = [*model.trainable_variables, *optimizer.variables]
    learned = len(model.trainable_variables)
    state, best = _load(checkpoint, run, variables, learned)
    if state is None:
        state = _State(run, [Epoch(0, None, *validate())], 0)
        best = [np.asarray(v).copy() for v in model.trainable_variables]
    while (epoch := len(state.history)) <= epochs:
        if epoch - 1 - state.best >= config.patience:
            break
        total = 0.0
        batches = _batches(train, config, epoch)
        for x, y, n in progress(batches, steps, f"{unit} {epoch} of {epochs}"):
            total += n * float(model.train_on_batch(x, np.eye(labels)[y], sample_weight=weights[y]))
        found = Epoch(epoch, total / len(train[0]), *validate())
        state.history.append(found)
        before = state.history[state.best].validation_loss
        if found.validation_loss < before or not len(validation[0]):
            state.best = epoch
            best = [np.asarray(v).copy() for v in model.trainable_variables]
        if checkpoint is not None:
            _save(checkpoint, state, variables, best)
    for variable, value in zip(model.trainable_variables, best, strict=True):
        variable.assign(value)
    return tuple(state.history)


def predict(model: Any, crops: Pictures, batch: int = 32) -> NDArray[np.float32]:
    """A Keras model's outputs, float32 [n, outputs], for crops as they are."""
    rows = [
        np.asarray(model.predict_on_batch(to_tensor(crops[i : i + batch])))
        for i in range(0, len(crops), batch)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, model.output_shape[-1]), np.float32)


def _batches(
    train: Labelled, config: TrainConfig, epoch: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.intp], int]]:
    crops, labels = train
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(len(crops))
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        views = [
            augment(crops[i], rng, zoom=config.zoom, flip=config.flip, light=config.light)
            for i in chosen
        ]
        yield to_tensor(views), labels[chosen], len(chosen)


def _save(path: Path, state: _State, variables: list[Any], best: list[NDArray[Any]]) -> None:
    arrays = {f"variable-{i}": np.asarray(v) for i, v in enumerate(variables)}
    arrays |= {f"best-{i}": value for i, value in enumerate(best)}
    text = np.frombuffer(msgspec.json.encode(state), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, state=text, **arrays)
    write_whole(path, buffer.getvalue())


def _load(
    path: Path | None, run: str, variables: list[Any], learned: int
) -> tuple[_State | None, list[NDArray[Any]]]:
    """Continue a checkpoint: set the variables. One that does not fit is as good as none."""
    if path is None:
        return None, []
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            state = msgspec.json.decode(held["state"].tobytes(), type=_State)
            values = [held[f"variable-{i}"] for i in range(len(variables))]
            best = [held[f"best-{i}"] for i in range(learned)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile,
            msgspec.DecodeError):  # fmt: skip
        return None, []
    fits = all(
        tuple(v.shape) == value.shape
        for v, value in zip([*variables, *variables[:learned]], [*values, *best], strict=True)
    )
    if state.run != run or not fits or not 0 <= state.best < len(state.history):
        return None, []
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return state, best
