"""What each operation on text does; each step gives None for what it does not take."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody import text as texts
from homebody.bundle import text_operations as ops
from homebody.bundle import vocabulary
from homebody.bundle.operations import Operation
from homebody.errors import FeatureError
from homebody.pipeline._misplaced import misplaced
from homebody.pipeline._pieces import Map, Passage, Passages, Pieces
from homebody.text import Ragged, Strings

MAX_NGRAM_BYTES = 1 << 28
"""What the n-grams of a text may take: one after another, operations could multiply it for ever."""
MAX_NUMBERS = 1 << 24
"""How many numbers a tensor may have."""


class Sequence(NamedTuple):
    """All passages' ids in a row."""

    ids: NDArray[np.int32]
    passages: NDArray[np.int32]
    """Which passage each is of."""
    pieces: Pieces
    places: NDArray[np.int64]
    """Which of the pieces each is; -1 for those between."""


class Tensors(NamedTuple):
    """A model's inputs by name, and what they were made of."""

    by_name: dict[str, NDArray[Any]]
    pieces: Pieces
    places: NDArray[np.int64]
    """Which of the pieces stands at each place of the tensors; -1 for those between."""


def step_of(operation: Operation, bundle: vocabulary.Entries) -> Callable[[Any], Any]:
    """A function that runs an operation on what the one before it made.

    Raises:
        FeatureError: it is none of a text's input pipeline.
        VocabularyEntryError: its vocabulary is malformed.
    """
    match operation:
        case ops.NormalizeText():
            return partial(_normalize, steps=operation.steps)
        case ops.Sentences():
            return partial(_sentences, breaker=texts.StateBasedSentenceBreaker())
        case ops.Whitespace():
            return partial(_split, tokenizer=texts.WhitespaceTokenizer())
        case ops.UnicodeScript():
            return partial(
                _split, tokenizer=texts.UnicodeScriptTokenizer(operation.keep_whitespace)
            )
        case ops.Characters():
            return _characters
        case ops.Bytes():
            return _bytes
        case ops.Ngrams():
            return partial(_ngrams, width=operation.width, separator=operation.separator)
        case ops.Wordpiece():
            return _wordpiece(operation, vocabulary.read(bundle, operation))
        case ops.Lookup():
            tokens = vocabulary.read(bundle, operation)
            numbers = {token: number for number, token in enumerate(tokens)}
            unknown = numbers[operation.unknown_token]
            return partial(_lookup, tokens=tokens, numbers=numbers, unknown=unknown)
        case ops.Wordshape():
            return partial(_wordshape, pattern=operation.pattern)
        case ops.SlidingWindow():
            return partial(_windows, width=operation.width)
        case ops.Trim():
            return partial(_trim, strategy=operation.strategy, most=operation.max_length)
        case ops.CombineSegments():
            return partial(_combine, start=operation.start, end=operation.end)
        case ops.Pad():
            return partial(_pad, operation=operation)
    raise misplaced(operation, "input")


# ---------------------------------------------------------------------- text to text


def _normalize(value: Any, *, steps: tuple[str, ...]) -> Passages | None:
    if not isinstance(value, Passages):
        return None
    passages = value
    for step in steps:
        passages = Passages(_normalized(one, step) for one in passages)
    return passages


