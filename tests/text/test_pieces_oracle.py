"""Words and pieces against TF.Text and Hugging Face's tokenizers, with every option that they have.

The default options are compared on all documents by ``differences.py``; here are the others, on a
part of them. What differs on purpose, or by the peer's version of Unicode, is named where it is
left out.
"""

from __future__ import annotations

import functools
import itertools
import random
import re
import unicodedata

import numpy as np
import pytest

from homebody import text
from homebody.text import Strings
from homebody.text._unicode import tables
from tests.text import corpus

pytestmark = pytest.mark.oracle


@functools.cache
def newer() -> set[str]:
    """Punctuation and nonspacing marks that were unassigned in Python's Unicode.

    RE2, in TF.Text's BertTokenizer, does not know those of Unicode 16 either; its own
    FastBertTokenizer, with ICU's tables of Unicode 16, does.
    """
    block = tables()
    index, pages = (block.section(number).view("<u2").astype(int) for number in (0, 1))
    numbers = pages.reshape(-1, 128)[index].reshape(-1)
    categories = block.section(2).reshape(-1, 8)[:, 4][numbers]
    found = np.flatnonzero(np.isin(categories, (6, *range(19, 24), 28, 29)))
    return {chr(code) for code in found if unicodedata.category(chr(code)) == "Cn"}


@pytest.fixture(scope="module")
def documents() -> list[str]:
    """Documents of all kinds, and hostile ones, UTF-8 all of them."""
    hostile = [one.decode(errors="replace") for one in corpus.hostile()[::10] if len(one) < 10_000]
    found = [*corpus.documents()[::300], *hostile]
    return [one for one in found if not set(one) & newer()]


