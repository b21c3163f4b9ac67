"""Training end to end, on the photos that come with Homebody. Needs the [train] extra."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import homebody
from homebody.errors import CheckError, DatasetError, HomebodyError, TrainConfigError
from homebody.features.classify import Classification, ImageClassifier
from homebody.train import TrainConfig, Trained, classify, packing, read_dataset, train_classifier
from homebody.train.split import split_dataset

from .folders import real_photos, write_photos

pytestmark = pytest.mark.oracle
QUICK = TrainConfig(epochs=2, batch_size=8, head_epochs=200, samples=3)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("keras")
    return real_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two labels, 17 photos; one of them corrupt beside them."""
    table = tmp_path_factory.mktemp("table") / "table.csv"
    files = sorted(p.relative_to(photos).as_posix() for p in photos.rglob("*.jpg"))
    rows = [f"{file},{'ab'[i % 2]}" for i, file in enumerate(files)]
    table.write_text("\n".join(["file,half", *rows]))
    (photos / "built" / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")
    output = tmp_path_factory.mktemp("out") / "living-things.hb"
    try:
        return train_classifier(photos, output, config=QUICK, table=table)
    finally:
        (photos / "built" / "torn.jpg").unlink()


def test_the_bundle_checks_and_answers(trained: Trained, photos: Path):
    with homebody.load(trained.path) as feature:
        assert isinstance(feature, ImageClassifier)
        assert feature.check().passed
        found = feature(photos / "living" / "cat.jpg")
    assert isinstance(found, Classification)
    assert set(found.scores) == {"built", "living"}
    assert sum(found.scores.values()) == pytest.approx(1)
    assert found.confidence == max(found.scores.values()) == found.scores[found.label]
    assert found.photo.endswith("cat.jpg")


def test_it_has_learned(trained: Trained, photos: Path):
    """On all 17 photos, most of them trained on: far from the 9 that a constant gets right."""
    with homebody.load(trained.path) as feature:
        right = [feature(p).label == p.parent.name for p in sorted(photos.rglob("*.jpg"))]
    assert sum(right) >= 15


def test_what_was_measured_is_what_the_bundle_does_with_the_files(trained: Trained, photos: Path):
    config = trained.metrics.config
    parts = split_dataset(
        read_dataset(photos), seed=config.seed, validation=config.validation, test=config.test
    )
    with homebody.load(trained.path) as feature:
        right = sum(feature(photos / e.file).label == e.label for e in parts.test)
    assert trained.metrics.evaluation.accuracy.count == right
    assert trained.metrics.evaluation.n == len(parts.test)


def test_the_input_pipeline_has_no_skew(trained: Trained, photos: Path):
    """The tensor in the feature is the one that the network was trained with, bit for bit."""
    from homebody.feature import as_photo
    from homebody.pipeline import decoding_side
    from homebody.train.photos import INPUT, read_crop, to_tensor

    file = photos / "living" / "owl.jpg"
    with homebody.load(trained.path) as feature:
        assert isinstance(feature, ImageClassifier)
        pixels = as_photo(file, at_least=decoding_side(feature.manifest.input)).flat
        assert np.array_equal(feature.prepare(pixels).tensor, to_tensor([read_crop(file)]))
        assert feature.manifest.input == INPUT


def test_the_model_is_int8_inside(trained: Trained):
    from homebody.runtime.tflite import parse

    with homebody.load(trained.path) as feature:
        graph = parse(feature.bundle.read("model.tflite")).subgraphs[0]
    big = [t for t in graph.tensors if t.size > 10_000]
    assert big
    assert {t.dtype for t in big} == {"int8"}
    sizes = trained.metrics.model_bytes
    assert sizes["packed"] < 0.3 * sizes["float32"]


def test_everything_is_written_down(trained: Trained):
    metrics = json.loads((trained.folder / "metrics.json").read_text())
    assert metrics["config"]["epochs"] == 2
    assert metrics["data"]["photos"] == 17
    assert [s[0] for s in metrics["data"]["skipped"]] == ["built/torn.jpg"]
    assert {"numpy", "keras", "homebody", "python"} <= metrics["versions"].keys()
    assert {s["value"] for s in metrics["evaluation"]["slices"]} == {"a", "b"}
    with homebody.load(trained.path) as feature:
        for name in ("metrics.json", "card.md", "confusion.png"):
            assert feature.bundle.read(name) == (trained.folder / name).read_bytes()
        assert feature.manifest.provenance["run"] == metrics["run"]
    card = (trained.folder / "card.md").read_text()
    accuracy = trained.metrics.evaluation.accuracy
    assert f"{accuracy.count} of {accuracy.n}" in card
    assert "half = a" in card
    picture = Image.open(io.BytesIO((trained.folder / "confusion.png").read_bytes()))
    assert min(picture.size) > 200


def test_no_photo_leaves_by_name(trained: Trained):
    """Samples are scaled down and anonymous; the skipped file's name stays with the metrics."""
    with homebody.load(trained.path) as feature:
        listing = feature.bundle.read("samples/samples.json").decode()
    assert "cat" not in listing
    assert ".jpg" not in listing


class Killed(BaseException):
    """Stands in for the end of the process."""


@pytest.mark.parametrize("at", ["epoch 1 of 2", "epoch 2 of 2"])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    trained: Trained, photos: Path, tmp_path: Path, at: str
):
    def stop(items: Iterable[Any], total: int, unit: str) -> Iterable[Any]:
        for number, item in enumerate(items):
            if unit == at and number == 1:
                raise Killed
            yield item

    again = tmp_path / trained.path.name
    with pytest.raises(Killed):
        train_classifier(photos, again, config=QUICK, progress=stop)
    assert not again.exists()
    resumed = train_classifier(photos, again, config=QUICK)
    whole = train_classifier(photos, tmp_path / "whole" / again.name, config=QUICK)
    assert resumed.path.read_bytes() == whole.path.read_bytes()
    assert resumed.metrics.history == trained.metrics.history


