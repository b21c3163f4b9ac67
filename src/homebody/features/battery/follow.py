"""Follow one battery through a discharge, and keep what a person would want to see of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt import ModelOfOne
from homebody.features.battery.scores import coverage, rmse

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Outlook:
    """What a twin said about a whole discharge at one moment.

    Attributes:
        at: index of the measurement after which it was said.
        mean, low, high: volts, [n].
    """

    at: int
    mean: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Followed:
    """A discharge, measurement by measurement, each predicted before it was seen.

    Attributes:
        mean, low, high: what was expected of each measurement, volts [n].
        pushed: whether it changed the answers, [n].
        learned: whether the filter learned from it, [n].
        first: the outlook after the first change of the answers; None if there was none.
        initial, final: the last layer before and after, [states].
        spread: the final state's standard deviations, [states].
    """

    mean: Array
    low: Array
    high: Array
    pushed: NDArray[np.bool_]
    learned: NDArray[np.bool_]
    first: Outlook | None
    initial: Array
    final: Array
    spread: Array

    @property
    def updates(self) -> int:
        """How many times the answers changed."""
        return int(self.pushed.sum())

    def end_error(self, true: Array) -> float:
        """The relative error of the last prediction, a fraction."""
        return float(abs(self.mean[-1] - true[-1]) / true[-1])

    def coverage(self, measured: Array) -> float:
        """The share of measurements inside the interval that was predicted for them."""
        return coverage(measured, self.low, self.high)

    def rmse(self, true: Array) -> float:
        """Of the predictions one step ahead, in volts."""
        return rmse(self.mean, true)


def follow(
    twin: ModelOfOne, inputs: ArrayLike, measured: ArrayLike, times: ArrayLike | None = None
) -> Followed:
    """Give a twin measurements in their order.

    Args:
        twin: learns, and is changed.
        inputs: current (A) and charge drawn (C), [n, 2].
        measured: volts, [n]; NaN where missing.
        times: seconds, [n]; default: each one step after the one before.
    """
    points = np.asarray(inputs, np.float64)
    volts = np.asarray(measured, np.float64)
    when = [None] * len(points) if times is None else np.asarray(times, np.float64).tolist()
    initial = twin.state
    first: Outlook | None = None
    seen = []
    for index, (point, volt, at) in enumerate(zip(points, volts, when, strict=True)):
        observation = twin.observe(point, float(volt), at=at)
        seen.append(observation)
        if observation.pushed and first is None:
            first = Outlook(index, *outlook(twin, points))
    return Followed(
        mean=np.array([o.mean[0] for o in seen]),
        low=np.array([o.low[0] for o in seen]),
        high=np.array([o.high[0] for o in seen]),
        pushed=np.array([o.pushed for o in seen], np.bool_),
        learned=np.array([o.status == "learned" for o in seen], np.bool_),
        first=first,
        initial=initial,
        final=twin.state,
        spread=np.sqrt(np.diag(twin.filter.covariance)),
    )


def outlook(twin: ModelOfOne, inputs: ArrayLike) -> tuple[Array, Array, Array]:
    """What a twin expects at inputs [n, 2]: mean, low and high, volts [n]."""
    mean, interval = twin.predict(np.asarray(inputs, np.float64))
    return mean[:, 0], interval.low[:, 0], interval.high[:, 0]
