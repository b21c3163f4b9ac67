"""The filters against other libraries'."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.adapt import Gaussian, LastLayerFilter, UnscentedKalmanFilter, chi_square_tail

pytestmark = pytest.mark.oracle


BENCH = "pip install 'homebody[bench]'"


def problem(n=200, d=5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=d)
    rows = rng.normal(size=(n, d))
    return rows, rows @ x + rng.normal(size=n) * 0.3


def ours(rows, y, kind=LastLayerFilter, **options):
    d = rows.shape[1]
    filter = kind(
        np.zeros(d), np.eye(d) * 0.5, process=Gaussian(0.05), noise=Gaussian(0.3), **options
    )
    return filter, [filter.update(row, value) for row, value in zip(rows, y.tolist(), strict=True)]


@pytest.mark.filterwarnings("ignore")
def test_kalman_is_filterpys_to_rounding():
    filterpy = pytest.importorskip("filterpy.kalman", reason=BENCH)
    rows, y = problem()
    filter, expected = ours(rows, y)
    peer = filterpy.KalmanFilter(dim_x=5, dim_z=1)
    peer.P, peer.Q, peer.R = np.eye(5) * 0.5, np.eye(5) * 0.0025, np.eye(1) * 0.09
    for row, value, prediction in zip(rows, y, expected, strict=True):
        peer.predict()
        np.testing.assert_allclose(prediction.mean[0], row @ peer.x[:, 0], atol=1e-12)
        peer.update(value, H=row[None])
        np.testing.assert_allclose(prediction.sigma[0], np.sqrt(peer.S[0, 0]), rtol=1e-12)
    np.testing.assert_allclose(filter.mean, peer.x[:, 0], rtol=1e-11)
    np.testing.assert_allclose(filter.covariance, peer.P, rtol=1e-10, atol=1e-14)


@pytest.mark.filterwarnings("ignore")
def test_kalman_is_dynamaxs_to_rounding():
    jax = pytest.importorskip("jax", reason=BENCH)
    inference = pytest.importorskip("dynamax.linear_gaussian_ssm.inference", reason=BENCH)
    jax.config.update("jax_enable_x64", True)
    rows, y = problem()
    filter, _ = ours(rows, y)
    jnp, d = jax.numpy, 5
    # Its first step has no process: a step of ours goes into its prior.
    parameters = inference.make_lgssm_params(
        initial_mean=jnp.zeros(d), initial_cov=jnp.eye(d) * 0.5025,
        dynamics_weights=jnp.eye(d), dynamics_cov=jnp.eye(d) * 0.0025,
        emissions_weights=jnp.asarray(rows)[:, None, :], emissions_cov=jnp.eye(1) * 0.09,
    )  # fmt: skip
    posterior = inference.lgssm_filter(parameters, jnp.asarray(y)[:, None])
    # It adds 1e-9 to every variance that it divides by.
    np.testing.assert_allclose(filter.mean, posterior.filtered_means[-1], rtol=1e-6)
    np.testing.assert_allclose(
        filter.covariance, posterior.filtered_covariances[-1], rtol=1e-5, atol=1e-9
    )


@pytest.mark.filterwarnings("ignore")
def test_unscented_is_filterpys_to_rounding():
    filterpy = pytest.importorskip("filterpy.kalman", reason=BENCH)
    rng = np.random.default_rng(1)
    inputs = rng.uniform(0.5, 2, 60)
    y = np.exp(0.3 * inputs) + np.sin(0.8 * inputs) + rng.normal(size=60) * 0.1

    def measure(x, u):
        return np.array([np.exp(x[0] * u) + np.sin(x[1] * u)])

    filter = UnscentedKalmanFilter(
        [0.0, 0.5], np.eye(2) * 0.2, process=Gaussian(0.01), noise=Gaussian(0.1), measure=measure,
        alpha=0.3, beta=2.0, kappa=1.0,
    )  # fmt: skip
    points = filterpy.MerweScaledSigmaPoints(2, alpha=0.3, beta=2.0, kappa=1.0)
    peer = filterpy.UnscentedKalmanFilter(2, 1, dt=1, hx=measure, fx=lambda x, dt: x, points=points)
    peer.x, peer.P = np.array([0.0, 0.5]), np.eye(2) * 0.2
    peer.Q, peer.R = np.eye(2) * 1e-4, np.eye(1) * 0.01
    for u, value in zip(inputs, y, strict=True):
        filter.update(u, value)
        peer.predict()
        # It reuses the points from before the process; new ones are drawn here as we do.
        peer.sigmas_f = points.sigma_points(peer.x, peer.P)
        peer.update(value, u=u)
        np.testing.assert_allclose(filter.mean, peer.x, rtol=1e-7)
        np.testing.assert_allclose(filter.covariance, peer.P, rtol=1e-6, atol=1e-10)


def test_chi_square_is_scipys():
    scipy = pytest.importorskip("scipy.stats", reason=BENCH)
    for df in (1, 3, 7, 50, 300):
        for x in np.geomspace(0.01, 1000, 40):
            np.testing.assert_allclose(
                chi_square_tail(float(x), df), scipy.chi2.sf(x, df), rtol=1e-9, atol=1e-300
            )
