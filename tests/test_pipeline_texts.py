"""Text to a model's inputs: the order of operations, places in the original, tensors."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.bundle import TensorSpec
from homebody.bundle import text_operations as ops
from homebody.errors import FeatureError, MalformedTextError, SamplesError, VocabularyEntryError
from homebody.pipeline.texts import TextPipeline, Token, read, stored

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "great", "##est", "house", "a", "b", "c"]
PIECES = ops.Wordpiece(entry="vocab.txt", rules="tf", lower_case=True)
COMBINE = ops.CombineSegments(start=2, end=3)


class Entries:
    def __init__(self, vocabulary: str = "\n".join(VOCABULARY)) -> None:
        self.vocabulary = vocabulary

    def text(self, name: str) -> str:
        assert name == "vocab.txt"
        return self.vocabulary


def pad(length: int = 8, **more: Any) -> ops.Pad:
    return ops.Pad(length=length, value=0, dtype="int32", ids="ids", **more)


def pipeline(*operations: Any, vocabulary: str | None = None) -> TextPipeline:
    return TextPipeline(operations, Entries(vocabulary) if vocabulary else Entries())


def ids(text: Any, *operations: Any) -> list[int]:
    found = pipeline(*operations).prepare(text).tensors["ids"]
    assert found.shape == (1, found.size)
    assert found.dtype == np.int32
    return found[0].tolist()


def test_pieces_are_padded_and_cut() -> None:
    assert ids("The greatest house!", PIECES, pad()) == [4, 5, 6, 7, 1, 0, 0, 0]
    assert ids("The greatest house!", PIECES, pad(3)) == [4, 5, 6]
    assert ids("", PIECES, pad(2)) == [0, 0]
    assert ids("a b", PIECES, ops.Pad(length=3, value=7, dtype="int32", ids="ids")) == [8, 9, 7]


def test_segments_are_combined_with_mask_and_numbers() -> None:
    run = pipeline(PIECES, COMBINE, pad(mask="mask", segment_ids="of"))
    made = run.prepare(["the house", "a"]).tensors
    assert made["ids"].tolist() == [[2, 4, 7, 3, 8, 3, 0, 0]]
    assert made["mask"].tolist() == [[1, 1, 1, 1, 1, 1, 0, 0]]
    assert made["of"].tolist() == [[0, 0, 0, 0, 1, 1, 0, 0]]
    assert run.prepare(b"a").tensors["ids"].tolist() == [[2, 8, 3, 0, 0, 0, 0, 0]]


def test_sentences_become_segments() -> None:
    run = pipeline(ops.Sentences(), PIECES, COMBINE, pad(segment_ids="of"))
    made = run.prepare("a b. c").tensors
    assert made["ids"].tolist() == [[2, 8, 9, 1, 3, 10, 3, 0]]
    assert made["of"].tolist() == [[0, 0, 0, 0, 0, 1, 1, 0]]
    assert run.tokens("a b. c")[-1] == Token("c", 10, 5, 6, 0)


def test_every_place_says_which_piece_stands_there() -> None:
    run = pipeline(ops.Sentences(), PIECES, COMBINE, pad())
    assert run.prepare("").places.tolist() == [-1, -1]
    assert run.prepare("a b. c").places.tolist() == [-1, 0, 1, 2, -1, 3, -1]
    assert pipeline(PIECES, pad(2)).prepare("a b c").places.tolist() == [0, 1]


def test_a_tensor_may_be_int64() -> None:
    made = pipeline(PIECES, ops.Pad(length=2, value=0, dtype="int64", ids="x")).prepare("a")
    assert made.tensors["x"].dtype == np.int64


def naive(strategy: str, lengths: list[int], most: int) -> list[int]:
    """How many ids each segment keeps, one at a time."""
    if strategy in ("first", "last"):
        return [min(length, most) for length in lengths]
    if strategy == "shrink_longest":
        kept = list(lengths)
        while sum(kept) > most:
            kept[kept.index(max(kept))] -= 1
        return kept
    kept = [0] * len(lengths)
    while sum(kept) < min(most, sum(lengths)):
        for place, length in enumerate(lengths):
            if kept[place] < length and sum(kept) < most:
                kept[place] += 1
                if strategy == "waterfall":
                    break
    return kept


@pytest.mark.parametrize(
    "strategy", ["first", "last", "round_robin", "shrink_longest", "waterfall"]
)
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=4), most=st.integers(1, 12))
def test_trimming_keeps_what_a_loop_would(strategy: str, lengths: list[int], most: int) -> None:
    texts = [
        " ".join("abc"[(i + j) % 3] for j in range(length)) for i, length in enumerate(lengths)
    ]
    trim = ops.Trim(strategy=strategy, max_length=most)  # type: ignore[arg-type]
    found = pipeline(PIECES, trim).tokens(texts)
    for place, (text, kept) in enumerate(zip(texts, naive(strategy, lengths, most), strict=True)):
        words = text.split()
        expected = words[len(words) - kept :] if strategy == "last" else words[:kept]
        assert [one.text for one in found if one.segment == place] == expected


def test_ngrams_windows_and_shapes() -> None:
    words = ops.Whitespace()
    bigrams = pipeline(words, ops.Ngrams(width=2, separator="_")).tokens("a bb  ccc")
    assert [(one.text, one.start, one.end) for one in bigrams] == [("a_bb", 0, 4), ("bb_ccc", 2, 9)]
    lookup = ops.Lookup(entry="vocab.txt")
    windows = pipeline(words, lookup, ops.SlidingWindow(width=2), pad(3))
    made = windows.prepare("a b c").tensors["ids"]
    assert made.tolist() == [[[8, 9], [9, 10], [0, 0]]]
    assert windows.prepare("").tensors["ids"].shape == (1, 3, 2)
    shape = ops.Wordshape(pattern="IS_UPPERCASE")
    assert ids("HE is NO one", words, shape, pad(5)) == [1, 0, 1, 0, 0]


def test_characters_and_bytes() -> None:
    assert [one.text for one in pipeline(ops.Characters()).tokens("aé😀")] == ["a", "é", "😀"]
    found = pipeline(ops.Bytes()).tokens("é", offsets="byte")
    assert [(one.text, one.start, one.end) for one in found] == [("Ã", 0, 1), ("©", 1, 2)]
    whole = pipeline(ops.Bytes()).tokens("é", offsets="char")
    assert [(one.start, one.end) for one in whole] == [(0, 1), (0, 1)]


FORMS = {
    "nfd": lambda text: unicodedata.normalize("NFD", text),
    "nfkd": lambda text: unicodedata.normalize("NFKD", text),
    "strip_accents": lambda text: "".join(
        one for one in unicodedata.normalize("NFD", text) if unicodedata.category(one) != "Mn"
    ),
}
LETTERS = st.text("abc éÉößﬁ漢한각Å\u0301\u0323\u00a0😀", max_size=20)


@pytest.mark.parametrize("step", FORMS)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(text=LETTERS)
def test_a_token_s_place_holds_what_it_was_made_of(step: str, text: str) -> None:
    run = pipeline(ops.NormalizeText(steps=(step,)), ops.Whitespace())  # type: ignore[arg-type]
    found = run.tokens(text)
    assert [one.text for one in found] == FORMS[step](text).split()
    for one in found:
        assert FORMS[step](text[one.start : one.end]) == one.text
        data = text.encode()
        (in_bytes,) = [
            other for other in run.tokens(text, offsets="byte")
            if (other.text, len(data[: other.start].decode())) == (one.text, one.start)
        ]  # fmt: skip
        assert data[in_bytes.start : in_bytes.end].decode() == text[one.start : one.end]


def test_places_survive_several_steps_and_sentences() -> None:
    steps = ops.NormalizeText(steps=("nfkc", "case_fold", "strip_accents"))
    run = pipeline(ops.Sentences(), steps, ops.Whitespace())
    text = "Ein ÉTÉ. Eﬃzient"
    assert [(one.text, text[one.start : one.end]) for one in run.tokens(text)] == [
        ("ein", "Ein"), ("ete.", "ÉTÉ."), ("effizient", "Eﬃzient"),
    ]  # fmt: skip
    utf16 = run.tokens("😀 É", offsets="utf16")[-1]
    assert (utf16.start, utf16.end) == (3, 4)


def test_a_piece_of_a_changed_token_has_the_token_s_place() -> None:
    run = pipeline(ops.Whitespace(), ops.Ngrams(width=2, separator=""), PIECES)
    assert [(one.text, one.start, one.end) for one in run.tokens("great est")] == [
        ("great", 0, 9), ("##est", 0, 9),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "operations",
    [
        (COMBINE, PIECES),
        (PIECES, PIECES),
        (PIECES, ops.Whitespace()),
        (ops.Whitespace(), pad()),
        (ops.Whitespace(), ops.Trim(strategy="first", max_length=3)),
        (PIECES, ops.SlidingWindow(width=2), COMBINE),
        (PIECES, ops.SlidingWindow(width=2), ops.SlidingWindow(width=2)),
        (PIECES, pad(), pad()),
        (ops.Lookup(entry="vocab.txt"),),
        (ops.Wordshape(pattern="HAS_EMOJI"),),
        (ops.Ngrams(width=2, separator=""),),
        (PIECES, ops.Sentences()),
        (PIECES, ops.NormalizeText(steps=("nfc",))),
        (PIECES, ops.Characters()),
        (PIECES, ops.Bytes()),
        (ops.Viterbi(entry="vocab.txt"),),
    ],
    ids=lambda steps: "-".join(type(one).__name__ for one in steps),
)
def test_an_operation_out_of_its_place_is_refused_at_once(operations: Any) -> None:
    with pytest.raises(FeatureError):
        pipeline(*operations)


def test_what_a_pipeline_cannot_give_is_refused() -> None:
    with pytest.raises(FeatureError, match="no tensors"):
        pipeline(PIECES).prepare("a")
    with pytest.raises(FeatureError, match="no tokens"):
        pipeline(ops.Sentences()).tokens("a")
    with pytest.raises(FeatureError, match="2 segments"):
        pipeline(PIECES, pad()).prepare(["a", "b"])
    with pytest.raises(VocabularyEntryError):
        pipeline(PIECES, vocabulary="a\na\n")
    with pytest.raises(MalformedTextError):
        pipeline(PIECES, pad()).prepare(b"\xff")


def test_what_would_fill_the_memory_is_refused() -> None:
    lookup = ops.Lookup(entry="vocab.txt")
    huge = (ops.Whitespace(), lookup, ops.SlidingWindow(width=4096), pad(65536))
    with pytest.raises(FeatureError, match="268435456 numbers"):
        pipeline(*huge)
    ngrams = [ops.Ngrams(width=64, separator="-" * 16)] * 6
    run = pipeline(ops.Whitespace(), *ngrams)
    with pytest.raises(FeatureError, match="n-grams"):
        run.tokens("a " * 1000)
    assert pipeline(ops.Whitespace(), ngrams[0]).tokens("a " * 64)[0].text.count("a") == 64


def test_the_tensors_must_be_the_model_s_inputs() -> None:
    run = pipeline(PIECES, pad(4, mask="mask"))
    fitting = TensorSpec(name="ids", shape=(1, 4), dtype="int32")
    mask = TensorSpec(name="mask", shape=(1, 4), dtype="int32")
    run.require([fitting, mask])
    for wrong in ([fitting], [fitting, TensorSpec(name="mask", shape=(1, 5), dtype="int32")],
                  [fitting, TensorSpec(name="mask", shape=(1, 4), dtype="float32")]):  # fmt: skip
        with pytest.raises(FeatureError, match="takes"):
            run.require(wrong)


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.one_of(st.text(min_size=1), st.lists(st.text(), min_size=2, max_size=4)))
def test_a_sample_holds_a_text(text: Any) -> None:
    held = read(stored(text))
    mended = [
        one.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        for one in ([text] if isinstance(text, str) else text)
    ]
    assert held == (mended[0] if isinstance(text, str) else mended)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(3, np.int8), np.zeros((1, 3), np.uint8), np.frombuffer(b"\xc3", np.uint8)],
)
def test_a_sample_that_is_no_text_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(SamplesError):
        read(wrong)
