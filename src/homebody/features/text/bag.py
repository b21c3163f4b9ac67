"""A weighted bag of pieces: the label whose pieces a text has, the rare ones counting most.

A text's vector is its pieces' counts times their rarity (the logarithm of the inverse share of
texts that have them), divided by a length; multinomial logistic regression on that vector, with
the weights held small, is a strong classifier of short texts that trains in seconds. Rarity and
weights multiply out to one table, so the model is a look-up, a sum and a division.

Source: Salton and Buckley, "Term-weighting approaches in automatic text retrieval", Information
Processing & Management 24 (1988).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int32]


class Bag(NamedTuple):
    """A trained bag.

    `table` [pieces, labels] holds each piece's say for each label, `rarity2` [pieces] the squares
    of rarities; a text of the pieces i scores
    ``table[i].sum(0) / sqrt(rarity2[i].sum()) + bias``.
    """

    table: NDArray[np.float32]
    rarity2: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, ids: Ids) -> NDArray[np.float32]:
        """Scores float32 [texts, labels] of ids [texts, length]."""
        sums = self.table[ids].sum(axis=1)
        norms = self.rarity2[ids].sum(axis=1, keepdims=True)
        scores: NDArray[np.float32] = sums / np.sqrt(np.maximum(norms, EPSILON)) + self.bias
        return scores


EPSILON = np.float32(1e-6)
"""Stands in for the length of a text without any piece."""


def fit(
    ids: Ids,
    labels: NDArray[np.intp],
    pieces: int,
    count: int,
    *,
    silent: Sequence[int] = (0,),
    strength: float = 10.0,
    iterations: int = 100,
    progress: Callable[[int], None] | None = None,
) -> Bag:
    """Train a bag; the same data give the same one.

    Args:
        ids: int32 [texts, length], of pieces.
        labels: [texts], 0..count-1.
        pieces: how many there are.
        count: how many labels there are.
        silent: pieces that have no say, such as the one that fills up.
        strength: how much the texts count against small weights (scikit-learn's C).
        iterations: at most.
        progress: called after each with its number.

    Example:
        >>> bag = fit(np.array([[1, 0], [2, 0]], np.int32), np.array([0, 1]), 3, 2)
        >>> bag(np.array([[2, 2]], np.int32)).argmax()
        np.int64(1)
    """
    texts = len(ids)
    rows = np.repeat(np.arange(texts), ids.shape[1])
    flat = ids.reshape(-1)
    has = np.zeros(pieces, np.int64)
    seen = np.unique(rows * np.int64(pieces) + flat)
    np.add.at(has, (seen % pieces).astype(np.intp), 1)
    rarity = np.log((1 + texts) / (1 + has)) + 1
    rarity[list(silent)] = 0
    keep = rarity[flat] > 0
    of, said = rows[keep], flat[keep]
    lengths = np.sqrt(np.maximum(np.bincount(of, rarity[said] ** 2, texts), float(EPSILON)))
    problem = _Problem(of, said, rarity[said] / lengths[of], labels, pieces, count, strength)
    solved = _minimize(problem, np.zeros((pieces + 1) * count), iterations, progress)
    weights = solved.reshape(pieces + 1, count)
    return Bag(
        (weights[:-1] * rarity[:, None]).astype(np.float32),
        (rarity**2).astype(np.float32),
        weights[-1].astype(np.float32),
    )


class _Problem:
    """The regression's loss and gradient, its texts in order of rows and of pieces."""

    def __init__(
        self, rows: NDArray[np.intp], pieces: Ids, values: Floats, labels: NDArray[np.intp],
        piece_count: int, label_count: int, strength: float,
    ) -> None:  # fmt: skip
        self.rows, self.pieces, self.values, self.labels = rows, pieces, values[:, None], labels
        self.shape = piece_count + 1, label_count
        self.strength = strength
        self.first_of_row = np.unique(rows, return_index=True)
        self.order = np.argsort(pieces, kind="stable")
        self.first_of_piece = np.unique(pieces[self.order], return_index=True)

    def __call__(self, flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(self.shape)
        scores = np.repeat(weights[-1:], len(self.labels), axis=0)
        with_any, starts = self.first_of_row
        if len(starts):
            scores[with_any] += np.add.reduceat(weights[self.pieces] * self.values, starts, axis=0)
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        sums = powers.sum(axis=1, keepdims=True)
        every = np.arange(len(self.labels))
        loss = float((np.log(sums[:, 0]) - scores[every, self.labels]).sum())
        error = powers / sums
        error[every, self.labels] -= 1
        gradient = np.zeros(self.shape)
        spoken, starts = self.first_of_piece
        if len(starts):
            each = (error[self.rows] * self.values)[self.order]
            gradient[spoken] = np.add.reduceat(each, starts, axis=0)
        gradient[-1] = error.sum(axis=0)
        gradient *= self.strength
        gradient[:-1] += weights[:-1]
        small = 0.5 * float((weights[:-1] ** 2).sum())
        return self.strength * loss + small, gradient.reshape(-1)


def _minimize(
    problem: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    iterations: int,
    progress: Callable[[int], None] | None,
    memory: int = 10,
) -> Floats:
    """L-BFGS with backtracking, for a convex loss.

    Source: Nocedal and Wright, "Numerical Optimization", 2nd edition (2006), algorithm 7.5.
    """
    at, (loss, gradient) = start, problem(start)
    steps: list[tuple[Floats, Floats, float]] = []
    tolerance = 1e-4 * max(float(np.abs(gradient).max()), 1e-12)
    for number in range(1, iterations + 1):
        direction = _two_loops(gradient, steps)
        slope = float(gradient @ direction)
        size = 1.0 if steps else 1.0 / max(float(np.linalg.norm(gradient)), 1.0)
        for _ in range(30):
            there = at + size * direction
            new_loss, new_gradient = problem(there)
            if new_loss <= loss + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break
        moved, turned = there - at, new_gradient - gradient
        curvature = float(moved @ turned)
        if curvature > 1e-12:
            steps = [*steps, (moved, turned, 1 / curvature)][-memory:]
        at, loss, gradient = there, new_loss, new_gradient
        if progress:
            progress(number)
        if float(np.abs(gradient).max()) <= tolerance:
            break
    return at


def _two_loops(gradient: Floats, steps: list[tuple[Floats, Floats, float]]) -> Floats:
    direction = -gradient
    shares = []
    for moved, turned, inverse in reversed(steps):
        share = inverse * float(moved @ direction)
        direction = direction - share * turned
        shares.append(share)
    if steps:
        moved, turned, inverse = steps[-1]
        direction = direction / (inverse * float(turned @ turned))
    for (moved, turned, inverse), share in zip(steps, reversed(shares), strict=True):
        direction = direction + (share - inverse * float(turned @ direction)) * moved
    return direction
