"""What an owner likes: a filter over choices that makes the suggested presets theirs.

The utility of a preset p for a photo x is linear in fixed features, as a net's last layer is:

    u(x, p) = features(x, p) . state

and the owner picks one of the presets that were shown, or none, with the probabilities of a softmax
(conditional logit; picks after one another make a Plackett-Luce ranking). That likelihood has no
exact posterior: particles follow the state (``hb_particles_choose``), the same bits everywhere, and
the browser's twin (``web/preference.js``) adds in the same order, so that it ranks alike.

The features of a preset for a photo (:data:`FEATURES`) are: how high the curated list has it; how
often the owner has picked it, picked it for this category, picked its family, picked its family for
this category (square roots of counts, older picks fading); its traits
(:mod:`homebody.features.photo.traits`); and some traits times what the photo shows. They are
meanings and not a net's units, so that presets may come and go without any relearning.

Sources: D. McFadden, "Conditional logit analysis of qualitative choice behavior" (1974), and
"Modelling the choice of residential location" (1978), for the sampled alternatives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import UsageError
from homebody.features.photo.catalog import Catalog
from homebody.features.photo.preset import Preset
from homebody.features.photo.traits import CONTEXTS, TRAITS, contexts
from homebody.kernels import Particles
from homebody.kernels.choices import choose

Array = NDArray[np.float64]

HABITS = ("preset", "preset here", "family", "family here")
TIED = ("light", "contrast", "warmth", "colour", "mono")
"""Traits that may be liked in one context and not in another."""
FEATURES = (
    "curated", *HABITS, "none", *TRAITS,
    *(f"{trait} x {here}" for here in CONTEXTS for trait in TIED),
)  # fmt: skip
"""The names of the state's numbers, in their order."""

PARTICLES = 2048
OPTIONS = 32
"""Most options of one choice: those shown, those that stand for the rest, and none."""
SHOWN = OPTIONS - 2
"""Most presets that may be said to have been shown."""
# The prior, for owners in general: curation counts, habits count, traits may go either way.
_PRIOR = {
    "curated": (5.0, 1.5),
    "preset": (0.5, 0.4),
    "preset here": (0.3, 0.3),
    "family": (0.3, 0.3),
    "family here": (0.2, 0.3),
    "none": (-1.0, 1.0),
}
_TRAIT, _TIED = 0.3, 0.2
"""Standard deviations of a trait's weight, and of its change in a context."""
_WALK = 0.05
"""An owner changes: each choice moves the state by this share of the prior's deviations."""
FADE = 0.97
"""What a pick still counts after another one."""
_FORGOTTEN = 1 / 64
_OTHERS = 16
"""How many presets stand for the catalog where the owner picked from all of it."""
RECENT = 256
"""How many pieces of feedback are remembered to know a repeated one."""


class Habit(NamedTuple):
    """A preset that was picked for photos of a category."""

    preset: str
    category: str


class Lesson(NamedTuple):
    """What became of one piece of feedback.

    Attributes:
        status: "learned", or "duplicate": the same pick for the same photo once more; ignored.
        expected: the probability that was given to this pick before it; NaN for a duplicate.
    """

    status: Literal["learned", "duplicate"]
    expected: float


