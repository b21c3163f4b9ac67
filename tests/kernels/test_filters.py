"""The filters' kernels against their twins, known answers, and what they refuse."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import kernels
from homebody.adapt import chi_square_tail
from homebody.errors import KernelError
from homebody.kernels import _filtering
from tests.kernels import filter_twins as twins


def kalman(states, outputs=1, mean=None, covariance=None, process=None, **options):
    none = np.zeros((states, states))
    return kernels.Kalman(
        states,
        outputs,
        mean=none[0] if mean is None else mean,
        covariance=none if covariance is None else np.array(covariance),
        process=none if process is None else np.array(process),
        **options,
    )


def test_philox_gives_the_known_answers():
    # Random123's vectors for philox4x32, 7 and 10 rounds: counter and key of zeros, and of ones.
    zero, ones = np.zeros(1, np.uint32), np.full(1, 0xFFFFFFFF, np.uint32)
    for word, key, rounds, expected in (
        (zero, 0, 7, "5f6fb709 0d893f64 4f121f81 4f730a48"),
        (zero, 0, 10, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (ones, 0xFFFFFFFF, 10, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ):
        found = twins.philox([word] * 4, key, key, rounds)
        assert " ".join(f"{w[0]:08x}" for w in found) == expected


@pytest.mark.parametrize("numbers", [(0, 0, 0), (7, 3, 2**32 - 1), (2**32 - 1, 2**31, 5)])
def test_normals_are_the_twins(numbers):
    seed, stream, tick = numbers
    found = kernels.normals(4096, seed=seed, stream=stream, tick=tick)
    np.testing.assert_array_equal(found, twins.normals(4096, seed, stream, tick))


def test_normals_are_normal():
    z = kernels.normals(1_000_000, seed=11).astype(np.float64)
    n = len(z)
    assert abs(z.mean()) < 4 / np.sqrt(n)
    assert abs(z.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 4 * np.sqrt(96 / n)
    # Chi-square over 64 equally likely cells, 63 degrees: 0.1 % to 99.9 %.
    from statistics import NormalDist

    edges = [NormalDist().inv_cdf(k / 64) for k in range(1, 64)]
    counts = np.bincount(np.searchsorted(edges, z), minlength=64)
    statistic = np.sum((counts - n / 64) ** 2) / (n / 64)
    assert 33 < statistic < 103.5
    # Neighbours of every distance that the layout has are unrelated.
    for lag in (1, 2, 8, 16, 32, 504):
        assert abs(np.mean(z[lag:] * z[:-lag])) < 4.5 / np.sqrt(n)


def test_streams_seeds_and_ticks_differ():
    first = kernels.normals(64, seed=1)
    for other in ({"seed": 2}, {"seed": 1, "stream": 1}, {"seed": 1, "tick": 1}):
        assert not np.isin(first, kernels.normals(64, **other)).any()


def test_log_and_exp_are_within_two_units():
    v = np.geomspace(1e-30, 1e30, 20001).astype(np.float32)
    exact = np.log(v.astype(np.float64))
    np.testing.assert_allclose(twins.log(v), exact, rtol=2.4e-7, atol=1e-7)
    v = np.linspace(-87, 0, 20001).astype(np.float32)
    np.testing.assert_allclose(twins.exp(v), np.exp(v.astype(np.float64)), rtol=2.4e-7)
    assert twins.exp(np.array([-87.1, -1e30, 0], np.float32)).tolist() == [0, 0, 1]


CASES = [
    (1, 2, 1, "systematic", 0.0), (5, 500, 1, "systematic", 0.0), (5, 500, 1, "systematic", 4.0),
    (3, 37, 2, "stratified", 0.0), (2, 64, 3, "residual", 2.5), (4, 101, 1, "multinomial", 0.0),
]  # fmt: skip


def problem(states, outputs, seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(states, states)) * 0.2
    factor = np.linalg.cholesky(root @ root.T + 0.02 * np.eye(states)).astype(np.float32)
    step = (factor * 0.1).astype(np.float32)
    return rng.normal(size=states) * 3, factor, step, rng.uniform(0.05, 0.5, outputs), rng


@pytest.mark.parametrize(("states", "count", "outputs", "scheme", "degrees"), CASES)
def test_particles_are_the_twins_bit_for_bit(states, count, outputs, scheme, degrees):
    mean, prior, step, noise, rng = problem(states, outputs, 3)
    options = {"threshold": 0.6, "degrees": degrees, "seed": 9, "stream": 2}
    block = kernels.Particles(
        states, count, outputs, mean=mean, factor=prior, resampling=scheme, **options
    )
    block.noise[:], block.factor[:] = noise, step
    twin = twins.Particles(mean, prior, count, outputs, noise, step, scheme, **options)
    resampled = 0
    for k in range(25):
        rows = rng.normal(size=(outputs, states))
        measured = rows @ mean + rng.normal(size=outputs) * noise
        if k % 7 == 6:
            measured[0] = np.nan
        if k == 12:
            measured[0] = 1e25
        dt = (1.0, 0.0, 2.5)[k % 3]
        block.rows[:], block.measured[:] = rows, measured
        assert block.update(dt) == 0
        twin.update(rows, measured, dt)
        resampled += int(block.result[1])
        for name, expected in (
            ("result", twin.result), ("centre", twin.centre), ("mean", twin.mean),
            ("covariance", twin.covariance), ("particles", twin.x[:, :count]),
            ("log_weights", twin.log_weights[:count]), ("weights", twin.weights[:count]),
        ):  # fmt: skip
            np.testing.assert_array_equal(getattr(block, name), expected, f"{name}, step {k}")
    assert resampled > 0


def test_four_particles_share_their_normals_and_cancel():
    for states, count in ((1, 64), (5, 512), (6, 128), (2, 100)):
        x = kernels.Particles(
            states, count, 1, mean=np.zeros(states), factor=np.eye(states, dtype=np.float32), seed=3
        ).particles
        full = x[:, : count // 64 * 64].reshape(states, -1, 4, 16)
        np.testing.assert_array_equal(full[:, :, 0], -full[:, :, 2])
        np.testing.assert_array_equal(full[:, :, 1], -full[:, :, 3])
        # A quarter turn: each pair of states is at a right angle to the next particle's.
        pairs = full[: states // 2 * 2].reshape(-1, 2, *full.shape[1:])
        np.testing.assert_array_equal(pairs[:, 0, :, 1], -pairs[:, 1, :, 0])
        np.testing.assert_array_equal(pairs[:, 1, :, 1], pairs[:, 0, :, 0])
    rest = kernels.Particles(3, 65536, 1, mean=np.zeros(3), factor=np.eye(3, dtype=np.float32))
    z = rest.particles.astype(np.float64)
    assert np.abs(np.cov(z) - np.eye(3)).max() < 0.02
    assert abs((z**4).mean() - 3) < 0.05


def test_asking_for_the_mean_changes_nothing():
    asked, left = (
        kernels.Particles(2, 50, 1, mean=np.ones(2), factor=np.eye(2, dtype=np.float32))
        for _ in range(2)
    )
    rng = np.random.default_rng(1)
    resampled = 0.0
    for _ in range(12):
        for block in (asked, left):
            block.factor[:], block.rows[:] = np.eye(2) * 0.1, [[1.0, 2.0]]
        asked.measured[:] = left.measured[:] = rng.normal()
        assert asked.update(1.0) == left.update(1.0) == 0
        resampled += asked.result[1]
        weights = asked.weights.astype(np.float64)
        if not asked.result[1]:
            expected = asked.centre + asked.particles.astype(np.float64) @ weights
            np.testing.assert_allclose(asked.mean, expected, rtol=1e-5)
    assert 0 < resampled < 12
    assert asked.save() == left.save()
    np.testing.assert_array_equal(asked.covariance, left.covariance)


@pytest.mark.parametrize("scheme", kernels.RESAMPLING)
def test_resampling_is_the_twins(scheme):
    rng = np.random.default_rng(5)
    for n in (1, 2, 3, 16, 17, 500):
        for tick in range(20):
            weights = rng.exponential(size=n) * (rng.random(n) < 0.7)
            weights[rng.integers(n)] = 1
            if tick == 0:
                weights[:] = 1 / 3
            found = kernels.resample(weights, scheme, seed=1, stream=2, tick=tick)
            np.testing.assert_array_equal(found, twins.resample(weights, scheme, 1, 2, tick))


@pytest.mark.parametrize("scheme", kernels.RESAMPLING)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_no_particle_without_weight_is_drawn(scheme, values, seed):
    weights = np.array(values)
    if weights.sum() < 1e-300:
        weights[0] = 1
    chosen = kernels.resample(weights, scheme, seed=seed)
    assert ((chosen >= 0) & (chosen < len(weights))).all()
    assert (weights[chosen] > 0).all()
    share = weights / weights.sum() * len(weights)
    copies = np.bincount(chosen, minlength=len(weights))
    slack = 1e-6
    if scheme == "systematic":  # floor or ceiling of the share
        assert (np.abs(copies - share) < 1 + slack).all()
    if scheme == "stratified":
        assert (np.abs(copies - share) < 2 + slack).all()
    if scheme == "residual":  # whole copies are certain
        assert (copies >= np.floor(share - slack)).all()


@pytest.mark.parametrize("scheme", kernels.RESAMPLING)
def test_resampling_is_unbiased(scheme):
    weights = np.array([0.02, 0.3, 0.11, 0.0, 0.25, 0.07, 0.2, 0.05])
    trials, n = 20_000, len(weights)
    copies = np.zeros((trials, n))
    for tick in range(trials):
        copies[tick] = np.bincount(kernels.resample(weights, scheme, tick=tick), minlength=n)
    expected = weights * n
    off = copies.mean(0) - expected
    # Hotelling: copies sum to n and depend on each other, so the rank is below their number.
    values, vectors = np.linalg.eigh(np.cov(copies.T) / trials)
    kept = values > 1e-9 * values[-1]
    statistic = np.sum((vectors[:, kept].T @ off) ** 2 / values[kept])
    assert chi_square_tail(float(statistic), int(kept.sum())) > 1e-3
    if scheme == "multinomial":
        total = copies.sum(0)[weights > 0]
        wanted = trials * expected[weights > 0]
        assert np.sum((total - wanted) ** 2 / wanted) < 22.5  # 6 degrees, 99.9 %


@pytest.mark.parametrize(("states", "outputs"), [(1, 1), (5, 1), (6, 3), (20, 2)])
def test_kalman_is_the_twins_to_rounding(states, outputs):
    mean, factor, step, noise, rng = problem(states, outputs, 8)
    covariance, process = (f.astype(np.float64) @ f.T for f in (factor, step))
    block = kalman(states, outputs, mean=mean, covariance=covariance, process=process)
    block.noise[:] = noise
    for k in range(60):
        rows, measured = rng.normal(size=(outputs, states)), rng.normal(size=outputs)
        if k % 9 == 8:
            measured[0] = np.nan
        dt = (1.0, 0.0, 3.0)[k % 3]
        block.rows[:], block.measured[:] = rows, measured
        assert block.update(dt) == 0
        mean, covariance, expected, sigma = twins.kalman(
            mean, covariance, process, noise, rows, measured, dt
        )
        np.testing.assert_allclose(block.mean, mean, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(block.covariance, covariance, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(block.result[2:], [*expected, *sigma], rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(block.covariance, block.covariance.T)


@pytest.mark.parametrize("spread", [1e-6, 1e-3, 1.0])
def test_kalman_holds_where_textbooks_fail(spread):
    """Nearly exact measurements of nearly the same thing, after a vague prior."""
    vague, noise, d = 1e8, 1e-5, 3
    block = kalman(d, covariance=np.eye(d) * vague)
    block.noise[:] = noise
    rng = np.random.default_rng(0)
    exact = [[Fraction(int(i == j)) / Fraction(vague) for j in range(d)] for i in range(d)]
    short = np.eye(d) * vague
    lowest = np.inf
    for _ in range(60):
        row = np.ones(d) + rng.normal(size=d) * spread
        block.rows[:], block.measured[:] = row, 1.0
        block.update(0.0)
        assert np.isfinite(block.covariance).all()
        assert np.linalg.eigvalsh(block.covariance)[0] >= -1e-15 * block.covariance.max()
        seen = short @ row
        short = short - np.outer(seen, seen) / (row @ seen + noise**2)
        lowest = min(lowest, np.linalg.eigvalsh(short)[0] / np.abs(short).max())
        weights = [Fraction(value) for value in row]
        for i in range(d):
            for j in range(d):
                exact[i][j] += weights[i] * weights[j] / Fraction(noise) ** 2
    probe = np.ones(d)
    expected = math.sqrt(float(quadratic(exact, probe)) + noise**2)
    block.rows[:] = probe
    block.predict(0.0)
    np.testing.assert_allclose(block.result[3], expected, rtol=1e-6)
    if spread < 1:
        assert lowest < -1e-9  # the short form is no covariance any more


def quadratic(information, probe):
    """probe' information^-1 probe in exact fractions, by elimination."""
    d = len(probe)
    rows = [[*information[i], Fraction(float(probe[i]))] for i in range(d)]
    for i in range(d):
        for j in range(i + 1, d):
            ratio = rows[j][i] / rows[i][i]
            rows[j] = [a - ratio * b for a, b in zip(rows[j], rows[i], strict=True)]
    x = [Fraction(0)] * d
    for i in reversed(range(d)):
        x[i] = (rows[i][d] - sum(rows[i][j] * x[j] for j in range(i + 1, d))) / rows[i][i]
    return sum(Fraction(float(p)) * v for p, v in zip(probe, x, strict=True))


