"""Filters of states that are not linear: known physics with an unknown parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._distributions import Gaussian, covariance_matrix, lower_factor, vector
from homebody.adapt._linear import Prediction
from homebody.errors import FilterError

Array = NDArray[np.float64]

Measure = Callable[[Array, Any], ArrayLike]
"""(state [d], u) to what is measured, [outputs] or a number."""
Transition = Callable[[Array, Any, float], ArrayLike]
"""(state [d], u, dt) to the state ``dt`` steps later, [d]."""
Jacobian = Callable[[Array, Any], ArrayLike]
"""(state [d], u) to the measure's derivatives, [outputs, d]."""


class _Nonlinear:
    """What the two share: a mean, a covariance, and one update from both."""

    def __init__(
        self,
        mean: ArrayLike,
        covariance: ArrayLike,
        *,
        process: Gaussian,
        noise: Gaussian,
        measure: Measure,
        transition: Transition | None,
        outputs: int,
    ) -> None:
        self._mean = vector(mean, "mean")
        self.states, self.outputs = len(self._mean), outputs
        self._covariance = covariance_matrix(covariance, "covariance", self.states)
        if process.degrees or noise.degrees:
            raise FilterError(
                "this filter's noise is Gaussian; for Student-t give a ParticleFilter, "
                "or a LastLayerFilter if the state is linear"
            )
        self._process = process.covariance(self.states)
        self._noise = noise.covariance(outputs)
        self._measure, self._transition = measure, transition

    @property
    def mean(self) -> Array:
        """The state's mean, float64 [states]; a copy."""
        return self._mean.copy()

    @property
    def covariance(self) -> Array:
        """The state's covariance, float64 [states, states]; a copy."""
        return self._covariance.copy()

    @property
    def noise(self) -> Array:
        """The noise's standard deviation, float64 [outputs]."""
        return np.sqrt(np.diag(self._noise))

    @property
    def process_covariance(self) -> Array:
        """The covariance of the state's next step."""
        return self._process.copy()

    def save(self) -> bytes:
        """Everything the filter remembers, for :meth:`restore`."""
        return self._mean.tobytes() + self._covariance.tobytes()

    def restore(self, saved: bytes) -> None:
        """Go back to what a filter made with the same arguments saved.

        Raises:
            FilterError: it is of another size, or no state.
        """
        d = self.states
        if len(saved) != 8 * d * (d + 1):
            raise FilterError("the bytes are of another filter; restore what this one saved")
        numbers = np.frombuffer(saved, np.float64)
        self._mean = vector(numbers[:d], "mean", d)
        self._covariance = covariance_matrix(numbers[d:].reshape(d, d), "covariance", d)

    def _seen(self, state: Array, u: Any) -> Array:
        seen = np.atleast_1d(np.asarray(self._measure(state, u), np.float64))
        if seen.shape != (self.outputs,) or not np.isfinite(seen).all():
            raise FilterError(
                f"measure gave {seen.tolist()} at {state.tolist()}; "
                f"{self.outputs} finite numbers are expected"
            )
        return seen

    def _next(self, state: Array, u: Any, dt: float) -> Array:
        if self._transition is None:
            return state
        return vector(self._transition(state, u, dt), "the state after transition", self.states)

    def _measured(self, measured: ArrayLike, dt: float) -> Array:
        if not 0 <= dt < math.inf:
            raise FilterError(f"dt is {dt}; give 0 or more steps")
        y = np.atleast_1d(np.asarray(measured, np.float64))
        if y.shape != (self.outputs,) or np.isinf(y).any():
            raise FilterError(
                f"a measurement is {y.tolist()}; give {self.outputs} numbers, NaN if missing"
            )
        return y