def _normalized(passage: Passage, step: str) -> Passage:
    output, offsets_map = _NORMALIZERS[step](passage.data)
    if output == passage.data:
        return passage
    rows = offsets_map.rows[offsets_map.row_splits[0] : offsets_map.row_splits[1]]
    place = np.arange(len(output))
    row = rows[np.searchsorted(rows["to"], place, side="right") - 1]
    starts = row["from"] + row["from_step"] * ((place - row["to"]) // np.maximum(row["to_step"], 1))
    ends = starts + row["from_step"]
    before = passage.map
    if before is not None and len(starts):
        starts, ends = before.starts[starts], before.ends[ends - 1]
    made = Map(starts.astype(np.int32), ends.astype(np.int32))
    return passage._replace(data=output, map=made)


_NORMALIZERS: dict[str, Callable[[bytes], Any]] = {
    "case_fold": texts.case_fold_utf8_with_offsets_map,
    "clean_hf": partial(texts.clean_controls_utf8_with_offsets_map, rules="hf"),
    "clean_tf": texts.clean_controls_utf8_with_offsets_map,
    "strip_accents": texts.strip_accents_utf8_with_offsets_map,
    **{
        form.lower(): partial(texts.normalize_utf8_with_offsets_map, normalization_form=form)
        for form in ("NFC", "NFD", "NFKC", "NFKD")
    },
}


def _sentences(value: Any, *, breaker: Any) -> Passages | None:
    if not isinstance(value, Passages):
        return None
    parts: list[Passage] = []
    _, starts, ends = breaker.break_sentences_with_offsets(value.strings())
    for passage, first, last in zip(value, starts.to_list(), ends.to_list(), strict=True):
        parts += [passage.part(start, end) for start, end in zip(first, last, strict=True)]
    return Passages(parts)


# ---------------------------------------------------------------------- text to tokens


def _split(value: Any, *, tokenizer: texts.Tokenizer) -> Pieces | None:
    if not isinstance(value, Passages):
        return None
    tokens, starts, ends = tokenizer.tokenize_with_offsets(value.strings())
    return Pieces(value, tokens.values, tokens.row_splits, starts.values, ends.values)


def _characters(value: Any) -> Pieces | None:
    if not isinstance(value, Passages):
        return None
    codes, starts, ends = texts.UnicodeCharTokenizer().tokenize_with_offsets(value.strings())
    tokens = Strings.of([chr(code) for code in codes.values])
    return Pieces(value, tokens, codes.row_splits, starts.values, ends.values)


def _bytes(value: Any) -> Pieces | None:
    if not isinstance(value, Passages):
        return None
    each, starts, ends = texts.ByteSplitter().split_with_offsets(value.strings())
    tokens = Strings.of([chr(byte) for byte in each.values])
    return Pieces(value, tokens, each.row_splits, starts.values, ends.values)


# ---------------------------------------------------------------------- tokens to tokens


def _ngrams(value: Any, *, width: int, separator: str) -> Pieces | None:
    if not isinstance(value, Pieces) or not value.tokens:
        return None
    sizes = value.values.offsets[-1] - value.values.offsets[0]
    each = sizes + len(separator.encode()) * len(value.values)
    if width * int(each) > MAX_NGRAM_BYTES:
        raise FeatureError(
            f"the n-grams of this text would take {width * int(each)} bytes; at most "
            f"{MAX_NGRAM_BYTES} are made, so give a shorter text or a smaller width"
        )
    joined = texts.ngrams(
        value.rows, width, reduction_type=texts.Reduction.STRING_JOIN, string_separator=separator
    )
    assert isinstance(joined, Ragged)
    first, splits = _windows_of(value.splits, width)
    starts, ends = value.starts[first], value.ends[first + width - 1]
    return Pieces(value.passages, joined.values, splits, starts, ends)


def _windows_of(
    splits: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first place of each window in rows, and the windows' row splits."""
    counts = np.maximum(np.diff(splits) - width + 1, 0)
    made = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return np.arange(made[-1]) + np.repeat(splits[:-1] - made[:-1], counts), made


# ---------------------------------------------------------------------- to ids


def _wordpiece(operation: ops.Wordpiece, tokens: tuple[str, ...]) -> Callable[[Any], Pieces | None]:
    shared: dict[str, Any] = {
        "suffix_indicator": operation.suffix_indicator,
        "max_bytes_per_word": operation.max_bytes_per_word,
        "unknown_token": operation.unknown_token,
    }
    of_text = texts.FastBertTokenizer(
        tokens,
        **shared,
        lower_case_nfd_strip_accents=operation.lower_case,
        rules=operation.rules,
    )
    of_words = texts.WordpieceTokenizer(tokens, **shared)

    def run(value: Any) -> Pieces | None:
        if isinstance(value, Passages):
            ids, starts, ends = of_text.tokenize_with_offsets(value.strings())
            made = ids.values.astype(np.int32, copy=False)
            return Pieces(value, made, ids.row_splits, starts.values, ends.values, tokens)
        if not isinstance(value, Pieces) or not value.tokens:
            return None
        return _pieces_of_words(value, of_words, tokens)

    return run


def _pieces_of_words(value: Pieces, tokenizer: Any, tokens: tuple[str, ...]) -> Pieces:
    ids, starts, ends = tokenizer.tokenize_with_offsets(value.values)
    per_word = np.diff(ids.row_splits)
    first, last = np.repeat(value.starts, per_word), np.repeat(value.ends, per_word)
    # A piece of a token that is no part of the text, such as an n-gram, has all of its place.
    sizes = np.diff(value.values.offsets)
    whole = np.repeat(sizes != value.ends - value.starts, per_word)
    return Pieces(
        value.passages,
        ids.values.astype(np.int32, copy=False),
        ids.row_splits[value.splits],
        np.where(whole, first, first + starts.values).astype(np.int32),
        np.where(whole, last, first + ends.values).astype(np.int32),
        tokens,
    )


def _lookup(
    value: Any, *, tokens: tuple[str, ...], numbers: dict[str, int], unknown: int
) -> Pieces | None:
    if not isinstance(value, Pieces) or not value.tokens:
        return None
    ids = [numbers.get(token, unknown) for token in value.values.to_list()]
    return value._replace(values=np.array(ids, np.int32), vocabulary=tokens)


def _wordshape(value: Any, *, pattern: str) -> Pieces | None:
    if not isinstance(value, Pieces) or not value.tokens:
        return None
    found = texts.wordshape(value.values, texts.WordShape[pattern])
    return value._replace(values=np.asarray(found, np.int32))


# ---------------------------------------------------------------------- ids to ids


def _windows(value: Any, *, width: int) -> Pieces | None:
    if not isinstance(value, Pieces) or value.tokens or value.values.ndim > 1:
        return None
    first, splits = _windows_of(value.splits, width)
    windows = value.values[first[:, None] + np.arange(width)]
    starts, ends = value.starts[first], value.ends[first + width - 1]
    return Pieces(value.passages, windows, splits, starts, ends)


_TRIMMERS: dict[str, Callable[[int], texts.Trimmer]] = {
    "round_robin": texts.RoundRobinTrimmer,
    "shrink_longest": texts.ShrinkLongestTrimmer,
    "waterfall": texts.WaterfallTrimmer,
}


def _trim(value: Any, *, strategy: str, most: int) -> Pieces | None:
    if not isinstance(value, Pieces) or value.tokens:
        return None
    lengths = np.diff(value.splits)
    place = np.arange(value.splits[-1]) - np.repeat(value.splits[:-1], lengths)
    if strategy == "first":
        return value.kept(place < most)
    if strategy == "last":
        return value.kept(place >= np.repeat(lengths, lengths) - most)
    if not len(lengths):
        return value
    rows = [np.zeros((1, length), np.int32) for length in lengths]
    masks = _TRIMMERS[strategy](most).generate_mask(rows)
    return value.kept(np.concatenate([one.flat_values for one in masks]))


def _combine(value: Any, *, start: int, end: int) -> Sequence | None:
    if not isinstance(value, Pieces) or value.tokens or value.values.ndim > 1:
        return None
    rows = [Ragged.from_lists([row.tolist()], np.int32) for row in value.rows]
    if not rows:
        rows = [Ragged.from_lists([[]], np.int32)]
    ids, passages = texts.combine_segments(rows, start, end)
    between = np.array([-1])
    places = [between]
    for first, last in pairwise(value.splits.tolist()):
        places += [np.arange(first, last), between]
    if len(value.splits) == 1:
        places.append(between)
    return Sequence(ids.values, passages.values, value, np.concatenate(places))


def _pad(value: Any, *, operation: ops.Pad) -> Tensors | None:
    if isinstance(value, Pieces) and not value.tokens:
        if len(value.passages) > 1:
            raise FeatureError(
                f"the text has {len(value.passages)} segments and pad.v1 takes one; put "
                "combine_segments.v1 before it"
            )
        count = len(value.values)
        value = Sequence(value.values, np.zeros(count, np.int32), value, np.arange(count))
    if not isinstance(value, Sequence):
        return None
    length, dtype = operation.length, np.dtype(operation.dtype)
    taken = min(length, len(value.ids))
    numbers = length * int(np.prod(value.ids.shape[1:]))
    if numbers > MAX_NUMBERS:
        raise FeatureError(
            f"pad.v1 would make a tensor of {numbers} numbers; at most {MAX_NUMBERS} are made, so "
            "pack the bundle with a smaller length or window"
        )
    ids = np.full((1, length, *value.ids.shape[1:]), operation.value, dtype)
    ids[0, :taken] = value.ids[:taken]
    made: dict[str, NDArray[Any]] = {operation.ids: ids}
    for name, values in ((operation.mask, 1), (operation.segment_ids, value.passages[:taken])):
        if name is not None:
            made[name] = np.zeros((1, length), dtype)
            made[name][0, :taken] = values
    return Tensors(made, value.pieces, value.places[:taken])
