"""SentencePiece and byte-level BPE: the same interface, and models that are refused."""

from __future__ import annotations

import io
import json
import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import MalformedTextError, TextError, VocabularyError
from homebody.text import ByteLevelBpeTokenizer, SentencepieceTokenizer

SENTENCES = [
    "hello world, this is a test",
    "der schnelle braune Fuchs springt",
    "日本語 のテスト です",
    "héllo wörld 😀 yes",
    "yellow fellow bellow below wordy worlds helloed",
]


@pytest.fixture(scope="module")
def model():
    library = pytest.importorskip("sentencepiece")
    written = io.BytesIO()
    library.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 50), model_writer=written, vocab_size=60,
        hard_vocab_limit=False, minloglevel=2, num_threads=1,
    )  # fmt: skip
    return written.getvalue()


@pytest.fixture(scope="module")
def trained():
    """A tokenizer.json, as tokenizers writes it."""
    library = pytest.importorskip("tokenizers")
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = library.trainers.BpeTrainer(
        vocab_size=400, show_progress=False, special_tokens=["<|end|>"],
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator(SENTENCES * 20, trainer)
    return tokenizer.to_str()


def test_sentencepiece_gives_numbers_pieces_and_offsets(model):
    texts = ["hello  wörld", " a test ", ""]
    tokens, starts, ends = SentencepieceTokenizer(model).tokenize_with_offsets(texts)
    pieces = SentencepieceTokenizer(model, "string").tokenize(texts)
    assert tokens.values.dtype == np.int32
    assert tokens == SentencepieceTokenizer(model).tokenize(texts)
    assert SentencepieceTokenizer(model, "int64").tokenize("a").dtype == np.int64
    for i, text in enumerate(texts):
        found = [text.encode()[a:b].decode() for a, b in zip(starts[i], ends[i], strict=True)]
        assert [f.strip() for f in found] == [p.replace("▁", "") for p in pieces[i].to_list()]
    assert SentencepieceTokenizer(model).detokenize(tokens).to_list() == [
        "hello wörld",
        "a test",
        "",
    ]


def test_sentencepiece_counts_characters_and_utf16(model):
    text = "é😀 yes"
    for unit, size in (("byte", 10), ("char", 6), ("utf16", 7)):
        tokenizer = SentencepieceTokenizer(model, offset_unit=unit)
        _, starts, ends = tokenizer.tokenize_with_offsets(text)
        assert ends[-1] == size
        assert (starts[1:] >= starts[:-1]).all()


def test_sentencepiece_puts_its_own_pieces_around(model):
    plain = SentencepieceTokenizer(model)
    framed = SentencepieceTokenizer(model, add_bos=True, add_eos=True, reverse=True)
    numbers = plain.tokenize("hello test").tolist()
    tokens, starts, ends = framed.tokenize_with_offsets(["hello test", ""])
    # Beginning and end belong to the text; reversed, they change places with it.
    bos, eos = plain.string_to_id("<s>"), plain.string_to_id("</s>")
    assert tokens.to_list() == [[eos, *numbers[::-1], bos], [eos, bos]]
    assert (starts[0][0], ends[0][0], starts[0][-1], ends[0][-1]) == (0, 0, 0, 0)
    assert framed.detokenize(tokens).to_list() == ["hello test", ""]


def test_sentencepiece_draws_and_gives_several(model):
    drawing = SentencepieceTokenizer(model, nbest_size=-1, alpha=0.1, seed=3)
    ways = {tuple(drawing.tokenize("hello world").tolist()) for _ in range(40)}
    assert len(ways) > 3
    assert {drawing.detokenize(list(way)) for way in ways} == {"hello world"}
    again = [drawing.tokenize(["hello world"] * 5) for drawing.tick in (7, 7, 8)]
    assert again[0] == again[1] != again[2]
    several = SentencepieceTokenizer(model, nbest_size=3, return_nbest=True).tokenize(
        ["hello world"]
    )
    assert len(several) == 3
    assert several[0].tolist() == SentencepieceTokenizer(model).tokenize("hello world").tolist()


def test_sentencepieces_vocabulary(model):
    tokenizer = SentencepieceTokenizer(model)
    size = tokenizer.vocab_size()
    assert 30 < size <= 60
    assert tokenizer.id_to_string(0) == "<unk>"
    assert tokenizer.id_to_string([[1], [2, 0]]).to_list() == [["<s>"], ["</s>", "<unk>"]]
    assert tokenizer.string_to_id(["</s>", "no such"]).tolist() == [2, 0]
    for wrong in ([size], [-1], ["a"], [0.5]):
        with pytest.raises(TextError):
            tokenizer.detokenize([wrong])
        with pytest.raises(TextError):
            tokenizer.id_to_string(wrong)


def test_sentencepiece_reads_malformed_text(model):
    _, starts, ends = SentencepieceTokenizer(model).tokenize_with_offsets(b"he\xffllo")
    assert ends[-1] == 6
    assert (starts < ends).all()
    ignoring = SentencepieceTokenizer(model, malformed="ignore")
    assert ignoring.detokenize(ignoring.tokenize(b"he\xffllo")) == "hello"
    with pytest.raises(MalformedTextError):
        SentencepieceTokenizer(model, malformed="error").tokenize(b"\xff")


@pytest.mark.parametrize(
    "how",
    [{"nbest_size": -2}, {"return_nbest": True}, {"alpha": -1}, {"out_type": "float32"},
     {"nbest_size": 2, "seed": -1}, {"offset_unit": "word"}],
)  # fmt: skip
def test_sentencepieces_arguments_are_checked(model, how):
    with pytest.raises(TextError):
        SentencepieceTokenizer(model, **how)


def piece(text=b"a", score=0.0, kind=1):
    body = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", score)
    body += b"\x18" + bytes([kind])
    return b"\x0a" + bytes([len(body)]) + body


def settings_of(replacements):
    inner = b"\x12" + varint(len(replacements)) + replacements
    return b"\x1a" + varint(len(inner)) + inner


def varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


UNKNOWN = piece(b"<unk>", kind=2)
TRIE = struct.pack("<I", 1024)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"garbage" * 10,
        UNKNOWN + b"\x0a\xff",
        UNKNOWN + b"\x0a\x05abc",
        UNKNOWN + b"\xff" * 11,
        UNKNOWN + b"\x0b",
        UNKNOWN + b"\x08\x01",
        UNKNOWN + UNKNOWN,
        UNKNOWN + piece(b"") ,
        UNKNOWN + piece() + piece(),
        UNKNOWN + piece(b"\xff"),
        UNKNOWN + piece(b"a\0"),
        UNKNOWN + piece(score=float("nan")),
        UNKNOWN + piece(score=float("inf")),
        UNKNOWN + piece(kind=9),
        piece(),
        UNKNOWN + b"\x12\x02\x18\x09",
        UNKNOWN + settings_of(b"abc"),
        UNKNOWN + settings_of(struct.pack("<I", 4096) + bytes(1024) + b"\0"),
        UNKNOWN + settings_of(TRIE + bytes(1024) + b"no end"),
        UNKNOWN + settings_of(TRIE + struct.pack("<256I", *[0x3FF << 10] * 256) + b"\0"),
        UNKNOWN + settings_of(
            TRIE + struct.pack("<256I", 1 << 10 | 1 << 8, 0x80000009, *[0] * 254) + b"a\0"
        ),
    ],
)  # fmt: skip
def test_models_that_are_none_are_refused(bad):
    pytest.importorskip("sentencepiece")
    with pytest.raises(VocabularyError):
        SentencepieceTokenizer(bad)


