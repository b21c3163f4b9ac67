"""Run the kernels of features and labels at their edges: ``python exercise_labels.py FOLDER``.

The sanitizer tests run this in a process of its own, with an instrumented library in FOLDER; what
the kernels give is the other tests' business. Prints how many calls it made.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from itertools import product
from pathlib import Path

import numpy as np

from homebody import text
from homebody.errors import KernelError, TextError
from homebody.kernels import _library, features, labels

HARD = [0.0, 1.0, -1e30, 3.4e38, -3.4e38, 1e-45, float("nan"), float("inf"), float("-inf")]


def exercise_sequences(rng: np.random.Generator) -> int:
    calls = 0
    for states, steps, ends, logarithms in product((1, 7, 8, 9, 40), (0, 1, 2, 9), (0, 1), (0, 1)):
        side = states + ends
        for kind in range(4):
            scores = rng.choice(HARD, (3, steps, states))
            options = {
                "allowed_transitions": rng.random((side, side)) < 0.6 if kind & 1 else None,
                "transition_weights": rng.random((side, side)) if kind & 2 else None,
                "use_log_space": bool(logarithms), "use_start_and_end_states": bool(ends),
            }  # fmt: skip
            lengths = [steps, 0, steps // 2]
            text.viterbi_constrained_sequence(scores, lengths, **options)
            text.greedy_constrained_sequence(scores, lengths, **options)
            calls += 2
    hostile = np.array([0, 5, -1, 2**62], np.int64)
    for first, last in product(hostile, hostile):
        with contextlib.suppress(KernelError):
            labels.best_sequences(
                np.zeros((4, 3), np.float32), np.array([first]), np.array([0, last])
            )
        calls += 1
    return calls


def exercise_spans(rng: np.random.Generator) -> int:
    calls = 0
    tags = ["O", "B-a", "I-a", "E-a", "S-a", "B", "-", "", "E-", "\0", "O-"]
    for _ in range(300):
        lengths = rng.integers(0, 9, (2, 4))
        parts = [
            [text.Ragged.from_row_lengths(rng.integers(-9, 30, n.sum()), n) for _ in range(2)]
            for n in lengths
        ]  # neither ascending nor with ends past their starts
        types = parts[1][0].with_values(
            text.Strings.of([tags[i % len(tags)] for i in parts[1][0].values])
        )
        for strict in (False, True):
            text.offsets_to_boise_tags(*parts[0], *parts[1], types, strict)
        text.boise_tags_to_offsets(*parts[1], types)
        calls += 3
    return calls


def exercise_trees(rng: np.random.Generator) -> int:
    calls = 0
    for nodes, dtype, forest in product((1, 2, 3, 8, 33), (np.float32, np.float64), (False, True)):
        for share in (0.0, 0.3, 0.9):
            scores = rng.normal(size=(2, nodes, nodes)).astype(dtype)
            scores[rng.random(scores.shape) < share] = rng.choice(np.array(HARD, dtype))
            with contextlib.suppress(TextError):
                text.max_spanning_tree([nodes, max(nodes - 1, 1)], scores, forest)
            calls += 1
    return calls


def exercise_features(rng: np.random.Generator) -> int:
    calls = 0
    for rows, width in product((0, 1, 5), (1, 2, 3, 9, 2**31 - 1)):
        lengths = rng.integers(0, 9, rows)
        words = text.Strings.of(["x" * int(n) for n in rng.integers(0, 20, lengths.sum())])
        given = text.Ragged.from_row_lengths(words, lengths)
        for separator in ("", "|", "语" * 50):
            text.ngrams(given, width, -1, text.Reduction.STRING_JOIN, separator)
            calls += 1
    for longest in (0, 1, 63, 64, 65, 200):
        rows = [rng.integers(0, 5, rng.integers(0, longest + 1)).astype("U") for _ in range(4)]
        sides = text.Ragged.from_row_lengths(
            text.Strings.of(np.concatenate(rows)), [len(row) for row in rows]
        )
        text.metrics.rouge_l(sides, sides[:4])
        calls += 1
    ids, splits = np.array([0, -1, 7], np.int32), np.array([0, 3])
    with contextlib.suppress(KernelError):
        features.common_lengths(ids, splits, ids, splits, 3)
    library = _library.opened()
    library.hb_ngrams_size.restype = ctypes.c_size_t
    down = np.array([0, 5, 2], np.int64)
    library.hb_ngrams_size(None, ctypes.c_void_p(down.ctypes.data), ctypes.c_size_t(2),
                           ctypes.c_int64(9), ctypes.c_size_t(2**62))  # fmt: skip
    return calls + 2


if __name__ == "__main__":
    _library.NATIVE = Path(sys.argv[1])
    source = np.random.default_rng(3)
    print(sum(run(source) for run in (exercise_sequences, exercise_spans, exercise_trees,
                                      exercise_features)))  # fmt: skip
