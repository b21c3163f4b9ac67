"""Text split into the phrases of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from homebody.errors import TextError, VocabularyError
from homebody.kernels.phrases import Phrases
from homebody.text._ids import texts_of
from homebody.text._random import checked_seed
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._tokenizer import Tokenizer
from homebody.text._wordpiece import out_type
from homebody.text._words import classes

MOST_IN_PHRASE = 1024
"""Bytes of a phrase."""


class PhraseTokenizer(Tokenizer):
    """Splits text into phrases of a vocabulary, each one or several words.

    Words are what stands between white space. From the first word on, and then behind each phrase,
    the longest phrase that begins there is taken; where none does, the word is unknown.

    Args:
        vocab: the phrases, each once, of words with single spaces between them, in the order of
            their numbers; at most 1,024 bytes each.
        token_out_type: ``"int32"`` or ``"int64"`` for numbers, ``"string"`` for phrases.
        unknown_token: what an unknown word becomes; one of ``vocab``.
        support_detokenization: whether :meth:`detokenize` may be called.
        prob: in per cent, how probable it is that a phrase that fits is taken although a longer one
            may fit too: 0 takes the longest, 100 the shortest. Random numbers are counted ones
            (Philox4x32-7, as :class:`RandomItemSelector` explains; the k-th phrase that fits at
            the i-th token draws word k % 4 at counter (i, k // 4, tick, 18)).
        seed: of the random numbers, 0 to 2**64 - 1.
        offset_unit, malformed: see :class:`Splitter`.

    Attributes:
        tick: how often text was split, from 0; each call draws anew. Set it to repeat one.

    Raises:
        VocabularyError: a phrase is there twice or too long, or the unknown token is not there.
        TextError: an argument is out of range.

    Example:
        >>> vocab = ["I", "have", "a", "dream", "a dream", "I have a", "<UNK>"]
        >>> phrases = PhraseTokenizer(vocab, token_out_type="string")
        >>> phrases.tokenize(["I have a dream", "I had a dream"])
        Ragged([['I have a', 'dream'], ['I', '<UNK>', 'a dream']])
    """

    def __init__(
        self,
        vocab: Sequence[str] | Strings,
        token_out_type: Any = "int32",
        unknown_token: str = "<UNK>",
        support_detokenization: bool = True,
        prob: int = 0,
        *,
        seed: int = 0,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed)
        self._out = out_type(token_out_type)
        self._vocabulary = Strings.of(vocab)
        phrases = self._vocabulary.to_bytes_list()
        numbers = {phrase: number for number, phrase in enumerate(phrases)}
        if len(numbers) < len(phrases):
            twice = next(p for number, p in enumerate(phrases) if numbers[p] != number)
            raise VocabularyError(f"{twice.decode()!r} is in the vocabulary twice; give it once")
        if any(len(phrase) > MOST_IN_PHRASE for phrase in phrases):
            raise VocabularyError(f"a phrase is longer than {MOST_IN_PHRASE} bytes; leave it out")
        unknown = numbers.get(unknown_token.encode())
        if unknown is None:
            raise VocabularyError(
                f"the vocabulary has no {unknown_token!r}, which unknown words become; "
                "add it, or name another unknown_token"
            )
        if not isinstance(prob, (int, float, np.integer)) or not 0 <= prob <= 100:
            raise TextError(f"prob is {prob!r}; give per cent, 0 to 100")
        self._unknown, self._support = unknown, support_detokenization
        self._rate = round(prob / 100 * 2**32)
        self._seed = checked_seed(seed)
        self._spans = self._vocabulary.spans()
        self._phrases = Phrases(self._spans, classes("space"))
        self.tick = 0

    def vocab_size(self) -> int:
        """Number of phrases."""
        return len(self._vocabulary)

    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        source = Source(input, self._malformed)
        splits, entries, starts, ends = self._phrases.find(
            source.spans, unknown=self._unknown, rate=self._rate, seed=self._seed, tick=self.tick
        )
        self.tick = (self.tick + 1) & 0xFFFFFFFF
        source.place(splits, starts, ends, self._unit)
        tokens: Any = entries
        if self._out == "string":
            tokens = self._vocabulary[entries]
        elif self._out == "int64":
            tokens = entries.astype(np.int64)
        tokens, begins, stops = (source.shaped(v, splits) for v in (tokens, starts, ends))
        return tokens, begins, stops

    def detokenize(self, input: Any) -> Any:
        """The phrases of numbers, with spaces between them.

        Args:
            input: numbers: one text's, or rows of them, nested as deep as wanted.

        Returns:
            A str of one text, Strings of several, Ragged where rows are nested.

        Raises:
            TextError: a number is not in the vocabulary, or detokenization was not asked for.

        Example:
            >>> PhraseTokenizer(["a", "<UNK>", "b c"]).detokenize([[0, 2], []]).to_list()
            ['a b c', '']
        """
        if not self._support:
            raise TextError("support_detokenization is False; construct with True")
        phrases = self._vocabulary.to_bytes_list()
        return texts_of(
            input, len(phrases), lambda numbers: b" ".join(phrases[n] for n in numbers.tolist())
        )
