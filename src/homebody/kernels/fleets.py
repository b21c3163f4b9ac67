"""Filters of many assets: the kernels of ``kernels/fleet.h`` over arrays.

Assets are slots, 0 to count - 1. A call takes a row for each measurement; an asset may have many
rows in one call, and they are taken in their order. ``threads`` shares the assets out, which
changes no bit.

"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import described, integer
from homebody.kernels._filtering import RESAMPLING, Particles, Resampling
from homebody.kernels._library import INT, POINTER, REAL, UINT, bands, bind, check
from homebody.kernels._memory import aligned

Array = NDArray[np.float64]

LANES = 8
"""Assets of a tile."""
MAX_FLEET_STATES = 64
MAX_ASSETS = 1 << 28
LEARNED, PUSHED, REFUSED = 1, 2, 4
"""Bits of :class:`Updated`'s flags."""
GATES = ("none", "shadow", "interval")
"""In the order of the kernels' own numbers."""


class _Fleet(ctypes.Structure):
    _fields_ = (
        ("states", INT), ("outputs", INT), ("gate", INT), ("tile_count", INT),
        ("degrees", REAL), ("adaptive", REAL), ("gate_limit", REAL),
        ("process", POINTER), ("step", POINTER), ("noise", POINTER),
        ("tiles", POINTER), ("deployed", POINTER),
    )  # fmt: skip


class _Rows(ctypes.Structure):
    _fields_ = (
        ("count", INT), ("passes", INT), ("tile", POINTER), ("row", POINTER),
        ("features", POINTER), ("measured", POINTER), ("steps", POINTER), ("every", REAL),
        ("mean", POINTER), ("sigma", POINTER), ("anomaly", POINTER), ("flags", POINTER),
    )  # fmt: skip


_load = bind(
    {
        "hb_fleet_numbers": [INT],
        "hb_fleet_scratch": [INT],
        "hb_fleet_factor": [POINTER, POINTER, INT],
        "hb_fleet_update": [POINTER, POINTER, POINTER, UINT],
        "hb_fleet_predict": [POINTER, POINTER, POINTER, UINT],
        "hb_fleet_particles": [
            POINTER, ctypes.c_size_t, UINT, INT, *[POINTER] * 4, INT, POINTER, POINTER, UINT,
        ],
    },
    returns=dict.fromkeys(("hb_fleet_numbers", "hb_fleet_scratch"), UINT),
)  # fmt: skip


class Updated(NamedTuple):
    """What a call gives for its n rows.

    Attributes:
        mean, sigma: float64 [n, outputs]: predicted before the measurement, by the state that
            answers; NaN where refused.
        anomaly: float64 [n]: squared innovation over its variance, summed over the outputs; NaN
            where nothing was learned.
        flags: uint8 [n]: bits ``LEARNED``, ``PUSHED`` (it answers from now on) and ``REFUSED``
            (a number is out of range; nothing changed).
    """

    mean: Array
    sigma: Array
    anomaly: Array
    flags: NDArray[np.uint8]


