"""Measurements, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from homebody.adapt._gate import Score

Array = NDArray[np.float64]

Status = Literal[
    "learned", "inside", "missing", "duplicate", "conflict", "late",
    "implausible", "units", "stuck",
]  # fmt: skip
"""What became of a measurement; :meth:`ModelOfOne.observe` says when which."""

STATUSES: tuple[Status, ...] = get_args(Status)
"""In the order of the numbers that owner state has for them."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement, and what became of it.

    Attributes:
        at: its time, in seconds.
        measured: what was measured, [outputs].
        mean, low, high: what was predicted before it, [outputs].
        status: what became of it.
        pushed: whether it changed the answers.
        anomaly: how unlikely the measurement was; None if it was not used.
        drift: how far the state has moved from where it began; None if it was not used.
        alarm: whether either is less likely than the gate's ``false_alarm``.
        note: more on the status, for a person.
    """

    at: float
    measured: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    status: Status
    pushed: bool = False
    anomaly: Score | None = None
    drift: Score | None = None
    alarm: bool = False
    note: str = ""


@dataclass(slots=True)
class Tracking:
    """What a model of one remembers besides its filter."""

    deployed: Array  # the state that answers
    start: Array  # where drift is measured from
    moved: Array  # the covariance that the state's movement since then has by chance
    updates: int
    pushes: int


@dataclass(slots=True)
class Event:
    """A measurement that was learned from, with what was there before it."""

    at: float
    rows: Array
    measured: Array
    before: tuple[float | None, bytes, Tracking]
