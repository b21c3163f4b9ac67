"""A prior learned from a fleet."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.adapt import Track, fleet_prior
from homebody.errors import FilterError

MEAN = np.array([1.0, -2.0, 0.5])
COVARIANCE = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, -0.05], [0.0, -0.05, 0.1]])


def fleet(n, length=30, seed=0, noise=0.2, walk=0.0):
    rng = np.random.default_rng(seed)
    tracks, states = [], []
    root = np.linalg.cholesky(COVARIANCE) * np.sqrt(walk)
    for _ in range(n):
        x = rng.multivariate_normal(MEAN, COVARIANCE)
        rows, y = rng.normal(size=(length, 3)), np.empty(length)
        for k in range(length):
            x = x + root @ rng.normal(size=3)
            y[k] = rows[k] @ x + rng.normal() * noise
        tracks.append(Track(rows, y))
        states.append(x)
    return tracks, np.array(states)


def test_it_finds_what_the_fleet_was_drawn_from():
    found = fleet_prior(fleet(600)[0])
    prior = found.prior
    np.testing.assert_allclose(prior.mean, MEAN, atol=4 * np.sqrt(0.3 / 600))
    np.testing.assert_allclose(prior.covariance, COVARIANCE, atol=0.06)
    np.testing.assert_allclose(prior.noise, 0.2, rtol=0.02)
    assert found.process_share == 0


def test_the_likelihood_never_falls():
    for seed, length in ((1, 5), (2, 2), (3, 40)):
        found = fleet_prior(fleet(20, length, seed)[0], tolerance=-1.0, steps=60)
        rises = np.diff(found.log_likelihoods)
        assert (rises > -1e-7 * np.abs(found.log_likelihoods[-1])).all()
        assert len(found.log_likelihoods) == 60


def test_the_likelihood_is_the_normal_densitys():
    tracks, _ = fleet(4, 6)
    found = fleet_prior(tracks, steps=1, mean=MEAN)
    noise = sum(((t.measured - t.rows @ MEAN) ** 2).sum() for t in tracks) / 24
    gram = sum(np.trace(t.rows.T @ t.rows) for t in tracks)
    covariance = np.eye(3) * noise * 3 * 24 / gram
    total = 0.0
    for rows, y in tracks:
        spread = rows @ covariance @ rows.T + noise * np.eye(6)
        off = y - rows @ MEAN
        total -= 0.5 * (off @ np.linalg.solve(spread, off) + np.linalg.slogdet(spread)[1])
        total -= 3 * np.log(2 * np.pi)
    np.testing.assert_allclose(found.log_likelihoods[0], total, rtol=1e-10)


def test_a_moving_fleet_gets_a_process():
    found = fleet_prior(fleet(150, 60, walk=1e-3)[0])
    assert found.process_share in (1e-4, 1e-3, 1e-2)
    np.testing.assert_array_equal(found.prior.process, found.prior.covariance * found.process_share)


def test_the_next_asset_is_learned_from_fewer_measurements():
    prior = fleet_prior(fleet(200)[0]).prior
    vague = type(prior)(np.zeros(3), np.eye(3) * 10, np.zeros((3, 3)), prior.noise)
    tracks, states = fleet(100, 3, seed=9)
    off = {"fleet": 0.0, "vague": 0.0}
    for track, x in zip(tracks, states, strict=True):
        for name, one in (("fleet", prior), ("vague", vague)):
            filter = one.filter()
            for row, y in zip(track.rows, track.measured.tolist(), strict=True):
                filter.update(row, y)
            off[name] += np.sum((filter.mean - x) ** 2)
    assert off["fleet"] < 0.5 * off["vague"]


def test_missing_measurements_are_left_out():
    tracks, _ = fleet(30)
    holes = [Track(t.rows, np.where(np.arange(30) % 5 == 0, np.nan, t.measured)) for t in tracks]
    cut = [
        Track(t.rows[np.arange(30) % 5 != 0], t.measured[np.arange(30) % 5 != 0]) for t in tracks
    ]
    for a, b in zip(fleet_prior(holes).prior.mean, fleet_prior(cut).prior.mean, strict=True):
        assert a == b


def test_fleets_that_are_none_are_refused():
    tracks, _ = fleet(3)
    for given, message in (
        (tracks[:1], "2 or more"),
        ([tracks[0], (np.ones((4, 2)), np.ones(4))], "numbers of states"),
        ([tracks[0], (np.ones((4, 3)), np.ones(5))], "track 1"),
        ([tracks[0], (np.full((4, 3), np.nan), np.ones(4))], "NaN"),
        ([(np.ones((1, 3)), [1.0]), (np.ones((1, 3)), [1.0])], "give more"),
    ):  # fmt: skip
        with pytest.raises(FilterError, match=message):
            fleet_prior(given)
    with pytest.raises(FilterError, match="mean"):
        fleet_prior(tracks, mean=[1.0])