@pytest.fixture(scope="module")
def vocabulary(documents) -> list[str]:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused1]"]
    folded = text.learn_vocabulary(documents[::2], 8000, special, lower_case=True)
    cased = text.learn_vocabulary(documents[1::2], 8000, lower_case=False)
    # TF.Text's fast tokenizers take white space that is in the vocabulary for a piece;
    # BertTokenizer, of whose words it is learned, leaves some in them.
    found = [token for token in (*folded, *cased) if not re.search(r"\s", token)]
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def table(vocabulary, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return str(path)


def same(mine, theirs) -> None:
    """Every level of row splits and every value."""
    for ours, peers in zip(mine, theirs, strict=True):
        splits = [level.numpy() for level in peers.nested_row_splits]
        assert all(map(np.array_equal, ours.nested_row_splits, splits))
        values, expected = ours.flat_values, peers.flat_values.numpy()
        if isinstance(values, Strings):
            values = np.array(values.to_bytes_list(), object)
        assert np.array_equal(values, expected)


WORDPIECE = [
    {},
    {"split_unknown_characters": True},
    {"unknown_token": None},
    {"unknown_token": None, "split_unknown_characters": True},
    {"unknown_token": "<x>", "split_unknown_characters": True},
    {"max_chars_per_token": 3, "max_bytes_per_word": 30},
]


@pytest.mark.parametrize("kind", ["int64", "string"])
@pytest.mark.parametrize("options", WORDPIECE, ids=str)
def test_words(documents, table, options, kind):
    tf, tf_text = pytest.importorskip("tensorflow"), pytest.importorskip("tensorflow_text")
    words = text.WhitespaceTokenizer().tokenize(documents)
    words = list(dict.fromkeys(words.flat_values.to_bytes_list()))
    mine = text.WordpieceTokenizer(table, token_out_type=kind, compat="tf_text", **options)
    theirs = tf_text.WordpieceTokenizer(table, token_out_type=tf.as_dtype(kind), **options)
    same(mine.tokenize_with_offsets(words), theirs.tokenize_with_offsets(tf.constant(words)))


BERT = [
    {"keep_whitespace": True},
    {"keep_whitespace": True, "lower_case": True},
    {"preserve_unused_token": True, "lower_case": True},
    {"normalization_form": "NFC"},
    {"normalization_form": "NFKC"},
    {"unknown_token": None, "lower_case": True, "split_unknown_characters": True},
    {"max_chars_per_token": 4, "lower_case": True},
]


@pytest.mark.parametrize("kind", ["int64", "string"])
@pytest.mark.parametrize("options", BERT, ids=str)
def test_bert(documents, table, options, kind):
    tf, tf_text = pytest.importorskip("tensorflow"), pytest.importorskip("tensorflow_text")
    mine = text.BertTokenizer(table, token_out_type=kind, compat="tf_text", **options)
    theirs = tf_text.BertTokenizer(table, token_out_type=tf.as_dtype(kind), **options)
    tensor = tf.constant(documents)
    same(mine.tokenize_with_offsets(documents), theirs.tokenize_with_offsets(tensor))


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("lower", [None, False, True])
def test_fast(documents, vocabulary, whole, lower):
    tf, tf_text = pytest.importorskip("tensorflow"), pytest.importorskip("tensorflow_text")
    options = {"no_pretokenization": whole}
    if lower is None:
        mine = text.FastWordpieceTokenizer(vocabulary, **options)
        theirs = tf_text.FastWordpieceTokenizer(vocabulary, token_out_type=tf.int32, **options)
    else:
        options["lower_case_nfd_strip_accents"] = lower
        mine = text.FastBertTokenizer(vocabulary, compat="tf_text", **options)
        theirs = tf_text.FastBertTokenizer(vocabulary, token_out_type=tf.int32, **options)
    tensor = tf.constant(documents)
    same(mine.tokenize_with_offsets(documents), theirs.tokenize_with_offsets(tensor))


def test_back(documents, vocabulary, table):
    tf, tf_text = pytest.importorskip("tensorflow"), pytest.importorskip("tensorflow_text")
    numbers = text.FastWordpieceTokenizer(vocabulary).tokenize(documents)
    theirs = tf_text.FastWordpieceTokenizer(vocabulary, support_detokenization=True)
    joined = theirs.detokenize(numbers.to_tf()).numpy().tolist()
    assert text.FastWordpieceTokenizer(vocabulary).detokenize(numbers).to_bytes_list() == joined
    words = tf_text.WordpieceTokenizer(table, token_out_type=tf.int32).detokenize(numbers.to_tf())
    same([text.WordpieceTokenizer(table).detokenize(numbers)], [words])


@pytest.mark.parametrize("strip", [None, False, True])
@pytest.mark.parametrize("choices", list(itertools.product((True, False), repeat=3)), ids=str)
def test_tokenizer_json(documents, vocabulary, choices, strip):
    lower, clean, ideographs = choices
    tokenizers = pytest.importorskip("tokenizers")
    numbers = {token: number for number, token in enumerate(vocabulary)}
    model = tokenizers.models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=20)
    theirs = tokenizers.Tokenizer(model)
    theirs.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lower, clean_text=clean, handle_chinese_chars=ideographs, strip_accents=strip
    )
    theirs.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    special = ["[MASK]", "[CLS]", "[UNK]", "[SEP]", "<new>"]
    theirs.add_special_tokens(special)
    mine = text.BertWordPieceTokenizer(theirs.to_str().encode(), offset_unit="char")
    chance = random.Random(6)
    with_special = []
    for document in documents[::3]:
        at = chance.randrange(len(document) + 1)
        added = chance.choice([*special, "[MASK", "]", ""])
        with_special.append(document[:at] + added + document[at:])
    found = mine.tokenize_with_offsets(with_special)
    for row, encoding in enumerate(theirs.encode_batch(with_special, add_special_tokens=False)):
        offsets = list(zip(found[1][row].tolist(), found[2][row].tolist(), strict=True))
        assert (found[0][row].tolist(), offsets) == (encoding.ids, encoding.offsets)
