"""The learner of vocabularies, against its rule written out in Python."""

from __future__ import annotations

import collections

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import TextError
from homebody.text import (
    BertTokenizer,
    count_words,
    learn_vocabulary,
    learn_vocabulary_from_counts,
)

COUNTS = st.dictionaries(
    st.text(st.sampled_from("abcé😀"), min_size=1, max_size=6), st.integers(1, 9), min_size=1
)


def pieces_by_hand(counts, least, rounds, joiner, *, tf_text=False):
    """Kept pieces of two characters or more, as (within a word?, characters): count."""
    kept = {}
    for number in range(rounds):
        seen = collections.Counter()
        for word, count in counts.items():
            at = 0
            while at < len(word):
                inside = bool(joiner) and at > 0
                for end in range(at + 1, len(word) + 1):
                    seen[inside, word[at:end]] += count
                size = 1
                if number:
                    rest = word[at:]
                    size = max(
                        [1, *(n for n in range(2, len(rest) + 1) if (inside, rest[:n]) in kept)]
                    )
                at += size
        kept = {}
        for inside, piece in sorted(seen, key=lambda key: -len(key[1])):
            count = seen[inside, piece]
            if count >= least:
                kept[inside, piece] = count
            if count >= least or tf_text:
                for n in range(1, len(piece)):
                    seen[inside, piece[:n]] -= count
    return kept


@pytest.mark.parametrize("compat", [None, "tf_text"])
@settings(deadline=None)
@given(counts=COUNTS, least=st.integers(1, 6), rounds=st.integers(1, 4), joiner=st.booleans())
def test_the_pieces_are_those_of_the_rule(compat, counts, least, rounds, joiner):
    found = learn_vocabulary_from_counts(
        counts, 10_000, ["[UNK]"], upper_thresh=least, lower_thresh=least, slack_ratio=0.0,
        num_iterations=rounds, include_joiner_token=joiner, compat=compat,
    )  # fmt: skip
    # The bounds are clipped to the words' counts: what is looked for lies between both.
    most = max(counts.values()) if compat else sum(counts.values())
    least = (min(most, least) + max(min(counts.values()), least)) // 2
    by_hand = pieces_by_hand(counts, least, rounds, joiner, tf_text=compat is not None)
    characters = sorted({c for word in counts for c in word})
    tokens = {c: by_hand.get((False, c), 1) for c in characters}
    if joiner:
        tokens |= {f"##{c}": by_hand.get((True, c), 1) for c in characters}
    tokens |= {("##" if inside else "") + piece: n for (inside, piece), n in by_hand.items()}
    ordered = sorted(tokens, key=lambda token: (-tokens[token], token))
    assert found == list(dict.fromkeys(["[UNK]", *characters, *ordered]))


@settings(deadline=None, max_examples=30)
@given(
    texts=st.lists(st.text(st.sampled_from("abcdé ,\u3000😀語"), max_size=20), min_size=1),
    size=st.integers(20, 80),
    lower=st.booleans(),
)
def test_no_learning_text_has_an_unknown_word(texts, size, lower):
    if not count_words(texts, lower_case=lower):
        with pytest.raises(TextError):
            learn_vocabulary(texts, size, lower_case=lower)
        return
    found = learn_vocabulary(texts, size, ["[UNK]"], lower_case=lower, lower_thresh=1)
    assert found[0] == "[UNK]"
    assert len(set(found)) == len(found)
    bert = BertTokenizer(found, lower_case=lower, token_out_type="string")
    tokens = bert.tokenize(texts)
    assert "[UNK]" not in tokens.flat_values.to_list()
    assert found == learn_vocabulary(iter(texts), size, ["[UNK]"], lower_case=lower, lower_thresh=1)


def test_the_size_is_kept_to():
    counts = {f"{a}{b}{c}er": 1 + (a * 7 + b * 3 + c) % 40 for a in range(9) for b in range(9)
              for c in range(9)}  # fmt: skip
    for size in (60, 200, 700):
        found = learn_vocabulary_from_counts(counts, size, ["[PAD]", "[UNK]"], lower_thresh=1)
        assert len(found) <= size
        assert found[:2] == ["[PAD]", "[UNK]"]


def test_rare_characters_and_long_words_are_left_out():
    counts = {"aab": 5, "aac": 4, "z" * 30: 9, "q": 1}
    found = learn_vocabulary_from_counts(
        counts, 50, max_unique_chars=3, max_token_length=9, lower_thresh=1
    )
    assert {"a", "b", "c"} <= set(found)
    assert not any("z" in token or "q" in token for token in found)
    few = learn_vocabulary_from_counts(counts, 50, max_input_tokens=1, lower_thresh=1)
    assert set("".join(few)) == set("z#")


def test_words_are_counted_as_bert_splits_them():
    assert count_words(["Äpfel, äpfel!", "x語y"], lower_case=True) == {
        "apfel": 2, ",": 1, "!": 1, "x": 1, "語": 1, "y": 1,
    }  # fmt: skip
    assert count_words([["Ab\u200bc"], "d"]) == {"Ab": 1, "c": 1, "d": 1}
    assert count_words("one text") == {"one": 1, "text": 1}


@pytest.mark.parametrize(
    "make",
    [
        lambda: learn_vocabulary_from_counts({}, 10),
        lambda: learn_vocabulary_from_counts({"a": 0}, 10),
        lambda: learn_vocabulary_from_counts({"a": 2**62}, 10),
        lambda: learn_vocabulary_from_counts({"a": 1}, 0),
        lambda: learn_vocabulary_from_counts({"a": 1}, 10, num_iterations=0),
        lambda: learn_vocabulary_from_counts({"a": 1}, 10, max_token_length=256),
        lambda: learn_vocabulary_from_counts({"a": 1}, 10, slack_ratio=1.0),
        lambda: learn_vocabulary_from_counts({"a": 1}, 10, compat="x"),
        lambda: learn_vocabulary([""], 10),
        lambda: learn_vocabulary([3], 10),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    with pytest.raises(TextError):
        make()


def test_all_words_may_be_left_out():
    assert learn_vocabulary_from_counts({"abc": 3}, 10, ["[UNK]"], max_token_length=2) == ["[UNK]"]
