"""Filters of many assets: the kernels of ``kernels/fleet.h`` over arrays.

Assets are slots, 0 to count - 1. A call takes a row for each measurement; an asset may have many
rows in one call, and they are taken in their order. ``threads`` shares the assets out, which
changes no bit.
"""

from __future__ import annotations

from homebody.kernels._fleet_kalman import GATES, LANES, MAX_FLEET_STATES, KalmanFleet, occurrence
from homebody.kernels._fleet_particles import ParticleFleet
from homebody.kernels._fleet_rows import LEARNED, MAX_ASSETS, PUSHED, REFUSED, Updated

__all__ = [
    "GATES",
    "LANES",
    "LEARNED",
    "MAX_ASSETS",
    "MAX_FLEET_STATES",
    "PUSHED",
    "REFUSED",
    "KalmanFleet",
    "ParticleFleet",
    "Updated",
    "occurrence",
]
