from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from homebody.deliver import next_check

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.none() | MOMENTS, st.integers(0, 10**6), st.text(max_size=9))
def test_whatever_the_clock_says_the_next_look_is_soon_and_not_past(
    now: datetime, last: datetime | None, failures: int, device: str
) -> None:
    found = next_check(now, last=last, failures=failures, device=device)
    assert now <= found <= now + 1.25 * DAY
    assert found == next_check(now, last=last, failures=failures, device=device), "pure"


@given(st.integers(0, 40), st.text(max_size=9))
def test_failures_wait_longer_each_time_up_to_a_day(failures: int, device: str) -> None:
    wait = next_check(NOON, last=NOON, failures=failures, device=device) - NOON
    if failures == 0:
        assert 0.75 * DAY <= wait <= 1.25 * DAY
    else:
        ceiling = min(timedelta(minutes=15) * 2 ** min(failures, 16), DAY)
        assert ceiling / 2 <= wait <= ceiling


def test_new_devices_look_within_the_hour() -> None:
    waits = [next_check(NOON, last=None, device=str(n)) - NOON for n in range(500)]
    assert max(waits) <= timedelta(hours=1)
    assert max(waits) - min(waits) > timedelta(minutes=55)


def test_devices_switched_on_together_spread_evenly_within_days() -> None:
    """10,000 devices start in one second; after a week no minute has far more than its share."""
    devices = [(str(number), NOON) for number in range(10_000)]
    for _ in range(8):
        devices = [(name, next_check(at, last=at, device=name)) for name, at in devices]
    minutes = [int((at - NOON).total_seconds() // 60) % 1440 for _, at in devices]
    counts = np.bincount(np.array(minutes) // 10, minlength=144)
    mean = 10_000 / 144
    # A Poisson count of mean 69 is beyond 5 standard deviations once in 10^6.
    assert counts.max() < mean + 5 * mean**0.5
    assert counts.min() > mean - 5 * mean**0.5
