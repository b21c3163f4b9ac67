from __future__ import annotations

import numpy as np
import pytest

from homebody.adapt import Gate, ModelOfOne
from homebody.errors import UsageError
from homebody.features.battery.article import measured
from homebody.features.battery.feature import base_of
from homebody.features.battery.follow import follow, outlook
from homebody.features.battery.net import fit
from homebody.features.battery.prior import prior_of_fleet, prior_of_training
from homebody.features.battery.scores import coverage, rmse


def test_without_a_fleet_predictions_are_unsure_by_the_spread(small_net):
    rng = np.random.default_rng(0)
    inputs = np.stack([rng.uniform(2, 3.5, 500), rng.uniform(0, 4500, 500)], axis=1)
    prior = prior_of_training(small_net, inputs, spread=0.25, noise=0.1, share=1e-3)
    draws = rng.multivariate_normal(prior.mean, prior.covariance, 4000)
    features = np.column_stack([small_net.features(inputs), np.ones(500)])
    off = (draws - small_net.last_layer[0]) @ features.T
    assert np.sqrt(np.mean(off**2)) == pytest.approx(0.25, rel=0.05)
    assert prior.process == pytest.approx(prior.covariance * 1e-3)
    assert prior.noise.tolist() == [0.1]
    for wrong in ({"spread": 0.0}, {"noise": -1.0}, {"share": -1e-3}, {"spread": np.nan}):
        with pytest.raises(UsageError):
            prior_of_training(small_net, inputs, **{"spread": 0.1, "noise": 0.1, **wrong})


def test_a_fleet_of_simulated_cells_makes_the_next_cycle_better_on_others(cells):
    """PyBaMM's cells: half of them teach the prior; the other half are followed, and scored on a
    discharge at a current that each was not seen at.
    """
    new, aged = cells
    rng = np.random.default_rng(0)
    net = fit(
        np.concatenate([t.inputs for t in new]), np.concatenate([t.voltage for t in new]),
        epochs=120,
    ).net  # fmt: skip
    prior = prior_of_fleet(net, [measured(cell.first, rng, 0.005) for cell in aged[:20]]).prior
    before, after, inside = [], [], []
    for cell in aged[20:]:
        twin = ModelOfOne(base_of(net, prior), "cell", gate=Gate(sigmas=0.0))
        seen = measured(cell.first, rng, 0.005)
        follow(twin, seen.inputs, seen.voltage)
        mean, low, high = outlook(twin, cell.second.inputs)
        before.append(rmse(net(cell.second.inputs), cell.second.voltage))
        after.append(rmse(mean, cell.second.voltage))
        inside.append(coverage(cell.second.voltage, low, high))
    assert len(after) == 20
    assert np.mean(after) < 0.75 * np.mean(before)
    assert np.mean(inside) > 0.75
