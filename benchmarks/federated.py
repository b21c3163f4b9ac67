"""Whether curated lists get better from many owners' picks, and what privacy costs of that.

    python benchmarks/federated.py [--populations 20] [--json]

Simulated owners. In each population every preset of a category's list appeals to people as curation
has it (6 / (6 + place), times 2) plus what curation does not know (normal, 0.7), and to each owner
plus a taste of their own (normal, 0.7). An owner makes 20 picks in categories that they like to
photograph: the best, with noise drawn anew, of the six suggested or, half of the time, of the
whole list. What each sends is clipped and noised; the sum moves the lists once.

A new owner, who sent nothing, wants the best of the whole list for a photo; a hit is when it is
among the six that the catalog then suggests. One wish each of 4,000 new owners a population; the
same owners, wishes and populations in every row. Nothing was chosen by what is reported.

Prints a Markdown table: mean hit rate over populations with its 95 % interval (Student-t).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from homebody.adapt.federated import Privacy, message, total
from homebody.features.photo.catalog import Catalog, default_catalog
from homebody.features.photo.federated import next_catalog
from homebody.features.photo.preference import FADE
from homebody.features.photo.suggest import suggest

Array = NDArray[np.float64]
OWNERS = (200, 500, 1000, 2000)
EPSILONS = (1.0, 4.0, math.inf)
DELTA = 1e-6
PICKS, NEW = 20, 4000
UNKNOWN, OWN, NOISE = 0.7, 0.7, 0.3
BROWSES = 0.5
# Student's t, 0.975 quantile, by degrees of freedom.
T975 = {4: 2.776, 9: 2.262, 19: 2.093, 29: 2.045}


class Population:
    """People, and what they pick from a catalog's lists."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self.catalog = catalog
        self._rng = np.random.default_rng(seed)
        self._lists = [[e.preset for e in category.presets] for category in catalog.categories]
        self._appeal = [
            2 * 6 / (6 + np.arange(len(ids))) + self._rng.normal(0, UNKNOWN, len(ids))
            for ids in self._lists
        ]
        self.hidden = self._six(catalog)

    def _six(self, catalog: Catalog) -> list[Array]:
        """For each category, which of its list (in the first catalog's order) is suggested."""
        found = []
        for category, ids in zip(catalog.categories, self._lists, strict=True):
            shown = {p.id for p in suggest(catalog, {category.id: 1.0}).presets}
            found.append(np.array([id in shown for id in ids], np.float64))
        return found

    def update(self) -> dict[str, Array]:
        """What one more owner has picked, older picks fading."""
        rng = self._rng
        likes = rng.dirichlet(np.full(len(self._lists), 0.5))
        tastes = [appeal + rng.normal(0, OWN, len(appeal)) for appeal in self._appeal]
        counts = [np.zeros(len(ids)) for ids in self._lists]
        for _ in range(PICKS):
            for count in counts:
                count *= FADE
            k = rng.choice(len(counts), p=likes)
            wanted = tastes[k] + rng.gumbel(0, NOISE, len(tastes[k]))
            if rng.random() > BROWSES:
                wanted = np.where(self.hidden[k] > 0, wanted, -np.inf)
            counts[k][np.argmax(wanted)] += 1
        return {c.id: n for c, n in zip(self.catalog.categories, counts, strict=True)}

    def wishes(self) -> list[tuple[int, int]]:
        """(category, preset's place in the first list) of each new owner."""
        rng, found = self._rng, []
        for _ in range(NEW):
            k = int(rng.integers(len(self._appeal)))
            appeal = self._appeal[k]
            own, noise = rng.normal(0, OWN, len(appeal)), rng.gumbel(0, NOISE, len(appeal))
            found.append((k, int(np.argmax(appeal + own + noise))))
        return found

    def hits(self, catalog: Catalog, wishes: Sequence[tuple[int, int]]) -> float:
        """The share of wishes that are among the suggested six."""
        six = self._six(catalog)
        return float(np.mean([six[k][place] for k, place in wishes]))


def measured(seed: int) -> dict[str, float]:
    """Hit rates of one population, by row of the table."""
    catalog = default_catalog()
    people = Population(catalog, seed)
    updates = [people.update() for _ in range(max(OWNERS))]
    wishes = people.wishes()
    found = {"before": people.hits(catalog, wishes)}
    for owners in OWNERS:
        for epsilon in EPSILONS:
            privacy = Privacy.spending(epsilon, delta=DELTA, owners=owners)
            rng = np.random.default_rng([seed, owners])
            noisy = total((message(one, privacy, rng) for one in updates[:owners]), privacy, rng)
            after = next_catalog(catalog, noisy, privacy.noise)
            found[f"{owners} {epsilon:g}"] = people.hits(after, wishes)
    return found


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--populations", type=int, default=20, choices=[n + 1 for n in T975])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs = [measured(seed) for seed in range(options.populations)]
    rows = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    reach = {
        name: T975[len(runs) - 1] * values.std(ddof=1) / math.sqrt(len(runs))
        for name, values in rows.items()
    }
    gains = {name: values - rows["before"] for name, values in rows.items()}
    gain_reach = {
        name: T975[len(runs) - 1] * gain.std(ddof=1) / math.sqrt(len(runs))
        for name, gain in gains.items()
    }
    if options.json:
        print(json.dumps({name: [rows[name].mean(), reach[name]] for name in rows}))
        return
    print(f"{len(runs)} populations, {NEW} new owners each, delta {DELTA:g}, one round\n")
    print(f"before: {100 * rows['before'].mean():.1f} ± {100 * reach['before']:.1f} %\n")
    heads = [f"epsilon {epsilon:g}" if epsilon < math.inf else "no noise" for epsilon in EPSILONS]
    print(f"| owners | noise at epsilon 1, 4 | {' | '.join(heads)} |")
    print("|---|---|" + "---|" * len(EPSILONS))
    for owners in OWNERS:
        noise = [Privacy.spending(e, delta=DELTA, owners=owners).noise for e in EPSILONS[:2]]
        cells = []
        for epsilon in EPSILONS:
            name = f"{owners} {epsilon:g}"
            gain, half = 100 * gains[name].mean(), 100 * gain_reach[name]
            cells.append(f"{100 * rows[name].mean():.1f} ({gain:+.1f} ± {half:.1f})")
        print(f"| {owners:,} | {', '.join(f'{n:.2f}' for n in noise)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
