"""WordPiece tokenizers: of words, and of raw text."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError, VocabularyError
from homebody.kernels import texts, wordpieces
from homebody.kernels.wordpieces import Pieces
from homebody.text._detokenize import sentences_of, words_of
from homebody.text._normalize import Mapped, OffsetsMap
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._through import place_through
from homebody.text._tokenizer import Tokenizer
from homebody.text._unicode import tables
from homebody.text._vocabulary import Vocabulary
from homebody.text._words import classes

CACHE_BYTES = 1 << 24
"""Memory of one thread's cache, unless asked otherwise."""

Step = Callable[[Strings], Mapped]
"""A normalization that says where everything came from."""

OutType = Literal["int32", "int64", "string"]


def out_type(value: Any) -> OutType:
    """A ``token_out_type`` by its name: of numpy's, Python's and TensorFlow's types."""
    if value in (str, bytes):
        return "string"
    if value is int:
        return "int64"
    name = value if isinstance(value, str) else getattr(value, "name", None)
    if name is None and isinstance(value, type):
        name = value.__name__
    names: dict[Any, OutType] = {"int32": "int32", "int64": "int64", "string": "string"}
    if name in names:
        return names[name]
    raise TextError(f"token_out_type is {value!r}; give 'int32', 'int64' or 'string'")


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number within its range."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TextError(f"{name} is {value!r}; give a whole number from {low} to {high}")
    if not low <= value <= high:
        raise TextError(f"{name} is {value}; give a whole number from {low} to {high}")
    return int(value)