class ExtendedKalmanFilter(_Nonlinear):
    """The Kalman filter of a state that is seen through a curve, straightened where it stands.

    With ``iterations`` above 1 the curve is straightened again at the new state (Gauss-Newton),
    which helps when the measure bends within the state's uncertainty. Joseph's form.

    Source: Bell and Cathey, "The iterated Kalman filter update as a Gauss-Newton method", IEEE
    Transactions on Automatic Control 38 (1993).

    Args:
        mean: [states]: the prior's.
        covariance: [states, states]: the prior's.
        process: of a step of the state.
        noise: of the measurement.
        measure: (state, u) to [outputs].
        jacobian: its derivatives [outputs, states]; default: central differences.
        transition: (state, u, dt) to the next state; default: it stays. Its derivatives are
            central differences.
        outputs: numbers in one measurement.
        iterations: 1 or more.

    Raises:
        FilterError: a shape or a number is out of range.

    Example:
        >>> filter = ExtendedKalmanFilter(
        ...     [1.0], [[1.0]], process=Gaussian(0.0), noise=Gaussian(0.1), iterations=4,
        ...     measure=lambda state, u: np.exp(state[0] * u),
        ... )
        >>> for _ in range(20):
        ...     expected = filter.update(0.5, np.exp(0.7 * 0.5))
        >>> round(float(filter.mean[0]), 2)
        0.7
    """

    def __init__(
        self,
        mean: ArrayLike,
        covariance: ArrayLike,
        *,
        process: Gaussian,
        noise: Gaussian,
        measure: Measure,
        jacobian: Jacobian | None = None,
        transition: Transition | None = None,
        outputs: int = 1,
        iterations: int = 1,
    ) -> None:
        super().__init__(
            mean, covariance, process=process, noise=noise, measure=measure,
            transition=transition, outputs=outputs,
        )  # fmt: skip
        if iterations < 1:
            raise FilterError(f"iterations is {iterations}; give 1 or more")
        self._jacobian, self._iterations = jacobian, iterations

    def predict(self, u: Any, dt: float = 1.0) -> Prediction:
        """What the next measurement should be; changes nothing."""
        mean, covariance = self._moved(u, dt)
        slope = self._slope(mean, covariance, u)
        spread = slope @ covariance @ slope.T + self._noise
        return Prediction(self._seen(mean, u), np.sqrt(np.diag(spread)))

    def update(self, u: Any, measured: ArrayLike, dt: float = 1.0) -> Prediction:
        """Learn from one measurement; give what was expected before it."""
        y = self._measured(measured, dt)
        expected = self.predict(u, dt)
        mean, covariance = self._moved(u, dt)
        there = ~np.isnan(y)
        if there.any():
            noise = self._noise[np.ix_(there, there)]
            x = mean
            for _ in range(self._iterations):
                slope = self._slope(x, covariance, u)[there]
                spread = slope @ covariance @ slope.T + noise
                gain = np.linalg.solve(spread, slope @ covariance).T
                x = mean + gain @ ((y - self._seen(x, u))[there] - slope @ (mean - x))
            left = np.eye(self.states) - gain @ slope
            covariance = left @ covariance @ left.T + gain @ noise @ gain.T
            mean = vector(x, "the updated state", self.states)
        self._mean, self._covariance = mean, (covariance + covariance.T) / 2
        return expected

    def _moved(self, u: Any, dt: float) -> tuple[Array, Array]:
        covariance = self._covariance
        if self._transition is not None:
            slope = self._differences(lambda x: self._next(x, u, dt), self._mean, covariance)
            covariance = slope @ covariance @ slope.T
        return self._next(self._mean, u, dt), covariance + dt * self._process

    def _slope(self, state: Array, covariance: Array, u: Any) -> Array:
        if self._jacobian is None:
            return self._differences(lambda x: self._seen(x, u), state, covariance)
        slope = np.atleast_2d(np.asarray(self._jacobian(state, u), np.float64))
        if slope.shape != (self.outputs, self.states) or not np.isfinite(slope).all():
            raise FilterError(
                f"jacobian gave {list(slope.shape)}; finite numbers "
                f"[{self.outputs}, {self.states}] are expected"
            )
        return slope

    @staticmethod
    def _differences(function: Callable[[Array], Array], at: Array, covariance: Array) -> Array:
        columns = []
        for i in range(len(at)):
            # A small share of what matters: the state's size, or else its uncertainty.
            step = 6e-6 * max(abs(float(at[i])), math.sqrt(max(float(covariance[i, i]), 0)), 1e-6)
            off = np.zeros(len(at))
            off[i] = step
            columns.append((function(at + off) - function(at - off)) / (2 * step))
        return np.stack(columns, axis=1)


