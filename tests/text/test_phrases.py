"""Phrases, against the rule in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import TextError, VocabularyError
from homebody.text import PhraseTokenizer
from homebody.text._random import PHRASING, drawn

WORD = st.sampled_from(["a", "b", "ab", "é", "語", "long-word"])
PHRASE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)
VOCABULARY = st.lists(PHRASE, unique=True, max_size=12).map(lambda found: [*found, "<UNK>"])
SPACE = st.sampled_from([" ", "  ", "\n", "\u3000"])
TEXT = st.lists(st.tuples(SPACE, WORD), max_size=8).map(lambda f: "".join(a + b for a, b in f))


def by_hand(text, vocabulary, take):
    """Tokens as (phrase, start, end); take(token, k) says whether a shorter phrase will do."""
    words, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        words.append((word, at, at + len(word)))
        at += len(word)
    found, first = [], 0
    while first < len(words):
        best, number = None, 0
        for last in range(first, len(words)):
            phrase = " ".join(word for word, _, _ in words[first : last + 1])
            if phrase in vocabulary:
                best = (phrase, words[first][1], words[last][2], last)
                if take(number):
                    break
                number += 1
        if best is None:
            best = ("<UNK>", words[first][1], words[first][2], first)
        found.append(best[:3])
        take.token += 1
        first = best[3] + 1
    return found


class Taking:
    """The documented random numbers."""

    def __init__(self, prob, seed, tick):
        self.prob, self.seed, self.tick, self.token = prob, seed, tick, 0

    def __call__(self, number):
        assert number < 4  # further words have another counter
        word = int(drawn(self.seed, self.tick, PHRASING, self.token + 1)[number, -1])
        return word < round(self.prob / 100 * 2**32)


@settings(deadline=None)
@given(
    vocabulary=VOCABULARY,
    texts=st.lists(TEXT, min_size=1, max_size=4),
    prob=st.sampled_from([0, 30, 100]),
    seed=st.integers(0, 2**64 - 1),
)
def test_phrases_are_those_of_the_rule(vocabulary, texts, prob, seed):
    tokenizer = PhraseTokenizer(vocabulary, "string", prob=prob, seed=seed, offset_unit="char")
    tokenizer.tick = 3
    tokens, starts, ends = tokenizer.tokenize_with_offsets(texts)
    take = Taking(prob, seed, 3)
    for i, text in enumerate(texts):
        expected = by_hand(text, vocabulary, take)
        assert tokens[i].to_list() == [phrase for phrase, _, _ in expected]
        assert starts[i].tolist() == [start for _, start, _ in expected]
        assert ends[i].tolist() == [end for _, _, end in expected]
    tokenizer.tick = 3
    assert tokenizer.tokenize(texts) == tokens
    assert tokenizer.tick == 4


def test_numbers_come_back_as_text():
    tokenizer = PhraseTokenizer(["I have", "a", "dream", "<UNK>"])
    numbers = tokenizer.tokenize(["I  have a\ndream", "no a"])
    assert numbers.to_list() == [[0, 1, 2], [3, 1]]
    assert numbers.values.dtype == np.int32
    assert PhraseTokenizer(["a", "<UNK>"], "int64").tokenize("a a").dtype == np.int64
    assert tokenizer.detokenize(numbers).to_list() == ["I have a dream", "<UNK> a"]
    assert tokenizer.detokenize([0, 2]) == "I have dream"
    assert tokenizer.detokenize([[[0], []], [[2, 1]]]).to_list() == [["I have", ""], ["dream a"]]
    assert tokenizer.vocab_size() == 4


def test_a_long_vocabulary_needs_a_longer_table():
    vocabulary = [" ".join(f"w{i + k}" for k in range(20)) for i in range(300)]
    tokens = PhraseTokenizer([*vocabulary, "<UNK>"]).tokenize(" ".join(vocabulary))
    assert tokens.tolist() == list(range(300))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: PhraseTokenizer(["a"]), VocabularyError),
        (lambda: PhraseTokenizer(["a", "a", "<UNK>"]), VocabularyError),
        (lambda: PhraseTokenizer(["a" * 1025, "<UNK>"]), VocabularyError),
        (lambda: PhraseTokenizer([3, "<UNK>"]), TextError),
        (lambda: PhraseTokenizer(["<UNK>"], prob=101), TextError),
        (lambda: PhraseTokenizer(["<UNK>"], prob=float("nan")), TextError),
        (lambda: PhraseTokenizer(["<UNK>"], seed=-1), TextError),
        (lambda: PhraseTokenizer(["<UNK>"], "float32"), TextError),
        (lambda: PhraseTokenizer(["<UNK>"]).detokenize([1]), TextError),
        (lambda: PhraseTokenizer(["<UNK>"]).detokenize([[-1]]), TextError),
        (lambda: PhraseTokenizer(["<UNK>"]).detokenize([["x"]]), TextError),
        (
            lambda: PhraseTokenizer(["<UNK>"], support_detokenization=False).detokenize([0]),
            TextError,
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, error):
    with pytest.raises(error):
        make()
