"""A fleet is many models of one: the same answers, however the measurements come."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import adapt
from homebody.adapt import Base, Gate, ModelOfOne, Prior, Sensor
from homebody.adapt.fleet import STATUSES, Fleet
from homebody.errors import FleetError
from tests.adapt.fleet_data import measurements, prior_of

CASES = {
    "shadow": (1, {}),
    "often": (1, {"gate": Gate(sigmas=0.0), "step": 60.0}),
    "interval": (1, {"gate": Gate("interval"), "step": 60.0, "degrees": 4.0, "adaptive": 0.1}),
    "two outputs": (2, {"step": 60.0, "adaptive": 0.05}),
    "robust, two outputs": (2, {"gate": Gate("interval"), "degrees": 3.0}),
    "sensor": (1, {"sensor": Sensor(low=-3.0, high=3.0, far=4.0, repeats=3)}),
    "particles": (1, {"particles": 100, "step": 60.0}),
    "window": (1, {"window": 3, "step": 60.0}),
    "window, interval": (1, {"window": 5, "gate": Gate("interval"), "step": 60.0, "degrees": 4.0}),
    "window, often": (2, {"window": 1, "gate": Gate(sigmas=0.0), "adaptive": 0.1, "step": 60.0}),
    "window, particles": (1, {"window": 2, "particles": 60, "step": 60.0}),
    "particles, interval": (2, {"particles": 60, "gate": Gate("interval"), "degrees": 4.0}),
}


def ones(prior: Prior, count: int, options: dict) -> list[ModelOfOne]:
    options = dict(options)
    degrees = options.pop("degrees", 0.0)
    adaptive, particles = options.pop("adaptive", 0.0), options.pop("particles", None)
    base = Base(np.asarray, prior.mean.reshape(len(prior.noise), -1), "0" * 64)

    def filter(stream):
        if particles is None:
            return prior.filter(degrees=degrees, adaptive=adaptive)
        return prior.particles(degrees=degrees, particles=particles, stream=stream)

    options = {"window": 0, **options}
    return [ModelOfOne(base, str(a), filter=filter(a), **options) for a in range(count)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_asset_is_as_a_model_of_one(case, threads):
    outputs, options = CASES[case]
    prior = prior_of(5 * outputs, outputs)
    fleet = Fleet(prior, 9, threads=threads, **options)
    given = measurements(prior, 9, 500, seed=len(case))
    alone = ones(prior, 9, options)
    seen = [fleet.observe(*(c[i : i + 130] for c in given)) for i in range(0, 500, 130)]
    single = [alone[i].observe(u, y, at) for i, u, y, at in zip(*given, strict=True)]
    status = np.concatenate([s.status for s in seen])
    assert [STATUSES[code] for code in status] == [s.status for s in single]
    assert len(set(status.tolist())) >= 4
    for name in ("mean", "low", "high"):
        mine = np.concatenate([getattr(s, name) for s in seen])
        np.testing.assert_allclose(mine, [getattr(s, name) for s in single], 1e-7, 1e-9)
    pushed = np.concatenate([s.pushed for s in seen])
    assert pushed.tolist() == [s.pushed for s in single]
    assert pushed.any()
    everyone = range(9)
    np.testing.assert_allclose(fleet.state(everyone), [o.state for o in alone], 1e-7, 1e-9)
    np.testing.assert_allclose(fleet.shadow(everyone), [o.shadow for o in alone], 1e-7, 1e-9)
    covariances = [o.filter.covariance for o in alone]
    np.testing.assert_allclose(fleet.covariance(everyone), covariances, 1e-7, 1e-10)
    assert fleet.updates(everyone).tolist() == [o.updates for o in alone]
    assert fleet.pushes(everyone).tolist() == [o.pushes for o in alone]
    at = given.at[-1] + 300
    mean, (low, high) = fleet.predict(everyone, given.features[-9:], np.full(9, at))
    for asset, u in enumerate(given.features[-9:]):
        wanted, interval = alone[asset].predict(u, at)
        np.testing.assert_allclose(mean[asset], wanted, 1e-7, 1e-9)
        np.testing.assert_allclose((low[asset], high[asset]), interval, 1e-7, 1e-9)


@pytest.mark.parametrize("case", ["often", "interval"])
def test_anomaly_and_drift_are_as_of_a_model_of_one(case):
    _, options = CASES[case]
    prior = prior_of()
    options = {**options, "adaptive": 0.0}
    fleet, alone = Fleet(prior, 4, **options), ones(prior, 4, options)
    given = measurements(prior, 4, 300)
    given.measured[280:] += 2.0  # what no asset does
    seen = fleet.observe(*given)
    single = [alone[i].observe(u, y, at) for i, u, y, at in zip(*given, strict=True)]
    anomaly = [s.anomaly.value if s.anomaly else np.nan for s in single]
    np.testing.assert_allclose(seen.anomaly, anomaly, 1e-7, 1e-9)
    rare = [s.anomaly is not None and s.anomaly.chance < 1e-3 for s in single]
    assert seen.alarm.tolist() == rare
    assert any(rare)
    drift = fleet.drift(range(4))
    for asset in range(4):
        own = [s.drift for i, s in zip(given.ids, single, strict=True) if i == asset and s.drift]
        if not own:
            continue
        assert drift.df[asset] == own[-1].df
        np.testing.assert_allclose(drift.value[asset], own[-1].value, 1e-6)
        np.testing.assert_allclose(drift.chance[asset], own[-1].chance, 1e-5)


@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=25, deadline=None)
def test_where_a_stream_is_cut_changes_no_bit(seed, cuts):
    prior = prior_of()
    given = measurements(prior, 11, 200, seed)
    window = seed % 3
    whole = Fleet(prior, 11, step=60.0, window=window)
    seen = whole.observe(*given)
    pieces = Fleet(prior, 11, step=60.0, window=window, threads=3)
    edges = [0, *sorted(cuts), 200]
    parts = [pieces.observe(*(c[a:b] for c in given)) for a, b in itertools.pairwise(edges)]
    for name, column in whole.columns().items():
        assert column.tobytes() == pieces.columns()[name].tobytes(), name
    assert np.concatenate([p.status for p in parts]).tolist() == seen.status.tolist()


@given(seed=st.integers(0, 2**32 - 1), window=st.integers(1, 6), particles=st.booleans())
@settings(max_examples=20, deadline=None)
def test_late_measurements_within_the_window_leave_the_state_of_the_right_order(
    seed, window, particles
):
    prior, rng = prior_of(), np.random.default_rng(seed)
    given = measurements(prior, 7, 120, seed, odd=False)
    given.at[:] = np.cumsum(rng.integers(1, 5, 120)) * 7.0  # irregular, and no two alike
    options = {"step": 60.0, "window": window, "sensor": Sensor(repeats=0, far=1e9)}
    options.update({"particles": 20} if particles else {"adaptive": 0.1})
    ordered, late = Fleet(prior, 7, **options), Fleet(prior, 7, **options, threads=2)
    ordered.observe(*given)
    # An asset's measurement changes places with up to as many as the window holds.
    turn = np.arange(120.0)
    for asset in range(7):
        mine = np.flatnonzero(given.ids == asset)
        turn[mine] = mine[np.argsort(np.arange(len(mine)) + rng.uniform(0, window + 1, len(mine)))]
    order = turn.astype(int)
    seen = [late.observe(*(c[order[i : i + 17]] for c in given)) for i in range(0, 120, 17)]
    assert sum(s.counts()["learned"] for s in seen) == 120
    everyone = range(7)
    for name in ("state", "shadow", "covariance", "updates", "pushes", "last"):
        assert getattr(ordered, name)(everyone).tobytes() == getattr(late, name)(everyone).tobytes()
    np.testing.assert_array_equal(ordered.drift(everyone).value, late.drift(everyone).value)


def test_what_comes_too_late_or_twice_is_told_apart():
    fleet = Fleet(prior_of(2), 1, window=2, step=60.0)
    times = (60.0, 0.0, 120.0, 30.0, 30.0, 30.0, 180.0, 150.0, 25.0, 130.0, np.nan, 125.0)
    values = (1.0, 1.1, 1.2, 1.3, 1.3, 1.4, 1.5, np.nan, 1.0, np.inf, 1.0, 1.0)
    seen = [fleet.observe([0], [[1.0]], [y], [t]) for t, y in zip(times, values, strict=True)]
    assert [STATUSES[int(s.status[0])] for s in seen] == [
        "learned", "learned", "learned", "learned", "duplicate", "conflict", "learned", "missing",
        "late", "missing", "refused", "learned",
    ]  # fmt: skip
    assert fleet.updates([0]).tolist() == [6]
    assert fleet.last([0]).tolist() == [180.0]
    # What is expected of a late one is expected at its own time.
    early, first = Fleet(prior_of(2), 1, window=2, step=60.0), fleet.prior.mean @ [1.0, 1.0]
    early.observe([0], [[1.0]], [5.0], [600.0])
    np.testing.assert_allclose(early.observe([0], [[1.0]], [1.0], [0.0]).mean, first)


def test_assets_move_between_fleets():
    prior = prior_of()
    given = measurements(prior, 12, 300)
    for options in ({}, {"particles": 50}, {"window": 3}):
        whole, other = Fleet(prior, 12, **options), Fleet(prior, 12, **options)
        whole.observe(*(c[:200] for c in given))
        for name in whole.assets:
            other.load_asset(name, whole.save_asset(name))
        for fleet in (whole, other):
            fleet.observe(*(c[200:] for c in given))
        assert [whole.save_asset(n) for n in range(12)] == [other.save_asset(n) for n in range(12)]
        with pytest.raises(FleetError, match="are no asset"):
            other.load_asset(3, whole.save_asset(3)[1:])
        broken = bytearray(whole.save_asset(3))
        broken[-8:] = np.float64(np.nan).tobytes()
        before = other.save_asset(3)
        with pytest.raises(FleetError, match="no filter would"):
            other.load_asset(3, bytes(broken))
        assert other.save_asset(3) == before


def test_unknown_assets_are_refused_skipped_or_added():
    prior = prior_of(2)
    row = ([[1.0], [1.0]], [1.0, 1.0], [0.0, 0.0])
    fleet = Fleet(prior, ["a"])
    with pytest.raises(FleetError, match="no asset 'b'"):
        fleet.observe(["a", "b"], *row)
    assert fleet.updates(["a"]).tolist() == [0]
    skipping = Fleet(prior, ["a"], unknown="skip")
    assert skipping.observe(["a", "b"], *row).counts() == {"learned": 1, "unknown": 1}
    assert skipping.assets == ["a"]
    adding = Fleet(prior, unknown="add")
    assert adding.observe(["b", "a"], *row).counts() == {"learned": 2}
    assert adding.assets == ["b", "a"]
    assert adding.observe(["", "x" * 201], *row).counts() == {"unknown": 2}
    for n in range(40):
        adding.observe([f"new {n}"], [[1.0]], [1.0], [0.0])
    assert len(adding) == 42
    np.testing.assert_array_equal(adding.shadow(["a", "new 39"])[0], adding.shadow(["new 39"])[0])


@pytest.mark.parametrize(
    ("ids", "features", "measured", "at"),
    [
        ([[0]], [[1.0]], [1.0], [0.0]),
        ([0.5], [[1.0]], [1.0], [0.0]),
        ([None], [[1.0]], [1.0], [0.0]),
        ([2**63], [[1.0]], [1.0], [0.0]),
        (["0"], [[1.0]], [1.0], [0.0]),
        ([True], [[1.0]], [1.0], [0.0]),
        ([0], [[1.0, 2.0]], [1.0], [0.0]),
        ([0], [["1"]], [1.0], [0.0]),
        ([0], [[1.0], [2.0]], [1.0], [0.0]),
        ([0], [[1.0]], [1.0, 2.0], [0.0]),
        ([0], [[1.0]], [1j], [0.0]),
        ([0], [[1.0]], [None], [0.0]),
        ([0], [[1.0]], [1.0], [0.0, 1.0]),
        ([0], [[1.0]], [1.0], ["now"]),
        ([9], [[1.0]], [1.0], [0.0]),
    ],
)
def test_what_is_no_measurement_is_refused_and_changes_nothing(ids, features, measured, at):
    fleet = Fleet(prior_of(2), 3)
    before = {name: column.tobytes() for name, column in fleet.columns().items()}
    with pytest.raises(FleetError):
        fleet.observe(ids, features, measured, at)
    assert before == {name: column.tobytes() for name, column in fleet.columns().items()}


def test_numbers_out_of_range_are_refused_row_by_row():
    fleet = Fleet(prior_of(2), 3)
    seen = fleet.observe(
        [0, 1, 2, 0, 1, 2],
        [[1e19], [1.0], [1.0], [np.inf], [1.0], [1.0]],
        [1.0, 1e101, 1.0, 1.0, np.inf, 1.0],
        [0.0, 0.0, np.nan, 0.0, 0.0, 0.0],
    )
    found = [STATUSES[code] for code in seen.status]
    assert found == ["refused", "refused", "refused", "missing", "missing", "learned"]
    assert fleet.updates(range(3)).tolist() == [0, 0, 1]


def test_times_may_be_dates_and_default_to_the_next_step():
    prior = prior_of(2)
    fleet, same = Fleet(prior, 1, step=60.0), Fleet(prior, 1, step=60.0)
    when = np.array(["2026-01-01T00:00", "2026-01-01T00:01"], "datetime64[s]")
    fleet.observe([0, 0], [[1.0], [2.0]], [1.0, 2.0], when)
    same.observe([0, 0], [[1.0], [2.0]], [1.0, 2.0])
    assert fleet.last([0]).tolist() == [when[1].astype(np.int64)]
    assert same.last([0]).tolist() == [60.0]
    np.testing.assert_array_equal(fleet.shadow([0]), same.shadow([0]))
    missing = np.array(["NaT"], "datetime64[s]")
    assert fleet.observe([0], [[1.0]], [1.0], missing).counts() == {"refused": 1}


def test_a_wrong_fleet_is_refused():
    prior = prior_of(2)
    for options in (
        {"confidence": 1.0}, {"step": 0.0}, {"unknown": "guess"}, {"degrees": -1.0},
        {"particles": 1}, {"particles": 10, "adaptive": 0.1}, {"adaptive": 1.0},
        {"window": -1}, {"window": 1025},
    ):  # fmt: skip
        with pytest.raises(FleetError):
            Fleet(prior, 1, **options)
    for assets in (["a", "a"], ["a", 1], -1, 2**40, [""]):
        with pytest.raises(FleetError):
            Fleet(prior, assets)


def test_the_fleet_is_fetched_when_it_is_asked_for():
    script = "import sys, homebody.adapt; print('homebody.adapt.fleet' in sys.modules); "
    script += "from homebody.adapt import Fleet; print(Fleet.__name__, 'pyarrow' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.stdout.split() == ["False", "Fleet", "False"], ran.stderr
    with pytest.raises(AttributeError, match="no attribute 'Flotte'"):
        adapt.Flotte  # noqa: B018


def test_nothing_is_nothing():
    fleet = Fleet(prior_of(2), 3)
    assert fleet.observe([], np.empty((0, 1)), np.empty((0, 1)), np.empty(0)).counts() == {}
    empty = Fleet(prior_of(2))
    assert len(empty) == 0
    assert empty.predict([], np.empty((0, 1)))[0].shape == (0, 1)
