"""Distributions: what noise is made of, how a state moves, and where particles are looked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import FilterError

Array = NDArray[np.float64]


class Gaussian:
    """A normal distribution about zero.

    Args:
        sd: standard deviation: one for all axes, or one an axis.
        covariance: a full covariance [d, d], instead.

    Raises:
        FilterError: not finite, negative, or a matrix that is no covariance.

    Example:
        >>> noise = Gaussian(0.1)
        >>> noise.log_density(np.zeros((1, 1))).round(3).tolist()
        [1.384]
    """

    degrees = 0.0
    """Of freedom; 0 stands for infinitely many."""

    def __init__(self, sd: ArrayLike | None = None, *, covariance: ArrayLike | None = None) -> None:
        if (sd is None) == (covariance is None):
            raise FilterError("a distribution has either sd or covariance; give one of the two")
        if sd is not None:
            self.sd: Array | None = np.asarray(sd, np.float64)
            if self.sd.ndim > 1 or not np.isfinite(self.sd).all() or (self.sd < 0).any():
                raise FilterError(f"sd is {sd!r}; give one number, or one an axis, 0 or more")
        else:
            self.sd = None
            self._covariance = covariance_matrix(covariance, "covariance")

    def covariance(self, d: int) -> Array:
        """The covariance [d, d] (of Student's t: the scale matrix)."""
        if self.sd is None:
            if self._covariance.shape != (d, d):
                raise FilterError(
                    f"a covariance is {list(self._covariance.shape)}; {[d, d]} is needed here"
                )
            return self._covariance
        if self.sd.ndim == 1 and self.sd.shape != (d,):
            raise FilterError(f"sd has {len(self.sd)} axes; {d} are needed here")
        return np.diag(np.broadcast_to(self.sd, (d,)) ** 2)

    def factor(self, d: int) -> Array:
        """A lower triangular factor [d, d] of the covariance."""
        return lower_factor(self.covariance(d))

    def sample(self, rng: np.random.Generator, n: int, d: int) -> Array:
        """Draw [n, d]."""
        drawn: Array = rng.standard_normal((n, d)) @ self.factor(d).T
        return drawn

    def log_density(self, offsets: Array) -> Array:
        """The log-density [n] of offsets [n, d] from the centre."""
        d = offsets.shape[1]
        z, log_scale = self._whiten(offsets)
        density: Array = (-0.5 * np.sum(z * z, axis=1) - log_scale).astype(np.float64)
        density -= 0.5 * d * math.log(2 * math.pi)
        return density

    def _whiten(self, offsets: Array) -> tuple[Array, float]:
        factor = self.factor(offsets.shape[1])
        diagonal = np.diag(factor)
        if (diagonal <= 0).any():
            raise FilterError(
                "a distribution of no width has no density; give a standard deviation above 0"
            )
        z: Array = np.linalg.solve(factor, offsets.T).T.astype(np.float64)
        return z, float(np.log(diagonal).sum())


class StudentT(Gaussian):
    """Student's t about zero: a Gaussian's middle with heavier tails.

    Args:
        scale: as a Gaussian's ``sd``; the standard deviation is
            ``scale * sqrt(degrees / (degrees - 2))``.
        degrees: of freedom, above 0; 4 is usual for noise with outliers.
        covariance: a scale matrix [d, d], instead of ``scale``.

    Raises:
        FilterError: as of :class:`Gaussian`, or degrees out of range.
    """

    def __init__(
        self,
        scale: ArrayLike | None = None,
        degrees: float = 4.0,
        *,
        covariance: ArrayLike | None = None,
    ) -> None:
        super().__init__(scale, covariance=covariance)
        if not 0 < degrees <= 1e6:
            raise FilterError(f"degrees is {degrees}; give a number above 0, up to 1e6")
        self.degrees = float(degrees)

    def sample(self, rng: np.random.Generator, n: int, d: int) -> Array:
        """Draw [n, d]."""
        wide = np.sqrt(self.degrees / rng.chisquare(self.degrees, (n, 1)))
        return super().sample(rng, n, d) * wide

    def log_density(self, offsets: Array) -> Array:
        """The log-density [n] of offsets [n, d] from the centre."""
        d, v = offsets.shape[1], self.degrees
        z, log_scale = self._whiten(offsets)
        constant = math.lgamma((v + d) / 2) - math.lgamma(v / 2) - d / 2 * math.log(v * math.pi)
        density: Array = constant - (v + d) / 2 * np.log1p(np.sum(z * z, axis=1) / v)
        return density - log_scale


class Process(Protocol):
    """How a state moves: what :class:`ParticleFilter` may be given."""

    def sample(self, particles: Array, dt: float, rng: np.random.Generator) -> Array:
        """Move particles [n, d] by ``dt`` steps: new ones [n, d]."""

    def log_density(self, new: Array, old: Array, dt: float) -> Array:
        """The log-density [n] of having moved so; asked only when there is a proposal."""


class RandomWalk:
    """The state stays where it is but for steps of a distribution, wider by sqrt(dt).

    Args:
        step: the distribution of one step.
    """

    def __init__(self, step: Gaussian) -> None:
        self.step = step

    def sample(self, particles: Array, dt: float, rng: np.random.Generator) -> Array:
        """Move particles [n, d]."""
        n, d = particles.shape
        return particles + self.step.sample(rng, n, d) * math.sqrt(dt)

    def log_density(self, new: Array, old: Array, dt: float) -> Array:
        """The log-density [n] of these moves."""
        wide = math.sqrt(dt)
        density = self.step.log_density((new - old) / wide)
        density -= new.shape[1] * math.log(wide)
        return density


def covariance_matrix(value: Any, name: str, d: int | None = None) -> Array:
    """``value`` as a covariance [d, d], or a refusal.

    Raises:
        FilterError: not square, not finite, not symmetric or not positive semidefinite.
    """
    matrix: Array = np.array(value, np.float64)
    wanted = f"[{d}, {d}]" if d else "[d, d]"
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or (d and len(matrix) != d):
        raise FilterError(f"{name} is {list(matrix.shape)}; give a covariance {wanted}")
    if not np.isfinite(matrix).all():
        raise FilterError(f"{name} holds NaN or infinity; give a covariance of finite numbers")
    size = np.abs(matrix).max(initial=0.0)
    if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-9 * size):
        raise FilterError(f"{name} is not symmetric; give a covariance")
    matrix = 0.5 * (matrix + matrix.T)
    if np.linalg.eigvalsh(matrix)[0] < -1e-9 * size:
        raise FilterError(f"{name} has a negative eigenvalue; give a covariance")
    return matrix


