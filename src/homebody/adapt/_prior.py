"""A prior for the next asset, learned from those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._base import Prior
from homebody.adapt._distributions import Gaussian, vector
from homebody.adapt._last_layer import LastLayerFilter
from homebody.errors import FilterError

Array = NDArray[np.float64]

PROCESS_SHARES = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""Candidates for the process: shares of the assets' covariance."""


class Track(NamedTuple):
    """One asset's measurements.

    Attributes:
        rows: [n, states]: what each was seen through (:func:`last_layer_rows`).
        measured: [n]; NaN where missing.
    """

    rows: ArrayLike
    measured: ArrayLike


class FleetPrior(NamedTuple):
    """What :func:`fleet_prior` learned.

    Attributes:
        prior: for the next asset.
        log_likelihoods: of all measurements, before each of the EM steps; they never fall.
        process_share: the process as a share of the covariance.
    """

    prior: Prior
    log_likelihoods: tuple[float, ...]
    process_share: float


EVIDENCE = 20_000
"""Most measurements that the process is chosen by."""


class _Fleet(NamedTuple):
    """The tracks' sufficient statistics, about an origin, [tracks, ...]."""

    origin: Array
    gram: Array
    cross: Array
    square: Array
    counts: Array


def fleet_prior(
    tracks: Sequence[Track | tuple[ArrayLike, ArrayLike]],
    *,
    mean: ArrayLike | None = None,
    steps: int = 100,
    tolerance: float = 1e-6,
) -> FleetPrior:
    """Learn what assets have in common, and how they differ: an empirical Bayes prior.

    Each asset's state is drawn from one normal distribution and stays for its track; its mean and
    covariance and the noise are found by expectation maximisation. The process is then the share
    of that covariance under which the exact filter predicts the tracks best, one step ahead
    (of up to 20,000 measurements).

    Sources: Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM
    algorithm", JRSS B 39 (1977); Laird and Ware, "Random-effects models for longitudinal data",
    Biometrics 38 (1982).

    Args:
        tracks: of other assets than the one to come; at least 2, one output each.
        mean: [states] to begin with, e.g. the last layer as trained; default: a ridge regression.
        steps: most EM steps.
        tolerance: stop when the log-likelihood per measurement grows by less.

    Raises:
        FilterError: too few tracks or measurements, or tracks that do not fit each other.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> tracks = []
        >>> for _ in range(50):
        ...     level = 3 + rng.normal() * 0.5
        ...     tracks.append((np.ones((20, 1)), level + rng.normal(size=20) * 0.1))
        >>> prior = fleet_prior(tracks).prior
        >>> prior.mean.round(1).tolist(), prior.noise.round(1).tolist()
        ([2.9], [0.1])
    """
    seen = [_checked(track, index) for index, track in enumerate(tracks)]
    if len(seen) < 2:
        raise FilterError(f"{len(seen)} tracks make no fleet; give 2 or more")
    d = seen[0].rows.shape[1]
    if any(track.rows.shape[1] != d for track in seen):
        raise FilterError("the tracks have differing numbers of states; give those of one model")
    count = sum(len(track.measured) for track in seen)
    if count <= d:
        raise FilterError(f"{count} measurements cannot tell {d} states; give more")
    if mean is None:
        gram = sum((t.rows.T @ t.rows for t in seen), np.zeros((d, d)))
        cross = sum((t.rows.T @ t.measured for t in seen), np.zeros(d))
        ridge = 1e-6 * float(np.trace(gram)) / d + 1e-300
        origin = np.linalg.solve(gram + ridge * np.eye(d), cross)
    else:
        origin = vector(mean, "mean", d)
    fleet = _statistics(seen, origin)
    noise = max(float(fleet.square.sum()) / count, 1e-300)
    # So wide that a measurement's spread is about the residuals'.
    spread = noise * d * count / max(float(np.trace(fleet.gram.sum(0))), 1e-300)
    common, covariance = np.zeros(d), np.eye(d) * spread
    history: list[float] = []
    for _ in range(steps):
        likelihood, common_next, covariance_next, noise_next = _step(
            fleet, common, covariance, noise
        )
        history.append(likelihood)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * count:
            break
        common, covariance, noise = common_next, covariance_next, noise_next
    common = common + fleet.origin
    sd = np.array([math.sqrt(noise)])
    share = max(PROCESS_SHARES, key=lambda share: _evidence(seen, common, covariance, sd, share))
    prior = Prior(common, covariance, covariance * share, sd)
    return FleetPrior(prior, tuple(history), share)


