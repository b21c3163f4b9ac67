"""A model of one: what it predicts, and what becomes of every kind of measurement."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.adapt import (
    Base,
    Gate,
    Gaussian,
    LastLayerFilter,
    ModelOfOne,
    ParticleFilter,
    Prior,
    Sensor,
    StudentT,
    chi_square_threshold,
    last_layer_rows,
)
from homebody.adapt.scores import coverage, crps
from homebody.errors import (
    AdaptError,
    BaseChangedError,
    FilterError,
    HomebodyError,
    OwnerStateError,
)

WEIGHTS = np.array([[1.0, 0.5, 0.0]])
PRIOR = Prior(WEIGHTS[0], np.eye(3) * 0.1, np.eye(3) * 1e-5, np.array([0.1]))
BASE = Base(np.asarray, WEIGHTS, "0" * 64, PRIOR)
TRUTH = np.array([1.2, 0.1, 0.3])


def twin(**options):
    return ModelOfOne(BASE, "cell 7", **options)


def measurements(n, seed=0, noise=0.1, truth=TRUTH):
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(n, 2))
    return u, u @ truth[:2] + truth[2] + rng.normal(size=n) * noise


def feed(model, n=100, seed=0, **options):
    u, y = measurements(n, seed, **options)
    return [model.observe(*pair) for pair in zip(u, y.tolist(), strict=True)]


@pytest.mark.parametrize(
    "filter",
    [
        None, PRIOR.particles(particles=2000), PRIOR.filter(degrees=4), PRIOR.filter(adaptive=0.05),
        PRIOR.particles(degrees=4.0, particles=2000),
        ParticleFilter(
            PRIOR.mean, PRIOR.covariance, process=StudentT(0.003, 5.0), likelihood=Gaussian(0.1)
        ),
    ],
    ids=["exact", "particles", "robust", "adaptive", "robust particles", "general particles"],
)  # fmt: skip
def test_it_learns_its_asset(filter):
    model = twin(filter=filter)
    before = model.predict([1.0, 1.0])
    assert before.mean[0] == pytest.approx(1.5, abs=0.05)  # particles have their own mean
    feed(model)
    mean, (low, high) = model.predict([1.0, 1.0])
    assert abs(mean[0] - 1.6) < 0.1
    assert low[0] < 1.6 < high[0]
    assert 0.3 < high[0] - low[0] < 0.6
    assert model.updates == 100
    assert 1 <= model.pushes < 60


def test_predictions_of_many_inputs_are_those_of_each():
    model = twin()
    feed(model, 20)
    u, _ = measurements(5, seed=9)
    mean, (low, high) = model.predict(u)
    assert mean.shape == low.shape == high.shape == (5, 1)
    for i in range(5):
        one = model.predict(u[i])
        np.testing.assert_allclose(one.mean, mean[i])
        np.testing.assert_allclose(one.interval.low, low[i])
        np.testing.assert_allclose(one.interval.high, high[i])


def test_intervals_cover_what_they_promise_and_learning_pays():
    """Over a simulated fleet: 95 % intervals hold 95 %, and CRPS beats the base model's."""
    rng = np.random.default_rng(12)
    inside = count = 0
    ours, theirs = [], []
    for asset in range(60):
        truth = rng.multivariate_normal(PRIOR.mean, PRIOR.covariance)
        model = twin()
        feed(model, 15, seed=asset, truth=truth)
        u, y = measurements(20, seed=1000 + asset, truth=truth)
        mean, (low, high) = model.predict(u)
        a, b = coverage(low[:, 0], high[:, 0], y)
        inside, count = inside + a, count + b
        sigma = (high - low)[:, 0] / (2 * 1.959964)
        ours.append(crps(mean[:, 0], sigma, y).mean())
        theirs.append(np.abs(u @ WEIGHTS[0, :2] - y).mean())
    assert 0.93 < inside / count < 0.97  # n = 1200
    assert np.mean(ours) < 0.25 * np.mean(theirs)
    assert np.mean(ours) < 1.3 * 0.1 / np.sqrt(np.pi)  # what the noise alone scores


# ------------------------------------------------------------------ the gate