def test_kalman_takes_covariances_of_any_rank():
    rng = np.random.default_rng(6)
    for rank in (0, 1, 2, 4):
        root, step = rng.normal(size=(2, 4, rank))
        mean, covariance, process = np.zeros(4), root @ root.T, step @ step.T
        block = kalman(4, mean=mean, covariance=covariance, process=process)
        for _ in range(10):
            rows, measured = rng.normal(size=(1, 4)), rng.normal(size=1)
            block.rows[:], block.measured[:] = rows, measured
            block.update(0.3)
            mean, covariance, expected, sigma = twins.kalman(
                mean, covariance, process, np.ones(1), rows, measured, 0.3
            )
            np.testing.assert_allclose(block.mean, mean, rtol=1e-9, atol=1e-11)
            np.testing.assert_allclose(block.covariance, covariance, rtol=1e-8, atol=1e-11)
            np.testing.assert_allclose(block.result[2:], [*expected, *sigma], rtol=1e-9)


def test_students_t_is_the_fixed_point():
    """The weight that the kernel gives a residual solves the variational equations."""
    for y in (0.1, 1.0, 5.0, 80.0):
        block = kalman(1, covariance=[[0.5]], degrees=4.0)
        block.noise[:], block.rows[:], block.measured[:] = 0.3, 1, y
        block.update(0.0)
        gain = block.mean[0] / y
        r = 0.5 * (1 - gain) / gain
        rest = (y - block.mean[0]) ** 2 + block.covariance[0, 0]
        np.testing.assert_allclose(r, 0.09 * (4 + rest / 0.09) / 5, rtol=2e-2)
    assert abs(block.mean[0]) < 0.1  # 80, a hundred sigmas away, hardly counts


