"""The operations on text, as data: from a string to the tensors of ids that a model takes.

A text pipeline carries, in this order, *text* (one string for each segment), *tokens* (the pieces
of each segment with their spans), *ids* (a number for each token), one *sequence* (all segments'
ids in a row, and which segment each is of) and last the model's *tensors*. Each class says from
what to what it leads. docs/bundle-format.md describes each; their arithmetic is
:mod:`homebody.text` and its twin ``web/text.js``.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from homebody.bundle._operation import EntryName, Step

Length: TypeAlias = Annotated[int, Meta(ge=1, le=65536)]
"""How many tokens, at most."""
Id: TypeAlias = Annotated[int, Meta(ge=0, le=(1 << 31) - 1)]
"""A token's number."""
Token: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
"""One entry of a vocabulary, or a mark on it."""
InputName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
"""The name of one of the model's inputs."""
NormalStep: TypeAlias = Literal[
    "nfc", "nfd", "nfkc", "nfkd", "case_fold", "strip_accents", "clean_tf", "clean_hf"
]
"""One change to a text's characters."""
Shape: TypeAlias = Literal[
    "HAS_PUNCTUATION_DASH", "HAS_NO_DIGITS", "HAS_SOME_DIGITS", "HAS_ONLY_DIGITS",
    "IS_NUMERIC_VALUE", "HAS_NO_PUNCT_OR_SYMBOL", "HAS_SOME_PUNCT_OR_SYMBOL",
    "IS_PUNCT_OR_SYMBOL", "BEGINS_WITH_PUNCT_OR_SYMBOL", "ENDS_WITH_PUNCT_OR_SYMBOL",
    "ENDS_WITH_ELLIPSIS", "IS_EMOTICON", "ENDS_WITH_EMOTICON", "HAS_EMOJI",
    "IS_ACRONYM_WITH_PERIODS", "IS_UPPERCASE", "IS_LOWERCASE", "HAS_MIXED_CASE",
    "IS_MIXED_CASE_LETTERS", "HAS_TITLE_CASE", "BEGINS_WITH_OPEN_QUOTE", "ENDS_WITH_CLOSE_QUOTE",
    "HAS_MATH_SYMBOL", "HAS_CURRENCY_SYMBOL", "HAS_NON_LETTER",
]  # fmt: skip
"""A pattern of :func:`homebody.text.wordshape`."""


class NormalizeText(Step, frozen=True, kw_only=True, tag="normalize_text.v1"):
    """Text to text: change its characters, one step after the other."""

    steps: Annotated[tuple[NormalStep, ...], Meta(min_length=1, max_length=8)]


class Sentences(Step, frozen=True, kw_only=True, tag="sentences.v1"):
    """Text to text: each sentence becomes a segment."""


class Whitespace(Step, frozen=True, kw_only=True, tag="whitespace.v1"):
    """Text to tokens: what white space separates."""


class UnicodeScript(Step, frozen=True, kw_only=True, tag="unicode_script.v1"):
    """Text to tokens: runs of one script, which punctuation and symbols are too."""

    keep_whitespace: bool


class Characters(Step, frozen=True, kw_only=True, tag="characters.v1"):
    """Text to tokens: each code point."""


class Bytes(Step, frozen=True, kw_only=True, tag="bytes.v1"):
    """Text to tokens: each byte of its UTF-8."""


class Ngrams(Step, frozen=True, kw_only=True, tag="ngrams.v1"):
    """Tokens to tokens: each `width` neighbours of a segment, joined by `separator`."""

    width: Annotated[int, Meta(ge=1, le=64)]
    separator: Annotated[str, Meta(max_length=16)]


class Wordpiece(Step, frozen=True, kw_only=True, tag="wordpiece.v1"):
    """Tokens to ids, or text to ids: the longest pieces that a vocabulary holds."""

    entry: EntryName
    rules: Literal["tf", "hf"]
    """Of text: how it is normalised and cut into words. Of tokens, the two are one."""
    lower_case: bool
    """Of text: fold case and strip accents first."""
    unknown_token: Token = "[UNK]"
    suffix_indicator: Annotated[str, Meta(max_length=16)] = "##"
    max_bytes_per_word: Annotated[int, Meta(ge=1, le=65536)] = 100


class Lookup(Step, frozen=True, kw_only=True, tag="lookup.v1"):
    """Tokens to ids: each token's line in a vocabulary."""

    entry: EntryName
    unknown_token: Token = "[UNK]"


class Wordshape(Step, frozen=True, kw_only=True, tag="wordshape.v1"):
    """Tokens to ids: 1 where a token has the shape, else 0."""

    pattern: Shape


class SlidingWindow(Step, frozen=True, kw_only=True, tag="sliding_window.v1"):
    """Ids to ids: each `width` neighbours of a segment, as one row."""

    width: Annotated[int, Meta(ge=1, le=4096)]


class Trim(Step, frozen=True, kw_only=True, tag="trim.v1"):
    """Ids to ids: keep at most `max_length`, of each segment (first, last) or of all together."""

    strategy: Literal["first", "last", "round_robin", "shrink_longest", "waterfall"]
    max_length: Length


class CombineSegments(Step, frozen=True, kw_only=True, tag="combine_segments.v1"):
    """Ids to a sequence: `start`, then each segment followed by `end`."""

    start: Id
    end: Id


class Pad(Step, frozen=True, kw_only=True, tag="pad.v1"):
    """Ids of one segment, or a sequence, to tensors [1, `length`]: cut or filled with `value`.

    `ids`, `mask` and `segment_ids` name the model's inputs; the last two may be absent.
    """

    length: Length
    value: Id
    dtype: Literal["int32", "int64"]
    ids: InputName
    mask: InputName | None = None
    segment_ids: InputName | None = None


class Viterbi(Step, frozen=True, kw_only=True, tag="viterbi.v1"):
    """Scores [n, labels] to one label each: the best sequence of those that are allowed.

    `entry` is JSON that says which label may follow which.
    """

    entry: EntryName


class Greedy(Step, frozen=True, kw_only=True, tag="greedy.v1"):
    """Scores [n, labels] to one label each: the best at each place that the last one allows."""

    entry: EntryName


class BoiseTags(Step, frozen=True, kw_only=True, tag="boise_tags.v1"):
    """Labels such as B-name, I-name, O to spans of the text."""


TextOperation: TypeAlias = (
    NormalizeText | Sentences | Whitespace | UnicodeScript | Characters | Bytes
    | Ngrams | Wordpiece | Lookup | Wordshape | SlidingWindow | Trim | CombineSegments | Pad
    | Viterbi | Greedy | BoiseTags
)  # fmt: skip
"""Every operation on text."""
