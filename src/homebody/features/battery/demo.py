"""The article end to end: train on pristine batteries, follow a degraded one, look ahead."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from homebody.adapt import Base, Gate, Gaussian, ModelOfOne, ParticleFilter
from homebody.features.battery import article
from homebody.features.battery.article import Array, Trace
from homebody.features.battery.feature import pack_twin
from homebody.features.battery.follow import Followed, Outlook, follow, outlook
from homebody.features.battery.net import Fitted, Net, fit
from homebody.features.battery.prior import prior_of_fleet
from homebody.features.battery.scores import rmse
from homebody.intervals import wilson

Form = Literal["network", "formula"]
FORMS: tuple[Form, ...] = ("network", "formula")
NEXT_CURRENT = 3.0
"""Amperes of the next discharge, which the battery has not been seen at."""
FLEET = 60
"""How many other batteries the prior is learned from."""
Way = Literal["as published", "tuned", "fleet", "robust"]
"""How the battery is followed: the article's particles with its program's variances or with ones
a thousand times smaller; the exact filter with the fleet's prior, and that with Student-t noise."""


class Score(msgspec.Struct, frozen=True):
    """What one way of following came to."""

    way: str
    updates: int
    end_error: float
    """Relative error of the last prediction, a fraction."""
    rmse: float
    """Of the predictions one step ahead, volts."""
    coverage_95: float
    next_cycle_rmse: float
    """Of the next discharge, predicted whole before it begins, volts."""


class FormResult(msgspec.Struct, frozen=True):
    """One form of the degraded battery."""

    form: str
    measurements: int
    pristine_end_error: float
    scores: tuple[Score, ...]


class Summary(msgspec.Struct, frozen=True):
    """What ``homebody battery demo --json`` prints.

    The first five are of the article's own data (form ``network``), followed with the fleet's
    prior; ``forms`` has every way on both forms.
    """

    pristine_end_error: float
    updated_end_error: float
    updates: int
    coverage_95: float
    next_cycle_rmse: float
    coverage_95_interval: tuple[float, float]
    next_cycle_rmse_pristine: float
    epochs: int
    rank: int
    seed: int
    forms: tuple[FormResult, ...]


@dataclass(frozen=True)
class Follower:
    """One way of following the battery, and what came of it."""

    way: Way
    followed: Followed
    next: Outlook
    """What it expects of the next discharge."""


@dataclass(frozen=True)
class FormRun:
    """One form of the degraded battery: truth, measurements, predictions."""

    form: Form
    true: Trace
    seen: Trace
    pristine: Array
    """The pristine net's prediction, volts [n]."""
    base: Array
    """The last layer as trained, [states]."""
    next_true: Trace
    next_pristine: Array
    followers: tuple[Follower, ...]

    def by(self, way: Way) -> Follower:
        """The follower of that way."""
        return next(found for found in self.followers if found.way == way)


@dataclass(frozen=True)
class Demo:
    """Everything that the page draws."""

    seed: int
    training: tuple[Trace, ...]
    fitted: Fitted
    rank: int
    runs: tuple[FormRun, ...]

    def by(self, form: Form) -> FormRun:
        """The run of that form."""
        return next(found for found in self.runs if found.form == form)

    @property
    def summary(self) -> Summary:
        """Its figures."""
        forms = tuple(_result(run) for run in self.runs)
        main = self.by("network")
        score = next(s for s in forms[0].scores if s.way == "fleet")
        n = len(main.true.time)
        return Summary(
            pristine_end_error=forms[0].pristine_end_error,
            updated_end_error=score.end_error,
            updates=score.updates,
            coverage_95=score.coverage_95,
            next_cycle_rmse=score.next_cycle_rmse,
            coverage_95_interval=wilson(round(score.coverage_95 * n), n),
            next_cycle_rmse_pristine=rmse(main.next_pristine, main.next_true.voltage),
            epochs=len(self.fitted.training),
            rank=self.rank,
            seed=self.seed,
            forms=forms,
        )


