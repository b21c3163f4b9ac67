"""Many models of one, in arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._base import Prior
from homebody.adapt._chi_square import chi_square_threshold
from homebody.adapt._gate import Gate, score
from homebody.adapt._observation import STATUSES as ONE_STATUSES
from homebody.adapt._sensor import FACTORS, Sensor
from homebody.adapt.fleet._filters import Filters, GatedParticles, exact, restore
from homebody.adapt.fleet._names import Names
from homebody.errors import FleetError, KernelError
from homebody.kernels import MAX_MEASURED, MAX_ROW, MAX_STEPS
from homebody.kernels.fleets import LEARNED, PUSHED, REFUSED, occurrence

Array = NDArray[np.float64]
Slots = NDArray[np.int64]
Unknown = Literal["refuse", "skip", "add"]

STATUSES = (*ONE_STATUSES, "unknown", "refused")
"""What becomes of a measurement, in the order of :class:`Observed`'s numbers: those of
:meth:`~homebody.adapt.ModelOfOne.observe`, and ``unknown`` (no such asset) and ``refused`` (a time
that is not finite, or a number out of range)."""
_CODE = {name: code for code, name in enumerate(STATUSES)}


class Observed(NamedTuple):
    """What became of n measurements.

    Attributes:
        status: uint8 [n]: places in :data:`STATUSES`.
        mean, low, high: float64 [n, outputs]: what was predicted before each; NaN if nothing.
        pushed: bool [n]: whether it changed the answers.
        anomaly: float64 [n]: the innovation's squared distance; NaN where nothing was learned.
        alarm: bool [n]: whether chance goes so far less often than the gate's ``false_alarm``.
    """

    status: NDArray[np.uint8]
    mean: Array
    low: Array
    high: Array
    pushed: NDArray[np.bool_]
    anomaly: Array
    alarm: NDArray[np.bool_]

    def counts(self) -> dict[str, int]:
        """How many there are of each status that occurs."""
        counts = np.bincount(self.status, minlength=len(STATUSES)).tolist()
        return {name: n for name, n in zip(STATUSES, counts, strict=True) if n}


class Drift(NamedTuple):
    """How far assets have moved from where they began.

    Attributes:
        value: float64 [n]: squared distance, chi-square distributed with ``df`` if by chance.
        df: int64 [n].
        chance: float64 [n]: the probability of this distance or more.
        alarm: bool [n].
    """

    value: Array
    df: NDArray[np.int64]
    chance: Array
    alarm: NDArray[np.bool_]


class Fleet:
    """A model of one for each of many assets, which share a base model and a prior.

    It does for each asset what :class:`~homebody.adapt.ModelOfOne` with ``window=0`` does: a
    measurement not newer than the asset's last one is a ``duplicate`` (same time and
    content), a ``conflict`` (same time, something else) or ``late``, and teaches nothing. The
    numbers are float64; an asset takes ``4 states (states + 5) + 24 outputs + 56`` bytes, 280 at 5
    states and an output.

    Args:
        prior: what every asset begins with (:func:`~homebody.adapt.fleet_prior`).
        assets: their names, whole numbers or texts; or how many, which names them 0, 1, 2, ...
        particles: track with this many particles an asset; default: the exact filter.
        seed: of the particles; each asset draws from a stream of its own.
        degrees: above 0 for Student-t noise.
        adaptive: 0 (off) to 0.25: how fast the process's scale follows (exact filter only).
        gate, confidence, step, sensor: as of :class:`~homebody.adapt.ModelOfOne`.
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
        6.9
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
        unknown: Unknown = "refuse",
        base: str = "",
        threads: int = 1,
    ) -> None:
        if not 0 < confidence < 1:
            raise FleetError(f"confidence is {confidence}; give 0 < confidence < 1")
        if step is not None and not 0 < step < math.inf:
            raise FleetError(f"step is {step}; give seconds above 0, or None")
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
        self._names = Names(assets)
        try:
            self._filters: Filters = (
                exact(prior, len(self._names), self.gate, degrees, adaptive)
                if particles is None
                else GatedParticles(prior, len(self._names), self.gate, degrees, particles, seed)
            )
        except KernelError as error:
            raise FleetError(str(error)) from None
        self._columns: dict[str, NDArray[Any]] = {}
        self._grow()

    _FRESH: tuple[tuple[str, Any, float, bool], ...] = (
        ("time", np.float64, math.nan, False),  # of the last measurement that was learned from
        ("content", np.uint64, 0, False),  # a hash of it
        ("grown", np.float64, 0, False),  # steps of the process since the start
        ("updates", np.int64, 0, False),
        ("pushes", np.int64, 0, False),
        ("repeats", np.int64, 0, False),  # of the same number, and what was expected meanwhile
        ("last", np.float64, math.nan, True),
        ("least", np.float64, 0, True),
        ("most", np.float64, 0, True),
    )

    def _grow(self) -> None:
        count = len(self._names)
        self._filters.grow(count)
        for name, dtype, value, wide in self._FRESH:
            old = self._columns.get(name)
            have = 0 if old is None else len(old)
            if old is None or count > have:
                room = count if not have else max(count, have + have // 2)
                wider = np.full((room, self.outputs) if wide else room, value, dtype)
                if old is not None:
                    wider[:have] = old
                self._columns[name] = wider

    # ------------------------------------------------------------------ what it is

    def __len__(self) -> int:
        return len(self._names)

    @property
    def assets(self) -> list[Any]:
        """The assets' names, in the order they came."""
        return self._names.list()

    def state(self, ids: ArrayLike) -> Array:
        """The last layers that answer, float64 [n, states]; copies."""
        return self._filters.answering(self._known(ids))

    def shadow(self, ids: ArrayLike) -> Array:
        """The last layers as the filters have them, float64 [n, states]; copies."""
        return self._filters.mean(self._known(ids))

    def covariance(self, ids: ArrayLike) -> Array:
        """The filters' covariances, float64 [n, states, states]; copies."""
        return self._filters.covariance(self._known(ids))

    def updates(self, ids: ArrayLike) -> NDArray[np.int64]:
        """How many measurements each filter learned from, int64 [n]."""
        return self._columns["updates"][self._known(ids)]

    def pushes(self, ids: ArrayLike) -> NDArray[np.int64]:
        """How often each asset's answers changed, int64 [n]."""
        return self._columns["pushes"][self._known(ids)]

    def last(self, ids: ArrayLike) -> Array:
        """The time of each asset's last measurement, seconds, float64 [n]; NaN before the first."""
        return self._columns["time"][self._known(ids)]

    def drift(self, ids: ArrayLike) -> Drift:
        """How far these assets have moved from where they began: for a report, not each update."""
        slots = self._known(ids)
        now, covariance = self._filters.mean(slots), self._filters.covariance(slots)
        # What went out of the covariance since the start is what came into the mean.
        grown = self._columns["grown"][slots]
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
        given = self._numbers(features, "features", (len(slots), self.features))
        steps = np.zeros(len(slots))
        if at is not None and self.step is not None:
            passed = (self._times(at, len(slots)) - self._columns["time"][slots]) / self.step
            steps = np.where(passed > 0, np.minimum(passed, MAX_STEPS), 0.0)
        made = self._filters.predict(given, steps, slots, threads=self.threads)
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
        given = self._numbers(features, "features", (n, self.features))
        y = self._numbers(measured, "measured", (n, self.outputs))
        times = None if at is None else self._times(at, n)
        slots, new = self._names.slots(array, add=self.unknown == "add")
        if new:
            self._grow()
        if self.unknown == "refuse" and (slots < 0).any():
            which = array[slots < 0][0]
            raise FleetError(
                f"there is no asset {str(which)[:80]!r}; give one of the fleet's, or make the "
                'fleet with unknown="add" or "skip"'
            )
        seen = Observed(
            np.full(n, _CODE["refused"], np.uint8), np.full(y.shape, np.nan),
            np.full(y.shape, np.nan), np.full(y.shape, np.nan),
            np.zeros(n, np.bool_), np.full(n, np.nan), np.zeros(n, np.bool_),
        )  # fmt: skip
        seen.status[slots < 0] = _CODE["unknown"]
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
        self, rows: NDArray[np.int64], slots: Slots, features: Array, y: Array,
        times: Array | None, seen: Observed,
    ) -> None:  # fmt: skip
        """At most one measurement of each asset."""
        columns = self._columns
        last = columns["time"][slots]
        first = np.isnan(last)
        if times is None:
            times = np.where(first, 0.0, last + (self.step or 1.0))
        steps = np.ones(len(rows))
        if self.step is not None:
            passed = np.where(first, 1.0, (times - last) / self.step)
            steps = np.clip(passed, 0.0, MAX_STEPS)
        finite = np.asarray(np.isfinite(features).all(axis=1))
        safe = np.where(finite[:, None], features, 0.0)
        before = self._filters.predict(safe, steps, slots, threads=self.threads)
        absent = np.isnan(y).all(axis=1)
        content = _content(features, y)
        status = np.full(len(rows), _CODE["learned"], np.uint8)
        same = np.equal(times, last)
        status[~first & np.less(times, last)] = _CODE["late"]
        status[same] = _CODE["conflict"]
        status[same & (content == columns["content"][slots])] = _CODE["duplicate"]
        status[absent | ~finite] = _CODE["missing"]
        known = np.flatnonzero(status == _CODE["learned"])
        status[known] = self._judge(slots[known], y[known], before.mean[known], before.sigma[known])
        off = self._z * before.sigma
        seen.mean[rows], seen.low[rows], seen.high[rows] = (
            np.where(finite[:, None], value, np.nan)
            for value in (before.mean, before.mean - off, before.mean + off)
        )
        learn = np.flatnonzero(status == _CODE["learned"])
        mine = slots[learn]
        scale = self._filters.scale(mine)
        made = self._filters.update(safe[learn], y[learn], steps[learn], mine, threads=self.threads)
        if (made.flags & REFUSED).any():
            raise FleetError("the kernel refused a number that was checked; report this")
        learned, pushed = (made.flags & LEARNED) != 0, (made.flags & PUSHED) != 0
        status[learn[~learned]] = _CODE["inside"]
        columns["time"][mine], columns["content"][mine] = times[learn], content[learn]
        columns["grown"][mine] += np.where(learned, steps[learn] * scale, 0.0)
        columns["updates"][mine] += learned
        columns["pushes"][mine] += pushed
        where = rows[learn]
        seen.pushed[where] = pushed
        seen.anomaly[where] = np.where(learned, made.anomaly, np.nan)
        limit = self._alarm[(~np.isnan(y[learn])).sum(axis=1)]
        seen.alarm[where] = learned & (made.anomaly > limit)
        seen.status[rows] = status

    def _judge(self, slots: Slots, y: Array, mean: Array, sigma: Array) -> NDArray[np.uint8]:
        """Whether sensors are to be believed: as one asset's ``Sensor``, for many."""
        sensor, columns = self.sensor, self._columns
        status = np.full(len(slots), _CODE["learned"], np.uint8)
        last = columns["last"][slots]
        same = ((last == y) | (np.isnan(last) & np.isnan(y))).all(axis=1)
        same &= columns["repeats"][slots] > 0
        repeats = np.where(same, columns["repeats"][slots] + 1, 1)
        wide = same[:, None]
        least = np.where(wide, np.minimum(columns["least"][slots], mean), mean)
        most = np.where(wide, np.maximum(columns["most"][slots], mean), mean)
        columns["last"][slots], columns["repeats"][slots] = y, repeats
        columns["least"][slots], columns["most"][slots] = least, most
        off = np.abs(y - mean)
        far = off > sensor.far * sigma
        suspect = np.flatnonzero(far.any(axis=1))
        for factor in FACTORS:
            part = far[suspect]
            near = np.abs(y[suspect] / factor - mean[suspect]) < 1.96 * sigma[suspect]
            status[suspect[(near | ~part).all(axis=1)]] = _CODE["units"]
        if sensor.repeats:
            moved = (most - least > 4 * self.prior.noise).any(axis=1)
            status[(repeats >= sensor.repeats) & moved] = _CODE["stuck"]
        status[((y < sensor.low) | (y > sensor.high)).any(axis=1)] = _CODE["implausible"]
        return status

    # ------------------------------------------------------------------ arrays in

    def _numbers(self, value: ArrayLike, name: str, shape: tuple[int, int]) -> Array:
        try:
            array = np.asarray(value)
        except ValueError:
            array = np.empty(0, object)
        if array.dtype.kind not in "fiu":
            raise FleetError(f"{name} are {array.dtype}; give real numbers {list(shape)}")
        if array.shape == shape[:1] and shape[1] == 1:
            array = array[:, None]
        if array.shape != shape:
            raise FleetError(f"{name} are {list(array.shape)}; give real numbers {list(shape)}")
        return array.astype(np.float64)

    def _times(self, at: ArrayLike, n: int) -> Array:
        array = np.asarray(at)
        if array.dtype.kind == "M":
            seconds = array.astype("datetime64[ns]").astype(np.int64) / 1e9
            array = np.where(np.isnat(array), np.nan, seconds)
        if array.dtype.kind not in "fiu" or array.shape != (n,):
            raise FleetError(
                f"times are {array.dtype} {list(array.shape)}; give seconds or datetime64 [{n}]"
            )
        return array.astype(np.float64)

    # ------------------------------------------------------------------ keep

    def columns(self) -> dict[str, NDArray[Any]]:
        """Everything the fleet remembers, arrays by name: what a checkpoint holds; views."""
        n = len(self)
        own = {name: column[:n] for name, column in self._columns.items()}
        return {**own, **{f"filter/{k}": v for k, v in self._filters.columns().items()}}

    def save_asset(self, name: Any) -> bytes:
        """Everything the fleet remembers of one asset, for :meth:`load_asset`."""
        (slot,) = self._known(np.asarray([name])).tolist()
        own = [column[slot].tobytes() for column in self._columns.values()]
        return b"".join([*own, *(part.tobytes() for part in self._filters.asset(slot))])

    def load_asset(self, name: Any, saved: bytes) -> None:
        """Take over an asset from a fleet with these settings.

        Raises:
            FleetError: an unknown asset, or the bytes are not what such a fleet saved.
        """
        (slot,) = self._known(np.asarray([name])).tolist()
        into = [column[slot : slot + 1] for column in self._columns.values()]
        into += self._filters.asset(slot)
        if len(saved) != sum(part.nbytes for part in into):
            raise FleetError(f"{len(saved)} bytes are no asset of this fleet's; give another's")
        before, place = self.save_asset(name), 0
        for part in into:
            found = np.frombuffer(saved, part.dtype, part.size, place)
            part[...] = found.reshape(part.shape)
            place += part.nbytes
        if not self._filters.sound(np.array([slot])):
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
        self._names = Names(list(assets))
        self._columns = {}
        count = self._filters.count
        if len(self._names) < count:
            raise FleetError("a fleet cannot forget assets; restore into a new one")
        self._grow()
        for name, into in self._columns.items():
            saved = columns.get(name)
            if saved is None or saved.shape != into.shape or saved.dtype != into.dtype:
                raise FleetError(f"the saved {name} do not fit this fleet")
            into[...] = saved
        restore(
            self._filters, {k.removeprefix("filter/"): v for k, v in columns.items() if "/" in k}
        )


def _content(features: Array, y: Array) -> NDArray[np.uint64]:
    """A 64-bit hash of each row: to tell a repeated message from one that differs."""
    words = np.concatenate([features, y], axis=1) + 0.0  # -0.0 is 0.0
    words[np.isnan(words)] = np.nan
    hashed = np.full(len(words), 0x9E3779B97F4A7C15, np.uint64)
    for column in np.ascontiguousarray(words.T).view(np.uint64):
        hashed = (hashed ^ column) * np.uint64(0xBF58476D1CE4E5B9)
        hashed ^= hashed >> np.uint64(29)
    return hashed
