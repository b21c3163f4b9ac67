"""WordPiece tokenizers against a twin in Python, with and without their cache."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import MalformedTextError, TextError, VocabularyError
from homebody.kernels import wordpieces
from homebody.text import (
    BertTokenizer,
    FastBertTokenizer,
    FastWordpieceTokenizer,
    Ragged,
    Strings,
    Vocabulary,
    WordpieceTokenizer,
)
from homebody.text._words import classes
from tests.text import pieces_twin as twin

LETTERS = "a b c ab abc bc ca aa e i s ss x xyz z 0 1 19 ä é ß σ ς я и й 日 本 1⁄2 f fi no d n"
OTHERS = "! . ' [ ] # _ - $ 가 ᄀ 々 、 『 … ½ ﬁ а̄ 😀 𠀀"
PIECES = LETTERS.split() + OTHERS.split()
VOCABULARY = ["[UNK]", *dict.fromkeys(PIECES)]
VOCABULARY += [f"##{token}" for token in VOCABULARY[1:]] + ["##ᅡ", "##ᆨ", "##\u0323", "##\U0001d165"]
TEXTS = st.lists(st.sampled_from(twin.ALPHABET), max_size=60).map("".join)
RULES = [("tf", True), ("tf", False), ("hf", True), ("hf", False)]


def bert(rules: str, lower: bool, **more):
    return FastBertTokenizer(VOCABULARY, rules=rules, lower_case_nfd_strip_accents=lower, **more)


TOKENIZERS = {
    (rules, lower, size): bert(rules, lower, cache_bytes=size)
    for rules, lower in RULES
    for size in (0, 2048, 1 << 20)
}


def flat(results: tuple[Ragged, ...], row: int) -> list[twin.Piece]:
    return [twin.Piece(*map(int, piece)) for piece in zip(*(r[row] for r in results), strict=True)]


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(TEXTS, max_size=6), rules=st.sampled_from(RULES))
def test_pieces_are_the_twins(texts, rules):
    expected = [twin.bert(text, VOCABULARY, *rules) for text in texts]
    for size in (0, 2048, 1 << 20):
        tokenizer = TOKENIZERS[(*rules, size)]
        for _ in range(2):  # the second time, from the cache
            results = tokenizer.tokenize_with_offsets(texts)
            assert [flat(results, row) for row in range(len(texts))] == expected
        assert tokenizer.tokenize(texts) == results[0]


@pytest.mark.parametrize("length", [*range(1, 20), *range(54, 60), 99, 100, 101, 300])
@pytest.mark.parametrize("around", ["", " ", "x. ", "日"])
def test_words_of_every_length(length, around):
    # About where the cache's keys end, at a text's beginning and end, at 100 bytes.
    word = ("abcabcaab" * 40)[:length]
    text = f"{around}{word}{around[::-1]}{word}"
    for rules in RULES:
        for _ in range(2):
            results = TOKENIZERS[(*rules, 1 << 20)].tokenize_with_offsets([text])
            assert flat(results, 0) == twin.bert(text, VOCABULARY, *rules)


def test_words_that_differ_in_one_byte_are_told_apart():
    tokenizer = bert("tf", False)
    words = [chr(97 + i % 3) * i + chr(97 + k) for i in range(40) for k in range(3)]
    for _ in range(2):
        results = tokenizer.tokenize_with_offsets(words)
        for row, word in enumerate(words):
            assert flat(results, row) == twin.bert(word, VOCABULARY, "tf", False)


@settings(max_examples=100, deadline=None)
@given(
    plain=st.lists(st.sampled_from([*"aaabbbccc    !\n\t01Zx"]), min_size=60, max_size=200),
    others=st.lists(st.tuples(st.integers(0, 199), st.sampled_from(twin.ALPHABET)), max_size=5),
    rules=st.sampled_from(RULES),
)
def test_plain_text_with_something_else_in_it(plain, others, rules):
    """What is found 64 bytes at a time, and what ends that."""
    for at, other in others:
        plain.insert(at, other)
    text = "".join(plain)
    results = TOKENIZERS[(*rules, 1 << 20)].tokenize_with_offsets([text])
    assert flat(results, 0) == twin.bert(text, VOCABULARY, *rules)


@pytest.mark.parametrize(
    "other", ["é", "日", "\u3000", "\r", "\0", "\x7f", "!", "", "a" * 63, "b" * 64]
)
@pytest.mark.parametrize("rest", ["", "ab", "c! " * 22])
def test_something_else_at_each_of_64_places(other, rest):
    tokenizer = TOKENIZERS["tf", True, 1 << 20]
    texts = [("abc ab " * 10)[: at % 7] + "a " * (at // 2) + other + rest for at in range(1, 72)]
    results = tokenizer.tokenize_with_offsets(texts)
    for row, text in enumerate(texts):
        assert flat(results, row) == twin.bert(text, VOCABULARY, "tf", True)


def test_ascii_is_cut_alike_by_all_rules():
    """Which is known to what looks at 64 bytes at once: letters and digits, white space, others."""
    known = wordpieces.FOLD | wordpieces.CONTROL | wordpieces.ASCII_SPACE | wordpieces.REORDER
    hf = [wordpieces.HF | 32 * rules for rules in range(16)]
    for rules in (*range(known + 1), *hf):
        table = classes("words", rules)[16 : 16 + 128] & 3
        for code in range(33, 127):
            assert table[code] == (0 if chr(code).isalnum() else 2), (rules, chr(code))
        assert [table[ord(space)] for space in " \t\n"] == [1, 1, 1], rules


@pytest.mark.parametrize("size", [1024, 1100, 4096])
def test_more_words_than_a_cache_holds(size):
    """Sets run over into those beside them, and then forget."""
    chance = random.Random(size)
    words = ["".join(chance.choices("abcxyz019", k=chance.randrange(1, 40))) for _ in range(300)]
    tokenizer, expected = bert("tf", True, cache_bytes=size), bert("tf", True, cache_bytes=0)
    text = " ".join(chance.choices(words, k=3000))
    right = expected.tokenize_with_offsets([text])
    assert flat(right, 0) == twin.bert(text, VOCABULARY, "tf", True)
    for _ in range(3):
        assert tokenizer.tokenize_with_offsets([text]) == right


@pytest.mark.parametrize("text", ["!" * 5000, "日本" * 3000, "a b c " * 2000, "1ab!" * 3000])
def test_texts_of_more_pieces_than_was_made_room_for(text):
    tokenizer = bert("tf", True)
    texts = ["ab", text, "", text + " ca"]
    results = tokenizer.tokenize_with_offsets(texts)
    for row, one in enumerate(texts):
        assert flat(results, row) == twin.bert(one, VOCABULARY, "tf", True)


def test_one_text_gives_arrays_and_the_same():
    tokenizer = bert("tf", True)
    for text in ("", "ab abc!", "É 日", "ab " * 2000, "\ud800ab"):
        numbers, starts, ends = tokenizer.tokenize_with_offsets(text)
        rows = tokenizer.tokenize_with_offsets([text])
        for alone, row in zip((numbers, starts, ends), rows, strict=True):
            assert isinstance(alone, np.ndarray)
            assert alone.dtype == np.int32
            assert np.array_equal(alone, row[0])
        assert np.array_equal(tokenizer.tokenize(text), numbers)


def test_tokens_in_other_forms():
    text = ["abcx? zz", ""]
    strings = FastBertTokenizer(VOCABULARY, token_out_type="string").tokenize(text)
    assert strings.to_list() == [["abc", "##x", "[UNK]", "z", "##z"], []]
    wide = FastBertTokenizer(VOCABULARY, token_out_type="int64").tokenize(text)
    assert wide.values.dtype == np.int64
    assert strings.values.to_list() == [VOCABULARY[n] for n in wide.values]
    assert wide.equals(FastBertTokenizer(VOCABULARY, token_out_type=np.int64).tokenize(text))
    assert FastBertTokenizer(VOCABULARY, token_out_type=str).tokenize("ab") == ["ab"]
    with pytest.raises(TextError, match="token_out_type"):
        FastBertTokenizer(VOCABULARY, token_out_type="float32")


@pytest.mark.parametrize("unit", ["char", "utf16"])
def test_offsets_in_other_units(unit):
    text = "ab 😀é日 \U00020000c😀"
    _, starts, ends = bert("tf", False).tokenize_with_offsets(text)
    _, first, last = bert("tf", False, offset_unit=unit).tokenize_with_offsets(text)
    encoded = text.encode()
    for a, b, c, d in zip(starts, ends, first, last, strict=True):
        piece = encoded[a:b].decode()
        if unit == "char":
            assert text[c:d] == piece
        else:
            assert text.encode("utf-16-le")[2 * c : 2 * d].decode("utf-16-le") == piece


def test_bytes_that_are_no_text():
    bad = [b"ab\xff abc", b"\xe3\x80 ab", "ab\ud800"]
    replaced = bert("tf", False).tokenize_with_offsets(bad)
    assert flat(replaced, 0) == [(0, 0, 3), (VOCABULARY.index("abc"), 4, 7)]
    ignored = bert("tf", False, malformed="ignore").tokenize_with_offsets(bad)
    ab = VOCABULARY.index("ab")
    assert [flat(ignored, row)[:1] for row in range(3)] == [
        [(ab, 0, 2)],
        [(ab, 3, 5)],
        [(ab, 0, 2)],
    ]
    for one in bad:
        with pytest.raises(MalformedTextError, match="string 1"):
            bert("tf", False, malformed="error").tokenize(["ab", one])


def test_words_of_a_vocabulary():
    tokens = ["they", "##'", "##re", "great", "##est", "##[UNK]", "[UNK]"]
    words = ["they're", "greatest", "greatx", "xre", "", "they" * 30]
    numbers = WordpieceTokenizer(tokens)
    assert numbers.tokenize(words).to_list() == [[0, 1, 2], [3, 4], [6], [6], [], [6]]
    split = WordpieceTokenizer(tokens, split_unknown_characters=True, token_out_type="string")
    assert split.tokenize(words[2:4]).to_list() == [["great", "##[UNK]"], ["[UNK]", "##re"]]
    kept = WordpieceTokenizer(tokens, unknown_token=None, token_out_type="string")
    assert kept.tokenize(words[1:4]).to_list() == [["great", "##est"], ["greatx"], ["xre"]]
    assert WordpieceTokenizer(tokens, unknown_token="<?>").tokenize("xre").tolist() == [7]
    few = WordpieceTokenizer(tokens, max_chars_per_token=4, token_out_type="string")
    assert few.tokenize(["they're", "greatest"]).to_list() == [["they", "##'", "##re"], ["[UNK]"]]
    nested = numbers.tokenize([["they", "great"], []])
    assert nested.to_list() == [[[0], [3]], []]


def test_a_word_too_long_ends_where_it_ends_but_in_compat():
    word = "they" * 30
    for compat, end in ((None, 120), ("tf_text", 5)):
        tokenizer = WordpieceTokenizer(["they", "[UNK]"], compat=compat)
        assert [x.tolist() for x in tokenizer.tokenize_with_offsets(word)] == [[1], [0], [end]]


def test_bert_nests_pieces_in_words():
    tokenizer = BertTokenizer(VOCABULARY, lower_case=True)
    results = tokenizer.tokenize_with_offsets(["ABC xyzx!", "", "é"])
    assert results[0].row_lengths().tolist() == [3, 0, 1]
    assert [r.to_list() for r in results[1:]] == [
        [[[0], [4, 7], [8]], [], [[0]]],
        [[[3], [7, 8], [9]], [], [[2]]],
    ]
    assert tokenizer.detokenize(results[0][0]).to_list() == [["abc"], ["xyzx"], ["!"]]


def test_berts_choices():
    keep = BertTokenizer(VOCABULARY, keep_whitespace=True, token_out_type="string")
    assert keep.tokenize("a \t b").merge_dims(0, 1) == ["a", "[UNK]", "b"]
    unused = BertTokenizer(
        [*VOCABULARY, "[unused7]"], preserve_unused_token=True, token_out_type="string"
    )
    assert unused.tokenize("a[unused7]b[unused").values[:5] == ["a", "[unused7]", "b", "[", "[UNK]"]
    nfkc = BertTokenizer(VOCABULARY, normalization_form="NFKC", token_out_type="string")
    tokens, starts, ends = nfkc.tokenize_with_offsets("ab ½")
    assert tokens.values == ["ab", "1⁄2"]
    assert (starts.values.tolist(), ends.values.tolist()) == ([0, 3], [2, 5])
    with pytest.raises(TextError, match="lower_case includes NFD"):
        BertTokenizer(VOCABULARY, lower_case=True, normalization_form="NFC")


def test_marks_come_in_canonical_order_where_text_is_normalized_as_a_whole():
    stems = "\U0001d16d\U0001d165"  # classes 226 and 216: stays so in no normal form
    vocabulary = ["[UNK]", "a\U0001d165\U0001d16d", "##\U0001d16d", "a"]
    whole = BertTokenizer(vocabulary, lower_case=True)
    assert [x.values.tolist() for x in whole.tokenize_with_offsets("a" + stems)] == [[1], [0], [9]]
    each = FastBertTokenizer(vocabulary, lower_case_nfd_strip_accents=True)
    assert each.tokenize("a" + stems).tolist() == [0]


def test_compat_gives_tf_texts_offsets():
    tokens = ["[UNK]", "a", ".", "ss", "b"]
    for compat, expected in (
        ("tf_text", ([0, 0, 3], [0, 3, 3 + 3])),
        (None, ([0, 0, 0], [3, 3, 3])),
    ):
        fast = FastBertTokenizer(tokens, lower_case_nfd_strip_accents=True, compat=compat)
        _, starts, ends = fast.tokenize_with_offsets("……" if compat else "…")
        if compat:
            assert (starts.tolist(), ends.tolist()) == ([0, 0, 0, 3, 3, 3], [0, 0, 3, 3, 3, 6])
        else:
            assert (starts.tolist(), ends.tolist()) == expected
        _, starts, ends = fast.tokenize_with_offsets("a\u00ad b")
        assert ends.tolist() == ([3, 5] if compat else [1, 5])
        bert_ = BertTokenizer(tokens, lower_case=True, compat=compat)
        assert bert_.tokenize_with_offsets("ß b")[1].values.tolist() == [0, 3]
        assert bert_.tokenize_with_offsets("\u00adb")[1].values.tolist() == ([0] if compat else [2])


def test_text_from_pieces():
    tokens = ["they", "##'", "##re", "the", "[UNK]"]
    fast = FastWordpieceTokenizer(tokens)
    assert fast.detokenize([0, 1, 2]) == "they're"
    assert fast.detokenize([[1, 0], []]) == ["##' they", ""]
    assert fast.detokenize([[[3]], []]).to_list() == [["the"], []]
    words = WordpieceTokenizer(tokens)
    assert words.detokenize([[0, 1, 2, 3], [99]]).to_list() == [["they're", "the"], ["[UNK]"]]
    for wrong in ([5], [-1], [[0], [5]]):
        with pytest.raises(TextError, match="numbers from"):
            fast.detokenize(wrong)
    with pytest.raises(TextError, match="one row"):
        words.detokenize([0])


def test_vocabularies(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes("[UNK]\r\nä\n\u2028x\n".encode())
    vocabulary = Vocabulary.from_file(path)
    assert vocabulary.tokens == ["[UNK]", "ä", "\u2028x"]
    assert (vocabulary.index("ä"), vocabulary.index("b")) == (1, None)
    assert WordpieceTokenizer(str(path)).tokenize("ä").tolist() == [1]
    with pytest.raises(VocabularyError, match="cannot be read"):
        Vocabulary.from_file(tmp_path / "none")
    with pytest.raises(VocabularyError, match="entry 2"):
        FastBertTokenizer(["[UNK]", "a", "a"])
    with pytest.raises(VocabularyError, match="entry 1"):
        FastBertTokenizer([b"[UNK]", b"\xff"])
    with pytest.raises(VocabularyError, match=r"no '\[UNK\]'"):
        FastBertTokenizer(["a"])
    assert FastBertTokenizer(["[UNK]", "", "a"]).tokenize("a").tolist() == [2]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab#\0é😀"), max_size=5), unique=True, max_size=60))
def test_every_entry_is_found_and_nothing_else(tokens):
    vocabulary = [*tokens, "[UNK]"] if "[UNK]" not in tokens else tokens
    tokenizer = FastWordpieceTokenizer(vocabulary, no_pretokenization=True, cache_bytes=0)
    for number, token in enumerate(vocabulary):
        assert tokenizer.tokenize(token).tolist() == ([number] if token else [])
    assert tokenizer.tokenize("c").tolist() == [vocabulary.index("[UNK]")]


def test_any_number_of_threads_may_use_one():
    tokenizer = bert("tf", True, cache_bytes=4096)
    texts = [f"abc{'x' * (i % 9)} ca é{i % 10} 日" for i in range(3000)]
    expected = bert("tf", True, cache_bytes=0).tokenize(texts)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: tokenizer.tokenize(texts), range(12)))
    assert all(result == expected for result in results)


def test_a_cleared_cache_changes_nothing():
    tokenizer = bert("tf", True)
    before = tokenizer.tokenize(["abc xyz"])
    tokenizer.clear_cache()
    assert tokenizer.tokenize(["abc xyz"]) == before


def test_a_forked_process_tokenizes_and_no_thread_is_started():
    program = """
