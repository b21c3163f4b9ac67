from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import UsageError
from homebody.train import bootstrap, difference, wilson


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_bounds_are_where_the_score_test_is_just_not_rejected(case: tuple[int, int]):
    count, n = case
    share = wilson(count, n)
    assert 0 <= share.low <= count / n <= share.high <= 1
    for bound in (share.low, share.high):
        if 0 < bound < 1:  # the defining equation, not the closed form
            z = abs(count / n - bound) / math.sqrt(bound * (1 - bound) / n)
            assert z == pytest.approx(1.959964, rel=1e-5)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_failures_mirror_successes(case: tuple[int, int]):
    count, n = case
    yes, no = wilson(count, n), wilson(n - count, n)
    assert yes.low == pytest.approx(1 - no.high, abs=1e-12)


def test_nothing_measured_says_nothing():
    share = wilson(0, 0)
    assert (share.value, share.low, share.high) == (None, 0.0, 1.0)
    assert str(share) == "not measured (n = 0)"


def test_no_share_is_refused():
    with pytest.raises(UsageError, match="3 of 2"):
        wilson(3, 2)


def test_the_difference_of_newcombes_own_examples():
    """Table II of the paper, method 10."""
    for (a, m), (b, n), low, high in [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ]:
        assert difference(wilson(a, m), wilson(b, n)) == pytest.approx((low, high), abs=6e-5)


def test_the_bootstrap_of_a_mean_is_the_normal_interval():
    values = np.random.default_rng(3).normal(10, 2, 400)
    low, high = bootstrap(lambda i: float(values[i].mean()), 400, rounds=4000)
    reach = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.02)


def test_the_bootstrap_is_the_same_every_time():
    values = np.arange(9.0)
    assert bootstrap(lambda i: values[i].mean(), 9) == bootstrap(lambda i: values[i].mean(), 9)
    with pytest.raises(UsageError):
        bootstrap(lambda i: 0.0, 0)
