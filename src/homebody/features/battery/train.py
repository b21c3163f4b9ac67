"""Train a twin for a kind of battery from its owner's own measurements."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from homebody.adapt import Prior
from homebody.errors import UsageError
from homebody.features.battery.feature import pack_twin
from homebody.features.battery.measurements import Measurements
from homebody.features.battery.net import HIDDEN, Activation, Net, fit
from homebody.features.battery.prior import prior_of_fleet, prior_of_training
from homebody.features.battery.scores import rmse

SPREAD = 0.02
"""Without a fleet: how far a battery may differ, as a share of the median voltage."""
LEAST_NOISE = 1e-3
"""Volts; no net and no sensor is surer than that."""
EXAMPLES = 8
"""Samples that the bundle carries."""


class TrainReport(msgspec.Struct, frozen=True):
    """What training came to."""

    measurements: int
    batteries: int
    """In the fleet that the prior comes from; 0 without one."""
    epochs: int
    best_epoch: int
    rmse: float
    """Of the net on all that it was trained on, volts."""
    held_out_rmse: float
    """On the tenth held out, volts."""
    noise: float
    """What the twin takes for the sensor's and the net's error, volts."""
    rank: int
    """Along how many directions the last layer can move, of ``directions``."""
    directions: int
    notes: tuple[str, ...]


class Trained(NamedTuple):
    """A net, a prior for its last layer, and the report."""

    net: Net
    prior: Prior
    examples: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    report: TrainReport

    def pack(self, path: str | os.PathLike[str], *, name: str = "battery") -> None:
        """Write the bundle, if LiteRT runs it as it was trained.

        Raises:
            CheckError: it does not.
            BundleError: the file cannot be written.
        """
        report = self.report
        prior = (
            f"fleet of {report.batteries} batteries" if report.batteries
            else "training inputs (g-prior)"
        )  # fmt: skip
        provenance = {
            "data": f"{report.measurements} measurements of pristine batteries",
            "prior": prior,
            "held_out_rmse_volts": f"{report.held_out_rmse:.4g}",
        }
        card = (
            f"# {name}\n\nA battery's voltage (V) from current (A) and charge drawn (C), and the "
            "last hidden layer that a model of one adapts on.\n\n"
            f"Trained on {report.measurements} measurements; RMSE {report.held_out_rmse:.4g} V on "
            f"every tenth of them, held out. Prior: {prior}.\n"
        )
        pack_twin(
            path, self.net, self.prior, self.examples, name=name, licence="LicenseRef-Owner",
            card=card, provenance=provenance,
        )  # fmt: skip


def train(
    pristine: Sequence[Measurements],
    fleet: Sequence[Measurements] = (),
    *,
    hidden: Sequence[int] = HIDDEN,
    activation: Activation = "silu",
    epochs: int = 200,
    spread: float | None = None,
    noise: float | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Trained:
    """Train the net on pristine discharges, and learn from a fleet how batteries of the kind age.

    Args:
        pristine: discharges of new batteries, at several currents if possible.
        fleet: one discharge each of other, aged batteries; at least two, or none.
        hidden, activation, epochs, seed, progress: as of :func:`~.net.fit`.
        spread: without a fleet: volts by which a battery may differ from the pristine one;
            default: 2 % of the median voltage.
        noise: without a fleet: the sensor's standard deviation in volts; default: the net's own
            error on what was held out.

    Raises:
        TrainConfigError: a setting is out of range, or there are too few measurements.
        FilterError: the fleet teaches no prior.
        UsageError: arguments that contradict each other.
    """
    if not pristine:
        raise UsageError("there are no pristine discharges; give one or more files")
    if fleet and (spread is not None or noise is not None):
        raise UsageError("a fleet teaches spread and noise itself; give them, or the fleet")
    inputs = np.concatenate([found.inputs for found in pristine])
    volts = np.concatenate([found.voltage for found in pristine])
    fitted = fit(
        inputs, volts, hidden=hidden, activation=activation, epochs=epochs, seed=seed,
        progress=progress,
    )  # fmt: skip
    net = fitted.net
    held_out = float(np.sqrt(fitted.validation[fitted.best - 1]))
    if fleet:
        prior = prior_of_fleet(net, fleet).prior
    else:
        prior = prior_of_training(
            net, inputs,
            spread=SPREAD * float(np.median(volts)) if spread is None else spread,
            noise=max(held_out, LEAST_NOISE) if noise is None else noise,
        )  # fmt: skip
    report = TrainReport(
        measurements=len(volts), batteries=len(fleet), epochs=len(fitted.training),
        best_epoch=fitted.best, rmse=rmse(net(inputs), volts), held_out_rmse=held_out,
        noise=float(prior.noise[0]), rank=net.rank(inputs), directions=hidden[-1] + 1,
        notes=tuple(_notes(pristine, net, inputs, hidden[-1] + 1)),
    )  # fmt: skip
    place = np.linspace(0, len(inputs) - 1, min(EXAMPLES, len(inputs))).round().astype(int)
    return Trained(net, prior, inputs[place], report)


def _notes(
    pristine: Sequence[Measurements], net: Net, inputs: np.ndarray[tuple[int, ...],
    np.dtype[np.float64]], directions: int,
) -> list[str]:  # fmt: skip
    notes = list(dict.fromkeys(note for found in pristine for note in found.notes))
    rank = net.rank(inputs)
    if rank < directions:
        notes.append(
            f"the last layer can move along only {rank} of {directions} directions"
            + ("; SiLU keeps more alive than ReLU" if net.activation == "relu" else "")
        )
    if np.ptp(inputs[:, 0]) < 0.01 * np.abs(inputs[:, 0]).max():
        notes.append(
            "all measurements are at one current, so the net cannot know what another one does"
        )
    return notes
