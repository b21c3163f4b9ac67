"""The exact filter of many assets, eight at a time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import described, integer
from homebody.kernels._fleet_rows import MAX_ASSETS, Array, Call, Slots, Updated
from homebody.kernels._library import INT, POINTER, REAL, UINT, bind, check
from homebody.kernels._memory import aligned
from homebody.kernels._workers import shared_out

LANES = 8
"""Assets of a tile."""
MAX_FLEET_STATES = 64
GATES = ("none", "shadow", "interval")
"""In the order of the kernels' own numbers."""


class _Fleet(ctypes.Structure):
    _fields_ = (
        ("states", INT), ("outputs", INT), ("gate", INT), ("tile_count", INT),
        ("degrees", REAL), ("adaptive", REAL), ("gate_limit", REAL),
        ("process", POINTER), ("step", POINTER), ("noise", POINTER),
        ("tiles", POINTER), ("deployed", POINTER),
    )  # fmt: skip


_load = bind(
    {
        "hb_fleet_numbers": [INT],
        "hb_fleet_scratch": [INT],
        "hb_fleet_factor": [POINTER, POINTER, INT],
        "hb_fleet_update": [POINTER, POINTER, POINTER, UINT],
        "hb_fleet_predict": [POINTER, POINTER, POINTER, UINT],
    },
    returns=dict.fromkeys(("hb_fleet_numbers", "hb_fleet_scratch"), UINT),
)


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
        slots: Slots | None = None,
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
        shape = self.features, self.outputs
        call = Call(features, measured, steps, slots, shape=shape, count=self.count, out=out)
        return self._call(self._library.hb_fleet_update, call, threads)

    def predict(
        self,
        features: Array,
        steps: Array | float,
        slots: Slots | None = None,
        *,
        threads: int = 1,
    ) -> Updated:
        """What measurements should be; changes nothing. ``anomaly`` is NaN."""
        shape = self.features, self.outputs
        call = Call(features, None, steps, slots, shape=shape, count=self.count)
        return self._call(self._library.hb_fleet_predict, call, threads)

    def _call(self, kernel: Callable[..., int], call: Call, threads: int) -> Updated:
        updating, slots = call.measured is not None, call.slots

        def work(first: int, last: int) -> None:
            begin = 0 if slots is not None else first  # this thread's first tile
            fleet = _Fleet(
                states=self.states, outputs=self.outputs, gate=self.gate if updating else 0,
                tile_count=len(self.tiles) if slots is not None else last - first,
                process=self._process.ctypes.data, step=self._step.ctypes.data,
                noise=self._noise.ctypes.data, tiles=self.tiles[begin:].ctypes.data,
                deployed=None if self.deployed is None else self.deployed[begin:].ctypes.data,
                **self._settings,
            )  # fmt: skip
            rows = call.rows(begin * LANES)
            if slots is None:
                rows.count, rows.passes = (
                    min(call.count, last * LANES) - begin * LANES,
                    last - first,
                )
            else:
                tile, row = _passes(slots, first, last)
                rows.passes, rows.tile, rows.row = len(tile), tile.ctypes.data, row.ctypes.data
            scratch = np.empty(self._scratch_length)
            status = kernel(
                ctypes.byref(fleet), ctypes.byref(rows), scratch.ctypes.data, len(scratch)
            )
            check(status, "fleet")

        if call.count:
            shared_out(-(-self.count // LANES), threads, work)
        return call.out

    def mean(self, slots: Slots) -> Array:
        """The filters' means, float64 [n, states]; copies."""
        return self.tiles[slots // LANES, : self.states, slots % LANES]

    def answering(self, slots: Slots) -> Array:
        """The states that answer, float64 [n, states]; copies."""
        if self.deployed is None:
            return self.mean(slots)
        return self.deployed[slots // LANES, :, slots % LANES]

    def covariance(self, slots: Slots) -> Array:
        """The filters' covariances, float64 [n, states, states]."""
        d = self.states
        packed = self.tiles[slots // LANES, d:-1, slots % LANES]
        unit, sizes = np.zeros((len(slots), d, d)), np.empty((len(slots), d))
        for j in range(d):
            column = packed[:, j * (j + 1) // 2 : (j + 1) * (j + 2) // 2]
            unit[:, :j, j], unit[:, j, j], sizes[:, j] = column[:, :j], 1.0, column[:, j]
        found: Array = np.einsum("nij,nj,nkj->nik", unit, sizes, unit)
        return found

    def scale(self, slots: Slots) -> Array:
        """What each asset's process is multiplied by, float64 [n]."""
        found: Array = self.tiles[slots // LANES, -1, slots % LANES]
        return found

    def copy(self, other: KalmanFleet, slots: Slots) -> None:
        """Take over these assets from a fleet of the same kind."""
        where = slots // LANES, slice(None), slots % LANES
        self.tiles[where] = other.tiles[where]
        if self.deployed is not None and other.deployed is not None:
            self.deployed[where] = other.deployed[where]

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

    def sound(self, slots: Slots | None = None) -> bool:
        """Whether the numbers, of all or some, are such that a filter could have them."""
        d = self.states
        tiles = slice(None) if slots is None else slots // LANES
        parts = [part[tiles] for part in self.columns().values()]
        diagonal = [d + j * (j + 3) // 2 for j in range(d)]
        return all(bool(np.isfinite(part).all()) for part in parts) and bool(
            (parts[0][:, diagonal] >= 0).all() and (parts[0][:, -1] > 0).all()
        )


def occurrence(slots: Slots) -> Slots:
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


def _passes(slots: Slots, first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
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
