"""Chi-square, CRPS and coverage, by closed forms and by quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homebody.adapt import chi_square_tail, chi_square_threshold
from homebody.adapt.scores import coverage, crps
from homebody.errors import FilterError


@pytest.mark.parametrize("x", [1e-9, 0.1, 0.9, 2.0, 3.9, 17.0, 80.0, 700.0, 1400.0])
def test_chi_square_has_closed_forms(x):
    half = x / 2
    np.testing.assert_allclose(chi_square_tail(x, 1), math.erfc(math.sqrt(half)), rtol=1e-11)
    for pairs in (1, 2, 3, 10):  # even degrees: a Poisson's sum
        total = sum(half**k / math.factorial(k) for k in range(pairs))
        expected = math.exp(-half) * total
        np.testing.assert_allclose(chi_square_tail(x, 2 * pairs), expected, rtol=1e-11)


def test_thresholds_are_the_tails_inverse():
    for df in (1, 2, 5, 60, 500):
        for rate in (0.5, 0.05, 1e-3, 1e-9):
            np.testing.assert_allclose(
                chi_square_tail(chi_square_threshold(rate, df), df), rate, rtol=1e-9
            )
    assert chi_square_tail(0.0, 3) == 1
    assert chi_square_tail(math.inf, 3) == 0


def test_what_chi_square_is_not_defined_for_is_refused():
    for call in (
        lambda: chi_square_tail(-1.0, 1), lambda: chi_square_tail(math.nan, 1),
        lambda: chi_square_tail(1.0, 0), lambda: chi_square_threshold(0.0, 1),
        lambda: chi_square_threshold(1.0, 1), lambda: chi_square_threshold(math.nan, 1),
    ):  # fmt: skip
        with pytest.raises(FilterError):
            call()


@pytest.mark.parametrize(("mean", "sigma", "y"), [(0, 1, 0), (1, 0.3, 2), (-2, 5, 7)])
def test_crps_is_its_integral(mean, sigma, y):
    """The integral of (F(x) - [x >= y])^2."""
    x = np.linspace(mean - 12 * sigma - 10, mean + 12 * sigma + 10, 400_001)
    erf = np.vectorize(math.erf)
    cdf = 0.5 * (1 + erf((x - mean) / (sigma * math.sqrt(2))))
    expected = np.trapezoid((cdf - (x >= y)) ** 2, x)
    np.testing.assert_allclose(crps(mean, sigma, y), expected, rtol=1e-3)


def test_crps_without_width_is_the_absolute_error():
    np.testing.assert_allclose(crps(1.0, 1e-12, 3.5), 2.5)
    for sigma in (0.0, -1.0, math.nan):
        with pytest.raises(FilterError):
            crps(0.0, sigma, 0.0)


def test_coverage_counts():
    assert coverage([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1.1, np.nan]) == (2, 3)
