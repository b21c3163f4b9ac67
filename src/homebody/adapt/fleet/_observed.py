"""What a fleet answers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.adapt._observation import STATUSES as ONE_STATUSES

Array = NDArray[np.float64]

STATUSES = (*ONE_STATUSES, "unknown", "refused")
"""What becomes of a measurement, in the order of :class:`Observed`'s numbers: those of
:meth:`~homebody.adapt.ModelOfOne.observe`, and ``unknown`` (no such asset) and ``refused`` (a time
that is not finite, or a number out of range)."""
CODE = {name: np.uint8(code) for code, name in enumerate(STATUSES)}


class Observed(NamedTuple):
    """What became of n measurements.

    Attributes:
        status: uint8 [n]: places in :data:`STATUSES`.
        mean, low, high: float64 [n, outputs]: what was predicted before each; NaN if nothing.
        pushed: bool [n]: whether it changed the answers.
        anomaly: float64 [n]: the innovation's squared distance; NaN where nothing was learned.
        alarm: bool [n]: whether chance goes so far less often than the gate's ``false_alarm``.
    """

    status: NDArray[np.uint8]
    mean: Array
    low: Array
    high: Array
    pushed: NDArray[np.bool_]
    anomaly: Array
    alarm: NDArray[np.bool_]

    @classmethod
    def nothing(cls, n: int, outputs: int, status: str) -> Observed:
        """n rows of which nothing is known but their status."""
        mean, low, high = np.full((3, n, outputs), np.nan)
        return cls(
            np.full(n, CODE[status]), mean, low, high, np.zeros(n, np.bool_), np.full(n, np.nan),
            np.zeros(n, np.bool_),
        )  # fmt: skip

    def counts(self) -> dict[str, int]:
        """How many there are of each status that occurs."""
        counts = np.bincount(self.status, minlength=len(STATUSES)).tolist()
        return {name: n for name, n in zip(STATUSES, counts, strict=True) if n}


class Drift(NamedTuple):
    """How far assets have moved from where they began.

    Attributes:
        value: float64 [n]: squared distance, chi-square distributed with ``df`` if by chance.
        df: int64 [n].
        chance: float64 [n]: the probability of this distance or more.
        alarm: bool [n].
    """

    value: Array
    df: NDArray[np.int64]
    chance: Array
    alarm: NDArray[np.bool_]
