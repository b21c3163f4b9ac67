"""Privacy budgets against closed forms, integrals and a peer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.adapt.federated import (
    Accountant,
    gaussian_delta,
    gaussian_epsilon,
    gaussian_rdp,
    noise_for,
    rdp_epsilon,
    sampled_gaussian_rdp,
    zcdp_epsilon,
)
from homebody.adapt.federated._accounting import ORDERS
from homebody.errors import FederatedError

X = np.linspace(-60, 60, 240_001)
DX = X[1] - X[0]


def normal(x, mean, sd):
    return np.exp(-((x - mean) ** 2) / (2 * sd * sd)) / (sd * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("noise", [0.7, 1.0, 3.0])
@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0, 4.0])
def test_delta_is_the_integral_of_what_exceeds_epsilon(noise, epsilon):
    p, q = normal(X, 1, noise), normal(X, 0, noise)
    integral = np.maximum(p - math.exp(epsilon) * q, 0).sum() * DX
    assert gaussian_delta(noise, epsilon) == pytest.approx(integral, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("noise", [0.8, 2.0])
@pytest.mark.parametrize("sampling", [0.01, 0.2, 0.9, 1.0])
@pytest.mark.parametrize("order", [2, 3, 8])
def test_the_sampled_gaussians_divergence_is_the_integral(noise, sampling, order):
    q = normal(X, 0, noise)
    p = (1 - sampling) * q + sampling * normal(X, 1, noise)
    with np.errstate(all="ignore"):
        inside = np.where(q > 0, q * (p / q) ** order, 0.0)
    expected = math.log(np.nansum(inside) * DX) / (order - 1)
    assert sampled_gaussian_rdp(noise, sampling, order) == pytest.approx(expected, rel=1e-6)


def test_all_owners_is_the_plain_gaussian_and_none_is_free():
    for order in ORDERS:
        assert sampled_gaussian_rdp(1.5, 1.0, order) == gaussian_rdp(1.5, order)
        assert sampled_gaussian_rdp(1.5, 0.0, order) == 0
        nearly = sampled_gaussian_rdp(1.5, 1 - 1e-13, order)
        assert nearly == pytest.approx(gaussian_rdp(1.5, order), rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.3, 50), st.floats(1e-12, 0.4))
def test_the_exact_bound_lies_under_the_renyi_bound_and_that_under_the_zero_concentrated(z, delta):
    exact = gaussian_epsilon(z, delta)
    renyi = min(rdp_epsilon(gaussian_rdp(z, order), order, delta) for order in ORDERS)
    concentrated = zcdp_epsilon(1 / (2 * z * z), delta)
    assert exact <= renyi * (1 + 1e-9) + 1e-12
    best = min(
        rdp_epsilon(gaussian_rdp(z, order), order, delta)
        for order in [1 + k / 50 for k in range(1, 30_000, 7)]
    )
    assert best <= concentrated * (1 + 1e-3) + 1e-9
    assert gaussian_delta(z, exact) <= delta * (1 + 1e-9)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.5, 20), st.integers(1, 200))
def test_rounds_are_one_gaussian_with_less_noise(noise, rounds):
    accountant = Accountant(1e-6)
    accountant.add(noise, rounds=rounds)
    one = gaussian_epsilon(noise / math.sqrt(rounds), 1e-6)
    assert accountant.spent().epsilon == pytest.approx(one, rel=1e-9)
    again = Accountant(1e-6)
    for _ in range(min(rounds, 20)):
        again.add(noise)
    assert again.spent().rounds == min(rounds, 20)
    assert again.spent().epsilon <= accountant.spent().epsilon * (1 + 1e-9)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 20), st.integers(1, 50), st.sampled_from([1.0, 0.5, 0.05]))
def test_noise_spends_what_was_asked_and_no_more(epsilon, rounds, sampling):
    noise = noise_for(epsilon, 1e-6, rounds, sampling)
    accountant = Accountant(1e-6)
    accountant.add(noise, sampling, rounds)
    spent = accountant.spent().epsilon
    assert epsilon * 0.999 <= spent <= epsilon
    less = Accountant(1e-6)
    less.add(noise * 0.99, sampling, rounds)
    assert less.spent().epsilon > epsilon


def test_sampling_costs_less_and_more_rounds_more():
    found = []
    for sampling, rounds in ((0.01, 10), (0.01, 100), (0.1, 100), (0.5, 100), (1.0, 100)):
        accountant = Accountant(1e-6)
        accountant.add(2.0, sampling, rounds)
        found.append(accountant.spent().epsilon)
    assert found == sorted(found)
    assert found[0] < found[1] < found[-1] / 5


def test_no_noise_is_no_privacy_and_stays_so():
    accountant = Accountant(1e-6)
    accountant.add(0.0)
    accountant.add(10.0)
    assert accountant.spent().epsilon == math.inf
    assert noise_for(math.inf, 1e-6) == 0
    assert Accountant(1e-6).spent() == (0.0, 1e-6, 0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Accountant(0.0),
        lambda: Accountant(1.0),
        lambda: Accountant(math.nan),
        lambda: Accountant().add(-1.0),
        lambda: Accountant().add(math.nan),
        lambda: Accountant().add(1.0, sampling=1.5),
        lambda: Accountant().add(1.0, rounds=-1),
        lambda: noise_for(0.0, 1e-6),
        lambda: noise_for(math.nan, 1e-6),
        lambda: noise_for(1.0, 1e-6, rounds=0),
        lambda: noise_for(1.0, 1e-6, sampling=0.0),
        lambda: noise_for(1e-12, 1e-300),
    ],
)
def test_numbers_out_of_range_are_refused(call):
    with pytest.raises(FederatedError):
        call()


@pytest.mark.oracle
@pytest.mark.parametrize("noise", [0.7, 1.1, 4.0])
@pytest.mark.parametrize("sampling", [0.004, 0.1, 1.0])
@pytest.mark.parametrize("rounds", [1, 30, 1000])
def test_against_dp_accounting(noise, sampling, rounds):
    dp = pytest.importorskip("dp_accounting")
    rdp = pytest.importorskip("dp_accounting.rdp")
    ours = Accountant(1e-6)
    ours.add(noise, sampling, rounds)
    theirs = rdp.RdpAccountant(list(ORDERS))
    event = dp.GaussianDpEvent(noise)
    theirs.compose(dp.PoissonSampledDpEvent(sampling, event) if sampling < 1 else event, rounds)
    for divergence, theirs_ in zip(ours._divergences, theirs._rdp, strict=True):
        assert divergence == pytest.approx(theirs_, rel=1e-9)
    assert ours.spent().epsilon <= theirs.get_epsilon(1e-6) * (1 + 1e-9)
    if sampling < 1:
        assert ours.spent().epsilon == pytest.approx(theirs.get_epsilon(1e-6), rel=1e-9)


@pytest.mark.oracle
@pytest.mark.parametrize("noise", [0.7, 1.1, 4.0])
@pytest.mark.parametrize("rounds", [1, 30])
def test_the_exact_gaussian_against_privacy_loss_distributions(noise, rounds):
    dp = pytest.importorskip("dp_accounting")
    pld = pytest.importorskip("dp_accounting.pld")
    theirs = pld.PLDAccountant()
    theirs.compose(dp.GaussianDpEvent(noise), rounds)
    ours = Accountant(1e-6)
    ours.add(noise, rounds=rounds)
    assert ours.spent().epsilon == pytest.approx(theirs.get_epsilon(1e-6), rel=2e-3)


@pytest.mark.oracle
@pytest.mark.parametrize("sampling", [0.01, 0.3])
def test_against_opacus(sampling):
    analysis = pytest.importorskip("opacus.accountants.analysis.rdp")
    theirs = analysis.compute_rdp(q=sampling, noise_multiplier=1.3, steps=50, orders=list(ORDERS))
    epsilon, _ = analysis.get_privacy_spent(orders=list(ORDERS), rdp=theirs, delta=1e-6)
    ours = Accountant(1e-6)
    ours.add(1.3, sampling, 50)
    assert ours.spent().epsilon == pytest.approx(epsilon, rel=1e-9)
