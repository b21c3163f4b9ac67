"""BERT's tokenizers: normalization, words and pieces in one pass."""

from __future__ import annotations

import os
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels.wordpieces import (
    ASCII_SPACE,
    CONTROL,
    COUNT_CHARS,
    FOLD,
    KEEP_SPACE,
    KEEP_UNUSED,
    REORDER,
    SPLIT_UNKNOWN,
    WHOLE,
    Pieces,
    apply_rules,
)
from homebody.text._bert_json import hf_rules, read_tokenizer_json
from homebody.text._detokenize import sentences_of, words_of
from homebody.text._normalize import (
    Form,
    case_fold_utf8_with_offsets_map,
    clean_controls_utf8_with_offsets_map,
    normalize_utf8_with_offsets_map,
    strip_accents_utf8_with_offsets_map,
)
from homebody.text._ragged import Ragged
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._unicode import tables
from homebody.text._vocabulary import Vocabulary
from homebody.text._wordpiece import CACHE_BYTES, PieceTokenizer, Step

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
        compat: ``"tf_text"``: pieces of what one character became are empty but the last, and a
            piece reaches to the next character that is left, as TF.Text 2.21 has it.
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
        compat: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if rules not in ("tf", "hf") or (compat and rules == "hf"):
            raise TextError(
                f"rules is {rules!r} and compat {compat!r}; give 'tf' or 'hf', and compat with 'tf'"
            )
        lower = lower_case_nfd_strip_accents
        tf = CONTROL | (FOLD if lower else 0)
        chosen = tf if rules == "tf" else hf_rules(lowercase=lower)
        cut = WHOLE if no_pretokenization else 0
        super().__init__(
            Vocabulary.of(vocab),
            rules=cut if compat else chosen | cut,
            flags=COUNT_CHARS if rules == "hf" else 0,
            suffix_indicator=suffix_indicator,
            most_in_word=max_bytes_per_word,
            unknown_token=unknown_token,
            token_out_type=token_out_type,
            offset_unit=offset_unit,
            malformed=malformed,
            compat=compat,
            cache_bytes=cache_bytes,
        )
        self._rules = chosen
        self._quick = self._quick and not compat
        self._require_unknown()

    def _normalized(self, source: Source) -> tuple[Source, list[Any]]:
        if not self._tf_text:
            return source, []
        parts = [apply_rules(tables().address, self._rules, span) for span in source.spans]
        sizes = np.cumsum([0, *(data.size for data, _ in parts)], dtype=np.int64)
        data = np.concatenate([data for data, _ in parts] or [np.empty(0, np.uint8)])
        return Source(Strings._made(data, sizes)), [begins for _, begins in parts]

    def _place(self, source: Source, maps: list[Any], pieces: Pieces) -> None:
        if not self._tf_text:
            super()._place(source, maps, pieces)
            return
        for i, begins in enumerate(maps):
            mine = slice(int(pieces.row_splits[i]), int(pieces.row_splits[i + 1]))
            after = np.append(begins, np.int32(source.spans[i, 1]))
            pieces.starts[mine], pieces.ends[mine] = (
                after[pieces.starts[mine]],
                after[pieces.ends[mine]],
            )

    def _pieces(self, source: Source, *, offsets: bool) -> Pieces:
        return self._kernel.tokenize(source.spans, offsets=offsets)

    def detokenize(self, token_ids: Any) -> Any:
        """Text from numbers, as :meth:`FastWordpieceTokenizer.detokenize` gives it.

        What normalization changed stays changed.

        Raises:
            TextError: a number is not in the vocabulary.
        """
        return sentences_of(token_ids, self._texts, self._size, self._suffix)


class BertWordPieceTokenizer(FastBertTokenizer):
    """A tokenizer from Hugging Face's ``tokenizer.json``: BERT's normalization and WordPiece.

    What is read: the model (WordPiece), the normalizer (BertNormalizer or none), the
    pre-tokenizer (BertPreTokenizer), and the added tokens, which are found in text as they are.
    Truncation, padding and the post-processor are not applied: those are other operations
    (:func:`combine_segments`, :func:`pad_model_inputs`).

    Args:
        source: the file's path, or its bytes.
        token_out_type, offset_unit, malformed, cache_bytes: see :class:`FastBertTokenizer`.

    Raises:
        VocabularyError: the file cannot be read, is no such JSON, is over 64 MiB, or asks for
            what is not here.

    Example:
        >>> text = (b'{"model": {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0,'
        ...         b' "home": 1, "##body": 2}, "continuing_subword_prefix": "##",'
        ...         b' "max_input_chars_per_word": 100}, "normalizer": {"type": "BertNormalizer",'
        ...         b' "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,'
        ...         b' "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"},'
        ...         b' "added_tokens": []}')
        >>> BertWordPieceTokenizer(text).tokenize(["Homebody!"])
        Ragged([[1, 2, 0]])
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        token_out_type: Any = "int32",
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        file = read_tokenizer_json(source)
        PieceTokenizer.__init__(
            self,
            file.vocabulary,
            rules=file.rules,
            flags=COUNT_CHARS,
            suffix_indicator=file.suffix_indicator,
            most_in_word=file.most_in_word,
            unknown_token=file.unknown_token,
            token_out_type=token_out_type,
            offset_unit=offset_unit,
            malformed=malformed,
            cache_bytes=cache_bytes,
            added=file.added,
        )
        self._rules = file.rules
        self._require_unknown()


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
        keep_whitespace: runs of white space are words too.
        normalization_form: "NFC", "NFD", "NFKC" or "NFKD": text is brought into it first. With
            ``lower_case`` only "NFD", which that includes.
        preserve_unused_token: "[unused123]" is a word, with any number.
        offset_unit, malformed: see :class:`Splitter`.
        compat: ``"tf_text"``: offsets are bytes of the normalized text, and the unknown token of a
            word that is too long ends as many bytes after its start as it has itself, as TF.Text
            2.21 has it.
        cache_bytes: memory in which a thread's calls remember words; 0 for none.

    Raises:
        VocabularyError: the vocabulary cannot be read, or holds a token twice.
        TextError: an argument is out of range.

    Example:
        >>> bert = BertTokenizer(["they", "##'", "##re", "the", "great", "##est"])
        >>> bert.tokenize(["the greatest"])
        Ragged([[[3], [4, 5]]])
    """

    _nested = True

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
        keep_whitespace: bool = False,
        normalization_form: Form | None = None,
        preserve_unused_token: bool = False,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        compat: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if lower_case and normalization_form not in (None, "NFD"):
            raise TextError(
                f"lower_case includes NFD, and normalization_form is {normalization_form!r}; "
                "give one of the two"
            )
        # What the kernel does not do in its one pass goes before it.
        apart = keep_whitespace or preserve_unused_token or not unknown_token or compat
        steps: list[Step] = []
        if lower_case and apart:
            steps = [case_fold_utf8_with_offsets_map, strip_accents_utf8_with_offsets_map]
        elif normalization_form and not lower_case:
            steps = [
                partial(normalize_utf8_with_offsets_map, normalization_form=normalization_form)
            ]
        if compat:
            steps.append(clean_controls_utf8_with_offsets_map)
        fold = FOLD | REORDER if lower_case and not apart else 0
        super().__init__(
            Vocabulary.of(vocab_lookup_table),
            rules=CONTROL | ASCII_SPACE | fold,
            flags=(SPLIT_UNKNOWN if split_unknown_characters else 0)
            | (KEEP_SPACE if keep_whitespace else 0)
            | (KEEP_UNUSED if preserve_unused_token else 0),
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
        self._steps = tuple(steps)
        self._quick = False

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
