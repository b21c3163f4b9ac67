from __future__ import annotations

import numpy as np
import pytest

from homebody.errors import UsageError
from homebody.features.battery.scores import coverage, crps, mean_interval, rmse


def test_crps_is_the_integral_of_its_definition():
    """CRPS = integral of (F(x) - [x >= y])^2, with F's values by a sum over its density."""
    for y, mean, sigma in ((0.3, 0.0, 1.0), (-2.0, 1.0, 0.5), (5.0, 5.0, 2.0)):
        x = np.linspace(-30, 30, 600_001)
        density = np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        below = np.cumsum(density) * (x[1] - x[0])
        wanted = np.sum((below - (x >= y)) ** 2) * (x[1] - x[0])
        assert crps([y], [mean], [sigma]) == pytest.approx(wanted, rel=1e-3)


def test_crps_rewards_neither_false_certainty_nor_false_doubt():
    y = np.random.default_rng(0).normal(size=5000)
    right, sure, unsure = (crps(y, np.zeros(5000), np.full(5000, s)) for s in (1.0, 0.3, 3.0))
    assert right < min(sure, unsure)


def test_rmse_and_coverage_by_hand():
    assert rmse([1.0, 2.0], [1.0, 4.0]) == pytest.approx(2**0.5)
    assert coverage([1, 2, 3, 4], [0, 2, 4, 0], [1, 3, 5, 3]) == 0.5


def test_the_bootstraps_interval_is_as_wide_as_the_means_standard_error():
    values = np.random.default_rng(1).normal(3, 2, 400)
    found = mean_interval(values)
    assert found.mean == pytest.approx(values.mean())
    error = values.std() / 20
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.15 * error)
    with pytest.raises(UsageError):
        mean_interval([])
