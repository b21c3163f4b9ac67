"""Which of several programs is quickest here: measured in turns, so that a busy moment hits all."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


def medians(
    runs: Mapping[Name, Callable[[], object]],
    *,
    seconds: float = 0.05,
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[Name, float]:
    """The median of each run's seconds over all rounds.

    Args:
        runs: what to call, by name.
        seconds: how long each is called in a round; once at least.
        rounds: how many rounds there are, each in another order.
        clock: tells the time in seconds.

    Example:
        >>> sorted(medians({"a": lambda: 1, "b": lambda: 2}, seconds=0, rounds=1))
        ['a', 'b']
    """
    dice = random.Random(0)
    taken: dict[Name, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # the first call allocates
    for _ in range(rounds):
        order = list(runs)
        dice.shuffle(order)
        for name in order:
            run, end = runs[name], clock() + seconds
            while True:
                start = clock()
                run()
                now = clock()
                taken[name].append(now - start)
                if now >= end:
                    break
    return {name: statistics.median(times) for name, times in taken.items()}
