"""How well a battery's model of one predicts the next cycle; the tables of docs/battery.md.

    python benchmarks/battery.py article                the article's battery, simulated
    python benchmarks/battery.py cells FILE.npz         ageing cells that PyBaMM simulated
                                                        (tests/features/battery/cells.npz)
    python benchmarks/battery.py cs2 FILE.npz           real CS2 cells of CALCE, if you have them

Each follows one discharge (or more) of a battery, measurement by measurement, and then predicts
the next one whole. Intervals are of 95 %, bootstrapped over trained nets or over cells.

The file for ``cs2`` has, for each cell C, arrays C_t (s), C_I (A), C_V (V), C_Q (C) and C_splits:
discharge k is from C_splits[k] to C_splits[k + 1]. It is not part of this project.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from typing import Any

import numpy as np

from homebody.adapt import Gate, ModelOfOne, Prior, fleet_prior, last_layer_rows
from homebody.features.battery import article
from homebody.features.battery.article import Trace
from homebody.features.battery.demo import article_filter, simulated_fleet
from homebody.features.battery.feature import base_of
from homebody.features.battery.follow import follow, outlook
from homebody.features.battery.net import Net, fit
from homebody.features.battery.prior import prior_of_fleet, prior_of_training
from homebody.features.battery.scores import coverage, crps, mean_interval, rmse

Z95 = 1.959963984540054
ALWAYS = Gate("shadow", sigmas=0.0)
ON_DEMAND = Gate("interval")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("article", "cells", "cs2"))
    parser.add_argument("path", nargs="?")
    parser.add_argument("--nets", type=int, default=10)
    parser.add_argument("--batteries", type=int, default=10, help="followed for each net")
    given = parser.parse_args()
    if given.what == "article":
        run_article(given.nets, given.batteries)
    elif given.path is None:
        parser.error(f"{given.what} needs the path of a file")
    elif given.what == "cells":
        run_cells(given.path)
    else:
        run_cs2(given.path)


# ---------------------------------------------------------------------- the article's battery


def ways(net: Net, prior: Prior, inputs: Any, span: float, seed: int) -> dict[str, Any]:
    """Every way of following, by the name that the table has."""
    base = base_of(net)
    published = Prior(
        base.state, np.eye(5) * 1e-2 * span**2, np.eye(5) * 1e-2 * span**2, np.array([0.1])
    )
    training = prior_of_training(net, inputs, spread=0.3, noise=0.1)
    return {
        "article's particles, 1e-2": (article_filter(base, 1e-2, span, seed), ALWAYS),
        "article's particles, 1e-2, on demand": (article_filter(base, 1e-2, span, seed), ON_DEMAND),
        "article's particles, 1e-5, on demand": (article_filter(base, 1e-5, span, seed), ON_DEMAND),
        "Kalman, 1e-2": (published.filter(), ALWAYS),
        "Kalman, prior of the training inputs": (training.filter(), ALWAYS),
        "particles, fleet's prior": (prior.particles(seed=seed), ALWAYS),
        "Kalman, fleet's prior": (prior.filter(), ALWAYS),
        "the same, shadow gate": (prior.filter(), Gate()),
        "Kalman, fleet's prior, Student-t": (prior.filter(degrees=4), ALWAYS),
    }


def run_article(nets: int, batteries: int) -> None:
    traces = article.training_traces()
    inputs = np.concatenate([trace.inputs for trace in traces])
    volts = np.concatenate([trace.voltage for trace in traces])
    span = float(np.ptp(volts))
    trained = [fit(inputs, volts, seed=seed).net for seed in range(nets)]
    print(f"SiLU ranks of 5: {sorted(net.rank(inputs) for net in trained)}")
    dead = [fit(inputs, volts, seed=seed, activation="relu").net for seed in range(nets)]
    print(f"ReLU ranks of 5: {sorted(net.rank(inputs) for net in dead)}")
    for form, outliers in (("formula", 0.0), ("network", 0.0), ("formula", 0.05)):
        scores: dict[str, list[Any]] = {}
        for seed, net in enumerate(trained):
            rng = np.random.default_rng([seed, 1])
            fleet = simulated_fleet(net, form, rng, currents=(2.5, 3.5))
            prior = prior_of_fleet(net, fleet).prior
            found: dict[str, list[Any]] = {}
            for battery in range(batteries):
                _battery(net, form, outliers, prior, inputs, span, [seed, 2, battery], found)
            for way, rows in found.items():
                scores.setdefault(way, []).append(np.nanmean(rows, axis=0))
        print(f"\n{form}, {outliers:.0%} outliers; {nets} nets, {batteries} batteries each")
        print("| followed by | next cycle, V | one step, V | CRPS, V | inside 95 % | updates |")
        print("|---|---|---|---|---|---|")
        for way, rows in scores.items():
            table = np.array(rows)
            cells = [f"{_spread(table[:, 0])}", *(f"{v:.3f}" for v in table[:, 1:3].mean(0))]
            print(f"| {way} | {' | '.join(cells)} | {table[:, 3].mean():.2f} "
                  f"| {table[:, 4].mean():.1f} |".replace("nan", "–"))  # fmt: skip


def _battery(
    net: Net, form: Any, outliers: float, prior: Prior, inputs: Any, span: float, seed: list[int],
    found: dict[str, list[Any]],
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    delta, current, after = rng.uniform(0.1, 0.3), *rng.uniform(2.5, 3.5, 2)
    source = net if form == "network" else None
    true = article.discharge(current, delta, source)
    seen = article.measured(true, rng)
    struck = rng.random(len(true.time)) < outliers
    volts = seen.voltage + np.where(struck, rng.normal(0, 2, len(struck)), 0)
    ahead = article.discharge(after, delta, source)
    none = [rmse(net(ahead.inputs), ahead.voltage), rmse(net(true.inputs), true.voltage)]
    found.setdefault("no update", []).append([*none, np.nan, np.nan, 0])
    for way, (filter, gate) in ways(net, prior, inputs, span, seed[-1]).items():
        twin = ModelOfOne(base_of(net), "battery", filter=filter, gate=gate)
        done = follow(twin, true.inputs, volts)
        good = ~struck
        sigma = (done.high - done.mean) / Z95
        found.setdefault(way, []).append([
            rmse(outlook(twin, ahead.inputs)[0], ahead.voltage),
            done.rmse(true.voltage),
            crps(volts[good], done.mean[good], sigma[good]),
            coverage(volts[good], done.low[good], done.high[good]),
            done.updates,
        ])  # fmt: skip


# ---------------------------------------------------------------------- simulated cells

CELL_NOISE = 0.005
"""Volts of noise put on PyBaMM's noiseless cells."""


