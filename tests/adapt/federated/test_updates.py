"""What leaves an owner: never longer than the clip, always noised, on a grid."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.adapt.federated import Privacy, clipped, message, simulate, total
from homebody.errors import FederatedError

values = st.lists(st.floats(-1e150, 1e150), min_size=1, max_size=8)


def norm(arrays) -> float:
    return math.sqrt(math.fsum(float(np.square(a).sum()) for a in arrays.values()))


@given(values, values, st.floats(1e-3, 1e3))
def test_clipping_bounds_the_norm_and_keeps_the_direction(first, second, bound):
    update = {"a": np.array(first), "b": np.array(second)}
    found = clipped(update, bound)
    assert norm(found) <= bound * (1 + 1e-12)
    scale = max(np.abs(first).max(), np.abs(second).max())
    if scale and norm({n: v / scale for n, v in update.items()}) * scale <= bound * (1 - 1e-9):
        assert all((found[n] == update[n]).all() for n in update)
    elif scale:
        shares = np.concatenate([found[n] for n in update]) / bound
        kept = np.concatenate([update[n] / scale for n in update])
        assert shares == pytest.approx(kept / np.linalg.norm(kept), abs=1e-9)


@given(values, st.floats(0.01, 10))
def test_without_noise_a_message_is_the_clipped_update_on_the_grid(update, clip):
    sent = message({"a": update}, Privacy(0.0, 1, clip))["a"]
    exact = clipped({"a": update}, clip)["a"]
    assert norm({"a": sent}) <= clip * (1 + 1e-12)
    assert (np.abs(exact - sent) <= clip / 2**20 * (1 + 1e-9)).all()


def test_a_message_has_its_share_of_noise_and_the_sum_all_of_it():
    privacy = Privacy(noise=3.0, owners=100, clip=2.0)
    rng = np.random.default_rng(5)
    messages = [message({"a": np.zeros(4000)}, privacy, rng) for _ in range(100)]
    assert messages[0]["a"].std() == pytest.approx(3.0 * 2.0 / 10, rel=0.05)
    summed = total(messages, privacy, rng)["a"]
    assert summed.std() == pytest.approx(3.0 * 2.0, rel=0.05)
    assert abs(summed.mean()) < 4 * 6 / math.sqrt(4000)


def test_central_noise_is_added_by_whoever_sums():
    privacy = Privacy(noise=3.0, owners=100, where="central")
    rng = np.random.default_rng(5)
    bare = message({"a": np.full(4000, 0.001)}, privacy, rng)["a"]
    assert np.ptp(bare) == 0
    assert total([{"a": bare}] * 10, privacy, rng)["a"].std() == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("where", ["distributed", "central"])
def test_secure_noise_is_normal_and_never_the_same(where):
    privacy = Privacy(noise=1.0, owners=1, where=where)

    def drawn() -> np.ndarray:
        return total([message({"a": np.zeros(20_000)}, privacy)], privacy)["a"]

    one, two = drawn(), drawn()
    assert (one != two).mean() > 0.99
    ordered = np.sort(one)
    quantiles = np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in ordered])
    # Kolmogorov's distance stays under 2.2 / sqrt(n) but once in 8,000 times.
    assert np.abs(quantiles - (np.arange(20_000) + 0.5) / 20_000).max() < 2.2 / math.sqrt(20_000)


def test_messages_lie_on_a_grid_that_does_not_depend_on_the_update():
    privacy = Privacy(noise=2.0, owners=4, clip=0.75)
    for update in ([0.1, 0.2, 0.3], [1e-9, 7.0, -math.pi]):
        steps = message({"a": update}, privacy)["a"] / (0.75 / 2**20)
        assert (steps == np.rint(steps)).all()


def test_two_owners_that_differ_in_all_they_chose_send_like_messages():
    """The distinguishing attack of the sum's exact epsilon, at the best threshold, by sampling."""
    privacy = Privacy.spending(1.0, owners=1, delta=1e-5)
    rng = np.random.default_rng(1)
    n = 20_000
    with_owner = np.array([message({"a": [1.0]}, privacy, rng)["a"][0] for _ in range(n)])
    without = np.array([message({"a": [0.0]}, privacy, rng)["a"][0] for _ in range(n)])
    for threshold in np.linspace(-4, 4, 17) * privacy.noise:
        hit, false = (with_owner > threshold).mean(), (without > threshold).mean()
        slack = 4 * math.sqrt(0.25 / n) * (1 + math.e)
        assert hit <= math.e * false + 1e-5 + slack
        assert (1 - false) <= math.e * (1 - hit) + 1e-5 + slack


def test_who_sums_sees_only_a_weak_guarantee_for_one_message():
    privacy = Privacy.spending(1.0, owners=400)
    assert privacy.alone(1e-6) > 20
    assert Privacy.spending(1.0, owners=1).alone(1e-6) == pytest.approx(1.0, rel=1e-6)
    assert Privacy.spending(1.0, owners=400, where="central").alone(1e-6) == math.inf
    assert privacy.noise_of(100) == pytest.approx(privacy.noise / 2)
    assert privacy.noise_of(1000) == privacy.noise


def test_the_simulation_accounts_for_rounds_and_for_who_was_there():
    asked = []

    def owner(model):
        asked.append(model)
        return {"a": [1.0, 0.0]}

    privacy = Privacy(noise=5.0, owners=20, sampling=0.5)
    model, rounds = simulate(
        [owner] * 40, 0, lambda model, _: model + 1, privacy, rounds=3, delta=1e-5, seed=3
    )
    assert model == 3
    assert sorted(set(asked)) == [0, 1, 2]
    assert len(asked) == sum(r.owners for r in rounds)
    assert all(5 < r.owners < 35 for r in rounds)
    assert [r.spent.rounds for r in rounds] == [1, 2, 3]
    assert rounds[0].spent.epsilon < rounds[1].spent.epsilon < rounds[2].spent.epsilon
    again = simulate([owner] * 40, 0, lambda m, _: m + 1, privacy, rounds=3, delta=1e-5, seed=3)
    assert (again[1][2].total["a"] == rounds[2].total["a"]).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: Privacy(-1.0, 1),
        lambda: Privacy(math.nan, 1),
        lambda: Privacy(1.0, 0),
        lambda: Privacy(1.0, 1, clip=0.0),
        lambda: Privacy(1.0, 1, where="nowhere"),
        lambda: Privacy(1.0, 1, sampling=0.0),
        lambda: clipped({"a": [math.nan]}, 1.0),
        lambda: clipped({"a": [math.inf]}, 1.0),
        lambda: total([], Privacy(1.0, 1)),
        lambda: total([{"a": [1.0]}, {"a": [1.0, 2.0]}], Privacy(1.0, 2)),
        lambda: total([{"a": [1.0]}, {"b": [1.0]}], Privacy(1.0, 2)),
        lambda: total([{"a": [math.nan]}], Privacy(1.0, 1)),
        lambda: simulate([], None, lambda m, _: m, Privacy(1.0, 1)),
    ],
)
def test_what_protects_nobody_or_fits_nothing_is_refused(call):
    with pytest.raises(FederatedError):
        call()


@pytest.mark.parametrize("name", ["", "._accounting", "._updates", "._simulation", ".ledger"])
def test_examples(name):
    import doctest

    module = importlib.import_module(f"homebody.adapt.federated{name}")
    found = doctest.testmod(module)
    assert found.failed == 0
    assert found.attempted > 0
