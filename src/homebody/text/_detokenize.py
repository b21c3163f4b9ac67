"""Text from the numbers of pieces."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.text._ragged import Ragged
from homebody.text._strings import Strings


def _rows(numbers: Any) -> Ragged | NDArray[Any]:
    """Numbers in any form as Ragged, or an array when they are one row."""
    if isinstance(numbers, (list, tuple)) and numbers and isinstance(numbers[0], (list, tuple)):
        numbers = Ragged.from_lists(numbers)
    rows: Ragged | NDArray[Any]
    if isinstance(numbers, Ragged):
        rows = numbers
    else:
        array = np.asarray(numbers)
        shape = array.shape
        array = array.reshape(-1) if array.size else np.empty(0, np.int64)
        splits = [
            np.arange(math.prod(shape[:axis]) + 1) * shape[axis] for axis in range(1, len(shape))
        ]
        rows = Ragged(array, *splits) if splits else array
    flat = rows.flat_values if isinstance(rows, Ragged) else rows
    if not isinstance(flat, np.ndarray) or flat.dtype.kind not in "iu":
        raise TextError("the numbers of pieces are no whole numbers; give those of a tokenizer")
    return rows


def _joined(numbers: Ragged, texts: Strings, suffix: bytes) -> list[bytes]:
    """Each innermost row's pieces as text, words with a space between them."""
    if isinstance(numbers.values, Ragged):
        numbers = Ragged._made(numbers.flat_values, numbers.nested_row_splits[-1])
    known = texts.to_bytes_list()
    pieces = [known[number] for number in numbers.values.tolist()]
    at = numbers.row_splits.tolist()
    return [b" ".join(pieces[a:b]).replace(b" " + suffix, b"") for a, b in pairwise(at)]


def _nested(flat: Any, numbers: Ragged) -> Any:
    """One value for each innermost row, in the outer rows."""
    outer = numbers.nested_row_splits[:-1]
    return Ragged(flat, *outer) if outer else flat


def words_of(numbers: Any, texts: Strings, size: int, suffix: str) -> Any:
    """Rows of words; a number beyond the vocabulary is the unknown token's.

    Raises:
        TextError: the numbers are one row, none, or one is negative.
    """
    rows = _rows(numbers)
    if not isinstance(rows, Ragged):
        raise TextError("the numbers of pieces are one row; give rows of them, e.g. [numbers]")
    flat = rows.flat_values
    if len(flat) and flat.min() < 0:
        raise TextError(f"number {int(flat.min())} is negative; give those of a tokenizer")
    rows = rows.with_flat_values(np.minimum(flat, size))
    words = [row.strip(b" ").split(b" ") for row in _joined(rows, texts, suffix.encode())]
    return _nested(_of_words(words), rows)


def _of_words(rows: list[list[bytes]]) -> Ragged:
    flat = [word for row in rows for word in row]
    return Ragged.from_row_lengths(Strings.of(flat), [len(row) for row in rows])


def sentences_of(numbers: Any, texts: Strings, size: int, suffix: str) -> Any:
    """A string for each row of numbers; of one row, a str.

    Raises:
        TextError: a number is not in the vocabulary.
    """
    rows = _rows(numbers)
    flat = rows.flat_values if isinstance(rows, Ragged) else rows
    if len(flat) and not 0 <= flat.min() <= flat.max() < size:
        raise TextError(
            f"numbers from {int(flat.min())} to {int(flat.max())} are given and the vocabulary "
            f"has {size} entries; give those of this tokenizer"
        )
    if not isinstance(rows, Ragged):
        alone = Ragged(rows, [0, len(rows)])
        return _joined(alone, texts, suffix.encode())[0].decode("utf-8", "replace")
    return _nested(Strings.of(_joined(rows, texts, suffix.encode())), rows)
