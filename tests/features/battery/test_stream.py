"""Following and resuming."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.adapt import Gate, ModelOfOne
from homebody.errors import AdaptError, BaseChangedError, UsageError
from homebody.features.battery.article import discharge, measured
from homebody.features.battery.feature import base_of
from homebody.features.battery.follow import follow, outlook
from homebody.features.battery.measurements import Measurements
from homebody.features.battery.prior import prior_of_training
from homebody.features.battery.stream import open_twin, stream


@pytest.fixture
def base(small_net):
    inputs = np.concatenate([discharge(i, 0.0).inputs for i in (2.0, 3.0)])
    return base_of(small_net, prior_of_training(small_net, inputs, spread=0.3, noise=0.1))


def seen(current: float = 2.2, seed: int = 0, start: float = 0.0) -> Measurements:
    trace = measured(discharge(current, 0.163), np.random.default_rng(seed))
    return Measurements(trace.time + start, trace.current, trace.voltage, trace.charge)


def test_following_predicts_each_measurement_before_it_learns_it(base):
    found = seen()
    done = follow(ModelOfOne(base, "it"), found.inputs, found.voltage)
    one = ModelOfOne(base, "it")
    expected = []
    for point, volts in zip(found.inputs, found.voltage, strict=True):
        expected.append(float(one.predict(point).mean[0]))
        one.observe(point, float(volts))
    assert done.mean == pytest.approx(expected, rel=1e-12)
    assert done.learned.all()
    assert done.final.tolist() == one.state.tolist()
    assert done.updates == one.pushes > 0
    assert done.first is not None
    assert done.first.at == int(np.flatnonzero(done.pushed)[0])


def test_the_first_outlook_is_the_updated_models(base):
    found = seen()
    done = follow(ModelOfOne(base, "it"), found.inputs, found.voltage)
    until = done.first.at + 1
    one = ModelOfOne(base, "it")
    follow(one, found.inputs[:until], found.voltage[:until])
    assert done.first.mean.tolist() == outlook(one, found.inputs)[0].tolist()


def test_streaming_in_two_parts_is_streaming_at_once(base, tmp_path):
    found, path = seen(), tmp_path / "it.safetensors"
    whole, resumed = open_twin(base, path, "it")
    assert not resumed
    stream(whole, found)
    half = Measurements(*(column[:17] for column in found[:4]))
    part, _ = open_twin(base, path, "it")
    stream(part, half).twin.save(path)
    again, resumed = open_twin(base, path, None)
    done = stream(again, found, resumed=resumed)
    assert done.report.resumed
    assert (done.report.skipped, done.report.measurements) == (17, len(found.time) - 17)
    assert done.twin.state.tolist() == whole.state.tolist()
    assert done.twin.shadow.tolist() == whole.shadow.tolist()
    assert len(done.twin.history) == len(found.time)


def test_nothing_new_is_said_unless_the_clock_starts_anew(base, tmp_path):
    twin, _ = open_twin(base, tmp_path / "none", "it")
    first, second = seen(), seen(3.0, seed=1)
    stream(twin, first)
    state = twin.shadow
    with pytest.raises(UsageError, match="--new-cycle"):
        stream(twin, second)
    assert twin.shadow.tolist() == state.tolist()
    done = stream(twin, second, new_cycle=True)
    assert done.report.measurements == len(second.time)
    assert done.report.skipped == 0
    times = [o.at for o in done.observations]
    assert times == pytest.approx((second.time + first.time[-1] + 60.0).tolist())


def test_the_report_counts_what_became_of_measurements(base, tmp_path):
    found = seen()
    volts = found.voltage.copy()
    volts[5] = np.nan
    twin, _ = open_twin(base, tmp_path / "none", "it", robust=False, gate=Gate(sigmas=0.0))
    report = stream(twin, found._replace(voltage=volts)).report
    assert report.statuses == {"learned": len(volts) - 1, "missing": 1}
    assert report.updates == len(volts) - 1
    assert report.rmse < report.pristine_rmse
    assert 0.8 <= report.coverage_95 <= 1


def test_a_state_of_another_battery_or_base_is_not_mixed_in(base, small_net, tmp_path):
    path = tmp_path / "it.safetensors"
    with pytest.raises(UsageError, match="--asset"):
        open_twin(base, path, None)
    with pytest.raises(AdaptError, match="prior"):
        open_twin(base_of(small_net), path, "it")
    twin, _ = open_twin(base, path, "it")
    stream(twin, seen()).twin.save(path)
    with pytest.raises(UsageError, match="another --state"):
        open_twin(base, path, "that")
    (first, biases), *rest = small_net.layers
    other = base_of(type(small_net)(((first + 1e-9, biases), *rest)), base.prior)
    with pytest.raises(BaseChangedError):
        open_twin(other, path, "it")
