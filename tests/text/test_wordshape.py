"""Words' shapes against regular expressions, and their bits against arithmetic."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homebody import text
from homebody.errors import MalformedTextError, TextError
from homebody.text import Ragged, WordShape
from tests.text.normal_twin import ASSIGNED
from tests.text.unicode_twin import CATEGORIES, Block

ALPHABET = (
    "aAbZßΩω語ǅあ0123458٣US+-.,eE \n\t'\"`“”«»「」‘’…⋯€$∑<>=:;)(DPXo_—‐"
    "\u0301é\U0001f600☃(^/|B\\ಠっC"
)
OPEN = "\"'`＇＂‘‚‛“«„‟‹「『〝⹂｢﹁﹃"
CLOSE = "\"'`＇＂»’”›」』〞〟﹂﹄｣"
EMOTICONS = (
    ":-)",
    ":)",
    "<3",
    ":(",
    ";-)",
    "^_^",
    "ಠ_ಠ",
    "DX:っ)",
    ":っC",
    "=^_^=",
    ":-))))",
    "XD",
    "8'(",
)


def of(*categories: str) -> str:
    """A character class of the alphabet's characters in some categories."""
    found = {c for c in ALPHABET if unicodedata.category(c).startswith(categories)}
    return "[" + "".join(re.escape(c) for c in sorted(found)) + "]"


def but(*categories: str) -> str:
    return "[^" + of(*categories)[1:]


EMOTICON = "|".join(map(re.escape, EMOTICONS))
EXPRESSIONS = {
    "HAS_PUNCTUATION_DASH": f".*{of('Pd')}+.*",
    "HAS_NO_DIGITS": f"{but('Nd')}*",
    "HAS_SOME_DIGITS": f".*{but('Nd')}{of('Nd')}.*|.*{of('Nd')}{but('Nd')}.*",
    "HAS_ONLY_DIGITS": f"{of('Nd')}+",
    "IS_NUMERIC_VALUE": "[+-]?(N+[.]?N*|[.]N+)([eE]-?N+)?".replace("N", of("Nd")),
    "HAS_NO_PUNCT_OR_SYMBOL": f"{but('P', 'S')}*",
    "HAS_SOME_PUNCT_OR_SYMBOL": ".*NX.*|.*XN.*".replace("N", but("P", "S")).replace(
        "X", of("P", "S")
    ),
    "IS_PUNCT_OR_SYMBOL": f"{of('P', 'S')}+",
    "BEGINS_WITH_PUNCT_OR_SYMBOL": f"{of('P', 'S')}.*",
    "ENDS_WITH_PUNCT_OR_SYMBOL": f".*{of('P', 'S')}",
    "ENDS_WITH_ELLIPSIS": ".*([.]{3}|[…⋯])",
    "IS_EMOTICON": EMOTICON,
    "ENDS_WITH_EMOTICON": f".*({EMOTICON})",
    "HAS_EMOJI": ".*[\U0001f600☃].*",
    "IS_ACRONYM_WITH_PERIODS": f"({of('Lu')}[.])+",
    "IS_UPPERCASE": f"{of('Lu')}+",
    "IS_LOWERCASE": f"{of('Ll')}+",
    "HAS_MIXED_CASE": f".*{of('Lu')}.*{of('Ll')}.*|.*{of('Ll')}.*{of('Lu')}.*",
    "IS_MIXED_CASE_LETTERS": f"(?=.*{of('Lu')})(?=.*{of('Ll')}){of('L')}*",
    "HAS_TITLE_CASE": f"{but('L')}*{of('Lu', 'Lt')}{of('Ll')}+.*",
    "BEGINS_WITH_OPEN_QUOTE": f"``.*|[{OPEN}][^{OPEN}]*",
    "ENDS_WITH_CLOSE_QUOTE": f".*''|[^{CLOSE}]*[{CLOSE}]",
    "HAS_MATH_SYMBOL": f".*{of('Sm')}.*",
    "HAS_CURRENCY_SYMBOL": f".*{of('Sc')}.*",
    "HAS_NON_LETTER": f".*{but('L')}.*",
}
WORDS = st.lists(
    st.sampled_from(ALPHABET) | st.sampled_from([*EMOTICONS, "``", "''", "...", "U.S.", "1.5e-3"]),
    max_size=6,
).map("".join)


def test_every_shape_has_its_expression():
    assert [shape.name for shape in WordShape] == list(EXPRESSIONS)


@given(st.lists(WORDS, min_size=1, max_size=20))
@example(
    ["", "\n", "a\n", "\n1", "1\n2", "1\n\n", "``\n", "''", "`a'", "A\nb", "Ab\n", "-\n", "\n-"]
)
@example(
    ["1.", ".5", ".", "+.", "1e5", "1e", "1e-", "1.5e-3", "+1", "--1", "1e+5", "٣.٣e٣", "1.2.3"]
)
@settings(deadline=None, max_examples=600)
def test_shapes_are_their_expressions(words):
    got = text.wordshape(words, list(WordShape))
    for column, (name, expression) in enumerate(EXPRESSIONS.items()):
        compiled = re.compile(expression)
        for row, word in enumerate(words):
            if name in ("IS_EMOTICON", "ENDS_WITH_EMOTICON") and got[row, column]:
                continue  # the list has more of them
            assert got[row, column] == bool(compiled.fullmatch(word)), (name, word)


