"""The Unicode tables: where they come from, and against Python's own."""

from __future__ import annotations

import re
import shutil
import struct
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest

from homebody.errors import KernelError
from homebody.kernels.unicode import check_tables
from homebody.text import UNICODE_VERSION, _unicode
from homebody.text._unicode import tables
from tests.kernels.builds import module_of
from tests.text.unicode_twin import CATEGORIES, Block

ROOT = Path(__file__).parents[2]
HEADER = (ROOT / "kernels" / "text_unicode.h").read_text()
POINTS = [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]


@pytest.fixture(scope="module")
def generator():
    return module_of(ROOT / "kernels" / "unicode_tables.py")


@pytest.fixture(scope="module")
def block():
    return Block()


@pytest.fixture(scope="module")
def known():
    """Code points that Python's database has: what it says of those holds in later versions."""
    return [c for c in POINTS if unicodedata.category(chr(c)) != "Cn"]


def flag(name: str) -> int:
    return 1 << int(re.search(rf"HB_UNICODE_{name} = 1 << (\d+)", HEADER)[1])


@pytest.mark.oracle
def test_they_are_what_the_sources_give(generator):
    pytest.importorskip("unicodedata2", reason="pip install unicodedata2==16.0.0")
    if (
        not shutil.which("node")
        or not (generator.PACKAGES / "@unicode" / "unicode-16.0.0").exists()
    ):
        pytest.skip("npm install --prefix web @unicode/unicode-{16,9,8}.0.0@2.0.7")
    assert generator.build(generator.PACKAGES) == tables().block.tobytes()


def test_header_and_generator_count_alike(generator):
    named = re.findall(r"HB_UNICODE_(\w+) = 1 << (\d+)", HEADER)
    assert [name for name, _ in named] == generator.FLAGS
    assert [int(bit) for _, bit in named] == list(range(len(generator.FLAGS)))
    assert CATEGORIES.split() == generator.CATEGORIES
    named = re.findall(
        r"HB_CATEGORY_([A-Z]{2})(?=[,\s])", HEADER[HEADER.index("enum {\n  HB_CAT") :]
    )
    assert named[:30] == [name.upper() for name in generator.CATEGORIES]
    for letter in "LMNZCPS":
        mask = int(re.search(rf"#define HB_CATEGORY_{letter} (0x\w+)u", HEADER)[1], 16)
        assert mask == sum(1 << i for i, c in enumerate(generator.CATEGORIES) if c[0] == letter)


def test_version_and_size(block):
    assert block.head[:3] == (0x43554248, 2, 0x100000)
    assert UNICODE_VERSION == "16.0.0"
    assert block.head[3] == tables().size
    assert _unicode.PATH.stat().st_size < 100_000


def test_properties_are_pythons(block, known):
    names = CATEGORIES.split()
    differ = [c for c in known if names[block.category[c]] != unicodedata.category(chr(c))]
    assert len(differ) < 40, [hex(c) for c in differ]  # the few that later versions moved
    assert all(block.combining[c] == unicodedata.combining(chr(c)) for c in known)
    spaces = {c for c in known if block.flags[c] & flag("WHITE_SPACE")}
    # str.isspace() also has the four information separators, which are no White_Space
    assert spaces == {c for c in known if chr(c).isspace()} - {0x1C, 0x1D, 0x1E, 0x1F}
    marks = flag("NONSPACING")
    assert all(bool(block.flags[c] & marks) == (block.category[c] == 6) for c in POINTS)


def test_mappings_are_pythons(block, known):
    hangul = range(0xAC00, 0xD7A4)
    for c in known:
        if c in hangul:
            assert not any(block.mappings[name][c] for name in block.mappings)
            continue
        assert block.mapped("NFD", c) == unicodedata.normalize("NFD", chr(c))
        assert block.mapped("NFKD", c) == unicodedata.normalize("NFKD", chr(c))
        assert block.mapped("CASEFOLD", c) == chr(c).casefold() or not chr(c).isalpha()
        if unicodedata.category(chr(c)) != "Lo":  # Georgian, and what else got capitals later
            assert block.mapped("LOWER", c) == chr(c).lower()


def test_compositions_are_pythons(block):
    for (first, second), composed in block.pairs.items():
        if unicodedata.category(chr(composed)) != "Cn":
            assert unicodedata.normalize("NFC", chr(first) + chr(second)) == chr(composed)
    assert len(block.pairs) == 961


def test_scripts(block):
    scripts = tables().scripts
    assert scripts[:3] == ("Common", "Inherited", "Unknown")
    assert len(scripts) == len(set(scripts)) == 171
    for text, name in (
        ("a", "Latin"), ("я", "Cyrillic"), ("語", "Han"), ("か", "Hiragana"), ("ー", "Common"),
        ("\u0301", "Inherited"), ("한", "Hangul"), ("\U00010d40", "Garay"), ("\u0378", "Unknown"),
        ("\ue000", "Unknown"), (" ", "Common"), ("ა", "Georgian"),
    ):  # fmt: skip
        assert scripts[block.script[ord(text)]] == name


def test_a_pages_flags_are_its_characters(block):
    expected = np.bitwise_or.reduce(block.flags.reshape(-1, 128), axis=1)
    np.testing.assert_array_equal(block.page_flags, expected)


def test_damaged_blocks_are_refused(block):
    whole = tables().block
    places = struct.unpack_from("<34I", whole.tobytes(), 20)
    damaged = [
        whole[:-4], whole[:3], whole[:0], np.concatenate([whole, np.zeros(4, np.uint8)]),
    ]  # fmt: skip
    for word in range(5 + 34):  # each word of the head
        for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
            copy = whole.copy()
            if copy[4 * word :][:4].view("<u4")[0] != value:
                copy[4 * word :][:4].view("<u4")[0] = value
                damaged.append(copy)
    for section, wild in ((0, 2), (1, 2), (3, 2), (4, 2), (11, 2), (12, 2), (13, 4), (14, 4)):
        copy = whole.copy()
        at, size = places[2 * section], places[2 * section + 1]
        copy[at : at + size].view(f"<u{wild}")[:] = 2 ** (8 * wild) - 1
        damaged.append(copy)
    for wild in damaged:
        with pytest.raises(KernelError, match="reinstall"):
            check_tables(np.ascontiguousarray(wild))
    check_tables(whole)


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    packed = _unicode.PATH.read_bytes()
    bomb = zlib.compress(bytes(1 << 24))
    for data in (b"", packed[:-1], packed[:1000], packed + b"x", bomb, zlib.compress(b"no block")):
        path = tmp_path / "unicode.bin"
        path.write_bytes(data)
        monkeypatch.setattr(_unicode, "PATH", path)
        tables.cache_clear()
        with pytest.raises(KernelError, match="reinstall"):
            tables()
    monkeypatch.setattr(_unicode, "PATH", tmp_path / "absent.bin")
    with pytest.raises(KernelError, match="reinstall"):
        tables()
    monkeypatch.undo()
    tables.cache_clear()
    assert tables().scripts
