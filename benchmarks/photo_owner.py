"""Whether For This Photo learns an owner: simulated owners with hidden tastes, on real photos.

    python benchmarks/photo_owner.py                                    the shipped photos
    python benchmarks/photos/fetch.py PHOTOS
    python benchmarks/photo_owner.py PHOTOS --split test --owners 100   the figures to report

An owner has a hidden utility for every preset on every photo: how high the curated list has it,
plus a taste, plus noise that is drawn anew each time. The preset of the highest utility in the
whole catalog is what this owner wants for this photo; a hit is when it is among the six. Owners
work through photos: they take what they want where it is among the six; else half of the time they
find it in the catalog, and otherwise settle for the best of the six, or for none where all six are
far off. After N choices the hit rate is taken on photos that this owner has not worked on, with
nothing learned from those.

No taste is of the learner's own form: looks are ideal points of lightness, contrast, chroma and
warmth, measured on each photo's rendering. The learner's prior was chosen on the development split
with other owners (--split dev --seed 1000); nothing was chosen by what is reported.

Prints a Markdown table: mean hit rate over owners, with the half width of its 95 % interval.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import homebody
from homebody import kernels
from homebody.features.photo import ForThisPhoto
from homebody.features.photo.catalog import Catalog, default_catalog
from homebody.features.photo.colour import lab_from_srgb
from homebody.features.photo.feature import WORKING_SIDE
from homebody.features.photo.look import compile_lut
from homebody.features.photo.preference import Habit, Preference
from homebody.features.photo.preset import Preset
from homebody.features.photo.sample_photos import sample_folder
from homebody.features.photo.suggest import follow, suggest
from homebody.image import decode
from homebody.intervals import Z95

Array = NDArray[np.float64]
KINDS = {
    "looks": "an ideal lightness, contrast, chroma and warmth of the result",
    "families": "three families of presets",
    "presets": "eight presets, of whatever kind",
    "by subject": "one ideal look for people, animals, food and streets, another for all else",
    "no taste": "what the curated list has first",
    "changing": "a look for 25 choices, then three families",
}
AFTER = (0, 5, 10, 20, 50)
CHANGE = 25
TESTED = 20
CURATION, TASTE, NOISE = 2.5, 1.5, 0.4
"""Weight of the list's 6 / (6 + rank), a taste's standard deviation, scale of the Gumbel noise."""
FOUND, FAR = 0.5, 3.0
"""How often what is wanted is found in the catalog; from which loss on none is taken."""
SIDE = 32


class Photos:
    """Real photos as the owner and the feature see them."""

    def __init__(self, files: Sequence[Path], catalog: Catalog) -> None:
        self.catalog = catalog
        self.ids = [preset.id for preset in catalog.presets]
        self.families = np.array([preset.family for preset in catalog.presets])
        luts = [compile_lut(preset) for preset in catalog.presets]
        self.scores: list[dict[str, float]] = []
        looks, curated = [], []
        with homebody.load("for-this-photo") as feature:
            assert isinstance(feature, ForThisPhoto)
            for number, file in enumerate(files, 1):
                pixels = decode(file, at_least=WORKING_SIDE).flat
                scores = feature.scores(pixels)
                self.scores.append(scores)
                small = kernels.resize(np.ascontiguousarray(pixels), SIDE, SIDE)
                looks.append([_look(kernels.lut_apply(small, lut)) for lut in luts])
                ranks = follow(catalog, scores).ranks
                curated.append([6 / (6 + ranks[id]) if id in ranks else 0.0 for id in self.ids])
                if number % 50 == 0:
                    print(f"{number} of {len(files)} photos", file=sys.stderr, flush=True)
        seen = np.array(looks)
        self.looks: Array = (seen - seen.mean((0, 1))) / seen.std((0, 1))
        self.curated: Array = np.array(curated)
        close = {"portrait", "animal", "food", "street"}
        self.close = np.array([follow(catalog, s).lead.id in close for s in self.scores])
        self.today = [[p.id for p in suggest(catalog, s).presets] for s in self.scores]


def _look(pixels: NDArray[np.uint8]) -> list[float]:
    lab = lab_from_srgb(pixels).reshape(-1, 3)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    return [lab[:, 0].mean(), lab[:, 0].std(), chroma.mean(), lab[:, 2].mean()]


class Owner:
    """A hidden utility, and noise."""

    def __init__(self, kind: str, photos: Photos, seed: int) -> None:
        self._photos = photos
        self._rng = np.random.default_rng([seed, list(KINDS).index(kind)])
        first = self._taste("looks" if kind == "changing" else kind)
        self._tastes = (first, self._taste("families") if kind == "changing" else first)

    def _taste(self, kind: str) -> Array:
        """[photos, presets]."""
        photos, rng = self._photos, self._rng
        count, presets = photos.curated.shape
        if kind == "looks":
            ideal, weight = rng.normal(0, 1.2, 4), rng.dirichlet(np.ones(4))
            utility = -((photos.looks - ideal) ** 2 * weight).sum(-1)
            utility -= utility.mean(1, keepdims=True)
            return np.asarray(TASTE * utility / utility.std(1, keepdims=True))
        if kind == "by subject":
            one, other = self._taste("looks"), self._taste("looks")
            return np.where(photos.close[:, None], one, other)
        liked = np.zeros(presets)
        if kind == "families":
            chosen = rng.choice(np.unique(photos.families), 3, replace=False)
            liked[np.isin(photos.families, chosen)] = 2 * TASTE
        elif kind == "presets":
            liked[rng.choice(presets, 8, replace=False)] = 2.5 * TASTE
        return np.tile(liked, (count, 1))

    def utility(self, photo: int, choices: int) -> Array:
        """[presets] without noise, when the owner has made so many choices."""
        taste = self._tastes[choices >= CHANGE][photo]
        return np.asarray(CURATION * self._photos.curated[photo] + taste)


class Counts:
    """What a simple app does: presets that were picked come first, the most picked before."""

    def __init__(self) -> None:
        self.learned = 0
        self.habits: dict[Habit, float] = {}

    def learn(
        self, catalog: Catalog, scores: Any, shown: Sequence[str], picked: str | None
    ) -> None:
        """Count it."""
        self.learned += 1
        if picked is not None:
            self.habits[Habit(picked, "")] = self.habits.get(Habit(picked, ""), 0) + 1

    def features(
        self, catalog: Any, scores: Any, lead: str, ranks: Mapping[str, int],
        presets: Sequence[Preset],
    ) -> Array:  # fmt: skip
        """[presets, 1]: the count; ties keep the list's order."""
        return np.array([[float(self.habits.get(Habit(p.id, ""), 0))] for p in presets])

    def utilities(self, rows: Array) -> Array:
        """[presets]."""
        return rows[:, 0]

    def doubts(self, rows: Array) -> Array:
        """None."""
        return np.zeros(len(rows))


