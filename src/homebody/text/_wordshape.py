"""Words as features: their shape, and the bits of their characters."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from homebody.errors import TextError
from homebody.kernels import normalizing
from homebody.text._normalize import checked_source
from homebody.text._strings import Malformed
from homebody.text._unicode import tables


class WordShape(enum.IntEnum):
    """What :func:`wordshape` can ask about a string.

    "Contains" is said of strings of one line: a string with a line feed contains nothing, as the
    regular expressions that define these in TF.Text have it. Categories are Unicode 16's.
    """

    HAS_PUNCTUATION_DASH = 0
    """Contains a dash (category Pd)."""
    HAS_NO_DIGITS = 1
    """Has no decimal digit (Nd)."""
    HAS_SOME_DIGITS = 2
    """Has digits and other characters."""
    HAS_ONLY_DIGITS = 3
    """Is digits, one or more."""
    IS_NUMERIC_VALUE = 4
    """Is a number: a sign, digits, a point, an exponent, of which only digits must be."""
    HAS_NO_PUNCT_OR_SYMBOL = 5
    """Has no punctuation (P) and no symbol (S)."""
    HAS_SOME_PUNCT_OR_SYMBOL = 6
    """Has punctuation or symbols, and other characters."""
    IS_PUNCT_OR_SYMBOL = 7
    """Is punctuation or symbols, one or more."""
    BEGINS_WITH_PUNCT_OR_SYMBOL = 8
    ENDS_WITH_PUNCT_OR_SYMBOL = 9
    ENDS_WITH_ELLIPSIS = 10
    """Ends with three full stops, U+2026 or U+22EF."""
    IS_EMOTICON = 11
    """Is one of 155 emoticons, such as :-)."""
    ENDS_WITH_EMOTICON = 12
    HAS_EMOJI = 13
    """Contains an emoji of TF.Text's list, which ends with Unicode 13."""
    IS_ACRONYM_WITH_PERIODS = 14
    """Is upper-case letters, each with a full stop."""
    IS_UPPERCASE = 15
    """Is upper-case letters (Lu), one or more."""
    IS_LOWERCASE = 16
    """Is lower-case letters (Ll), one or more."""
    HAS_MIXED_CASE = 17
    """Contains upper-case and lower-case letters."""
    IS_MIXED_CASE_LETTERS = 18
    """Is letters, some of upper and some of lower case."""
    HAS_TITLE_CASE = 19
    """Its first letter is of upper or title case, and the character behind it of lower case."""
    BEGINS_WITH_OPEN_QUOTE = 20
    """Begins with a character that opens a quotation, and has no other; or with two of ``."""
    ENDS_WITH_CLOSE_QUOTE = 21
    """Ends with a character that closes a quotation, and has no other; or with two of '."""
    HAS_MATH_SYMBOL = 22
    """Contains a mathematical symbol (Sm)."""
    HAS_CURRENCY_SYMBOL = 23
    """Contains a currency symbol (Sc)."""
    HAS_NON_LETTER = 24
    """Contains a character that is no letter (L)."""


def wordshape(
    input_tensor: Any,
    pattern: WordShape | Sequence[WordShape],
    *,
    malformed: Malformed = "replace",
) -> Any:
    """Ask about the shape of strings.

    Args:
        input_tensor: a str or bytes, a list of them, Strings, Ragged, or an array of strings.
        pattern: one shape, or several.
        malformed: what becomes of bytes that are not UTF-8.

    Returns:
        For one shape, a bool for a single string, bool [n] for n strings, Ragged for nested ones;
        for several an axis more at the end, [patterns].

    Raises:
        TextError: a pattern is no WordShape.
        MalformedTextError: with ``malformed="error"``.

    Example:
        >>> wordshape(["abc", "Abc", "ABC"], WordShape.HAS_TITLE_CASE)
        array([False,  True, False])
        >>> wordshape("U.S.", [WordShape.IS_ACRONYM_WITH_PERIODS, WordShape.IS_UPPERCASE])
        array([ True, False])
    """
    one = isinstance(pattern, WordShape)
    patterns = list(pattern) if isinstance(pattern, (list, tuple)) else [pattern]
    for shape in patterns:
        if not isinstance(shape, WordShape):
            raise TextError(f"a pattern is {shape!r}; give WordShape's, e.g. WordShape.HAS_EMOJI")
    source = checked_source(input_tensor, malformed)
    found = normalizing.wordshape(tables().address, source.spans, np.array(patterns, np.int32))
    result = source.each(found[:, 0] if one else found)
    return bool(result) if one and source.single else result


def utf8_binarize(
    tokens: Any,
    word_length: int = 16,
    bits_per_char: int = 24,
    replacement_char: int = 0xFFFD,
    *,
    malformed: Malformed = "replace",
) -> Any:
    """The bits of words' characters, as RetVec takes them in.

    Source: E. Bursztein et al., "RETVec: Resilient and Efficient Text Vectorizer" (2023).

    Args:
        tokens: a str or bytes, a list of them, Strings, Ragged, or an array of strings.
        word_length: characters taken of each; the rest is left, what lacks is zeros. 1 to 65,536.
        bits_per_char: lowest bits taken of each code point, least first. 1 to 65,536.
        replacement_char: the code point that stands for bytes that are not UTF-8.
        malformed: what becomes of those otherwise.

    Returns:
        float32 of 0 and 1: [word_length * bits_per_char] for a single string, [n, ...] for n,
        Ragged for nested ones.

    Raises:
        TextError: a number is out of range.
        MalformedTextError: with ``malformed="error"``.

    Example:
        >>> utf8_binarize("hello", word_length=3, bits_per_char=4).tolist()
        [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    """
    for name, value, most in (
        ("word_length", word_length, 65_536),
        ("bits_per_char", bits_per_char, 65_536),
        ("replacement_char", replacement_char, 0x10FFFF),
    ):
        least = 0 if name == "replacement_char" else 1
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TextError(f"{name} is {value!r}; give a whole number")
        if not least <= value <= most:
            raise TextError(f"{name} is {value}; give {least} to {most}")
    source = checked_source(tokens, malformed)
    bits = normalizing.binarize(source.spans, word_length, bits_per_char, replacement_char)
    return source.each(bits)
