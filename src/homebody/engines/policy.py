"""Which compiled batch sizes answer a request of another one.

``exact`` builds every size that is asked for. ``at-least`` reuses any engine at least as large,
padded: the rule of TensorFlow-TensorRT. ``dynamic`` builds one engine whose batch is open, so there
is nothing to choose.

``cost`` covers a request with engines that exist, each run as often as it takes and the last one
padded, as cheaply as their measured times allow. What that costs more than an engine of the right
size would is added up for each size, and once the sum is what building costs, the engine is built:
rent until the rent paid is the price (Karlin et al. 1988), at most twice the cost of knowing the
future.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Policy: TypeAlias = Literal["cost", "at-least", "exact", "dynamic"]
"""How engines are reused across batch sizes."""


@dataclass
class Costs:
    """What was measured of a model's engines.

    Attributes:
        run: for each batch size that is built, the seconds of one call.
        build: the seconds of each build so far.
        rent: for each batch size that is not, what covering it has cost too much so far, seconds.
    """

    run: dict[int, float] = field(default_factory=dict)
    build: list[float] = field(default_factory=list)
    rent: dict[int, float] = field(default_factory=dict)

    @property
    def price(self) -> float:
        """What the next build is expected to take."""
        return sum(self.build) / len(self.build) if self.build else 0.0

    def expected(self, batch: int) -> float:
        """What a call of an engine of this size would take, from those that are built.

        A line through the origin and the nearest size: calls cost about as much a row, and never
        less than the smaller engine's.
        """
        nearest = min(self.run, key=lambda size: abs(size - batch))
        per_row = self.run[nearest] * batch / nearest
        smaller = max((self.run[size] for size in self.run if size < batch), default=0.0)
        return max(per_row, smaller)


def choose(batch: int, costs: Costs, policy: Policy) -> tuple[int, ...] | None:
    """The sizes to run one after the other, or None to build an engine of this size.

    Example:
        >>> costs = Costs(run={1: 1.0, 4: 3.0}, build=[2.0])
        >>> choose(5, costs, "cost")
        (4, 1)
        >>> choose(5, costs, "at-least"), choose(3, costs, "at-least")
        (None, (4,))
    """
    if batch in costs.run:
        return (batch,)
    if policy == "exact" or not costs.run:
        return None
    if policy == "at-least":
        large = [size for size in costs.run if size >= batch]
        return (min(large),) if large else None
    cover, seconds = cheapest(batch, costs.run)
    excess = max(0.0, seconds - costs.expected(batch))
    if costs.rent.get(batch, 0.0) + excess >= costs.price:
        return None
    costs.rent[batch] = costs.rent.get(batch, 0.0) + excess
    return cover


def cheapest(batch: int, run: dict[int, float]) -> tuple[tuple[int, ...], float]:
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
