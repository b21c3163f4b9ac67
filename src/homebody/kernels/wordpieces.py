"""WordPiece: the kernels of ``kernels/text_vocabulary.h`` and ``kernels/text_wordpiece.h``."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import VocabularyError
from homebody.kernels import _library, texts
from homebody.kernels._library import INT, POINTER, UINT
from homebody.kernels.texts import SIZE, Spans

FOLD, CONTROL, ASCII_SPACE, REORDER = 1, 2, 4, 8
HF, HF_CLEAN, HF_IDEOGRAPHS, HF_STRIP, HF_LOWER, WHOLE = 16, 32, 64, 128, 256, 512
"""Rules, or'ed: HB_RULES_... of ``kernels/text_classes.h``."""
SPLIT_UNKNOWN, COUNT_CHARS, KEEP_SPACE, KEEP_UNUSED = 1, 2, 4, 8
"""Flags, or'ed."""
MOST_ENTRIES = (1 << 22) - 2
MOST_IN_WORD = 1 << 20
MOST_NUMBER = (1 << 30) - 1

_MOST_BITS = 21
_SHORT_BUFFER, _BROKEN = -2, -3
_FEW = 2048  # bytes of a single string that is tokenized in memory made beforehand


class _Model(ctypes.Structure):
    _fields_ = (
        ("tables", POINTER), ("classes", POINTER), ("vocabulary", POINTER), ("cache", POINTER),
        ("scratch", POINTER), ("added", POINTER), ("added_numbers", POINTER),
        ("classes_size", SIZE), ("vocabulary_words", SIZE), ("cache_size", SIZE),
        ("scratch_words", SIZE), ("added_words", SIZE), ("rules", UINT), ("flags", UINT),
        ("most_in_word", UINT), ("most_in_piece", UINT), ("unknown", INT),
        ("unknown_suffix", INT), ("too_long", INT),
    )  # fmt: skip


_load = _library.bind(
    {
        "hb_vocabulary_words": [UINT],
        "hb_vocabulary_build": [POINTER, SIZE, POINTER, UINT, POINTER, SIZE, POINTER],
        "hb_rules_apply": [POINTER, UINT, POINTER, SIZE, POINTER, POINTER, SIZE],
        "hb_wordpiece_scratch": [UINT],
        "hb_cache_clear": [POINTER, SIZE],
        "hb_wordpiece_tokenize": [POINTER, POINTER, SIZE, *[POINTER] * 6, SIZE],
        "hb_wordpiece_one": [POINTER, ctypes.c_char_p, SIZE, *[POINTER] * 3, SIZE],
    },
    {
        "hb_vocabulary_words": SIZE, "hb_rules_apply": SIZE, "hb_wordpiece_scratch": UINT,
        "hb_cache_clear": None,
    },
)  # fmt: skip


