"""Labelled parts of a text: constraints, places, and the same answers in Python and node."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import homebody
from homebody.bundle import Manifest, Model, OutputTolerance, SamplesReference, TensorSpec
from homebody.bundle import Tolerances as Limits
from homebody.bundle import text_operations as ops
from homebody.bundle.operations import Labels, Softmax
from homebody.bundle.samples import ENTRY, Sample, encode, tensor_sha256
from homebody.errors import FeatureError, ManifestValueError
from homebody.feature import load, pack
from homebody.features.text import TextSpan, TextTagger
from homebody.features.text.tflite import _Writer
from homebody.pipeline.texts import TextPipeline, stored
from homebody.server import vendor
from homebody.text import boise_tags_to_offsets
from tests.text.twin import Twin, needs_node

VOCABULARY = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "ada",
    "lovelace",
    "lived",
    "in",
    "london",
    "and",
    "paris",
    "😀",
]
TAGS = ["O", "B-who", "E-who", "S-who", "S-where"]
TABLE = np.full((len(VOCABULARY), len(TAGS)), -2, np.float32)
for _word, _tag in (("ada", 1), ("lovelace", 2), ("london", 4), ("paris", 4)):
    TABLE[VOCABULARY.index(_word), _tag] = 2
TABLE[[1, 6, 7, 9, 11], 0] = 1
TABLE[VOCABULARY.index("ada"), 3] = 1.5  # alone it is a whole name
LENGTH = 12
AFTER = {0: {0, 1, 3, 4}, 1: {2}, 2: {0, 1, 3, 4}, 3: {0, 1, 3, 4}, 4: {0, 1, 3, 4}}
ALLOWED = [[to in AFTER[by] for to in range(5)] + [by != 1] for by in range(5)]
ALLOWED.append([True, True, False, True, True, True])
INPUT = (
    ops.Wordpiece(entry="vocab.txt", rules="tf", lower_case=True),
    ops.CombineSegments(start=2, end=3),
    ops.Pad(length=LENGTH, value=0, dtype="int32", ids="ids"),
)
TEXTS: list[Any] = [
    "Ada Lovelace lived in London", "Ada", "in Paris and 😀 London", "", "Lovelace Ada",
    ["Ada lived", "in ÅLondon, Paris"], "Ada " * 20,
]  # fmt: skip


def model() -> bytes:
    """Looks each id's scores up."""
    writer = _Writer()
    ids = writer.tensor("ids", (1, LENGTH), "INT32")
    table = writer.tensor("table", TABLE.shape, "FLOAT32", TABLE)
    scores = writer.tensor("scores", (1, LENGTH, len(TAGS)), "FLOAT32")
    writer.look_up(table, ids, scores)
    return writer.save([ids], [scores])


class Entries:
    def text(self, name: str) -> str:
        return "\n".join(VOCABULARY)


def sample(text: Any, answer: Any, place: int) -> Sample:
    ids = TextPipeline(INPUT, Entries()).prepare(text).tensors["ids"]
    return Sample(
        name=f"text-{place}",
        input=stored(text),
        input_sha256={"ids": tensor_sha256(ids)},
        outputs={"scores": TABLE[ids]},
        answer=answer,
    )


def manifest(output: tuple[Any, ...]) -> Manifest:
    return Manifest(
        name="names",
        version="1.0.0",
        task="tag-text",
        input=INPUT,
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name="ids", shape=(1, LENGTH), dtype="int32"),),
            outputs=(TensorSpec(name="scores", shape=(1, LENGTH, len(TAGS)), dtype="float32"),),
        ),
        output=output,
        samples=SamplesReference(entry=ENTRY),
        tolerances=Limits(outputs={"scores": OutputTolerance(sqnr_db=60)}),
        licence="CC0-1.0",
    )


def packed(path: Path, *output: Any, allowed: Any = ALLOWED) -> Path:
    known = [sample("Ada Lovelace lived in London", [["who", 0, 12, 0], ["where", 22, 28, 0]], 0)]
    table = {"format": "homebody.transitions/1", "allowed": allowed}
    entries = {
        "model.tflite": model(),
        "vocab.txt": "\n".join(VOCABULARY).encode(),
        "tags.txt": "\n".join(TAGS).encode(),
        "transitions.json": json.dumps(table).encode(),
        **encode(known),
    }
    pack(path, manifest(output), entries)
    return path


@pytest.fixture(autouse=True)
def known_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homebody.feature._task", lambda name: TextTagger)


VITERBI = (ops.Viterbi(entry="transitions.json"), Labels(entry="tags.txt"), ops.BoiseTags())
GREEDY = (ops.Greedy(entry="transitions.json"), *VITERBI[1:])


def best_of_all(scores: np.ndarray) -> list[int]:
    """The best allowed sequence, by trying every one."""
    found = max(
        (
            (sum(scores[i, tag] for i, tag in enumerate(tags)), tags)
            for tags in itertools.product(range(5), repeat=len(scores))
            if all(ALLOWED[by][to] for by, to in zip((5, *tags), (*tags, 5), strict=True))
        ),
        key=lambda item: item[0],
    )
    return list(found[1])


