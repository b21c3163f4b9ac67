"""Text split into words, runs of one script, characters and bytes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels import texts
from homebody.text._ragged import Ragged
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._tokenizer import Splitter, Tokenizer
from homebody.text._unicode import tables


@functools.cache
def classes(question: str, rules: int = 0) -> NDArray[np.uint8]:
    """A table of characters' classes, made at its first use."""
    return texts.build_classes(tables().address, question, rules)


class _Splitting(Tokenizer):
    """Tokens are what lies between two offsets."""

    _question: str
    _flags = 0

    def _split(
        self, source: Source
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        flags = self._flags | (texts.TF_TEXT if self._tf_text else 0)
        return texts.split(source.spans, classes(self._question), self._question, flags)

    def _tokens(
        self,
        source: Source,
        splits: NDArray[np.int64],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
    ) -> Strings:
        if self._tf_text:
            return Strings._made(*texts.gather(source.spans, splits, starts, ends, apart=True))
        return source.cut(splits, starts, ends, apart=True)

    def tokenize(self, input: Any) -> Any:
        source = Source(input, self._malformed)
        splits, starts, ends = self._split(source)
        return source.shaped(self._tokens(source, splits, starts, ends), splits)

    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        source = Source(input, self._malformed)
        splits, starts, ends = self._split(source)
        tokens = self._tokens(source, splits, starts, ends)
        source.place(splits, starts, ends, self._unit)
        tokens, starts, ends = (source.shaped(values, splits) for values in (tokens, starts, ends))
        return tokens, starts, ends


class WhitespaceTokenizer(_Splitting):
    """Splits at white space, which is dropped.

    White space is what has Unicode's property White_Space, which is also ICU's.

    Args:
        offset_unit, malformed: see :class:`Splitter`.
        compat: ``"tf_text"``: a token that ends at white space of several bytes reaches to one
            byte before that white space's end, as TF.Text 2.21 has it.

    Example:
        >>> WhitespaceTokenizer().tokenize(["small medium large", "x\\u3000y"])
        Ragged([['small', 'medium', 'large'], ['x', 'y']])
        >>> tokens, starts, ends = WhitespaceTokenizer().tokenize_with_offsets("a bb ccc")
        >>> tokens, starts.tolist(), ends.tolist()
        (Strings(['a', 'bb', 'ccc']), [0, 2, 5], [1, 4, 8])
    """

    _question = "space"


class UnicodeScriptTokenizer(_Splitting):
    """Splits where the Unicode script changes and at white space, which is dropped.

    Punctuation and digits have the script Common, so that they are tokens of their own.

    Args:
        keep_whitespace: runs of white space are tokens too.
        offset_unit, malformed: see :class:`Splitter`.
        compat: ``"tf_text"``: white space between two characters of Common is dropped without
            ending the token, as TF.Text 2.21 has it: ``". ."`` is the token ``".."``, 0 to 3.

    Example:
        >>> UnicodeScriptTokenizer().tokenize(["xy.,z de", "abαβ"])
        Ragged([['xy', '.,', 'z', 'de'], ['ab', 'αβ']])
        >>> UnicodeScriptTokenizer(keep_whitespace=True).tokenize("累計 7239人")
        Strings(['累計', ' ', '7239', '人'])
    """

    _question = "script"

    def __init__(
        self,
        keep_whitespace: bool = False,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        compat: str | None = None,
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed, compat=compat)
        self._flags = texts.KEEP_SPACE if keep_whitespace else 0

    def _tokens(
        self,
        source: Source,
        splits: NDArray[np.int64],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
    ) -> Strings:
        if not self._tf_text:
            return super()._tokens(source, splits, starts, ends)
        tokens = source.cut(splits, starts, ends)
        if self._flags:
            return tokens
        spans = tokens.spans()
        parts, first, last = texts.split(spans, classes("space"), "space")
        data, offsets = texts.gather(spans, parts, first, last)
        return Strings._made(data, offsets[parts])


class UnicodeCharTokenizer(Tokenizer):
    """Splits into characters: their code points, int32.

    Args:
        offset_unit, malformed: see :class:`Splitter`.

    Example:
        >>> tokens, starts, ends = UnicodeCharTokenizer().tokenize_with_offsets("a€")
        >>> tokens.tolist(), starts.tolist(), ends.tolist()
        ([97, 8364], [0, 1], [1, 4])
    """

    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        source = Source(input, self._malformed)
        splits, codes, starts, ends = texts.characters(source.spans)
        source.place(splits, starts, ends, self._unit)
        shaped = [source.shaped(values, splits) for values in (codes, starts, ends)]
        return shaped[0], shaped[1], shaped[2]

    def detokenize(self, input: Any) -> Any:
        """Text from code points.

        Args:
            input: an array of code points, which gives a str; or a Ragged (or nested lists) of
                them, whose innermost rows become strings. Numbers that are no character's,
                surrogates among them, become U+FFFD.

        Example:
            >>> UnicodeCharTokenizer().detokenize(Ragged([97, 98, 99], [0, 2, 3]))
            Strings(['ab', 'c'])
        """
        if isinstance(input, (list, tuple)) and input and isinstance(input[0], (list, tuple)):
            input = Ragged.from_lists(input, np.int32)
        if isinstance(input, np.ndarray) and input.ndim > 1:
            rows = [self.detokenize(row) for row in input]
            return Strings.of(rows) if input.ndim == 2 else Ragged.from_lists(rows)
        if not isinstance(input, Ragged):
            return _encode(np.asarray(input, np.int64)).decode()
        if isinstance(input.values, Ragged):
            return Ragged(self.detokenize(input.values), input.row_splits)
        codes = _valid(np.asarray(input.values, np.int64))
        sizes = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
        ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        return Strings(np.frombuffer(_encode(codes), np.uint8), ends[input.row_splits])


def _valid(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Code points, U+FFFD for what is none."""
    bad = (codes < 0) | (codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))
    return np.where(bad, 0xFFFD, codes)


def _encode(codes: NDArray[np.int64]) -> bytes:
    return _valid(codes).astype("<u4").tobytes().decode("utf-32-le").encode()


class ByteSplitter(Splitter):
    """Splits into bytes of UTF-8, uint8.

    Args:
        malformed: ``"replace"`` here leaves bytes as they are; else see :class:`Splitter`.

    Example:
        >>> ByteSplitter().split(["hé", ""]).to_list()
        [[104, 195, 169], []]
    """

    def __init__(self, *, malformed: Malformed = "replace") -> None:
        super().__init__(malformed=malformed)

    def split_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        source = Source(input, self._malformed)
        data, offsets = texts.join(source.spans)
        lengths = np.diff(offsets)
        starts = (np.arange(data.size) - np.repeat(offsets[:-1], lengths)).astype(np.int32)
        ends = starts + np.int32(1)
        source.place(offsets, starts, ends, "byte")
        shaped = [source.shaped(values, offsets) for values in (data, starts, ends)]
        return shaped[0], shaped[1], shaped[2]

    def split(self, input: Any) -> Any:
        source = Source(input, self._malformed)
        return source.shaped(*texts.join(source.spans))

    def split_by_offsets(self, input: Any, start_offsets: Any, end_offsets: Any) -> Any:
        """The parts of each string between byte offsets.

        Args:
            input: text, in any form.
            start_offsets, end_offsets: whole numbers [parts] for a single string, else a Ragged
                (or nested lists) of them, nested once more than ``input``.

        Returns:
            Strings, or a Ragged of them in the offsets' shape.

        Raises:
            TextError: an offset lies outside its string, a part ends before it starts, or there
                are not as many starts as ends and rows.

        Example:
            >>> ByteSplitter().split_by_offsets("hello", [0, 4], [4, 5])
            Strings(['hell', 'o'])
        """
        source = Source(input, "replace")
        splits, starts = _flat(start_offsets, source.single)
        end_splits, ends = _flat(end_offsets, source.single)
        if len(splits) != len(source) + 1 or not np.array_equal(splits, end_splits):
            raise TextError(
                f"the offsets' rows do not fit the {len(source)} strings; "
                "give a row of starts and one of ends for each, equally long"
            )
        lengths = np.repeat(source.spans[:, 1].astype(np.int64), np.diff(splits))
        if ((starts < 0) | (ends < starts) | (ends > lengths)).any():
            raise TextError(
                "an offset lies outside its string, or a part ends before it starts; "
                "give 0 <= start <= end <= the string's bytes"
            )
        first, last = starts.astype(np.int32), ends.astype(np.int32)
        parts = Strings._made(*texts.gather(source.spans, splits, first, last))
        return source.shaped(parts, splits)


def _flat(offsets: Any, single: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row splits and values of offsets in any form, the outer levels joined."""
    if single:
        values = np.asarray(offsets, np.int64).reshape(-1)
        return np.array([0, len(values)], np.int64), values
    if not isinstance(offsets, Ragged):
        if isinstance(offsets, np.ndarray):
            offsets = offsets.tolist()
        offsets = Ragged.from_lists(offsets, np.int64)
    if offsets.ragged_rank > 1:
        offsets = offsets.merge_dims(0, offsets.ragged_rank - 1)
    return offsets.row_splits, np.asarray(offsets.values, np.int64)
