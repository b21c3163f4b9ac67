"""Counted random numbers: the same in every language, a pure function of seed and place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError

SELECTING, MASKING, PHRASING, PIECING = 16, 17, 18, 19
"""What a draw is for: the counter's last word. The filters' kernels have those below 16."""

_ROUNDS = 7
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def drawn(seed: int, tick: int, purpose: int, count: int) -> NDArray[np.uint32]:
    """Four random words for each place from 0 to ``count`` - 1.

    Philox4x32-7 with the counter (place, 0, tick, purpose) and the key (seed's low word, its high
    word). Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
    SC 2011.

    Args:
        seed: 0 to 2**64 - 1.
        tick: 0 to 2**32 - 1: how often the same thing was drawn before.

    Returns:
        uint32 [4, count].

    Example:
        >>> drawn(1, 0, SELECTING, 2)[0].tolist() == drawn(1, 0, SELECTING, 9)[0][:2].tolist()
        True
    """
    words = np.zeros((4, count), np.uint64)
    words[0] = np.arange(count, dtype=np.uint64)
    words[2], words[3] = tick & 0xFFFFFFFF, purpose
    key0, key1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(_ROUNDS):
        first = words[0] * np.uint64(0xD2511F53)
        third = words[2] * np.uint64(0xCD9E8D57)
        words[0] = (third >> _HALF) ^ words[1] ^ np.uint64(key0)
        words[2] = (first >> _HALF) ^ words[3] ^ np.uint64(key1)
        words[1], words[3] = third & _LOW, first & _LOW
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return words.astype(np.uint32)


def checked_seed(seed: int) -> int:
    """A seed within its range.

    Raises:
        TextError: it is not.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TextError(f"the seed is {seed!r}; give a whole number from 0 to 2**64 - 1")
    if not 0 <= seed < 2**64:
        raise TextError(f"the seed is {seed}; give a whole number from 0 to 2**64 - 1")
    return int(seed)
