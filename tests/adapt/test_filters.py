"""The filters against the exact posterior, and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.adapt import (
    ExtendedKalmanFilter,
    Gaussian,
    LastLayerFilter,
    ParticleFilter,
    RandomWalk,
    StudentT,
    UnscentedKalmanFilter,
)
from homebody.errors import FilterError, HomebodyError

D = 3
PRIOR = np.array([[0.09, 0.02, 0.0], [0.02, 0.05, 0.01], [0.0, 0.01, 0.07]])
MEAN = np.array([1.0, -2.0, 0.5])


def track(n, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    x = rng.multivariate_normal(MEAN, PRIOR)
    rows = rng.normal(size=(n, D))
    return rows, rows @ x + rng.normal(size=n) * noise


def regression(rows, y, noise=0.3):
    """The posterior of a fixed state, from all measurements at once."""
    information = np.linalg.inv(PRIOR) + rows.T @ rows / noise**2
    covariance = np.linalg.inv(information)
    return covariance @ (np.linalg.solve(PRIOR, MEAN) + rows.T @ y / noise**2), covariance


def through(filter, rows, y, dt=1.0):
    for row, value in zip(rows, y.tolist(), strict=True):
        filter.update(row, value, dt)
    return filter


def test_the_exact_filter_is_bayesian_regression():
    rows, y = track(40)
    filter = LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.0), noise=Gaussian(0.3))
    through(filter, rows, y)
    mean, covariance = regression(rows, y)
    np.testing.assert_allclose(filter.mean, mean, rtol=1e-10)
    np.testing.assert_allclose(filter.covariance, covariance, rtol=1e-9)


def errors(count, seeds=64, **options):
    """Root mean square errors of mean and covariance against the exact filter."""
    rows, y = track(12)
    exact = LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.05), noise=Gaussian(0.3))
    through(exact, rows, y)
    off_mean, off_covariance = [], []
    for seed in range(seeds):
        filter = ParticleFilter(
            MEAN, PRIOR, process=Gaussian(0.05), likelihood=Gaussian(0.3), particles=count,
            seed=seed, **options,
        )  # fmt: skip
        through(filter, rows, y)
        off_mean.append(filter.mean - exact.mean)
        off_covariance.append(filter.covariance - exact.covariance)
    scale = np.sqrt(np.diag(exact.covariance))
    return (
        math.sqrt(np.mean((np.array(off_mean) / scale) ** 2)),
        math.sqrt(np.mean((np.array(off_covariance) / np.outer(scale, scale)) ** 2)),
    )


@pytest.mark.parametrize("resampling", ["systematic", "stratified", "residual", "multinomial"])
def test_particles_converge_at_the_monte_carlo_rate(resampling):
    counts = np.array([250, 1000, 4000, 16000])
    found = np.array([errors(int(n), resampling=resampling) for n in counts])
    for each in found.T:
        slope = np.polyfit(np.log(counts), np.log(each), 1)[0]
        assert -0.58 < slope < -0.42
    assert found[-1].max() < 0.05


def test_the_general_engine_converges_too():
    options = {"measure": lambda particles, row: particles @ row}
    few, many = errors(500, 24, **options), errors(8000, 24, **options)
    for a, b in zip(few, many, strict=True):
        assert 2.4 < a / b < 6.7  # 4 at the Monte Carlo rate
    assert many[0] < 0.06


def test_a_proposal_that_knows_the_measurement_needs_fewer_particles():
    """The optimal proposal of a linear model: the process, already moved to the measurement."""
    step, noise, rows, y = 0.5, 0.02, *track(15, noise=0.02)

    class Optimal:
        def parts(self, row):
            covariance = step**2 * np.eye(D)
            gain = covariance @ row / (row @ covariance @ row + noise**2)
            return gain, Gaussian(covariance=covariance - np.outer(gain, row @ covariance))

        def sample(self, particles, u, measured, dt, rng):
            gain, rest = self.parts(u)
            moved = particles + (measured - particles @ u)[:, None] * gain
            return moved + rest.sample(rng, len(particles), D)

        def log_density(self, new, old, u, measured, dt):
            gain, rest = self.parts(u)
            return rest.log_density(new - old - (measured - old @ u)[:, None] * gain)

    walk = RandomWalk(Gaussian(step))
    exact = LastLayerFilter(MEAN, PRIOR, process=Gaussian(step), noise=Gaussian(noise))
    through(exact, rows, y)
    sizes, off = [], []
    for proposal in (None, Optimal()):
        filter = ParticleFilter(
            MEAN, PRIOR, process=walk, likelihood=Gaussian(noise), proposal=proposal,
            particles=2000, threshold=0.5,
        )  # fmt: skip
        size = []
        for row, value in zip(rows, y, strict=True):
            filter.update(row, value)
            size.append(filter.effective_size)
        sizes.append(np.mean(size))
        off.append(np.abs(filter.mean - exact.mean).max() / np.sqrt(exact.covariance.max()))
    assert sizes[1] > 5 * sizes[0]
    assert off[1] < 0.15


def test_a_proposal_may_look_anywhere():
    """Wide, and blind to the past: the weights make up for it."""

    class Blind:
        wide = Gaussian(0.8)

        def sample(self, particles, u, measured, dt, rng):
            return measured + self.wide.sample(rng, len(particles), 1)

        def log_density(self, new, old, u, measured, dt):
            return self.wide.log_density(new - measured)

    filter = ParticleFilter(
        [0.0], [[0.5]], process=RandomWalk(Gaussian(0.4)), likelihood=Gaussian(0.5),
        proposal=Blind(), particles=40_000,
    )  # fmt: skip
    exact = LastLayerFilter([0.0], [[0.5]], process=Gaussian(0.4), noise=Gaussian(0.5))
    for y in (0.9, 0.4, 1.1):
        for one in (filter, exact):
            one.update([1.0], y)
        np.testing.assert_allclose(filter.mean, exact.mean, atol=0.02)
        np.testing.assert_allclose(filter.covariance, exact.covariance, rtol=0.06)


def test_unscented_is_right_for_squares():
    """x^2 of a standard normal has mean 1 and variance 2, and beta = 2 is made for it."""
    for alpha in (0.1, 0.5, 1.0):
        filter = UnscentedKalmanFilter(
            [0.0], [[1.0]], process=Gaussian(0.0), noise=Gaussian(1e-6), alpha=alpha,
            measure=lambda x, u: x[0] ** 2,
        )  # fmt: skip
        expected = filter.predict(None)
        np.testing.assert_allclose(expected.mean, 1.0, rtol=1e-9)
        np.testing.assert_allclose(expected.sigma, np.sqrt(2.0), rtol=1e-6)


@given(
    st.lists(
        st.one_of(
            st.floats(-1e100, 1e100), st.sampled_from([0.0, math.nan, 1e100, -1e100, 1e-300])
        ),
        min_size=1, max_size=12,
    ),
    st.sampled_from([Gaussian(1e-6), Gaussian(1e6), StudentT(1e-3, 3.0), StudentT(1.0, 1.0)]),
    st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=80)
def test_weights_stay_normalised_whatever_is_measured(values, likelihood, general):
    measure = (lambda particles, row: particles @ row) if general else None
    filter = ParticleFilter(
        MEAN, PRIOR, process=Gaussian(0.01), likelihood=likelihood, particles=64, measure=measure
    )
    for value in values:
        expected = filter.update(np.array([1.0, 0.5, -1.0]), value)
        weights = np.exp(filter.log_weights)
        assert abs(weights.sum() - 1) < 1e-5
        assert (weights >= 0).all()
        for part in (*expected, filter.mean, filter.covariance, filter.particles):
            assert np.isfinite(part).all()
        assert 0 <= filter.effective_size <= 64 * (1 + 1e-5)
        assert np.linalg.eigvalsh(filter.covariance)[0] >= -1e-6 * np.abs(filter.covariance).max()


@pytest.mark.parametrize("general", [False, True])
def test_collapse_is_reported(general):
    measure = (lambda particles, row: particles @ row) if general else None
    filter = ParticleFilter(
        MEAN, PRIOR, process=Gaussian(0.0), likelihood=Gaussian(1e-4), measure=measure
    )
    row = np.array([1.0, 1.0, 1.0])
    filter.update(row, float(row @ MEAN))
    assert filter.collapsed
    assert filter.effective_size < D + 1
    filter = ParticleFilter(
        MEAN, PRIOR, process=Gaussian(0.0), likelihood=Gaussian(1.0), measure=measure
    )
    filter.update(row, float(row @ MEAN))
    assert not filter.collapsed


def test_an_impossible_measurement_is_a_collapse_and_keeps_the_state():
    filter = ParticleFilter(
        MEAN, PRIOR, process=Gaussian(0.0), measure=lambda p, u: p @ u,
        likelihood=lambda p, u, y: np.full(len(p), -np.inf),
    )  # fmt: skip
    before = filter.mean
    filter.update(np.ones(D), 0.0)
    assert filter.collapsed
    assert filter.effective_size == 0
    np.testing.assert_allclose(filter.mean, before, rtol=1e-12)


def test_a_categorical_likelihood_learns_preferences():
    """What particles are for: choices, which no Kalman filter takes."""
    rng = np.random.default_rng(1)
    truth = np.array([1.5, -1.0])
    items = rng.normal(size=(200, 4, 2))

    def log_choice(particles, options, chosen):
        utility = particles @ options.T
        top = utility.max(axis=1, keepdims=True)
        total = top[:, 0] + np.log(np.exp(utility - top).sum(axis=1))
        return utility[:, int(chosen[0])] - total

    filter = ParticleFilter(
        [0.0, 0.0], np.eye(2) * 4, process=Gaussian(0.02), likelihood=log_choice, particles=2000
    )
    for options in items:
        shares = np.exp(options @ truth)
        filter.update(options, rng.choice(4, p=shares / shares.sum()))
    assert np.abs(filter.mean - truth).max() < 0.5
    with pytest.raises(FilterError, match="measure"):
        filter.predict(items[0])


def test_heavy_tailed_steps_follow_jumps():
    rng = np.random.default_rng(2)
    y = np.where(np.arange(60) < 30, 0.0, 3.0) + rng.normal(size=60) * 0.1
    off = []
    for process in (Gaussian(0.03), StudentT(0.03, 1.5)):
        filter = ParticleFilter(
            [0.0], [[0.01]], process=process, likelihood=StudentT(0.1, 10.0), particles=3000
        )
        for value in y[:34]:
            filter.update([1.0], value)
        off.append(abs(filter.mean[0] - 3))
    assert off[1] < 0.3 < off[0]


def test_outliers_matter_less_with_students_t():
    rows, y = track(60, seed=3)
    x, _ = regression(rows, y)
    y[::10] += 8.0
    off = []
    for noise in (Gaussian(0.3), StudentT(0.3, 4.0)):
        exact = LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.0), noise=noise)
        through(exact, rows, y)
        off.append(np.abs(exact.mean - x).max())
    assert off[1] < off[0] / 3
    particles = ParticleFilter(
        MEAN, PRIOR, process=Gaussian(0.0), likelihood=StudentT(0.3, 4.0), particles=20_000
    )
    through(particles, rows, y)
    # The variational posterior stands near the true one.
    assert np.abs(particles.mean - exact.mean).max() < 0.1


def test_several_outputs_are_one_after_another_and_missing_ones_are_left_out():
    rng = np.random.default_rng(4)
    rows, y = rng.normal(size=(2, D)), np.array([0.4, np.nan])
    both = LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3), outputs=2)
    one = LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3))
    both.update(rows, y)
    one.update(rows[0], 0.4)
    np.testing.assert_allclose(both.mean, one.mean, rtol=1e-14)
    both.update(rows, [np.nan, np.nan])
    one.update(rows[0], np.nan)
    np.testing.assert_allclose(both.covariance, one.covariance, rtol=1e-12)


def test_time_is_linear_in_the_process():
    rows, _ = track(5)
    for make in (
        lambda: LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3)),
        lambda: UnscentedKalmanFilter(
            MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3), measure=lambda x, u: u @ x
        ),
    ):
        once, thrice = make(), make()
        once.update(rows[0], np.nan, 3.0)
        for _ in range(3):
            thrice.update(rows[0], np.nan, 1.0)
        np.testing.assert_allclose(once.covariance, thrice.covariance, rtol=1e-12)
        np.testing.assert_allclose(once.predict(rows[1], 2.0).sigma, once.predict(rows[1], 2).sigma)


@pytest.mark.parametrize("kind", [ExtendedKalmanFilter, UnscentedKalmanFilter])
def test_nonlinear_filters_are_exact_where_it_is_linear(kind):
    rows, y = track(30)
    y[7] = np.nan
    exact = LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.05), noise=Gaussian(0.3))
    filter = kind(
        MEAN, PRIOR, process=Gaussian(0.05), noise=Gaussian(0.3), measure=lambda x, row: row @ x
    )
    for row, value in zip(rows, y.tolist(), strict=True):
        a, b = exact.update(row, value), filter.update(row, value)
        np.testing.assert_allclose(b.mean, a.mean, atol=1e-8)
        np.testing.assert_allclose(b.sigma, a.sigma, rtol=1e-8)
    np.testing.assert_allclose(filter.mean, exact.mean, atol=1e-8)
    np.testing.assert_allclose(filter.covariance, exact.covariance, atol=1e-9)


@pytest.mark.parametrize("kind", [ExtendedKalmanFilter, UnscentedKalmanFilter])
def test_nonlinear_filters_move_by_a_transition(kind):
    """A state that turns, seen from one side; the transition is linear, so Kalman is exact."""
    angle = 0.3
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    filter = kind(
        [1.0, 0.0], np.eye(2) * 0.5, process=Gaussian(0.01), noise=Gaussian(0.1),
        measure=lambda x, u: x[0], transition=lambda x, u, dt: turn @ x,
    )  # fmt: skip
    mean, covariance = np.array([1.0, 0.0]), np.eye(2) * 0.5
    rng = np.random.default_rng(0)
    for k in range(40):
        y = np.cos(angle * (k + 1)) + rng.normal() * 0.1
        filter.update(None, y)
        mean, covariance = turn @ mean, turn @ covariance @ turn.T + np.eye(2) * 1e-4
        gain = covariance[:, 0] / (covariance[0, 0] + 0.01)
        mean = mean + gain * (y - mean[0])
        covariance = covariance - np.outer(gain, covariance[0])
        np.testing.assert_allclose(filter.mean, mean, atol=1e-7)
        np.testing.assert_allclose(filter.covariance, covariance, atol=1e-8)


def test_a_jacobian_is_used_and_checked():
    calls = []

    def slope(x, u):
        calls.append(u)
        return [[math.cos(x[0])]]

    options = {"process": Gaussian(0.0), "noise": Gaussian(0.1)}
    given_slope, differences = (
        ExtendedKalmanFilter(
            [0.3], [[0.2]], measure=lambda x, u: math.sin(x[0]), jacobian=j, iterations=3, **options
        )
        for j in (slope, None)
    )
    for filter in (given_slope, differences):
        filter.update(None, math.sin(0.8))
    assert calls
    np.testing.assert_allclose(given_slope.mean, differences.mean, atol=1e-8)
    wrong = ExtendedKalmanFilter(
        [0.3], [[0.2]], measure=lambda x, u: x[0], jacobian=lambda x, u: [1.0, 2.0], **options
    )
    with pytest.raises(FilterError, match="jacobian"):
        wrong.update(None, 0.0)


MAKERS = {
    "kalman": lambda: LastLayerFilter(MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3)),
    "particles": lambda: ParticleFilter(
        MEAN, PRIOR, process=Gaussian(0.1), likelihood=Gaussian(0.3), particles=50
    ),
    "general": lambda: ParticleFilter(
        MEAN, PRIOR, process=StudentT(0.1, 3.0), likelihood=Gaussian(0.3), particles=50
    ),
    "extended": lambda: ExtendedKalmanFilter(
        MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3), measure=lambda x, row: row @ x
    ),
    "unscented": lambda: UnscentedKalmanFilter(
        MEAN, PRIOR, process=Gaussian(0.1), noise=Gaussian(0.3), measure=lambda x, row: row @ x
    ),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_restored_filter_goes_on_the_same(make):
    rows, y = track(12)
    filter = make()
    through(filter, rows[:6], y[:6])
    saved = filter.save()
    again = make()
    again.restore(saved)
    for one in (filter, again):
        through(one, rows[6:], y[6:])
    np.testing.assert_array_equal(filter.mean, again.mean)
    np.testing.assert_array_equal(filter.covariance, again.covariance)
    with pytest.raises(HomebodyError):
        again.restore(saved[:-8])


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_measurement_is_refused_and_changes_nothing(make):
    filter = make()
    filter.update(np.ones(D), 0.1)
    before, goes_on = filter.save(), (np.arange(D) * 1.0, 0.7)
    for u, y, dt in (
        (np.ones(D), math.inf, 1.0), (np.ones(D), [0.1, 0.2], 1.0), (np.ones(D), 0.1, -1.0),
        (np.ones(D), 0.1, math.nan), (np.ones(D), 0.1, math.inf),
    ):  # fmt: skip
        with pytest.raises(FilterError):
            filter.update(u, y, dt)
    with pytest.raises((FilterError, ValueError)):
        filter.update(np.ones(D + 1), 0.1)
    filter.predict(np.ones(D))
    again = make()
    again.restore(before)
    for one in (filter, again):
        one.update(*goes_on)
    np.testing.assert_array_equal(filter.mean, again.mean)
    np.testing.assert_array_equal(filter.covariance, again.covariance)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": [0.0, np.nan, 0.0]}, "mean"), ({"mean": [[0.0]]}, "mean"),
        ({"covariance": np.eye(2)}, "covariance"), ({"covariance": -np.eye(3)}, "eigenvalue"),
        ({"covariance": np.arange(9.0).reshape(3, 3)}, "symmetric"),
        ({"covariance": np.full((3, 3), np.inf)}, "infinity"),
        ({"process": Gaussian([1.0, 2.0])}, "axes"), ({"noise": Gaussian(0.0)}, "deviation of 0"),
        ({"noise": Gaussian(covariance=np.eye(2))}, "covariance"),
    ],
)  # fmt: skip
def test_priors_that_are_none_are_refused(change, message):
    given = {
        "mean": MEAN, "covariance": PRIOR, "process": Gaussian(0.1), "noise": Gaussian(0.3),
        **change,
    }  # fmt: skip
    with pytest.raises(FilterError, match=message):
        LastLayerFilter(**given)


def test_distributions_refuse_what_they_are_not():
    for make in (
        lambda: Gaussian(), lambda: Gaussian(1.0, covariance=np.eye(1)), lambda: Gaussian(-1.0),
        lambda: Gaussian(np.nan), lambda: StudentT(1.0, 0.0), lambda: StudentT(1.0, np.nan),
    ):  # fmt: skip
        with pytest.raises(FilterError):
            make()


def test_densities_integrate_to_one():
    x = np.linspace(-400, 400, 400_001)[:, None]
    for noise in (Gaussian(0.7), StudentT(0.7, 4.0), StudentT(0.7, 2.5)):
        assert abs(np.trapezoid(np.exp(noise.log_density(x)), x[:, 0]) - 1) < 1e-4
    rng = np.random.default_rng(0)
    drawn = StudentT(0.5, 6.0).sample(rng, 200_000, 2)
    np.testing.assert_allclose(drawn.var(0), 0.25 * 6 / 4, rtol=0.03)
