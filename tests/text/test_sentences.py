"""Sentences, against the rule as a regular expression, and words of labels against Python."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homebody.errors import MalformedTextError, RaggedError, TextError
from homebody.text import (
    Ragged,
    SplitMergeFromLogitsTokenizer,
    SplitMergeTokenizer,
    StateBasedSentenceBreaker,
)

PIECES = (
    *(".", "...", "…", "!", "?", "。", "、", ")", "]", "}", ">", '"', "''", ":)", ":", "X(", "O.O"),
    *(
        "U.S.",
        "A.",
        "a",
        "B",
        "É",
        "😀",
        "\0",
        "»",
        "”",
        "(",
        "[",
        "．",
        " ",
        "\n",
        "\u3000",
        "\x85",
    ),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)

# The emoticons that can be made of these pieces.
FACE = r"(?::\(:\)|:X\)|>:\(|>:\)|>:O|>:\[|\}:\)|:\)|:\(|:\]|:\[|:>|:\}|:O|:S|B\)|X\(|O\.O)"
TERMINAL = r"[.!?…。．]"
CLOSING = r"[)\]}>、。．]"
ENDING = rf"(?:{FACE}|(?:[A-Z]\.){{2,}}|\.\.\.|{TERMINAL})"
SENTENCE = re.compile(
    rf"(?=\S)(?:(?!{ENDING}).)*"
    rf"(?:{ENDING}(?:{FACE}|\.\.\.|{TERMINAL})*"
    rf"(?:{CLOSING}(?:{FACE}|\.\.\.|…|{CLOSING})*)?)?",
    re.DOTALL,
)


def spans_of(text):
    found, at = [], 0
    while (match := SENTENCE.search(text, at)) is not None:
        found.append(match.span())
        at = match.end()
    return found


@settings(deadline=None, max_examples=400)
@given(texts=st.lists(TEXTS, max_size=4))
@example(texts=["Hi.)。", "a!?。)!", "x...)...:)]!", "U.S.A. U.S", "\u3000。\u3000a", ""])
def test_sentences_are_those_of_the_rule(texts):
    sentences, starts, ends = StateBasedSentenceBreaker(
        offset_unit="char"
    ).break_sentences_with_offsets(texts)
    for i, text in enumerate(texts):
        spans = spans_of(text)
        assert list(zip(starts[i].tolist(), ends[i].tolist(), strict=True)) == spans
        assert sentences[i].to_list() == [text[a:b] for a, b in spans]


def test_every_terminal_and_closing_character_counts():
    # Unicode 16's Sentence_Break=ATerm and STerm, some of each block; and Line_Break CL and CP.
    for end in ".!?։؟۔܀।၊።᠃‼⁇․⸮。꓿﹒！．｡𐩖𑁇𝪈\u037e՜՞។…":
        found = StateBasedSentenceBreaker().break_sentences(f"a{end}b")
        assert found.to_list() == [f"a{end}", "b"], end
    for closing in ")]}>༻⁆❩⟧⦄⸣〉」】、﴿﹚，］｣､":
        found = StateBasedSentenceBreaker().break_sentences(f"a!{closing}b")
        assert found.to_list() == [f"a!{closing}", "b"], closing
    for other in "\"'”»,;:-([{<„":
        found = StateBasedSentenceBreaker().break_sentences(f"a!{other}b")
        assert found.to_list() == ["a!", f"{other}b"], other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello...foo bar", ["Hello...", "foo bar"]),
        ("Welcome to the U.S. don't be surprised", ["Welcome to the U.S.", "don't be surprised"]),
        ("Dr. Who", ["Dr.", "Who"]),
        ('"Go!" he said.', ['"Go!', '" he said.']),
        ("Nice :-) isn't it", ["Nice :-)", "isn't it"]),
        (" \n\t ", []),
        ("", []),
        ("no end  ", ["no end  "]),
    ],
)
def test_sentences_of_known_texts(text, expected):
    assert StateBasedSentenceBreaker().break_sentences(text).to_list() == expected


def test_units_bytes_and_nesting():
    breaker = StateBasedSentenceBreaker(offset_unit="utf16")
    sentences, starts, ends = breaker.break_sentences_with_offsets([["😀é! b"], []])
    assert sentences.to_list() == [[["😀é!", "b"]], []]
    assert starts.to_list() == [[[0, 5]], []]
    assert ends.to_list() == [[[4, 6]], []]
    _, starts, ends = StateBasedSentenceBreaker().split_with_offsets("😀é! b")
    assert (starts.tolist(), ends.tolist()) == ([0, 8], [7, 9])


def test_malformed_text_is_replaced_left_out_or_refused():
    text = b"a\xff! \xe2\x80"
    sentences, _, ends = StateBasedSentenceBreaker().break_sentences_with_offsets(text)
    assert sentences.to_list() == ["a\ufffd!", "\ufffd"]
    assert ends.tolist() == [3, 6]
    ignoring = StateBasedSentenceBreaker(malformed="ignore")
    assert ignoring.break_sentences([text]).to_list() == [["a!"]]
    with pytest.raises(MalformedTextError):
        StateBasedSentenceBreaker(malformed="error").break_sentences([text])
    with pytest.raises(TextError):
        StateBasedSentenceBreaker(compat="other")


def test_tf_texts_own_way_begins_within_a_character():
    sentences, starts, _ = StateBasedSentenceBreaker(compat="tf_text").break_sentences_with_offsets(
        "a. \u3000b"
    )
    assert starts.tolist() == [0, 4]
    assert sentences.to_bytes_list() == [b"a.", b"\x80\x80b"]


LETTERS = st.text(st.sampled_from("ab é\u3000\n😀"), max_size=8)


def words_of(text, labels, force):
    words, after_space = [], False
    for i, (letter, label) in enumerate(zip(text, labels, strict=False)):
        if letter.isspace():
            after_space = True
            continue
        if not words or label == 0 or (after_space and force):
            words.append([i, i + 1, letter])
        else:
            words[-1][1], words[-1][2] = i + 1, words[-1][2] + letter
        after_space = False
    return words


@settings(deadline=None)
@given(data=st.data(), texts=st.lists(LETTERS, max_size=4), force=st.booleans())
def test_words_are_those_of_the_labels(data, texts, force):
    labels = [
        [data.draw(st.integers(0, 2)) for _ in range(len(text) + data.draw(st.integers(0, 2)))]
        for text in texts
    ]
    rows = Ragged.from_row_lengths(
        np.array([x for row in labels for x in row], np.int64), [len(row) for row in labels]
    )
    words, starts, ends = SplitMergeTokenizer(offset_unit="char").tokenize_with_offsets(
        texts, rows, force
    )
    pairs = [[[0.5, 0.25] if x == 0 else [0.25, 0.25] for x in row] for row in labels]
    again = SplitMergeFromLogitsTokenizer(force, offset_unit="char").tokenize_with_offsets(
        texts, pairs
    )
    for i, (text, row) in enumerate(zip(texts, labels, strict=True)):
        expected = words_of(text, row, force)
        assert starts[i].tolist() == [start for start, _, _ in expected]
        assert ends[i].tolist() == [end for _, end, _ in expected]
        assert words[i].to_list() == [word for _, _, word in expected]
    assert all(mine == other for mine, other in zip((words, starts, ends), again, strict=True))


def test_a_single_string_and_deeper_nesting_of_labels():
    tokenizer = SplitMergeTokenizer()
    words, starts, ends = tokenizer.tokenize_with_offsets("ab c", [0, 1, 1, 1])
    assert (words.to_list(), starts.tolist(), ends.tolist()) == (["ab", "c"], [0, 3], [2, 4])
    assert tokenizer.tokenize([["ab"], ["c"]], [[[0, 0]], [[0]]]).to_list() == [
        [["a", "b"]],
        [["c"]],
    ]
    found = SplitMergeFromLogitsTokenizer().tokenize("ab", [[1, 0], [0, 1]])
    assert found.to_list() == ["ab"]
    dense = np.zeros((2, 5, 2), np.float32)
    dense[:, :, 0] = 1
    assert SplitMergeFromLogitsTokenizer().tokenize(["ab", "c"], dense).to_list() == [
        ["a", "b"],
        ["c"],
    ]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: SplitMergeTokenizer().tokenize(["abc"], [[0, 1]]), TextError),
        (lambda: SplitMergeTokenizer().tokenize(["a", "bc"], [[0], [1]]), TextError),
        (lambda: SplitMergeTokenizer().tokenize(["a"], [[0], [1]]), RaggedError),
        (lambda: SplitMergeTokenizer().tokenize(["a"], [["x"]]), RaggedError),
        (lambda: SplitMergeTokenizer().tokenize([3], [[0]]), TextError),
        (lambda: SplitMergeTokenizer().split("a"), TextError),
        (lambda: SplitMergeFromLogitsTokenizer().tokenize(["ab"], [[[1, 0]]]), TextError),
        (lambda: SplitMergeFromLogitsTokenizer().tokenize(["a"], [[[1, 0, 2]]]), RaggedError),
        (lambda: SplitMergeFromLogitsTokenizer().tokenize(["a"], np.zeros((1, 1, 3))), RaggedError),
        (lambda: SplitMergeFromLogitsTokenizer().tokenize(["a"], np.zeros(3)), RaggedError),
        (lambda: SplitMergeFromLogitsTokenizer().tokenize(["a"], []), RaggedError),
    ],
)
def test_labels_that_do_not_fit_are_refused(make, error):
    with pytest.raises(error):
        make()