def test_the_shadow_learns_always_and_pushes_for_a_reason():
    calm, eager = twin(gate=Gate(sigmas=5.0)), twin(gate=Gate(sigmas=0.0))
    for model in (calm, eager):
        feed(model, 50)
    np.testing.assert_array_equal(calm.shadow, eager.shadow)
    assert calm.pushes < 10
    assert eager.pushes == 50
    np.testing.assert_array_equal(eager.state, eager.shadow)
    assert np.abs(calm.state - calm.shadow).max() > 0
    # Deployed is behind; its interval knows.
    for u in measurements(20, seed=3)[0]:
        wide, narrow = calm.predict(u), eager.predict(u)
        assert wide.interval.high - wide.interval.low >= narrow.interval.high - narrow.interval.low


def test_a_push_is_when_predictions_differ_by_more_than_the_sigmas():
    model = twin(gate=Gate(sigmas=2.0))
    for pair in zip(*measurements(60), strict=True):
        deployed, rows = model.state, last_layer_rows(pair[0])
        observation = model.observe(*pair)
        shadow = model.shadow
        unsure = np.sqrt(rows @ model.filter.covariance @ rows.T)[0, 0]
        assert observation.pushed == (abs(rows @ (shadow - deployed))[0] > 2 * unsure)
        np.testing.assert_array_equal(model.state, shadow if observation.pushed else deployed)


def test_the_interval_gate_is_the_articles_rule():
    prior = Prior(WEIGHTS[0], np.eye(3) * 1e-4, np.eye(3) * 1e-4, np.array([0.1]))
    base = Base(np.asarray, WEIGHTS, "0" * 64, prior)
    model = ModelOfOne(base, "a", gate=Gate("interval"))
    for u, y in zip(*measurements(80), strict=True):
        expected, before = model.predict(u), model.filter.save()
        observation = model.observe(u, float(y))
        outside = not expected.interval.low[0] <= y <= expected.interval.high[0]
        assert observation.status == ("learned" if outside else "inside")
        assert observation.pushed == outside
        if not outside:
            assert model.filter.save()[:64] == before[:64]
            np.testing.assert_array_equal(model.shadow, model.state)
    assert 3 < model.updates < 60
    assert abs(model.predict([1.0, 1.0]).mean[0] - 1.6) < 0.3


def test_a_prior_much_too_wide_keeps_the_interval_gate_shut():
    prior = Prior(WEIGHTS[0], np.eye(3) * 10, np.eye(3) * 10, np.array([0.1]))
    model = ModelOfOne(Base(np.asarray, WEIGHTS, "0" * 64, prior), "a", gate=Gate("interval"))
    feed(model, 50)
    assert model.updates == 0
    model = ModelOfOne(Base(np.asarray, WEIGHTS, "0" * 64, prior), "a")
    feed(model, 50)
    assert model.updates == 50


@pytest.mark.parametrize("fixed", [True, False])
def test_alarms_are_as_rare_as_they_should_be(fixed):
    """Assets as the prior has them: drift and anomaly scores are chi-square."""
    rng = np.random.default_rng(5)
    process = np.zeros((3, 3)) if fixed else np.eye(3) * 1e-3
    prior = Prior(PRIOR.mean, PRIOR.covariance, process, PRIOR.noise)
    base = Base(np.asarray, WEIGHTS, "0" * 64, prior)
    drifts, anomalies = [], []
    for asset in range(250):
        x = rng.multivariate_normal(prior.mean, prior.covariance)
        model = ModelOfOne(base, str(asset), gate=Gate(false_alarm=0.01))
        for _ in range(12):
            x = x + rng.normal(size=3) * np.sqrt(np.diag(process))
            u = rng.normal(size=2)
            observation = model.observe(u, float(u @ x[:2] + x[2] + rng.normal() * 0.1))
            anomalies.append(observation.anomaly)
        drifts.append(observation.drift)
    assert {score.df for score in drifts} == {3}
    assert {score.df for score in anomalies} == {1}
    for scores, df in ((drifts, 3), (anomalies, 1)):
        chances = np.array([score.chance for score in scores])
        values = np.array([score.value for score in scores])
        assert abs(values.mean() - df) < 5 * np.sqrt(2 * df / len(values))
        for rate in (0.05, 0.2, 0.5):
            margin = 4 * np.sqrt(rate * (1 - rate) / len(chances))
            assert abs((chances < rate).mean() - rate) < margin


def test_a_drifting_asset_raises_an_alarm():
    model = twin(gate=Gate(false_alarm=1e-3))
    observations = feed(model, 60, truth=np.array([3.0, -1.0, 2.0]))
    assert observations[-1].alarm
    assert observations[-1].drift.chance < 1e-3
    assert observations[-1].drift.value > chi_square_threshold(1e-3, 3)
    model = twin()
    feed(model, 30)
    u = np.array([1.0, 1.0])
    odd = model.observe(u, 1.6 + 1.0)
    assert odd.alarm
    assert odd.anomaly.chance < 1e-3