import os, threading
from homebody.text import FastBertTokenizer
tokenizer = FastBertTokenizer(["[UNK]", "ab", "##c"])
expected = tokenizer.tokenize(["ab abc"] * 1000)
child = os.fork()
if child == 0:
    os._exit(0 if tokenizer.tokenize(["ab abc"] * 1000) == expected else 1)
assert os.waitpid(child, 0)[1] == 0
assert threading.active_count() == len(os.listdir("/proc/self/task")) == 1
"""
    if sys.platform != "linux":
        pytest.skip("forks")
    import os

    one = "1"  # numpy's own threads, which are not ours
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": one, "OMP_NUM_THREADS": one}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_bytes_per_word": 0},
        {"max_bytes_per_word": 1 << 21},
        {"cache_bytes": -1},
        {"rules": "bert"},
        {"offset_unit": "bytes"},
        {"malformed": "strict"},
        {"compat": "hf"},
        {"rules": "hf", "compat": "tf_text"},
        {"suffix_indicator": 3},
    ],
)
def test_arguments_out_of_range(arguments):
    with pytest.raises(TextError):
        FastBertTokenizer(VOCABULARY, **arguments)


def test_numbers_are_no_text():
    for wrong in (3, [3], [None], Ragged([1], [0, 1]), np.zeros(3)):
        with pytest.raises(TextError):
            bert("tf", True).tokenize(wrong)
    assert bert("tf", True).tokenize([]).to_list() == []
    assert bert("tf", True).tokenize(Strings.of(["ab"])).to_list() == [[VOCABULARY.index("ab")]]
