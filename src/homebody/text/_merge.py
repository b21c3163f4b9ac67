"""Characters joined to words as a model says: split here, or merge with what is before."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError, RaggedError, TextError
from homebody.kernels import splitting, texts
from homebody.text._items import as_ragged
from homebody.text._ragged import Ragged
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._tokenizer import Splitter
from homebody.text._words import classes


class _Merging(Splitter):
    """What both have in common: words of labels."""

    def split_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        """Refused: there are no labels."""
        raise TextError(
            f"{type(self).__name__} needs labels; call tokenize or tokenize_with_offsets"
        )

    def _merged(
        self,
        source: Source,
        labels: NDArray[np.int32],
        rows: NDArray[np.int64],
        force: bool,
    ) -> tuple[Any, Any, Any]:
        space = classes("space")
        try:
            splits, starts, ends = splitting.merge(source.spans, space, labels, rows, forced=force)
        except KernelError as error:
            raise TextError(str(error)) from None
        words = source.cut(splits, starts, ends)
        if not force:  # white space within words, that no label ended
            spans = words.spans()
            parts, first, last = texts.split(spans, space, "space")
            data, offsets = texts.gather(spans, parts, first, last)
            words = Strings._made(data, offsets[parts])
        source.place(splits, starts, ends, self._unit)
        words, starts, ends = (source.shaped(v, splits) for v in (words, starts, ends))
        return words, starts, ends


class SplitMergeTokenizer(_Merging):
    """Joins characters to words by labels.

    Args:
        offset_unit, malformed: see :class:`Splitter`.

    Example:
        >>> labels = [[0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1], [0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0]]
        >>> SplitMergeTokenizer().tokenize(["HelloMonday", "DearFriday"], labels)
        Ragged([['Hello', 'Monday'], ['Dear', 'Friday']])
    """

    def __init__(
        self,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed)

    def tokenize(self, input: Any, labels: Any, force_split_at_break_character: bool = True) -> Any:
        """The words of each string; see :meth:`tokenize_with_offsets`."""
        return self.tokenize_with_offsets(input, labels, force_split_at_break_character)[0]

    def tokenize_with_offsets(
        self, input: Any, labels: Any, force_split_at_break_character: bool = True
    ) -> tuple[Any, Any, Any]:
        """The words of each string, and where they start and end.

        Args:
            input: a str or bytes, or strings in any form that the module names, nested or not.
            labels: whole numbers, nested as the input is and one level deeper: one a character, or
                more. 0 begins a word with the character, any other joins it to the word before.
                White space is in no word.
            force_split_at_break_character: whether what follows white space begins a word,
                whatever its label.

        Returns:
            Words, starts and ends. Of a single string Strings and arrays [words], of several a
            Ragged [strings, words], nested deeper as the input is. Offsets are int32.

        Raises:
            MalformedTextError: with ``malformed="error"``, a string is not UTF-8.
            RaggedError: the labels' rows are not those of the strings.
            TextError: the input is no text, or a string has more characters than labels.
        """
        source = Source(input, self._malformed)
        ragged = as_ragged([list(labels)] if source.single else labels, "labels")
        values = ragged.flat_values
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "iub":
            raise RaggedError("labels are no whole numbers; give 0 to split, 1 to merge")
        rows = ragged.nested_row_splits[-1]
        if len(rows) - 1 != len(source):
            raise RaggedError(f"there are {len(rows) - 1} rows of labels for {len(source)} strings")
        return self._merged(
            source,
            np.ascontiguousarray(values != 0, np.int32),
            rows,
            force_split_at_break_character,
        )


class SplitMergeFromLogitsTokenizer(_Merging):
    """Joins characters to words by a model's logits: split where that is the larger of the two.

    Args:
        force_split_at_break_character: whether what follows white space begins a word, whatever its
            logits.
        offset_unit, malformed: see :class:`Splitter`.

    Example:
        >>> s, m = [2.0, 1.0], [1.0, 3.0]
        >>> SplitMergeFromLogitsTokenizer().tokenize(["New York"], [[s, m, m, m, s, m, m, m]])
        Ragged([['New', 'York']])
    """

    def __init__(
        self,
        force_split_at_break_character: bool = True,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed)
        self._force = force_split_at_break_character

    def tokenize(self, strings: Any, logits: Any) -> Any:
        """The words of each string; see :meth:`tokenize_with_offsets`."""
        return self.tokenize_with_offsets(strings, logits)[0]

    def tokenize_with_offsets(self, strings: Any, logits: Any) -> tuple[Any, Any, Any]:
        """The words of each string, and where they start and end.

        Args:
            strings: a str or bytes, or strings in any form that the module names, not nested.
            logits: [strings, characters or more, 2]: those of splitting before the character and of
                merging it with what is before; an array, or nested lists of different lengths. Of
                equal ones, merging it is.

        Returns:
            Words, starts and ends, as :meth:`SplitMergeTokenizer.tokenize_with_offsets` has them.

        Raises:
            MalformedTextError: with ``malformed="error"``, a string is not UTF-8.
            RaggedError: the logits' rows are not those of the strings, or no pairs.
            TextError: the input is no text, or a string has more characters than logits.
        """
        source = Source(strings, self._malformed)
        ragged = _pairs([logits] if source.single else logits)
        values = ragged.values
        if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] != 2:
            raise RaggedError("logits are no pairs; give [strings, characters, 2]")
        if len(ragged) != len(source):
            raise RaggedError(f"there are {len(ragged)} rows of logits for {len(source)} strings")
        labels = np.ascontiguousarray(~(values[:, 0] > values[:, 1]), np.int32)
        return self._merged(source, labels, ragged.row_splits, self._force)


def _pairs(logits: Any) -> Ragged:
    """Rows of pairs."""
    if isinstance(logits, Ragged):
        return logits
    try:
        if isinstance(logits, np.ndarray):
            rows, width, pair = logits.shape
            splits = np.arange(rows + 1, dtype=np.int64) * width
            return Ragged(logits.reshape(rows * width, pair), splits)
        parts = [np.asarray(row, np.float32).reshape(-1, 2) for row in logits]
        values = np.concatenate([np.empty((0, 2), np.float32), *parts])
        return Ragged.from_row_lengths(values, [len(part) for part in parts])
    except (TypeError, ValueError):
        raise RaggedError("logits are no pairs; give [strings, characters, 2]") from None