def run_cells(path: str) -> None:
    rng = np.random.default_rng(0)
    with np.load(path, allow_pickle=False) as file:
        splits, cell, number = file["splits"], file["cell"], file["number"]
        columns = [file[name].astype(float) for name in ("time", "current", "voltage", "charge")]
    traces = [Trace(*(column[a:b] for column in columns)) for a, b in pairwise(splits)]
    new = [article.measured(t, rng, CELL_NOISE) for t, c in zip(traces, cell, strict=True) if c < 0]
    net = fit(np.concatenate([t.inputs for t in new]), np.concatenate([t.voltage for t in new])).net
    aged = rng.permutation(np.unique(cell[cell >= 0]))
    first = {c: t for t, c, n in zip(traces, cell, number, strict=True) if n == 1}
    second = {c: t for t, c, n in zip(traces, cell, number, strict=True) if n == 2}
    fleet, followed = aged[: len(aged) // 2], aged[len(aged) // 2 :]
    prior = prior_of_fleet(net, [article.measured(first[c], rng, CELL_NOISE) for c in fleet]).prior
    inputs = np.concatenate([t.inputs for t in new])
    alone = prior_of_training(net, inputs, spread=0.05, noise=CELL_NOISE)
    rows = []
    for c in followed:
        seen, ahead = article.measured(first[c], rng, CELL_NOISE), second[c]
        rows.append([rmse(net(ahead.inputs), ahead.voltage)])
        for filter in (alone.filter(), prior.filter(), prior.filter(degrees=4)):
            twin = ModelOfOne(base_of(net), f"cell {c}", filter=filter)
            follow(twin, seen.inputs, seen.voltage, seen.time)
            mean, low, high = outlook(twin, ahead.inputs)
            rows[-1] += [rmse(mean, ahead.voltage), coverage(ahead.voltage, low, high)]
    table = np.array(rows)
    print(f"{len(followed)} cells followed, {len(fleet)} others in the fleet, {len(new)} new "
          f"discharges, {CELL_NOISE} V of noise")  # fmt: skip
    print("| followed by | next cycle, V | inside 95 % |\n|---|---|---|")
    print(f"| no update | {_spread(table[:, 0])} | – |")
    for index, way in enumerate(("prior of the training inputs", "fleet's prior",
                                 "fleet's prior, Student-t")):  # fmt: skip
        error, inside = table[:, 1 + 2 * index], table[:, 2 + 2 * index]
        print(f"| {way} | {_spread(error)} | {inside.mean():.2f} |")


# ---------------------------------------------------------------------- real cells


def run_cs2(path: str) -> None:
    with np.load(path, allow_pickle=False) as file:
        names = sorted(name.removesuffix("_splits") for name in file if name.endswith("_splits"))
        cells = {name: _cs2_cycles(file, name) for name in names}
    print(
        "| cell | cycles | pristine, V | twin, V | ratio | inside 95 % |\n|---|---|---|---|---|---|"
    )
    pairs = []
    for name in names:
        others = [cells[other] for other in names if other != name]
        row = _follow_cs2(cells[name], others)
        pairs.append(row)
        print(f"| {name} | {len(cells[name]):,} | {row[0]:.4f} | {row[1]:.4f} "
              f"| {row[0] / row[1]:.1f} | {row[2]:.2f} |")  # fmt: skip
    table = np.array(pairs)
    half = 4.303 * table[:, :2].std(0, ddof=1) / np.sqrt(len(table))  # Student's t, 2 degrees
    means = table.mean(0)
    print(f"| mean of {len(table)} | | {means[0]:.4f} ± {half[0]:.4f} | {means[1]:.4f} ± "
          f"{half[1]:.4f} | {means[0] / means[1]:.1f} | {means[2]:.2f} |")  # fmt: skip


def _cs2_cycles(file: Any, name: str) -> list[Trace]:
    splits = file[f"{name}_splits"]
    columns = [file[f"{name}_{key}"].astype(float) for key in "tIVQ"]
    found = []
    for a, b in pairwise(splits):
        trace = Trace(*(column[a:b] for column in columns))
        # Every second measurement, and none before the load has settled.
        keep = np.flatnonzero((trace.time > 30) & (trace.voltage > 2.75))[::2]
        if len(keep) >= 10:
            found.append(Trace(*(column[keep] for column in trace)))
    return found


NEW_CYCLES, TRACK, EVERY = 20, 40, 5
"""Cycles of each cell that count as new; cycles in one track of the fleet; every so many used."""


def _follow_cs2(cell: list[Trace], others: list[list[Trace]]) -> list[float]:
    """Next-cycle RMSE of the pristine net and of the twin, and the twin's coverage."""
    new = [trace for other in others for trace in other[:NEW_CYCLES]]
    net = fit(np.concatenate([t.inputs for t in new]), np.concatenate([t.voltage for t in new])).net
    tracks = []
    for other in others:
        for start in range(0, len(other) - TRACK, TRACK):
            part = other[start : start + TRACK : EVERY]
            inputs = np.concatenate([t.inputs for t in part])
            rows = last_layer_rows(net.features(inputs))[:, 0]
            tracks.append((rows, np.concatenate([t.voltage for t in part])))
    prior = fleet_prior(tracks, mean=net.last_layer[0]).prior
    twin = ModelOfOne(base_of(net), "cell", filter=prior.filter(degrees=4), gate=ALWAYS, history=0)
    errors, inside = [], []
    for now, ahead in zip(cell[::EVERY], cell[EVERY::EVERY], strict=False):
        follow(twin, now.inputs, now.voltage)
        mean, low, high = outlook(twin, ahead.inputs)
        errors.append([rmse(net(ahead.inputs), ahead.voltage), rmse(mean, ahead.voltage)])
        inside.append(coverage(ahead.voltage, low, high))
    pristine, updated = np.mean(errors, axis=0)
    return [float(pristine), float(updated), float(np.mean(inside))]


def _spread(values: Any) -> str:
    found = mean_interval(values)
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})"


if __name__ == "__main__":
    main()
