"""How much privacy a number of noisy sums has cost: (epsilon, delta) by composition.

Neighbours are two populations that differ by one owner, present or absent. All figures are upper
bounds; the tightest that applies is reported.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import FederatedError

ORDERS = (*range(2, 65), 72, 80, 96, 112, 128, 160, 192, 256, 384, 512, 768, 1024)
"""Renyi orders that are tried; whole ones, for which the sampled Gaussian has a finite sum."""


class Spent(NamedTuple):
    """A privacy budget: with probability ``delta`` or less it is exceeded.

    Attributes:
        epsilon: infinity without noise.
        delta: above 0, below 1.
        rounds: how many sums.
    """

    epsilon: float
    delta: float
    rounds: int


def gaussian_rdp(noise: float, order: float) -> float:
    """Renyi divergence of the Gaussian mechanism: order / (2 noise^2) (Mironov, 2017, prop. 7).

    Example:
        >>> gaussian_rdp(2.0, 8)
        1.0
    """
    return order / (2 * noise * noise)


def sampled_gaussian_rdp(noise: float, sampling: float, order: int) -> float:
    """The same where each owner takes part with probability ``sampling``, independently.

    Mironov, Talwar, Zhang, "Renyi differential privacy of the sampled Gaussian mechanism" (2019),
    section 3.3: (1 / (order - 1)) log sum over k of C(order, k) (1 - q)^(order - k) q^k
    exp((k^2 - k) / (2 noise^2)); the moments accountant of Abadi et al. (2016) bounds the same.

    Args:
        noise: standard deviation over the clipping norm.
        sampling: 0 to 1.
        order: 2 or more.

    Example:
        >>> sampled_gaussian_rdp(2.0, 1.0, 8) == gaussian_rdp(2.0, 8)
        True
    """
    if sampling == 0:
        return 0.0
    if sampling == 1:
        return gaussian_rdp(noise, order)
    k = np.arange(order + 1.0)
    terms = (
        _log_choices(order) + (order - k) * math.log1p(-sampling) + k * math.log(sampling)
        + (k * k - k) / (2 * noise * noise)
    )  # fmt: skip
    most = terms.max()
    total = float(most + math.log(np.exp(terms - most).sum()))
    return max(0.0, total) / (order - 1)


@functools.cache
def _log_choices(order: int) -> NDArray[np.float64]:
    """The logarithms of C(order, 0 to order)."""
    factorials = np.array([math.lgamma(k + 1) for k in range(order + 1)])
    found: NDArray[np.float64] = factorials[-1] - factorials - factorials[::-1]
    return found


def rdp_epsilon(divergence: float, order: float, delta: float) -> float:
    """The epsilon of a Renyi bound of one order.

    Canonne, Kamath, Steinke, "The discrete Gaussian for differential privacy" (2020), prop. 12;
    Balle et al. (2020), theorem 21.
    """
    bound = divergence + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
    return max(0.0, bound)


def zcdp_epsilon(rho: float, delta: float) -> float:
    """rho + 2 sqrt(rho log(1 / delta)) (Bun, Steinke, 2016, prop. 1.3); a Gaussian has rho
    1 / (2 noise^2), and rhos add up.
    """
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def gaussian_delta(noise: float, epsilon: float) -> float:
    """The smallest delta of the Gaussian mechanism at an epsilon, exactly.

    Phi(1 / (2 noise) - epsilon noise) - exp(epsilon) Phi(-1 / (2 noise) - epsilon noise): Balle,
    Wang, "Improving the Gaussian mechanism for differential privacy" (2018), theorem 8.

    Example:
        >>> round(gaussian_delta(1.0, 0.0), 4)  # 2 Phi(1/2) - 1: the distance in variation
        0.3829
    """
    half = 1 / (2 * noise)
    kept = math.exp(_log_phi(half - epsilon * noise))
    return max(0.0, kept - math.exp(min(0.0, epsilon + _log_phi(-half - epsilon * noise))))


def gaussian_epsilon(noise: float, delta: float) -> float:
    """The smallest epsilon of the Gaussian mechanism at a delta: :func:`gaussian_delta` inverted.

    Rounds of noise z, all owners in each, are one of noise z / sqrt(rounds), exactly.
    """
    if gaussian_delta(noise, 0.0) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while gaussian_delta(noise, high) > delta:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_delta(noise, middle) > delta else (low, middle)
    return high


class Accountant:
    """Adds up what rounds cost.

    Args:
        delta: the probability that is allowed for; well below one over the number of owners.

    Raises:
        FederatedError: a number is out of range.

    Example:
        >>> accountant = Accountant(delta=1e-5)
        >>> accountant.add(noise=2.0)
        >>> round(accountant.spent().epsilon, 2)
        1.99
    """

    def __init__(self, delta: float = 1e-6) -> None:
        if not 0 < delta < 1:
            raise FederatedError(f"delta is {delta}; give a probability above 0 and below 1")
        self.delta = delta
        self._rounds = 0
        self._divergences = [0.0] * len(ORDERS)
        self._inverse_squares: float | None = 0.0  # None: some round was sampled

    def add(self, noise: float, sampling: float = 1.0, rounds: int = 1) -> None:
        """Account for noisy sums.

        Args:
            noise: standard deviation of the noise in the sum, over the clipping norm; 0 for none.
            sampling: probability with which each owner takes part, independently of others.
            rounds: how many such sums.

        Raises:
            FederatedError: a number is out of range.
        """
        if not 0 <= noise < math.inf or not 0 <= sampling <= 1 or rounds < 0:
            raise FederatedError(
                f"noise {noise}, sampling {sampling}, rounds {rounds}: give noise 0 or more, "
                "a probability, and a whole number"
            )
        self._rounds += rounds
        if sampling == 0 or rounds == 0:
            return
        if noise == 0:
            self._divergences = [math.inf] * len(ORDERS)
            self._inverse_squares = None
            return
        self._divergences = [
            before + rounds * sampled_gaussian_rdp(noise, sampling, order)
            for before, order in zip(self._divergences, ORDERS, strict=True)
        ]
        if sampling < 1:
            self._inverse_squares = None
        elif self._inverse_squares is not None:
            self._inverse_squares += rounds / noise**2

    def spent(self) -> Spent:
        """What all rounds so far have cost."""
        bounds = [
            rdp_epsilon(divergence, order, self.delta)
            for divergence, order in zip(self._divergences, ORDERS, strict=True)
            if divergence > 0
        ]
        epsilon = min(bounds, default=0.0)
        if self._inverse_squares:
            epsilon = min(epsilon, gaussian_epsilon(self._inverse_squares**-0.5, self.delta))
        return Spent(epsilon, self.delta, self._rounds)


def noise_for(epsilon: float, delta: float, rounds: int = 1, sampling: float = 1.0) -> float:
    """The least noise with which that many rounds spend no more than (epsilon, delta).

    Returns:
        The standard deviation over the clipping norm; 0 for an infinite epsilon.

    Raises:
        FederatedError: a number is out of range.

    Example:
        >>> round(noise_for(1.0, 1e-5), 2)
        3.73
    """
    if not epsilon > 0:
        raise FederatedError(f"epsilon is {epsilon}; give a number above 0 (inf: no privacy)")
    if rounds < 1 or not 0 < sampling <= 1:
        raise FederatedError(f"{rounds} rounds with sampling {sampling}; give 1 or more, above 0")
    if epsilon == math.inf:
        return 0.0

    def cost(noise: float) -> float:
        accountant = Accountant(delta)
        accountant.add(noise, sampling, rounds)
        return accountant.spent().epsilon

    low, high = 0.0, 1.0
    while cost(high) > epsilon:
        low, high = high, 2 * high
        if high > 1e9:
            raise FederatedError(f"no noise reaches epsilon {epsilon} at delta {delta}; allow more")
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) > epsilon else (low, middle)
    return high


def _log_phi(x: float) -> float:
    """The logarithm of the standard normal's distribution function."""
    if x > -30:
        return math.log(math.erfc(-x / math.sqrt(2)) / 2)
    # Beyond that erfc nears the smallest number: the first terms of the asymptotic series.
    return -x * x / 2 - math.log(-x) - math.log(2 * math.pi) / 2 + math.log1p(-1 / x**2 + 3 / x**4)
