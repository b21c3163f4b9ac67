"""Simulated fleets: measurements with everything that can be wrong with them, in files."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from homebody.adapt import Prior


class Stream(NamedTuple):
    ids: np.ndarray
    features: np.ndarray
    measured: np.ndarray
    at: np.ndarray


def prior_of(states: int = 5, outputs: int = 1, seed: int = 1) -> Prior:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(states, states)) * 0.3
    covariance = root @ root.T + 0.05 * np.eye(states)
    return Prior(rng.normal(size=states), covariance, covariance * 1e-3, np.full(outputs, 0.2))


def measurements(
    prior: Prior, assets: int, count: int, seed: int = 0, *, odd: bool = True
) -> Stream:
    """``count`` measurements of assets drawn from the prior, in order of time but for the odd ones:
    missing, late, repeated, contradictory, in other units, stuck.
    """
    rng = np.random.default_rng(seed)
    outputs, d = len(prior.noise), len(prior.mean)
    width = d // outputs
    truth = prior.mean + rng.normal(size=(assets, d)) @ np.linalg.cholesky(prior.covariance).T
    ids = rng.integers(0, assets, count)
    features = rng.normal(size=(count, width - 1))
    rows = np.concatenate([features, np.ones((count, 1))], axis=1)
    seen = np.einsum("nf,nof->no", rows, truth[ids].reshape(count, outputs, width))
    measured = seen + rng.normal(size=(count, outputs)) * prior.noise
    at = np.cumsum(rng.integers(0, 3, count)) * 20.0
    if odd:
        at[rng.random(count) < 0.05] -= 500.0
        measured[rng.random((count, outputs)) < 0.05] = np.nan
        measured[rng.random(count) < 0.02] *= 1000
        measured[rng.random(count) < 0.01] = np.inf
        features[rng.random(count) < 0.02, :1] = np.nan
        for i in rng.integers(1, count, count // 15):
            for column in (ids, features, measured, at):
                column[i] = column[i - 1]
        measured[count // 4 : count // 4 + count // 5] = 0.5
    return Stream(ids, features, measured, at)


def parquet(stream: Stream, folder: Path, files: int = 3, names: bool = False) -> Path:
    """The stream in some Parquet files; with texts as names if wanted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    edges = np.linspace(0, len(stream.ids), files + 1).astype(int)
    for i, (first, last) in enumerate(itertools.pairwise(edges)):
        cut = slice(first, last)
        ids = stream.ids[cut]
        table = pa.table(
            {
                "asset": [f"cell {n}" for n in ids] if names else ids,
                "time": stream.at[cut],
                "features": list(stream.features[cut]),
                "measured": stream.measured[cut, 0],
            }
        )
        pq.write_table(table, folder / f"{i:04d}.parquet", row_group_size=257)
    return folder
