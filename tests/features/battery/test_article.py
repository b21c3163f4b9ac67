"""The article's battery against its formula, written out anew."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homebody.features.battery.article import (
    DELTA,
    TRAINING_CURRENTS,
    discharge,
    measured,
    pristine_trace,
    training_traces,
    voltage,
)


@pytest.mark.parametrize("delta", [0.0, 0.163, 0.4])
@pytest.mark.parametrize(("current", "charge"), [(2.0, 0.0), (2.0, 3960.0), (3.5, 4000.0)])
def test_voltage_is_the_closed_form(current, charge, delta):
    a = 4 - 0.25 * (1 + delta) * current
    b = 6000 - 250 * (1 + 2 * delta) * current
    wanted = a - 0.0005 * charge + math.log(b - charge)
    assert float(voltage(current, charge, delta)) == pytest.approx(wanted, rel=1e-14)


def test_an_empty_battery_has_no_voltage():
    assert voltage(2.0, [5500.0, 5499.9999, 1e9]).tolist() == [0.0, 0.0, 0.0]


def test_a_pristine_trace_follows_the_formula_down_to_nothing():
    trace = pristine_trace(3.0)
    assert trace.voltage == pytest.approx(voltage(3.0, trace.charge), rel=1e-12)
    assert trace.charge == pytest.approx(3.0 * trace.time, rel=1e-12)
    assert np.all(np.diff(trace.time) > 0)
    assert np.diff(trace.time).max() <= 10.0
    assert trace.voltage[0] > 11 > 0.5 > trace.voltage[-1] > 0
    assert 5240 < trace.charge[-1] < 5250


def test_the_training_traces_are_the_articles():
    traces = training_traces()
    assert [trace.current[0] for trace in traces] == list(TRAINING_CURRENTS)
    assert (TRAINING_CURRENTS[0], TRAINING_CURRENTS[-1], len(TRAINING_CURRENTS)) == (2.5, 3.5, 10)


def test_a_degraded_discharge_by_the_formula():
    trace = discharge(2.0, DELTA)
    assert trace.time.tolist() == [60.0 * k for k in range(44)]
    assert trace.voltage == pytest.approx(voltage(2.0, trace.charge, DELTA), rel=1e-12)
    assert trace.voltage[-1] >= 5 > float(voltage(2.0, trace.charge[-1] + 120, DELTA))


def test_a_degraded_discharge_of_the_original_program_warps_the_nets_inputs():
    asked = []

    def net(inputs):
        asked.append(inputs)
        return 12 - inputs[:, 1] / 600

    trace = discharge(2.0, DELTA, net)
    (inputs,) = asked
    assert inputs[:, 0] == pytest.approx(np.full(len(inputs), 2.0 * 1.163), rel=1e-12)
    assert inputs[:3, 1] == pytest.approx([0.0, 120 * 1.326, 240 * 1.326], rel=1e-12)
    assert trace.charge[:3].tolist() == [0.0, 120.0, 240.0]
    assert trace.voltage[-1] == pytest.approx(12 - trace.charge[-1] * 1.326 / 600, rel=1e-12)
    assert trace.voltage[-1] >= 5 > 12 - (trace.charge[-1] + 120) * 1.326 / 600


def test_the_sensors_noise_has_its_standard_deviation():
    trace = discharge(2.0, 0.0, step=1.0)
    off = measured(trace, np.random.default_rng(0)).voltage - trace.voltage
    assert len(off) > 2500
    assert off.std() == pytest.approx(0.1, rel=0.06)
    assert abs(off.mean()) < 0.006
