"""Longest common subsequences: what ROUGE-L counts, against the table of all prefixes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from homebody.kernels import features
from tests.text.test_features import common

CANARY = 0x5AFE5AFE5AFE5AFE
BAD_ARGUMENT, SHORT_BUFFER = -1, -2


def needed(kinds: int, longest: int) -> int:
    """Words of 8 bytes: two bits a place, a place and a kind in 4 bytes each, and one more."""
    return 2 * -(-longest // 64) + -(-longest // 2) + -(-kinds // 2) + 1


def lengths(
    pairs: list[tuple[list[int], list[int]]], kinds: int, longest: int | None = None, short: int = 0
) -> tuple[int, list[int]]:
    """The kernel's answer; the test fails when it wrote past its working memory."""
    library = features._load()
    if longest is None:
        longest = max((len(other) for _, other in pairs), default=0)
    flat = [np.array([i for pair in pairs for i in pair[side]], np.int32) for side in (0, 1)]
    splits = [np.cumsum([0, *(len(p[side]) for p in pairs)], dtype=np.int64) for side in (0, 1)]
    memory = np.full(needed(kinds, longest) + 64, CANARY, np.uint64)
    found = np.full(len(pairs), -7, np.int32)
    status = library.hb_lcs(
        flat[0].ctypes.data, splits[0].ctypes.data, flat[1].ctypes.data, splits[1].ctypes.data,
        len(pairs), kinds, longest, found.ctypes.data, memory.ctypes.data,
        needed(kinds, longest) - short,
    )  # fmt: skip
    assert (memory[needed(kinds, longest) :] == CANARY).all()
    return status, found.tolist()


@pytest.mark.parametrize("longest", [0, 1, 2, 3, 31, 62, 63, 64, 65, 127, 128, 129, 200])
def test_rows_about_the_length_of_a_word(longest):
    chance = random.Random(longest)
    for kinds in (1, 2, 3, 8):
        pairs = []
        for width in (longest, 0, longest // 2, longest, max(longest - 1, 0)):
            side = [chance.randrange(kinds) for _ in range(chance.randrange(longest + 9))]
            pairs.append((side, [chance.randrange(kinds) for _ in range(width)]))
        pairs.append((pairs[0][1], pairs[0][1]))
        assert lengths(pairs, kinds) == (0, [common(a, b) for a, b in pairs])
        # With more memory than these rows take.
        assert lengths(pairs, kinds + 3, longest + 70) == lengths(pairs, kinds)


def test_working_memory_is_what_the_rows_take():
    scratch = features._load().hb_lcs_scratch
    for kinds in (0, 1, 2, 3, 4, 99, 2**31 - 1):
        for longest in (0, 1, 2, 3, 62, 63, 64, 65, 66, 128, 129, 1000, 2**31 - 1):
            assert scratch(kinds, longest) == needed(kinds, longest)
    for kinds, longest in ((-1, 5), (5, -1), (5, 2**31), (-1, -1), (-1, 2**31)):
        assert scratch(kinds, longest) == 0


def test_rows_that_cannot_be_are_refused():
    assert lengths([([0, 1], [1, 0])], 2, short=1)[0] == SHORT_BUFFER
    assert lengths([([], [])], 0) == (0, [0])
    for ids in ([2], [-1]):
        assert lengths([(ids, [0])], 2)[0] == BAD_ARGUMENT
        assert lengths([([0], ids)], 2)[0] == BAD_ARGUMENT
    assert lengths([([0], [0, 0])], 1, longest=1)[0] == BAD_ARGUMENT
    assert lengths([([0], [0])], 1, longest=1) == (0, [1])
    good, ids = np.array([0, 1, 2], np.int64), np.zeros(3, np.int32)
    memory, found = np.zeros(99, np.uint64), np.zeros(2, np.int32)
    library = features._load()
    for bad in ([1, 1, 2], [0, -1, 2], [0, 2, 1]):
        broken = np.array(bad, np.int64)
        for splits, others in ((broken, good), (good, broken)):
            status = library.hb_lcs(
                ids.ctypes.data, splits.ctypes.data, ids.ctypes.data, others.ctypes.data, 2, 1, 3,
                found.ctypes.data, memory.ctypes.data, memory.size,
            )  # fmt: skip
            assert status == BAD_ARGUMENT
    # More kinds or longer rows than there can be.
    for kinds, longest in ((-1, 3), (1, -1), (1, 2**31)):
        status = library.hb_lcs(
            ids.ctypes.data, good.ctypes.data, ids.ctypes.data, good.ctypes.data, 2, kinds, longest,
            found.ctypes.data, memory.ctypes.data, memory.size,
        )  # fmt: skip
        assert status == BAD_ARGUMENT