KILLED = """
import os, signal, sys
from pathlib import Path
from homebody.train import TrainConfig, train_classifier

def kill(items, total, unit):
    for number, item in enumerate(items):
        if unit == "epoch 2 of 2":
            os.kill(os.getpid(), signal.SIGKILL)
        yield item

config = TrainConfig(epochs=2, batch_size=8, head_epochs=200, samples=3)
train_classifier(sys.argv[1], sys.argv[2], config=config, progress=kill)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_a_run_that_was_killed_goes_on_where_it_was(trained: Trained, photos: Path, tmp_path: Path):
    output = tmp_path / trained.path.name
    done = subprocess.run(
        [sys.executable, "-c", KILLED, photos, output],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not output.exists()
    units: list[str] = []

    def note(items: Iterable[Any], total: int, unit: str) -> Iterable[Any]:
        units.append(unit)
        return items

    resumed = train_classifier(photos, output, config=QUICK, progress=note)
    assert [u for u in units if u.startswith("epoch")] == ["epoch 2 of 2"]
    assert "features" not in units
    assert resumed.metrics.history == trained.metrics.history
    assert resumed.metrics.evaluation.confusion == trained.metrics.evaluation.confusion


def test_a_damaged_checkpoint_is_started_anew(trained: Trained, photos: Path, tmp_path: Path):
    output = tmp_path / trained.path.name
    train_classifier(photos, output, config=QUICK)
    (checkpoint,) = (tmp_path / "living-things.train" / "runs").iterdir()
    whole = output.read_bytes()
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert train_classifier(photos, output, config=QUICK).path.read_bytes() == whole


def test_frozen_training_is_the_head_alone(photos: Path, tmp_path: Path):
    result = train_classifier(photos, tmp_path / "h.hb", config=QUICK.replace(epochs=0))
    assert [e.epoch for e in result.metrics.history] == [0]
    assert "no fine-tuning" in (result.folder / "card.md").read_text()


def test_a_model_that_strays_is_not_packed(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(packing.MOST_STRAY, "int8", 0.0001)
    with pytest.raises(
        CheckError, match="int8 model strays too far .* largest difference .*float32"
    ):
        train_classifier(photos, tmp_path / "h.hb", config=QUICK.replace(epochs=0))
    assert not list(tmp_path.glob("*.hb"))


def test_a_search_keeps_its_trials_and_goes_on(photos: Path, tmp_path: Path):
    pytest.importorskip("optuna")
    config = QUICK.replace(epochs=1)
    units: list[tuple[str, int]] = []

    def note(items: Iterable[Any], total: int, unit: str) -> Iterable[Any]:
        units.append((unit, total))
        return items

    def trials(folder: str, *steps: int) -> Trained:
        for step in steps:
            found = train_classifier(
                photos, tmp_path / folder / "s.hb", config=config, trials=step, progress=note
            )
        return found

    at_once, in_two = trials("one", 3), trials("two", 1, 3)
    assert in_two.metrics == at_once.metrics
    assert at_once.metrics.trials == 3
    assert [n for unit, n in units if unit == "trials"] == [3, 1, 2]
    (journal,) = (at_once.folder / "trials").glob("*.journal")
    assert "learning_rate" in journal.read_text()


@pytest.mark.parametrize("name", ["bundle.zip", "bundle", "."])
def test_the_output_is_a_bundle(tmp_path: Path, name: str):
    with pytest.raises(TrainConfigError, match=r"ends in \.hb"):
        train_classifier(tmp_path, tmp_path / name)


def test_bad_folders_leave_nothing_behind(tmp_path: Path):
    write_photos(tmp_path / "photos", {"a": 3, "b": 1})
    with pytest.raises(DatasetError):
        train_classifier(tmp_path / "photos", tmp_path / "x.hb")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photos"]


def test_the_weights_may_come_from_elsewhere_and_must_fit(photos: Path, tmp_path: Path):
    with pytest.raises(HomebodyError):
        train_classifier(photos, tmp_path / "x.hb", weights=photos / "living" / "cat.jpg")


AWARE = QUICK.replace(epochs=0, qat=True, qat_epochs=2)


@pytest.fixture(scope="module")
def aware(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_classifier(photos, tmp_path_factory.mktemp("qat") / "aware.hb", config=AWARE)


def test_quantization_aware_training_makes_a_checked_int8_bundle(aware: Trained, photos: Path):
    from homebody.runtime.tflite import parse

    with homebody.load(aware.path) as feature:
        assert feature.check().passed
        graph = parse(feature.bundle.read("model.tflite")).subgraphs[0]
        right = [feature(p).label == p.parent.name for p in sorted(photos.rglob("*.jpg"))]
    assert {t.dtype for t in graph.tensors if t.size > 10_000} == {"int8"}
    inner = [graph.tensors[op.outputs[0]].dtype for op in graph.operations[:-1]]
    assert set(inner) == {"int8"}
    assert sum(right) >= 15


def test_quantization_aware_training_starts_from_the_float_network(aware: Trained):
    """Rounding costs little before it is trained away, and training only ever helps."""
    metrics = aware.metrics
    floats, rounded = metrics.history[metrics.best_epoch], metrics.quantized_history
    assert [e.epoch for e in rounded] == [0, 1, 2]
    assert rounded[0].validation_loss == pytest.approx(floats.validation_loss, abs=0.1)
    assert metrics.best_quantized_epoch is not None
    kept = rounded[metrics.best_quantized_epoch]
    assert kept.validation_loss == min(e.validation_loss for e in rounded)


@pytest.mark.parametrize(("trained", "shrunken", "warns"), [(0.5, 0.4, True), (0.4, 0.5, False)])
def test_quantization_aware_training_that_did_not_help_says_so(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    trained: float, shrunken: float, warns: bool,
):  # fmt: skip
    losses = iter([trained, shrunken])
    monkeypatch.setattr(classify, "_validation_loss", lambda *_: next(losses))
    made = train_classifier(photos, tmp_path / "x.hb", config=AWARE.replace(qat_epochs=1))
    assert any("0.500, and 0.400 if" in w for w in made.metrics.warnings) == warns
    assert ("did not help" in (made.folder / "card.md").read_text()) == warns


def test_quantization_aware_training_is_written_down(aware: Trained, trained: Trained):
    metrics = json.loads((aware.folder / "metrics.json").read_text())
    assert metrics["config"]["qat"] is True
    assert len(metrics["quantized_history"]) == 3
    assert "quantization-aware training" in (aware.folder / "card.md").read_text()
    assert "quantization-aware" not in (trained.folder / "card.md").read_text()
    assert trained.metrics.quantized_history == ()
    assert metrics["run"] != trained.metrics.run


def test_quantization_aware_training_goes_on_after_a_stop(
    aware: Trained, photos: Path, tmp_path: Path
):
    def stop(items: Iterable[Any], total: int, unit: str) -> Iterable[Any]:
        for number, item in enumerate(items):
            if unit == "qat epoch 2 of 2" and number == 1:
                raise Killed
            yield item

    output = tmp_path / "aware.hb"
    with pytest.raises(Killed):
        train_classifier(photos, output, config=AWARE, progress=stop)
    again = train_classifier(photos, output, config=AWARE)
    assert again.metrics.quantized_history == aware.metrics.quantized_history
    assert output.read_bytes() == aware.path.read_bytes()


def test_quantization_aware_training_is_for_int8(photos: Path, tmp_path: Path):
    with pytest.raises(TrainConfigError, match="qat trains for int8 and the format is float32"):
        train_classifier(
            photos, tmp_path / "x.hb", config=QUICK.replace(qat=True, format="float32")
        )
    assert list(tmp_path.iterdir()) == []
