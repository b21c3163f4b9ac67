"""How alike sequences of tokens are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.kernels import features
from homebody.text._ragged import Ragged
from homebody.text._rows import data_of, ragged_of
from homebody.text._strings import Strings

__all__ = ["rouge_l"]

Measures = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def rouge_l(hypotheses: Any, references: Any, alpha: float | None = None) -> Measures:
    """ROUGE-L: how much of two sequences their longest common subsequence is.

    Source: Lin, "ROUGE: A package for automatic evaluation of summaries" (2004).

    Args:
        hypotheses: [rows, (tokens)]: Ragged or nested lists of strings or whole numbers.
        references: likewise, of as many rows.
        alpha: how much precision weighs against recall in the F measure, 0 (recall alone counts)
            to 1; 0.5 by default, as in ROUGE-1.5.5. Any number below 0 asks for the F measure of
            tensor2tensor.

    Returns:
        The F measure, the precision (the share of the hypothesis that is common) and the recall
        (of the reference), each float32 [rows], 0 to 1.

    Raises:
        RaggedError: they do not have as many rows, or more or fewer axes than two.
        TextError: tokens are neither text nor whole numbers, or ``alpha`` is above 1.

    Example:
        >>> f, precision, recall = rouge_l([["a", "b", "c"]], [["a", "c"]])
        >>> print(f, precision, recall)
        [0.8] [0.6666667] [1.]
    """
    weight = np.float32(0.5 if alpha is None else alpha)
    if not weight <= 1:
        raise TextError(f"alpha is {alpha}; give 1 or less")
    mine, theirs = _tokens(hypotheses, "hypotheses"), _tokens(references, "references")
    if len(mine) != len(theirs):
        raise RaggedError(
            f"there are {len(mine)} hypotheses and {len(theirs)} references; give as many of both"
        )
    ids, others, kinds = _numbered(mine.values, theirs.values)
    common = features.common_lengths(ids, mine.row_splits, others, theirs.row_splits, kinds)
    # The steps and their roundings are TF.Text's: 32 bits, but for what meets the 64-bit 1e-12.
    lengths = common.astype(np.float32).astype(np.float64)
    precision = (lengths / (mine.row_lengths().astype(np.float32) + 1e-12)).astype(np.float32)
    recall = (lengths / (theirs.row_lengths().astype(np.float32) + 1e-12)).astype(np.float32)
    if weight < 0:
        beta = (precision / (recall + np.float64(1e-12))).astype(np.float32)
        above = (np.float32(1) + beta * beta) * recall * precision
        below = recall + beta * beta * precision
    else:
        above = precision * recall
        below = weight * recall + (np.float32(1) - weight) * precision
    f = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return f, precision, recall


def _tokens(source: Any, name: str) -> Ragged:
    data = data_of(source, name)
    rows = ragged_of(data, name)
    values = rows.values
    if isinstance(values, np.ndarray) and not values.size and values.ndim == 1:
        rows = Ragged(values.astype(np.int64), rows.row_splits)
    elif isinstance(values, Ragged) or (isinstance(values, np.ndarray) and values.ndim != 1):
        raise RaggedError(f"{name} have more than two axes; give [rows, (tokens)]")
    elif isinstance(values, np.ndarray) and values.dtype.kind not in "iu":
        raise TextError(f"{name} are {values.dtype}; give text or whole numbers")
    return rows


def _numbered(
    mine: NDArray[Any] | Strings, theirs: NDArray[Any] | Strings
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Each different token's number in both, and how many there are."""
    if not len(mine) or not len(theirs):  # nothing is common, whatever kind the other is of
        return np.zeros(len(mine), np.int32), np.zeros(len(theirs), np.int32), 1
    if isinstance(mine, Strings) and isinstance(theirs, Strings):
        ids, kinds = features.number(np.concatenate([mine.spans(), theirs.spans()]))
    elif isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
        values = np.concatenate([mine, theirs])
        if values.dtype.kind not in "iu":  # of uint64 and int64
            raise TextError("tokens are uint64 and int64; give both as one kind")
        spans = np.full((len(values), 2), values.itemsize, np.uintp)
        spans[:, 0] = values.ctypes.data + values.itemsize * np.arange(len(values))
        ids, kinds = features.number(spans)  # of their bytes
    else:
        raise TextError("hypotheses and references are text and numbers; give both as one kind")
    return ids[: len(mine)], ids[len(mine) :], kinds