def test_spans_are_those_of_the_best_allowed_sequence(tmp_path: Path) -> None:
    with load(packed(tmp_path / "names.hb", *VITERBI)) as feature:
        assert feature("Ada Lovelace lived in London") == [
            TextSpan("who", 0, 12), TextSpan("where", 22, 28),
        ]  # fmt: skip
        assert feature("Ada") == [TextSpan("who", 0, 3)]
        assert feature("in Paris and 😀 London", offsets="utf16")[1] == TextSpan("where", 16, 22)
        assert feature("") == []
        assert feature(["Ada lived", "in Paris"]) == [
            TextSpan("who", 0, 3, 0), TextSpan("where", 3, 8, 1),
        ]  # fmt: skip
        assert len(feature("Ada " * 20)) == LENGTH - 1
        for text in TEXTS[:3]:
            prepared = feature.prepare(text)
            rows = TABLE[prepared.tensors["ids"][0]][1 : 1 + len(feature.tokens(text))]
            tags = [TAGS[number] for number in best_of_all(rows)]
            places = feature.tokens(text)
            starts = np.array([one.start for one in places], np.int32)
            ends = np.array([one.end for one in places], np.int32)
            begun, ended, kinds = boise_tags_to_offsets(starts, ends, tags)
            assert [(one.label, one.start, one.end) for one in feature(text)] == list(
                zip(kinds.to_list(), begun.tolist(), ended.tolist(), strict=True)
            )


def test_without_constraints_the_strongest_label_is_taken(tmp_path: Path) -> None:
    with load(packed(tmp_path / "names.hb", *VITERBI[1:])) as feature:
        assert feature("Ada") == [TextSpan("who", 0, 3)]  # B alone ends with the text
    with load(packed(tmp_path / "greedy.hb", *GREEDY)) as feature:
        assert feature("Lovelace Ada") == [TextSpan("where", 0, 8), TextSpan("who", 9, 12)]


def test_where_nothing_is_allowed_nothing_is_found(tmp_path: Path) -> None:
    begins = [[*row[:-1], False] for row in ALLOWED[:-1]] + [[True] * 6]
    path = tmp_path / "names.hb"
    manifest_of = manifest(VITERBI)
    table = {"format": "homebody.transitions/1", "allowed": begins}
    entries = {
        "model.tflite": model(),
        "vocab.txt": "\n".join(VOCABULARY).encode(),
        "tags.txt": "\n".join(TAGS).encode(),
        "transitions.json": json.dumps(table).encode(),
        **encode([sample("Ada", [], 0)]),
    }
    pack(path, manifest_of, entries)
    with load(path) as feature:
        assert feature("Ada Lovelace lived in London") == []


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    for output, error in (
        ((Labels(entry="tags.txt"),), FeatureError),
        ((ops.BoiseTags(),), FeatureError),
        ((Softmax(), *VITERBI), FeatureError),
        ((ops.Viterbi(entry="vocab.txt"), *VITERBI[1:]), homebody.errors.BundleError),
        ((Labels(entry="vocab.txt"), ops.BoiseTags()), ManifestValueError),
    ):
        with pytest.raises(error):
            packed(tmp_path / "names.hb", *output)
    for allowed in (ALLOWED[:-1], [row[:-1] for row in ALLOWED], [], [[1]], "yes"):
        with pytest.raises(ManifestValueError):
            packed(tmp_path / "names.hb", *VITERBI, allowed=allowed)
    assert not list(tmp_path.iterdir())


@needs_node
@pytest.mark.skipif(bool(vendor.missing(vendor.DEST)), reason="needs LiteRT.js in _vendor")
@pytest.mark.parametrize("output", [VITERBI, GREEDY, VITERBI[1:]])
def test_node_finds_the_same_spans(tmp_path: Path, output: tuple[Any, ...]) -> None:
    path = packed(tmp_path / "names.hb", *output)
    with Twin() as twin:
        answer = twin.ask("tag", bundle=str(path), texts=TEXTS)
    assert answer["report"]["passed"]
    with load(path) as feature:
        expected = [msgspec.to_builtins(feature(text)) for text in TEXTS]
    assert answer["found"] == expected


@needs_node
def test_node_joins_tags_alike() -> None:
    dice = np.random.default_rng(5)
    kinds = ["O", "Ox", "B-a", "I-b", "E-a", "S-c", "X", "", "U-z"]
    cases = []
    for size in (0, 1, 2, 5, 9, 9, 9, 9, 20, 20):
        tags = [kinds[place] for place in dice.integers(0, len(kinds), size)]
        tokens = [{"start": 3 * i, "end": 3 * i + 2} for i in range(size)]
        cases.append({"tokens": tokens, "tags": tags})
    with Twin() as twin:
        found = twin.ask("boise", cases=cases)
    for case, spans in zip(cases, found, strict=True):
        starts, ends = (np.array([one[key] for one in case["tokens"]], np.int32)
                        for key in ("start", "end"))  # fmt: skip
        begun, ended, labels = boise_tags_to_offsets(starts, ends, case["tags"] or [])
        assert spans == [
            {"label": label, "start": int(start), "end": int(end)}
            for label, start, end in zip(labels.to_list(), begun, ended, strict=True)
        ]
