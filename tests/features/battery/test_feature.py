"""A net through .tflite, bundle and LiteRT: the same numbers come out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import homebody
from homebody.adapt import ModelOfOne, Prior
from homebody.errors import CheckError, UsageError
from homebody.features.battery import BatteryTwin, feature
from homebody.features.battery.article import discharge
from homebody.features.battery.feature import base_of, pack_twin
from homebody.features.battery.net import Net
from homebody.features.battery.tflite import to_tflite
from homebody.runtime import Model


@pytest.fixture
def prior(small_net: Net) -> Prior:
    state = small_net.last_layer[0]
    return Prior(state, np.eye(len(state)), np.eye(len(state)) * 1e-3, np.array([0.1]))


@pytest.mark.parametrize("activation", ["silu", "relu"])
@pytest.mark.parametrize("widths", [(2, 3, 1), (2, 4, 16, 64, 16, 4, 1)])
def test_litert_gives_the_nets_prediction_and_its_last_hidden_layer(activation, widths):
    rng = np.random.default_rng(0)
    layers = tuple(
        (rng.normal(size=(a, b)) / np.sqrt(a), rng.normal(size=b)) for a, b in pairwise(widths)
    )
    net = Net(layers, activation)
    model = Model(to_tflite(net))
    assert [spec.shape for spec in model.outputs] == [(1, 1), (1, widths[-2])]
    for point in rng.normal(size=(8, 2)).astype(np.float32):
        prediction, hidden = model(point[None])
        assert prediction[0] == pytest.approx(net(point[None]), rel=1e-4, abs=1e-4)
        assert hidden[0] == pytest.approx(net.features(point[None])[0], rel=1e-4, abs=1e-4)


def test_equal_nets_give_equal_bytes(small_net):
    assert to_tflite(small_net) == to_tflite(small_net)


def test_a_packed_twin_predicts_and_learns_as_the_net_does(tmp_path, small_net, prior):
    path = tmp_path / "cell.hb"
    trace = discharge(2.2, 0.2)
    report = pack_twin(path, small_net, prior, trace.inputs[::6])
    assert report.passed
    assert report.samples == len(trace.inputs[::6])
    with homebody.load(path) as loaded:
        assert isinstance(loaded, BatteryTwin)
        assert loaded(trace.inputs) == pytest.approx(small_net(trace.inputs), abs=1e-4)
        packed = loaded.twin("cell 7")
    direct = ModelOfOne(base_of(small_net, prior), "cell 7")
    for point, volts in zip(trace.inputs, trace.voltage, strict=True):
        packed.observe(point, float(volts))
        direct.observe(point, float(volts))
    mean, wanted = packed.predict(trace.inputs).mean, direct.predict(trace.inputs).mean
    assert mean == pytest.approx(wanted, abs=2e-3)
    assert packed.updates == len(trace.time)


def test_a_bundle_whose_model_is_another_is_refused(tmp_path, small_net, prior, monkeypatch):
    path = tmp_path / "cell.hb"
    path.write_bytes(b"as it was")
    (first, biases), *rest = small_net.layers
    other = Net(((first * 1.01, biases), *rest), small_net.activation)
    monkeypatch.setattr(feature, "to_tflite", lambda net, **names: to_tflite(other, **names))
    with pytest.raises(CheckError, match="SQNR"):
        pack_twin(path, small_net, prior, [[2.0, 1000.0], [3.0, 4000.0]])
    assert path.read_bytes() == b"as it was"


def test_inputs_of_another_shape_are_refused(tmp_path, small_net, prior):
    for examples in ([[1.0, 2.0, 3.0]], np.zeros((0, 2)), np.zeros((2, 2, 2))):
        with pytest.raises(UsageError, match=r"\[n, 2\]"):
            pack_twin(tmp_path / "cell.hb", small_net, prior, examples)
    assert not list(tmp_path.iterdir())
