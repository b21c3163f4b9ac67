"""Sentences, words of labels, phrases, patterns and learning, at their edges.

The sanitizer tests run this in a process of its own, with an instrumented library; what the
kernels give is the other tests' business.
"""

from __future__ import annotations

import contextlib
import random

import numpy as np

from homebody import text
from homebody.errors import KernelError
from homebody.kernels import patterns, splitting, texts
from homebody.text._words import classes

PIECES = [
    *(b".", b"..", b"...", b"\xe2\x80\xa6", b"!", b":)", b":-)))))", b"X(", b"U.S", b".A.", b")"),
    *(b" ", b"\xe3\x80\x80", b"\xe3\x80", b"\xff", b"\xf0\x9f\x98\x80", b"\xf0\x9f", b"a", b"ab"),
    *(b"\0", b"\n", b"^_^;;", b"(=^..^=", b"b"),
]
PATTERNS = [
    "a", r"\s+", "[^a]", r"(a|b)*b", r"\bab\b", "(?m)^.$", r"(a?){20}a{20}", r"\p{L}+?|\x{1F600}",
    r"(?s).+x", r"[\x{80}-\x{10FFFF}]",
]  # fmt: skip


def strings(chance: random.Random, count: int) -> list[bytes]:
    """Strings each in memory of its own, so that a byte read beyond one is noticed."""
    return [b"".join(chance.choices(PIECES, k=chance.randint(0, 9))) for _ in range(count)]


def spans_of(given: list[bytes]) -> tuple[np.ndarray, list[np.ndarray]]:
    kept = [np.frombuffer(one, np.uint8).copy() for one in given]
    return np.array([(one.ctypes.data, one.size) for one in kept], np.uintp).reshape(-1, 2), kept


def exercise() -> int:
    """Number of calls."""
    chance, calls = random.Random(8), 0
    vocabulary = ["a", "ab", "a ab", "a b a", "ab ab ab ab ab", "\0", "語", "<UNK>"]
    phrases = text.PhraseTokenizer(vocabulary, prob=30, seed=5)
    splitters = [(patterns_of(p), patterns_of(k)) for p in PATTERNS for k in ("", *PATTERNS[:4])]
    for count in (0, 1, 2, 40):
        for _ in range(25):
            given = strings(chance, count)
            spans, _kept = spans_of(given)
            for tf_text in (True, False):
                splitting.sentences(spans, text_tables(), tf_text=tf_text)
            characters = [len(one) + chance.randint(0, 1) for one in given]
            rows = np.concatenate([[0], np.cumsum(characters, dtype=np.int64)]).astype(np.int64)
            labels = np.array([chance.randint(0, 1) for _ in range(rows[-1])], np.int32)
            for forced in (True, False):
                splitting.merge(spans, classes("space"), labels, rows, forced=forced)
            phrases._phrases.find(spans, unknown=7, rate=2**31, seed=9, tick=calls)
            for split, keep in chance.sample(splitters, 4):
                patterns.split_matches(spans, split, keep)
            calls += 9
    spans, _kept = spans_of([b"abc"])
    with contextlib.suppress(KernelError):  # too few labels
        splitting.merge(spans, classes("space"), labels[:1], np.array([0, 1]), forced=True)
    for size in (1, 3, 300):
        words = {"".join(chance.choices("abé😀", k=chance.randint(1, 30))): chance.randint(1, 9)
                 for _ in range(size)}  # fmt: skip
        for joined in (True, False):
            for compat in (None, "tf_text"):
                text.learn_vocabulary_from_counts(
                    words, 60, lower_thresh=1, include_joiner_token=joined, compat=compat
                )
                calls += 1
    assert texts.total_size(spans) == 3
    return calls


def text_tables() -> int:
    from homebody.text._unicode import tables

    return tables().address


def patterns_of(pattern: str) -> patterns.Program:
    """A pattern's program; of none the empty one."""
    from homebody.text._regex import _compiled

    return _compiled(pattern) if pattern else patterns.Program([], [])
