"""Counting substrings of words, for a vocabulary to be learned: ``kernels/text_learn.h``."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels import _library
from homebody.kernels._library import INT, POINTER
from homebody.kernels.texts import SIZE

MOST_IN_WORD = 255
_SHORT_BUFFER = -2

_load = _library.bind(
    {
        "hb_learn_grow": [POINTER, POINTER, POINTER, SIZE, INT, POINTER, POINTER],
        "hb_learn_pieces": [
            POINTER, POINTER, POINTER, POINTER, SIZE, ctypes.c_int64, INT, INT,
            POINTER, POINTER, POINTER,
        ],
    },
    {"hb_learn_pieces": ctypes.c_int64},
)  # fmt: skip


class _Trie(ctypes.Structure):
    """``hb_learn_trie``."""

    _fields_ = (
        ("parent", POINTER), ("symbol", POINTER), ("depth", POINTER), ("table", POINTER),
        ("room", SIZE), ("mask", SIZE), ("nodes", SIZE),
    )  # fmt: skip


class Substrings:
    """All substrings of words, and how often they occur.

    Args:
        symbols: the words' symbols, one word after another: uint32.
        offsets: int64 [words + 1], between the words; each is at most 255 symbols long.
        counts: int64 [words]: how often each word occurs.
        joined: whether what follows within a word is told apart from what begins one.

    Attributes:
        parent, symbol: uint32 [nodes]: the tree of substrings. Node 0 is the empty one, and node 1
            that within a word; a node stands for what its parent does, and its symbol.
        depth: uint8 [nodes]: number of symbols.
    """

    def __init__(
        self,
        symbols: NDArray[np.uint32],
        offsets: NDArray[np.int64],
        counts: NDArray[np.int64],
        *,
        joined: bool,
    ) -> None:
        self._offsets, self._counts = offsets, counts
        self._leaves = np.zeros(max(1, len(symbols)), np.uint32)
        room = 2 * len(symbols) + 1024
        self.parent, self.symbol = np.empty(room, np.uint32), np.empty(room, np.uint32)
        self.depth = np.empty(room, np.uint8)
        self._trie = trie = _Trie()
        word = ctypes.c_size_t(0)
        while True:
            table = np.zeros(1 << (2 * room).bit_length(), np.uint32)
            trie.parent, trie.symbol = self.parent.ctypes.data, self.symbol.ctypes.data
            trie.depth, trie.table = self.depth.ctypes.data, table.ctypes.data
            trie.room, trie.mask = room, len(table) - 1
            status = _load().hb_learn_grow(
                ctypes.byref(trie), symbols.ctypes.data, offsets.ctypes.data, len(counts),
                int(joined), ctypes.byref(word), self._leaves.ctypes.data,
            )  # fmt: skip
            if status != _SHORT_BUFFER:
                break
            room *= 2
            for array in (self.parent, self.symbol, self.depth):
                array.resize(room, refcheck=False)
        _library.check(status, "learning")
        trie.table = None
        self.nodes = int(trie.nodes)
        for array in (self.parent, self.symbol, self.depth):
            array.resize(self.nodes, refcheck=False)
        trie.parent, trie.symbol = self.parent.ctypes.data, self.symbol.ctypes.data
        trie.depth = self.depth.ctypes.data
        self._totals, self._below = (np.empty(self.nodes, np.int64) for _ in range(2))
        self._kept = np.zeros(self.nodes, np.uint8)

    def pieces(
        self, least: int, rounds: int, *, tf_text: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Counts and whether a piece, of each node; overwritten by the next call.

        Args:
            least: how often a piece occurs.
            rounds: how often words are split anew into the pieces of the round before.
            tf_text: a piece's count is without all that it is only a beginning of.
        """
        found: Any = _load().hb_learn_pieces(
            ctypes.byref(self._trie), self._leaves.ctypes.data, self._offsets.ctypes.data,
            self._counts.ctypes.data, len(self._counts), least, rounds, int(tf_text),
            self._totals.ctypes.data, self._below.ctypes.data, self._kept.ctypes.data,
        )  # fmt: skip
        if found < 0:
            raise KernelError(f"{rounds} rounds of learning were refused; give 1 or more")
        return self._totals, self._kept.view(np.bool_)
