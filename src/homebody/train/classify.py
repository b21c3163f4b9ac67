"""The whole way: a folder of labelled folders in, a checked bundle out.

    photos ─▶ crops ─▶ features ─▶ last layer ─▶ last modules ─▶ .tflite ─▶ int8 (shrunk, or
    trained on with its rounding) ─▶ evaluated, packed, checked

Everything costly is kept in a folder beside the bundle, by content, and taken up again by the
next run; it may be deleted at any time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from homebody.errors import TrainConfigError
from homebody.feature import CheckReport
from homebody.train.card import card
from homebody.train.config import TrainConfig
from homebody.train.confusion import confusion_png
from homebody.train.dataset import read_dataset, read_table
from homebody.train.evaluation import Evaluation, evaluate
from homebody.train.files import write_whole
from homebody.train.finetune import Epoch
from homebody.train.fitting import (
    Fitted,
    Materials,
    Part,
    best_epoch,
    calibration_pictures,
    fit,
    fit_quantized,
    gather,
    run_key,
    take_turns,
    without_qat,
)
from homebody.train.head import class_weights, cross_entropy
from homebody.train.metrics import Data, Metrics, describe_data, versions
from homebody.train.packing import Made, bundle_name, classify, pack_classifier, shrunk
from homebody.train.photos import CropCache, Progress, silent
from homebody.train.split import split_dataset
from homebody.train.tflite import to_tflite
from homebody.train.weights import load_weights


class Trained(msgspec.Struct, frozen=True):
    """What training made."""

    path: Path
    """The bundle."""
    folder: Path
    """metrics.json, card.md and confusion.png, beside the caches."""
    metrics: Metrics
    check: CheckReport


def train_classifier(
    photos: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    config: TrainConfig | None = None,
    weights: str | os.PathLike[str] | None = None,
    table: str | os.PathLike[str] | None = None,
    trials: int = 0,
    progress: Progress[Any] = silent,
) -> Trained:
    """Train a classifier of photos and pack it.

    Args:
        photos: a folder of labelled folders: see :func:`~homebody.train.read_dataset`.
        output: the bundle to write or replace, ``NAME.hb``. ``NAME.train/`` beside it keeps
            caches, checkpoints and reports.
        config: the settings; the defaults without.
        weights: where SqueezeNet's weights come from: see :func:`~homebody.train.load_weights`.
        table: a CSV table with a column ``file``; the evaluation reports every other column's
            slices, and ``config.split_by`` may name one.
        trials: try so many settings first and train with the best: see
            :func:`~homebody.train.search`.
        progress: shows how far it has come.

    Raises:
        DatasetError: the photos or the table do not make a data set.
        TrainConfigError: the output or a setting does not fit.
        TrainError: training diverged.
        MissingExtraError: ``homebody[train]`` is not installed.
        CheckError: the shrunk model strays too far from the trained one.

    Example:
        >>> trained = train_classifier("photos", "cats.hb")                # doctest: +SKIP
        >>> str(trained.metrics.evaluation.accuracy)                       # doctest: +SKIP
        '92 % (46 of 50; 95 % interval 81 to 97)'
    """
    config = config or TrainConfig()
    if config.qat and config.format != "int8":
        raise TrainConfigError(
            f"qat trains for int8 and the format is {config.format}; set one or the other"
        )
    target = Path(output)
    if target.suffix != ".hb" or target.is_dir():
        raise TrainConfigError(f"the output is {target}; name a bundle that ends in .hb")
    folder = target.with_suffix(".train")
    dataset = read_dataset(photos)
    columns = {} if table is None else read_table(table, dataset)
    cache = CropCache(folder)
    dataset = cache.fill(dataset, progress)
    parts = split_dataset(
        dataset,
        by=config.split_by,
        validation=config.validation,
        test=config.test,
        seed=config.seed,
        table=columns,
    )
    materials = gather(dataset, parts, load_weights(weights), cache, folder, progress)
    if trials:
        from homebody.train.search import search

        found = search(materials, without_qat(config), folder / "trials", trials, progress).config
        config = msgspec.structs.replace(found, qat=config.qat)
    checkpoint = _checkpoint(folder, materials, without_qat(config))
    fitted = fit(materials, config, checkpoint=checkpoint, progress=progress)
    made, quantized, doubts = _make(fitted, materials, config, folder, progress)
    slices = {
        name: [values.get(e.file) for e in parts.test]
        for name, values in columns.items()
        if name != config.split_by
    }
    data = describe_data(dataset, parts)
    metrics = _measure(target, made, fitted, quantized, materials, config, data, slices, trials)
    warnings = (*parts.warnings, *doubts, *metrics.warnings)
    warned = msgspec.structs.replace(metrics, warnings=warnings)
    return _finish(target, folder, made, materials, config, dataset.root, warned)


def _checkpoint(folder: Path, materials: Materials, config: TrainConfig) -> Path:
    return folder / "runs" / f"{run_key(materials, config)[:16]}.npz"


def _make(
    fitted: Fitted,
    materials: Materials,
    config: TrainConfig,
    folder: Path,
    progress: Progress[Any],
) -> tuple[Made, tuple[Epoch, ...], tuple[str, ...]]:
    """The network's files, the epochs of quantization-aware training, and doubts about them."""
    model = to_tflite(fitted.network.whole)
    plain = shrunk(model, calibration_pictures(materials), config)
    if not config.qat:
        return Made(model, plain), (), ()
    checkpoint = _checkpoint(folder, materials, config)
    found = fit_quantized(model, materials, config, checkpoint=checkpoint, progress=progress)
    trained, shrunken = (_validation_loss(m, materials) for m in (found.model, plain))
    doubts: tuple[str, ...] = ()
    if trained > shrunken:
        doubts = (
            f"quantization-aware training did not help: its validation loss is {trained:.3f}, and "
            f"{shrunken:.3f} if the float network is shrunk as it is; train without qat",
        )
    return Made(model, found.model), found.history, doubts


