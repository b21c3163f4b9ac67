"""Whether sensors are to be believed: one asset's :class:`~homebody.adapt.Sensor`, for many."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from homebody.adapt._sensor import FACTORS, Sensor
from homebody.adapt.fleet._observed import CODE
from homebody.adapt.fleet._table import Table

Array = NDArray[np.float64]


class Doubts:
    """What each asset's sensor has done lately.

    Args:
        sensor: what is checked.
        noise: [outputs]: the noise's standard deviation.
    """

    def __init__(self, sensor: Sensor, noise: Array) -> None:
        self._sensor, self._noise = sensor, noise
        wide = (len(noise),)
        self.table = Table(
            repeats=(np.int64, 0, ()),  # of the same number, and what was expected meanwhile
            last=(np.float64, math.nan, wide),
            least=(np.float64, 0, wide),
            most=(np.float64, 0, wide),
        )

    def judge(
        self, slots: NDArray[np.int64], y: Array, mean: Array, sigma: Array
    ) -> NDArray[np.uint8]:
        """``learned`` for what may be; else ``implausible``, ``units`` or ``stuck``."""
        sensor, table = self._sensor, self.table
        status = np.full(len(slots), CODE["learned"])
        last = table["last"][slots]
        same = ((last == y) | (np.isnan(last) & np.isnan(y))).all(axis=1)
        same &= table["repeats"][slots] > 0
        repeats = np.where(same, table["repeats"][slots] + 1, 1)
        wide = same[:, None]
        least = np.where(wide, np.minimum(table["least"][slots], mean), mean)
        most = np.where(wide, np.maximum(table["most"][slots], mean), mean)
        table["last"][slots], table["repeats"][slots] = y, repeats
        table["least"][slots], table["most"][slots] = least, most
        off = np.abs(y - mean)
        far = off > sensor.far * sigma
        suspect = np.flatnonzero(far.any(axis=1))
        for factor in FACTORS:
            part = far[suspect]
            near = np.abs(y[suspect] / factor - mean[suspect]) < 1.96 * sigma[suspect]
            status[suspect[(near | ~part).all(axis=1)]] = CODE["units"]
        if sensor.repeats:
            moved = (most - least > 4 * self._noise).any(axis=1)
            status[(repeats >= sensor.repeats) & moved] = CODE["stuck"]
        status[((y < sensor.low) | (y > sensor.high)).any(axis=1)] = CODE["implausible"]
        return status
