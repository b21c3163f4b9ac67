"""A model of one: adapt a trained model to one asset or owner from few, noisy measurements.

A frozen net gives features; the weights of its last layer are the state of a state-space model
that a filter tracks.
"""

from __future__ import annotations

from homebody.adapt._base import Base, Prior, last_layer_rows
from homebody.adapt._bundle import adapt_entry, base_of
from homebody.adapt._chi_square import chi_square_tail, chi_square_threshold
from homebody.adapt._distributions import Gaussian, Process, RandomWalk, StudentT
from homebody.adapt._gate import Gate, Score
from homebody.adapt._last_layer import LastLayerFilter
from homebody.adapt._linear import Prediction
from homebody.adapt._model import Answer, Interval, ModelOfOne
from homebody.adapt._nonlinear import ExtendedKalmanFilter, UnscentedKalmanFilter
from homebody.adapt._observation import Observation
from homebody.adapt._particles import ParticleFilter, Proposal
from homebody.adapt._prior import FleetPrior, Track, fleet_prior
from homebody.adapt._sensor import Sensor

__all__ = [
    "Answer",
    "Base",
    "ExtendedKalmanFilter",
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