def _validation_loss(model: bytes, materials: Materials) -> float:
    """Cross-entropy on the validation photos, all labels alike, as a device computes it."""
    part = materials.validation
    weights = class_weights(part.labels, len(materials.labels))
    return cross_entropy(classify(model, part.crops), part.labels, weights)


def _measure(
    target: Path,
    made: Made,
    fitted: Fitted,
    quantized: tuple[Epoch, ...],
    materials: Materials,
    config: TrainConfig,
    data: Data,
    slices: dict[str, list[str | None]],
    trials: int,
) -> Metrics:
    test = materials.test
    given = [classify(model, test.crops).argmax(1) for model in (made.packed, made.float32)]

    def judge(labels: Any) -> Evaluation:
        return evaluate(test.labels, labels, materials.labels, slices=slices, seed=config.seed)

    found = judge(given[0])
    return Metrics(
        name=bundle_name(target),
        config=config,
        run=run_key(materials, config),
        data=data,
        versions=versions(),
        head_steps=fitted.head.steps,
        history=fitted.history,
        best_epoch=fitted.best.epoch,
        quantized_history=quantized,
        best_quantized_epoch=best_epoch(quantized).epoch if quantized else None,
        trials=trials,
        model_bytes={"float32": len(made.float32), "packed": len(made.packed)},
        agreement=float(np.mean(given[0] == given[1])),
        evaluation=found,
        float_evaluation=judge(given[1]),
        warnings=found.warnings,
    )


def _finish(
    target: Path,
    folder: Path,
    made: Made,
    materials: Materials,
    config: TrainConfig,
    root: Path,
    metrics: Metrics,
) -> Trained:
    texts = {
        "card.md": card(metrics).encode(),
        "metrics.json": metrics.json(),
        "confusion.png": confusion_png(metrics.evaluation),
    }
    for name, data in texts.items():
        write_whole(folder / name, data)
    source: Part = materials.validation if materials.validation.examples else materials.train
    carried = [source.examples[i] for i in take_turns(source.labels.tolist(), config.samples)]
    provenance = {
        "architecture": "SqueezeNet 1.1, arXiv:1602.07360, with a new last layer",
        "data": f"{metrics.data.photos} photos, SHA-256 {metrics.data.sha256}",
        "run": metrics.run,
        "seed": str(config.seed),
        **{f"version of {name}": number for name, number in metrics.versions.items()},
    }
    report = pack_classifier(
        target, made, materials.labels, config, root, carried, texts, provenance
    )
    return Trained(target, folder, metrics, report)
