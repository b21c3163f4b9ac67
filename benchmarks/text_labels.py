"""Features and labels of tokens, one thread: Homebody beside TF.Text, on the same data.

    pip install '.[bench]'
    python benchmarks/text_labels.py [--rounds 9] [--json]

Both give the same, which is checked before the clocks start. TensorFlow runs eagerly on one thread;
its tensors are made beforehand, and so are our arrays, Strings and Ragged.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
from in_turn import report, seconds

from homebody import text
from homebody.text import Ragged, Reduction, Strings

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

Case = tuple[str, Callable[[], Any], Callable[[], Any]]


def sequences(rng: np.random.Generator) -> list[Case]:
    cases = []
    for states in (9, 32, 128):
        scores = rng.random((64, 128, states), np.float32)
        weights = rng.random((states + 1, states + 1), np.float32)
        allowed = rng.random((states + 1, states + 1)) < 0.9
        for logarithms in (False, True):
            options = {
                "allowed_transitions": allowed, "transition_weights": weights,
                "use_log_space": logarithms, "use_start_and_end_states": True,
            }  # fmt: skip
            tensors = {name: tf.constant(value) if isinstance(value, np.ndarray) else value
                       for name, value in options.items()}  # fmt: skip
            given = tf.constant(scores)
            kind = "logarithms" if logarithms else "probabilities"
            for name in ("viterbi", "greedy"):
                if name == "greedy" and logarithms:
                    continue
                mine = getattr(text, f"{name}_constrained_sequence")
                peer = getattr(tf_text, f"{name}_constrained_sequence")
                cases.append((
                    f"{name}, {states} states, {kind}; 64 x 128 steps",
                    lambda mine=mine, scores=scores, options=options: mine(scores, **options),
                    lambda peer=peer, given=given, tensors=tensors: peer(given, **tensors),
                ))  # fmt: skip
    return cases


def windows(rng: np.random.Generator) -> list[Case]:
    lengths = rng.integers(0, 60, 5_000)
    values = rng.integers(0, 30_000, lengths.sum()).astype(np.int32)
    ids = Ragged.from_row_lengths(values, lengths)
    words = ids.with_values(Strings.of([f"word{i}" for i in values]))
    dense = rng.standard_normal((64, 512, 64), np.float32)
    ids_tf, words_tf, dense_tf = ids.to_tf(), words.to_tf(), tf.constant(dense)
    join, summed = tf_text.Reduction.STRING_JOIN, tf_text.Reduction.SUM
    pads = (Strings.of(["<s>"]), Strings.of(["</s>"]))
    return [
        ("sliding window of 3, 5,000 rows of ids",
         lambda: text.sliding_window(ids, 3), lambda: tf_text.sliding_window(ids_tf, 3)),
        ("sliding window of 3, 5,000 rows of words",
         lambda: text.sliding_window(words, 3), lambda: tf_text.sliding_window(words_tf, 3)),
        ("sliding window of 5, array 64 x 512 x 64, copied",
         lambda: text.sliding_window(dense, 5, 1).copy(),
         lambda: tf_text.sliding_window(dense_tf, 5, 1)),
        ("sliding window of 5, array 64 x 512 x 64, a view",
         lambda: text.sliding_window(dense, 5, 1), lambda: tf_text.sliding_window(dense_tf, 5, 1)),
        ("n-grams of 2, joined, 5,000 rows of words",
         lambda: text.ngrams(words, 2, -1, Reduction.STRING_JOIN),
         lambda: tf_text.ngrams(words_tf, 2, -1, join)),
        ("n-grams of 3, summed, 5,000 rows of ids",
         lambda: text.ngrams(ids, 3, -1, Reduction.SUM),
         lambda: tf_text.ngrams(ids_tf, 3, -1, summed)),
        ("pads on both sides, 5,000 rows of words",
         lambda: text.pad_along_dimension(words, -1, *pads),
         lambda: tf_text.pad_along_dimension(words_tf, -1, ["<s>"], ["</s>"])),
    ]  # fmt: skip


def spans(rng: np.random.Generator) -> list[Case]:
    lengths = rng.integers(1, 40, 2_000)
    steps = rng.integers(1, 9, 2 * lengths.sum())
    edges = np.cumsum(steps).reshape(-1, 2).astype(np.int64)
    splits = np.concatenate([[0], np.cumsum(lengths)])
    edges -= np.repeat(edges[splits[:-1], 0], lengths)[:, None]
    starts, ends = (Ragged(np.ascontiguousarray(edges[:, i]), splits) for i in (0, 1))
    names = [("O", "B-place", "I-place", "E-place", "S-name")[i]
             for i in rng.integers(0, 5, lengths.sum())]  # fmt: skip
    tags = starts.with_values(Strings.of(names))
    found = text.boise_tags_to_offsets(starts, ends, tags)
    given, peers = (starts, ends, *found), []
    starts_tf = starts.to_tf()
    peers = [starts_tf, starts_tf.with_values(ends.values), *(part.to_tf() for part in found)]
    tags_tf = tags.to_tf()
    others = (starts, starts.with_values(ends.values + 2))
    others_tf = (starts_tf, starts_tf.with_values(ends.values + 2))
    return [
        ("spans to tags, 2,000 rows",
         lambda: text.offsets_to_boise_tags(*given), lambda: tf_text.offsets_to_boise_tags(*peers)),
        ("tags to spans, 2,000 rows",
         lambda: text.boise_tags_to_offsets(starts, ends, tags)[2],
         lambda: tf_text.boise_tags_to_offsets(*peers[:2], tags_tf)[2]),
        ("span alignment, 2,000 rows",
         lambda: text.span_alignment(starts, ends, *others, partial_overlap=True),
         lambda: tf_text.span_alignment(*peers[:2], *others_tf, partial_overlap=True)),
    ]  # fmt: skip


def others(rng: np.random.Generator) -> list[Case]:
    lengths = rng.integers(50, 300, (2, 300))
    sides = [Ragged.from_row_lengths(rng.zipf(1.4, n.sum()) % 5_000, n) for n in lengths]
    words = [side.with_values(Strings.of([f"word{i}" for i in side.values])) for side in sides]
    sides_tf, words_tf = ([side.to_tf() for side in part] for part in (sides, words))
    scores, nodes = rng.standard_normal((32, 64, 64)), np.full(32, 64, np.int32)
    scores_tf, nodes_tf = tf.constant(scores), tf.constant(nodes)
    return [
        ("ROUGE-L, 300 pairs of ids",
         lambda: text.metrics.rouge_l(*sides)[0], lambda: tf_text.metrics.rouge_l(*sides_tf)[0]),
        ("ROUGE-L, 300 pairs of words",
         lambda: text.metrics.rouge_l(*words)[0], lambda: tf_text.metrics.rouge_l(*words_tf)[0]),
        ("spanning trees, 32 of 64 nodes",
         lambda: text.max_spanning_tree(nodes, scores)[1],
         lambda: tf_text.max_spanning_tree(nodes_tf, scores_tf)[1]),
    ]  # fmt: skip


def check(name: str, mine: Any, theirs: Any) -> None:
    """Both are equal, or there is nothing to time."""
    if isinstance(mine, Ragged) and isinstance(mine.flat_values, Strings):
        same = mine.flat_values.to_bytes_list() == theirs.flat_values.numpy().ravel().tolist()
    elif isinstance(mine, Ragged):
        same = np.array_equal(mine.flat_values.ravel(), theirs.flat_values.numpy().ravel())
    else:
        same = np.array_equal(mine, theirs.numpy())
    if not same:
        raise SystemExit(f"{name}: the two differ")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rng = np.random.default_rng(11)
    rows = []
    for name, mine, peer in [*sequences(rng), *windows(rng), *spans(rng), *others(rng)]:
        check(name, mine(), peer())
        taken = seconds({"homebody": mine, "tf-text": peer}, options.rounds)
        rows.append([name, f"{1e3 * taken['homebody']:.2f}", f"{1e3 * taken['tf-text']:.2f}",
                     f"{taken['tf-text'] / taken['homebody']:.1f}"])  # fmt: skip
    report(
        "Features and labels of tokens",
        ["", "Homebody ms", "TF.Text ms", "times ours"],
        rows,
        {"tensorflow-text": version("tensorflow-text"), "rounds": options.rounds},
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
