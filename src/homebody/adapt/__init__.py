"""A model of one: adapt a trained model to one asset or owner from few, noisy measurements.

A frozen net gives features; the weights of its last layer are the state of a state-space model
that a filter tracks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homebody.adapt._base import Base, Prior, last_layer_rows
from homebody.adapt._bundle import adapt_entry, base_of
from homebody.adapt._chi_square import chi_square_tail, chi_square_threshold
from homebody.adapt._distributions import Gaussian, Process, Proposal, RandomWalk, StudentT
from homebody.adapt._gate import Gate, Score
from homebody.adapt._last_layer import LastLayerFilter
from homebody.adapt._linear import Prediction
from homebody.adapt._model import Answer, Interval, ModelOfOne
from homebody.adapt._nonlinear import ExtendedKalmanFilter, UnscentedKalmanFilter
from homebody.adapt._observation import Observation
from homebody.adapt._particles import ParticleFilter
from homebody.adapt._prior import FleetPrior, Track, fleet_prior
from homebody.adapt._sensor import Sensor

if TYPE_CHECKING:
    from homebody.adapt.fleet import Fleet

__all__ = [
    "Answer",
    "Base",
    "ExtendedKalmanFilter",
    "Fleet",
    "FleetPrior",
    "Gate",
    "Gaussian",
    "Interval",
    "LastLayerFilter",
    "ModelOfOne",
    "Observation",
    "ParticleFilter",
    "Prediction",
    "Prior",
    "Process",
    "Proposal",
    "RandomWalk",
    "Score",
    "Sensor",
    "StudentT",
    "Track",
    "UnscentedKalmanFilter",
    "adapt_entry",
    "base_of",
    "chi_square_tail",
    "chi_square_threshold",
    "fleet_prior",
    "last_layer_rows",
]


def __getattr__(name: str) -> Any:
    """``Fleet``, when it is asked for: most who adapt a model have one asset."""
    if name == "Fleet":
        from homebody.adapt.fleet import Fleet

        return Fleet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