def test_adaptive_scale_stays_where_the_process_is_right_and_follows_where_not():
    rng = np.random.default_rng(2)
    for true, low, high in ((1.0, 0.2, 5.0), (100.0, 20.0, 500.0)):
        block = kalman(1, process=[[0.01]], adaptive=0.05)
        block.noise[:], block.rows[:] = 0.1, 1
        x, scales = 0.0, []
        for _ in range(4000):
            x += rng.normal() * 0.1 * np.sqrt(true)
            block.measured[:] = x + rng.normal() * 0.1
            block.update(1.0)
            scales.append(block.result[0])
        assert low < np.exp(np.mean(np.log(scales[500:]))) < high


def test_a_refused_call_changes_nothing():
    for block in (
        kernels.Particles(2, 50, 1, mean=np.zeros(2), factor=np.eye(2, dtype=np.float32)),
        kalman(2),
    ):
        block.rows[:] = [[1.0, np.inf]]
        before = block.save()
        assert block.update(1.0) != 0
        assert block.predict(1.0) != 0
        block.rows[:] = 1
        block.measured[:] = np.inf
        assert block.update(1.0) != 0
        block.measured[:] = 1
        assert block.update(-1.0) != 0
        assert block.update(float("nan")) != 0
        block.rows[:] = [[1.0, np.inf]]
        block.measured[:] = 0
        assert block.save() == before


