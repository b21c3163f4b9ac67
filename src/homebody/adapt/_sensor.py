"""Whether a sensor is to be believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from homebody.errors import FilterError

Array = NDArray[np.float64]

FACTORS = (1e3, 1e-3, 1e6, 1e-6, 60.0, 1 / 60, 3600.0, 1 / 3600)
"""Ratios of units that get mixed up: milli, micro, minutes, hours."""


@dataclass(frozen=True)
class Sensor:
    """What measurements are checked for before anything is learned from them.

    A measurement that fails is recorded and not used. ``implausible``: outside of ``low`` to
    ``high``. ``units``: further than ``far`` standard deviations from what is expected, and
    inside the 95 % interval if divided by 1,000, 10^6, 60 or 3,600, or multiplied (millivolts for
    volts); the note says which. ``stuck``: the same number ``repeats`` times in a row, to the
    last bit, while what was expected moved by more than four standard deviations of the noise.

    Args:
        low, high: the least and largest plausible measurement, for every output.
        far: standard deviations beyond which the units are questioned.
        repeats: how many equal measurements make a stuck sensor; 0: never.

    Raises:
        FilterError: out of range.
    """

    low: float = -np.inf
    high: float = np.inf
    far: float = 8.0
    repeats: int = 10

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise FilterError(f"low is {self.low} and high {self.high}; give low < high")
        if not self.far > 0:
            raise FilterError(f"far is {self.far}; give standard deviations above 0")
        if self.repeats < 0 or self.repeats == 1:
            raise FilterError(f"repeats is {self.repeats}; give 2 or more, or 0 for never")


@dataclass
class Suspicion:
    """What a sensor has done lately."""

    sensor: Sensor
    last: Array | None = None
    count: int = 0
    least: Array = field(default_factory=lambda: np.empty(0))
    most: Array = field(default_factory=lambda: np.empty(0))

    def judge(
        self, y: Array, mean: Array, sigma: Array, noise: Array
    ) -> tuple[Literal["implausible", "units", "stuck"] | None, str]:
        """Why a measurement should not be used, and a note; (None, "") if it may be."""
        sensor = self.sensor
        if self.last is not None and np.array_equal(self.last, y, equal_nan=True):
            self.count += 1
            self.least, self.most = np.minimum(self.least, mean), np.maximum(self.most, mean)
        else:
            self.last, self.count, self.least, self.most = y, 1, mean, mean
        if np.any((y < sensor.low) | (y > sensor.high)):
            return "implausible", f"outside of {sensor.low:g} to {sensor.high:g}"
        moved = bool(np.any(self.most - self.least > 4 * noise))
        if sensor.repeats and self.count >= sensor.repeats and moved:
            return "stuck", f"the same number {self.count} times"
        far = np.abs(y - mean) > sensor.far * sigma
        if far.any():
            for factor in FACTORS:
                if np.all(np.abs(y / factor - mean)[far] < 1.96 * sigma[far]):
                    times, ratio = ("times", factor) if factor > 1 else ("parts of", 1 / factor)
                    return "units", f"{ratio:g} {times} what is expected"
        return None, ""
