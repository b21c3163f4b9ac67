"""A fleet: a model of one for each of thousands to millions of assets, and what streams into it."""

from __future__ import annotations

from homebody.adapt.fleet._checkpoint import Checkpoint
from homebody.adapt.fleet._fleet import Fleet
from homebody.adapt.fleet._observed import STATUSES, Drift, Observed
from homebody.adapt.fleet._source import Columns, Position, Source
from homebody.adapt.fleet._stream import Streamed, stream

__all__ = [
    "STATUSES",
    "Checkpoint",
    "Columns",
    "Drift",
    "Fleet",
    "Observed",
    "Position",
    "Source",
    "Streamed",
    "stream",
]
