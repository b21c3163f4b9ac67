"""A prior for the next asset, learned from those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._base import Prior
from homebody.adapt._distributions import Gaussian
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


class _Seen(NamedTuple):
    """A track's sufficient statistics."""

    rows: Array
    measured: Array
    gram: Array
    cross: Array
    square: float


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
    of that covariance under which the exact filter predicts the tracks best, one step ahead.

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
    seen = [_statistics(track, index) for index, track in enumerate(tracks)]
    if len(seen) < 2:
        raise FilterError(f"{len(seen)} tracks make no fleet; give 2 or more")
    d = seen[0].rows.shape[1]
    if any(track.rows.shape[1] != d for track in seen):
        raise FilterError("the tracks have differing numbers of states; give those of one model")
    count = sum(len(track.measured) for track in seen)
    if count <= d:
        raise FilterError(f"{count} measurements cannot tell {d} states; give more")
    gram, cross = sum(t.gram for t in seen), sum(t.cross for t in seen)
    ridge = 1e-6 * float(np.trace(gram)) / d * np.eye(d)
    common = np.linalg.solve(gram + ridge, cross) if mean is None else np.array(mean, np.float64)
    if common.shape != (d,) or not np.isfinite(common).all():
        raise FilterError(f"mean is {list(common.shape)}; give finite numbers [{d}]")
    noise = sum(_residual(t, common) for t in seen) / count
    noise = max(noise, 1e-12 * sum(t.square for t in seen) / count, 1e-300)
    # So wide that a measurement's spread is about the residuals'.
    covariance = np.eye(d) * noise * d * count / max(float(np.trace(gram)), 1e-300)
    history: list[float] = []
    for _ in range(steps):
        likelihood, common_next, covariance_next, noise_next = _step(
            seen, common, covariance, noise, count
        )
        history.append(likelihood)
        if len(history) > 1 and history[-1] - history[-2] < tolerance * count:
            break
        common, covariance, noise = common_next, covariance_next, noise_next
    sd = np.array([math.sqrt(noise)])
    share = max(PROCESS_SHARES, key=lambda share: _evidence(seen, common, covariance, sd, share))
    prior = Prior(common, covariance, covariance * share, sd)
    return FleetPrior(prior, tuple(history), share)


def _statistics(track: Track | tuple[ArrayLike, ArrayLike], index: int) -> _Seen:
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
    return _Seen(rows, measured, rows.T @ rows, rows.T @ measured, float(measured @ measured))


def _residual(track: _Seen, x: Array) -> float:
    return float(np.sum((track.measured - track.rows @ x) ** 2))


def _step(
    seen: Sequence[_Seen], mean: Array, covariance: Array, noise: float, count: int
) -> tuple[float, Array, Array, float]:
    """The log-likelihood of these parameters, and better ones."""
    d = len(mean)
    means, covariances = [], []
    error = likelihood = 0.0
    for track in seen:
        # (S^-1 + G / r)^-1 = S (I + G S / r)^-1, which needs no inverse of S.
        inner = np.eye(d) + track.gram @ covariance / noise
        posterior = np.linalg.solve(inner.T, covariance.T).T
        posterior = (posterior + posterior.T) / 2
        off = track.cross - track.gram @ mean
        shift = posterior @ off / noise
        x = mean + shift
        means.append(x)
        covariances.append(posterior)
        error += _residual(track, x) + float(np.sum(track.gram * posterior))
        n = len(track.measured)
        squares = _residual(track, mean) / noise - float(off @ shift) / noise
        log_det = float(np.linalg.slogdet(inner)[1]) + n * math.log(noise)
        likelihood -= 0.5 * (squares + log_det + n * math.log(2 * math.pi))
    common = np.mean(means, axis=0)
    off_all = np.array(means) - common
    spread = np.mean(covariances, axis=0) + off_all.T @ off_all / len(means)
    return likelihood, common, (spread + spread.T) / 2, max(error / count, 1e-300)


def _evidence(
    seen: Sequence[_Seen], mean: Array, covariance: Array, sd: Array, share: float
) -> float:
    """The log-likelihood of the tracks, one step ahead, with this process."""
    total = 0.0
    process = Gaussian(covariance=covariance * share)
    for track in seen:
        filter = LastLayerFilter(mean, covariance, process=process, noise=Gaussian(sd))
        for row, y in zip(track.rows, track.measured.tolist(), strict=True):
            expected, sigma = filter.update(row, y)
            z = (y - expected[0]) / sigma[0]
            total -= 0.5 * z * z + math.log(sigma[0])
    return total
