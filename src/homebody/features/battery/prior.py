"""What is known of a battery's last layer before its first measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt import FleetPrior, Prior, fleet_prior, last_layer_rows
from homebody.errors import UsageError
from homebody.features.battery.net import Net

Array = NDArray[np.float64]


class Discharge(Protocol):
    """What a battery showed: a trace or measurements."""

    @property
    def inputs(self) -> Array:
        """Current (A) and charge drawn (C), [n, 2]."""

    @property
    def voltage(self) -> Array:
        """Volts, [n]."""


def prior_of_fleet(net: Net, fleet: Sequence[Discharge]) -> FleetPrior:
    """A prior learned from other batteries of the kind: one discharge of each, at least two.

    Raises:
        FilterError: too few, or too few measurements.
    """
    tracks = [(_rows(net, trace.inputs), trace.voltage) for trace in fleet]
    return fleet_prior(tracks, mean=net.last_layer[0])


def prior_of_training(
    net: Net, inputs: ArrayLike, *, spread: float, noise: float, share: float = 1e-3
) -> Prior:
    """A prior where no other battery is known: about as unsure at every training input.

    The covariance is that of a regression on the training inputs, scaled so that predictions
    have the standard deviation ``spread`` on average over them (Zellner's g-prior).

    Source: Zellner, "On assessing prior distributions and Bayesian regression analysis with
    g-prior distributions" (1986).

    Args:
        net: the pristine net.
        inputs: what it was trained on, [n, 2].
        spread: volts by which a battery may differ from the pristine one.
        noise: standard deviation of the voltage sensor, in volts.
        share: the covariance of a step of the state, as a share of the prior's.

    Raises:
        UsageError: a number is out of range.
    """
    if not (spread > 0 and noise > 0 and share >= 0):
        raise UsageError(
            f"spread is {spread}, noise {noise} and share {share}; give volts above 0, "
            "and a share of 0 or more"
        )
    rows = _rows(net, inputs)
    gram = rows.T @ rows / len(rows)
    values, vectors = np.linalg.eigh(gram)
    # Directions that the inputs do not show get no more than those that they barely do.
    kept = np.maximum(values, 1e-6 * values[-1])
    shape = (vectors / kept) @ vectors.T
    average = float(np.mean(np.einsum("ni,ij,nj->n", rows, shape, rows)))
    covariance = shape * (spread**2 / average)
    return Prior(net.last_layer[0], covariance, covariance * share, np.array([noise]))


def _rows(net: Net, inputs: ArrayLike) -> Array:
    return last_layer_rows(net.features(inputs))[:, 0]
