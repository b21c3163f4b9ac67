"""From labelled texts to a bundle that gives the same answers everywhere."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

import homebody
from homebody import bundle
from homebody.bundle import samples
from homebody.errors import CheckError, FeatureError, TrainConfigError
from homebody.feature import pack
from homebody.features.text.data import LabelledTexts, share_of
from homebody.features.text.train import TEST, TrainedText, train_text
from homebody.server import vendor
from tests.text.twin import Twin, needs_node

TEXTS = [
    "A Chess tool, with dice", "new SMTP queue", "old CAFÉ song", "", "nothing known ☃ here",
    "東京 puzzle 😀 \u200d score", "e\u0301 arcade " * 40, "tune\x00\ttune",
]  # fmt: skip


def test_words_that_tell_the_label_are_learned(trained: TrainedText) -> None:
    metrics = trained.metrics
    assert metrics.evaluation.accuracy.value > 0.95
    assert metrics.majority.value < 0.6
    assert sum(metrics.texts.values()) == 240
    assert metrics.evaluation.n == metrics.texts["test"]
    assert trained.check.passed


def test_no_source_is_on_both_sides(data: LabelledTexts, trained: TrainedText) -> None:
    tested = [one for one in data.examples if share_of(one.source, 0) < TEST]
    assert len(tested) == trained.metrics.texts["test"]
    with bundle.open(trained.path) as opened:
        held = {sample.input.tobytes().decode() for sample in samples.read(opened)}
    assert held <= {one.text for one in tested}


def test_it_labels_texts_and_shows_tokens(trained: TrainedText) -> None:
    with homebody.load(trained.path) as feature:
        found = feature("A Chess tool, with dice")
        assert found.label == "game"
        assert found.confidence == max(found.scores.values()) > 0.5
        assert sum(found.scores.values()) == pytest.approx(1)
        assert list(found.scores.values()) == sorted(found.scores.values(), reverse=True)
        assert feature(b"new SMTP queue").label == "mail"
        text = "CAFÉ song"
        first, *_ = feature.tokens(text)
        assert "café".startswith(text[first.start : first.end].lower())
        assert feature.check().passed


def test_the_same_texts_give_the_same_bundle(
    data: LabelledTexts, trained: TrainedText, tmp_path: Path
) -> None:
    again = train_text(data, tmp_path / "topics.hb", vocabulary_size=300, length=16)
    assert again.path.read_bytes() == trained.path.read_bytes()


@needs_node
@pytest.mark.skipif(bool(vendor.missing(vendor.DEST)), reason="needs LiteRT.js in _vendor")
def test_node_gives_the_same_answers(trained: TrainedText) -> None:
    with Twin() as twin:
        answer = twin.ask("classify", bundle=str(trained.path), texts=TEXTS)
    assert answer["report"]["passed"]
    with homebody.load(trained.path) as feature:
        for text, found in zip(TEXTS, answer["found"], strict=True):
            prepared = feature.prepare(text)
            assert {"ids": prepared.tensors["ids"][0].tolist()} == found["tensors"]
            ours = feature(text)
            assert found["label"] == ours.label
            assert dict(found["scores"]) == pytest.approx(ours.scores, abs=1e-6)


def test_a_pipeline_that_changed_fails_its_check(trained: TrainedText, tmp_path: Path) -> None:
    with bundle.open(trained.path) as opened:
        manifest = opened.manifest
        entries = {name: opened.read(name) for name in manifest.entries}
    first, last = manifest.input
    kept = msgspec.structs.replace(first, lower_case=False)
    with pytest.raises(CheckError, match="input tensors"):
        pack(tmp_path / "other.hb", msgspec.structs.replace(manifest, input=(kept, last)), entries)
    assert not (tmp_path / "other.hb").exists()
    short = msgspec.structs.replace(last, length=15)
    with pytest.raises(FeatureError, match="takes"):
        pack(
            tmp_path / "other.hb", msgspec.structs.replace(manifest, input=(first, short)), entries
        )


def test_settings_out_of_range_are_refused(data: LabelledTexts, tmp_path: Path) -> None:
    for wrong in ({"vocabulary_size": 99}, {"length": 0}, {"length": 5000}):
        with pytest.raises(TrainConfigError):
            train_text(data, tmp_path / "x.hb", **wrong)
    few = data._replace(examples=data.examples[:3])
    with pytest.raises(TrainConfigError, match="part has no texts"):
        train_text(few, tmp_path / "x.hb")
    assert not list(tmp_path.iterdir())


def test_the_model_s_input_is_what_the_samples_hash(trained: TrainedText) -> None:
    with homebody.load(trained.path) as feature:
        for sample in samples.read(feature.bundle):
            made = feature.tensors(feature.prepare(feature.read(sample.input)))
            assert {k: samples.tensor_sha256(v) for k, v in made.items()} == sample.input_sha256
            assert made["ids"].dtype == np.int32
