"""BERT's tokenization in plain Python, for characters on which all versions of Unicode agree."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

IGNORABLE = {0xAD, 0x34F, 0x200B, 0x200C, 0x200D, 0x200E, 0x2060, 0xFE0F, 0xFEFF}
SPACES = {*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F}
SPACES |= {0x205F, 0x3000}
ALPHABET = [
    *"abcxyzABCXYZ019 \t\n!.'[]#_-$",
    *map(
        chr, (0, 7, 0x7F, 0x85, 0xA0, 0xAD, 0x34F, 0x200B, 0x200D, 0x2028, 0x3000, 0xFE0F, 0xFEFF)
    ),
    *"äÄéßÆŉİıǅΣςσΐЯйӣ"
    + "\u0301\u0323\u0327\u0345\u05b8\u0e38"
    + "½ﬁ№…￥ｱ가각日本々〆『、"
    + "\u1161\u11a8",
    *"\U0001d165\U0001d16d\U0001f600\U00020000\ufffd\ue000",
]


class Piece(NamedTuple):
    number: int
    start: int
    end: int


def size(text: str) -> int:
    return len(text.encode())


def category(char: str) -> str:
    return unicodedata.category(char)


def folded(char: str) -> str:
    """NFD(NFKC_Casefold(char))."""
    before = None
    while char != before:
        before = char
        char = unicodedata.normalize("NFKC", char)
        char = "".join(c for c in char if ord(c) not in IGNORABLE).casefold()
        char = unicodedata.normalize("NFKC", char)
    return unicodedata.normalize("NFD", char)


def tf_normal(char: str, lower: bool) -> str:
    text = folded(char) if lower else char
    text = "".join(" " if category(c) in ("Cc", "Cf") else c for c in text)
    return "".join(c for c in text if not (lower and category(c) == "Mn"))


def hf_normal(char: str, lower: bool) -> str:
    if char in "\0\ufffd" or (category(char) in ("Cc", "Cf", "Co") and char not in "\t\n\r"):
        return ""
    text = " " if ord(char) in SPACES else char
    if lower:
        text = unicodedata.normalize("NFD", text)
        text = "".join(c for c in text if category(c) != "Mn")
        text = "".join(c if c == "ς" else c.lower() for c in text)
    return text


def stands_alone(char: str) -> bool:
    code = ord(char)
    symbol = 32 < code < 127 and not char.isalnum()
    ideograph = 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x2A6DF
    return symbol or category(char)[0] == "P" or ideograph


Character = tuple[str, int, int]
"""A normalized character, and the bytes of the source that it came from."""


def words(text: str, rules: str, lower: bool) -> Iterator[list[Character]]:
    at, word = 0, []
    for char in text:
        normal = tf_normal(char, lower) if rules == "tf" else hf_normal(char, lower)
        after = at + size(char)
        for c in normal:
            if ord(c) in SPACES or stands_alone(c):
                if word:
                    yield word
                word = []
                if stands_alone(c):
                    yield [(c, at, after)]
            else:
                word.append((c, at, after))
        at = after
    if word:
        yield word


def ordered(word: list[Character]) -> list[Character]:
    """Marks in canonical order, each where it was found."""
    word = list(word)
    for i in range(1, len(word)):
        j, key = i, unicodedata.combining(word[i][0])
        while key and j and unicodedata.combining(word[j - 1][0]) > key:
            word[j - 1], word[j] = word[j], word[j - 1]
            j -= 1
    return word


def pieces(
    word: list[Character], vocabulary: Sequence[str], longest: int = 100, by_chars: bool = False
) -> list[Piece]:
    numbers = {token: number for number, token in enumerate(vocabulary)}
    whole = Piece(numbers["[UNK]"], min(c[1] for c in word), max(c[2] for c in word))
    text = "".join(c[0] for c in word)
    if (len(text) if by_chars else size(text)) > longest:
        return [whole]
    found: list[Piece] = []
    at = 0
    while at < len(word):
        for end in range(len(word), at, -1):
            token = ("##" if at else "") + text[at:end]
            if token in numbers:
                part = word[at:end]
                first, last = min(c[1] for c in part), max(c[2] for c in part)
                found.append(Piece(numbers[token], first, last))
                at = end
                break
        else:
            return [whole]
    return found


def bert(
    text: str, vocabulary: Sequence[str], rules: str, lower: bool, longest: int = 100
) -> list[Piece]:
    result: list[Piece] = []
    for word in words(text, rules, lower):
        in_order = ordered(word) if rules == "hf" and lower else word
        result += pieces(in_order, vocabulary, longest, by_chars=rules == "hf")
    return result