# ------------------------------------------------------------------ every kind of measurement


@pytest.mark.parametrize("nothing", [None, np.nan, np.inf, -np.inf, [np.nan]])
def test_missing_measurements_let_time_pass(nothing):
    model, other = twin(step=1.0), twin(step=1.0)
    for one in (model, other):
        feed(one, 5)
    observation = model.observe([1.0, 1.0], nothing, at=5.0)
    assert observation.status == "missing"
    assert model.updates == 5
    for one in (model, other):
        one.observe([1.0, 0.0], 1.5, at=9.0)
    np.testing.assert_array_equal(model.shadow, other.shadow)


def test_a_missing_input_teaches_nothing():
    model = twin()
    observation = model.observe([np.nan, 1.0], 1.0)
    assert observation.status == "missing"
    assert observation.note
    assert model.updates == 0


def test_irregular_times_are_what_the_process_is_given():
    prior = Prior(PRIOR.mean, PRIOR.covariance, np.eye(3) * 0.01, PRIOR.noise)
    base = Base(np.asarray, WEIGHTS, "0" * 64, prior)
    model = ModelOfOne(base, "a", step=60.0)
    exact = prior.filter()
    last = None
    for at, u, y in zip([0.0, 60.0, 90.0, 1000.0], *measurements(4), strict=True):
        model.observe(u, float(y), at=at)
        exact.update(last_layer_rows(u), float(y), 1.0 if last is None else (at - last) / 60)
        last = at
    np.testing.assert_allclose(model.shadow, exact.mean, rtol=1e-13)
    near, far = model.predict([1.0, 1.0], at=1000.0), model.predict([1.0, 1.0], at=9000.0)
    assert near.mean == far.mean
    assert far.interval.high > near.interval.high


def test_times_may_be_datetimes():
    model = twin(step=60.0)
    first = model.observe([1.0, 1.0], 1.6, at=datetime(2024, 1, 1, tzinfo=UTC))
    second = model.observe([1.0, 1.0], 1.6)
    assert second.at - first.at == 60.0
    for wrong in ("yesterday", np.nan, np.inf, True):
        with pytest.raises(FilterError, match="time"):
            model.observe([1.0, 1.0], 1.0, at=wrong)


@pytest.mark.parametrize("make", [PRIOR.filter, PRIOR.particles], ids=["exact", "particles"])
@given(st.permutations(range(7)))
@settings(deadline=None, max_examples=25)
def test_the_order_of_arrival_does_not_matter_within_the_window(make, order):
    u, y = measurements(7, seed=4)
    in_order, shuffled = (twin(filter=make(), step=1.0, window=8) for _ in range(2))
    # A first measurement, before which there is nothing to go back to.
    for model in (in_order, shuffled):
        model.observe([0.5, 0.5], 1.0, at=-1.0)
    for i in range(7):
        in_order.observe(u[i], float(y[i]), at=i * 1.5)
    for i in order:
        assert shuffled.observe(u[i], float(y[i]), at=i * 1.5).status == "learned"
    assert in_order.filter.save() == shuffled.filter.save()
    np.testing.assert_array_equal(in_order.state, shuffled.state)
    assert in_order.updates == shuffled.updates == 8
    assert in_order.pushes == shuffled.pushes


def test_what_is_later_than_the_window_is_dropped():
    model = twin(step=1.0, window=3)
    feed(model, 10)
    before = model.filter.save()
    assert model.observe([1.0, 1.0], 1.6, at=2.5).status == "late"
    assert model.filter.save() == before
    assert model.observe([1.0, 1.0], 1.6, at=7.5).status == "learned"
    assert twin(window=0).observe([1.0, 1.0], 1.6, at=3.0).status == "learned"


def test_duplicates_and_conflicts_are_dropped():
    model = twin(step=1.0)
    u, y = measurements(5)
    for i in range(5):
        model.observe(u[i], float(y[i]), at=float(i))
    before = model.filter.save()
    for i in range(5):
        assert model.observe(u[i], float(y[i]), at=float(i)).status == "duplicate"
    assert model.observe(u[2], float(y[2]) + 0.1, at=2.0).status == "conflict"
    assert model.observe(u[3], float(y[2]), at=2.0).status == "conflict"
    assert model.filter.save() == before
    assert [o.status for o in model.history].count("learned") == 5


