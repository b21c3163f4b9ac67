"""The fleets' kernels against the filters of one asset, with the processor's paths and without."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from homebody.errors import KernelError
from homebody.kernels import Kalman
from homebody.kernels.fleets import LANES, REFUSED, KalmanFleet, ParticleFleet
from tests.kernels.builds import gcc, linux, plain, sanitized


def made(count: int, outputs: int, width: int, seed: int = 0, **options) -> KalmanFleet:
    d = outputs * width
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, d))
    covariance = root @ root.T + 0.1 * np.eye(d)
    return KalmanFleet(
        count, outputs, mean=rng.normal(size=d), covariance=covariance,
        process=covariance * 1e-2, noise=np.full(outputs, 0.3), **options,
    )  # fmt: skip


@pytest.mark.parametrize(("outputs", "width"), [(1, 1), (1, 5), (1, 7), (3, 2), (2, 32)])
@pytest.mark.parametrize("degrees", [0.0, 4.0])
@pytest.mark.parametrize("adaptive", [0.0, 0.2])
def test_each_lane_is_one_filter(outputs, width, degrees, adaptive):
    fleet = made(LANES + 3, outputs, width, degrees=degrees, adaptive=adaptive)
    d, everyone = outputs * width, np.arange(fleet.count)
    covariance, rng = fleet.covariance(everyone[:1])[0], np.random.default_rng(5)
    ones = []
    for _ in everyone:
        one = Kalman(
            d, outputs, mean=fleet.mean(everyone[:1])[0], covariance=covariance,
            process=covariance * 1e-2, degrees=degrees, adaptive=adaptive,
        )  # fmt: skip
        one.noise[:] = 0.3
        ones.append(one)
    for turn in range(12):
        features = rng.normal(size=(fleet.count, width - 1))
        measured = rng.normal(size=(fleet.count, outputs)) * 2
        measured[rng.random(measured.shape) < 0.2] = np.nan
        steps = rng.integers(0, 3, fleet.count).astype(np.float64)
        order = rng.permutation(fleet.count)
        ahead = fleet.predict(features[order], steps[order], order)
        found = fleet.update(features[order], measured[order], steps[order], order)
        for row, asset in enumerate(order):
            one = ones[asset]
            for m in range(outputs):
                one.rows[m] = 0
                one.rows[m, m * width : (m + 1) * width] = [*features[asset], 1.0]
            one.measured[:] = measured[asset]
            assert one.predict(steps[asset]) == 0
            expected = one.result[2:].copy()
            got = np.concatenate([ahead.mean[row], ahead.sigma[row]])
            np.testing.assert_allclose(got, expected, 1e-8, 1e-9)
            assert one.update(steps[asset]) == 0
            got = np.concatenate([found.mean[row], found.sigma[row]])
            np.testing.assert_allclose(got, one.result[2:], 1e-8, 1e-9, err_msg=str(turn))
        np.testing.assert_allclose(fleet.mean(everyone), [o.mean for o in ones], 1e-7, 1e-9)
        np.testing.assert_allclose(
            fleet.covariance(everyone), [o.covariance for o in ones], 1e-7, 1e-10
        )
        np.testing.assert_allclose(fleet.scale(everyone), [o.result[0] for o in ones], 1e-9)


def test_a_prior_millions_of_times_wider_than_the_noise_stays_a_covariance():
    fleet = KalmanFleet(
        5, 1, mean=np.zeros(3), covariance=np.eye(3) * 1e12, process=np.zeros((3, 3)),
        noise=np.array([1e-6]),
    )  # fmt: skip
    rng, truth = np.random.default_rng(1), np.array([1.0, -2.0, 3.0])
    for _ in range(200):
        features = rng.normal(size=(5, 2))
        measured = features @ truth[:2] + truth[2] + rng.normal(size=5) * 1e-6
        fleet.update(features, measured[:, None], 1.0)
    covariance = fleet.covariance(np.arange(5))
    assert (np.linalg.eigvalsh(covariance) > 0).all()
    off = fleet.mean(np.arange(5)) - truth
    assert np.abs(off).max() < 1e-6
    distance = np.einsum("ni,nij,nj->n", off, np.linalg.inv(covariance), off)
    assert distance.max() < 20


def test_a_number_out_of_range_touches_its_own_asset_only():
    fleet, same = made(LANES, 1, 5), made(LANES, 1, 5)
    rng = np.random.default_rng(2)
    features, measured = rng.normal(size=(LANES, 4)), rng.normal(size=(LANES, 1))
    spoilt, bad = features.copy(), measured.copy()
    steps = np.ones(LANES)
    spoilt[1, 2], bad[3], steps[5] = np.nan, 1e101, -1.0
    found = fleet.update(spoilt, bad, steps)
    assert np.flatnonzero(found.flags & REFUSED).tolist() == [1, 3, 5]
    assert np.flatnonzero(np.isnan(found.mean[:, 0])).tolist() == [1, 3, 5]
    rest = np.array([0, 2, 4, 6, 7])
    same.update(features[rest], measured[rest], 1.0, rest)
    assert fleet.tiles.tobytes() == same.tiles.tobytes()


def test_repeats_are_taken_in_order_and_threads_change_nothing():
    rng = np.random.default_rng(3)
    slots = rng.integers(0, 50, 400)
    features, measured = rng.normal(size=(400, 4)), rng.normal(size=(400, 1))
    together, apart, threaded = (made(50, 1, 5, gate="shadow", limit=1.0) for _ in range(3))
    a = together.update(features, measured, 1.0, slots)
    b = threaded.update(features, measured, 1.0, slots, threads=3)
    for i, slot in enumerate(slots):
        apart.update(features[i : i + 1], measured[i : i + 1], 1.0, np.array([slot]))
    for other in (apart, threaded):
        assert together.tiles.tobytes() == other.tiles.tobytes()
        assert together.deployed.tobytes() == other.deployed.tobytes()
    assert all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
    dense, sparse = made(50, 1, 5), made(50, 1, 5)
    for threads in (1, 4):
        one = dense.update(features[:50], measured[:50], 2.0, threads=threads)
        two = sparse.update(features[:50], measured[:50], 2.0, np.arange(50))
        assert all(x.tobytes() == y.tobytes() for x, y in zip(one, two, strict=True))
        assert dense.tiles.tobytes() == sparse.tiles.tobytes()


def test_what_does_not_fit_is_refused():
    fleet = made(3, 1, 5)
    one, y = np.zeros((1, 4)), np.zeros((1, 1))
    for call in (
        lambda: fleet.update(one, y, 1.0),
        lambda: fleet.update(one, y, 1.0, np.array([3])),
        lambda: fleet.update(one, y, 1.0, np.array([-1])),
        lambda: fleet.update(one, y, 1.0, np.array([0.0])),
        lambda: fleet.update(one[:, :3], y, 1.0, np.array([0])),
        lambda: fleet.update(one, y, np.ones(2), np.array([0])),
        lambda: fleet.grow(2),
        lambda: made(1, 1, 65),
        lambda: made(1, 1, 5, gate="open"),
        lambda: made(1, 1, 5, degrees=-1.0),
    ):
        with pytest.raises(KernelError):
            call()


def case() -> list[str]:
    """SHA-256s of what fleets hold after a run: to compare builds."""
    found = []
    rng = np.random.default_rng(7)
    for outputs, width, options in (
        (1, 5, {}), (1, 5, {"gate": "interval", "limit": 1.0}), (2, 3, {"degrees": 4.0}),
        (1, 9, {"adaptive": 0.1, "gate": "shadow", "limit": 0.5}),
    ):  # fmt: skip
        fleet = made(37, outputs, width, **options)
        for _ in range(10):
            n = int(rng.integers(1, 120))
            features, y = rng.normal(size=(n, width - 1)), rng.normal(size=(n, outputs))
            y[rng.random(y.shape) < 0.1] = np.nan
            slots = rng.integers(0, 37, n)
            steps = rng.choice([0.0, 1.0, 1e12, -1.0], n)
            out = fleet.update(features, y, steps, slots)
            fleet.predict(features, steps, slots)
        arrays = [*fleet.columns().values(), *out]
        found.append(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
    eye = np.eye(4, dtype=np.float32)
    particles = ParticleFleet(
        7, 2, mean=np.zeros(4), factor=eye, step=eye * 0.1, noise=np.ones(2), particles=33
    )
    for _ in range(5):
        n = int(rng.integers(1, 40))
        particles.update(
            rng.normal(size=(n, 1)), rng.normal(size=(n, 2)), 1.0, rng.integers(0, 7, n)
        )
    found.append(hashlib.sha256(particles.blocks[:7].tobytes()).hexdigest())
    return found


@pytest.mark.parametrize("build", [plain, pytest.param(gcc, marks=linux)])
def test_the_same_bits_from_other_builds(build):
    assert build().answer(case) == case()


@sanitized
def test_nothing_undefined_and_no_byte_out_of_bounds(build):
    assert build().answer(case) == case()