def test_no_change_of_a_model_gets_past_as_anything_but_an_error(model):
    chance = random.Random(4)
    for _ in range(60):
        changed = bytearray(model)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        cut = changed[: chance.randrange(len(changed))] if chance.random() < 0.3 else changed
        try:
            tokenizer = SentencepieceTokenizer(bytes(cut))
        except VocabularyError:
            continue
        tokenizer.tokenize(SENTENCES)
    with pytest.raises(VocabularyError):
        SentencepieceTokenizer(bytes(1 << 26) + b"\0")
    with pytest.raises(VocabularyError):
        SentencepieceTokenizer("model")


@settings(deadline=None, max_examples=60)
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_byte_level_bpe_loses_nothing(trained, texts):
    tokenizer = ByteLevelBpeTokenizer.from_tokenizer_json(trained)
    tokens, starts, ends = tokenizer.tokenize_with_offsets(texts)
    whole = [text.encode("utf-8", "replace").decode() for text in texts]
    if all(text.isprintable() for text in texts):
        assert tokenizer.detokenize(tokens).to_list() == whole
    for i, text in enumerate(whole):
        data = text.encode()
        for a, b in zip(starts[i].tolist(), ends[i].tolist(), strict=True):
            assert 0 <= a < b <= len(data)
            data[a:b].decode()  # whole characters


def test_byte_level_bpe_is_the_librarys(trained):
    library = pytest.importorskip("tokenizers")
    theirs = library.Tokenizer.from_str(trained)
    texts = [*SENTENCES, "  new\n\nlines\t12345 don't", "a<|end|>b", "", "ﬁ½ Ωmega 語😀"]
    char = ByteLevelBpeTokenizer.from_tokenizer_json(trained, offset_unit="char")
    tokens, _, ends = char.tokenize_with_offsets(texts)
    written = ByteLevelBpeTokenizer.from_tokenizer_json(trained, out_type="string").tokenize(texts)
    for i, text in enumerate(texts):
        found = theirs.encode(text, add_special_tokens=False)
        assert tokens[i].tolist() == found.ids
        assert written[i].to_list() == found.tokens
        # Ours keep the space that theirs trim off a token's beginning.
        assert ends[i].tolist() == [end for _, end in found.offsets]
    assert char.detokenize(tokens).to_list() == texts