class PieceTokenizer(Tokenizer):
    """What the WordPiece tokenizers share: a vocabulary, a kernel, and the forms of tokens.

    The kernel gives a piece that is not in the vocabulary a number of its own: the vocabulary's
    size for an unknown word or its first character, plus 1 for another unknown character, plus 2
    for a word that is too long.
    """

    _nested = False  # whether pieces are nested in words

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        rules: int,
        flags: int = 0,
        suffix_indicator: str = "##",
        most_in_word: int = 100,
        most_in_piece: int | None = None,
        unknown_token: str | None = "[UNK]",
        token_out_type: Any = "int32",
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        compat: str | None = None,
        cache_bytes: int = CACHE_BYTES,
        added: tuple[NDArray[np.uint64], NDArray[np.int32]] | None = None,
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed, compat=compat)
        self._out = out_type(token_out_type)
        self._vocabulary = vocabulary
        block = vocabulary.compiled(suffix_indicator)
        self._size = size = len(vocabulary)
        unknown = unknown_token or "[UNK]"
        self._unknown_token = unknown
        self._added = (unknown, suffix_indicator + unknown, unknown)
        numbers = [size, size + 1, size + 2]
        if unknown_token:
            known = (vocabulary.index(token) for token in self._added)
            numbers = [own if n is None else n for n, own in zip(known, numbers, strict=True)]
        if self._tf_text:
            numbers[2] = size + 2
        piece = 0xFFFFFFFF if most_in_piece is None else most_in_piece
        word = whole(most_in_word, "max_bytes_per_word", 1, wordpieces.MOST_IN_WORD)
        self._kernel = wordpieces.WordPieces(
            wordpieces.Settings(
                tables().address,
                classes("words", rules),
                block,
                rules,
                flags,
                word,
                whole(piece, "max_chars_per_token", 1, 0xFFFFFFFF),
                (numbers[0], numbers[1], numbers[2]),
                whole(cache_bytes, "cache_bytes", 0, 1 << 40),
                added,
            )
        )
        certain = numbers if flags & wordpieces.SPLIT_UNKNOWN else (numbers[0], numbers[2])
        self._entries = max(certain) < size  # whether all numbers that come are entries
        self._quick = self._out != "string" and self._entries
        self._suffix = suffix_indicator
        self._keeps_unknown = not unknown_token
        self._steps: tuple[Step, ...] = ()

    def vocab_size(self) -> int:
        """Number of entries in the vocabulary."""
        return self._size

    def clear_cache(self) -> None:
        """Forget what pieces words became, and give the memory back."""
        self._kernel.clear_cache()

    def _require_unknown(self) -> None:
        if self._vocabulary.index(self._unknown_token) is None:
            raise VocabularyError(
                f"the vocabulary has no {self._unknown_token!r}, which unknown words become; "
                "add it, or name another unknown_token"
            )

    def _cast(self, numbers: NDArray[np.int32]) -> NDArray[Any]:
        return numbers.astype(np.int64) if self._out == "int64" else numbers

    @functools.cached_property
    def _texts(self) -> Strings:
        """What each number stands for."""
        return Strings.of(self._vocabulary.tokens.to_bytes_list() + list(self._added), "keep")

    def _tokens(self, source: Source, pieces: Pieces) -> Any:
        """The pieces in the form that was asked for."""
        if self._keeps_unknown and (unknown := np.flatnonzero(pieces.numbers >= self._size)).size:
            return self._tokens_kept(source, pieces, unknown)
        if self._out == "string":
            return self._texts[pieces.numbers]
        numbers = pieces.numbers
        if self._entries:
            return self._cast(numbers)
        if self._tf_text and (long := numbers == self._size + 2).any():
            known = self._vocabulary.index(self._unknown_token)
            numbers[long] = self._size if known is None else known
        return self._cast(np.minimum(numbers, self._size, out=numbers))

    def _tokens_kept(self, source: Source, pieces: Pieces, unknown: NDArray[np.intp]) -> Any:
        """The same where what is unknown stays as it is."""
        cut = source.cut(pieces.row_splits, pieces.starts, pieces.ends)
        texts = cut[unknown].to_bytes_list()
        for i, at in enumerate(unknown.tolist()):
            if pieces.numbers[at] == self._size + 1:
                texts[i] = self._suffix.encode() + texts[i]
        if self._out == "string":
            known = self._texts[pieces.numbers].to_bytes_list()
            for at, text in zip(unknown.tolist(), texts, strict=True):
                known[at] = text
            return Strings.of(known, "keep")
        for at, text in zip(unknown.tolist(), texts, strict=True):
            number = self._vocabulary.index(text)  # what is too long may be an entry nevertheless
            pieces.numbers[at] = self._size if number is None else number
        return self._cast(pieces.numbers)

    def _shaped(self, source: Source, pieces: Pieces, values: Any) -> Any:
        return source.shaped(values, pieces.row_splits)

    def _pieces(self, source: Source, *, offsets: bool) -> Pieces:
        pieces = self._kernel.tokenize(
            source.spans, offsets=offsets or self._keeps_unknown, first=self._nested
        )
        if self._tf_text and offsets and not self._keeps_unknown:
            long = pieces.numbers == self._size + 2
            pieces.ends[long] = pieces.starts[long] + len(self._unknown_token.encode())
        return pieces

    def _normalized(self, source: Source) -> tuple[Source, list[OffsetsMap]]:
        """The text that the kernel is to see, and the maps back from it, last step first."""
        maps: list[OffsetsMap] = []
        text = source
        for step in self._steps:
            strings, offsets_map = step(Strings._made(*texts.join(text.spans)))
            text = Source(strings)
            maps.insert(0, offsets_map)
        return text, maps

    def tokenize(self, input: Any) -> Any:
        if self._quick and type(input) is str:
            found = self._kernel.tokenize_one(input, offsets=False)
            if found is not None:
                return self._cast(found[0])
        source = Source(input, self._malformed)
        text, _ = self._normalized(source)
        pieces = self._pieces(text, offsets=False)
        return self._shaped(source, pieces, self._tokens(text, pieces))

    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        if self._quick and type(input) is str and (self._unit == "byte" or input.isascii()):
            found = self._kernel.tokenize_one(input, offsets=True)
            if found is not None:
                return self._cast(found[0]), found[1], found[2]
        source = Source(input, self._malformed)
        text, maps = self._normalized(source)
        pieces = self._pieces(text, offsets=True)
        tokens = self._tokens(text, pieces)
        self._place(source, maps, pieces)
        tokens, starts, ends = (
            self._shaped(source, pieces, values) for values in (tokens, pieces.starts, pieces.ends)
        )
        return tokens, starts, ends

    def _place(self, source: Source, maps: list[OffsetsMap], pieces: Pieces) -> None:
        """Turn offsets into what the kernel saw into those that were asked for, in place."""
        if self._tf_text:
            return
        for offsets_map in maps:
            place_through(offsets_map, pieces.row_splits, pieces.starts, pieces.ends)
        source.place(pieces.row_splits, pieces.starts, pieces.ends, self._unit)


