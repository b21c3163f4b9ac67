"""Particle filters of many assets, one block behind another."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import integer
from homebody.kernels._drawing import Resampling
from homebody.kernels._filtering import Particles
from homebody.kernels._fleet_rows import MAX_ASSETS, Array, Call, Slots, Updated
from homebody.kernels._library import INT, POINTER, UINT, bind, check
from homebody.kernels._memory import aligned
from homebody.kernels._workers import shared_out

_load = bind(
    {
        "hb_fleet_particles": [POINTER, INT, INT, UINT, POINTER, POINTER, INT, POINTER, UINT],
        "hb_fleet_summarise": [POINTER, INT, UINT, INT, POINTER, POINTER, UINT],
        "hb_particles_scratch": [INT, INT],
    },
    returns={"hb_particles_scratch": UINT},
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

        self._fresh = fresh
        one = fresh(0)
        self._length, origin = len(one.memory), one.memory.ctypes.data
        self._mean_at = one.mean.ctypes.data - origin
        self._covariance_at = one.covariance.ctypes.data - origin
        self._scratch = self._library.hb_particles_scratch(self.states, particles)
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
        slots: Slots | None = None,
        *,
        threads: int = 1,
    ) -> Updated:
        """Take n measurements; as :meth:`KalmanFleet.update`, without a gate."""
        shape = self.features, self.outputs
        return self._call(
            Call(features, measured, steps, slots, shape=shape, count=self.count), threads
        )

    def predict(
        self,
        features: Array,
        steps: Array | float,
        slots: Slots | None = None,
        *,
        threads: int = 1,
    ) -> Updated:
        """What measurements should be; changes nothing that an update would notice."""
        shape = self.features, self.outputs
        return self._call(
            Call(features, None, steps, slots, shape=shape, count=self.count), threads
        )

    def _call(self, call: Call, threads: int) -> Updated:
        slots = None if call.slots is None else call.slots.astype(np.int32)

        def work(first: int, last: int) -> None:
            rows, scratch = call.rows(), aligned(self._scratch)
            status = self._library.hb_fleet_particles(
                self.blocks.ctypes.data, first, last, self._length,
                None if slots is None else slots.ctypes.data, ctypes.byref(rows),
                int(call.measured is None), scratch.ctypes.data, len(scratch),
            )  # fmt: skip
            check(status, "fleet_particles")

        if call.count:
            shared_out(self.count, threads, work)
        return call.out

    def summarise(self, slots: Slots) -> None:
        """Bring the means and covariances of some up to date, which an update leaves behind."""
        some, scratch = slots.astype(np.int32), aligned(self._scratch)
        status = self._library.hb_fleet_summarise(
            self.blocks.ctypes.data, self.count, self._length, len(some), some.ctypes.data,
            scratch.ctypes.data, len(scratch),
        )  # fmt: skip
        check(status, "fleet_summarise")

    def _part(self, place: int, size: int, slots: Slots) -> Array:
        self.summarise(slots)
        return self.blocks[slots, place : place + 8 * size].copy().view(np.float64)

    def mean(self, slots: Slots) -> Array:
        """The filters' means, float64 [n, states]; copies."""
        return self._part(self._mean_at, self.states, slots)

    def covariance(self, slots: Slots) -> Array:
        """The filters' covariances, float64 [n, states, states]; copies."""
        d = self.states
        return self._part(self._covariance_at, d * d, slots).reshape(-1, d, d)
