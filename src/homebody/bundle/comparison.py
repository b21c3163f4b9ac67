"""Compare what a runtime gave with what the samples expect: pure functions over arrays.

The measures are the usual ones for quantized networks: the ratio of signal to quantization
noise (SQNR) in decibels, the largest absolute difference, and agreement of the arg-max.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from homebody.bundle.manifest import OutputTolerance, Tolerances
from homebody.bundle.samples import Outcome
from homebody.errors import CheckError
from homebody.sqnr import decibels

Quantity: TypeAlias = Literal["input", "sqnr_db", "max_abs", "top1", "answers"]
_Pairs: TypeAlias = list[tuple[str, npt.NDArray[np.float64], npt.NDArray[np.float64]]]


class Measurement(Struct, frozen=True, kw_only=True):
    """One quantity, measured over all samples, and what the tolerances require of it."""

    quantity: Quantity
    output: str | None
    """The model output that it was measured on; None for input and answers."""
    measured: float
    """A share of samples (input, top1, answers), decibels (sqnr_db) or a difference (max_abs)."""
    required: float
    """The least that is accepted; for max_abs the most."""
    worst: str | None
    """The sample that strays furthest; None if none does."""

    @property
    def passed(self) -> bool:
        """Whether the requirement is met; not if the measure is not a number."""
        if self.quantity == "max_abs":
            return self.measured <= self.required
        return self.measured >= self.required

    def __str__(self) -> str:
        """Say it in one line.

        >>> print(Measurement(quantity="sqnr_db", output="scores", measured=41.25,
        ...                   required=60.0, worst="coast"))
        scores: SQNR is 41.2 dB, at least 60 dB required (worst: coast)
        """
        unit = "dB" if self.quantity == "sqnr_db" else ""
        label = {
            "input": "input tensors: share equal bit for bit",
            "sqnr_db": "SQNR",
            "max_abs": "largest difference",
            "top1": "share of samples with the same arg-max",
            "answers": "answers: share equal",
        }[self.quantity]
        subject = f"{self.output}: " if self.output else ""
        bound = "at most" if self.quantity == "max_abs" else "at least"
        worst = f" (worst: {self.worst})" if self.worst else ""
        return (
            f"{subject}{label} is {self.measured:.3g} {unit}".rstrip()
            + f", {bound} {self.required:g} {unit}".rstrip()
            + f" required{worst}"
        )


def measure(
    expected: Sequence[Outcome], actual: Sequence[Outcome], tolerances: Tolerances
) -> list[Measurement]:
    """Measure everything that the tolerances limit, whether it passes or not.

    Args:
        expected: the samples, in order.
        actual: what this runtime gave for the same samples, in the same order.
        tolerances: what to measure and require.

    Raises:
        CheckError: the two are not of the same samples, outputs or shapes, or there are none.
    """
    if not expected:
        raise CheckError("there are no samples to compare; pack some into the bundle")
    if [one.name for one in expected] != [one.name for one in actual]:
        raise CheckError("what is compared is not of the same samples in the same order")
    found = [
        _share(
            "input",
            1.0,
            [one.name for one in expected],
            [
                dict(ours.input_sha256) == dict(theirs.input_sha256)
                for ours, theirs in zip(expected, actual, strict=True)
            ],
        )
    ]
    for output, tolerance in tolerances.outputs.items():
        found += _measure_output(output, _pairs(expected, actual, output), tolerance)
    found.append(
        _share(
            "answers",
            tolerances.answers,
            [one.name for one in expected],
            [
                _plain(ours.answer) == _plain(theirs.answer)
                for ours, theirs in zip(expected, actual, strict=True)
            ],
        )
    )
    return found


def compare(
    expected: Sequence[Outcome], actual: Sequence[Outcome], tolerances: Tolerances
) -> list[Measurement]:
    """The measurements that do not pass; [] means that this runtime runs what was trained.

    Takes and raises what `measure` does.
    """
    return [one for one in measure(expected, actual, tolerances) if not one.passed]


def sqnr_db(expected: npt.ArrayLike, actual: npt.ArrayLike) -> float:
    """Signal to quantization noise ratio, ``10 log10(sum(e^2) / sum((e - a)^2))``.

    Infinite where nothing differs; nan if either holds a value that is not finite.

    >>> sqnr_db([3.0, 4.0], [3.0, 4.5])
    20.0
    """
    signal, given = np.asarray(expected, np.float64), np.asarray(actual, np.float64)
    return decibels(_energy(signal), _energy(signal - given))


def _energy(values: npt.NDArray[np.float64]) -> float:
    return float(np.vdot(values, values))


def _pairs(expected: Sequence[Outcome], actual: Sequence[Outcome], output: str) -> _Pairs:
    pairs = []
    for ours, theirs in zip(expected, actual, strict=True):
        one, other = ours.outputs.get(output), theirs.outputs.get(output)
        if one is None or other is None or one.shape != other.shape:
            shapes = [None if x is None else list(x.shape) for x in (one, other)]
            raise CheckError(
                f"the output {output!r} of {ours.name!r} has the shape {shapes[1]} and "
                f"{shapes[0]} was expected"
            )
        pairs.append((ours.name, one.astype(np.float64), other.astype(np.float64)))
    return pairs


def _measure_output(output: str, pairs: _Pairs, tolerance: OutputTolerance) -> list[Measurement]:
    found = []
    with np.errstate(invalid="ignore"):  # infinities are meant to come out as nan
        differences = {name: one - other for name, one, other in pairs}
    if tolerance.sqnr_db is not None:
        energies = {name: (_energy(one), _energy(differences[name])) for name, one, _ in pairs}
        ratios = {name: decibels(*energy) for name, energy in energies.items()}
        found.append(
            Measurement(
                quantity="sqnr_db",
                output=output,
                measured=decibels(
                    math.fsum(signal for signal, _ in energies.values()),
                    math.fsum(noise for _, noise in energies.values()),
                ),
                required=tolerance.sqnr_db,
                worst=_worst({name: -ratio for name, ratio in ratios.items()}, -math.inf),
            )
        )
    if tolerance.max_abs is not None:
        largest = {name: float(np.abs(diff).max()) for name, diff in differences.items()}
        found.append(
            Measurement(
                quantity="max_abs",
                output=output,
                measured=float(np.max(list(largest.values()))),
                required=tolerance.max_abs,
                worst=_worst(largest, 0.0),
            )
        )
    if tolerance.top1 is not None:
        same = [
            bool(np.array_equal(one.argmax(-1), other.argmax(-1))) and not np.isnan(other).any()
            for _, one, other in pairs
        ]
        found.append(_share("top1", tolerance.top1, [name for name, _, _ in pairs], same, output))
    return found


def _worst(badness: Mapping[str, float], none: float) -> str | None:
    """The sample with the most badness (nan is the most), unless all have none."""
    name = max(badness, key=lambda one: math.inf if math.isnan(badness[one]) else badness[one])
    return None if badness[name] == none else name


def _share(
    quantity: Quantity,
    required: float,
    names: Sequence[str],
    same: Sequence[bool],
    output: str | None = None,
) -> Measurement:
    return Measurement(
        quantity=quantity,
        output=output,
        measured=sum(same) / len(same),
        required=required,
        worst=next((name for name, equal in zip(names, same, strict=True) if not equal), None),
    )


def _plain(answer: Any) -> Any:
    """An answer as JSON would give it back, so that a tuple equals a list."""
    return msgspec.json.decode(msgspec.json.encode(answer))