class WordpieceTokenizer(PieceTokenizer):
    """Splits words into the longest pieces that a vocabulary has, from left to right.

    Each input string is one word. What follows a word's first piece is looked up with the suffix
    indicator before it.

    Args:
        vocab_lookup_table: path of a file with one token a line, a list of tokens, Strings, or a
            :class:`Vocabulary`.
        suffix_indicator: what marks the pieces that continue a word.
        max_bytes_per_word: a longer word is unknown.
        max_chars_per_token: pieces have at most as many characters, without the indicator.
        token_out_type: ``"int32"``, ``"int64"`` or ``"string"`` (or a type of that name).
        unknown_token: what an unknown word becomes; None: it stays as it is. Its number is the
            vocabulary's size where it is not in it.
        split_unknown_characters: only the characters that no piece covers are unknown; after the
            first they are ``suffix_indicator + unknown_token``.
        offset_unit, malformed: see :class:`Splitter`.
        compat: ``"tf_text"``: the unknown token of a word that is too long ends as many bytes
            after its start as it has itself, as TF.Text 2.21 has it; else at the word's end.
        cache_bytes: memory in which a thread's calls remember words; 0 for none.

    Raises:
        VocabularyError: the vocabulary cannot be read, or holds a token twice.
        TextError: an argument is out of range.

    Example:
        >>> words = WordpieceTokenizer(["they", "##'", "##re", "the", "great", "##est"],
        ...                            token_out_type="string")
        >>> words.tokenize(["they're", "the", "greatest", "new"])
        Ragged([['they', "##'", '##re'], ['the'], ['great', '##est'], ['[UNK]']])
    """

    def __init__(
        self,
        vocab_lookup_table: Any,
        suffix_indicator: str = "##",
        max_bytes_per_word: int = 100,
        max_chars_per_token: int | None = None,
        token_out_type: Any = "int32",
        unknown_token: str | None = "[UNK]",
        split_unknown_characters: bool = False,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        compat: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(
            Vocabulary.of(vocab_lookup_table),
            rules=wordpieces.WHOLE,
            flags=wordpieces.SPLIT_UNKNOWN if split_unknown_characters else 0,
            suffix_indicator=suffix_indicator,
            most_in_word=max_bytes_per_word,
            most_in_piece=max_chars_per_token or None,
            unknown_token=unknown_token,
            token_out_type=token_out_type,
            offset_unit=offset_unit,
            malformed=malformed,
            compat=compat,
            cache_bytes=cache_bytes,
        )

    def detokenize(self, token_ids: Any) -> Any:
        """Words from the numbers of their pieces.

        Args:
            token_ids: a Ragged of numbers, or nested lists or an array of them.

        Returns:
            A Ragged of strings: the innermost rows of pieces become rows of words.

        Example:
            >>> words = WordpieceTokenizer(["a", "b", "c", "##a", "##b", "##c"])
            >>> words.detokenize([[0, 4, 5, 2, 5, 5, 5]])
            Ragged([['abc', 'cccc']])
        """
        return words_of(token_ids, self._texts, self._size, self._suffix)


class FastWordpieceTokenizer(PieceTokenizer):
    """Splits text at white space and punctuation, and words into a vocabulary's longest pieces.

    Nothing is normalized: text is to have the vocabulary's form. :class:`FastBertTokenizer`
    normalizes.

    Args:
        vocab: as of :class:`WordpieceTokenizer`; holds ``unknown_token``.
        suffix_indicator, max_bytes_per_word, token_out_type: as of :class:`WordpieceTokenizer`.
        unknown_token: what an unknown word becomes.
        no_pretokenization: each string is one word.
        support_detokenization: accepted and not needed: every tokenizer can.
        offset_unit, malformed: see :class:`Splitter`.
        cache_bytes: as of :class:`WordpieceTokenizer`.

    Raises:
        VocabularyError: the vocabulary cannot be read, holds a token twice, or lacks the unknown
            one.
        TextError: an argument is out of range.

    Example:
        >>> vocab = ["they", "##'", "##re", "the", "great", "##est", "[UNK]", "'", "re"]
        >>> FastWordpieceTokenizer(vocab, token_out_type="string").tokenize("they're the greatest")
        Strings(['they', "'", 're', 'the', 'great', '##est'])
    """

    def __init__(
        self,
        vocab: Any,
        suffix_indicator: str = "##",
        max_bytes_per_word: int = 100,
        token_out_type: Any = "int32",
        unknown_token: str = "[UNK]",
        no_pretokenization: bool = False,
        support_detokenization: bool = False,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(
            Vocabulary.of(vocab),
            rules=wordpieces.WHOLE if no_pretokenization else 0,
            suffix_indicator=suffix_indicator,
            most_in_word=max_bytes_per_word,
            unknown_token=unknown_token,
            token_out_type=token_out_type,
            offset_unit=offset_unit,
            malformed=malformed,
            cache_bytes=cache_bytes,
        )
        self._require_unknown()

    def detokenize(self, input: Any) -> Any:
        """Text from numbers: words with a space between them.

        Args:
            input: an array of numbers, which gives a str; or a Ragged (or nested lists) of them,
                whose innermost rows become strings.

        Raises:
            TextError: a number is not in the vocabulary.

        Example:
            >>> vocab = ["they", "##'", "##re", "the", "great", "##est", "[UNK]"]
            >>> FastWordpieceTokenizer(vocab).detokenize([[0, 1, 2, 3, 4, 5], [3]])
            Strings(["they're the greatest", 'the'])
        """
        return sentences_of(input, self._texts, self._size, self._suffix)