class _Checked(NamedTuple):
    rows: Array
    measured: Array


def _checked(track: Track | tuple[ArrayLike, ArrayLike], index: int) -> _Checked:
    rows, measured = (np.asarray(part, np.float64) for part in track)
    if rows.ndim != 2 or measured.shape != (len(rows),):
        raise FilterError(
            f"track {index} has rows {list(rows.shape)} and measurements {list(measured.shape)}; "
            "give [n, states] and [n]"
        )
    there = ~np.isnan(measured)
    rows, measured = rows[there], measured[there]
    if not np.isfinite(rows).all() or not np.isfinite(measured).all():
        raise FilterError(f"track {index} holds NaN rows or infinity; leave those out")
    return _Checked(rows, measured)


def _statistics(seen: Sequence[_Checked], origin: Array) -> _Fleet:
    # About an origin near the mean: sums of squares are then of residuals, and lose nothing.
    offs = [track.measured - track.rows @ origin for track in seen]
    return _Fleet(
        origin,
        np.stack([track.rows.T @ track.rows for track in seen]),
        np.stack([track.rows.T @ off for track, off in zip(seen, offs, strict=True)]),
        np.array([off @ off for off in offs]),
        np.array([len(off) for off in offs], np.float64),
    )


def _step(
    fleet: _Fleet, mean: Array, covariance: Array, noise: float
) -> tuple[float, Array, Array, float]:
    """The log-likelihood of these parameters, and better ones."""
    gram, count = fleet.gram, float(fleet.counts.sum())
    # (S^-1 + G / r)^-1 = S (I + G S / r)^-1, which needs no inverse of S.
    inner = np.eye(len(mean)) + gram @ covariance / noise
    posteriors = np.linalg.solve(inner.transpose(0, 2, 1), covariance).transpose(0, 2, 1)
    posteriors = (posteriors + posteriors.transpose(0, 2, 1)) / 2
    off = fleet.cross - gram @ mean
    shifts = np.einsum("tij,tj->ti", posteriors, off) / noise
    states = mean + shifts
    error = float(_residuals(fleet, states).sum() + np.sum(gram * posteriors))
    squares = _residuals(fleet, np.broadcast_to(mean, states.shape)) - np.sum(off * shifts, axis=1)
    log_dets = np.linalg.slogdet(inner)[1].sum() + count * math.log(2 * math.pi * noise)
    likelihood = -0.5 * (float(squares.sum()) / noise + float(log_dets))
    common = states.mean(axis=0)
    spread = posteriors.mean(axis=0) + (states - common).T @ (states - common) / len(states)
    return likelihood, common, (spread + spread.T) / 2, max(error / count, 1e-300)


def _residuals(fleet: _Fleet, states: Array) -> Array:
    """Each track's sum of squared residuals at its state."""
    twice = 2 * np.sum(fleet.cross * states, axis=1)
    residuals: Array = fleet.square - twice + np.einsum("ti,tij,tj->t", states, fleet.gram, states)
    return np.maximum(residuals, 0)


def _evidence(
    seen: Sequence[_Checked], mean: Array, covariance: Array, sd: Array, share: float
) -> float:
    """The log-likelihood of the tracks, one step ahead, with this process."""
    total, count = 0.0, 0
    process = Gaussian(covariance=covariance * share)
    for track in seen:
        if count >= EVIDENCE:
            break
        count += len(track.measured)
        filter = LastLayerFilter(mean, covariance, process=process, noise=Gaussian(sd))
        for row, y in zip(track.rows, track.measured.tolist(), strict=True):
            expected, sigma = filter.update(row, y)
            z = (y - expected[0]) / sigma[0]
            total -= 0.5 * z * z + math.log(sigma[0])
    return total
