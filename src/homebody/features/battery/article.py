"""The article's battery: a closed form, discharged at constant current.

V = a - 0.0005 Q + log(b - Q), with a = 4 - 0.25 I and b = 6000 - 250 I; Q is the charge drawn so
far in coulombs, I the current in amperes, V in volts. An aged one has a delta above 0: a grows
with (1 + delta) I and b with (1 + 2 delta) I, so that it is weaker and empty sooner.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

DELTA = 0.163
"""How aged the article's degraded battery is."""
NOISE = 0.1
"""Standard deviation of its voltage sensor, in volts."""
CURRENT = 2.0
"""The current that it is discharged with, in amperes."""
STEP = 60.0
"""Seconds between its measurements."""
CUTOFF = 5.0
"""Volts at which a discharge is over. Below, the closed form falls off a cliff."""
TRAINING_CURRENTS = tuple(np.linspace(2.5, 3.5, 10).round(6).tolist())
"""The pristine traces' currents, in amperes."""


def voltage(current: ArrayLike, charge: ArrayLike, delta: float = 0.0) -> Array:
    """The battery's voltage; 0 where it is empty.

    Args:
        current: amperes.
        charge: coulombs drawn so far; the two broadcast.
        delta: how aged it is, 0 for pristine.

    Returns:
        float64, volts.

    Example:
        >>> voltage(2.0, [0.0, 3000.0]).round(3).tolist()
        [12.113, 9.824]
    """
    i, q = np.broadcast_arrays(np.asarray(current, np.float64), np.asarray(charge, np.float64))
    a = 4 - 0.25 * (1 + delta) * i
    left = 6000 - 250 * (1 + 2 * delta) * i - q
    volts = a - 0.0005 * q + np.log(np.maximum(left, 1e-300))
    return np.where(left > 0, np.maximum(volts, 0.0), 0.0)


class Trace(NamedTuple):
    """A discharge at constant current.

    Attributes:
        time: seconds since full, [n].
        current: amperes, [n].
        voltage: volts, [n].
        charge: coulombs drawn since full, [n].
    """

    time: Array
    current: Array
    voltage: Array
    charge: Array

    @property
    def inputs(self) -> Array:
        """What the net takes: current and charge, [n, 2]."""
        return np.stack([self.current, self.charge], axis=1)


def pristine_trace(current: float, *, seconds: float = 10.0, volts: float = 0.03) -> Trace:
    """A pristine battery discharged from full to 0 V.

    Samples are ``seconds`` apart, and closer where the voltage would fall by more than ``volts``
    between two, so that the steep end is seen as well as the plateau.
    """
    found: list[tuple[float, float, float]] = []
    time = charge = 0.0
    now, slope = float(voltage(current, 0.0)), 0.0
    while now > 0:
        found.append((time, now, charge))
        step = min(seconds, volts / slope) if slope > 0 else seconds
        time, charge = time + step, charge + current * step
        before, now = now, float(voltage(current, charge))
        slope = (before - now) / step
    t, v, q = np.array(found).T
    return Trace(t, np.full(len(t), current), v, q)


def training_traces() -> tuple[Trace, ...]:
    """The pristine traces that the article's net learns from."""
    return tuple(pristine_trace(current) for current in TRAINING_CURRENTS)


def discharge(
    current: float, delta: float, net: object = None, *, step: float = STEP, cutoff: float = CUTOFF
) -> Trace:
    """A discharge of an aged battery without noise, sampled every ``step`` seconds.

    Two forms. By the formula, the battery ages as the module says. Where ``net`` (the pristine
    net, from [n, 2] to [n]) is given, the voltage is what that net says at ((1 + delta) I,
    (1 + 2 delta) Q): so the article's original program made its data.

    Args:
        current: amperes.
        delta: how aged the battery is.
        net: the pristine net, for the article's data.
        step: seconds between samples.
        cutoff: volts under which the discharge is over.

    Example:
        >>> trace = discharge(2.0, 0.163)
        >>> len(trace.time), trace.voltage[[0, -1]].round(2).tolist()
        (44, [12.0, 6.01])
    """
    end = (6000 - 250 * current) / current
    time = np.arange(0.0, end, step)
    charge = current * time
    if callable(net):
        aged = [np.full(len(charge), (1 + delta) * current), (1 + 2 * delta) * charge]
        volts = np.asarray(net(np.stack(aged, axis=1)), np.float64)
    else:
        volts = voltage(current, charge, delta)
    below = np.flatnonzero(volts < cutoff)
    n = int(below[0]) if len(below) else len(time)
    return Trace(time[:n], np.full(n, float(current)), volts[:n], charge[:n])


def measured(trace: Trace, rng: np.random.Generator, noise: float = NOISE) -> Trace:
    """The same discharge as a sensor with Gaussian noise sees it."""
    return trace._replace(voltage=trace.voltage + rng.normal(0, noise, len(trace.voltage)))
