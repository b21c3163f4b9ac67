"""Vocabularies: tokens and their numbers."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError, VocabularyError
from homebody.kernels import wordpieces
from homebody.text._strings import Strings

MOST_BYTES = 1 << 26
"""A larger file is refused."""


class Vocabulary:
    """Tokens, each with its number: its place in the list.

    Args:
        tokens: a list of str or bytes, an array of them, or Strings.

    Attributes:
        tokens: Strings.

    Raises:
        TextError: ``tokens`` is no list of strings.
        VocabularyError: there are too many.

    Example:
        >>> vocabulary = Vocabulary(["[UNK]", "the", "##y"])
        >>> len(vocabulary), vocabulary.index("the"), vocabulary.tokens[2]
        (3, 1, '##y')
    """

    def __init__(self, tokens: Any) -> None:
        self.tokens = Strings.of(tokens, malformed="keep")
        if len(self.tokens) > wordpieces.MOST_ENTRIES:
            raise VocabularyError(
                f"a vocabulary has {len(self.tokens)} entries; "
                f"at most {wordpieces.MOST_ENTRIES} are accepted"
            )
        self._compiled: dict[str, NDArray[np.uint64]] = {}
        self._pieces = self.tokens

    @classmethod
    def _with_added(cls, tokens: list[str], added: set[int]) -> Vocabulary:
        """One of whose tokens some, by their numbers, are nobody's pieces."""
        made = cls(tokens)
        pieces = ["" if number in added else token for number, token in enumerate(tokens)]
        made._pieces = Strings.of(pieces, malformed="keep")
        return made

    @classmethod
    def of(cls, source: Any) -> Vocabulary:
        """A vocabulary from a file's path, a list of tokens, or a vocabulary, which is returned.

        Raises:
            VocabularyError: the file cannot be read, or is too large.
        """
        if isinstance(source, Vocabulary):
            return source
        if isinstance(source, (str, os.PathLike)):
            return cls.from_file(source)
        return cls(source)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Read a text file with one token a line, in the order of their numbers.

        Lines end in a line feed, or carriage return and line feed; the last may lack it.

        Raises:
            VocabularyError: it cannot be read, or has more than 64 MiB.
        """
        try:
            with Path(path).open("rb") as file:
                data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise VocabularyError(
                f"the vocabulary {path} cannot be read ({error.strerror}); give a text file "
                "with one token a line"
            ) from None
        if len(data) > MOST_BYTES:
            raise VocabularyError(f"the vocabulary {path} has more than {MOST_BYTES} bytes")
        lines = data.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n") if data else []
        return cls(lines)

    def __len__(self) -> int:
        return len(self.tokens)

    @functools.cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {token: number for number, token in enumerate(self.tokens.to_bytes_list())}

    def index(self, token: str | bytes) -> int | None:
        """A token's number; None when it is not in the vocabulary."""
        return self._numbers.get(token.encode() if isinstance(token, str) else token)

    def compiled(self, suffix_indicator: str) -> NDArray[np.uint64]:
        """The block that a kernel looks pieces up in, made at the first call.

        Raises:
            VocabularyError: a token is there twice, is not UTF-8, or they are too many.
        """
        if suffix_indicator not in self._compiled:
            if not isinstance(suffix_indicator, str):
                raise TextError(f"suffix_indicator is {suffix_indicator!r}; give a str, e.g. '##'")
            self._compiled[suffix_indicator] = wordpieces.compile_vocabulary(
                self._pieces.spans(), Strings.of([suffix_indicator]).spans()
            )
        return self._compiled[suffix_indicator]