def test_wrong_lengths_are_refused_by_c():
    library = _filtering._load()
    block = kalman(2)
    place, length = block.memory.ctypes.data, len(block.memory)
    assert library.hb_kalman_update(place, length - 1, 1.0) == -1
    assert library.hb_kalman_update(place, 3, 1.0) == -1
    particles = kernels.Particles(2, 50, 1, mean=np.zeros(2), factor=np.eye(2, dtype=np.float32))
    place, length = particles.memory.ctypes.data, len(particles.memory)
    work = particles._scratch.ctypes.data, len(particles._scratch)
    assert library.hb_particles_update(place, length + 64, *work, 1.0) == -1
    assert library.hb_particles_update(place, length, work[0], work[1] - 64, 1.0) == -2
    assert library.hb_kalman_update(place, length, 1.0) == -1
    offsets = (ctypes.c_uint32 * 11)()
    for sizes in ((0, 500, 1), (257, 500, 1), (5, 1, 1), (5, 65537, 1), (5, 500, 0), (5, 500, 65)):
        assert library.hb_particles_layout(*sizes, offsets) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"states": 0}, "states"), ({"count": 1}, "count"), ({"outputs": 65}, "outputs"),
        ({"resampling": "best"}, "systematic"), ({"threshold": 1.5}, "threshold"),
        ({"threshold": float("nan")}, "threshold"), ({"degrees": -1.0}, "degrees"),
        ({"seed": -1}, "seed"), ({"stream": 2**32}, "stream"), ({"mean": np.zeros(3)}, "mean"),
    ],
)  # fmt: skip
def test_refusals(arguments, message):
    given = {
        "states": 2, "count": 10, "outputs": 1, "mean": np.zeros(2),
        "factor": np.eye(2, dtype=np.float32), **arguments,
    }  # fmt: skip
    with pytest.raises(KernelError, match=message):
        kernels.Particles(**given)