def test_byte_level_bpes_vocabulary(trained):
    tokenizer = ByteLevelBpeTokenizer.from_tokenizer_json(trained)
    assert tokenizer.vocab_size() == len(json.loads(trained)["model"]["vocab"])
    assert tokenizer.id_to_string(tokenizer.string_to_id("<|end|>")) == "<|end|>"
    assert tokenizer.string_to_id("no such token") is None
    assert tokenizer.id_to_string([[0]]).to_list() == [["<|end|>"]]
    with pytest.raises(TextError):
        tokenizer.detokenize([tokenizer.vocab_size()])
    with pytest.raises(TextError):
        tokenizer.id_to_string(-1)


def test_byte_level_bpe_reads_malformed_text(trained):
    tokenizer = ByteLevelBpeTokenizer.from_tokenizer_json(trained)
    tokens, _, ends = tokenizer.tokenize_with_offsets([b"a\xff\xe2\x80b"])
    assert ends[0][-1] == 5
    assert tokenizer.detokenize(tokens).to_list() == ["a\ufffd\ufffdb"]


def test_a_small_vocabulary_merges_in_order():
    pytest.importorskip("tokenizers")
    vocab = {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4, "abc": 5, "Ġ": 6}
    first = ByteLevelBpeTokenizer(vocab, [("b", "c"), ("a", "b")])
    other = ByteLevelBpeTokenizer(vocab, [("a", "b"), ("b", "c"), ("ab", "c")])
    assert first.tokenize("abc ab").tolist() == [0, 4, 6, 3]
    assert other.tokenize("abc ab").tolist() == [5, 6, 3]
    spaced = ByteLevelBpeTokenizer(vocab, [], add_prefix_space=True)
    assert spaced.tokenize("ab").tolist() == [6, 0, 1]


@pytest.mark.parametrize(
    ("vocab", "merges", "how"),
    [
        ({}, [], {}),
        ({"a": 0, "b": 0}, [], {}),
        ({"a": -1}, [], {}),
        ({"a": "0"}, [], {}),
        ({"a": True}, [], {}),
        ({"": 0}, [], {}),
        ({"語": 0}, [], {}),
        ({"a": 0}, [("a", "b")], {}),
        ({"a": 0, "b": 1}, [("a", "b")], {}),
        ({"a": 0}, [("a",)], {}),
        ({"a": 0}, [], {"special_tokens": ["x"]}),
        ({"a": 0}, [], {"pattern": "(a+)+$"}),
        ({"a": 0}, [], {"normalization_form": "NFKC"}),
    ],
)
def test_vocabularies_that_contradict_themselves_are_refused(vocab, merges, how):
    pytest.importorskip("tokenizers")
    with pytest.raises(TextError):
        ByteLevelBpeTokenizer(vocab, merges, **how)


def changed(trained, **changes):
    parsed = json.loads(trained)
    for path, value in changes.items():
        *outer, last = path.split("__")
        at = parsed
        for key in outer:
            at = at[key]
        at[last] = value
    return json.dumps(parsed)


@pytest.mark.parametrize(
    "changes",
    [
        {"model__type": "Unigram"},
        {"model__dropout": 0.5},
        {"model__unk_token": "a"},
        {"model__byte_fallback": True},
        {"model__merges": 3},
        {"model__merges": [["a", "b", "c"]]},
        {"model__vocab": []},
        {"normalizer": {"type": "Replace"}},
        {"pre_tokenizer": None},
        {"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated",
             "invert": False}, {"type": "ByteLevel", "use_regex": False}]}},
        {"added_tokens": [{"content": "a", "id": 399_999}]},
        {"added_tokens": [{"content": "new", "id": 5000, "lstrip": True}]},
    ],
)  # fmt: skip
def test_files_that_say_what_is_not_run_are_refused(trained, changes):
    with pytest.raises(VocabularyError):
        ByteLevelBpeTokenizer.from_tokenizer_json(changed(trained, **changes))


@pytest.mark.parametrize("bad", [b"", "{", "[]", "{}", "3", b"\xff", "[" * 100_000, '{"model": 3}'])
def test_files_that_are_none_are_refused(bad):
    with pytest.raises(VocabularyError):
        ByteLevelBpeTokenizer.from_tokenizer_json(bad)
