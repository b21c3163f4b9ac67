"""The trainer: gradients by finite differences, known functions, refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import TrainConfigError
from homebody.features.battery.net import Net, fit, loss_gradient


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    hidden=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    activation=st.sampled_from(["silu", "relu"]),
)
def test_the_gradient_is_that_of_finite_differences(seed, hidden, activation):
    rng = np.random.default_rng(seed)
    sizes = (2, *hidden, 1)
    parameters = rng.normal(size=sum(a * b + b for a, b in pairwise(sizes)))
    x, y = rng.normal(size=(6, 2)), rng.normal(size=6)
    _, gradient = loss_gradient(parameters, sizes, x, y, activation)
    step = 1e-6
    for index in rng.permutation(len(parameters))[:12]:
        moved = np.repeat(parameters[None], 2, axis=0)
        moved[0, index] += step
        moved[1, index] -= step
        up, down = (loss_gradient(p, sizes, x, y, activation)[0] for p in moved)
        # ReLU has kinks, which a step may cross: then both one-sided slopes bound the gradient.
        slope = (up - down) / (2 * step)
        if activation == "relu":
            here = loss_gradient(parameters, sizes, x, y, activation)[0]
            sides = sorted(((up - here) / step, (here - down) / step))
            margin = 1e-4 * (1 + abs(slope))
            assert sides[0] - margin <= gradient[index] <= sides[1] + margin
        else:
            assert gradient[index] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_the_loss_is_the_mean_squared_error_of_the_net_it_describes():
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=2 * 3 + 3 + 3 + 1)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=5)
    w1, b1 = parameters[:6].reshape(2, 3), parameters[6:9]
    w2, b2 = parameters[9:12].reshape(3, 1), parameters[12:]
    z = x @ w1 + b1
    by_hand = (z / (1 + np.exp(-z)) @ w2 + b2)[:, 0]
    loss, _ = loss_gradient(parameters, (2, 3, 1), x, y, "silu")
    assert loss == pytest.approx(np.mean((by_hand - y) ** 2), rel=1e-12)
    assert Net(((w1, b1), (w2, b2)), "silu")(x) == pytest.approx(by_hand, rel=1e-12)


def test_a_net_in_the_worlds_units_learns_a_plane():
    rng = np.random.default_rng(1)
    x = np.stack([rng.uniform(2, 4, 400), rng.uniform(0, 5000, 400)], axis=1)
    y = 12 - 0.5 * x[:, 0] - 0.0005 * x[:, 1]
    found = fit(x, y, hidden=(8, 4), epochs=120, seed=3)
    fresh = np.stack([rng.uniform(2, 4, 50), rng.uniform(0, 5000, 50)], axis=1)
    wanted = 12 - 0.5 * fresh[:, 0] - 0.0005 * fresh[:, 1]
    assert np.sqrt(np.mean((found.net(fresh) - wanted) ** 2)) < 0.1  # of 2.3 V that it ranges over
    assert found.training[-1] < found.training[0] / 20


def test_the_kept_net_is_that_of_the_smallest_validation_error():
    x = np.linspace(0, 1, 100)[:, None]
    found = fit(x, np.sin(6 * x[:, 0]), hidden=(6,), epochs=60, patience=60, seed=0)
    assert found.best == int(np.argmin(found.validation)) + 1
    held = np.random.default_rng(0).permutation(100)[::10]
    off = found.net(x[held]) - np.sin(6 * x[held, 0])
    assert np.mean(off**2) == pytest.approx(found.validation[found.best - 1], rel=1e-9)


def test_patience_stops_training():
    rng = np.random.default_rng(0)
    found = fit(rng.normal(size=(60, 1)), rng.normal(size=60), hidden=(3,), epochs=500, patience=5)
    assert len(found.training) == found.best + 5 < 500


def test_equal_seeds_give_equal_nets_and_others_do_not():
    x, y = np.linspace(0, 1, 50)[:, None], np.linspace(0, 1, 50) ** 2
    first, again, other = (fit(x, y, hidden=(3,), epochs=5, seed=s).net for s in (1, 1, 2))
    assert np.array_equal(first(x), again(x))
    assert not np.array_equal(first(x), other(x))


def test_rank_counts_what_features_tell_apart():
    dead = Net(((np.array([[1.0, -1.0]]), np.zeros(2)), (np.ones((2, 1)), np.zeros(1))), "relu")
    assert dead.rank(np.linspace(1, 2, 9)[:, None]) == 2
    assert dead.rank(np.linspace(-1, 1, 9)[:, None]) == 3
    assert dead.rank(np.full((9, 1), 1.5)) == 1


def test_a_constant_column_or_output_is_no_division_by_zero():
    x = np.stack([np.full(40, 2.0), np.linspace(0, 1, 40)], axis=1)
    found = fit(x, np.full(40, 7.0), hidden=(3,), epochs=30)
    assert np.isfinite(found.net(x)).all()
    assert np.abs(found.net(x) - 7.0).max() < 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"activation": "tanh"}, "silu or relu"),
        ({"hidden": ()}, "hidden layers"),
        ({"hidden": (0,)}, "hidden layers"),
        ({"hidden": (4096, 4096)}, "weights"),
        ({"epochs": 0}, "epochs"),
        ({"batch": 0}, "batch"),
        ({"patience": 0}, "patience"),
        ({"rate": 0.0}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"inputs": np.zeros((19, 1)), "outputs": np.zeros(19)}, "at least 20"),
        ({"outputs": np.zeros(7)}, "outputs"),
        ({"outputs": np.full(30, np.nan)}, "NaN"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(change, said):
    given_ = {"inputs": np.zeros((30, 1)), "outputs": np.zeros(30), "epochs": 1, **change}
    with pytest.raises(TrainConfigError, match=said):
        fit(given_.pop("inputs"), given_.pop("outputs"), **given_)
