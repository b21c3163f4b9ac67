"""The particle filter: a state's distribution as weighted guesses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._distributions import (
    Gaussian,
    Likelihood,
    Measure,
    Process,
    Proposal,
    RandomWalk,
    StudentT,
    covariance_matrix,
    lower_factor,
    vector,
)
from homebody.adapt._linear import Prediction
from homebody.errors import FilterError
from homebody.kernels import MAX_PARTICLES, Resampling, resample

Array = NDArray[np.float64]


class ParticleFilter:
    """Track a state from measurements with weighted particles.

    Eleven steps: the start (1) draws particles from the prior and (2) gives them equal weights;
    each update (3) takes a measurement, (4) moves the particles by the process or a proposal,
    (5) predicts what each would measure, (6) weighs each by the likelihood, in logarithms,
    (7) corrects for a proposal, (8) normalises, (9) takes the state's mean and covariance,
    (10) measures the effective sample size, and (11) resamples if it is below the threshold.

    With a random walk, Gaussian or Student-t noise and no ``measure``, a measurement is seen
    through rows (:func:`last_layer_rows`), all of it runs in C, and the same numbers come out
    on every platform and in the browser. Particles are float32 offsets from a float64 centre.
    With anything else it runs in numpy, and ``u`` is passed to your functions as it is.

    Args:
        mean: [states]: the prior's.
        covariance: [states, states]: the prior's.
        process: a step of the random walk (Gaussian or StudentT), or any :class:`Process`.
        likelihood: the measurement's noise (Gaussian, StudentT), or a function
            ``(particles [n, d], u, measured [outputs]) -> log-density [n]``.
        measure: a function ``(particles [n, d], u) -> [n] or [n, outputs]`` instead of rows.
        proposal: where to look for particles, knowing the measurement; default: the process.
        outputs: numbers in one measurement.
        particles: how many, 2 to 65,536.
        seed, stream: whole numbers below 2^32; each pair draws its own random numbers.
        resampling: "systematic", "stratified", "residual" or "multinomial".
        threshold: resample when the effective sample size is below this share of the particles.

    Raises:
        FilterError: a shape or a number is out of range.

    Example:
        >>> filter = ParticleFilter(
        ...     [0.0], [[1.0]], process=Gaussian(0.0), likelihood=Gaussian(1.0), particles=10_000
        ... )
        >>> expected = filter.update([1.0], 2.0)
        >>> bool(abs(filter.mean[0] - 1.0) < 0.05)
        True
    """

    kind = "general particles"
    """What owner state calls it."""

    def __new__(cls, *arguments: Any, **options: Any) -> ParticleFilter:
        """The filter in C where that will do."""
        from homebody.adapt._linear_particles import LinearParticles, suits

        whole = cls is ParticleFilter and suits(**options)
        return super().__new__(LinearParticles if whole else cls)

    def __init__(
        self,
        mean: ArrayLike,
        covariance: ArrayLike,
        *,
        process: Gaussian | Process,
        likelihood: Gaussian | Likelihood,
        measure: Measure | None = None,
        proposal: Proposal | None = None,
        outputs: int = 1,
        particles: int = 500,
        seed: int = 0,
        stream: int = 0,
        resampling: Resampling = "systematic",
        threshold: float = 0.5,
    ) -> None:
        start = vector(mean, "mean")
        prior = covariance_matrix(covariance, "covariance", len(start))
        if not isinstance(particles, int) or not 2 <= particles <= MAX_PARTICLES:
            raise FilterError(f"particles is {particles!r}; give a whole number from 2 to 65,536")
        if not 0 <= threshold <= 1:
            raise FilterError(f"threshold is {threshold}; give a share from 0 to 1")
        if measure is None and isinstance(likelihood, Gaussian):
            measure = _through_rows
        self.states, self.outputs = len(start), outputs
        self._process = RandomWalk(process) if isinstance(process, Gaussian) else process
        self._likelihood, self._measure, self._proposal = likelihood, measure, proposal
        self._count, self._threshold, self._resampling = particles, threshold, resampling
        self._seed, self._stream, self._tick = seed, stream, 0
        draws = self._generator().standard_normal((particles, self.states))
        self._particles = start + draws @ lower_factor(prior).T
        self._log_weights = np.full(particles, -math.log(particles))
        self._effective_size, self._resampled, self._collapsed = float(particles), False, False
        self._mean: Array
        self._covariance: Array
        self._summarise()

    @property
    def mean(self) -> Array:
        """The state's mean after the last update, float64 [states]."""
        return self._mean

    @property
    def covariance(self) -> Array:
        """The state's covariance after the last update, float64 [states, states]."""
        return self._covariance

    @property
    def particles(self) -> Array:
        """The particles now, float64 [n, states]."""
        return self._particles

    @property
    def log_weights(self) -> Array:
        """Their normalised log-weights, float64 [n]."""
        return self._log_weights

    @property
    def effective_size(self) -> float:
        """1 / sum of squared weights after the last update, before any resampling."""
        return self._effective_size

    @property
    def resampled(self) -> bool:
        """Whether the last update resampled."""
        return self._resampled

    @property
    def collapsed(self) -> bool:
        """Whether fewer effective particles than states + 1 were left: too few to span the state.

        The state is then a guess around very few particles: widen the process, use a
        :class:`StudentT` likelihood, or give more particles.
        """
        return self._collapsed

    @classmethod
    def of(cls, saved: bytes) -> ParticleFilter:
        """A filter from what :meth:`save` gave, if it ran in C.

        Raises:
            KernelError: the bytes are no such thing.
        """
        from homebody.adapt._linear_particles import LinearParticles

        return LinearParticles.of(saved)

    def _generator(self) -> np.random.Generator:
        # A generator for each tick: what is drawn depends on no history but the tick's number.
        entropy = (self._seed, self._stream, self._tick)
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))

    @property
    def noise(self) -> Array:
        """The noise's standard deviation (Student-t: scale), float64 [outputs].

        Raises:
            FilterError: the likelihood is a function.
        """
        if not isinstance(self._likelihood, Gaussian):
            raise FilterError("this filter's likelihood is a function, which has no width")
        return np.sqrt(np.diag(self._likelihood.covariance(self.outputs)))

    @property
    def process_covariance(self) -> Array:
        """The covariance (Student-t: scale matrix) of the state's next step.

        Raises:
            FilterError: the process is not a random walk.
        """
        if not isinstance(self._process, RandomWalk):
            raise FilterError("this filter's process is its own, and no covariance is known of it")
        return self._process.step.covariance(self.states)

    def predict(self, u: Any, dt: float = 1.0) -> Prediction:
        """What the next measurement at ``u`` should be, ``dt`` steps on; changes nothing.

        Raises:
            FilterError: ``u`` is no rows, a number is not finite, or there is no ``measure``.
        """
        self._check_dt(dt)
        # The draws that the next update will make.
        self._tick += 1
        try:
            moved = self._process.sample(self._particles, dt, self._generator())
        finally:
            self._tick -= 1
        return self._expect(moved, self._log_weights, u)

    def update(self, u: Any, measured: ArrayLike, dt: float = 1.0) -> Prediction:
        """Learn from one measurement; give what was expected before it.

        Args:
            u: rows [outputs, states] ([states] for one output), or what ``measure`` takes.
            measured: [outputs], or a number for one output; NaN where missing.
            dt: steps of the process since the last update, 0 or more.

        Raises:
            FilterError: a shape is wrong or a number not finite; the state is as before.
        """
        self._check_dt(dt)
        y = np.atleast_1d(np.asarray(measured, np.float64))
        if y.shape != (self.outputs,) or np.isinf(y).any():
            raise FilterError(
                f"a measurement is {y.tolist()}; give {self.outputs} numbers, NaN if missing"
            )
        old, log_weights = self._particles, self._log_weights
        self._tick += 1
        rng = self._generator()
        try:
            moved = self._process.sample(old, dt, rng)
            can_predict = self._measure is not None
            expected = self._expect(moved, log_weights, u) if can_predict else self._unknown()
            missing = bool(np.isnan(y).all())
            if self._proposal is not None and not missing:
                moved = self._proposal.sample(old, u, y, dt, rng)
                correction = self._process.log_density(moved, old, dt)
                correction = correction - self._proposal.log_density(moved, old, u, y, dt)
                log_weights = log_weights + self._log(correction, "the proposal")
            moved = self._states(moved)
            if not missing:
                log_weights = log_weights + self._log(self._log_likelihood(moved, u, y), "it")
        except BaseException:
            self._tick -= 1
            raise
        self._particles = moved
        self._settle(log_weights)
        return expected

    def _settle(self, log_weights: Array) -> None:
        top = log_weights.max()
        if top == -math.inf:  # nothing explains the measurement: it teaches nothing but that
            self._effective_size, self._collapsed, self._resampled = 0.0, True, False
            self._summarise()
            return
        log_weights = log_weights - top
        weights = np.exp(log_weights)
        total = weights.sum()
        weights /= total
        self._log_weights = log_weights - math.log(total)
        self._effective_size = float(1 / np.sum(weights * weights))
        self._collapsed = self._effective_size < self.states + 1
        self._summarise()
        self._resampled = self._effective_size < self._threshold * self._count
        if self._resampled:
            chosen = resample(
                weights, self._resampling, seed=self._seed, stream=self._stream, tick=self._tick
            )
            self._particles = self._particles[chosen]
            self._log_weights = np.full(self._count, -math.log(self._count))

    def _summarise(self) -> None:
        weights = np.exp(self._log_weights)
        weights /= weights.sum()
        self._mean = weights @ self._particles
        off = self._particles - self._mean
        self._covariance = (off * weights[:, None]).T @ off

    def _log_likelihood(self, particles: Array, u: Any, y: Array) -> Array:
        if not isinstance(self._likelihood, Gaussian):
            return self._likelihood(particles, u, y)
        off = y - self._seen(particles, u)
        seen = ~np.isnan(y)
        if seen.all():
            return self._likelihood.log_density(off)
        part = self._likelihood.covariance(self.outputs)[np.ix_(seen, seen)]
        if self._likelihood.degrees:
            return StudentT(covariance=part, degrees=self._likelihood.degrees).log_density(
                off[:, seen]
            )
        return Gaussian(covariance=part).log_density(off[:, seen])

    def _seen(self, particles: Array, u: Any) -> Array:
        if self._measure is None:
            raise FilterError("this filter has no measure; give one for it to predict")
        seen = np.asarray(self._measure(particles, u), np.float64)
        if seen.shape == (self._count,):
            seen = seen[:, None]
        if seen.shape != (self._count, self.outputs):
            raise FilterError(
                f"measure gave {list(seen.shape)}; [{self._count}, {self.outputs}] is expected"
            )
        return seen

    def _expect(self, particles: Array, log_weights: Array, u: Any) -> Prediction:
        seen = self._seen(particles, u)
        weights = np.exp(log_weights)
        weights /= weights.sum()
        mean = weights @ seen
        variance = weights @ (seen - mean) ** 2
        if isinstance(self._likelihood, Gaussian):
            variance = variance + np.diag(self._likelihood.covariance(self.outputs))
        return Prediction(mean, np.sqrt(variance))

    def _unknown(self) -> Prediction:
        unknown = np.full(self.outputs, np.nan)
        return Prediction(unknown, unknown)

    def _log(self, values: Any, whose: str) -> Array:
        array = np.asarray(values, np.float64)
        if array.shape != (self._count,):
            raise FilterError(
                f"{whose} gave log-densities {list(array.shape)}; [{self._count}] are expected"
            )
        if np.isnan(array).any() or (array == math.inf).any():
            raise FilterError(
                f"{whose} gave NaN or infinite log-densities; give numbers, or -inf for impossible"
            )
        return array

    def _states(self, particles: Any) -> Array:
        array = np.asarray(particles, np.float64)
        if array.shape != (self._count, self.states) or not np.isfinite(array).all():
            raise FilterError(
                f"the particles moved to {list(array.shape)} or out of the finite; "
                f"[{self._count}, {self.states}] finite numbers are expected"
            )
        return array

    def _check_dt(self, dt: float) -> None:
        if not 0 <= dt < math.inf:
            raise FilterError(f"dt is {dt}; give 0 or more steps")

    def save(self) -> bytes:
        """Everything the filter remembers, for :meth:`restore`."""
        flags = [self._tick, self._effective_size, self._resampled, self._collapsed]
        # The mean and covariance too: they are of before any resampling.
        parts = (flags, self._log_weights, self._mean, self._covariance, self._particles)
        return np.concatenate([np.ravel(part) for part in parts]).tobytes()

    def restore(self, saved: bytes) -> None:
        """Go back to what a filter made with the same arguments saved.

        Raises:
            KernelError, FilterError: it is of another size or kind.
        """
        n, d = self._count, self.states
        if len(saved) != 8 * (4 + n + d + d * d + n * d):
            raise FilterError("the bytes are of another filter; restore what this one saved")
        numbers = np.frombuffer(saved, np.float64)
        if np.isnan(numbers).any() or not 0 <= numbers[0] < 2**53:
            raise FilterError("the bytes hold NaN; restore what this filter saved")
        flags, log_weights, mean, covariance, particles = np.split(
            numbers, np.cumsum([4, n, d, d * d])
        )
        self._tick, self._effective_size = int(flags[0]), float(flags[1])
        self._resampled, self._collapsed = bool(flags[2]), bool(flags[3])
        self._log_weights, self._mean = log_weights.copy(), mean.copy()
        self._covariance = covariance.reshape(d, d).copy()
        self._particles = self._states(particles.reshape(n, d).copy())


def _through_rows(particles: Array, rows: Any) -> Array:
    return particles @ np.atleast_2d(np.asarray(rows, np.float64)).T
