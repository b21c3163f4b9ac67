from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from homebody.features.battery.article import Trace, discharge
from homebody.features.battery.net import Net, fit


class Cell(NamedTuple):
    """A simulated cell's two discharges after ageing."""

    first: Trace
    second: Trace


@pytest.fixture(scope="session")
def small_net() -> Net:
    """A net of discharges of pristine batteries, quick to train."""
    traces = [discharge(current, 0.0, step=30.0) for current in (2.0, 2.5, 3.0, 3.5)]
    inputs = np.concatenate([trace.inputs for trace in traces])
    volts = np.concatenate([trace.voltage for trace in traces])
    return fit(inputs, volts, hidden=(8, 16, 4), epochs=150).net


@pytest.fixture(scope="session")
def cells() -> tuple[list[Trace], list[Cell]]:
    """New discharges, and aged cells, as benchmarks/battery_cells.py simulated them."""
    with np.load(Path(__file__).with_name("cells.npz"), allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    splits = found["splits"]
    traces = [
        Trace(
            *(found[name][a:b].astype(float) for name in ("time", "current", "voltage", "charge"))
        )
        for a, b in pairwise(splits)
    ]
    labels = list(zip(found["cell"].tolist(), found["number"].tolist(), strict=True))
    by = dict(zip(labels, traces, strict=True))
    new = [trace for (cell, _), trace in zip(labels, traces, strict=True) if cell < 0]
    names = sorted({cell for cell, _ in labels if cell >= 0})
    return new, [Cell(by[name, 1], by[name, 2]) for name in names]
