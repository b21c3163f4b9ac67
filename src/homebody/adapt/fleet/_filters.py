"""What tracks a fleet's assets: the exact filter, or particles behind the same gate."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from homebody.adapt._base import Prior
from homebody.adapt._distributions import lower_factor
from homebody.adapt._gate import Gate
from homebody.kernels.fleets import LEARNED, PUSHED, KalmanFleet, ParticleFleet, Updated

Array = NDArray[np.float64]
Slots = NDArray[np.int64]


class Filters(Protocol):
    """A filter for each asset, with the state that answers."""

    count: int

    def grow(self, count: int) -> None: ...
    def update(
        self, features: Array, measured: Array, steps: Array, slots: Slots, *, threads: int
    ) -> Updated: ...
    def predict(self, features: Array, steps: Array, slots: Slots, *, threads: int) -> Updated: ...
    def mean(self, slots: Slots) -> Array: ...
    def answering(self, slots: Slots) -> Array: ...
    def covariance(self, slots: Slots) -> Array: ...
    def scale(self, slots: Slots) -> Array: ...
    def copy(self, other: Any, slots: Slots) -> None: ...
    def columns(self) -> dict[str, NDArray[Any]]: ...
    def asset(self, slot: int) -> list[NDArray[Any]]: ...
    def sound(self, slots: Slots | None = None) -> bool: ...


def gate_limit(gate: Gate) -> float:
    """The sigmas that a gate works by."""
    if gate.policy == "shadow":
        return gate.sigmas
    return NormalDist().inv_cdf((1 + gate.confidence) / 2)


def exact(prior: Prior, count: int, gate: Gate, degrees: float, adaptive: float) -> Filters:
    """Kalman filters; the gate is the kernel's own."""
    return KalmanFleet(
        count, len(prior.noise), mean=prior.mean, covariance=prior.covariance,
        process=prior.process, noise=prior.noise, degrees=degrees, adaptive=adaptive,
        gate=gate.policy, limit=gate_limit(gate),
    )  # fmt: skip


class GatedParticles:
    """Particle filters, with the gate in numpy, since an update of one takes microseconds."""

    def __init__(
        self, prior: Prior, count: int, gate: Gate, degrees: float, particles: int, seed: int
    ) -> None:
        step = lower_factor(prior.process).astype(np.float32)
        wide = step.astype(np.float64)
        self._process = wide @ wide.T  # as the particles are moved
        self._fleet = ParticleFleet(
            0, len(prior.noise), mean=prior.mean, noise=prior.noise, degrees=degrees,
            particles=particles, seed=seed,
            factor=lower_factor(prior.covariance).astype(np.float32),
            step=step,
        )  # fmt: skip
        self._gate, self._limit, self._noise = gate, gate_limit(gate), prior.noise
        self._deployed = np.empty((0, len(prior.mean)))
        self.count = 0
        self.grow(count)

    def grow(self, count: int) -> None:
        self._fleet.grow(count)
        if count > len(self._deployed):
            wider = np.empty((max(count, len(self._deployed) * 3 // 2), self._fleet.states))
            wider[: self.count] = self._deployed[: self.count]
            self._deployed = wider
        fresh = np.arange(self.count, count)
        self._deployed[fresh] = self._fleet.mean(fresh)  # of the particles drawn, as one asset's
        self.count = count

    def update(
        self, features: Array, measured: Array, steps: Array, slots: Slots, *, threads: int
    ) -> Updated:
        before = self.predict(features, steps, slots, threads=threads)
        learn = np.ones(len(slots), np.bool_)
        if self._gate.policy == "interval":
            off = np.abs(measured - before.mean)
            learn = ~np.all((off <= self._limit * before.sigma) | np.isnan(measured), axis=1)
        mine = np.flatnonzero(learn)
        after = self._fleet.update(
            features[mine], measured[mine], steps[mine], slots[mine], threads=threads
        )
        flags, anomaly = before.flags.copy(), before.anomaly.copy()
        flags[mine], anomaly[mine] = after.flags, after.anomaly
        learned = np.flatnonzero(flags & LEARNED)
        now = self._fleet.mean(slots[learned])
        if self._gate.policy == "shadow":
            rows = self._rows(features[learned])
            differ = np.einsum(
                "nof,nof->no", rows, self._split(now - self._deployed[slots[learned]])
            )
            spread = self._spread(features[learned], self._fleet.covariance(slots[learned]))
            push = np.any(np.abs(differ) > self._limit * np.sqrt(spread), axis=1)
        else:
            push = np.ones(len(learned), np.bool_)
        flags[learned[push]] |= PUSHED
        self._deployed[slots[learned[push]]] = now[push]
        return Updated(before.mean, before.sigma, anomaly, flags)

    def predict(self, features: Array, steps: Array, slots: Slots, *, threads: int) -> Updated:
        checked = self._fleet.predict(features, steps, slots, threads=threads)
        rows, answers = self._rows(features), self._split(self._deployed[slots])
        mean = np.einsum("nof,nof->no", rows, answers)
        behind = np.einsum("nof,nof->no", rows, self._split(self._fleet.mean(slots))) - mean
        covariance = self._fleet.covariance(slots) + steps[:, None, None] * self._process
        spread = self._spread(features, covariance)
        sigma = np.sqrt(spread + behind * behind + self._noise**2)
        return Updated(mean, sigma, checked.anomaly, checked.flags)

    def _rows(self, features: Array) -> Array:
        one = np.concatenate([features, np.ones((len(features), 1))], axis=1)
        return np.repeat(one[:, None], self._fleet.outputs, axis=1)

    def _split(self, states: Array) -> Array:
        return states.reshape(len(states), self._fleet.outputs, self._fleet.features + 1)

    def _spread(self, features: Array, covariance: Array) -> Array:
        one = self._rows(features)[:, 0]
        o, w = self._fleet.outputs, one.shape[1]
        blocks = covariance.reshape(-1, o, w, o, w)[:, np.arange(o), :, np.arange(o)]
        spread: Array = np.einsum("nf,onfg,ng->no", one, blocks, one)
        return np.maximum(spread, 0)

    def mean(self, slots: Slots) -> Array:
        return self._fleet.mean(slots)

    def answering(self, slots: Slots) -> Array:
        return self._deployed[slots]

    def covariance(self, slots: Slots) -> Array:
        return self._fleet.covariance(slots)

    def scale(self, slots: Slots) -> Array:
        return np.ones(len(slots))

    def copy(self, other: GatedParticles, slots: Slots) -> None:
        self._fleet.blocks[slots] = other._fleet.blocks[slots]
        self._deployed[slots] = other._deployed[slots]

    def columns(self) -> dict[str, NDArray[Any]]:
        return {
            "blocks": self._fleet.blocks[: self.count], "deployed": self._deployed[: self.count],
        }  # fmt: skip

    def asset(self, slot: int) -> list[NDArray[Any]]:
        return [self._fleet.blocks[slot], self._deployed[slot]]

    def sound(self, slots: Slots | None = None) -> bool:
        some = np.arange(self.count) if slots is None else slots
        parts = (self._deployed[some], self._fleet.mean(some), self._fleet.covariance(some))
        return all(bool(np.isfinite(part).all()) for part in parts)