def test_every_category_decides():
    names = CATEGORIES.split()
    block = Block()
    known = [c for c in ASSIGNED if names[block.category[c]] == unicodedata.category(chr(c))]
    words = [chr(c) for c in known]
    got = dict(zip(WordShape, text.wordshape(words, list(WordShape)).T, strict=True))
    kinds = np.array([unicodedata.category(word) for word in words])
    for shape, categories in (
        (WordShape.HAS_PUNCTUATION_DASH, ["Pd"]), (WordShape.HAS_ONLY_DIGITS, ["Nd"]),
        (WordShape.IS_UPPERCASE, ["Lu"]), (WordShape.IS_LOWERCASE, ["Ll"]),
        (WordShape.HAS_MATH_SYMBOL, ["Sm"]), (WordShape.HAS_CURRENCY_SYMBOL, ["Sc"]),
        (WordShape.IS_PUNCT_OR_SYMBOL, [k for k in names if k[0] in "PS"]),
        (WordShape.HAS_NON_LETTER, [k for k in names if k[0] != "L"]),
    ):  # fmt: skip
        np.testing.assert_array_equal(got[shape], np.isin(kinds, categories))
    quotes = {"BEGINS_WITH_OPEN_QUOTE": OPEN, "ENDS_WITH_CLOSE_QUOTE": CLOSE}
    for name, characters in quotes.items():
        assert {w for w, is_ in zip(words, got[WordShape[name]], strict=True) if is_} == set(
            characters
        )


def test_emoticons_and_emoji():
    shapes = [WordShape.IS_EMOTICON, WordShape.ENDS_WITH_EMOTICON]
    for word in EMOTICONS:
        assert text.wordshape(word, shapes).tolist() == [True, True]
        assert text.wordshape("so " + word, shapes).tolist() == [False, True]
        assert text.wordshape(word + " so", shapes).tolist() == [False, False]
    emoji = "‼⁉↔↙⌚☀⛿✂➗〽㊙🀄🅰🇦🇿🉑🌀🛿🤀🧿🩰🩴🫐🫖"
    assert text.wordshape(list(emoji), WordShape.HAS_EMOJI).all()
    assert not text.wordshape(list("a1#*©®™語🪷🫗"), WordShape.HAS_EMOJI).any()


def test_inputs_and_results():
    assert text.wordshape("Ab", WordShape.HAS_TITLE_CASE) is True
    assert text.wordshape(b"ab", WordShape.HAS_TITLE_CASE) is False
    nested = text.wordshape([["Ab", "c"], []], WordShape.HAS_TITLE_CASE)
    assert nested.equals(Ragged(np.array([True, False]), [0, 2, 2]))
    several = text.wordshape([["Ab", "c"], []], [WordShape.IS_LOWERCASE, WordShape.HAS_TITLE_CASE])
    assert several.values.tolist() == [[False, True], [True, False]]
    assert text.wordshape([], [WordShape.IS_LOWERCASE]).shape == (0, 1)
    assert text.wordshape(["a"], []).shape == (1, 0)
    assert text.wordshape([b"\xff"], WordShape.IS_PUNCT_OR_SYMBOL).tolist() == [True]
    assert text.wordshape([b"\xffa"], WordShape.IS_LOWERCASE, malformed="ignore").tolist() == [True]
    with pytest.raises(MalformedTextError):
        text.wordshape([b"\xff"], WordShape.IS_LOWERCASE, malformed="error")
    for wrong in (99, "HAS_EMOJI", [WordShape.IS_LOWERCASE, 3]):
        with pytest.raises(TextError, match="pattern"):
            text.wordshape("a", wrong)


@given(st.lists(st.text(max_size=8), max_size=4), st.integers(1, 9), st.integers(1, 40))
@settings(deadline=None, max_examples=200)
def test_bits_are_arithmetic(words, length, bits):
    expected = np.zeros((len(words), length, bits), np.float32)
    for i, word in enumerate(words):
        for k, char in enumerate(word[:length]):
            for b in range(bits):
                expected[i, k, b] = ord(char) >> b & 1
    got = text.utf8_binarize(words, length, bits)
    np.testing.assert_array_equal(got, expected.reshape(len(words), length * bits))


def test_bits_of_what_is_malformed():
    got = text.utf8_binarize([b"\xf0\x9f\x98a"], 3, 8, 63).reshape(3, 8)
    codes = (got.astype(int) << np.arange(8)).sum(1)
    assert codes.tolist() == [63, ord("a"), 0]
    assert text.utf8_binarize("a").shape == (384,)
    nested = text.utf8_binarize([["a", "b"], []], 1, 2)
    assert nested.values.tolist() == [[1, 0], [0, 1]]
    for arguments in (
        (0, 4),
        (4, 0),
        (65_537, 1),
        (1.5, 2),
        (True, 2),
        (1, 2, -1),
        (1, 2, 0x110000),
    ):
        with pytest.raises(TextError, match="give"):
            text.utf8_binarize("a", *arguments)
