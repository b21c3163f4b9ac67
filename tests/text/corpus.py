"""What the text operations are compared on: documents of many scripts, and hostile strings.

The documents are paragraphs of Debian's documentation, manual pages, user guides and translated
names, and the packages' descriptions: in some 150 languages, from packages that ``APT`` installs.
Nothing of them is kept in the repository. Run as a program, this prints what there is::

    python -m tests.text.corpus
"""

from __future__ import annotations

import functools
import gzip
import html
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGES = (
    "debian-faq-ko",
    "debian-faq-zh-cn",
    *(f"debian-reference-{language}" for language in ("de", "en", "es", "fr", "id", "it", "ja")),
    *(f"debian-reference-{language}" for language in ("pt", "pt-br", "zh-cn", "zh-tw")),
    "developers-reference-ja",
    "gnome-user-docs",
    "installation-guide-amd64",
    "iso-codes",
    *(f"manpages-{language}" for language in ("cs", "da", "de", "el", "es", "fi", "fr", "hu")),
    *(f"manpages-{language}" for language in ("id", "it", "ja", "mk", "nl", "pl", "pt-br", "ro")),
    *(f"manpages-{language}" for language in ("ru", "sr", "sv", "tr", "uk", "vi", "zh")),
)
APT = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"

DOCUMENTS, BYTES = 300_000, 40_000_000
"""What a comparison is to have seen at least."""

_MARKUP = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_PARAGRAPH = re.compile(r"\n\s*\n")
_MANUAL_PARAGRAPH = re.compile(r"\n(?:\s*\n|[.'][^\n]*\n)+")


def documents() -> list[str]:
    """The documents, each once, in an order that the installed packages alone decide.

    Skips the test that asks where the packages are not installed.
    """
    found = _documents()
    if len(found) < DOCUMENTS:
        pytest.skip(f"the texts to compare on come from Debian's packages: {APT}")
    return found


@functools.cache
def _documents() -> list[str]:
    seen: dict[str, None] = {}
    for name in _installed():
        for text in _paragraphs(Path(name)):
            seen.setdefault(text.strip("\n"))
    if seen:
        seen.update(dict.fromkeys(_descriptions()))
    return [text for text in seen if text.strip()]


def _installed() -> list[str]:
    if not shutil.which("dpkg-query"):
        return []
    listed = subprocess.run(["dpkg-query", "-L", *PACKAGES], capture_output=True, text=True)
    return sorted(set(listed.stdout.split("\n")))


def _paragraphs(path: Path) -> Iterator[str]:
    kind = path.suffix
    if kind not in (".gz", ".mo", ".page", ".txt") or path.is_symlink() or not path.is_file():
        return
    data = path.read_bytes()
    if kind == ".mo":
        yield from _translations(data)
        return
    if kind == ".gz":
        data = gzip.decompress(data)
    try:
        text = data.decode()
    except UnicodeDecodeError:  # the few pages in older encodings, and files within files
        return
    if kind == ".page":
        text = html.unescape(_MARKUP.sub("", text))
    yield from (_MANUAL_PARAGRAPH if "/man/" in str(path) else _PARAGRAPH).split(text)


def _translations(data: bytes) -> Iterator[str]:
    """The strings that a compiled catalogue of gettext translates to, plural forms apart."""
    count, _, table = struct.unpack_from("<3I", data, 8)
    for place in range(1, count):  # the first is the catalogue's own head
        size, start = struct.unpack_from("<2I", data, table + 8 * place)
        yield from data[start : start + size].decode().split("\0")


def _descriptions() -> list[str]:
    """What each package that Debian has says of itself, by ``apt-get update``'s last word."""
    if not shutil.which("apt-cache"):
        return []
    listed = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True).stdout
    return sorted(set(re.findall(r"^Description(?:-en)?: (.*(?:\n .*)*)", listed, re.MULTILINE)))


@functools.cache
def hostile(count: int = 20_000, seed: int = 6) -> list[bytes]:
    """Strings that text operations get wrong; the same ones for the same ``count`` and ``seed``.

    Unassigned and private characters, non-characters, surrogates as bytes, malformed UTF-8 of every
    kind, combining runs, joiners, emoji sequences, bidirectional controls, NUL and other controls,
    every white space, Hangul letters, characters whose case or normal form is longer; mixed with
    words; and among each 2,500 a word of 1 MB.
    """
    chance = random.Random(seed)
    strings = []
    for number in range(count):
        if number % 2_500 == 2_499:
            strings.append(_huge(chance))
            continue
        parts = chance.choices(_PARTS, k=chance.randint(1, 12))
        strings.append(b"".join(part(chance) for part in parts))
    return strings


def _run(characters: str, most: int) -> Callable[[random.Random], bytes]:
    return lambda chance: "".join(chance.choices(characters, k=chance.randint(1, most))).encode()


