"""A model of one: a base model, and what one asset taught it."""

from __future__ import annotations

import math
import os
from collections import deque
from dataclasses import replace
from datetime import datetime
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt import _owner
from homebody.adapt._base import Base, as_base
from homebody.adapt._gate import Gate, score
from homebody.adapt._last_layer import LastLayerFilter
from homebody.adapt._observation import Event, Observation, Status, Tracking
from homebody.adapt._particles import ParticleFilter
from homebody.adapt._sensor import Sensor, Suspicion
from homebody.errors import AdaptError, FilterError

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """A prediction interval: float64 [outputs], with a leading n for n inputs."""

    low: Array
    high: Array


class Answer(NamedTuple):
    """What a model of one predicts: float64 [outputs], with a leading n for n inputs."""

    mean: Array
    interval: Interval


class ModelOfOne:
    """A base model that follows one asset.

    Args:
        source: the base model: a :class:`Base`, or a bundle (or its path) made for adapting.
        asset: the asset's or owner's name, 1 to 200 characters.
        filter: what tracks the last layer; default: the base's prior's exact filter.
        gate: when to update.
        confidence: of the intervals that are predicted, above 0 and below 1.
        step: seconds in a step of the process, which irregular times are measured in.
            Without it each measurement is a step, whatever its time.
        window: how many measurements back a late one may still be taken into account.
        sensor: what the measurements are checked for.
        history: how many observations to remember.

    Raises:
        AdaptError: these do not fit together.

    Example:
        >>> from homebody.adapt import Base, Gaussian, LastLayerFilter, ModelOfOne
        >>> base = Base(lambda u: u, [[1.0, 0.0]], "0" * 64)
        >>> filter = LastLayerFilter(
        ...     base.state, np.eye(2) * 0.1, process=Gaussian(0.01), noise=Gaussian(0.1)
        ... )
        >>> twin = ModelOfOne(base, "cell 7", filter=filter)
        >>> twin.observe([2.0], 2.5).status
        'learned'
        >>> mean, (low, high) = twin.predict([2.0])
        >>> bool(low < mean < high)
        True
    """

    def __init__(
        self,
        source: Any,
        asset: str,
        *,
        filter: LastLayerFilter | ParticleFilter | None = None,
        gate: Gate | None = None,
        confidence: float = 0.95,
        step: float | None = None,
        window: int = 16,
        sensor: Sensor | None = None,
        history: int = 1000,
    ) -> None:
        self.base: Base = as_base(source)
        if not isinstance(asset, str) or not 1 <= len(asset) <= 200:
            raise AdaptError("an asset's name has 1 to 200 characters; give another")
        self.asset = asset
        if filter is None:
            if self.base.prior is None:
                raise AdaptError(
                    "the base model carries no prior; give a filter, or a Base with a prior "
                    "(fleet_prior learns one from other assets)"
                )
            filter = self.base.prior.filter()
        states = self.base.weights.size
        if filter.states != states or filter.outputs != self.base.outputs:
            raise AdaptError(
                f"the filter has {filter.states} states and {filter.outputs} outputs; the base "
                f"model's last layer has {states} weights and {self.base.outputs} outputs"
            )
        if not 0 < confidence < 1:
            raise AdaptError(f"confidence is {confidence}; give 0 < confidence < 1")
        if step is not None and not 0 < step < math.inf:
            raise AdaptError(f"step is {step}; give seconds above 0, or None")
        if window < 0 or history < 0:
            raise AdaptError("window and history count measurements; give 0 or more")
        self.filter = filter
        self.gate = gate or Gate()
        self.confidence = confidence
        self.step = step
        self.sensor = sensor or Sensor()
        self._z = NormalDist().inv_cdf((1 + confidence) / 2)
        self._gate_z = NormalDist().inv_cdf((1 + self.gate.confidence) / 2)
        self._time: float | None = None
        self._tracking = Tracking(filter.mean, filter.mean, np.zeros((states, states)), 0, 0)
        self._window = window
        self._events: deque[Event] = deque(maxlen=window + 1)
        self._history: deque[Observation] = deque(maxlen=history)
        self._suspicion = Suspicion(self.sensor)

    # ------------------------------------------------------------------ what it is

    @property
    def state(self) -> Array:
        """The last layer that answers, as a filter's state; a copy."""
        return self._tracking.deployed.copy()

    @property
    def shadow(self) -> Array:
        """The last layer as the filter has it; a copy."""
        return np.array(self.filter.mean)

    @property
    def history(self) -> tuple[Observation, ...]:
        """What was observed, oldest first."""
        return tuple(self._history)

    @property
    def updates(self) -> int:
        """How many measurements the filter learned from."""
        return self._tracking.updates

    @property
    def pushes(self) -> int:
        """How many times the answers changed."""
        return self._tracking.pushes

    # ------------------------------------------------------------------ predict

    def predict(self, u: Any, at: float | datetime | None = None) -> Answer:
        """What to expect at an input, or at n of them.

        The mean is the deployed state's. The interval holds the measurement's noise, what the
        filter is unsure about, and how far deployed and shadow differ.

        Args:
            u: what the base's features take.
            at: the time it is asked for, which widens the interval; default: now.

        Raises:
            AdaptError: the features do not fit.
        """
        rows = self.base.rows(u)
        steps = 0.0
        if at is not None and self.step is not None and self._time is not None:
            steps = max(0.0, (_seconds(at) - self._time) / self.step)
        mean, sigma = self._expect(rows, steps)
        return Answer(mean, Interval(mean - self._z * sigma, mean + self._z * sigma))

    def _expect(self, rows: Array, steps: float) -> tuple[Array, Array]:
        """The deployed state's predictions, and their standard deviations."""
        filter = self.filter
        mean = rows @ self._tracking.deployed
        behind = rows @ filter.mean - mean
        covariance = filter.covariance + steps * filter.process_covariance
        spread = np.einsum("...i,ij,...j->...", rows, covariance, rows)
        variance = np.maximum(spread, 0) + behind * behind + filter.noise**2
        return mean, np.sqrt(variance)

    # ------------------------------------------------------------------ observe

    def observe(
        self, u: Any, measured: ArrayLike | None, at: float | datetime | None = None
    ) -> Observation:
        """Take one measurement.

        What becomes of it is its status:

        - ``learned``: the filter learned from it. With a ``step``, the process is given the time
          since the last measurement, so irregular times are as they should be. One that comes
          late, but within the window, is put where it belongs: the state is the same as if all
          had come in order.
        - ``inside``: the interval gate let it pass.
        - ``missing``: NaN, infinite or None, in all of the outputs or in the input. Time passes;
          nothing is learned. Of several outputs, those that are numbers are learned from.
        - ``duplicate``: the same time, input and measurement as one in the window; dropped.
        - ``conflict``: the same time as one in the window, and something else; the first stays.
        - ``late``: older than all in the window; dropped.
        - ``implausible``, ``units``, ``stuck``: the sensor is not believed; see :class:`Sensor`.

        Args:
            u: one input, what the base's features take.
            measured: [outputs], or a number for one output.
            at: when, in seconds or as a datetime; default: one step after the last.

        Raises:
            AdaptError: a shape is wrong; nothing has changed.
        """
        y = self._numbers(measured)
        time = self._when(at)
        rows = self.base.rows(u)
        if rows.ndim != 2:
            raise AdaptError("observe takes one input; call it once for each")
        if not np.isfinite(rows).all():
            unknown = np.full(self.base.outputs, np.nan)
            return self._record(time, y, unknown, unknown, "missing", note="of the input")
        mean, sigma = self._expect(rows, self._steps(time))
        y = np.where(np.isfinite(y), y, np.nan)
        if np.isnan(y).all():
            return self._record(time, y, mean, sigma, "missing")
        known = self._known(time, rows, y)
        if known is not None:
            return self._record(time, y, mean, sigma, known)
        status, note = self._suspicion.judge(y, mean, sigma, self.filter.noise)
        if status is not None:
            return self._record(time, y, mean, sigma, status, note=note)
        later = self._take_back(time)
        observation = self._learn(time, rows, y)
        for event in later:
            self._learn(event.at, event.rows, event.measured)
        self._history.append(observation)
        return observation

    # ------------------------------------------------------------------ keep

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the owner's state, whole or not at all, as a safetensors file.

        It names the base model's SHA-256, and goes on exactly where it was once loaded.

        Raises:
            OwnerStateError: it cannot be written; what was there is unchanged.
        """
        _owner.save(self, path)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        source: Any,
        *,
        filter: LastLayerFilter | ParticleFilter | None = None,
    ) -> ModelOfOne:
        """A model of one from its file.

        Args:
            path: what :meth:`save` wrote.
            source: the base model that it was learned on.
            filter: one made as the saved one was; needed only if it has functions of its own.

        Raises:
            BaseChangedError: it was learned on another base model.
            OwnerStateError: the file is none, damaged, or does not fit.
        """
        return _owner.load(cls, path, as_base(source), filter)

    # ------------------------------------------------------------------ inside

    def _known(self, time: float, rows: Array, y: Array) -> Status | None:
        for event in self._events:
            if event.at == time:
                same = np.array_equal(event.rows, rows)
                same = same and np.array_equal(event.measured, y, equal_nan=True)
                return "duplicate" if same else "conflict"
        if self._time is None or time > self._time:
            return None
        # The oldest event bears witness to what came before it, so it must be older itself.
        reachable = len(self._events) > 0 and (
            time > self._events[0].at or self._events[0].before[0] is None
        )
        return None if self._window and reachable else "late"

    def _take_back(self, time: float) -> list[Event]:
        """Go back to before the first measurement later than ``time``; give those, in order."""
        later: list[Event] = []
        while self._events and self._events[-1].at > time:
            later.append(self._events.pop())
        if later:
            self._time, saved, tracking = later[-1].before
            self.filter.restore(saved)
            self._tracking = tracking
        return later[::-1]

    def _learn(self, time: float, rows: Array, y: Array) -> Observation:
        """Pass one measurement through the gate and the filter."""
        filter, tracking = self.filter, self._tracking
        steps = self._steps(time)
        mean, sigma = self._expect(rows, steps)
        before = (self._time, filter.save(), replace(tracking))
        self._events.append(Event(time, rows, y, before))
        self._time = time
        off = np.abs(y - mean)
        inside = bool(np.all((off <= self._gate_z * sigma) | np.isnan(y)))
        if self.gate.policy == "interval" and inside:
            return self._observation(time, y, mean, sigma, "inside")
        seen = ~np.isnan(y)
        expected = filter.covariance + steps * filter.process_covariance
        spread = rows @ expected @ rows.T + np.diag(filter.noise**2)
        anomaly = score((y - rows @ filter.mean)[seen], spread[np.ix_(seen, seen)])
        filter.update(rows, y, steps)
        now, covariance = filter.mean, filter.covariance
        moved = tracking.moved + expected - covariance
        drift = score(now - tracking.start, moved)
        differ = rows @ (now - tracking.deployed)
        unsure = np.sqrt(np.maximum(np.einsum("oi,ij,oj->o", rows, covariance, rows), 0))
        push = self.gate.policy == "interval" or bool(
            np.any(np.abs(differ) > self.gate.sigmas * unsure)
        )
        self._tracking = Tracking(
            now if push else tracking.deployed, tracking.start, moved,
            tracking.updates + 1, tracking.pushes + push,
        )  # fmt: skip
        return self._observation(
            time, y, mean, sigma, "learned", pushed=push, anomaly=anomaly, drift=drift,
            alarm=min(anomaly.chance, drift.chance) < self.gate.false_alarm,
        )  # fmt: skip

    def _steps(self, time: float) -> float:
        if self.step is None or self._time is None:
            return 1.0
        return max(0.0, (time - self._time) / self.step)

    def _when(self, at: float | datetime | None) -> float:
        if at is not None:
            return _seconds(at)
        return 0.0 if self._time is None else self._time + (self.step or 1.0)

    def _numbers(self, measured: ArrayLike | None) -> Array:
        if measured is None:
            return np.full(self.base.outputs, np.nan)
        try:
            y = np.atleast_1d(np.array(measured, np.float64))
        except (TypeError, ValueError):
            y = np.empty(0)
        if y.shape != (self.base.outputs,):
            raise AdaptError(
                f"a measurement is {measured!r}; give {self.base.outputs} numbers, NaN if missing"
            )
        return y

    def _record(
        self, time: float, y: Array, mean: Array, sigma: Array, status: Status, *, note: str = ""
    ) -> Observation:
        observation = self._observation(time, y, mean, sigma, status, note=note)
        self._history.append(observation)
        return observation

    def _observation(
        self, time: float, y: Array, mean: Array, sigma: Array, status: Status, **more: Any
    ) -> Observation:
        low, high = mean - self._z * sigma, mean + self._z * sigma
        return Observation(
            time, tuple(y.tolist()), tuple(mean.tolist()), tuple(low.tolist()),
            tuple(high.tolist()), status, **more,
        )  # fmt: skip


def _seconds(at: float | datetime) -> float:
    seconds = at.timestamp() if isinstance(at, datetime) else at
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float, np.integer, np.floating)):
        raise FilterError(f"a time is {at!r}; give seconds or a datetime")
    if not math.isfinite(seconds):
        raise FilterError(f"a time is {at!r}; give finite seconds or a datetime")
    return float(seconds)
