"""Model input, sentences and words of labels against TF.Text: run with ``-m oracle``."""

from __future__ import annotations

import io
import random
from collections import Counter

import numpy as np
import pytest

from homebody.text import (
    FirstNItemSelector,
    ItemSelector,
    LastNItemSelector,
    MaskValuesChooser,
    PhraseTokenizer,
    Ragged,
    RandomItemSelector,
    RoundRobinTrimmer,
    SentencepieceTokenizer,
    ShrinkLongestTrimmer,
    SplitMergeFromLogitsTokenizer,
    SplitMergeTokenizer,
    StateBasedSentenceBreaker,
    WaterfallTrimmer,
    combine_segments,
    concatenate_segments,
    count_words,
    gather_with_default,
    learn_vocabulary_from_counts,
    mask_language_model,
    pad_model_inputs,
    regex_split_with_offsets,
)
from tests.text import corpus

pytestmark = pytest.mark.oracle
CHUNK = 20_000


@pytest.fixture(scope="module")
def tft():
    return pytest.importorskip("tensorflow_text")


def lists(chance, levels, most):
    if levels == 0:
        return chance.randint(0, 9)
    return [lists(chance, levels - 1, most) for _ in range(chance.randint(levels == 1, most))]


def ragged(rows, levels, dtype=np.int64):
    values, splits = rows, []
    for _ in range(levels):
        splits.append(np.cumsum([0, *map(len, values)]))
        values = [value for row in values for value in row]
    return Ragged(np.array(values, dtype), *splits)


def random_segments(chance, levels, most=5):
    batch = chance.randint(1, 5)
    return [
        ragged(
            [[lists(chance, levels - 1, most) for _ in range(chance.randint(0, most))]
             for _ in range(batch)],
            levels,
        )
        for _ in range(chance.randint(1, 4))
    ]  # fmt: skip


def same(ours, theirs):
    assert ours == Ragged.from_tf(theirs), (ours.to_list(), theirs.to_list())


@pytest.mark.parametrize("kind", [WaterfallTrimmer, RoundRobinTrimmer, ShrinkLongestTrimmer])
def test_trimmers_of_rows(tft, kind):
    chance = random.Random(1)
    for _ in range(150):
        segments = random_segments(chance, 1)
        most = chance.randint(0, 12)
        theirs = getattr(tft, kind.__name__)(most)
        tensors = [segment.to_tf() for segment in segments]
        for mine, other in zip(kind(most).trim(segments), theirs.trim(tensors), strict=True):
            same(mine, other)
        masks = theirs.generate_mask(tensors)
        for mine, other in zip(kind(most).generate_mask(segments), masks, strict=True):
            same(mine, other)


@pytest.mark.parametrize("kind", [WaterfallTrimmer, RoundRobinTrimmer, ShrinkLongestTrimmer])
@pytest.mark.parametrize("axis", [1, -1])
def test_trimmers_of_words(tft, kind, axis):
    # TF.Text's round robin goes past the length when another row of its batch has room left, and
    # its masks have True for empty words past the length: one row at a time, and no empty words.
    chance = random.Random(2)
    for _ in range(100):
        segments = [
            ragged([[[1] * chance.randint(1, 4) for _ in range(chance.randint(0, 4))]], 2)
            for _ in range(3)
        ]
        most = chance.randint(0, 12)
        theirs = getattr(tft, kind.__name__)(most, axis)
        tensors = [segment.to_tf() for segment in segments]
        found = theirs.generate_mask(tensors)
        for mine, other in zip(kind(most, axis).generate_mask(segments), found, strict=True):
            same(mine, other)


def test_a_waterfall_of_a_length_a_row(tft):
    chance = random.Random(3)
    for _ in range(60):
        segments = random_segments(chance, 1)
        most = np.array([chance.randint(0, 9) for _ in range(len(segments[0]))], np.int32)
        theirs = tft.WaterfallTrimmer(most).trim([segment.to_tf() for segment in segments])
        for mine, other in zip(WaterfallTrimmer(most).trim(segments), theirs, strict=True):
            same(mine, other)


