"""Hugging Face's ``tokenizer.json``, read where it holds BERT's normalization and WordPiece."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.errors import VocabularyError
from homebody.kernels import wordpieces
from homebody.kernels.wordpieces import (
    HF,
    HF_CLEAN,
    HF_IDEOGRAPHS,
    HF_LOWER,
    HF_STRIP,
    REORDER,
    compile_vocabulary,
)
from homebody.text._strings import Strings
from homebody.text._vocabulary import MOST_BYTES, Vocabulary


class _Normalizer(msgspec.Struct):
    type: str
    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None
    lowercase: bool = True


class _Named(msgspec.Struct):
    type: str


class _Model(msgspec.Struct):
    vocab: dict[str, int]
    type: str = "WordPiece"
    unk_token: str = "[UNK]"
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: int = 100


class _Added(msgspec.Struct):
    id: int
    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False


class _File(msgspec.Struct):
    model: _Model
    normalizer: _Normalizer | None = None
    pre_tokenizer: _Named | None = None
    added_tokens: list[_Added] = []


class TokenizerFile(NamedTuple):
    """What a ``tokenizer.json`` says.

    Attributes:
        vocabulary: the tokens by their numbers, added ones among them.
        rules: of the kernel.
        suffix_indicator, unknown_token: as named there.
        most_in_word: characters.
        added: for the kernel; None: none.
    """

    vocabulary: Vocabulary
    rules: int
    suffix_indicator: str
    unknown_token: str
    most_in_word: int
    added: tuple[NDArray[np.uint64], NDArray[np.int32]] | None


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


def read_tokenizer_json(source: str | os.PathLike[str] | bytes) -> TokenizerFile:
    """Read a file, or its bytes.

    Raises:
        VocabularyError: it cannot be read, is no such JSON, is too large, or asks for what is not
            here.
    """
    data = source if isinstance(source, bytes) else _read(source)
    if len(data) > MOST_BYTES:
        raise VocabularyError(f"the tokenizer file has more than {MOST_BYTES} bytes")
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise VocabularyError(
            f"the tokenizer file is no tokenizer.json with a WordPiece model ({error}); "
            "save one with tokenizers"
        ) from None
    _check_kinds(file)
    tokens = _tokens(file)
    added = {token.id for token in file.added_tokens}
    return TokenizerFile(
        Vocabulary._with_added(tokens, added - set(file.model.vocab.values())),
        _rules(file.normalizer),
        file.model.continuing_subword_prefix,
        file.model.unk_token,
        file.model.max_input_chars_per_word,
        _compiled(file.added_tokens),
    )


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise VocabularyError(
            f"the tokenizer file {path} cannot be read ({error.strerror}); give a tokenizer.json"
        ) from None


def _check_kinds(file: _File) -> None:
    kinds = (
        ("model", file.model.type, ("WordPiece",)),
        ("normalizer", file.normalizer and file.normalizer.type, (None, "BertNormalizer")),
        ("pre_tokenizer", file.pre_tokenizer and file.pre_tokenizer.type, ("BertPreTokenizer",)),
    )
    for what, kind, accepted in kinds:
        if kind not in accepted:
            raise VocabularyError(
                f"the tokenizer file's {what} is {kind!r}; {accepted[-1]} is what is read here"
            )
    if not 1 <= file.model.max_input_chars_per_word <= wordpieces.MOST_IN_WORD:
        raise VocabularyError(
            f"the tokenizer file's max_input_chars_per_word is "
            f"{file.model.max_input_chars_per_word}; 1 to {wordpieces.MOST_IN_WORD} is accepted"
        )
    for token in file.added_tokens:
        plain = not (token.single_word or token.lstrip or token.rstrip or token.normalized)
        first = token.content[:1]
        if not plain or not first.isascii() or not first.isprintable() or first.isalnum():
            raise VocabularyError(
                f"the tokenizer file's added token {token.content[:40]!r} is special in a way that "
                "is not read here; only tokens that begin with ASCII punctuation and are found as "
                "they are, in text that is not normalized"
            )
        if first in ("", " "):
            raise VocabularyError("the tokenizer file has an added token that is empty or a space")


def _tokens(file: _File) -> list[str]:
    """All tokens by their numbers."""
    numbered = dict(file.model.vocab)
    for token in file.added_tokens:
        if numbered.setdefault(token.content, token.id) != token.id:
            raise VocabularyError(
                f"the tokenizer file gives {token.content[:40]!r} two numbers; keep one"
            )
    size = len(numbered)
    tokens: list[Any] = [None] * size
    for token_text, number in numbered.items():
        if not 0 <= number < size or tokens[number] is not None:
            raise VocabularyError(
                f"the tokenizer file's number {number} is there twice or beyond its {size} tokens; "
                "number them from 0 on, each once"
            )
        tokens[number] = token_text
    return tokens


def _rules(normalizer: _Normalizer | None) -> int:
    if normalizer is None:
        return HF
    return hf_rules(
        lowercase=normalizer.lowercase,
        clean_text=normalizer.clean_text,
        handle_chinese_chars=normalizer.handle_chinese_chars,
        strip_accents=normalizer.strip_accents,
    )


def _compiled(
    tokens: list[_Added],
) -> tuple[NDArray[np.uint64], NDArray[np.int32]] | None:
    if not tokens:
        return None
    block = compile_vocabulary(
        Strings.of([token.content for token in tokens]).spans(), Strings.of([""]).spans()
    )
    return block, np.array([token.id for token in tokens], np.int32)
