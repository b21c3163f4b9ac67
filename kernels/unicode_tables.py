"""Write ``src/homebody/text/unicode.bin``: what the text kernels know about Unicode 16.

    python kernels/unicode_tables.py [--packages web/node_modules] [--check]

Two packages carry the data, and each is asked for what the other lacks; where both know something
(general categories, which characters a normal form changes) they have to agree.

    pip install unicodedata2==16.0.0
    npm install @unicode/unicode-{16,9,8}.0.0@2.0.7

Unicode 8 and 9 serve the rules ``hf``: what those were made with, a vocabulary's words depend on.
The layout of the result is described in ``kernels/text_unicode.h``, which reads it.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "src" / "homebody" / "text" / "unicode.bin"
PACKAGES = ROOT / "web" / "node_modules"

VERSION = (16, 0, 0)
MAGIC = 0x43554248  # "HBUC", read as a little-endian word
LAYOUT = 2
CODE_POINTS = 0x110000
SHIFT = 7  # a page of the tables is 128 code points

# As ICU numbers them (UCharCategory), so that a set of categories is a mask of 30 bits.
CATEGORIES = [
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Me", "Mc", "Nd", "Nl", "No", "Zs", "Zl", "Zp",
    "Cc", "Cf", "Co", "Cs", "Pd", "Ps", "Pe", "Pc", "Po", "Sm", "Sc", "Sk", "So", "Pi", "Pf",
]  # fmt: skip
LONG_NAMES = {
    "Unassigned": "Cn", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
    "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
    "Nonspacing_Mark": "Mn", "Enclosing_Mark": "Me", "Spacing_Mark": "Mc",
    "Decimal_Number": "Nd", "Letter_Number": "Nl", "Other_Number": "No",
    "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp",
    "Control": "Cc", "Format": "Cf", "Private_Use": "Co", "Surrogate": "Cs",
    "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps", "Close_Punctuation": "Pe",
    "Connector_Punctuation": "Pc", "Other_Punctuation": "Po", "Math_Symbol": "Sm",
    "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Other_Symbol": "So",
    "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf",
}  # fmt: skip

# One bit each, in this order; text_unicode.h names them HB_UNICODE_<NAME>.
FLAGS = [
    "WHITE_SPACE", "BERT_PUNCTUATION", "BERT_CJK", "BERT_CONTROL", "DEFAULT_IGNORABLE",
    "UPPERCASE", "LOWERCASE", "CASED", "CASE_IGNORABLE", "ALPHABETIC", "EMOJI",
    "EMOJI_PRESENTATION", "EXTENDED_PICTOGRAPHIC", "IDEOGRAPHIC", "SENTENCE_TERMINAL",
    "TERMINAL_PUNCTUATION", "QUOTATION_MARK", "DASH", "NONSTARTER", "COMPOSES_BACK",
    "COMPOSES_FORWARD", "NFD_NO",
    "NFKD_NO", "NFC_NO", "NFKC_NO", "FOLD_NO", "HF_CONTROL", "HF_NONSPACING", "HF_PUNCTUATION",
    "AFTER_9", "NONSPACING",
]  # fmt: skip
BINARY = {
    "White_Space": "WHITE_SPACE",
    "Default_Ignorable_Code_Point": "DEFAULT_IGNORABLE",
    "Uppercase": "UPPERCASE",
    "Lowercase": "LOWERCASE",
    "Cased": "CASED",
    "Case_Ignorable": "CASE_IGNORABLE",
    "Alphabetic": "ALPHABETIC",
    "Emoji": "EMOJI",
    "Emoji_Presentation": "EMOJI_PRESENTATION",
    "Extended_Pictographic": "EXTENDED_PICTOGRAPHIC",
    "Ideographic": "IDEOGRAPHIC",
    "Sentence_Terminal": "SENTENCE_TERMINAL",
    "Terminal_Punctuation": "TERMINAL_PUNCTUATION",
    "Quotation_Mark": "QUOTATION_MARK",
    "Dash": "DASH",
}
FOLD = ("Case_Folding/C", "Case_Folding/F")
LOWER = ("Simple_Case_Mapping/Lowercase", "Special_Casing/Lowercase")
OTHER_BINARY = ("Full_Composition_Exclusion", "Changes_When_NFKC_Casefolded")

# The Chinese characters that BERT's authors put spaces around: their list, which is no property.
BERT_CJK = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip

# Prints what is read of the packages as one JSON object; their own decoders unpack it.
READER = """
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
const root = resolve(process.argv[1]) + '/@unicode/';
const now = 'unicode-16.0.0/';
const load = async (path) => (await import(root + path)).default;
const spans = async (path) =>
  (await load(now + path + '/ranges.mjs')).map((span) => [span.begin, span.end]);