def compile_vocabulary(entries: Spans, suffix_indicator: Spans) -> NDArray[np.uint64]:
    """The block that pieces are looked up in; entry i has the number i.

    Args:
        entries: n tokens; an empty one is nobody's.
        suffix_indicator: one string.

    Raises:
        VocabularyError: two entries are equal, one is not UTF-8, or they are too many.
    """
    library = _load()
    at = np.zeros(1, np.uintp)
    text = texts.total_size(entries) + texts.total_size(suffix_indicator)
    # Most entries share their beginnings: a third of their bytes is tried first, and doubled.
    for bits in range(min(max((text // 3).bit_length(), 4), _MOST_BITS), _MOST_BITS + 1):
        block = np.empty(library.hb_vocabulary_words(bits), np.uint64)
        status = library.hb_vocabulary_build(
            entries.ctypes.data, len(entries), suffix_indicator.ctypes.data, bits,
            block.ctypes.data, block.size, at.ctypes.data,
        )  # fmt: skip
        if status != _SHORT_BUFFER:
            break
    if status == _BROKEN:
        raise VocabularyError(
            f"entry {int(at[0])} of the vocabulary is not UTF-8, or there already; "
            "give each token once, since it has one number"
        )
    if status:
        raise VocabularyError(
            f"a vocabulary of {len(entries)} entries is too large; "
            f"at most {MOST_ENTRIES} with some {1 << _MOST_BITS} characters are accepted"
        )
    return block


def apply_rules(
    tables: int, rules: int, span: NDArray[np.uintp]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """One string as ``rules`` normalize it, and where each byte's character begins in the source.

    Args:
        tables: address of the Unicode block.
        span: uintp [2].
    """
    size = int(span[1])
    room = 8 * size + 64  # U+FDFA becomes 11 times as much, but seldom stands alone
    while True:
        out, begins = np.empty(room, np.uint8), np.empty(room, np.int32)
        written = _load().hb_rules_apply(
            tables, rules, int(span[0]), size, out.ctypes.data, begins.ctypes.data, room
        )
        if written <= room:
            return out[:written].copy(), begins[:written].copy()
        room *= 3


class Settings(NamedTuple):
    """What tokenizing depends on.

    Attributes:
        tables: address of the Unicode block.
        classes: of :func:`~homebody.kernels.texts.build_classes`, for ``rules``.
        vocabulary: of :func:`compile_vocabulary`.
        rules: FOLD, CONTROL, ...
        flags: SPLIT_UNKNOWN, COUNT_CHARS.
        most_in_word: bytes (or characters), 1 to MOST_IN_WORD; a longer word is one piece.
        most_in_piece: characters.
        numbers: of an unknown word or its first character, of another unknown character, and of
            a word that is too long.
        cache_bytes: of memory for what chunks of text became; 0 for none.
        added: of :func:`compile_vocabulary`, tokens that are found in text as they are, and their
            numbers int32; each begins with a character that is a word by itself. None: none.
    """

    tables: int
    classes: NDArray[np.uint8]
    vocabulary: NDArray[np.uint64]
    rules: int
    flags: int
    most_in_word: int
    most_in_piece: int
    numbers: tuple[int, int, int]
    cache_bytes: int
    added: tuple[NDArray[np.uint64], NDArray[np.int32]] | None = None


class _Workspace:
    """The memory of one call: what no two threads may use at the same time."""

    def __init__(self, settings: Settings) -> None:
        library = _load()
        scratch = library.hb_wordpiece_scratch(settings.most_in_word)
        self.scratch = np.empty(scratch, np.uint32)
        self.cache = np.zeros(settings.cache_bytes // 8, np.uint64)
        added = settings.added
        where = (added[0].ctypes.data, added[1].ctypes.data) if added else (None, None)
        many = added[0].size if added else 0
        self.model = _Model(
            settings.tables, settings.classes.ctypes.data, settings.vocabulary.ctypes.data,
            self.cache.ctypes.data, self.scratch.ctypes.data, *where, settings.classes.size,
            settings.vocabulary.size, self.cache.nbytes, scratch, many, settings.rules,
            settings.flags,
            settings.most_in_word, settings.most_in_piece, *settings.numbers,
        )  # fmt: skip
        self.address = ctypes.addressof(self.model)
        self.numbers, self.starts, self.ends = (np.empty(2 * _FEW, np.int32) for _ in range(3))
        self.addresses = [int(a.ctypes.data) for a in (self.numbers, self.starts, self.ends)]


class Pieces(NamedTuple):
    """What text became.

    Attributes:
        row_splits: int64 [strings + 1].
        numbers: int32 [pieces].
        starts, ends: int32 bytes; empty unless asked for.
        first: uint8, 1 where a piece is its word's first; empty unless asked for.
    """

    row_splits: NDArray[np.int64]
    numbers: NDArray[np.int32]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    first: NDArray[np.uint8]


class WordPieces:
    """A tokenizer that any number of threads may call at the same time.

    Each call takes a workspace from those that are free, and puts it back; there are never more
    than calls that ran at the same time. A process that forks during a call leaves the child
    without that call's workspace, and the child makes its own.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._free: list[_Workspace] = []

    def _take(self) -> _Workspace:
        try:
            return self._free.pop()
        except IndexError:
            return _Workspace(self._settings)

    def clear_cache(self) -> None:
        """Forget what was remembered, and give its memory back."""
        self._free = []

    def tokenize(self, spans: Spans, *, offsets: bool, first: bool = False) -> Pieces:
        """Tokenize strings, each under 2 GiB."""
        kernel = _load().hb_wordpiece_tokenize
        splits = np.zeros(len(spans) + 1, np.int64)
        where = [np.int32, np.int32] if offsets else []
        kinds = (np.int32, *where, *([np.uint8] if first else []))
        workspace = self._take()

        def run(progress: int, arrays: list[int], room: int) -> int:
            starts, ends = arrays[1:3] if offsets else (None, None)
            return int(
                kernel(
                    workspace.address, spans.ctypes.data, len(spans), progress,
                    splits.ctypes.data, arrays[0], starts, ends,
                    arrays[-1] if first else None, room,
                )
            )  # fmt: skip

        filled = texts.grown(run, texts.total_size(spans), kinds)
        self._free.append(workspace)
        none = np.empty(0, np.int32)
        starts, ends = filled[1:3] if offsets else (none, none)
        return Pieces(
            splits, filled[0], starts, ends, filled[-1] if first else np.empty(0, np.uint8)
        )

    def tokenize_one(
        self, text: str, *, offsets: bool
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]] | None:
        """Numbers, starts and ends of one short string, quickly; None when it is not short.

        Nor when it has a surrogate on its own.
        """
        try:
            data = text.encode()
        except UnicodeEncodeError:
            return None
        size = len(data)
        if size > _FEW:
            return None
        workspace = self._take()
        numbers, starts, ends = workspace.addresses
        count = _load().hb_wordpiece_one(
            workspace.address, data, size, numbers, starts if offsets else None,
            ends if offsets else None, 2 * _FEW,
        )  # fmt: skip
        if count < 0:
            return None
        found = workspace.numbers[:count].copy()
        if offsets:
            result = found, workspace.starts[:count].copy(), workspace.ends[:count].copy()
        else:
            result = found, found, found
        self._free.append(workspace)
        return result