class KalmanFleet:
    """The exact filter of many assets with one prior, process and noise, in float64.

    What :class:`~homebody.kernels.Kalman` does for one, to rounding.

    Attributes:
        count: assets.
        tiles: float64 [tiles, numbers, 8]: eight assets each: mean, factor U D U' of the
            covariance by columns, the process's scale.
        deployed: float64 [tiles, states, 8]: the state that answers, if there is a gate.

    Args:
        count: assets, 0 to 2^28.
        outputs: of one measurement.
        mean: float64 [states]: the prior's; states are outputs (f + 1), up to 64.
        covariance, process: float64 [states, states].
        noise: float64 [outputs]: standard deviation (Student-t: scale).
        degrees: of the Student-t noise; 0 for Gaussian.
        adaptive: 0, or the rate, up to 0.25, at which the process's scale follows.
        gate: "none", "shadow" or "interval".
        limit: sigmas that the gate works by.

    Raises:
        KernelError: a number or a shape is out of range.

    Example:
        >>> fleet = KalmanFleet(
        ...     3, 1, mean=np.zeros(1), covariance=np.eye(1), process=np.zeros((1, 1)),
        ...     noise=np.ones(1),
        ... )
        >>> slots = np.array([1])
        >>> before = fleet.update(np.empty((1, 0)), np.array([[2.0]]), np.array([1.0]), slots)
        >>> fleet.mean(np.arange(3)).ravel().tolist()
        [0.0, 1.0, 0.0]
    """

    def __init__(
        self,
        count: int,
        outputs: int,
        *,
        mean: Array,
        covariance: Array,
        process: Array,
        noise: Array,
        degrees: float = 0.0,
        adaptive: float = 0.0,
        gate: str = "none",
        limit: float = 0.0,
    ) -> None:
        start = [np.ascontiguousarray(a, np.float64) for a in (mean, covariance, process, noise)]
        self.states = d = integer(start[0].size, "states", 1, MAX_FLEET_STATES)
        self.outputs = integer(outputs, "outputs", 1, min(d, 64))
        if [a.shape for a in start] != [(d,), (d, d), (d, d), (outputs,)] or d % outputs:
            raise KernelError(
                f"mean, covariance, process and noise are {', '.join(map(described, start))}; "
                f"give [{d}], twice [{d}, {d}], and [{outputs}], which divides {d}"
            )
        if not 0 <= degrees <= 1e6 or not 0 <= adaptive <= 0.25 or not 0 <= limit < np.inf:
            raise KernelError("degrees, adaptive or limit is out of range")
        if gate not in GATES:
            raise KernelError(f"there is no gate {gate!r}; choose one of {', '.join(GATES)}")
        if not (start[3] > 0).all():
            raise KernelError("noise is 0 or less, or NaN; give standard deviations above 0")
        self.features = d // outputs - 1
        self._library = _load()
        self.numbers = self._library.hb_fleet_numbers(d)
        self._prior, self._process, self._noise = start[0], start[2], start[3]
        self._step = self._factor(start[2])
        factor = self._factor(start[1])
        upper = [(i, j) for j in range(d) for i in range(j + 1)]
        self._fresh = np.concatenate([start[0], [factor[ij] for ij in upper], [1.0]])
        self._settings = {"degrees": degrees, "adaptive": adaptive, "gate_limit": limit}
        self.gate = GATES.index(gate)
        self.count = 0
        self.tiles: Array = np.empty((0, self.numbers, LANES))
        self.deployed: Array | None = np.empty((0, d, LANES)) if self.gate else None
        self._scratch_length = self._library.hb_fleet_scratch(d)
        self.grow(count)

    def _factor(self, matrix: Array) -> Array:
        factor = np.zeros_like(matrix)
        if self._library.hb_fleet_factor(matrix.ctypes.data, factor.ctypes.data, len(matrix)):
            raise KernelError("covariance or process hold NaN or over 1e100; give numbers")
        return factor

    def grow(self, count: int) -> None:
        """Have ``count`` assets; those beyond the present ones begin at the prior."""
        count = integer(count, "count", self.count, MAX_ASSETS)
        self.count = count
        tiles = -(-count // LANES)
        old = len(self.tiles)
        if tiles <= old:
            return
        if tiles > old:
            room = tiles if old == 0 else max(tiles, old + old // 2)
            wider = aligned(8 * room * self.numbers * LANES).view(np.float64)
            grown = wider.reshape(room, self.numbers, LANES)
            grown[:old] = self.tiles
            grown[old:] = self._fresh[:, None]
            self.tiles = grown
            if self.deployed is not None:
                answers = np.empty((room, self.states, LANES))
                answers[:old] = self.deployed
                answers[old:] = self._prior[:, None]
                self.deployed = answers

    def update(
        self,
        features: Array,
        measured: Array,
        steps: Array | float,
        slots: NDArray[np.int64] | None = None,
        *,
        threads: int = 1,
        out: Updated | None = None,
    ) -> Updated:
        """Take n measurements.

        Args:
            features: float64 [n, f].
            measured: float64 [n, outputs]; NaN is missing.
            steps: of the process since the asset's last update, float64 [n], or one number.
            slots: int64 [n]: whose they are; None: one measurement of each asset, in order.
            threads: how many work on it.
            out: what an earlier call for as many rows gave, to be written over.
        """
        return self._call(
            self._library.hb_fleet_update, features, measured, steps, slots, threads, True, out
        )

    def predict(
        self,
        features: Array,
        steps: Array | float,
        slots: NDArray[np.int64] | None = None,
        *,
        threads: int = 1,
    ) -> Updated:
        """What measurements should be; changes nothing. ``anomaly`` is NaN."""
        return self._call(
            self._library.hb_fleet_predict, features, None, steps, slots, threads, False, None
        )

    def _call(
        self,
        kernel: Callable[..., int],
        features: Array,
        measured: Array | None,
        steps: Array | float,
        slots: NDArray[np.int64] | None,
        threads: int,
        updating: bool,
        out: Updated | None,
    ) -> Updated:
        n = len(features)
        features = _checked(features, "features", (n, self.features))
        if measured is not None:
            measured = _checked(measured, "measured", (n, self.outputs))
        every, each = 1.0, None
        if isinstance(steps, np.ndarray):
            each = _checked(steps, "steps", (n,))
        else:
            every = float(steps)
        slots = _slots(slots, n, self.count)
        if out is not None and (len(out.mean) != n or not updating):
            raise KernelError(f"out is of {len(out.mean)} rows, and {n} are given")
        out = out or Updated(
            np.empty((n, self.outputs)), np.empty((n, self.outputs)), np.empty(n) if updating
            else np.full(n, np.nan), np.empty(n, np.uint8),
        )  # fmt: skip
        fleet = _Fleet(
            states=self.states, outputs=self.outputs, gate=self.gate if updating else 0,
            tile_count=len(self.tiles), process=self._process.ctypes.data,
            step=self._step.ctypes.data, noise=self._noise.ctypes.data,
            tiles=self.tiles.ctypes.data,
            deployed=None if self.deployed is None else self.deployed.ctypes.data,
            **self._settings,
        )  # fmt: skip
        rows = _Rows(
            count=n, features=features.ctypes.data, every=every, mean=out.mean.ctypes.data,
            measured=None if measured is None else measured.ctypes.data,
            steps=None if each is None else each.ctypes.data, sigma=out.sigma.ctypes.data,
            anomaly=out.anomaly.ctypes.data if updating else None, flags=out.flags.ctypes.data,
        )  # fmt: skip

        def work(first: int, last: int) -> None:
            whose, mine = _Fleet.from_buffer_copy(fleet), _Rows.from_buffer_copy(rows)
            if slots is None:  # everything from this thread's first tile on
                skip = first * LANES
                mine.count, mine.passes = min(n, last * LANES) - skip, last - first
                whose.tile_count = last - first
                whose.tiles = self.tiles[first:].ctypes.data
                if self.deployed is not None:
                    whose.deployed = self.deployed[first:].ctypes.data
                mine.features = features[skip:].ctypes.data
                mine.measured = None if measured is None else measured[skip:].ctypes.data
                mine.steps = None if each is None else each[skip:].ctypes.data
                mine.mean = out.mean[skip:].ctypes.data
                mine.sigma = out.sigma[skip:].ctypes.data
                mine.anomaly = out.anomaly[skip:].ctypes.data if updating else None
                mine.flags = out.flags[skip:].ctypes.data
            else:
                tile, row = _passes(slots, first, last)
                mine.passes = len(tile)
                mine.tile, mine.row = tile.ctypes.data, row.ctypes.data
            scratch = np.empty(self._scratch_length)
            status = kernel(
                ctypes.byref(whose), ctypes.byref(mine), scratch.ctypes.data, len(scratch)
            )
            check(status, "fleet")

        if n:
            bands(-(-self.count // LANES), threads, work)
        return out

    def mean(self, slots: NDArray[np.int64]) -> Array:
        """The filters' means, float64 [n, states]; copies."""
        return self.tiles[slots // LANES, : self.states, slots % LANES]

    def answering(self, slots: NDArray[np.int64]) -> Array:
        """The states that answer, float64 [n, states]; copies."""
        if self.deployed is None:
            return self.mean(slots)
        return self.deployed[slots // LANES, :, slots % LANES]

    def covariance(self, slots: NDArray[np.int64]) -> Array:
        """The filters' covariances, float64 [n, states, states]."""
        d = self.states
        packed = self.tiles[slots // LANES, d:-1, slots % LANES]
        unit, sizes = np.zeros((len(slots), d, d)), np.empty((len(slots), d))
        for j in range(d):
            column = packed[:, j * (j + 1) // 2 : (j + 1) * (j + 2) // 2]
            unit[:, :j, j], unit[:, j, j], sizes[:, j] = column[:, :j], 1.0, column[:, j]
        found: Array = np.einsum("nij,nj,nkj->nik", unit, sizes, unit)
        return found

    def scale(self, slots: NDArray[np.int64]) -> Array:
        """What each asset's process is multiplied by, float64 [n]."""
        found: Array = self.tiles[slots // LANES, -1, slots % LANES]
        return found

    def columns(self) -> dict[str, Array]:
        """Everything the filters remember, by name; views, an asset a row but for padding."""
        used = -(-self.count // LANES)
        found = {"tiles": self.tiles[:used]}
        if self.deployed is not None:
            found["deployed"] = self.deployed[:used]
        return found

    def asset(self, slot: int) -> list[Array]:
        """What is remembered of one; views."""
        tile, lane = divmod(slot, LANES)
        found = [self.tiles[tile, :, lane]]
        return found if self.deployed is None else [*found, self.deployed[tile, :, lane]]

    def sound(self, slots: NDArray[np.int64] | None = None) -> bool:
        """Whether the numbers, of all or some, are such that a filter could have them."""
        d = self.states
        tiles = slice(None) if slots is None else slots // LANES
        parts = [part[tiles] for part in self.columns().values()]
        diagonal = [d + j * (j + 3) // 2 for j in range(d)]
        return all(bool(np.isfinite(part).all()) for part in parts) and bool(
            (parts[0][:, diagonal] >= 0).all() and (parts[0][:, -1] > 0).all()
        )


class ParticleFleet:
    """Particle filters of many assets: what :class:`~homebody.kernels.Particles` does for one.

    An asset takes about ``4 (states + 2) particles`` bytes: 15 kB at 500 particles of 5 states.

    Args:
        particles: of each asset, 2 to 65,536.
        seed: each asset draws from a stream of its own, which is its slot.
        resampling, threshold: as of :class:`~homebody.kernels.Particles`.
        factor: float32 [states, states]: lower triangular factor of the prior's covariance.
        step: float32 [states, states]: of the process's.
        count, outputs, mean, noise, degrees: as of :class:`KalmanFleet`.

    Raises:
        KernelError: a number or a shape is out of range.
    """

    def __init__(
        self,
        count: int,
        outputs: int,
        *,
        mean: Array,
        factor: NDArray[np.float32],
        step: NDArray[np.float32],
        noise: Array,
        degrees: float = 0.0,
        particles: int = 500,
        seed: int = 0,
        resampling: Resampling = "systematic",
        threshold: float = 0.5,
    ) -> None:
        self.states, self.outputs = len(mean), outputs
        if outputs < 1 or self.states % outputs:
            raise KernelError(f"{outputs} outputs do not divide {self.states} states")
        self.features = self.states // outputs - 1
        self._library = _load()

        def fresh(slot: int) -> Particles:
            block = Particles(
                self.states, particles, outputs, mean=mean, factor=factor, resampling=resampling,
                threshold=threshold, degrees=degrees, seed=seed, stream=slot,
            )  # fmt: skip
            block.factor[:], block.noise[:] = step, noise
            return block

        if resampling not in RESAMPLING:
            raise KernelError(f"there is no resampling {resampling!r}")
        self._fresh = fresh
        one = fresh(0)
        self._length, origin = len(one.memory), one.memory.ctypes.data
        self._mean_at = one.mean.ctypes.data - origin
        self._covariance_at = one.covariance.ctypes.data - origin
        self._scratch = self._library.hb_particles_scratch(self.states, particles)
        self._noise = np.array(noise, np.float64)
        self.count = 0
        self.blocks = aligned(0).reshape(0, self._length)
        self.grow(count)

    def grow(self, count: int) -> None:
        """Have ``count`` assets; those beyond the present ones begin at the prior."""
        count = integer(count, "count", self.count, MAX_ASSETS)
        if count > len(self.blocks):
            room = count if not self.count else max(count, self.count + self.count // 2)
            wider = aligned(room * self._length).reshape(room, self._length)
            wider[: self.count] = self.blocks[: self.count]
            self.blocks = wider
        for slot in range(self.count, count):
            self.blocks[slot] = self._fresh(slot).memory
        self.count = count

    def update(
        self,
        features: Array,
        measured: Array,
        steps: Array | float,
        slots: NDArray[np.int64] | None = None,
        *,
        threads: int = 1,
    ) -> Updated:
        """Take n measurements; as :meth:`KalmanFleet.update`, without a gate."""
        return self._call(features, measured, steps, slots, threads)

    def predict(
        self,
        features: Array,
        steps: Array | float,
        slots: NDArray[np.int64] | None = None,
        *,
        threads: int = 1,
    ) -> Updated:
        """What measurements should be; changes nothing that an update would notice."""
        return self._call(features, None, steps, slots, threads)

    def _call(
        self,
        features: Array,
        measured: Array | None,
        steps: Array | float,
        slots: NDArray[np.int64] | None,
        threads: int,
    ) -> Updated:
        n, m = len(features), self.outputs
        features = _checked(features, "features", (n, self.features))
        if measured is not None:
            measured = _checked(measured, "measured", (n, m))
        steps = _checked(
            steps if isinstance(steps, np.ndarray) else np.full(n, float(steps)), "steps", (n,)
        )
        slots = _slots(slots, n, self.count)
        whose = np.arange(n) if slots is None else slots
        rows = np.zeros((n, m, m, self.features + 1))
        rows[:, np.arange(m), np.arange(m), :-1] = features[:, None]
        rows[:, np.arange(m), np.arange(m), -1] = 1.0
        results = np.full((n, 3 + 2 * m), np.nan)

        def work(first: int, last: int) -> None:
            inside = (whose >= first) & (whose < last)
            mine = np.arange(n) if inside.all() else np.flatnonzero(inside)
            if not len(mine):
                return
            picked = [np.ascontiguousarray(a[mine]) for a in (whose.astype(np.int32), rows, steps)]
            seen = None if measured is None else np.ascontiguousarray(measured[mine])
            into = np.empty((len(mine), results.shape[1]))
            scratch = aligned(self._scratch)
            status = self._library.hb_fleet_particles(
                self.blocks.ctypes.data, self.count, self._length, len(mine),
                picked[0].ctypes.data, picked[1].ctypes.data,
                None if seen is None else seen.ctypes.data, picked[2].ctypes.data,
                int(seen is None), into.ctypes.data, scratch.ctypes.data, len(scratch),
            )  # fmt: skip
            check(status, "fleet_particles")
            results[mine] = into

        if n:
            bands(self.count, threads, work)
        refused = np.isnan(results[:, 3])
        flags = np.where(refused, REFUSED, LEARNED if measured is not None else 0)
        anomaly = np.full(n, np.nan)
        if measured is not None:
            off = (measured - results[:, 3 : 3 + m]) / results[:, 3 + m :]
            anomaly = np.where(np.isnan(off), 0.0, off * off).sum(axis=1)
            anomaly[refused] = np.nan
        return Updated(results[:, 3 : 3 + m], results[:, 3 + m :], anomaly, flags.astype(np.uint8))

    def _part(self, place: int, size: int, slots: NDArray[np.int64]) -> Array:
        return self.blocks[slots, place : place + 8 * size].copy().view(np.float64)

    def mean(self, slots: NDArray[np.int64]) -> Array:
        """The filters' means, float64 [n, states]; copies."""
        return self._part(self._mean_at, self.states, slots)

    def covariance(self, slots: NDArray[np.int64]) -> Array:
        """The filters' covariances, float64 [n, states, states]; copies."""
        d = self.states
        return self._part(self._covariance_at, d * d, slots).reshape(-1, d, d)


def _checked(array: Any, name: str, shape: tuple[int, ...]) -> Array:
    given = np.ascontiguousarray(array, np.float64)
    if given.shape != shape:
        raise KernelError(f"{name} are {described(given)}; give float64 {list(shape)}")
    return given


def _slots(slots: Any, n: int, count: int) -> NDArray[np.int64] | None:
    if n >= 2**31:
        raise KernelError(f"{n} rows are too many for one call; give fewer than 2^31")
    if slots is None:
        if n != count:
            raise KernelError(f"{n} rows without slots; give one for each of the {count} assets")
        return None
    given = np.ascontiguousarray(slots)
    if given.dtype.kind not in "iu" or given.shape != (n,):
        raise KernelError(f"slots are {described(given)}; give int64 [{n}]")
    given = given.astype(np.int64)
    if n and not (given.min() >= 0 and given.max() < count):
        raise KernelError(f"a slot is outside of 0 to {count - 1}; give assets that exist")
    return given


def occurrence(slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows before a row are of the same asset, int64 [n].

    Example:
        >>> occurrence(np.array([7, 3, 7, 7])).tolist()
        [0, 0, 1, 2]
    """
    n = len(slots)
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[:n])
    lengths = np.diff(np.append(begins, n))
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n) - np.repeat(begins, lengths)
    return rank


def _passes(
    slots: NDArray[np.int64], first: int, last: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The tiles from ``first`` to ``last`` to visit, and each lane's row, so that an asset's rows
    are taken in their order.
    """
    tile = slots // LANES
    mine = np.flatnonzero((tile >= first) & (tile < last))
    rank = occurrence(slots[mine])
    keys, place = np.unique(rank * (last - first) + (tile[mine] - first), return_inverse=True)
    row = np.full((len(keys), LANES), -1, np.int32)
    row[place, slots[mine] % LANES] = mine
    return (keys % (last - first) + first).astype(np.int32), row
