"""The best sequence of states, e.g. of tags, under constraints on what may follow what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RaggedError, TextError
from homebody.kernels import labels
from homebody.text._ragged import Ragged
from homebody.text._rows import data_of, splits_of


def viterbi_constrained_sequence(
    scores: Any,
    sequence_length: Any = None,
    allowed_transitions: Any = None,
    transition_weights: Any = None,
    use_log_space: bool = False,
    use_start_and_end_states: bool = True,
) -> Ragged:
    """The sequences of states whose scores and transitions come to the most together.

    Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
    algorithm", IEEE Transactions on Information Theory 13 (1967).

    Args:
        scores: float32 [sequences, steps, states]; or [steps, states] of one sequence; or Ragged,
            or a list of arrays [steps, states], for sequences of different lengths.
        sequence_length: [sequences]: how many steps of an array's count; all by default. Of no
            effect where the scores are Ragged.
        allowed_transitions: bool [states, states], from and to; all by default. With
            ``use_start_and_end_states`` [states + 1, states + 1]: the last row says where a
            sequence may begin, the last column where it may end.
        transition_weights: float32, likewise: multiplied with the scores, or added to them.
        use_log_space: scores and weights are logarithms and add up; else both are multiplied, and
            no weight may be negative.
        use_start_and_end_states: whether the constraints have the row and column of beginning and
            ending.

    Returns:
        Ragged int32 [sequences, (steps)]: states, the later one where two are as good; -1
        throughout a sequence that the constraints do not allow. NaN, and what is not above the
        least float32, is never chosen. Numbers are rounded to float32 at each step, as TF.Text
        rounds them.

    Raises:
        TextError: shapes, lengths or weights do not fit.

    Example:
        >>> scores = [[[10.0, 12, 6, 4], [13, 12, 11, 10]]]
        >>> weights = [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.9, 0.1, 0.15, 0.2],
        ...            [0.25, 0.35, 0.45, 0.55]]
        >>> viterbi_constrained_sequence(
        ...     scores, transition_weights=weights, use_start_and_end_states=False)
        Ragged([[1, 3]])
    """
    return _best(
        scores, sequence_length, allowed_transitions, transition_weights, use_log_space,
        use_start_and_end_states, greedily=False,
    )  # fmt: skip


def greedy_constrained_sequence(
    scores: Any,
    sequence_length: Any = None,
    allowed_transitions: Any = None,
    transition_weights: Any = None,
    use_log_space: bool = False,
    use_start_and_end_states: bool = False,
) -> Ragged:
    """Each step's best state, given the one before it.

    Args:
        scores: as for :func:`viterbi_constrained_sequence`, and likewise below.
        sequence_length: how many steps count.
        allowed_transitions: which state may follow which.
        transition_weights: multiplied with the scores, or added to them.
        use_log_space: scores and weights are logarithms.
        use_start_and_end_states: whether beginning and ending are constrained too.

    Returns:
        Ragged int32 [sequences, (steps)]: states, the later one where two are as good; -1 from the
        first step at which none is allowed.

    Raises:
        TextError: shapes, lengths or weights do not fit.

    Example:
        >>> greedy_constrained_sequence(
        ...     [[[0.6, 0.4], [0.6, 0.4]]], allowed_transitions=[[False, True], [True, True]])
        Ragged([[0, 1]])
    """
    return _best(
        scores, sequence_length, allowed_transitions, transition_weights, use_log_space,
        use_start_and_end_states, greedily=True,
    )  # fmt: skip


def _best(
    scores: Any, lengths: Any, allowed: Any, weights: Any, logarithms: bool, ends: bool, *,
    greedily: bool,
) -> Ragged:  # fmt: skip
    values, first, splits = _steps(scores, lengths)
    states = values.shape[1]
    if not 1 <= states <= labels.MAX_STATES:
        raise TextError(f"the scores are of {states} states; give 1 to {labels.MAX_STATES}")
    side = states + bool(ends)
    weighted = _square(weights, side, "transition_weights", np.float32)
    if weighted is not None and not logarithms and not (weighted >= 0).all():
        raise TextError(
            "transition_weights are negative or NaN; give 0 or more, or use_log_space=True"
        )
    best = labels.best_sequences(
        values, first, splits, weights=weighted,
        allowed=_square(allowed, side, "allowed_transitions", np.bool_), ends=bool(ends),
        logarithms=bool(logarithms), greedily=greedily,
    )  # fmt: skip
    return Ragged(best, splits)


def _steps(
    source: Any, lengths: Any
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """The scores [steps, states], where each sequence begins, and the splits of their labels."""
    scores = data_of(source, "scores")
    if isinstance(scores, Ragged):
        values = scores.values
        if isinstance(values, Ragged) and isinstance(values.values, np.ndarray):
            widths = values.row_lengths()
            if len(widths) and (widths != widths[0]).any():
                raise RaggedError(
                    "the scores' last axis is ragged; give as many states at every step"
                )
            values = values.values.reshape(len(widths), -1 if len(widths) else 1)
        if not isinstance(values, np.ndarray) or values.ndim != 2:
            raise RaggedError("the scores are no Ragged [sequences, (steps), states]; give that")
        return _floats(values), scores.row_splits[:-1], scores.row_splits
    if not isinstance(scores, np.ndarray) or scores.ndim not in (2, 3):
        shape = list(scores.shape) if isinstance(scores, np.ndarray) else "text"
        raise TextError(f"the scores are {shape}; give [sequences, steps, states]")
    batch = scores if scores.ndim == 3 else scores[None]
    count, steps, states = batch.shape
    given = np.full(count, steps) if lengths is None else np.asarray(lengths)
    if given.dtype.kind not in "iu" or given.shape != (count,):
        raise TextError(
            f"sequence_length is {given.dtype} {list(given.shape)}; "
            f"give whole numbers [{count}], one for each sequence"
        )
    if count and not (given.min() >= 0 and given.max() <= steps):
        raise TextError(
            f"sequence_length is {given.min()} to {given.max()}; the scores have {steps} steps"
        )
    first = np.arange(count, dtype=np.int64) * steps
    return _floats(batch.reshape(count * steps, states)), first, splits_of(given.astype(np.int64))


def _floats(values: NDArray[Any]) -> NDArray[np.float32]:
    if values.dtype.kind not in "fiu":
        raise TextError(f"the scores are {values.dtype}; give float32")
    return np.ascontiguousarray(values, np.float32)


def _square(source: Any, side: int, name: str, dtype: type) -> NDArray[Any] | None:
    """A matrix of transitions; None where there are no constraints, as an empty one says too."""
    if source is None:
        return None
    try:
        matrix = np.asarray(source)
    except ValueError:
        raise TextError(f"{name} has rows of different lengths; give [{side}, {side}]") from None
    if matrix.size == 0:
        return None
    if matrix.shape != (side, side) or matrix.dtype.kind not in "biuf":
        raise TextError(
            f"{name} is {matrix.dtype} {list(matrix.shape)}; give [{side}, {side}], the states "
            "and, with use_start_and_end_states, one more"
        )
    return np.ascontiguousarray(matrix, dtype)
