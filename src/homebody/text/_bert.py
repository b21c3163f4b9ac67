"""BERT's tokenizers: normalization, words and pieces in one pass."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels.wordpieces import (
    ASCII_SPACE,
    CONTROL,
    COUNT_CHARS,
    FOLD,
    HF,
    HF_CLEAN,
    HF_IDEOGRAPHS,
    HF_LOWER,
    HF_STRIP,
    REORDER,
    SPLIT_UNKNOWN,
    WHOLE,
    Pieces,
)
from homebody.text._detokenize import sentences_of, words_of
from homebody.text._ragged import Ragged
from homebody.text._source import Source
from homebody.text._strings import Malformed
from homebody.text._vocabulary import Vocabulary
from homebody.text._wordpiece import CACHE_BYTES, PieceTokenizer

Rules = Literal["tf", "hf"]
"""Whose normalization: TF.Text's, or Hugging Face's tokenizers'."""


class FastBertTokenizer(PieceTokenizer):
    """BERT's tokenizer, from raw text to pieces.

    Text is normalized (see ``rules``), split at white space, around punctuation and ideographs,
    and each word into the longest pieces that the vocabulary has.

    Args:
        vocab: path of a file with one token a line, a list of tokens, Strings, or a
            :class:`Vocabulary`.
        suffix_indicator: what marks the pieces that continue a word.
        max_bytes_per_word: a longer word is unknown. With ``rules="hf"`` these are characters.
        token_out_type: ``"int32"``, ``"int64"`` or ``"string"`` (or a type of that name).
        unknown_token: what an unknown word becomes; the vocabulary holds it.
        no_pretokenization: each string is one word.
        support_detokenization: accepted and not needed: every tokenizer can.
        lower_case_nfd_strip_accents: fold case and take accents away.
        rules: ``"tf"``: each character is case-folded (NFKC_Casefold), decomposed (NFD) and loses
            its nonspacing marks, if asked for; control characters become spaces. As TF.Text's
            FastBertTokenizer has it, with Unicode 16. ``"hf"``: control characters, U+0000 and
            U+FFFD are left out; if asked for, text is decomposed (NFD), loses its nonspacing
            marks and is lower-cased. As BertNormalizer and BertPreTokenizer of tokenizers 0.23
            have it.
        offset_unit, malformed: see :class:`Splitter`.
        cache_bytes: memory in which a thread's calls remember words; 0 for none.

    Raises:
        VocabularyError: the vocabulary cannot be read, holds a token twice, or lacks the unknown
            one.
        TextError: an argument is out of range.

    Example:
        >>> vocab = ["they", "##'", "##re", "the", "great", "##est", "[UNK]"]
        >>> bert = FastBertTokenizer(vocab, lower_case_nfd_strip_accents=True)
        >>> pieces, starts, ends = bert.tokenize_with_offsets(["The greatest", "THÉ"])
        >>> pieces, starts, ends
        (Ragged([[3, 4, 5], [3]]), Ragged([[0, 4, 9], [0]]), Ragged([[3, 9, 12], [4]]))
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
        lower_case_nfd_strip_accents: bool = False,
        *,
        rules: Rules = "tf",
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if rules not in ("tf", "hf"):
            raise TextError(f"rules is {rules!r}; give 'tf' or 'hf'")
        lower = lower_case_nfd_strip_accents
        tf = CONTROL | (FOLD if lower else 0)
        chosen = tf if rules == "tf" else hf_rules(lowercase=lower)
        super().__init__(
            Vocabulary.of(vocab),
            rules=chosen | (WHOLE if no_pretokenization else 0),
            flags=COUNT_CHARS if rules == "hf" else 0,
            suffix_indicator=suffix_indicator,
            most_in_word=max_bytes_per_word,
            unknown_token=unknown_token,
            token_out_type=token_out_type,
            offset_unit=offset_unit,
            malformed=malformed,
            cache_bytes=cache_bytes,
        )
        self._suffix = suffix_indicator
        self._require_unknown()

    def detokenize(self, token_ids: Any) -> Any:
        """Text from numbers, as :meth:`FastWordpieceTokenizer.detokenize` gives it.

        What normalization changed stays changed.

        Raises:
            TextError: a number is not in the vocabulary.
        """
        return sentences_of(token_ids, self._texts, self._size, self._suffix)


def hf_rules(
    *,
    lowercase: bool,
    clean_text: bool = True,
    handle_chinese_chars: bool = True,
    strip_accents: bool | None = None,
) -> int:
    """The rules of Hugging Face's BertNormalizer, by its own arguments."""
    strip = lowercase if strip_accents is None else strip_accents
    return (
        HF
        | (HF_CLEAN if clean_text else 0)
        | (HF_IDEOGRAPHS if handle_chinese_chars else 0)
        | (HF_STRIP | REORDER if strip else 0)
        | (HF_LOWER if lowercase else 0)
    )


class BertTokenizer(PieceTokenizer):
    """BERT's tokenizer, whose pieces are nested in words: [strings, words, pieces].

    Like :class:`FastBertTokenizer` with ``rules="tf"``, except that text is normalized as a whole
    (marks come in canonical order) and that, of white space, only the ASCII characters and what
    normalizes to them end words.

    Args:
        vocab_lookup_table, suffix_indicator, max_bytes_per_word, max_chars_per_token,
            token_out_type, unknown_token, split_unknown_characters: as of
            :class:`WordpieceTokenizer`.
        lower_case: fold case (NFKC_Casefold), decompose (NFD) and take nonspacing marks away.
        offset_unit, malformed: see :class:`Splitter`.
        cache_bytes: memory in which a thread's calls remember words; 0 for none.

    Raises:
        VocabularyError: the vocabulary cannot be read, or holds a token twice.
        TextError: an argument is out of range.

    Example:
        >>> bert = BertTokenizer(["they", "##'", "##re", "the", "great", "##est"])
        >>> bert.tokenize(["the greatest"])
        Ragged([[[3], [4, 5]]])
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
        lower_case: bool = False,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        super().__init__(
            Vocabulary.of(vocab_lookup_table),
            rules=CONTROL | ASCII_SPACE | (FOLD | REORDER if lower_case else 0),
            flags=SPLIT_UNKNOWN if split_unknown_characters else 0,
            suffix_indicator=suffix_indicator,
            most_in_word=max_bytes_per_word,
            most_in_piece=max_chars_per_token or None,
            unknown_token=unknown_token,
            token_out_type=token_out_type,
            offset_unit=offset_unit,
            malformed=malformed,
            cache_bytes=cache_bytes,
        )
        self._suffix = suffix_indicator
        self._quick = False

    def _pieces(self, source: Source, *, offsets: bool) -> Pieces:
        return self._kernel.tokenize(source.spans, offsets=offsets, first=True)

    def _shaped(self, source: Source, pieces: Pieces, values: Any) -> Any:
        begins, words = word_splits(pieces)
        return source.shaped(Ragged._made(values, begins), words)

    def detokenize(self, token_ids: Any) -> Any:
        """Words from numbers, as :meth:`WordpieceTokenizer.detokenize` gives them."""
        return words_of(token_ids, self._texts, self._size, self._suffix)


def word_splits(pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row splits of the words in pieces, and of the strings in words."""
    begins = np.flatnonzero(pieces.first)
    words = np.searchsorted(begins, pieces.row_splits)
    return np.append(begins, len(pieces.numbers)).astype(np.int64), words.astype(np.int64)
