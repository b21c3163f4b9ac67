"""When to update, and when to raise an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from homebody.adapt._chi_square import chi_square_tail
from homebody.errors import FilterError

Array = NDArray[np.float64]
Policy = Literal["shadow", "interval"]


@dataclass(frozen=True)
class Gate:
    """When a filter learns, and when what it learned is used.

    ``shadow``: the filter learns from every measurement, behind the model that answers; the
    answering state becomes the filter's when their predictions differ by more than ``sigmas``
    standard deviations of what the filter is unsure about. The filter is always current, and
    the answers change only for a reason.

    ``interval`` (the article's rule): nothing happens while measurements fall inside the
    prediction interval of ``confidence``; the state does not even diffuse. One outside it
    updates the filter, and the answer with it. Mind the trap: with a prior or a process much
    too wide the interval holds everything, and nothing is ever learned.

    Args:
        policy: "shadow" or "interval".
        sigmas: for shadow: how far predictions may differ; 0 answers with every update.
        confidence: for interval: of the prediction interval, above 0 and below 1.
        false_alarm: how often a drift or an anomaly alarm may be chance, above 0 and below 1.

    Raises:
        FilterError: out of range.
    """

    policy: Policy = "shadow"
    sigmas: float = 2.0
    confidence: float = 0.95
    false_alarm: float = 1e-3

    def __post_init__(self) -> None:
        if self.policy not in get_args(Policy):
            raise FilterError(f'there is no gate {self.policy!r}; choose "shadow" or "interval"')
        if not self.sigmas >= 0:
            raise FilterError(f"sigmas is {self.sigmas}; give 0 or more")
        for name in ("confidence", "false_alarm"):
            if not 0 < getattr(self, name) < 1:
                raise FilterError(f"{name} is {getattr(self, name)}; give 0 < {name} < 1")


class Score(NamedTuple):
    """A squared distance, and how likely chance alone goes so far.

    Attributes:
        value: the squared distance, chi-square distributed if all is as the filter expects.
        df: its degrees of freedom.
        chance: the probability of this distance or more.
    """

    value: float
    df: int
    chance: float


def score(offset: Array, covariance: Array) -> Score:
    """How far ``offset`` lies from zero, for a normal of this covariance, which may be singular.

    Directions in which the covariance has next to nothing are left out.
    """
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-9 * max(float(values[-1]), 0.0)
    if not kept.any():
        return Score(0.0, 0, 1.0)
    along = vectors[:, kept].T @ offset
    value = float(np.sum(along * along / values[kept]))
    df = int(kept.sum())
    return Score(value, df, chi_square_tail(value, df))