const out = { binary: {}, script: {}, category: {}, map: {} };
for (const name of JSON.parse(process.argv[2]))
  out.binary[name] = await spans('Binary_Property/' + name);
for (const name of readdirSync(root + now + 'Script'))
  if (!name.includes('.')) out.script[name] = await spans('Script/' + name);
for (const version of ['16.0.0', '9.0.0', '8.0.0'])
  out.category[version] = [...await load(`unicode-${version}/General_Category/index.mjs`)];
for (const path of JSON.parse(process.argv[3]))
  out.map[path] = [...await load(now + path + '/code-points.mjs')];
process.stdout.write(JSON.stringify(out));
"""


class DisagreementError(Exception):
    """Two sources say different things; the message names the first code point."""


def read_packages(packages: Path) -> dict[str, Any]:
    """What the npm packages in ``packages`` say, through node."""
    names = json.dumps([*BINARY, *OTHER_BINARY]), json.dumps([*FOLD, *LOWER])
    done = subprocess.run(
        ["node", "--input-type=module", "-e", READER, str(packages), *names],
        capture_output=True,
        check=True,
    )
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def members(spans: Iterable[Sequence[int]]) -> set[int]:
    """The code points of half-open spans."""
    return {point for begin, end in spans for point in range(begin, end)}


def agree(what: str, one: Any, other: Any, point: int) -> None:
    """Raise unless both sources say the same of ``point``."""
    if one != other:
        raise DisagreementError(f"{what} of U+{point:04X}: {one!r} and {other!r}")


class Characters:
    """Every code point's properties and mappings, from both sources."""

    def __init__(self, packages: Path) -> None:
        import unicodedata2

        if unicodedata2.unidata_version != ".".join(map(str, VERSION)):
            raise DisagreementError(f"unicodedata2 is of Unicode {unicodedata2.unidata_version}")
        data = read_packages(packages)
        self.database = unicodedata2
        self.normalize: Callable[[str, str], str] = unicodedata2.normalize
        self.binary = {name: members(spans) for name, spans in data["binary"].items()}
        self.category = {
            version: {point: LONG_NAMES[name] for point, name in pairs}
            for version, pairs in data["category"].items()
        }
        self.scripts = ["Common", "Inherited", "Unknown"]
        self.scripts += sorted(set(data["script"]) - set(self.scripts))
        self.script = dict.fromkeys(range(CODE_POINTS), 2)
        for number, name in enumerate(self.scripts):
            self.script.update(dict.fromkeys(members(data["script"].get(name, ())), number))
        as_list = lambda value: value if isinstance(value, list) else [value]  # noqa: E731
        maps = {
            path: {point: as_list(value) for point, value in pairs}
            for path, pairs in data["map"].items()
        }
        self.fold = maps[FOLD[0]] | maps[FOLD[1]]
        self.lower = maps[LOWER[0]] | maps[LOWER[1]]

    def normal(self, form: str, points: Sequence[int]) -> list[int]:
        """The code points of a sequence's normal form; surrogates stand for themselves."""
        return [ord(c) for c in self.normalize(form, "".join(map(chr, points)))]

    def combining(self, point: int) -> int:
        """The canonical combining class."""
        return int(self.database.combining(chr(point)))

    def nfkc_casefold(self, point: int) -> list[int]:
        """NFKC_Casefold of one character: folded, ignorables left out, NFKC, until nothing moves.

        As DerivedNormalizationProps.txt defines its property NFKC_CF.
        """
        ignorable = self.binary["Default_Ignorable_Code_Point"]
        points, before = [point], None
        while points != before:
            before = points
            points = [p for p in self.normal("NFKC", points) if p not in ignorable]
            points = [q for p in points for q in self.fold.get(p, [p])]
            points = self.normal("NFKC", points)
        return points


def is_hangul(point: int) -> bool:
    """Whether ``point`` is a Hangul syllable, whose decomposition is arithmetic."""
    return 0xAC00 <= point < 0xAC00 + 11172


def decompositions(characters: Characters) -> tuple[dict[int, list[int]], ...]:
    """What NFD, NFKD and NFKC_Casefold put for a character, decomposed all the way.

    The last is NFD(NFKC_Casefold(x)), so that composing it gives the form itself.
    """
    nfd, nfkd, fold = {}, {}, {}
    for point in range(CODE_POINTS):
        if is_hangul(point):
            continue
        canonical = characters.normal("NFD", [point])
        folded = characters.nfkc_casefold(point)
        agree(
            "Changes_When_NFKC_Casefolded",
            folded != [point],
            point in characters.binary["Changes_When_NFKC_Casefolded"],
            point,
        )
        for table, points in (
            (nfd, canonical),
            (nfkd, characters.normal("NFKD", [point])),
            (fold, characters.normal("NFD", folded)),
        ):
            if points != [point]:
                table[point] = points
    return nfd, nfkd, fold


