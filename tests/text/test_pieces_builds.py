"""The kernels of words and pieces under sanitizers, and without a processor's own paths."""

from __future__ import annotations

import random

import numpy as np

from homebody import text
from homebody.kernels import texts, wordpieces
from homebody.text import Strings
from homebody.text._unicode import tables
from homebody.text._words import classes
from tests.kernels.builds import linux, plain, sanitized
from tests.text import pieces_twin as twin

VOCABULARY = [
    "[UNK]",
    "a",
    "ab",
    "##b",
    "é",
    "日",
    "[",
    "[unused1]",
    "##é",
    "ss",
    "\U00020000",
    "aa" * 60,
]
TAILS = (b"\xf0", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xe3\x80", b"\xc3", b"\xff", b"")


def hostile(chance: random.Random) -> bytes:
    parts = []
    for _ in range(chance.randrange(12)):
        kind = chance.randrange(6)
        if kind == 0:
            parts.append(bytes(chance.randrange(256) for _ in range(chance.randrange(8))))
        elif kind == 1:
            parts.append("".join(chance.choices(twin.ALPHABET, k=chance.randrange(20))).encode())
        elif kind == 2:
            parts.append(chance.choice(b"abZ 9!").to_bytes() * chance.randrange(130))
        elif kind == 3:
            parts.append(b"[unused" + b"1" * chance.randrange(3) + b"]" * chance.randrange(2))
        else:
            code = chance.randrange(0x110000)
            parts.append(chr(code).encode(errors="replace"))
    return b"".join(parts) + chance.choice(TAILS)


def alone(data: bytes) -> np.ndarray:
    """In memory of its own size, so that a byte beyond it is out of bounds."""
    return np.frombuffer(data, np.uint8).copy() if data else np.empty(0, np.uint8)


def exercise() -> int:
    """Run everything on hostile strings; returns how many tokens came out."""
    chance, count = random.Random(6), 0
    splitters = [text.WhitespaceTokenizer(compat=c) for c in (None, "tf_text")]
    splitters += [
        text.UnicodeScriptTokenizer(k, compat=c) for k in (0, 1) for c in (None, "tf_text")
    ]
    splitters += [text.UnicodeCharTokenizer(), text.ByteSplitter()]
    for cache in (0, 1023, 1024, 5000, 1 << 18):
        for rules, lower in (("tf", True), ("tf", False), ("hf", True), ("hf", False)):
            splitters.append(
                text.FastBertTokenizer(
                    VOCABULARY, rules=rules, lower_case_nfd_strip_accents=lower,
                    cache_bytes=cache, max_bytes_per_word=chance.choice([1, 3, 10, 100]),
                )
            )  # fmt: skip
        splitters.append(text.FastWordpieceTokenizer(VOCABULARY, no_pretokenization=True))
        splitters.append(
            text.WordpieceTokenizer(VOCABULARY, split_unknown_characters=True, cache_bytes=cache)
        )
        splitters.append(
            text.BertTokenizer(
                VOCABULARY, lower_case=cache > 1024, keep_whitespace=cache % 2 == 0,
                preserve_unused_token=True, cache_bytes=cache, unknown_token=None,
                offset_unit="utf16",
            )
        )  # fmt: skip
        splitters.append(
            text.FastBertTokenizer(VOCABULARY, lower_case_nfd_strip_accents=True, compat="tf_text")
        )
    for _ in range(20):
        documents = [hostile(chance) for _ in range(8)]
        arrays = [alone(document) for document in documents]
        spans = np.array([(a.ctypes.data, a.size) for a in arrays], np.uintp)
        for rows in (Strings.of(documents, "keep"), documents):
            for splitter in splitters:
                tokens = splitter.split_with_offsets(rows)[0]
                count += len(getattr(tokens, "flat_values", tokens))
        for splitter in splitters:
            kernel = getattr(splitter, "_kernel", None)
            if kernel is not None:
                pieces = kernel.tokenize(spans, offsets=True, first=True)
                texts.convert_units(spans, pieces.row_splits, "utf16", pieces.starts)
                tight(kernel, spans, len(pieces.numbers))
        texts.split(spans, classes("space"), "space")
        texts.split(spans, classes("script"), "script")
        texts.characters(spans)
        texts.check_utf8(spans)
        texts.mend(spans[0], ignore=False, mapped=True)
        count += len(wordpieces.apply_rules(tables().address, wordpieces.FOLD, spans[0])[0])
    return count


def tight(kernel: wordpieces.WordPieces, spans: texts.Spans, pieces: int) -> None:
    """Call with as little room as the pieces take, and less, growing by one."""
    library = wordpieces._load()
    workspace = kernel._take()
    splits = np.zeros(len(spans) + 1, np.int64)
    progress = np.zeros(3, np.uintp)
    done: list[np.ndarray] = []
    for room in range(max(pieces - 3, 0), pieces + 40):
        arrays = [np.empty(room, np.int32) for _ in range(3)]
        for array, before in zip(arrays, done, strict=False):
            array[: len(before)] = before
        status = library.hb_wordpiece_tokenize(
            workspace.address, spans.ctypes.data, len(spans), progress.ctypes.data,
            splits.ctypes.data, *(a.ctypes.data for a in arrays), None, room,
        )  # fmt: skip
        done = [array[: int(progress[2])] for array in arrays]
        if status == 0:
            break
    assert status == -2 or splits[-1] == pieces
    kernel._free.append(workspace)


@sanitized
def test_no_stray_byte_and_no_undefined_behaviour(build):
    assert build().answer(exercise) > 5_000


@linux
def test_a_processors_own_paths_change_nothing():
    assert plain().answer(exercise) == exercise()
