"""The particle filter in C, for a random walk that is seen through rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._distributions import Gaussian, covariance_matrix, lower_factor, vector
from homebody.adapt._linear import Linear, independent
from homebody.adapt._particles import ParticleFilter
from homebody.kernels import Particles, Resampling

Array = NDArray[np.float64]


def suits(
    process: Any = None, likelihood: Any = None, measure: Any = None, proposal: Any = None, **_: Any
) -> bool:
    """Whether a :class:`ParticleFilter` with these arguments is one for C."""
    walks = isinstance(process, Gaussian) and process.degrees == 0
    return walks and isinstance(likelihood, Gaussian) and measure is None and proposal is None


class LinearParticles(Linear, ParticleFilter):
    """Particles of a random walk seen through rows, in C; see :class:`ParticleFilter`."""

    kind = "particles"

    _block: Particles

    _kernel = Particles
    _skip = 3

    def __init__(
        self,
        mean: ArrayLike,
        covariance: ArrayLike,
        *,
        process: Gaussian,
        likelihood: Gaussian,
        measure: None = None,
        proposal: None = None,
        outputs: int = 1,
        particles: int = 500,
        seed: int = 0,
        stream: int = 0,
        resampling: Resampling = "systematic",
        threshold: float = 0.5,
    ) -> None:
        start = vector(mean, "mean")
        d = len(start)
        prior = covariance_matrix(covariance, "covariance", d)
        block = Particles(
            d, particles, outputs, mean=start, factor=lower_factor(prior).astype(np.float32),
            resampling=resampling, threshold=threshold, degrees=likelihood.degrees, seed=seed,
            stream=stream,
        )  # fmt: skip
        block.factor[:] = process.factor(d)
        block.noise[:] = independent(likelihood, outputs)
        self._bind(block)

    @property
    def process_covariance(self) -> Array:
        factor = self._block.factor.astype(np.float64)
        return factor @ factor.T

    @property
    def particles(self) -> Array:
        return self._block.centre + self._block.particles.T.astype(np.float64)

    @property
    def log_weights(self) -> Array:
        log = self._block.log_weights.astype(np.float64)
        return log - math.log(np.exp(log).sum())

    @property
    def effective_size(self) -> float:
        return float(self._result[0])

    @property
    def resampled(self) -> bool:
        return bool(self._result[1])

    @property
    def collapsed(self) -> bool:
        return bool(self._result[2])