def compositions(characters: Characters) -> dict[tuple[int, int], int]:
    """The pairs that NFC joins, Hangul aside."""
    pairs = {}
    for point in range(CODE_POINTS):
        text = characters.database.decomposition(chr(point))
        if not text or text.startswith("<"):
            continue
        parts = [int(part, 16) for part in text.split()]
        excluded = point in characters.binary["Full_Composition_Exclusion"]
        joined = len(parts) == 2 and characters.normal("NFC", parts) == [point]
        agree("Full_Composition_Exclusion", excluded, not joined, point)
        if joined:
            pairs[parts[0], parts[1]] = point
    return pairs


def flags_of(
    characters: Characters,
    tables: tuple[dict[int, list[int]], ...],
    pairs: Mapping[tuple[int, int], int],
) -> list[int]:
    """Every code point's flags as one number."""
    nfd, nfkd, _ = tables
    sets: dict[str, set[int]] = {flag: characters.binary[name] for name, flag in BINARY.items()}
    category = characters.category
    now, nine, eight = category["16.0.0"], category["9.0.0"], category["8.0.0"]
    everything = range(CODE_POINTS)
    ascii_symbols = {p for p in range(33, 127) if not chr(p).isalnum()}
    sets["BERT_PUNCTUATION"] = ascii_symbols | {p for p in everything if now[p][0] == "P"}
    sets["BERT_CJK"] = members((first, last + 1) for first, last in BERT_CJK)
    sets["BERT_CONTROL"] = {p for p in everything if now[p] in ("Cc", "Cf")} - {9, 10, 13}
    hangul = set(filter(is_hangul, everything))
    sets["NONSTARTER"] = {p for p in everything if characters.combining(p)}
    vowels_and_tails = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    back = {second for _, second in pairs} | vowels_and_tails
    sets["COMPOSES_BACK"] = back | {p for p, points in nfd.items() if points[0] in back}
    leads = {*range(0x1100, 0x1113), *filter(lambda p: (p - 0xAC00) % 28 == 0, hangul)}
    sets["COMPOSES_FORWARD"] = {first for first, _ in pairs} | leads
    sets["NFD_NO"] = set(nfd) | hangul
    sets["NFKD_NO"] = set(nfkd) | hangul
    for form in ("NFC", "NFKC"):
        sets[f"{form}_NO"] = {p for p in everything if characters.normal(form, [p]) != [p]}
    agree("NFC_QC", sets["NFC_NO"], characters.binary["Full_Composition_Exclusion"], 0)
    sets["FOLD_NO"] = characters.binary["Changes_When_NFKC_Casefolded"] | sets["NFC_NO"]
    other = ("Cc", "Cf", "Cs", "Co")
    sets["HF_CONTROL"] = {p for p in everything if eight.get(p, "Cn") in other} - {9, 10, 13}
    sets["HF_NONSPACING"] = {p for p in everything if eight.get(p, "Cn") == "Mn"}
    sets["HF_PUNCTUATION"] = ascii_symbols | {p for p in everything if eight.get(p, "Cn")[0] == "P"}
    sets["AFTER_9"] = {p for p in everything if nine.get(p, "Cn") == "Cn" and now[p] != "Cn"}
    sets["NONSPACING"] = {p for p in everything if now[p] == "Mn"}
    flags = [0] * CODE_POINTS
    for bit, name in enumerate(FLAGS):
        for point in sets[name]:
            flags[point] |= 1 << bit
    return flags


def two_stage(values: Sequence[int]) -> tuple[bytes, bytes]:
    """A table over all code points as (index of pages, pages), both uint16."""
    size = 1 << SHIFT
    pages: dict[tuple[int, ...], int] = {}
    index = []
    for first in range(0, CODE_POINTS, size):
        index.append(pages.setdefault(tuple(values[first : first + size]), len(pages)))
    flat = [value for page in pages for value in page]
    return struct.pack(f"<{len(index)}H", *index), struct.pack(f"<{len(flat)}H", *flat)


def flags_of_pages(numbers: Sequence[int], flags: Sequence[int]) -> bytes:
    """For each page of the table of ``numbers`` the flags that occur in it, as uint32."""
    size = 1 << SHIFT
    pages: dict[tuple[int, ...], int] = {}
    for first in range(0, CODE_POINTS, size):
        found = 0
        for flag in flags[first : first + size]:
            found |= flag
        pages.setdefault(tuple(numbers[first : first + size]), found)
    return struct.pack(f"<{len(pages)}I", *pages.values())


