"""Model input, sentences, patterns and phrases, one thread: Homebody beside TF.Text.

    pip install '.[bench]'
    python benchmarks/text_input.py [--rounds 9] [--documents 5000] [--json]

Both give the same, which is checked before the clocks start (sentences with ``compat="tf_text"``).
TensorFlow runs eagerly on one thread; its tensors are made beforehand, and so are our Strings and
Ragged. The documents are those of ``tests/text/corpus.py``.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from in_turn import report, seconds

from homebody import text
from homebody.text import Ragged, Strings
from tests.text import corpus

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

Case = tuple[str, Callable[[], Any], Callable[[], Any]]


def inputs(rng: np.random.Generator) -> list[Case]:
    segments = []
    for _ in range(2):
        lengths = rng.integers(0, 120, 5_000)
        ids = rng.integers(0, 30_000, lengths.sum()).astype(np.int32)
        segments.append(Ragged.from_row_lengths(ids, lengths))
    tensors = [segment.to_tf() for segment in segments]
    cases: list[Case] = []
    for kind in ("WaterfallTrimmer", "RoundRobinTrimmer", "ShrinkLongestTrimmer"):
        mine, peer = getattr(text, kind)(125), getattr(tf_text, kind)(125)
        cases.append((
            f"{kind}, 5,000 rows of 2 segments",
            lambda mine=mine: mine.trim(segments),
            lambda peer=peer: peer.trim(tensors),
        ))  # fmt: skip
    combined = text.combine_segments(segments, 101, 102)[0]
    combined_tf = combined.to_tf()
    return [
        *cases,
        ("combine_segments, 5,000 rows of 2 segments",
         lambda: text.combine_segments(segments, 101, 102),
         lambda: tf_text.combine_segments(tensors, 101, 102)),
        ("pad_model_inputs, 5,000 rows to 128",
         lambda: text.pad_model_inputs(combined, 128),
         lambda: tf_text.pad_model_inputs(combined_tf, 128)),
        ("FirstNItemSelector, 5,000 rows, 3 ids barred",
         lambda: text.FirstNItemSelector(20, [1, 2, 3]).get_selection_mask(combined),
         lambda: tf_text.FirstNItemSelector(20, [1, 2, 3]).get_selection_mask(combined_tf, 1)),
    ]  # fmt: skip


def splitting(documents: list[str]) -> list[Case]:
    strings, tensor = Strings.of(documents), tf.constant(documents)
    count = f"{len(documents):,} documents"
    ours = text.StateBasedSentenceBreaker(compat="tf_text")
    theirs = tf_text.StateBasedSentenceBreaker()
    bert = r"\s+|[!-/]|[:-@]|[\[-`]|[{-~]|[\p{P}]|[\x{4E00}-\x{9FFF}]"
    words = [document.split() for document in documents]
    vocabulary = sorted({" ".join(row[i : i + 2]) for row in words for i in range(0, len(row), 3)})
    phrases = [*vocabulary, "<UNK>"]
    spaced = [" ".join(row) for row in words]
    spaced_ours, spaced_tf = Strings.of(spaced), tf.constant(spaced)
    mine, peer = text.PhraseTokenizer(phrases), tf_text.PhraseTokenizer(phrases)
    return [
        (f"sentences with offsets, {count}",
         lambda: ours.break_sentences_with_offsets(strings),
         lambda: theirs.break_sentences_with_offsets(tensor)),
        (f"BERT's pattern with offsets, {count}",
         lambda: text.regex_split_with_offsets(strings, bert, bert[4:]),
         lambda: tf_text.regex_split_with_offsets(tensor, bert, bert[4:])),
        (f"lines with offsets, {count}",
         lambda: text.regex_split_with_offsets(strings, "\n"),
         lambda: tf_text.regex_split_with_offsets(tensor, "\n")),
        (f"phrases, {count}",
         lambda: mine.tokenize(spaced_ours),
         lambda: peer.tokenize(spaced_tf)),
    ]  # fmt: skip


def check(name: str, mine: Any, theirs: Any) -> None:
    """Both are equal, or there is nothing to time."""
    pairs = zip(mine, theirs, strict=True) if isinstance(mine, (list, tuple)) else [(mine, theirs)]
    for ours, other in pairs:
        if isinstance(ours, Ragged):
            same = ours == Ragged.from_tf(other)
        else:
            same = np.array_equal(ours, other.numpy())
        if not same:
            raise SystemExit(f"{name}: the two differ")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--documents", type=int, default=5_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    documents = random.Random(4).sample(corpus.documents(), options.documents)
    rows = []
    for name, mine, peer in [*inputs(np.random.default_rng(11)), *splitting(documents)]:
        check(name, mine(), peer())
        taken = seconds({"homebody": mine, "tf-text": peer}, options.rounds)
        rows.append([name, f"{1e3 * taken['homebody']:.2f}", f"{1e3 * taken['tf-text']:.2f}",
                     f"{taken['tf-text'] / taken['homebody']:.1f}"])  # fmt: skip
    report(
        "Model input, sentences, patterns and phrases",
        ["", "Homebody ms", "TF.Text ms", "times ours"],
        rows,
        {"tensorflow-text": version("tensorflow-text"), "rounds": options.rounds,
         "bytes of documents": sum(len(d.encode()) for d in documents)},
        as_json=options.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
