"""A WordPiece vocabulary learned from text: the same text gives the same vocabulary."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels.learning import MOST_IN_WORD, Substrings
from homebody.text._bert import BertTokenizer
from homebody.text._normalize import case_fold_utf8, strip_accents_utf8
from homebody.text._source import Source
from homebody.text._wordpiece import whole

_BATCH = 4096


def learn_vocabulary(
    texts: Iterable[Any],
    vocab_size: int,
    reserved_tokens: Sequence[str] = (),
    *,
    lower_case: bool = False,
    **learn_params: Any,
) -> list[str]:
    """A WordPiece vocabulary for :class:`BertTokenizer`, learned from texts.

    The texts are split into words as :class:`BertTokenizer` does, and the words counted; the rest
    is :func:`learn_vocabulary_from_counts`.

    Args:
        texts: strings, or batches of strings; read once, a batch at a time.
        vocab_size: the most tokens.
        reserved_tokens: tokens that come first, whatever the texts, e.g. ``["[PAD]", "[UNK]"]``.
        lower_case: what :class:`BertTokenizer` will be given.
        learn_params: further arguments of :func:`learn_vocabulary_from_counts`.

    Returns:
        The tokens, in the order of their numbers.

    Raises:
        TextError: there are no words, or an argument is out of range.

    Example:
        >>> learn_vocabulary(["low lower lowest", "new newer"], 40, ["[UNK]"], lower_thresh=1)[:4]
        ['[UNK]', 'e', 'l', 'n']
    """
    return learn_vocabulary_from_counts(
        count_words(texts, lower_case=lower_case), vocab_size, reserved_tokens, **learn_params
    )


def count_words(texts: Iterable[Any], *, lower_case: bool = False) -> dict[str, int]:
    """How often each word occurs in texts, split as :class:`BertTokenizer` splits them.

    Args:
        texts: strings, or batches of strings; read once, a batch at a time.
        lower_case: fold case, decompose and take nonspacing marks away first.

    Raises:
        TextError: it is no text.

    Example:
        >>> count_words(["To be, or not", "to be"], lower_case=True)["be"]
        2
    """
    words = BertTokenizer(["[UNK]"], max_bytes_per_word=1 << 20, cache_bytes=0)
    counts: collections.Counter[bytes] = collections.Counter()
    for batch in _batches(texts):
        if lower_case:
            batch = strip_accents_utf8(case_fold_utf8(batch))
        source = Source(batch)
        pieces = words._pieces(source, offsets=True)
        found = source.cut(pieces.row_splits, pieces.starts, pieces.ends)
        counts.update(found.to_bytes_list())
    return {word.decode(): count for word, count in counts.items()}


def _batches(texts: Iterable[Any]) -> Iterable[Any]:
    if isinstance(texts, (str, bytes)):
        yield [texts]
        return
    batch: list[Any] = []
    for text in texts:
        if not isinstance(text, (str, bytes)):
            yield text
            continue
        batch.append(text)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def learn_vocabulary_from_counts(
    word_counts: Mapping[str, int] | Iterable[tuple[str, int]],
    vocab_size: int,
    reserved_tokens: Sequence[str] = (),
    *,
    upper_thresh: int | None = 10_000_000,
    lower_thresh: int | None = 10,
    num_iterations: int = 4,
    max_input_tokens: int | None = 5_000_000,
    max_token_length: int = 50,
    max_unique_chars: int = 1000,
    slack_ratio: float = 0.05,
    include_joiner_token: bool = True,
    joiner: str = "##",
    compat: str | None = None,
) -> list[str]:
    """A WordPiece vocabulary learned from words and how often they occur.

    Every character is a token, as a word's beginning and, behind the joiner, within one. For the
    others, words are cut into the pieces known so far (at first: characters), and every substring
    that begins with a piece is counted. From the longest on, those that occur often enough are
    kept, and a kept one's count is taken off those of its beginnings. That is repeated, and what
    "often enough" is is found by bisection, so that the vocabulary is as large as was asked for.

    Args:
        word_counts: words and their counts, each word once.
        vocab_size: the most tokens. Characters and reserved tokens may be more alone.
        reserved_tokens: tokens that come first.
        upper_thresh, lower_thresh: between which counts "often enough" is looked for; None: those
            of the words. With ``lower_thresh`` 1 a small text gives as many tokens as it can.
        num_iterations: how often words are cut anew.
        max_input_tokens: the most words; the rarest are left out. None: all.
        max_token_length: longer words are left out; 1 to 255 characters.
        max_unique_chars: the most characters; words with rarer ones are left out.
        slack_ratio: how much smaller than ``vocab_size`` will do.
        include_joiner_token: whether what follows within a word is told apart by the joiner.
        joiner: put before it.
        compat: ``"tf_text"``: every substring's count is taken off, kept or not, which is what
            TF.Text 2.21's learner does, and not what its documentation says: beginnings that are no
            words are then never learned. The tokens are those of TF.Text, in their order.

    Returns:
        The tokens, in the order of their numbers: reserved ones, characters, then others by
        falling count.

    Raises:
        TextError: there are no words, or an argument is out of range.

    Source: the algorithm that the TensorFlow tutorial "Subword tokenizers" describes under
    "Algorithm"; after Schuster and Nakajima, "Japanese and Korean voice search", ICASSP 2012.

    Example:
        >>> counts = {"low": 5, "lower": 2, "lowest": 3, "newest": 6, "widest": 3}
        >>> vocabulary = learn_vocabulary_from_counts(counts, 40, ["[UNK]"], lower_thresh=3)
        >>> [token for token in vocabulary if len(token.strip("#")) > 1]
        ['[UNK]', '##st', 'newest', 'low', 'lowe']
    """
    vocab_size = whole(vocab_size, "vocab_size", 1, 2**31)
    whole(num_iterations, "num_iterations", 1, 1000)
    whole(max_token_length, "max_token_length", 1, MOST_IN_WORD)
    whole(max_unique_chars, "max_unique_chars", 1, 0x110000)
    if compat not in (None, "tf_text"):
        raise TextError(f"compat is {compat!r}; give None or 'tf_text'")
    if not 0 <= slack_ratio < 1:
        raise TextError(f"slack_ratio is {slack_ratio!r}; give a share from 0 to 1")
    pairs = list(word_counts.items() if isinstance(word_counts, Mapping) else word_counts)
    if not pairs:
        raise TextError("there are no words to learn from; give some")
    counts = np.array([count for _, count in pairs], np.int64)
    if (counts < 1).any() or counts.sum(dtype=np.float64) * max_token_length > 2**62:
        raise TextError("a word's count is below 1, or all together are too large; mend the counts")
    tf_text = compat is not None
    # A piece of several words occurs more often than each of them.
    high, low = int(counts.max() if tf_text else counts.sum()), int(counts.min())
    high = high if upper_thresh is None else min(high, upper_thresh)
    low = low if lower_thresh is None else max(low, lower_thresh)
    reserved = set(reserved_tokens)
    kept = [i for i, (word, _) in enumerate(pairs)
            if len(word) <= max_token_length and word not in reserved]  # fmt: skip
    words = _Words([pairs[i][0] for i in kept], counts[kept])
    most = -1 if max_input_tokens is None else max_input_tokens
    words = words.with_common_characters(max_unique_chars).commonest(most)
    learner = _Learner(words, reserved_tokens, joiner if include_joiner_token else "")
    best: list[str] = []
    while True:
        least = (high + low) // 2
        last = low >= high or least <= 1
        whatever = last and (tf_text or not best)
        vocabulary = learner.vocabulary(
            least, num_iterations, 2**31 if whatever else vocab_size, tf_text=tf_text
        )
        if vocabulary is not None and len(vocabulary) > len(best):
            best = vocabulary
        if last:
            return best if vocabulary is None or not tf_text else vocabulary
        if vocabulary is None:
            low = least + 1
        elif 0 <= vocab_size - len(vocabulary) <= slack_ratio * vocab_size:
            return vocabulary
        else:
            high = least - 1


class _Words:
    """Words as code points, one after another, and their counts."""

    def __init__(self, words: list[str], counts: NDArray[np.int64]) -> None:
        lengths = np.array([len(word) for word in words], np.int64)
        joined = "".join(words).encode("utf-32-le", "surrogatepass")
        self._set(np.frombuffer(joined, "<u4").astype(np.uint32), lengths, counts)

    def _set(
        self, points: NDArray[np.uint32], lengths: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> None:
        self.points, self.lengths, self.counts = points, lengths, counts
        self.offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def _of(self, chosen: NDArray[np.int64]) -> _Words:
        made = object.__new__(_Words)
        lengths = self.lengths[chosen]
        ends = np.cumsum(lengths)
        at = np.arange(lengths.sum()) + np.repeat(self.offsets[chosen] - (ends - lengths), lengths)
        made._set(self.points[at], lengths, self.counts[chosen])
        return made

    def with_common_characters(self, most: int) -> _Words:
        """Those without others than the ``most`` commonest characters; the first of equals."""
        totals = np.zeros(0x110000, np.int64)
        np.add.at(totals, self.points, np.repeat(self.counts, self.lengths))
        occurring = np.flatnonzero(totals)
        order = np.argsort(-totals[occurring], kind="stable")
        rare = np.ones(0x110000, np.bool_)
        rare[occurring[order[:most]]] = False
        before = np.concatenate([[0], np.cumsum(rare[self.points])])[self.offsets]
        return self._of(np.flatnonzero(np.diff(before) == 0))

    def commonest(self, most: int) -> _Words:
        """The ``most`` commonest words, by falling count; -1: all."""
        order = np.argsort(-self.counts, kind="stable")
        return self._of(order if most < 0 else order[:most])


class _Learner:
    """The words' substrings, and vocabularies of them."""

    def __init__(self, words: _Words, reserved: Sequence[str], joiner: str) -> None:
        self._reserved, self._joiner = list(reserved), joiner
        self._tree = Substrings(words.points, words.offsets, words.counts, joined=bool(joiner))
        self._characters = [chr(point) for point in np.unique(words.points).tolist()]
        ancestor = self._tree.parent.copy()
        ancestor[1] = 1
        for _ in range(MOST_IN_WORD.bit_length()):  # parents, then their parents' parents, ...
            ancestor = ancestor[ancestor]
        self._within = ancestor == 1

    def vocabulary(self, least: int, rounds: int, most: int, *, tf_text: bool) -> list[str] | None:
        """The tokens whose pieces occur ``least`` times; None when they are more than ``most``."""
        tree = self._tree
        totals, kept = tree.pieces(least, rounds, tf_text=tf_text)
        nodes = np.flatnonzero(kept & (tree.depth > 0))
        if len(nodes) > most + len(self._reserved):
            return None
        tokens = dict.fromkeys(self._characters, 1)
        if self._joiner:
            tokens |= {self._joiner + character: 1 for character in self._characters}
        tokens |= zip(self._texts(nodes), totals[nodes].tolist(), strict=True)
        ordered = sorted(tokens, key=lambda token: (-tokens[token], token))
        found = list(dict.fromkeys([*self._reserved, *self._characters, *ordered]))
        return found if len(found) <= most else None

    def _texts(self, nodes: NDArray[np.int64]) -> list[str]:
        """What nodes stand for, with the joiner where it is within a word."""
        tree = self._tree
        lengths = tree.depth[nodes].astype(np.int64)
        ends = np.cumsum(lengths)
        points = np.empty(int(ends[-1]) if len(ends) else 0, "<u4")
        at, place, left = nodes, ends - 1, lengths
        while len(at):
            points[place] = tree.symbol[at]
            deeper = left > 1
            at = tree.parent[at[deeper]].astype(np.int64)
            place, left = place[deeper] - 1, left[deeper] - 1
        text = points.tobytes().decode("utf-32-le", "surrogatepass")
        joiners = np.where(self._within[nodes], self._joiner, "").tolist()
        starts = (ends - lengths).tolist()
        return [j + text[a:b] for j, a, b in zip(joiners, starts, ends.tolist(), strict=True)]
