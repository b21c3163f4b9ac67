"""Which of several programs is quickest here: measured in turns, so that a busy moment hits all."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)

LINGER = 0.03
"""For so many seconds after a call a runtime's threads may go on spinning on the processors."""
ALIKE = 1.02
"""Two whose ratio is known to be nearer to 1 than this are as quick as each other."""
HOPELESS = 2.0
"""What takes so many times as long as the quickest is not timed further."""


def medians(
    runs: Mapping[Name, Callable[[], object]],
    *,
    seconds: float = 0.05,
    rounds: int = 5,
    warm: float = 0.0,
    limit: float = 0.0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Name, float]:
    """The median of each run's seconds: within a round, and of all rounds.

    Args:
        runs: what to call, by name.
        seconds: how long each is called in a round; once at least.
        rounds: how many rounds there are at least, each in another order.
        warm: how long each is called first in a round, uncounted; once at least if not zero. With
            :data:`LINGER` no threads of the one before are left.
        limit: after so many seconds no round is added to settle which of the two quickest it is;
            within them, what is :data:`HOPELESS` after two rounds is left out of the others.
        clock: tells the time in seconds.

    Example:
        >>> sorted(medians({"a": lambda: 1, "b": lambda: 2}, seconds=0, rounds=1))
        ['a', 'b']
    """
    dice = random.Random(0)
    taken: dict[Name, list[float]] = {name: [] for name in runs}
    began = clock()
    for run in runs.values():
        run()  # the first call allocates
    order = list(runs)
    count = 0
    while True:
        dice.shuffle(order)
        for name in order:
            if warm:
                _times(runs[name], warm, clock)
            taken[name].append(statistics.median(_times(runs[name], seconds, clock)))
        count += 1
        found = {name: statistics.median(times) for name, times in taken.items()}
        late = clock() - began >= limit
        if count >= rounds and (late or len(order) < 2 or _settled(taken, found, order)):
            return found
        if limit and count >= 2:
            most = HOPELESS * min(found.values())
            order = [name for name in order if found[name] <= most]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the median of what these are a sample of lies, with some 95 % confidence.

    By order statistics, as the sign test inverted: no shape of a distribution is assumed. Fewer
    than five values give the whole range, with less.

    Example:
        >>> interval([3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 7.0, 8.0, 9.0])
        (2.0, 8.0)
    """
    ordered = sorted(values)
    skipped = max(0, math.floor(len(ordered) / 2 - 0.98 * math.sqrt(len(ordered))))
    return ordered[skipped], ordered[-1 - skipped]


def _settled(
    taken: Mapping[Name, Sequence[float]], found: Mapping[Name, float], order: Sequence[Name]
) -> bool:
    """Whether it is known which of the two quickest is quicker, or that neither is."""
    first, second = sorted(order, key=lambda name: found[name])[:2]
    ratios = [s / f if f else 1.0 for f, s in zip(taken[first], taken[second], strict=True)]
    low, high = interval(ratios)
    return low > 1.0 or high < 1.0 or high <= ALIKE * low


def _times(run: Callable[[], object], seconds: float, clock: Callable[[], float]) -> list[float]:
    times, end = [], clock() + seconds
    while True:
        start = clock()
        run()
        now = clock()
        times.append(now - start)
        if now >= end:
            return times