class Knowing(Counts):
    """Who sees the hidden utility, if not the noise: as good as any learner can be."""

    def __init__(self, photos: Photos, utility: Array) -> None:
        super().__init__()
        self.learned, self._utility = 1, dict(zip(photos.ids, utility.tolist(), strict=True))

    def features(
        self, catalog: Any, scores: Any, lead: str, ranks: Mapping[str, int],
        presets: Sequence[Preset],
    ) -> Array:  # fmt: skip
        """[presets, 1]: the utility."""
        return np.array([[self._utility[preset.id]] for preset in presets])


LEARNERS = ("no learning", "counts", "learned")


def hit_rates(kind: str, photos: Photos, seed: int, learner: str) -> list[float]:
    """One owner's hit rate after each of :data:`AFTER` choices."""
    owner, catalog = Owner(kind, photos, seed), photos.catalog
    # Each learner meets the same photos in the same order, and the same noise.
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(len(photos.scores))
    tested = min(TESTED, len(order) // 2)
    kept, worked = order[:tested], order[tested:]
    test_noise = rng.gumbel(0, NOISE, (tested, len(photos.ids)))
    noise = rng.gumbel(0, NOISE, (max(AFTER), len(photos.ids)))
    finds = rng.random(max(AFTER)) < FOUND
    state: Any = Counts() if learner == "counts" else Preference("0" * 64)

    def six(photo: int) -> list[str]:
        if not state.learned:
            return photos.today[photo]
        found = suggest(catalog, photos.scores[photo], preference=state)
        return [preset.id for preset in found.presets]

    rates = []
    for choices in range(max(AFTER) + 1):
        if choices in AFTER:
            hits = 0
            for photo, off in zip(kept, test_noise, strict=True):
                utility = owner.utility(photo, choices)
                if learner == "knowing":
                    state = Knowing(photos, utility)
                hits += photos.ids[int(np.argmax(utility + off))] in six(photo)
            rates.append(hits / tested)
        if choices == max(AFTER) or learner in ("no learning", "knowing"):
            continue
        photo = int(worked[choices % len(worked)])
        utility = owner.utility(photo, choices) + noise[choices]
        shown, wanted = six(photo), photos.ids[int(np.argmax(utility))]
        picked: str | None = wanted
        if wanted not in shown and not finds[choices]:
            value = dict(zip(photos.ids, utility.tolist(), strict=True))
            picked = max(shown, key=value.__getitem__)
            if value[picked] < value[wanted] - FAR:
                picked = None
        state.learn(catalog, photos.scores[photo], shown, picked)
    return rates


def half_width(values: Array) -> float:
    """Of the 95 % interval of the mean over owners."""
    return float(Z95 * values.std(ddof=1) / math.sqrt(len(values)))


def files_of(folder: Path, split: str) -> list[Path]:
    """The photos of one split that ``benchmarks/photos/fetch.py`` put into a folder."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as index:
        return [folder / row["file"] for row in csv.DictReader(index) if row["split"] == split]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("photos", type=Path, nargs="?", help="what fetch.py filled")
    parser.add_argument("--split", choices=["dev", "test"], default="test")
    parser.add_argument("--owners", type=int, default=20, help="of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first owner")
    parser.add_argument("--json", type=Path, help="write the numbers there")
    options = parser.parse_args()
    examples = Path(__file__).resolve().parents[1] / "examples"
    files = [*sorted(sample_folder().glob("*.jpg")), *sorted(examples.glob("*.jpg"))]
    if options.photos is not None:
        files = files_of(options.photos, options.split)
    photos = Photos(files, default_catalog())
    where = f"{len(files)} photos" + (f" of the {options.split} split" if options.photos else "")
    print(f"{where}, {options.owners} owners of each kind, seeds from {options.seed}; per cent\n")
    print("| owners | suggestions | " + " | ".join(f"{n}" for n in AFTER) + " | gain at 50 |")
    print("|---|---|" + "---|" * (len(AFTER) + 1))
    numbers: dict[str, dict[str, list[list[float]]]] = {}
    for kind in KINDS:
        seeds = range(options.seed, options.seed + options.owners)
        found = {
            learner: np.array([hit_rates(kind, photos, seed, learner) for seed in seeds])
            for learner in (*LEARNERS, "knowing")
        }
        numbers[kind] = {learner: rates.tolist() for learner, rates in found.items()}
        for learner, rates in found.items():
            cells = [f"{100 * r.mean():.0f} ± {100 * half_width(r):.0f}" for r in rates.T]
            gain = rates[:, -1] - found["no learning"][:, -1]
            cells.append(f"{100 * gain.mean():+.0f} ± {100 * half_width(gain):.0f}")
            print(f"| {kind} | {learner} | " + " | ".join(cells) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(numbers))


if __name__ == "__main__":
    main()
