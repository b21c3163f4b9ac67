"""Rows of a vocabulary's numbers, to be turned back into text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.text._items import as_ragged
from homebody.text._ragged import Ragged
from homebody.text._strings import Strings


def texts_of(input: Any, size: int, join: Callable[[NDArray[np.int64]], bytes]) -> Any:
    """Each row of numbers as text.

    Args:
        input: one text's numbers, or rows of them, nested as deep as wanted.
        size: of the vocabulary.
        join: a row's text.

    Returns:
        A str of one text, Strings of several, Ragged where rows are nested.

    Raises:
        TextError: a number is not in the vocabulary.
    """
    alone = not isinstance(input, Ragged) and not any(
        isinstance(row, (list, tuple, np.ndarray)) for row in input
    )
    rows = as_ragged([list(input)] if alone else input, "input")
    *outer, splits = rows.nested_row_splits
    numbers = checked(rows.flat_values, size)
    texts = Strings.of(
        [join(numbers[a:b]) for a, b in pairwise(splits.tolist())], malformed="replace"
    )
    if alone:
        return texts[0]
    return Ragged(texts, *outer) if outer else texts


def checked(numbers: Any, size: int) -> NDArray[np.int64]:
    """Numbers of a vocabulary of that size.

    Raises:
        TextError: they are none, or one is not in it.
    """
    numbers = np.asarray([] if len(numbers) == 0 else numbers)
    if not numbers.size:
        return np.empty(numbers.shape, np.int64)
    if numbers.dtype.kind not in "iu":
        raise TextError("the input holds no whole numbers; give a vocabulary's")
    if numbers.min() < 0 or numbers.max() >= size:
        raise TextError(
            f"the numbers lie from {numbers.min()} to {numbers.max()}; give 0 to {size - 1}"
        )
    found: NDArray[np.int64] = numbers.astype(np.int64)
    return found