def run_demo(
    *,
    seed: int = 0,
    bundle: str | os.PathLike[str] | None = None,
    epochs: int = 200,
    progress: Callable[[int], None] | None = None,
) -> Demo:
    """Do all of it, in some seconds.

    The net is trained, packed into a bundle, checked, and run by LiteRT; models of one follow the
    degraded battery on the features that it gives.

    Args:
        seed: of everything random.
        bundle: keep the bundle (of the form ``network``) here.
        epochs: at most so many, for training.
        progress: called with each finished epoch's number.

    Raises:
        BundleError: the bundle cannot be written.
        CheckError: LiteRT does not run the net as it was trained.
    """
    training = article.training_traces()
    inputs = np.concatenate([trace.inputs for trace in training])
    volts = np.concatenate([trace.voltage for trace in training])
    fitted = fit(inputs, volts, epochs=epochs, seed=seed, progress=progress)
    span = float(np.ptp(volts))
    with tempfile.TemporaryDirectory() as folder:
        runs = []
        for form in FORMS:
            path = bundle if bundle and form == "network" else Path(folder, f"{form}.hb")
            runs.append(_run(form, fitted.net, inputs[:: len(inputs) // 8], span, path, seed))
    return Demo(seed, training, fitted, fitted.net.rank(inputs), tuple(runs))


def simulated_fleet(
    net: Net,
    form: Form,
    rng: np.random.Generator,
    *,
    count: int = FLEET,
    currents: tuple[float, float] = (2.0, 3.5),
) -> tuple[Trace, ...]:
    """Other batteries of the kind, aged by 0 to 0.4, one noisy discharge of each."""
    fleet = []
    for _ in range(count):
        current, delta = rng.uniform(*currents), rng.uniform(0.0, 0.4)
        fleet.append(article.measured(_discharge(current, delta, net, form), rng))
    return tuple(fleet)


def _discharge(current: float, delta: float, net: Net, form: Form) -> Trace:
    return article.discharge(current, delta, net if form == "network" else None)


def _run(
    form: Form, net: Net, examples: Array, span: float, path: str | os.PathLike[str], seed: int
) -> FormRun:
    rng = np.random.default_rng([seed, FORMS.index(form)])
    learned = prior_of_fleet(net, simulated_fleet(net, form, rng))
    pack_twin(path, net, learned.prior, examples)
    true = _discharge(article.CURRENT, article.DELTA, net, form)
    seen = article.measured(true, rng)
    next_true = _discharge(NEXT_CURRENT, article.DELTA, net, form)
    base = ModelOfOne(path, "the degraded battery").base
    followers = []
    for way, twin in _twins(base, span, seed):
        followed = follow(twin, seen.inputs, seen.voltage, seen.time)
        ahead = Outlook(len(seen.time) - 1, *outlook(twin, next_true.inputs))
        followers.append(Follower(way, followed, ahead))
    return FormRun(
        form,
        true,
        seen,
        net(true.inputs),
        base.state,
        next_true,
        net(next_true.inputs),
        tuple(followers),
    )


def _twins(base: Base, span: float, seed: int) -> Sequence[tuple[Way, ModelOfOne]]:
    assert base.prior is not None
    interval, shadow = Gate("interval"), Gate("shadow")
    return [
        ("as published", _model(base, article_filter(base, 1e-2, span, seed), interval)),
        ("tuned", _model(base, article_filter(base, 1e-5, span, seed), interval)),
        ("fleet", _model(base, None, shadow)),
        ("robust", ModelOfOne(base, "battery", filter=base.prior.filter(degrees=4), gate=shadow)),
    ]


def _model(base: Base, filter: ParticleFilter | None, gate: Gate) -> ModelOfOne:
    return ModelOfOne(base, "battery", filter=filter, gate=gate)


def article_filter(base: Base, variance: float, span: float, seed: int) -> ParticleFilter:
    """The article's 500 particles, about the last layer as trained.

    Args:
        base: the pristine net.
        variance: of every weight at the start, and of its step, for a net whose output is scaled
            to [0, 1], as the article's is. 1e-2 is its program's: a prediction is then unsure by
            volts, and hardly anything falls outside the interval.
        span: volts that were scaled to 1.
        seed: of the particles.
    """
    sd = math.sqrt(variance) * span
    return ParticleFilter(
        base.state, np.eye(len(base.state)) * sd**2, process=Gaussian(sd),
        likelihood=Gaussian(article.NOISE), particles=500, seed=seed,
    )  # fmt: skip


def _result(run: FormRun) -> FormResult:
    volts = run.true.voltage
    return FormResult(
        form=run.form,
        measurements=len(volts),
        pristine_end_error=float(abs(run.pristine[-1] - volts[-1]) / volts[-1]),
        scores=tuple(
            Score(
                way=found.way,
                updates=found.followed.updates,
                end_error=found.followed.end_error(volts),
                rmse=found.followed.rmse(volts),
                coverage_95=found.followed.coverage(run.seen.voltage),
                next_cycle_rmse=rmse(found.next.mean, run.next_true.voltage),
            )
            for found in run.followers
        ),
    )