def test_selectors(tft):
    chance = random.Random(4)
    for _ in range(100):
        rows = random_segments(chance, 1, 8)[0]
        number, barred = chance.randint(0, 5), chance.sample(range(10), chance.randint(0, 4))
        for kind in (FirstNItemSelector, LastNItemSelector):
            theirs = getattr(tft, kind.__name__)(number, barred)
            found = theirs.get_selection_mask(rows.to_tf(), 1)
            same(kind(number, barred).get_selection_mask(rows, 1), found)
        words = ragged([[[1, 2]], *([[lists(chance, 1, 3)] * 3] * 2)], 2)
        found = tft.RandomItemSelector(1, 1.0, barred).get_selectable(words.to_tf(), 1)
        same(ItemSelector(barred).get_selectable(words, 1), found)


def test_random_selection_by_a_given_shuffling(tft):
    chance = random.Random(5)
    for _ in range(60):
        rows = random_segments(chance, 1, 9)[0]
        if not len(rows.values):
            continue
        most, rate = chance.randint(0, 5), chance.choice([0.0, 0.15, 0.3, 1 / 3, 0.6, 1.0])
        theirs = tft.RandomItemSelector(most, rate, [0, 3], shuffle_fn=lambda x: x[::-1])
        ours = RandomItemSelector(most, rate, [0, 3], shuffle_fn=lambda x: x[::-1])
        same(ours.get_selection_mask(rows, 1), theirs.get_selection_mask(rows.to_tf(), 1))


