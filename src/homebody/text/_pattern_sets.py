"""Sets of characters, as patterns name them: ranges of code points."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.text._unicode import tables

Ranges = list[tuple[int, int]]
"""From the first to the last of each range, ascending and apart."""

LAST = 0x10FFFF
CATEGORIES = (
    *("Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp"),
    *("Cc", "Cf", "Co", "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf"),
)
"""General categories, in the order of the tables' numbers."""

_DIGIT, _SPACE = [(48, 57)], [(9, 10), (12, 13), (32, 32)]
_WORD = [(48, 57), (65, 90), (95, 95), (97, 122)]
PERL = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
"""RE2's classes of one letter: ASCII alone."""

POSIX = {
    "alnum": [(48, 57), (65, 90), (97, 122)],
    "alpha": [(65, 90), (97, 122)],
    "ascii": [(0, 127)],
    "blank": [(9, 9), (32, 32)],
    "cntrl": [(0, 31), (127, 127)],
    "digit": _DIGIT,
    "graph": [(33, 126)],
    "lower": [(97, 122)],
    "print": [(32, 126)],
    "punct": [(33, 47), (58, 64), (91, 96), (123, 126)],
    "space": [(9, 13), (32, 32)],
    "upper": [(65, 90)],
    "word": _WORD,
    "xdigit": [(48, 57), (65, 70), (97, 102)],
}


def joined(ranges: Ranges) -> Ranges:
    """Ranges in any order as ascending ones that are apart."""
    found: Ranges = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def others(ranges: Ranges) -> Ranges:
    """All characters that are in none of the ranges."""
    found, begin = [], 0
    for first, last in joined(ranges):
        if first > begin:
            found.append((begin, first - 1))
        begin = last + 1
    return [*found, (begin, LAST)] if begin <= LAST else found


def folded(ranges: Ranges) -> Ranges:
    """With both cases of ASCII's letters."""
    added = list(ranges)
    for low, high, shift in ((65, 90, 32), (97, 122, -32)):
        for first, last in ranges:
            if first <= high and last >= low:
                added.append((max(first, low) + shift, min(last, high) + shift))
    return joined(added)


def of_property(name: str) -> Ranges:
    """A general category (``Lu``, ``L``) or script (``Greek``), in Unicode 16.

    Raises:
        TextError: there is none of that name.
    """
    if name == "Any":
        return [(0, LAST)]
    if name in tables().scripts:
        return _ranges(_column(5) == tables().scripts.index(name))
    wanted = [i for i, category in enumerate(CATEGORIES) if name and category.startswith(name)]
    if not wanted or len(name) > 2:
        raise TextError(
            f"a pattern asks for {name!r}; give a general category, e.g. L or Lu, or a script"
        )
    return _ranges(np.isin(_column(4), wanted))


@functools.cache
def _column(byte: int) -> NDArray[np.uint8]:
    """One byte of each character's record: uint8 [0x110000]."""
    index = tables().section(0).view("<u2")
    pages = tables().section(1).view("<u2").reshape(-1, 128)
    records = tables().section(2).reshape(-1, 8)
    column: NDArray[np.uint8] = records[pages[index].reshape(-1)[: LAST + 1], byte]
    return column


def _ranges(chosen: NDArray[np.bool_]) -> Ranges:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]))).reshape(-1, 2)
    return [(int(first), int(end) - 1) for first, end in edges]
