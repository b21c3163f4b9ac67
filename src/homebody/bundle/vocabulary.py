"""Vocabularies: text entries with one token a line, whose number is the token's id."""

from __future__ import annotations

from typing import Protocol

from homebody.bundle._json import printable
from homebody.bundle.operations import Operation
from homebody.bundle.reader import Bundle
from homebody.bundle.text_operations import Lookup, Wordpiece
from homebody.errors import VocabularyEntryError

MAX_TOKENS = 1 << 20
"""More lines are refused."""
MAX_TOKEN_BYTES = 1024
"""A longer line is refused."""


class Entries(Protocol):
    """What has entries of text: a :class:`~homebody.bundle.Bundle` does."""

    def text(self, name: str, /) -> str:
        """An entry's text."""


def read(bundle: Entries, operation: Lookup | Wordpiece) -> tuple[str, ...]:
    """The tokens that an operation knows, by their ids.

    Raises:
        VocabularyEntryError: a line is empty, too long or there twice, ends in a carriage return,
            there are too many, or the unknown token is none of them.
        EntryTextError: the entry is not UTF-8.
    """
    tokens = parse(bundle.text(operation.entry), operation.entry)
    if operation.unknown_token not in tokens:
        raise VocabularyEntryError(
            f"{operation.entry} has no line {printable(operation.unknown_token)!r}, which "
            "the unknown words become; add it, or name another in the operation's unknown_token"
        )
    return tokens


def read_all(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """Every vocabulary that the pipelines use, by its entry's name.

    Raises:
        VocabularyEntryError: as :func:`read` does.
    """
    steps: tuple[Operation, ...] = (*bundle.manifest.input, *bundle.manifest.output)
    return {
        step.entry: read(bundle, step) for step in steps if isinstance(step, Lookup | Wordpiece)
    }


def parse(text: str, name: str) -> tuple[str, ...]:
    r"""Split a vocabulary into its tokens; the last line may end in a line feed or not.

    Raises:
        VocabularyEntryError: it is malformed.

    >>> parse("[UNK]\nhome\n##body\n", "vocab.txt")
    ('[UNK]', 'home', '##body')
    """
    tokens = text.removesuffix("\n").split("\n")
    if len(tokens) > MAX_TOKENS:
        raise VocabularyEntryError(
            f"{name} has {len(tokens)} lines; at most {MAX_TOKENS} tokens are accepted"
        )
    places: dict[str, int] = {}
    for line, token in enumerate(tokens, start=1):
        if not token:
            raise VocabularyEntryError(f"line {line} of {name} is empty; give one token a line")
        if len(token.encode()) > MAX_TOKEN_BYTES:
            raise VocabularyEntryError(
                f"line {line} of {name} has {len(token.encode())} bytes; at most "
                f"{MAX_TOKEN_BYTES} are accepted"
            )
        if token.endswith("\r"):
            raise VocabularyEntryError(
                f"line {line} of {name} ends in a carriage return; end lines with a line feed alone"
            )
        if token in places:
            raise VocabularyEntryError(
                f"line {line} of {name} repeats line {places[token]}, "
                f"{printable(token)[:60]!r}; keep one, since a token has one id"
            )
        places[token] = line
    return tuple(tokens)
