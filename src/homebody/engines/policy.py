"""Which engines answer a request of which batch, and which one to build next.

``exact`` builds every batch that is asked for. ``at-least`` reuses any engine at least as large,
padded: the rule of TensorFlow-TensorRT. ``dynamic`` builds one engine whose batch is open, so there
is nothing to choose.

``cost`` covers a request with engines that exist: those of one batch, each run as often as it takes
and the last one padded, and those whose batch is open, as cheaply as their measured times allow.
For each engine that does not exist it adds up what requests would have cost less with it, and once
that is what building costs, it is built: rent until the rent paid is the price (Karlin et al.,
Competitive snoopy caching, 1988). So what was lost for want of an engine is never more than its
price. Where one engine is worth building, that is at most twice the cost of knowing every request
beforehand, and no rule that does not know can promise less; where several are that could stand in
for each other no such bound is proven, and it is tested on random streams.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Policy: TypeAlias = Literal["cost", "at-least", "exact", "dynamic"]
"""How engines are reused across batch sizes."""
Part: TypeAlias = tuple[int | str, int]
"""The batch of an engine, or the name of one whose batch is open, and how many rows it is given."""

_SETTLED = 2
"""One call may have met a busy moment; with as many an engine's time is believed."""
_HOPE = 0.9
"""What is not measured is worth trying where it may be this much quicker than it looks."""
_NEWS = 0.1
"""Covers are worked out anew once a time differs by this share of itself."""
_SIZES = 16
"""Of so many batches, those asked for last, it is considered to build them."""