def test_every_measurement_applied_twice_in_any_order_counts_once():
    u, y = measurements(6)
    once, twice = twin(step=1.0), twin(step=1.0)
    for i in range(6):
        once.observe(u[i], float(y[i]), at=float(i))
    for i, j in itertools.chain(enumerate(range(6)), enumerate([3, 0, 5])):
        twice.observe(u[j], float(y[j]), at=float(j))
        if i % 2:
            twice.observe(u[j], float(y[j]), at=float(j))
    assert once.filter.save() == twice.filter.save()


def test_a_stuck_sensor_is_not_believed():
    model = twin(sensor=Sensor(repeats=4))
    feed(model, 20)
    u, _ = measurements(10, seed=8)
    statuses = [model.observe(u[i], 1.37).status for i in range(10)]
    assert "stuck" in statuses
    assert statuses[:3] == ["learned"] * 3
    assert set(statuses[4:]) == {"stuck"}
    assert model.observe(u[0], float(u[0] @ TRUTH[:2] + TRUTH[2])).status == "learned"
    # The same number where the same is expected is no fault.
    steady = twin(sensor=Sensor(repeats=4))
    assert {steady.observe([1.0, 1.0], 1.6).status for _ in range(20)} == {"learned"}


@pytest.mark.parametrize("factor", [1000.0, 0.001, 3600.0, 60.0])
def test_wrong_units_are_noticed(factor):
    model = twin()
    feed(model, 30)
    u = np.array([3.0, 1.0])
    observation = model.observe(u, float(u @ TRUTH[:2] + TRUTH[2]) * factor)
    assert observation.status == "units"
    assert f"{factor if factor > 1 else 1 / factor:g}" in observation.note
    assert model.updates == 30


def test_implausible_measurements_are_not_used():
    model = twin(sensor=Sensor(low=0.0, high=5.0))
    assert model.observe([1.0, 1.0], 6.0).status == "implausible"
    assert model.observe([1.0, 1.0], -0.1).status == "implausible"
    assert model.observe([1.0, 1.0], 1.6).status == "learned"
    assert model.updates == 1


def test_several_outputs_learn_from_those_that_are_there():
    weights = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    prior = Prior(weights.ravel(), np.eye(6) * 0.1, np.eye(6) * 1e-5, np.array([0.1, 0.2]))
    base = Base(np.asarray, weights, "1" * 64, prior)
    rng = np.random.default_rng(0)
    for filter in (prior.filter(), prior.particles(particles=5000)):
        model = ModelOfOne(base, "two", filter=filter)
        for k in range(120):
            u = rng.normal(size=2)
            y = np.array([u @ [1.3, 0.1] + 0.2, u @ [-0.2, 0.8]]) + rng.normal(size=2) * 0.1
            if k % 3 == 0:
                y[0] = np.nan
            observation = model.observe(u, y)
            assert observation.anomaly.df == (1 if k % 3 == 0 else 2)
        np.testing.assert_allclose(model.predict([1.0, 1.0]).mean, [1.6, 0.6], atol=0.2)
        with pytest.raises(AdaptError, match="2 numbers"):
            model.observe(u, 1.0)


def test_what_does_not_fit_is_refused_and_changes_nothing():
    model = twin()
    feed(model, 5)
    before = (model.filter.save(), model.history, model.state)
    for u, y in (([1.0, 1.0], [1.0, 2.0]), ([1.0, 1.0], "much"), ([1.0], 1.0),
                 ([[1.0, 1.0]], 1.0), ([1.0, 1.0, 1.0], 1.0)):  # fmt: skip
        with pytest.raises(HomebodyError):
            model.observe(u, y)
    assert model.filter.save() == before[0]
    assert model.history == before[1]
    with pytest.raises(AdaptError):
        model.predict([1.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"asset": ""}, "name"), ({"asset": "x" * 201}, "name"),
        ({"confidence": 1.0}, "confidence"),
        ({"step": 0.0}, "step"), ({"window": -1}, "window"), ({"source": 7}, "no base model"),
        ({"source": Base(np.asarray, WEIGHTS, "0" * 64)}, "prior"),
        ({"filter": LastLayerFilter([0.0], [[1.0]], process=Gaussian(0.0), noise=Gaussian(1.0))},
         "states"),
    ],
)  # fmt: skip
def test_models_that_cannot_be_are_refused(options, message):
    given = {"source": BASE, "asset": "a", **options}
    with pytest.raises(AdaptError, match=message):
        ModelOfOne(given.pop("source"), given.pop("asset"), **given)