def lower_factor(covariance: Array) -> Array:
    """A lower triangular L with L L' = covariance, which may be singular."""
    try:
        triangle: Array = np.linalg.cholesky(covariance).astype(np.float64)
    except np.linalg.LinAlgError:
        # The triangle of a QR decomposition of any square root.
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))
        triangle = np.linalg.qr(root.T)[1].T.astype(np.float64)
        triangle *= np.where(np.diag(triangle) < 0, -1.0, 1.0)
    return triangle


def vector(value: Any, name: str, d: int | None = None) -> Array:
    """``value`` as finite float64 [d], or a refusal."""
    array = np.array(value, np.float64)
    if array.ndim != 1 or len(array) == 0 or (d is not None and len(array) != d):
        wanted = "[d]" if d is None else f"[{d}]"
        raise FilterError(f"{name} is {list(array.shape)}; give finite numbers {wanted}")
    if not np.isfinite(array).all():
        raise FilterError(f"{name} holds NaN or infinity; give finite numbers")
    return array


class Proposal(Protocol):
    """Where new particles are looked for, knowing the measurement."""

    def sample(
        self, particles: Array, u: Any, measured: Array, dt: float, rng: np.random.Generator
    ) -> Array:
        """New particles [n, d] from old ones [n, d]."""

    def log_density(self, new: Array, old: Array, u: Any, measured: Array, dt: float) -> Array:
        """The log-density [n] with which ``sample`` would have given ``new``."""


Likelihood = Callable[[Array, Any, Array], Array]
"""(particles [n, d], u, measured [outputs]) to log-densities [n] of that measurement."""
Measure = Callable[[Array, Any], Array]
"""(particles [n, d], u) to what each would measure, [n] or [n, outputs]."""