@pytest.mark.parametrize("rates", [(1.0, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("levels", [1, 2])
def test_masked_language_model(tft, rates, levels):
    chance = random.Random(6)
    for _ in range(60):
        # Of empty words TF.Text selects all.
        rows = ragged(
            [[lists(chance, levels - 1, 4) for _ in range(chance.randint(0, 5))] for _ in range(3)],
            levels,
        )
        number = chance.randint(0, 4)
        theirs = tft.mask_language_model(
            rows.to_tf(),
            tft.FirstNItemSelector(number, [1, 2]),
            tft.MaskValuesChooser(50, 77, *rates),
        )
        ours = mask_language_model(
            rows, FirstNItemSelector(number, [1, 2]), MaskValuesChooser(50, 77, *rates)
        )
        for mine, other in zip(ours, theirs, strict=True):
            same(mine, other)


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_segments(tft, levels, dtype):
    chance = random.Random(7)
    for _ in range(30):
        segments = [
            segment.with_flat_values(segment.flat_values.astype(dtype))
            for segment in random_segments(chance, levels, 3)
        ]
        tensors = [segment.to_tf() for segment in segments]
        for mine, other in zip(
            combine_segments(segments, 101, 102),
            tft.combine_segments(tensors, 101, 102),
            strict=True,
        ):
            same(mine, other)
            assert mine.flat_values.dtype == other.dtype.as_numpy_dtype
        for mine, other in zip(
            concatenate_segments(segments), tft.concatenate_segments(tensors), strict=True
        ):
            same(mine, other)
        width, filling = chance.randint(0, 9), chance.randint(-3, 3)
        for mine, other in zip(
            pad_model_inputs(segments[0], width, filling),
            tft.pad_model_inputs(tensors[0], width, filling),
            strict=True,
        ):
            assert mine.dtype == other.dtype.as_numpy_dtype
            np.testing.assert_array_equal(mine, other.numpy())


def test_gathering(tft):
    rng = np.random.default_rng(8)
    for axis in (0, 1, 2, -1):
        params = rng.integers(0, 99, (3, 4, 5))
        indices = rng.integers(-1, params.shape[axis], (2, 3))
        default = rng.integers(0, 9, params.shape[axis % 3 + 1 :])
        theirs = tft.gather_with_default(params, indices, default, axis=axis)
        np.testing.assert_array_equal(
            gather_with_default(params, indices, default, axis=axis), theirs.numpy()
        )


def chunks(texts):
    for i in range(0, len(texts), CHUNK):
        yield texts[i : i + CHUNK]


def differing_sentences(tft, texts, **how):
    ours = StateBasedSentenceBreaker(**how)
    for part in chunks(texts):
        theirs = tft.StateBasedSentenceBreaker().break_sentences_with_offsets(part)
        found = ours.break_sentences_with_offsets(part)
        equal = [mine == Ragged.from_tf(other) for mine, other in zip(found, theirs, strict=True)]
        if not all(equal):
            starts = Ragged.from_tf(theirs[1])
            ends = Ragged.from_tf(theirs[2])
            for i, text in enumerate(part):
                if not (
                    np.array_equal(found[1][i], starts[i]) and np.array_equal(found[2][i], ends[i])
                ):
                    yield text


def test_sentences_of_the_corpus(tft):
    assert not list(differing_sentences(tft, corpus.documents(), compat="tf_text"))


def test_sentences_of_hostile_strings(tft):
    hostile = [text for text in corpus.hostile() if len(text) < 100_000]
    assert not list(differing_sentences(tft, hostile, compat="tf_text"))


def test_sentences_about_every_character(tft):
    # Alone after a letter, after an end, and after a closing bracket.
    texts = [
        f"a{chr(code)}b!{chr(code)}x!){chr(code)}y"
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000
    ]
    assert not list(differing_sentences(tft, texts, compat="tf_text"))


def test_our_sentences_differ_after_white_space_of_several_bytes_alone(tft):
    wide = "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
    texts = corpus.documents()[:CHUNK]
    differing = list(differing_sentences(tft, texts))
    assert differing
    assert all(any(c in text for c in wide) for text in differing)


def test_words_of_labels(tft):
    chance = random.Random(9)
    texts = [t[:200] for t in chance.sample(corpus.documents(), 5_000)]
    texts += [
        "".join(chance.choices("ab é\u3000\n😀", k=chance.randint(0, 9))) for _ in range(5_000)
    ]
    labels = [[chance.randint(0, 1) for _ in range(len(t) + chance.randint(0, 2))] for t in texts]
    rows = ragged(labels, 1, np.int32)
    for force in (True, False):
        theirs = tft.SplitMergeTokenizer().tokenize_with_offsets(texts, rows.to_tf(), force)
        ours = SplitMergeTokenizer().tokenize_with_offsets(texts, rows, force)
        for mine, other in zip(ours, theirs, strict=True):
            assert mine == Ragged.from_tf(other)
        width = max(map(len, labels))
        logits = np.random.default_rng(1).integers(0, 3, (len(texts), width, 2)).astype(np.float32)
        theirs = tft.SplitMergeFromLogitsTokenizer(force).tokenize_with_offsets(texts, logits)
        ours = SplitMergeFromLogitsTokenizer(force).tokenize_with_offsets(texts, logits)
        for mine, other in zip(ours, theirs, strict=True):
            assert mine == Ragged.from_tf(other)


def test_a_vocabulary_is_learned_as_theirs():
    theirs = pytest.importorskip(
        "tensorflow_text.tools.wordpiece_vocab.wordpiece_tokenizer_learner_lib"
    )
    chance = random.Random(10)
    counts = count_words(corpus.documents()[:100], lower_case=True)
    for size, settings in (
        (1500, {}),
        (500, {"lower_thresh": 2, "num_iterations": 2}),
        (400, {"include_joiner_token": False, "max_input_tokens": 500, "slack_ratio": 0.0}),
        (600, {"max_unique_chars": 30, "max_token_length": 8, "upper_thresh": 40}),
    ):
        ours = learn_vocabulary_from_counts(counts, size, ["[UNK]"], compat="tf_text", **settings)
        assert ours == theirs.learn(dict(counts), size, ["[UNK]"], **settings)
    for _ in range(150):
        words = {
            "".join(chance.choices("abcd", k=chance.randint(1, 8))): chance.randint(1, 30)
            for _ in range(chance.randint(1, 40))
        }
        size, rounds = chance.randint(5, 80), chance.randint(1, 5)
        settings = {"lower_thresh": chance.choice([1, 2, 5, None]), "num_iterations": rounds}
        ours = learn_vocabulary_from_counts(words, size, ["ab"], compat="tf_text", **settings)
        assert ours == theirs.learn(dict(words), size, ["ab"], **settings)


def test_words_are_counted_as_theirs():
    bert = pytest.importorskip("tensorflow_text.python.ops.bert_tokenizer")
    texts = random.Random(11).sample(corpus.documents(), 3_000)
    for lower in (False, True):
        basic = bert.BasicTokenizer(lower_case=lower)
        theirs = Counter(
            word.decode() for word in basic.tokenize(texts).flat_values.numpy().tolist()
        )
        assert count_words(texts, lower_case=lower) == theirs


@pytest.mark.parametrize("prob", [0, 100])
def test_phrases(tft, prob):
    chance = random.Random(12)
    # TF.Text's words end one byte short before white space of several bytes: ASCII's alone.
    texts = [" ".join(t[:200].split()) for t in chance.sample(corpus.documents(), 3_000)]
    words = [text.split() for text in texts]
    vocabulary = {" ".join(row[i : i + chance.randint(1, 4)]) for row in words[:1_500]
                  for i in range(len(row)) if chance.random() < 0.5}  # fmt: skip
    vocabulary = [*sorted(vocabulary), "<UNK>"]
    theirs = tft.PhraseTokenizer(vocabulary, prob=prob)
    ours = PhraseTokenizer(vocabulary, prob=prob)
    numbers = ours.tokenize(texts)
    assert numbers == Ragged.from_tf(theirs.tokenize(texts))
    found = theirs.detokenize(numbers.to_tf()).numpy().tolist()
    assert ours.detokenize(numbers).to_bytes_list() == found


def test_sentencepiece(tft):
    library = pytest.importorskip("sentencepiece")
    texts = [text[:300] for text in random.Random(13).sample(corpus.documents(), 4_000)]
    for kind in ("unigram", "bpe"):
        written = io.BytesIO()
        library.SentencePieceTrainer.train(
            sentence_iterator=iter(texts[:1_000]), model_writer=written, vocab_size=4_000,
            model_type=kind, minloglevel=2, num_threads=1, character_coverage=0.98,
        )  # fmt: skip
        model = written.getvalue()
        for how in ({}, {"add_bos": True}, {"add_eos": True, "reverse": True}):
            theirs = tft.SentencepieceTokenizer(model, **how)
            ours = SentencepieceTokenizer(model, **how)
            found = ours.tokenize_with_offsets(texts)
            expected = theirs.tokenize_with_offsets(texts)
            numbers = Ragged.from_tf(expected[0])
            equal = [np.array_equal(found[0][i], numbers[i]) for i in range(len(texts))]
            # Of equally good ways the two versions of the library may take different ones.
            scores = library.SentencePieceProcessor(model_proto=model).get_score
            for i in np.flatnonzero(~np.array(equal)):
                mine, other = (sum(map(scores, row[i].tolist())) for row in (found[0], numbers))
                assert abs(mine - other) < 1e-3
            assert sum(equal) > 0.99 * len(texts)
            for mine, other in zip(found, expected, strict=True):
                rows = Ragged.from_tf(other)
                assert all(np.array_equal(mine[i], rows[i]) for i in np.flatnonzero(equal))
            if not how:
                back = theirs.detokenize(found[0].to_tf()).numpy().tolist()
                assert ours.detokenize(found[0]).to_bytes_list() == back
        several = SentencepieceTokenizer(model, nbest_size=2, return_nbest=True)
        if kind == "unigram":
            theirs = tft.SentencepieceTokenizer(model, nbest_size=2, return_nbest=True)
            rows = Ragged.from_tf(theirs.tokenize(texts[:200]))
            assert len(several.tokenize(texts[:200])) == len(rows)


PUNCTUATION = r"[!-/]|[:-@]|[\[-`]|[{-~]|[\p{P}]"
IDEOGRAPHS = r"[\x{4E00}-\x{9FFF}]|[\x{3400}-\x{4DBF}]|[\x{20000}-\x{2A6DF}]"


@pytest.mark.parametrize(
    ("split", "keep"),
    [
        (rf"\s+|{PUNCTUATION}|{IDEOGRAPHS}", rf"{PUNCTUATION}|{IDEOGRAPHS}"),
        (r"\r?\n", ""),
        (r"\pL+", r"\p{Lu}\pL*"),
        (r"[^\p{Latin}\p{Cyrillic}]+", r"[[:punct:]]+"),
        (r"(?i)(the|a|of)\b ?", "the ?"),
        (r"\w+?[aeiou]{1,2}|\d{2,3}?", r"\d+"),
        (r"(a|ab)(c|bcd)|[.,;] ", r"\S"),
        (r"\p{M}|\p{Nd}+|\p{Z}", r"\p{^Z}+"),
    ],
)
def test_patterns(tft, split, keep):
    # TF.Text's text ends at NUL, and what is not UTF-8 matches nothing.
    texts = random.Random(14).sample(corpus.documents(), 20_000)
    for part in chunks(texts):
        theirs = tft.regex_split_with_offsets(part, split, keep)
        ours = regex_split_with_offsets(part, split, keep)
        for mine, other in zip(ours, theirs, strict=True):
            assert mine == Ragged.from_tf(other)