def test_gates_and_sensors_refuse_nonsense():
    for make in (
        lambda: Gate("always"), lambda: Gate(sigmas=-1.0), lambda: Gate(confidence=1.0),
        lambda: Gate(false_alarm=0.0), lambda: Sensor(low=1.0, high=1.0), lambda: Sensor(repeats=1),
        lambda: Sensor(far=0.0),
    ):  # fmt: skip
        with pytest.raises(FilterError):
            make()


def test_history_is_bounded():
    model = twin(history=7)
    feed(model, 20)
    assert len(model.history) == 7
    assert model.history[-1].at == 19.0


# ------------------------------------------------------------------ keeping


@pytest.mark.parametrize("make", [PRIOR.filter, PRIOR.particles], ids=["exact", "particles"])
def test_a_loaded_model_goes_on_as_if_it_had_never_stopped(tmp_path, make):
    path = tmp_path / "owner.safetensors"
    model = twin(filter=make(), step=2.0, gate=Gate(sigmas=1.5), sensor=Sensor(high=50.0))
    feed(model, 25)
    model.observe([1.0, 1.0], np.nan)
    model.save(path)
    again = ModelOfOne.load(path, BASE)
    assert again.asset == "cell 7"
    assert again.gate == model.gate
    assert again.sensor == model.sensor
    assert repr(again.history) == repr(model.history)  # NaN differs from itself
    u, y = measurements(10, seed=5)
    for one in (model, again):
        one.observe([0.3, 0.1], 0.7, at=41.0)  # late, within the window
        assert one.observe([0.3, 0.1], 0.7, at=41.0).status == "duplicate"
        for i in range(10):
            one.observe(u[i], float(y[i]), at=60.0 + i)
    assert model.filter.save() == again.filter.save()
    np.testing.assert_array_equal(model.state, again.state)
    assert repr(model.history) == repr(again.history)
    assert (model.updates, model.pushes) == (again.updates, again.pushes)


def test_a_changed_base_is_never_mixed(tmp_path):
    path = tmp_path / "owner.safetensors"
    model = twin()
    feed(model, 3)
    model.save(path)
    other = Base(np.asarray, WEIGHTS, "f" * 64, PRIOR)
    with pytest.raises(BaseChangedError, match="ffffffffffffffff"):
        ModelOfOne.load(path, other)


def test_a_filter_with_its_own_functions_has_to_be_given(tmp_path):
    path = tmp_path / "owner.safetensors"

    def make():
        return ParticleFilter(
            PRIOR.mean, PRIOR.covariance, process=StudentT(0.01, 5.0), likelihood=Gaussian(0.1)
        )

    model = twin(filter=make())
    feed(model, 10)
    model.save(path)
    with pytest.raises(OwnerStateError, match="filter="):
        ModelOfOne.load(path, BASE)
    with pytest.raises(OwnerStateError, match="general particles"):
        ModelOfOne.load(path, BASE, filter=PRIOR.filter())
    again = ModelOfOne.load(path, BASE, filter=make())
    for one in (model, again):
        feed(one, 5, seed=2)
    np.testing.assert_array_equal(model.shadow, again.shadow)


def test_saving_is_whole_or_not_at_all(tmp_path):
    model = twin()
    with pytest.raises(OwnerStateError):
        model.save(tmp_path / "no folder" / "owner.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_damaged_owner_states_are_refused_and_never_crash(tmp_path):
    path = tmp_path / "owner.safetensors"
    for filter in (PRIOR.filter(), PRIOR.particles(particles=20)):
        model = twin(filter=filter, window=3)
        feed(model, 6)
        model.save(path)
        good = path.read_bytes()
        rng = np.random.default_rng(3)
        refused = 0
        for trial in range(250):
            hostile = bytearray(good)
            if trial % 3 == 0:
                hostile = hostile[: rng.integers(len(good))]
            else:
                for place in rng.integers(0, len(good), 3):
                    hostile[place] = rng.integers(256)
            path.write_bytes(hostile)
            try:
                again = ModelOfOne.load(path, BASE)
            except OwnerStateError:
                refused += 1
                continue
            feed(again, 2, seed=trial)
        assert refused > 80
    for absent in (tmp_path / "absent", tmp_path):
        with pytest.raises(OwnerStateError):
            ModelOfOne.load(absent, BASE)