class Pool:
    """Sequences of code points, each once: a word about it, then the code points as uint32."""

    def __init__(
        self, characters: Characters, flags: Sequence[int], pairs: Mapping[tuple[int, int], int]
    ) -> None:
        self.words = [0]  # offset 0 means "itself"
        self.offsets: dict[tuple[int, ...], int] = {}
        self.characters = characters
        self.flags = flags
        no = 1 << FLAGS.index("NFC_NO")
        one_a_class = {characters.combining(p): p for p, flag in enumerate(flags) if not flag & no}
        back = {second for _, second in pairs} | {0x1161, 0x11A8}
        self.marks = sorted(back | {mark for kind, mark in one_a_class.items() if kind})

    def add(self, points: Sequence[int]) -> int:
        """Offset of ``points``, in words."""
        key = tuple(points)
        if key not in self.offsets:
            self.offsets[key] = len(self.words)
            self.words += [self.about(key), *key]
        return self.offsets[key]

    def about(self, points: Sequence[int]) -> int:
        """How many they are, the classes at their ends, and how they behave when composed."""
        if not points:
            return 2 << 24
        combining, normal = self.characters.combining, self.characters.normal
        back = self.flags[points[0]] >> FLAGS.index("COMPOSES_BACK") & 1
        whole = normal("NFC", points)
        # What joins what is before it may then join what is behind: a vowel, once it has its lead.
        forward = (
            back
            or all(map(combining, points))
            or any(normal("NFC", [*points, mark]) != [*whole, mark] for mark in self.marks)
        )
        behaves = back | forward << 1 | (whole != list(points)) << 2
        ends = combining(points[0]) << 8 | combining(points[-1]) << 16
        return len(points) | ends | behaves << 24


def hash_slot(first: int, second: int, slots: int) -> int:
    """Where a pair is looked for first; the same arithmetic as in text_unicode.h."""
    return ((first * 0x9E3779B1 + second * 0x85EBCA6B) & 0xFFFFFFFF) >> 16 & (slots - 1)


def hash_table(pairs: Mapping[tuple[int, int], int]) -> bytes:
    """The compositions as open-addressed slots (first, second, composed) of uint32; 0 is empty."""
    slots = 4096
    table = [(0, 0, 0)] * slots
    for (first, second), composed in sorted(pairs.items()):
        slot = hash_slot(first, second, slots)
        while table[slot][0]:
            slot = (slot + 1) % slots
        table[slot] = (first, second, composed)
    return b"".join(struct.pack("<3I", *row) for row in table)


def build(packages: Path) -> bytes:
    """The block, not yet compressed."""
    characters = Characters(packages)
    tables = decompositions(characters)
    pairs = compositions(characters)
    flags = flags_of(characters, tables, pairs)
    records: dict[tuple[int, int, int, int], int] = {}
    numbers = []
    for point in range(CODE_POINTS):
        category = characters.category["16.0.0"][point]
        agree("General_Category", category, characters.database.category(chr(point)), point)
        record = (
            flags[point],
            CATEGORIES.index(category),
            characters.script[point],
            characters.combining(point),
        )
        numbers.append(records.setdefault(record, len(records)))
    pool = Pool(characters, flags, pairs)
    sections = [*two_stage(numbers), b"".join(struct.pack("<I3Bx", *row) for row in records)]
    for mapping in (*tables, characters.fold, characters.lower):
        sections += two_stage(
            [pool.add(mapping[p]) if p in mapping else 0 for p in range(CODE_POINTS)]
        )
    if len(pool.words) > 0xFFFF:
        raise DisagreementError("the pool of mappings outgrew its 16-bit offsets")
    sections.append(struct.pack(f"<{len(pool.words)}I", *pool.words))
    sections.append(hash_table(pairs))
    sections.append("\0".join(characters.scripts).encode() + b"\0")
    sections.append(flags_of_pages(numbers, flags))
    head = 4 * (5 + 2 * len(sections))
    places, body = [], b""
    for section in sections:
        places += [head + len(body), len(section)]
        body += section + bytes(-len(section) % 4)
    version = VERSION[0] << 16 | VERSION[1] << 8 | VERSION[2]
    words = [MAGIC, LAYOUT, version, head + len(body), len(sections), *places]
    return struct.pack(f"<{len(words)}I", *words) + body


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with ``--check`` compare it; return the process's exit code."""
    parser = argparse.ArgumentParser(description="Generate the Unicode tables.")
    parser.add_argument("--packages", type=Path, default=PACKAGES, help="a node_modules folder")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args(arguments)
    block = build(options.packages)
    if options.check:
        same = zlib.decompress(OUT.read_bytes()) == block
        print("equal" if same else f"{OUT} is not what the sources give; run without --check")
        return 0 if same else 1
    packed = zlib.compress(block, 9)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(packed)
    print(f"{OUT}  {len(block):,} bytes, {len(packed):,} packed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
