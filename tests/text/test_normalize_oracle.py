"""Normal forms, their maps and words' shapes against TF.Text's, on strings made to part them.

The documents of many languages are compared in ``test_differences_oracle.py``.
"""

from __future__ import annotations

import functools
import random
import unicodedata

import numpy as np
import pytest

from homebody import text
from homebody.text import Ragged, WordShape
from tests.text import corpus
from tests.text.normal_twin import FORMS
from tests.text.test_normalize_builds import POINTS
from tests.text.unicode_twin import Block

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
tf = pytest.importorskip("tensorflow")
tf_text = pytest.importorskip("tensorflow_text")

SHAPES = list(WordShape)
PEERS = [getattr(tf_text.WordShape, shape.name) for shape in SHAPES]


@pytest.fixture(scope="module")
def docs() -> list[bytes]:
    """60,000 strings of characters that decompose, join or reorder, some with 200 marks."""
    block, chance = Block(), random.Random(16)
    assigned = np.flatnonzero((block.category != 0) & (block.category != 18))
    moving = [int(c) for c in assigned if block.combining[c] or block.mappings["FOLD_NFD"][c]]
    marks = [int(c) for c in assigned if block.combining[c]]
    pools = [POINTS, moving, marks, assigned.tolist(), range(32, 127), range(0xAC00, 0xAC80)]
    found = []
    for _ in range(60_000):
        length = chance.choice((1, 2, 3, 5, 9, 20))
        points = (chance.choice(chance.choice(pools)) for _ in range(length))
        found.append("".join(map(chr, points)).encode())
    for length in (60, 64, 65, 66, 200):
        for _ in range(60):
            run = "".join(chr(chance.choice(marks)) for _ in range(length))
            found.append(f"{chr(chance.choice(POINTS))}{run}e".encode())
    return found


@pytest.mark.parametrize("form", FORMS)
def test_forms_and_maps(docs, form):
    tensor = tf.constant(docs)
    expected, peer_map = tf_text.normalize_utf8_with_offsets_map(tensor, form)
    output, offsets_map = text.normalize_utf8_with_offsets_map(docs, form)
    assert output.to_bytes_list() == expected.numpy().tolist()
    lengths = np.diff(output.offsets)
    every = Ragged.from_row_lengths(
        np.concatenate([np.arange(-1, n + 2) for n in lengths]), lengths + 3
    )
    found = text.find_source_offsets(offsets_map, every)
    peer = tf.RaggedTensor.from_row_splits(every.values, every.row_splits)
    np.testing.assert_array_equal(
        found.values, tf_text.find_source_offsets(peer_map, peer).values.numpy()
    )


def test_case_folding(docs):
    expected = tf_text.case_fold_utf8(tf.constant(docs)).numpy().tolist()
    assert text.case_fold_utf8(docs).to_bytes_list() == expected


def test_every_character():
    points = [chr(c).encode() for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    tensor = tf.constant(points)
    for form in FORMS:
        expected = tf_text.normalize_utf8(tensor, form).numpy().tolist()
        assert text.normalize_utf8(points, form).to_bytes_list() == expected
    assert (
        text.case_fold_utf8(points).to_bytes_list()
        == tf_text.case_fold_utf8(tensor).numpy().tolist()
    )
    np.testing.assert_array_equal(
        text.utf8_binarize(points[::7], 2, 22), tf_text.utf8_binarize(tensor[::7], 2, 22).numpy()
    )


@functools.cache
def shaped_otherwise() -> frozenset[str]:
    """The characters whose shapes differ: TF.Text's expressions are of an older Unicode."""
    points = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    got = text.wordshape(points, SHAPES)
    expected = tf_text.wordshape(tf.constant(points), PEERS).numpy()
    return frozenset(points[i] for i in np.flatnonzero((got != expected).any(1)))


def test_characters_new_in_unicode_16_alone_are_shaped_otherwise():
    differ = shaped_otherwise()
    assert len(differ) == 5761
    if unicodedata.unidata_version < "16":
        assert all(unicodedata.category(c) == "Cn" for c in differ)
    strings = [one.decode(errors="replace") for one in corpus.hostile()]
    got = text.wordshape(strings, SHAPES)
    expected = tf_text.wordshape(tf.constant(strings), PEERS).numpy()
    rows = np.flatnonzero((got != expected).any(1))
    assert 0 < len(rows) < 100
    assert all(differ & set(strings[row]) for row in rows)


def test_shapes_of_hostile_words():
    chance = random.Random(3)
    parts = [*"abcABC019.,+-eE\n\n '\"`«’‘ǅ٠語€…", "``", "''", "...", ":-)", ":(", "<3", "1.5e-3"]
    words = ["".join(chance.choices(parts, k=chance.randrange(5))).encode() for _ in range(100_000)]
    expected = tf_text.wordshape(tf.constant(words), PEERS).numpy()
    np.testing.assert_array_equal(text.wordshape(words, SHAPES), expected)


def test_coercion_and_bits_of_malformed_strings():
    strings = corpus.hostile()
    tensor = tf.constant(strings)
    for char in ("\ufffd", "?"):
        expected = tf_text.coerce_to_structurally_valid_utf8(tensor, char).numpy().tolist()
        assert text.coerce_to_structurally_valid_utf8(strings, char).to_bytes_list() == expected
    for arguments in ((16, 24), (3, 4, 63), (5, 40)):
        np.testing.assert_array_equal(
            text.utf8_binarize(strings, *arguments),
            tf_text.utf8_binarize(tensor, *arguments).numpy(),
        )


def test_folding_and_clean_up_are_tokenizers():
    """The rules hf, by Hugging Face's own normalizers, on every character."""
    normalizers = pytest.importorskip("tokenizers").normalizers
    clean = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False
    )
    points = [f"a{chr(c)}b" for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    expected = [clean.normalize_str(one) for one in points]
    assert text.clean_controls_utf8(points, "hf").to_list() == expected
