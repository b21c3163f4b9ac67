"""Train a text classifier: labelled texts in, a checked bundle out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.bundle import (
    Manifest,
    Model,
    OutputTolerance,
    SamplesReference,
    TensorSpec,
    Tolerances,
    samples,
)
from homebody.bundle.operations import Labels, Operation, Softmax
from homebody.bundle.text_operations import Pad, Wordpiece
from homebody.errors import TrainConfigError
from homebody.feature import CheckReport, load, pack
from homebody.features.text.bag import Bag, fit
from homebody.features.text.data import LabelledText, LabelledTexts, share_of
from homebody.features.text.feature import TASK
from homebody.features.text.tflite import to_tflite
from homebody.pipeline.texts import TextPipeline, stored
from homebody.text import learn_vocabulary
from homebody.train.evaluation import Evaluation, evaluate
from homebody.train.intervals import Share

TEST, VALIDATION = 0.2, 0.1
"""Shares of the sources that are only tested on, and that settings are chosen on."""
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
"""What is tried on the validation part; see :func:`~homebody.features.text.bag.fit`."""
LEAST = 2
"""How often a piece occurs, at least, among the words that are trained on."""
SAMPLES = 16
"""Texts that the bundle carries, at most."""
PAD, UNKNOWN = "[PAD]", "[UNK]"
VOCABULARY, LABELS = "vocab.txt", "labels.txt"
IDS, SCORES = "ids", "scores"

Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]
"""Goes through a number of things and shows how far it is: items, how many, what they are."""


class TextMetrics(msgspec.Struct, frozen=True):
    """What training came to."""

    name: str
    texts: dict[str, int]
    """How many are trained on, validated and tested."""
    duplicates: int
    data_sha256: str
    vocabulary: int
    length: int
    strength: float
    validation_accuracy: dict[str, float]
    """Of each strength that was tried."""
    evaluation: Evaluation
    """Of the bundle as packed, on the texts that were only tested on."""
    majority: Share
    """The accuracy of always giving the label that is most often trained on."""
    model_bytes: int


class TrainedText(NamedTuple):
    """A bundle, and how good it is."""

    path: Path
    metrics: TextMetrics
    check: CheckReport


def train_text(
    data: LabelledTexts,
    output: str | os.PathLike[str],
    *,
    vocabulary_size: int = 8000,
    length: int = 64,
    seed: int = 0,
    name: str | None = None,
    licence: str = "LicenseRef-Owner",
    provenance: dict[str, str] | None = None,
    progress: Progress = lambda items, total, unit: items,
) -> TrainedText:
    """Train a bag of word pieces on labelled texts and pack it, checked.

    A fifth of the sources is held out and used for nothing but the figures; the strength is chosen
    on another tenth, and the model then trained on all but the fifth. The vocabulary is learned
    from the texts that are trained on.

    Args:
        data: what :func:`~homebody.features.text.data.read_texts` read.
        output: the ``.hb`` file to write or replace.
        vocabulary_size: word pieces, at most; 100 to 100,000.
        length: how many pieces of a text the model sees; 1 to 4096.
        seed: of the split.
        name: the feature's; the file's stem by default.
        licence, provenance: what the bundle says about itself.
        progress: shows how far it is.

    Raises:
        TrainConfigError: a setting is out of range, or a part has no texts.
        CheckError: the model strays from what was trained.
        BundleError: the bundle cannot be written.
    """
    for setting, value, low, high in (
        ("vocabulary_size", vocabulary_size, 100, 100_000),
        ("length", length, 1, 4096),
    ):
        if not low <= value <= high:
            raise TrainConfigError(f"{setting} is {value}; give {low} to {high}")
    parts = split_texts(data.examples, seed)
    train, validation, test = parts["train"], parts["validation"], parts["test"]
    vocabulary = _learn([one.text for one in train], vocabulary_size)
    pipeline = TextPipeline(operations(length), _Entries({VOCABULARY: vocabulary}))
    sizes = {part: len(found) for part, found in parts.items()}
    texts = progress([*train, *validation], len(train) + len(validation), "texts")
    ids = np.concatenate([pipeline.prepare(one.text).tensors[IDS] for one in texts])
    truth = np.array([data.labels.index(one.label) for one in (*train, *validation)])
    pieces, count = len(vocabulary), len(data.labels)

    def trained(rows: slice, strength: float) -> Bag:
        return fit(ids[rows], truth[rows], pieces, count, silent=(0, 1), strength=strength)

    tried = {}
    for strength in progress(STRENGTHS, len(STRENGTHS), "settings"):
        given = trained(slice(len(train)), strength)(ids[len(train) :]).argmax(axis=1)
        tried[strength] = float((given == truth[len(train) :]).mean())
    best = max(tried, key=lambda strength: tried[strength])
    bag = trained(slice(None), best)

    path = Path(output)
    feature_name = name or path.stem
    model = to_tflite(bag, length, ids=IDS, scores=SCORES)
    chosen = _chosen(test)
    entries = {
        "model.tflite": model,
        VOCABULARY: "".join(f"{token}\n" for token in vocabulary).encode(),
        LABELS: "".join(f"{label}\n" for label in data.labels).encode(),
        **samples.encode(_sample(one, pipeline, bag, data.labels) for one in chosen),
    }
    manifest = Manifest(
        name=feature_name,
        version="1.0.0",
        task=TASK,
        input=operations(length),
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name=IDS, shape=(1, length), dtype="int32"),),
            outputs=(TensorSpec(name=SCORES, shape=(1, count), dtype="float32"),),
        ),
        output=(Softmax(), Labels(entry=LABELS)),
        samples=SamplesReference(entry=samples.ENTRY),
        tolerances=Tolerances(
            outputs={SCORES: OutputTolerance(sqnr_db=35.0, top1=0.9)}, answers=0.9
        ),
        licence=licence,
        provenance={"data_sha256": data.sha256, "seed": str(seed), **(provenance or {})},
    )
    pack(path, manifest, entries)  # proves that it runs, before anything is measured
    with load(path) as feature:
        found = [
            data.labels.index(feature(one.text).label)
            for one in progress(test, len(test), "test texts")
        ]
    right = np.array([data.labels.index(one.label) for one in test])
    most = int(np.bincount(truth, minlength=count).argmax())
    metrics = TextMetrics(
        name=feature_name,
        texts=sizes,
        duplicates=data.duplicates,
        data_sha256=data.sha256,
        vocabulary=pieces,
        length=length,
        strength=best,
        validation_accuracy={f"{strength:g}": share for strength, share in tried.items()},
        evaluation=evaluate(right, np.array(found), data.labels),
        majority=evaluate(right, np.full(len(right), most), data.labels).accuracy,
        model_bytes=len(model),
    )
    entries["card.md"] = card(metrics).encode()
    return TrainedText(path, metrics, pack(path, manifest, entries))


def operations(length: int) -> tuple[Operation, ...]:
    """The input pipeline: pieces of folded words, filled up."""
    return (
        Wordpiece(entry=VOCABULARY, rules="tf", lower_case=True, unknown_token=UNKNOWN),
        Pad(length=length, value=0, dtype="int32", ids=IDS),
    )


def card(metrics: TextMetrics) -> str:
    """card.md: the feature in words, for whoever is about to use it."""
    found = metrics.evaluation
    texts = metrics.texts
    rows = "\n".join(f"| {one.label} | {one.precision} | {one.recall} |" for one in found.scores)
    return (
        f"# {metrics.name}\n\n"
        f"Says which of {len(found.labels)} labels a text has: {', '.join(found.labels)}.\n\n"
        "## Data\n\n"
        f"{sum(texts.values())} texts, SHA-256 `{metrics.data_sha256}`: {texts['train']} to train "
        f"on, {texts['validation']} to choose the strength ({metrics.strength:g}) on, "
        f"{texts['test']} that were used for nothing but the figures below. Texts of one source "
        f"are in one part. {metrics.duplicates} rows said what another had said.\n\n"
        "## How good it is\n\n"
        f"Accuracy {found.accuracy} on {found.n} texts, with a 95 % interval; the most frequent "
        f"label alone has {metrics.majority}.\n\n"
        f"| label | precision | recall |\n|---|---|---|\n{rows}\n\n"
        "## Limits\n\n"
        f"A text of other topics still gets one of these labels. The model sees the first "
        f"{metrics.length} word pieces and not their order.\n"
    )


class _Entries(NamedTuple):
    """The vocabulary where a bundle would have it."""

    tokens: dict[str, tuple[str, ...]]

    def text(self, name: str) -> str:
        return "\n".join(self.tokens[name])


def _learn(texts: Sequence[str], size: int) -> tuple[str, ...]:
    tokens = learn_vocabulary(texts, size, [PAD, UNKNOWN], lower_case=True, lower_thresh=LEAST)
    return tuple(tokens)


def split_texts(examples: Sequence[LabelledText], seed: int) -> dict[str, list[LabelledText]]:
    """Deal texts out to train, validation and test, a source in one piece.

    Args:
        examples: what is dealt out.
        seed: another one gives another split.

    Raises:
        TrainConfigError: a part would have no texts.
    """
    parts: dict[str, list[LabelledText]] = {"train": [], "validation": [], "test": []}
    for one in examples:
        share = share_of(one.source, seed)
        part = "test" if share < TEST else "validation" if share < TEST + VALIDATION else "train"
        parts[part].append(one)
    for part, found in parts.items():
        if not found:
            raise TrainConfigError(
                f"the {part} part has no texts of {len(examples)}; give more texts or sources"
            )
    return parts


def _chosen(test: Sequence[LabelledText]) -> list[LabelledText]:
    """The first texts of every label in turn."""
    by_label: dict[str, list[LabelledText]] = {}
    for one in test:
        if one.text:
            by_label.setdefault(one.label, []).append(one)
    ranked = [(place, one) for found in by_label.values() for place, one in enumerate(found)]
    ranked.sort(key=lambda item: item[0])
    return [one for _, one in ranked[:SAMPLES]]


def _sample(
    one: LabelledText, pipeline: TextPipeline, bag: Bag, labels: Sequence[str]
) -> samples.Sample:
    ids: NDArray[np.int32] = pipeline.prepare(one.text).tensors[IDS]
    scores = bag(ids)
    index = share_of(one.text, 0)
    return samples.Sample(
        name=f"text-{int(index * (1 << 40)):010x}",
        input=stored(one.text),
        input_sha256={IDS: samples.tensor_sha256(ids)},
        outputs={SCORES: scores},
        answer=labels[int(scores[0].argmax())],
    )
