"""Let one battery's twin go on learning from a file of measurements."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any, NamedTuple

import msgspec
import numpy as np

from homebody.adapt import Gate, ModelOfOne, Observation
from homebody.errors import UsageError
from homebody.features.battery.measurements import Measurements
from homebody.features.battery.scores import coverage, rmse

HISTORY = 20_000
"""Observations that owner state remembers."""
DEGREES = 4.0
"""Of freedom of the noise, where outliers should hardly move the twin."""


class StreamReport(msgspec.Struct, frozen=True):
    """What a file of measurements came to.

    Errors are of predictions one step ahead, against the measurements, noise and all.
    """

    asset: str
    resumed: bool
    skipped: int
    """Rows that owner state has seen before."""
    measurements: int
    statuses: dict[str, int]
    """How many were learned from, missing, implausible, ..."""
    updates: int
    """How many changed the answers."""
    alarms: int
    rmse: float | None
    """Volts; None where nothing was learned."""
    pristine_rmse: float | None
    """The base model's on the same measurements, volts."""
    coverage_95: float | None
    notes: tuple[str, ...]


class Streamed(NamedTuple):
    """The twin after the file, what it saw, and the report."""

    twin: ModelOfOne
    observations: tuple[Observation, ...]
    report: StreamReport


def open_twin(
    base: Any,
    state: str | os.PathLike[str],
    asset: str | None,
    *,
    robust: bool = True,
    gate: Gate | None = None,
) -> tuple[ModelOfOne, bool]:
    """The twin that a state file holds, or a new one where there is no file yet.

    Args:
        base: the bundle, its path, or another base model that has a prior.
        state: the owner state's path; it is not written here.
        asset: the battery's name; needed for a new twin, and compared with an old one's.
        robust: for a new twin: Student-t noise, which outliers hardly move.
        gate: for a new twin.

    Returns:
        The twin, and whether it was there before.

    Raises:
        OwnerStateError: the file is no owner state.
        BaseChangedError: it was learned on another base model.
        AdaptError: the base cannot be adapted, or has no prior.
        UsageError: the names differ, or there is no name.
    """
    if os.path.lexists(state):
        twin = ModelOfOne.load(state, base)
        if asset is not None and asset != twin.asset:
            raise UsageError(
                f"{state} is of {twin.asset!r:.80}, not of {asset!r:.80}; give another --state"
            )
        return twin, True
    if asset is None:
        raise UsageError(f"{state} is not there yet; name the battery to start one (--asset)")
    twin = ModelOfOne(base, asset, gate=gate, history=HISTORY)
    if robust and twin.base.prior is not None:
        filter = twin.base.prior.filter(degrees=DEGREES)
        twin = ModelOfOne(twin.base, asset, filter=filter, gate=gate, history=HISTORY)
    return twin, False


def stream(
    twin: ModelOfOne, measurements: Measurements, *, resumed: bool = False, new_cycle: bool = False
) -> Streamed:
    """Give a twin what it has not seen yet.

    Rows up to the last time that the twin has seen are skipped, so that a growing file may be
    streamed again and again.

    Args:
        twin: learns, and is changed; nothing is written.
        measurements: voltages may be NaN.
        resumed: what the report says of it.
        new_cycle: the file's clock starts anew: its times are put after the last one seen.

    Raises:
        UsageError: nothing in the file is later than what was seen.
    """
    times = measurements.time
    last = max((o.at for o in twin.history), default=-np.inf)
    if new_cycle and np.isfinite(last):
        times = times - times[0] + last + float(np.median(np.diff(times)))
    fresh = np.flatnonzero(times > last)
    if not len(fresh):
        raise UsageError(
            f"nothing is later than the last measurement seen, at {last:g} s; "
            "if the clock starts anew in this file, add --new-cycle"
        )
    points = measurements.inputs
    seen = tuple(
        twin.observe(points[i], float(measurements.voltage[i]), at=float(times[i])) for i in fresh
    )
    return Streamed(twin, seen, _report(twin, measurements, seen, fresh, resumed))


def _report(
    twin: ModelOfOne, measurements: Measurements, seen: tuple[Observation, ...],
    fresh: np.ndarray[tuple[int, ...], np.dtype[np.intp]], resumed: bool,
) -> StreamReport:  # fmt: skip
    learned = np.array([o.status in ("learned", "inside") for o in seen], np.bool_)
    notes = list(measurements.notes)
    notes += dict.fromkeys(f"{o.status}: {o.note}" for o in seen if o.note)
    error = base_error = inside = None
    if learned.any():
        used = [o for o, good in zip(seen, learned, strict=True) if good]
        volts = np.array([o.measured[0] for o in used])
        rows = twin.base.rows(measurements.inputs[fresh[learned]])[:, 0]
        error = rmse([o.mean[0] for o in used], volts)
        base_error = rmse(rows @ twin.base.state, volts)
        inside = coverage(volts, [o.low[0] for o in used], [o.high[0] for o in used])
    return StreamReport(
        asset=twin.asset, resumed=resumed, skipped=len(measurements.time) - len(fresh),
        measurements=len(seen), statuses=dict(Counter(o.status for o in seen)),
        updates=sum(o.pushed for o in seen), alarms=sum(o.alarm for o in seen), rmse=error,
        pristine_rmse=base_error, coverage_95=inside, notes=tuple(notes),
    )  # fmt: skip