class UnscentedKalmanFilter(_Nonlinear):
    """The Kalman filter of a state that is seen through a curve, by way of a few chosen points.

    No derivatives; right to the second order. 2 states + 1 points (scaled, Van der Merwe's).

    Sources: Julier and Uhlmann, "Unscented filtering and nonlinear estimation", Proceedings of
    the IEEE 92 (2004); Wan and Van der Merwe, "The unscented Kalman filter for nonlinear
    estimation" (2000).

    Args:
        mean: [states]: the prior's.
        covariance: [states, states]: the prior's.
        process: of a step of the state.
        noise: of the measurement.
        measure: (state, u) to [outputs].
        transition: (state, u, dt) to the next state; default: it stays.
        outputs: numbers in one measurement.
        alpha: how far out the points lie, above 0, up to 1.
        beta: 2 for normal states.
        kappa: above minus the number of states.

    Raises:
        FilterError: a shape or a number is out of range.

    Example:
        >>> filter = UnscentedKalmanFilter(
        ...     [1.0], [[1.0]], process=Gaussian(0.0), noise=Gaussian(0.1),
        ...     measure=lambda state, u: np.exp(state[0] * u),
        ... )
        >>> for _ in range(20):
        ...     expected = filter.update(0.5, np.exp(0.7 * 0.5))
        >>> round(float(filter.mean[0]), 2)
        0.7
    """

    def __init__(
        self,
        mean: ArrayLike,
        covariance: ArrayLike,
        *,
        process: Gaussian,
        noise: Gaussian,
        measure: Measure,
        transition: Transition | None = None,
        outputs: int = 1,
        alpha: float = 0.1,
        beta: float = 2.0,
        kappa: float = 0.0,
    ) -> None:
        super().__init__(
            mean, covariance, process=process, noise=noise, measure=measure,
            transition=transition, outputs=outputs,
        )  # fmt: skip
        d = self.states
        if not 0 < alpha <= 1 or not beta >= 0 or not kappa > -d:
            raise FilterError("give 0 < alpha <= 1, beta >= 0, and kappa above minus the states")
        self._scale = alpha * alpha * (d + kappa)
        self._mean_weights = np.full(2 * d + 1, 0.5 / self._scale)
        self._mean_weights[0] = 1 - d / self._scale
        self._weights = self._mean_weights.copy()
        self._weights[0] += 1 - alpha * alpha + beta

    def predict(self, u: Any, dt: float = 1.0) -> Prediction:
        """What the next measurement should be; changes nothing."""
        mean, covariance = self._moved(u, dt)
        expected, spread, _ = self._through(mean, covariance, u)
        return Prediction(expected, np.sqrt(np.diag(spread)))

    def update(self, u: Any, measured: ArrayLike, dt: float = 1.0) -> Prediction:
        """Learn from one measurement; give what was expected before it."""
        y = self._measured(measured, dt)
        mean, covariance = self._moved(u, dt)
        expected, spread, cross = self._through(mean, covariance, u)
        there = ~np.isnan(y)
        if there.any():
            part = spread[np.ix_(there, there)]
            gain = np.linalg.solve(part, cross[:, there].T).T
            mean = mean + gain @ (y - expected)[there]
            covariance = covariance - gain @ part @ gain.T
        self._mean, self._covariance = mean, (covariance + covariance.T) / 2
        return Prediction(expected, np.sqrt(np.diag(spread)))

    def _points(self, mean: Array, covariance: Array) -> Array:
        reach = math.sqrt(self._scale) * lower_factor(covariance).T
        return np.concatenate([mean[None], mean + reach, mean - reach])

    def _moved(self, u: Any, dt: float) -> tuple[Array, Array]:
        if self._transition is None:
            return self._mean, self._covariance + dt * self._process
        points = self._points(self._mean, self._covariance)
        moved = np.stack([self._next(point, u, dt) for point in points])
        mean = self._mean_weights @ moved
        off = moved - mean
        return mean, (off * self._weights[:, None]).T @ off + dt * self._process

    def _through(self, mean: Array, covariance: Array, u: Any) -> tuple[Array, Array, Array]:
        points = self._points(mean, covariance)
        seen = np.stack([self._seen(point, u) for point in points])
        expected = self._mean_weights @ seen
        off = seen - expected
        weighted = off * self._weights[:, None]
        return expected, weighted.T @ off + self._noise, (points - mean).T @ weighted