class Preference:
    """What one owner likes; starts as what owners like in general.

    Attributes:
        base: SHA-256 of the bundle whose scores it learns on.
        learned: how many choices it has learned from.
        habits: picks by preset and category, each fading with the ones after it.
        recent: the last (photo, pick) pairs; a pick of none is an empty string.

    Example:
        >>> from homebody.features.photo.catalog import default_catalog
        >>> from homebody.features.photo.suggest import suggest
        >>> catalog, scores = default_catalog(), {"portrait": 0.9}
        >>> shown = [preset.id for preset in suggest(catalog, scores).presets]
        >>> owner = Preference("0" * 64)
        >>> for _ in range(5):
        ...     lesson = owner.learn(catalog, scores, shown, "mon-02")
        >>> "mon-02" in [preset.id for preset in suggest(catalog, scores, preference=owner).presets]
        True
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.learned = 0
        self.habits: dict[Habit, float] = {}
        self.recent: list[tuple[str, str]] = []
        mean, spread = _prior()
        self.block = Particles(
            len(FEATURES), PARTICLES, OPTIONS, mean=mean,
            factor=np.diag(spread).astype(np.float32),
        )  # fmt: skip
        self.block.factor[:] = np.diag(spread * _WALK)

    @property
    def mean(self) -> Array:
        """float64 [states]: the weight of each feature, as far as it is known."""
        return np.array(self.block.mean)

    @property
    def covariance(self) -> Array:
        """float64 [states, states]: how sure that is."""
        return np.array(self.block.covariance)

    def learn(
        self,
        catalog: Catalog,
        scores: Mapping[str, float],
        shown: Sequence[str],
        picked: str | None,
        *,
        category: str | None = None,
        photo: str = "",
    ) -> Lesson:
        """Learn from one choice.

        A pick that was not among the shown was found in the whole catalog: presets drawn in turn
        then stand for those that were passed over.

        Args:
            catalog: where the presets are.
            scores: the photo's confidence 0..1 of each category.
            shown: ids of the presets that were offered, 1 to 30.
            picked: the id of the one that was taken; None: none of them.
            category: what the owner says the photo is, if not the strongest.
            photo: names the photo's content (:func:`homebody.features.photo.owner.photo_key`), so
                that the same feedback given twice counts once; empty: it is not compared.

        Raises:
            UnknownPresetError: an id is not in the catalog.
            UsageError: nothing was shown, too much, or a preset twice.
        """
        from homebody.features.photo.suggest import follow

        options = [catalog.preset(id) for id in shown]
        if not 1 <= len(options) <= SHOWN or len({one.id for one in options}) < len(options):
            raise UsageError(
                f"{len(options)} presets were shown; say 1 to {SHOWN}, each of them once"
            )
        taken = None if picked is None else catalog.preset(picked)
        pick = "" if taken is None else taken.id
        if (
            photo
            and next((was for key, was in reversed(self.recent) if key == photo), None) == pick
        ):
            return Lesson("duplicate", math.nan)
        following = follow(catalog, scores, category)
        if taken is not None and taken not in options:
            options = [*options, taken]
            everything = catalog.presets
            for j in range(_OTHERS):
                at = (self.learned * 29 + j * len(everything) // _OTHERS) % len(everything)
                if everything[at] not in options and len(options) < OPTIONS - 1:
                    options.append(everything[at])
        lead = following.lead.id
        rows = np.zeros((len(options) + 1, len(FEATURES)))
        rows[:-1] = self.features(catalog, scores, lead, following.ranks, options)
        rows[-1, FEATURES.index("none")] = 1.0
        index = len(options) if taken is None else options.index(taken)
        expected = float(choose(self.block, rows, index)[index])
        if taken is not None:
            self._remember(Habit(taken.id, lead))
        if photo:
            self.recent = [*self.recent, (photo, pick)][-RECENT:]
        self.learned += 1
        return Lesson("learned", expected)

    def _remember(self, habit: Habit) -> None:
        faded = {known: count * FADE for known, count in self.habits.items()}
        self.habits = {known: count for known, count in faded.items() if count >= _FORGOTTEN}
        self.habits[habit] = self.habits.get(habit, 0.0) + 1.0

    def features(
        self,
        catalog: Catalog,
        scores: Mapping[str, float],
        category: str,
        ranks: Mapping[str, int],
        presets: Sequence[Preset],
    ) -> Array:
        """float64 [presets, states]: each preset's features for a photo.

        Args:
            catalog: where families are.
            scores: the photo's confidence of each category.
            category: whose list leads.
            ranks: a preset's place in the curated list that is followed, from 0.
            presets: the presets.
        """
        families = {preset.id: preset.family for preset in catalog.presets}
        by_preset: dict[str, float] = {}
        by_family: dict[str, float] = {}
        here: dict[str, float] = {}
        for (picked, where), count in self.habits.items():
            if picked not in families:
                continue
            family = families[picked]
            by_preset[picked] = by_preset.get(picked, 0.0) + count
            by_family[family] = by_family.get(family, 0.0) + count
            if where == category:
                here[family] = here.get(family, 0.0) + count
        shown = contexts(scores)
        tied = [TRAITS.index(name) for name in TIED]
        rows = []
        for preset in presets:
            rank = ranks.get(preset.id)
            does = catalog.traits[preset.id]
            rows.append(
                [
                    0.0 if rank is None else 6.0 / (6.0 + rank),
                    math.sqrt(by_preset.get(preset.id, 0.0)),
                    math.sqrt(self.habits.get(Habit(preset.id, category), 0.0)),
                    math.sqrt(by_family.get(preset.family, 0.0)),
                    math.sqrt(here.get(preset.family, 0.0)),
                    0.0,
                    *does,
                    *(does[trait] * much for much in shown for trait in tied),
                ]
            )
        return np.array(rows)

    def utilities(self, rows: Array) -> Array:
        """float64 [presets]: how much each is expected to be liked, added up in a fixed order."""
        total = np.zeros(len(rows))
        for weight, column in zip(self.mean.tolist(), rows.T, strict=True):
            total += column * weight
        return total

    def doubts(self, rows: Array) -> Array:
        """float64 [presets]: the standard deviation of each utility, in the same fixed order."""
        covariance = self.covariance
        variance = np.zeros(len(rows))
        for i, column in enumerate(rows.T):
            along = np.zeros(len(rows))
            for j, other in enumerate(rows.T):
                along += other * covariance[i, j]
            variance += along * column
        return np.sqrt(np.maximum(variance, 0.0))


def _prior() -> tuple[Array, Array]:
    """The mean and the standard deviation of each feature's weight."""
    found = [_PRIOR.get(name, (0.0, _TRAIT if name in TRAITS else _TIED)) for name in FEATURES]
    return np.array([mean for mean, _ in found]), np.array([spread for _, spread in found])
