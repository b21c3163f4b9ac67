"""When a device looks for updates: spread out, so that a server never meets all devices at once.

A day, give or take a quarter, drawn anew after every look; so devices that were switched on in the
same minute are spread over half a day after one look, and evenly after a few. After a failure
sooner, but with doubling waits, so that a server that is down is not kept down by those it serves.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

INTERVAL = timedelta(days=1)
SPREAD = 0.25
FIRST_RETRY = timedelta(minutes=15)


def next_check(
    now: datetime,
    *,
    last: datetime | None,
    failures: int = 0,
    device: str = "",
    interval: timedelta = INTERVAL,
) -> datetime:
    """The moment at which this device should look next. A pure function.

    Args:
        now: the time now, aware.
        last: when it looked last, or None for a new device, which looks within the hour.
        failures: how often in a row it has failed.
        device: random text that this device keeps; it never leaves it.
        interval: the mean time between two looks.

    Returns:
        A moment that is not before ``now`` and, whatever the clock did meanwhile, at most
        ``1.25 * interval`` after it.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> wait = next_check(noon, last=noon, device="a") - noon
    >>> timedelta(hours=18) <= wait <= timedelta(hours=30)
    True
    >>> next_check(noon, last=noon, failures=1, device="a") - noon <= timedelta(minutes=30)
    True
    """
    draw = _draw(f"{device}|{last.isoformat() if last else ''}|{failures}")
    if last is None:
        return now + min(timedelta(hours=1), interval) * draw
    if failures:
        ceiling = min(FIRST_RETRY * float(1 << min(failures, 16)), interval)
        wait = ceiling * (0.5 + 0.5 * draw)
    else:
        wait = interval * (1 - SPREAD + 2 * SPREAD * draw)
    # A clock that was set back must not postpone the next look by years.
    return min(max(last + wait, now), now + interval * (1 + SPREAD))


def _draw(seed: str) -> float:
    """A number in [0, 1) that looks random and is always the same for a seed."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:7]) / (1 << 56)