def test_weights_that_are_none_are_refused():
    for weights in (
        [0.0, 0.0],
        [1.0, -1.0],
        [np.nan, 1.0],
        [np.inf, 1.0],
        [0.0, 2e-313],
        [],
        [[1.0]],
    ):
        with pytest.raises(KernelError, match="weights"):
            kernels.resample(np.array(weights))


def saved_filters():
    particles = kernels.Particles(2, 50, 1, mean=np.ones(2), factor=np.eye(2, dtype=np.float32))
    particles.rows[:], particles.measured[:], particles.factor[:] = 1, 2, np.eye(2)
    particles.update(1.0)
    exact = kalman(2, covariance=np.eye(2), process=np.eye(2) * 0.1, adaptive=0.1)
    exact.rows[:], exact.measured[:] = 1, 2
    exact.update(1.0)
    return particles, exact


def test_a_saved_filter_goes_on_where_it_was():
    for block in saved_filters():
        again = type(block).of(block.save())
        for _ in range(5):
            assert block.update(1.0) == again.update(1.0) == 0
        assert block.save() == again.save()


def test_damaged_saved_filters_are_refused_and_never_crash():
    rng = np.random.default_rng(4)
    for block in saved_filters():
        good = block.save()
        for broken in (b"", good[:-1], good + b"\0", b"XXXX" + good[4:], good[:20]):
            with pytest.raises(KernelError):
                type(block).of(broken)
        nan = bytearray(good)
        start = block.mean.ctypes.data - block.memory.ctypes.data
        nan[start : start + 8] = np.array([np.nan]).tobytes()
        with pytest.raises(KernelError, match="NaN"):
            block.restore(bytes(nan))
        assert block.save() == good
        for _ in range(300):
            hostile = np.frombuffer(good, np.uint8).copy()
            for place in rng.integers(0, len(hostile), 3):
                hostile[place] = rng.integers(256)
            try:
                again = type(block).of(hostile.tobytes())
            except KernelError:
                continue
            again.update(1.0)
            again.predict(1.0)
