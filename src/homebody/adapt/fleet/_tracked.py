"""Filters in time: what each asset's has learned, and when."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.adapt.fleet._filters import Filters
from homebody.adapt.fleet._table import Table
from homebody.errors import FleetError
from homebody.kernels import MAX_STEPS
from homebody.kernels.fleets import LEARNED, PUSHED, REFUSED, Updated

Array = NDArray[np.float64]
Slots = NDArray[np.int64]


class Taken(NamedTuple):
    """What became of n measurements that came to the filters.

    Attributes:
        mean, sigma: float64 [n, outputs]: predicted before each.
        anomaly: float64 [n]: NaN where nothing was learned.
        learned, pushed: bool [n].
    """

    mean: Array
    sigma: Array
    anomaly: Array
    learned: NDArray[np.bool_]
    pushed: NDArray[np.bool_]

    @classmethod
    def empty(cls, n: int, outputs: int) -> Taken:
        """Room for n."""
        wide, flags = np.empty((2, n, outputs)), np.zeros((2, n), np.bool_)
        return cls(wide[0], wide[1], np.empty(n), flags[0], flags[1])

    def put(self, where: NDArray[Any], other: Taken, which: NDArray[Any]) -> None:
        """Take rows ``which`` of another into rows ``where``."""
        for mine, theirs in zip(self, other, strict=True):
            mine[where] = theirs[which]


class Tracked:
    """A fleet's filters, each with the time of its last measurement and what it has counted.

    Args:
        filters: of all assets.
        step: seconds of a step; None: a step a measurement.
        threads: how many work.
    """

    def __init__(self, filters: Filters, step: float | None, threads: int) -> None:
        self.filters, self._step, self._threads = filters, step, threads
        self.table = Table(
            time=(np.float64, math.nan, ()),  # of the last measurement that came to the filter
            grown=(np.float64, 0, ()),  # steps of the process since the start
            updates=(np.int64, 0, ()),
            pushes=(np.int64, 0, ()),
        )

    def grow(self, count: int) -> None:
        """Have ``count`` assets."""
        self.filters.grow(count)
        self.table.grow(count)

    def steps(self, slots: Slots, times: Array) -> Array:
        """Of the process from each asset's last measurement to these times; 1 for the first."""
        if self._step is None:
            return np.ones(len(slots))
        passed = (times - self.table["time"][slots]) / self._step
        return np.where(np.isnan(passed), 1.0, np.clip(passed, 0.0, MAX_STEPS))

    def predict(self, slots: Slots, features: Array, steps: Array) -> Updated:
        """What measurements should be."""
        return self.filters.predict(features, steps, slots, threads=self._threads)

    def learn(self, slots: Slots, features: Array, y: Array, times: Array) -> Taken:
        """At most one measurement of each asset, not before its last."""
        steps, scale = self.steps(slots, times), self.filters.scale(slots)
        made = self.filters.update(features, y, steps, slots, threads=self._threads)
        if (made.flags & REFUSED).any():
            raise FleetError("the kernel refused a number that was checked; report this")
        learned, pushed = (made.flags & LEARNED) != 0, (made.flags & PUSHED) != 0
        table = self.table
        table["time"][slots] = times
        table["grown"][slots] += np.where(learned, steps * scale, 0.0)
        table["updates"][slots] += learned
        table["pushes"][slots] += pushed
        anomaly = np.where(learned, made.anomaly, np.nan)
        return Taken(made.mean, made.sigma, anomaly, learned, pushed)

    def become(self, other: Tracked, slots: Slots) -> None:
        """Take over these assets from where another has them."""
        self.filters.copy(other.filters, slots)
        for mine, theirs in zip(
            self.table.columns().values(), other.table.columns().values(), strict=True
        ):
            mine[slots] = theirs[slots]