class Times:
    """How long a call takes: of the last few calls the median."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self._last: deque[float] = deque(seconds, maxlen=5)

    def add(self, seconds: float) -> None:
        """A call took so long."""
        self._last.append(seconds)

    @property
    def seconds(self) -> float | None:
        """What to expect of the next; None before two calls."""
        return statistics.median(self._last) if len(self._last) >= _SETTLED else None


@dataclass
class _Cover:
    """How one batch is answered, and the seconds that each engine would save."""

    parts: tuple[Part, ...]
    gains: dict[int, float]


@dataclass
class Costs:
    """What was measured of a model's engines.

    Attributes:
        run: for each engine of one batch, the seconds of a call.
        open: for each engine whose batch is open, by name, its seconds for batches it has run.
        build: the seconds of each build so far.
        load: the seconds of each engine that came from disk instead.
        stored: batches whose engine would.
        rent: for each batch without an engine, what requests have cost for want of it, seconds.

    Example:
        >>> costs = Costs()
        >>> costs.add(1, 1.0), costs.add(4, 3.0), costs.build.append(2.0)
        (None, None, None)
        >>> costs.cover(5)
        ((4, 4), (1, 1))
    """

    run: dict[int, float] = field(default_factory=dict)
    open: dict[str, dict[int, float]] = field(default_factory=dict)
    build: list[float] = field(default_factory=list)
    load: list[float] = field(default_factory=list)
    stored: set[int] = field(default_factory=set)
    rent: dict[int, float] = field(default_factory=dict)
    _times: dict[Part, Times] = field(default_factory=dict)
    _covers: dict[int, _Cover] = field(default_factory=dict)
    _asked: dict[int, None] = field(default_factory=dict)

    def add(self, batch: int, seconds: float | None = None) -> None:
        """There is an engine of this batch now; None where no call was measured."""
        self.run[batch] = self.expected(batch) if seconds is None else seconds
        self.rent.pop(batch, None)
        self._covers.clear()

    def add_open(self, name: str, batch: int, seconds: float) -> None:
        """There is an engine for every batch, and this is a call of one batch."""
        self.open.setdefault(name, {})[batch] = seconds
        self._covers.clear()

    def remove(self, batch: int) -> None:
        """The engine of this batch is gone, or with -1 those whose batch is open."""
        if batch == -1:
            self.open.clear()
        self.run.pop(batch, None)
        self._times.pop((batch, batch), None)
        self._covers.clear()

    def told(self, part: Part, seconds: float) -> None:
        """A real call took so long: what it tells is free."""
        engine, rows = part
        if isinstance(engine, int):
            part = (engine, engine)  # padding takes what rows take
            known = self.run.get(engine)
        else:
            known = self.open.get(engine, {}).get(rows)
        times = self._times.setdefault(part, Times())
        times.add(seconds)
        if (now := times.seconds) is None:
            return
        if isinstance(engine, int):
            if engine in self.run:
                self.run[engine] = now
        elif engine in self.open:
            self.open[engine][rows] = now
        if known is None or abs(now - known) > _NEWS * known:
            self._covers.clear()

    def settled(self, batch: int) -> bool:
        """Whether the time of an engine of this batch was measured by its calls."""
        times = self._times.get((batch, batch))
        return times is not None and times.seconds is not None

    def price(self, batch: int) -> float:
        """What an engine of this batch is expected to take until it is there."""
        known = self.load if batch in self.stored and self.load else self.build
        return sum(known) / len(known) if known else 0.0

    def expected(self, batch: int) -> float:
        """What a call of an engine of this batch would take, from what is measured of others.

        An engine whose batch is open shows how time grows with the batch; without one it is a
        straight line between engines of one batch, and through the origin.
        """
        if not self.run:
            return min((self._opened(name, batch) for name in self.open), default=0.0)
        if not self.open:
            hoped = _HOPE if batch > max(self.run) else 1.0
            return hoped * between(self.run, batch)
        nearest = min(self.run, key=lambda size: abs(size - batch))
        curve = min(self.open, key=lambda name: self._opened(name, nearest))
        scaled = self._opened(curve, batch) / self._opened(curve, nearest) * self.run[nearest]
        return min(scaled, between(self.run, batch))

    def cover(self, batch: int) -> tuple[Part, ...]:
        """What to run one after the other, as cheaply as it goes with what exists."""
        return self._cover(batch).parts

    def wanted(self, batch: int) -> int | None:
        """Count a request of this batch; which engine is to be built now, or None.

        Example:
            >>> costs = Costs()
            >>> costs.add(8, 8.0)
            >>> costs.build.append(10.0)
            >>> costs.wanted(1), costs.wanted(1)
            (None, 1)
        """
        if batch not in self._asked:
            self._covers.clear()  # which say nothing of an engine for it
        self._asked.pop(batch, None)
        self._asked[batch] = None
        if len(self._asked) > _SIZES:
            del self._asked[next(iter(self._asked))]
        gains = self._cover(batch).gains
        due = [
            size
            for size, gain in gains.items()
            if gain > 0 and self.rent.get(size, 0.0) + gain >= self.price(size)
        ]
        if due:
            return max(due, key=lambda size: (self.rent.get(size, 0.0) + gains[size], size))
        for size, gain in gains.items():
            self.rent[size] = self.rent.get(size, 0.0) + gain
        return None

    def _cover(self, batch: int) -> _Cover:
        if batch in self._covers:
            return self._covers[batch]
        parts, seconds = self._cheapest(batch, self.run)
        gains = {}
        for size in {1, batch, *self._asked} - self.run.keys():
            with_it = {**self.run, size: self.expected(size)}
            gains[size] = max(0.0, seconds - self._cheapest(batch, with_it)[1])
        self._covers[batch] = made = _Cover(parts, gains)
        return made

    def _cheapest(self, batch: int, run: Mapping[int, float]) -> tuple[tuple[Part, ...], float]:
        found: list[tuple[float, tuple[Part, ...]]] = []
        for name in self.open:
            found.append((self._opened(name, batch), ((name, batch),)))
        if run:
            sizes, seconds = cheapest(batch, run)
            found.append((seconds, _parts(sizes, batch)))
            for size in run if self.open else ():
                # As many calls of one engine as it fills, and an open one for what is left.
                whole, left = divmod(batch, size)
                for name in self.open if whole and left else ():
                    seconds = whole * run[size] + self._opened(name, left)
                    found.append((seconds, (*(((size, size),) * whole), (name, left))))
        seconds, parts = min(found, key=lambda one: one[0])
        return parts, seconds

    def _opened(self, name: str, batch: int) -> float:
        """A call of an engine whose batch is open; hopefully, where that was not measured."""
        points = self.open[name]
        return points[batch] if batch in points else _HOPE * between(points, batch)


def choose(batch: int, costs: Costs, policy: Policy) -> tuple[tuple[Part, ...], int | None]:
    """What to run, nothing if there is nothing, and the batch of an engine to build before.

    Example:
        >>> costs = Costs()
        >>> costs.add(4, 3.0)
        >>> choose(3, costs, "at-least"), choose(3, costs, "exact")
        ((((4, 3),), None), ((), 3))
    """
    if policy == "cost" and (costs.run or costs.open):
        return costs.cover(batch), costs.wanted(batch)
    if batch in costs.run:
        return ((batch, batch),), None
    large = [size for size in costs.run if size >= batch]
    if policy == "at-least" and large:
        return ((min(large), batch),), None
    return (), batch


def between(points: Mapping[int, float], batch: int) -> float:
    """The seconds of a batch by those of others: a straight line, from the origin at first.

    Example:
        >>> between({2: 1.0, 4: 2.0}, 3), between({2: 1.0}, 1), between({2: 1.0, 4: 1.5}, 8)
        (1.5, 0.5, 3.0)
    """
    if batch in points:
        return points[batch]
    below = max((size for size in points if size < batch), default=0)
    above = min((size for size in points if size > batch), default=0)
    if not above:
        return points[below] * batch / below
    low = points.get(below, 0.0)
    return low + (points[above] - low) * (batch - below) / (above - below)


def cheapest(batch: int, run: Mapping[int, float]) -> tuple[tuple[int, ...], float]:
    """The cheapest sizes that together hold `batch` rows, the largest first, and their seconds."""

    # Of `rate` calls of other sizes some add up to a multiple of it, and it does those no dearer:
    # all but fewer than `rate` calls are its own, so a batch of thousands takes no long table.
    rate = min(run, key=lambda size: (run[size] / size, size))
    whole = max(0, (batch - (rate - 1) * max(run)) // rate)
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for rows in range(1, batch - whole * rate + 1):
        covers = ((run[s] + best[max(0, rows - s)][0], s) for s in run)
        seconds, size = min(covers)
        best.append((seconds, (size, *best[max(0, rows - size)][1])))
    seconds, sizes = best[-1]
    return tuple(sorted((rate,) * whole + sizes, reverse=True)), seconds + whole * run[rate]


def _parts(sizes: tuple[int, ...], batch: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    for size in sizes:
        rows = min(size, batch)
        parts.append((size, rows))
        batch -= rows
    return tuple(parts)