def _range(first: int, last: int, most: int = 4) -> Callable[[random.Random], bytes]:
    def part(chance: random.Random) -> bytes:
        codes = (chance.randint(first, last) for _ in range(chance.randint(1, most)))
        return "".join(map(chr, codes)).encode("utf-8", "surrogatepass")

    return part


def _bytes(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(1, 6))


def _cut(chance: random.Random) -> bytes:
    """A character's bytes without the last ones, or with the first ones gone."""
    whole = chance.choice("é€語𝒜😀\U0010fffd").encode()
    place = chance.randint(1, len(whole) - 1)
    return whole[:place] if chance.random() < 0.5 else whole[place:]


def _malformed(chance: random.Random) -> bytes:
    return chance.choice(
        (
            b"\xc0\x80",  # NUL, too long
            b"\xc1\xbf",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xed\xa0\x80",  # a surrogate
            b"\xed\xb0\x80\xed\xa0\x80",
            b"\xed\xa0\xbd\xed\xb8\x80",  # a pair, as CESU-8
            b"\xf4\x90\x80\x80",  # past U+10FFFF
            b"\xf5\x80\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xfc\x84\x80\x80\x80\x80",
            b"\xfe\xff",
            b"\x80",
            b"\xbf\xbf",
            b"\xe2\x82",
            b"\xf0\x9f\x98",
            b"\xe2\x28\xa1",
        )
    )


def _combining(chance: random.Random) -> bytes:
    marks = chance.choices(
        "\u0300\u0301\u0308\u0323\u0327\u0345\u05b8\u064b\u0e38\u1dc4\u20dd\u3099", k=40
    )
    return (chance.choice("aeșกอ한\u0065") + "".join(marks[: chance.randint(1, 40)])).encode()


def _emoji(chance: random.Random) -> bytes:
    pieces = ("👩", "👨‍👩‍👧", "🏽", "\u200d", "\ufe0f", "🇩🇪", "1️⃣", "🏴\U000e0067\U000e007f", "❤")
    return "".join(chance.choices(pieces, k=chance.randint(1, 5))).encode()


def _huge(chance: random.Random) -> bytes:
    letter = chance.choice(
        ("a", "語", "e\u0301", "\u0300", "A", "\U0001f469\u200d", "ß", "0")
    ).encode()
    return letter * (1_048_576 // len(letter))


_WORDS = ("home", "Body", "the", "Straße", "naïve", "Ελλάδα", "ΣΊΣΥΦΟΣ", "Москва", "İstanbul")
_WORDS += ("हिन्दी", "ภาษาไทย", "日本語", "한국어", "العربية")
_PARTS: tuple[Callable[[random.Random], bytes], ...] = (
    lambda chance: chance.choice(_WORDS).encode(),
    lambda chance: chance.choice(_WORDS).encode() + b" ",
    _run(" \t\n\r\v\f", 4),
    _run(
        "\x85\xa0\u1680\u180e\u2000\u2007\u2009\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff", 4
    ),
    _run("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", 5),
    _run("¡§«¶·»¿‐‑–—‘’“”†‡•…‰′″‽⁂、。「」〜！？，．", 4),
    _run("\0\x01\x02\x07\x08\x0e\x1b\x1f\x7f\x80\x9f\xad", 4),
    _run("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", 4),
    _run("\u200c\u200d\u034f\u115f\u17b4\u180b\ufe00\U000e0001\U000e0100", 4),
    _run("ßŉǰΐΰևẖẞİıſKÅﬀﬃﬓĳǆǅΣσςΪ\u0345ᾳᾼ", 4),
    _run("①㍻㎏ﷺ℀½Ⅷ㈱ｶﾞＡａ１﹏︷豈樂\u2f00\U0002f800", 4),
    _run("각각가힣ㄱ", 5),
    _run("\ufdd0\ufffe\uffff\U0001fffe\U0010ffff\ufffd\ue000\U000f0000", 3),
    _range(0x370, 0x1FFF),
    _range(0x0378, 0x0379),
    _range(0x2000, 0xD7FF),
    _range(0xD800, 0xDFFF, 2),
    _range(0xE000, 0xFFFF),
    _range(0x10000, 0x1FFFF),
    _range(0x20000, 0x3FFFF),
    _range(0x40000, 0x10FFFF),
    _bytes,
    _cut,
    _malformed,
    _combining,
    _emoji,
)


if __name__ == "__main__":
    texts = _documents()
    print(f"{len(texts):,} documents, {sum(len(text.encode()) for text in texts):,} bytes")
    print(f"{len(hostile()):,} hostile strings, {sum(map(len, hostile())):,} bytes")
    if len(texts) < DOCUMENTS:
        print(APT)
