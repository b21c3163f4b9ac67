"""Many models of one, in arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._base import Prior
from homebody.adapt._chi_square import chi_square_threshold
from homebody.adapt._gate import Gate, score
from homebody.adapt._sensor import Sensor
from homebody.adapt.fleet._doubts import Doubts
from homebody.adapt.fleet._filters import Filters, GatedParticles, exact
from homebody.adapt.fleet._given import numbers, seconds
from homebody.adapt.fleet._memory import Last, Memory, Window
from homebody.adapt.fleet._names import Names
from homebody.adapt.fleet._observed import CODE, Drift, Observed
from homebody.adapt.fleet._table import put
from homebody.adapt.fleet._tracked import Tracked
from homebody.errors import FleetError, KernelError
from homebody.kernels import MAX_MEASURED, MAX_ROW, MAX_STEPS
from homebody.kernels.fleets import occurrence

Array = NDArray[np.float64]
Slots = NDArray[np.int64]
Unknown = Literal["refuse", "skip", "add"]
MAX_WINDOW = 1024
"""Most measurements of a window."""


class Fleet:
    """A model of one for each of many assets, which share a base model and a prior.

    It does for each asset what :class:`~homebody.adapt.ModelOfOne` with the same ``window`` does.
    With none, a measurement not newer than the asset's last one is a ``duplicate`` (same time and
    content), a ``conflict`` (same time, something else) or ``late``, and teaches nothing. With a
    window, late ones are put where they belong: the state is, bit for bit, that of the right order.

    The numbers are float64; an asset takes ``4 states (states + 5) + 24 outputs + 56`` bytes, 280
    at 5 states and an output. A window takes the filter again, and ``8 (features + outputs + 1)``
    bytes for each of ``window + 1`` measurements: 1.1 kB at 16.

    Args:
        prior: what every asset begins with (:func:`~homebody.adapt.fleet_prior`).
        assets: their names, whole numbers or texts; or how many, which names them 0, 1, 2, ...
        particles: track with this many particles an asset; default: the exact filter.
        seed: of the particles; each asset draws from a stream of its own.
        degrees: above 0 for Student-t noise.
        adaptive: 0 (off) to 0.25: how fast the process's scale follows (exact filter only).
        gate, confidence, step, sensor: as of :class:`~homebody.adapt.ModelOfOne`.
        window: how many newer measurements a late one may come after, and still be put where it
            belongs; 0: none.
        unknown: what to do with measurements of other assets: "refuse" the call, "skip" them, or
            "add" the asset.
        base: the SHA-256 of the base model, which checkpoints name.
        threads: how many work on a call; the results are the same.

    Raises:
        FleetError: these do not fit together.

    Example:
        >>> from homebody.adapt import Prior
        >>> prior = Prior([0.0, 0.0], np.eye(2), np.zeros((2, 2)), [0.1])
        >>> fleet = Fleet(prior, ["a", "b"])
        >>> seen = fleet.observe(["b", "a", "b"], [[1.0], [1.0], [2.0]], [3.0, 1.0, 5.0])
        >>> seen.counts()
        {'learned': 3}
        >>> mean, interval = fleet.predict(["b"], [[3.0]])
        >>> round(float(mean[0, 0]), 1)
        7.0
    """

    def __init__(
        self,
        prior: Prior,
        assets: int | Sequence[Any] | NDArray[Any] = (),
        *,
        particles: int | None = None,
        seed: int = 0,
        degrees: float = 0.0,
        adaptive: float = 0.0,
        gate: Gate | None = None,
        confidence: float = 0.95,
        step: float | None = None,
        sensor: Sensor | None = None,
        window: int = 0,
        unknown: Unknown = "refuse",
        base: str = "",
        threads: int = 1,
    ) -> None:
        if not 0 < confidence < 1:
            raise FleetError(f"confidence is {confidence}; give 0 < confidence < 1")
        if step is not None and not 0 < step < math.inf:
            raise FleetError(f"step is {step}; give seconds above 0, or None")
        if not 0 <= window <= MAX_WINDOW:
            raise FleetError(f"window is {window}; give 0 to {MAX_WINDOW} measurements")
        if unknown not in ("refuse", "skip", "add"):
            raise FleetError(f'unknown is {unknown!r}; give "refuse", "skip" or "add"')
        if particles is not None and adaptive:
            raise FleetError("adaptive is of the exact filter; leave it out with particles")
        self.prior, self.gate, self.sensor = prior, gate or Gate(), sensor or Sensor()
        self.confidence, self.step, self.unknown, self.base = confidence, step, unknown, base
        self.threads = threads
        self.outputs, self.states = len(prior.noise), len(prior.mean)
        if self.states % self.outputs:
            raise FleetError(f"{self.outputs} outputs do not divide {self.states} states")
        self.features = self.states // self.outputs - 1
        self._z = NormalDist().inv_cdf((1 + confidence) / 2)
        self._alarm = np.array(
            [np.inf]
            + [chi_square_threshold(self.gate.false_alarm, n + 1) for n in range(self.outputs)]
        )
        self._settings: dict[str, Any] = {
            "particles": particles, "seed": seed if particles else 0, "degrees": degrees,
            "adaptive": adaptive, "confidence": confidence, "step": step,
            "gate": asdict(self.gate), "sensor": asdict(self.sensor), "base": base,
        }  # fmt: skip
        if window:
            self._settings["window"] = window
        self._names = Names(assets)

        def tracked() -> Tracked:
            filters: Filters = (
                exact(prior, 0, self.gate, degrees, adaptive)
                if particles is None
                else GatedParticles(prior, 0, self.gate, degrees, particles, seed)
            )
            return Tracked(filters, step, threads)

        try:
            self._tracked = tracked()
            self._memory: Memory = (
                Window(window, self._tracked, tracked, self.features, self.outputs)
                if window
                else Last(self._tracked)
            )
        except KernelError as error:
            raise FleetError(str(error)) from None
        self._doubts = Doubts(self.sensor, prior.noise)
        self._grow()

    def _grow(self) -> None:
        for part in (self._tracked, self._memory, self._doubts.table):
            part.grow(len(self._names))

    # ------------------------------------------------------------------ what it is

    def __len__(self) -> int:
        return len(self._names)

    @property
    def assets(self) -> list[Any]:
        """The assets' names, in the order they came."""
        return self._names.list()

    def state(self, ids: ArrayLike) -> Array:
        """The last layers that answer, float64 [n, states]; copies."""
        return self._tracked.filters.answering(self._known(ids))

    def shadow(self, ids: ArrayLike) -> Array:
        """The last layers as the filters have them, float64 [n, states]; copies."""
        return self._tracked.filters.mean(self._known(ids))

    def covariance(self, ids: ArrayLike) -> Array:
        """The filters' covariances, float64 [n, states, states]; copies."""
        return self._tracked.filters.covariance(self._known(ids))

    def updates(self, ids: ArrayLike) -> NDArray[np.int64]:
        """How many measurements each filter learned from, int64 [n]."""
        return self._tracked.table["updates"][self._known(ids)]

    def pushes(self, ids: ArrayLike) -> NDArray[np.int64]:
        """How often each asset's answers changed, int64 [n]."""
        return self._tracked.table["pushes"][self._known(ids)]

    def last(self, ids: ArrayLike) -> Array:
        """The time of each asset's last measurement, seconds, float64 [n]; NaN before the first."""
        return self._tracked.table["time"][self._known(ids)]

    def drift(self, ids: ArrayLike) -> Drift:
        """How far these assets have moved from where they began: for a report, not each update."""
        slots = self._known(ids)
        filters = self._tracked.filters
        now, covariance = filters.mean(slots), filters.covariance(slots)
        # What went out of the covariance since the start is what came into the mean.
        grown = self._tracked.table["grown"][slots]
        start = np.broadcast_to(self.prior.mean, now.shape)
        scores = [
            score(a - b, self.prior.covariance + g * self.prior.process - c)
            for a, b, g, c in zip(now, start, grown.tolist(), covariance, strict=True)
        ]
        value, df, chance = (np.array([s[i] for s in scores]) for i in range(3))
        return Drift(
            value.astype(np.float64), df.astype(np.int64), chance.astype(np.float64),
            chance < self.gate.false_alarm,
        )  # fmt: skip

    def _known(self, ids: ArrayLike) -> Slots:
        slots, _ = self._names.slots(ids, add=False)
        if (slots < 0).any():
            which = np.asarray(ids)[slots < 0][0]
            raise FleetError(f"there is no asset {str(which)[:80]!r}; give one of the fleet's")
        return slots

    # ------------------------------------------------------------------ predict and observe

    def predict(
        self, ids: ArrayLike, features: ArrayLike, at: ArrayLike | None = None
    ) -> tuple[Array, tuple[Array, Array]]:
        """What to expect of assets: the mean [n, outputs], and the interval's (low, high).

        Args:
            ids: [n]; an asset may be asked many times.
            features: [n, f]: the last hidden layer's values.
            at: seconds [n], which widen the interval; default: now.

        Raises:
            FleetError: an unknown asset, or a shape or type is wrong.
        """
        slots = self._known(ids)
        given = numbers(features, "features", (len(slots), self.features))
        steps = np.zeros(len(slots))
        if at is not None and self.step is not None:
            passed = (seconds(at, len(slots)) - self._tracked.table["time"][slots]) / self.step
            steps = np.where(passed > 0, np.minimum(passed, MAX_STEPS), 0.0)
        made = self._tracked.predict(slots, given, steps)
        off = self._z * made.sigma
        return made.mean, (made.mean - off, made.mean + off)

    def observe(
        self,
        ids: ArrayLike,
        features: ArrayLike,
        measured: ArrayLike,
        at: ArrayLike | None = None,
    ) -> Observed:
        """Take measurements; an asset's own are taken in the order they stand.

        Args:
            ids: [n]: whose they are.
            features: [n, f]: the last hidden layer's values; NaN makes the row ``missing``.
            measured: [n, outputs], or [n] for one output; NaN is missing.
            at: seconds [n]; default: one step after each asset's last.

        Raises:
            FleetError: a shape or a type is wrong, or (unless told otherwise) an asset is unknown;
                nothing has changed.
        """
        array = np.asarray(ids)
        n = len(array) if array.ndim else 0
        given = numbers(features, "features", (n, self.features))
        y = numbers(measured, "measured", (n, self.outputs))
        times = None if at is None else seconds(at, n)
        slots, new = self._names.slots(array, add=self.unknown == "add")
        if new:
            self._grow()
        if self.unknown == "refuse" and (slots < 0).any():
            which = array[slots < 0][0]
            raise FleetError(
                f"there is no asset {str(which)[:80]!r}; give one of the fleet's, or make the "
                'fleet with unknown="add" or "skip"'
            )
        seen = Observed.nothing(n, self.outputs, "refused")
        seen.status[slots < 0] = CODE["unknown"]
        y = np.where(np.isfinite(y), y, np.nan)
        usable = slots >= 0
        usable &= ~(np.abs(y) > MAX_MEASURED).any(axis=1)
        usable &= ~(np.abs(np.where(np.isfinite(given), given, 0)) > MAX_ROW).any(axis=1)
        if times is not None:
            usable &= np.isfinite(times)
        rows = np.flatnonzero(usable)
        turn = occurrence(slots[rows])
        order = np.argsort(turn, kind="stable")
        edges = np.searchsorted(turn[order], np.arange(turn.max(initial=-1) + 2))
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            mine = rows[order[first:last]]
            self._take(mine, slots[mine], given[mine], y[mine],
                       None if times is None else times[mine], seen)  # fmt: skip
        return seen

    def _take(
        self, rows: Slots, slots: Slots, features: Array, y: Array, times: Array | None,
        seen: Observed,
    ) -> None:  # fmt: skip
        """At most one measurement of each asset."""
        last = self._tracked.table["time"][slots]
        if times is None:
            times = np.where(np.isnan(last), 0.0, last + (self.step or 1.0))
        finite = np.asarray(np.isfinite(features).all(axis=1))
        safe = np.where(finite[:, None], features, 0.0)
        before = self._tracked.predict(slots, safe, self._tracked.steps(slots, times))
        mean, sigma = (np.where(finite[:, None], part, np.nan) for part in before[:2])
        status = self._memory.known(slots, safe, y, times)
        status[np.isnan(y).all(axis=1) | ~finite] = CODE["missing"]
        known = np.flatnonzero(status == CODE["learned"])
        status[known] = self._doubts.judge(slots[known], y[known], mean[known], sigma[known])
        learn = np.flatnonzero(status == CODE["learned"])
        made = self._memory.learn(slots[learn], safe[learn], y[learn], times[learn])
        status[learn[~made.learned]] = CODE["inside"]
        late = learn[times[learn] < last[learn]]  # expected at their own time, not after the last
        mean[late], sigma[late] = (part[np.isin(learn, late)] for part in made[:2])
        off = self._z * sigma
        seen.mean[rows], seen.low[rows], seen.high[rows] = mean, mean - off, mean + off
        where, limit = rows[learn], self._alarm[(~np.isnan(y[learn])).sum(axis=1)]
        seen.pushed[where], seen.anomaly[where] = made.pushed, made.anomaly
        seen.alarm[where] = made.learned & (made.anomaly > limit)
        seen.status[rows] = status

    # ------------------------------------------------------------------ keep

    def columns(self) -> dict[str, NDArray[Any]]:
        """Everything the fleet remembers, arrays by name: what a checkpoint holds; views."""
        return {
            **self._tracked.table.columns(), **self._memory.columns(),
            **self._doubts.table.columns(),
            **{f"filter/{k}": v for k, v in self._tracked.filters.columns().items()},
        }  # fmt: skip

    def _asset(self, slot: int) -> list[NDArray[Any]]:
        """Everything of one; views."""
        return [
            *self._tracked.table.asset(slot), *self._memory.asset(slot),
            *self._doubts.table.asset(slot), *self._tracked.filters.asset(slot),
        ]  # fmt: skip

    def _sound(self, slots: Slots | None = None) -> bool:
        return self._tracked.filters.sound(slots) and self._memory.sound(slots)

    def save_asset(self, name: Any) -> bytes:
        """Everything the fleet remembers of one asset, for :meth:`load_asset`."""
        (slot,) = self._known(np.asarray([name])).tolist()
        return b"".join(part.tobytes() for part in self._asset(slot))

    def load_asset(self, name: Any, saved: bytes) -> None:
        """Take over an asset from a fleet with these settings.

        Raises:
            FleetError: an unknown asset, or the bytes are not what such a fleet saved.
        """
        (slot,) = self._known(np.asarray([name])).tolist()
        into = self._asset(slot)
        if len(saved) != sum(part.nbytes for part in into):
            raise FleetError(f"{len(saved)} bytes are no asset of this fleet's; give another's")
        before, place = self.save_asset(name), 0
        for part in into:
            found = np.frombuffer(saved, part.dtype, part.size, place)
            part[...] = found.reshape(part.shape)
            place += part.nbytes
        if not self._sound(np.array([slot])):
            self.load_asset(name, before)
            raise FleetError("an asset's bytes hold numbers that no filter would; give others")

    def fingerprint(self) -> dict[str, Any]:
        """The settings that a checkpoint must have been made with, as JSON has them."""
        prior = self.prior
        parts = (prior.mean, prior.covariance, prior.process, prior.noise)
        return {**self._settings, "prior": [part.tolist() for part in parts]}

    def restore(self, assets: Sequence[Any], columns: dict[str, NDArray[Any]]) -> None:
        """Become what :attr:`assets` and :meth:`columns` gave, of a fleet with these settings.

        Raises:
            FleetError: they do not fit; the fleet is then unusable.
        """
        names = Names(list(assets))
        if len(names) < len(self._names):
            raise FleetError("a fleet cannot forget assets; restore into a new one")
        self._names = names
        self._grow()
        put(self.columns(), columns)
        if not self._sound():
            raise FleetError("the saved fleet holds numbers that no filter would; use another copy")
