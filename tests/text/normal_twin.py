"""What the normal forms are, one step after the other: Python's database and no cleverness.

Python's Unicode is older than the kernels'; use these on text that it knows (:func:`known`).
"""

from __future__ import annotations

import functools
import re
import unicodedata

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
ASSIGNED = [
    c
    for c in range(0x110000)
    if not 0xD800 <= c < 0xE000
    and unicodedata.category(chr(c)) not in ("Cn", "Co")
    and c not in (0x1734, 0x1171E)  # marks that became spacing
]
IGNORABLE = re.compile(  # Default_Ignorable_Code_Point
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def known(text: str) -> bool:
    """Whether Python's database has all of it."""
    return all(unicodedata.category(c) != "Cn" for c in text)


def case_fold(text: str) -> str:
    """NFKC_Casefold, character by character, then NFC (Unicode Standard, section 3.13)."""
    return unicodedata.normalize("NFC", "".join(map(_folded, text)))


@functools.cache
def _folded(char: str) -> str:
    text, before = char, None
    while text != before:
        before = text
        text = unicodedata.normalize("NFKC", IGNORABLE.sub("", text)).casefold()
        text = unicodedata.normalize("NFKC", text)
    return text


def in_order(text: str, form: str = "NFD") -> str:
    """Decomposed, marks in canonical order: what Python takes quadratic time for."""
    runs: list[list[str]] = [[]]
    for char in "".join(unicodedata.normalize(form, c) for c in text):
        if unicodedata.combining(char) == 0:
            runs += [[char], []]
        else:
            runs[-1].append(char)
    return "".join(c for run in runs for c in sorted(run, key=unicodedata.combining))


def strip_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn")


def clean_tf(text: str) -> str:
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cf") else c for c in text)


def source_offsets(text: str, normalized: str, form: str, offsets: list[int]) -> list[int]:
    """Where offsets at changes' ends came from, by normalizing ever longer beginnings.

    Byte i of the result stands at a place of the source where both can be cut: the two parts,
    normalized apart, are the whole's. Returns -1 for other offsets.
    """
    cuts = {}
    for place in range(len(text) + 1):
        head, tail = (unicodedata.normalize(form, part) for part in (text[:place], text[place:]))
        if head + tail == normalized:
            cuts[len(head.encode())] = len(text[:place].encode())
    return [cuts.get(offset, -1) for offset in offsets]
