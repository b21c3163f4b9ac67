"""Patterns, against Python's re where both have the same syntax."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from homebody.errors import KernelError, MalformedTextError, TextError
from homebody.kernels.patterns import FORK, MATCH, SET, Program
from homebody.text import RegexSplitter, regex_split, regex_split_with_offsets
from homebody.text._pattern import is_nullable, parse

ATOMS = st.sampled_from(
    ["a", "b", "é", "😀", "[ab]", "[^a]", "[a-é]", ".", r"\s", r"\d", r"\W", r"\.", r"\b", r"\B"]
)
QUANTIFIERS = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,2}", "*?", "+?", "??"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inner, QUANTIFIERS).map(lambda part: f"(?:{part[0]}){part[1]}"),
    ),
    max_leaves=6,
)
TEXTS = st.text(st.sampled_from("abcé😀. \n1"), max_size=10)


def by_re(pattern, keep, text):
    """Spans in characters; None where re goes another way with nothing."""
    parts, at = [], 0
    for match in re.finditer(pattern, text, re.ASCII):
        begin, end = match.span()
        if begin == end:
            return None
        if begin > at:
            parts.append((at, begin))
        if keep and re.fullmatch(keep, text[begin:end], re.ASCII):
            parts.append((begin, end))
        at = end
    return parts + ([(at, len(text))] if at < len(text) else [])


@settings(deadline=None, max_examples=500)
@given(pattern=PATTERNS, keep=st.one_of(st.just(""), PATTERNS), texts=st.lists(TEXTS, max_size=3))
def test_parts_are_those_of_pythons_re(pattern, keep, texts):
    expected = [by_re(pattern, keep, text) for text in texts]
    if is_nullable(parse(pattern)):
        with pytest.raises(TextError, match="matches nothing"):
            RegexSplitter(pattern)
        return
    splitter = RegexSplitter(pattern, keep, offset_unit="char")
    assume(None not in expected)
    parts, starts, ends = splitter.split_with_offsets(texts)
    for i, (text, spans) in enumerate(zip(texts, expected, strict=True)):
        assert list(zip(starts[i].tolist(), ends[i].tolist(), strict=True)) == spans
        assert parts[i].to_list() == [text[a:b] for a, b in spans]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"(?i)AB", "xaBy", ["x", "y"]),
        (r"(?i:a)B", "xabyABz", ["xaby", "z"]),
        (r"(?s).b", "a\nbc", ["a", "c"]),
        (r"(?-s:.)b", "a\nb", ["a\nb"]),
        (r"(?m)^a|b$", "a\nab\nb", ["\n", "\n"]),
        (r"^a", "aa", ["a"]),
        (r"a$", "aa", ["a"]),
        (r"a\z", "a\na", ["a\n"]),
        (r"(?U)a+", "aab", ["b"]),
        (r"(?U)a+b", "aaab", []),
        (r"(?P<name>a)|(?<other>b)", "axb", ["x"]),
        (r"\Qa.b\E+", "a.bbxa.", ["xa."]),
        (r"[[:digit:]x]", "1ax2", ["a"]),
        (r"[[:^digit:]]", "1a2", ["1", "2"]),
        (r"[]a]", "x]ay", ["x", "y"]),
        (r"[^]a]", "]b]", ["]", "]"]),
        (r"[a\-z]", "b-z", ["b"]),
        (r"[a-]", "-b", ["b"]),
        (r"[\d\p{Greek}]+", "αx1β", ["x"]),
        (r"\pN", "a½b", ["a", "b"]),
        (r"\PL", "a½b", ["a", "b"]),
        (r"\p{^L}", "a½b", ["a", "b"]),
        (r"\x{1F600}|\x41", "b😀cAd", ["b", "c", "d"]),
        (r"\t\n\f\r\v\a|\0", "a\0b", ["a", "b"]),
        (r"a{,2}", "a{,2}b", ["b"]),
        (r"a{2,}", "aXaaaY", ["aX", "Y"]),
        (r"\p{Any}b", "xab", ["x"]),
        (r"[\p{Cs}\x{4E00}-\x{9FFF}]", "x語y", ["x", "y"]),
    ],
)
def test_known_patterns(pattern, text, expected):
    assert regex_split(text, pattern).to_list() == expected


@pytest.mark.parametrize("category", ["Lu", "Nd", "Zs", "Pe", "Mn"])
def test_categories_are_unicodes(category):
    # Python's own data are older: what they assign stays assigned.
    text = "".join(chr(c) for c in range(0x3000) if unicodedata.category(chr(c)) != "Cn")
    found = regex_split(text, rf"[^\p{{{category}}}]+").to_list()
    assert "".join(found) == "".join(c for c in text if unicodedata.category(c) == category)


def test_separators_are_kept_that_match_whole():
    parts, starts, ends = regex_split_with_offsets([["a, b.c"], []], r"[,.]? |[.]", r"[.,].*")
    assert parts.to_list() == [[["a", ", ", "b", ".", "c"]], []]
    assert starts.to_list() == [[[0, 1, 3, 4, 5]], []]
    assert ends.to_list() == [[[1, 3, 4, 5, 6]], []]
    assert RegexSplitter("\t").split("a\t\tb\t").to_list() == ["a", "b"]


def test_hostile_patterns_and_texts_take_linear_time():
    # Each takes a backtracking engine longer than the universe has been there.
    long = "a" * 200_000
    assert regex_split(long, r"(a+)+b").to_list() == [long]
    assert regex_split(long, r"(a|a)*b|(a*)*c").to_list() == [long]
    assert regex_split(long + "!", r"(?:a?){50}a{50}!").to_list() == ["a" * 199_900]
    assert regex_split(long, "a").to_list() == []


@pytest.mark.parametrize(
    "pattern",
    ["a*", "^", "$", r"\b", "(a|)", "a||b", "a{0}", "a**", "a+*", "*a", "(?:*)", "(", ")", "a)",
     "[a", "[]", "[b-a]", r"[a-\d]", "[[:nope:]]", r"\p{Nope}", r"\p{", r"\pl", r"\x",
     r"\x{110000}", r"\x{}", r"\y", r"\1", "\\", r"(?=a)", r"(?!a)", r"(?<=a)", r"(?P=n)", "(?",
     "(?i", "(?z)a", "a{1001}", "a{3,2}", "(" * 200 + "a" + ")" * 200,
     "(?:(?:a{100}){100}){100}", r"\C"],
)  # fmt: skip
def test_patterns_that_are_none_are_refused(pattern):
    with pytest.raises(TextError):
        RegexSplitter(pattern)


def test_a_pattern_has_to_be_text():
    with pytest.raises(TextError):
        RegexSplitter(b"a")
    with pytest.raises(TextError):
        regex_split([3], "a")


@pytest.mark.parametrize(
    "instructions",
    [[(SET, 0, 1)], [(SET, 1, 0)], [(FORK, 0, 2)], [(FORK, -1, 0)], [(9, 0, 0)], [(3, 6, 0)],
     [(3, 0, -1)], [(MATCH, 0, 0)] * 10_001],
)  # fmt: skip
def test_programs_that_point_outside_themselves_are_refused(instructions):
    with pytest.raises(KernelError):
        Program(instructions, [[(97, 97)]])


def test_malformed_text_matches_as_the_replacement_character():
    text = b"a\xff\xe2\x80b"
    parts, starts, ends = regex_split_with_offsets(text, "�")
    assert (parts.to_list(), starts.tolist(), ends.tolist()) == (["a", "b"], [0, 4], [1, 5])
    assert RegexSplitter("�", malformed="ignore").split(text).to_list() == ["ab"]
    with pytest.raises(MalformedTextError):
        RegexSplitter("a", malformed="error").split(text)
    assert RegexSplitter(" ", offset_unit="utf16").split_with_offsets("😀 b")[1].tolist() == [0, 3]
    assert starts.dtype == np.int32
