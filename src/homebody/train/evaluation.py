"""How good a classifier is: shares with intervals, label by label and slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.errors import UsageError
from homebody.train.intervals import Share, bootstrap, difference, wilson

MIN_SLICE = 10
"""A slice of fewer photos is listed and not judged."""


class LabelScore(msgspec.Struct, frozen=True):
    """One label against all others."""

    label: str
    precision: Share
    """Of the photos that were given this label, those that have it."""
    recall: Share
    """Of the photos that have this label, those that were given it."""


class ErrorRates(msgspec.Struct, frozen=True):
    """One label in one slice, against all other labels."""

    label: str
    false_positive: Share
    """Of the photos that do not have the label, those that were given it."""
    false_negative: Share
    """Of the photos that have the label, those that were not given it."""


class Slice(msgspec.Struct, frozen=True):
    """The photos with one value in one column of the metadata table."""

    column: str
    value: str
    accuracy: Share
    behind: tuple[float, float] | None
    """95 % interval of this slice's accuracy less that of the column's other photos; None where
    there are no others."""
    labels: tuple[ErrorRates, ...]
    warning: str = ""


class Evaluation(msgspec.Struct, frozen=True):
    """What a classifier did on photos that it has never seen."""

    n: int
    labels: tuple[str, ...]
    accuracy: Share
    balanced_accuracy: float
    """Mean recall of the labels that occur."""
    balanced_accuracy_interval: tuple[float, float]
    """95 %, by bootstrap over photos."""
    scores: tuple[LabelScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    """``confusion[true][given]``, counts of photos."""
    slices: tuple[Slice, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each slice that falls behind."""
        return tuple(s.warning for s in self.slices if s.warning)


def evaluate(
    truth: Sequence[int] | NDArray[np.intp],
    given: Sequence[int] | NDArray[np.intp],
    labels: Sequence[str],
    *,
    slices: Mapping[str, Sequence[str | None]] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Compare given labels with true ones.

    Args:
        truth: [n], each 0..len(labels)-1; n at least 1.
        given: [n], likewise.
        labels: their names.
        slices: for each column of metadata its value for each photo; None says nothing.
        seed: of the bootstrap.

    Raises:
        UsageError: the lengths differ, or there is nothing to compare.

    Example:
        >>> found = evaluate([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])
        >>> found.accuracy.value, found.confusion
        (0.75, ((1, 1), (0, 2)))
    """
    true, got = np.asarray(truth, np.intp), np.asarray(given, np.intp)
    if len(true) != len(got) or not len(true):
        raise UsageError(
            f"{len(true)} true labels and {len(got)} given ones cannot be compared; give as many "
            "of both, at least one"
        )
    confusion = np.zeros((len(labels), len(labels)), np.intp)
    np.add.at(confusion, (true, got), 1)
    return Evaluation(
        len(true),
        tuple(labels),
        wilson(int(confusion.trace()), len(true)),
        _balanced(true, got, len(labels)),
        bootstrap(lambda i: _balanced(true[i], got[i], len(labels)), len(true), seed=seed),
        tuple(
            LabelScore(
                label,
                wilson(int(confusion[i, i]), int(confusion[:, i].sum())),
                wilson(int(confusion[i, i]), int(confusion[i].sum())),
            )
            for i, label in enumerate(labels)
        ),
        tuple(tuple(int(n) for n in row) for row in confusion),
        tuple(
            found
            for column, values in (slices or {}).items()
            for found in _slices(column, values, true, got, labels)
        ),
    )


def _balanced(true: NDArray[np.intp], got: NDArray[np.intp], count: int) -> float:
    found = np.bincount(true, minlength=count)
    right = np.bincount(true[true == got], minlength=count)
    occurs = found > 0
    return float((right[occurs] / found[occurs]).mean())


def _slices(
    column: str,
    values: Sequence[str | None],
    true: NDArray[np.intp],
    got: NDArray[np.intp],
    labels: Sequence[str],
) -> list[Slice]:
    if len(values) != len(true):
        raise UsageError(f"{column} has {len(values)} values for {len(true)} photos")
    known = np.array([value is not None for value in values])
    found = []
    for value in sorted({v for v in values if v is not None}):
        inside = np.array([v == value for v in values])
        here = _accuracy(true[inside], got[inside])
        there = _accuracy(true[known & ~inside], got[known & ~inside])
        behind = difference(here, there) if there.n else None
        warning = ""
        if behind is not None and here.n >= MIN_SLICE and behind[1] < 0:
            warning = (
                f"photos with {column} = {value} fall behind: accuracy {here} against {there} "
                f"for the others"
            )
        rates = tuple(
            _rates(label, true[inside] == i, got[inside] == i) for i, label in enumerate(labels)
        )
        found.append(Slice(column, value, here, behind, rates, warning))
    return found


def _accuracy(true: NDArray[np.intp], got: NDArray[np.intp]) -> Share:
    return wilson(int((true == got).sum()), len(true))


def _rates(label: str, has: NDArray[np.bool_], given: NDArray[np.bool_]) -> ErrorRates:
    return ErrorRates(
        label,
        wilson(int((given & ~has).sum()), int((~has).sum())),
        wilson(int((has & ~given).sum()), int(has.sum())),
    )
