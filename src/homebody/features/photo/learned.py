"""What was learned of an owner, for a person to read."""

from __future__ import annotations

import math

import msgspec

from homebody.features.photo.catalog import Catalog
from homebody.features.photo.preference import FEATURES, Preference
from homebody.features.photo.traits import CONTEXTS, TRAITS

SAYING = {
    "light": ("brighter", "darker"),
    "contrast": ("more contrast", "less contrast"),
    "fade": ("lifted blacks", "deep blacks"),
    "warmth": ("warmer", "cooler"),
    "tint": ("greener", "more magenta"),
    "split": ("warm lights, cool shadows", "cool lights, warm shadows"),
    "colour": ("more colour", "less colour"),
    "mono": ("black and white", "in colour"),
    "grain": ("grain", "no grain"),
    "vignette": ("dark corners", "open corners"),
}
"""A trait liked, and disliked."""


class Leaning(msgspec.Struct, frozen=True):
    """A trait that the owner likes more (weight above 0) or less than owners in general.

    ``sure`` is the weight over its standard deviation; ``context`` is empty for all photos.
    """

    trait: str
    context: str
    weight: float
    sure: float
    saying: str


class Habitual(msgspec.Struct, frozen=True):
    """A preset that was picked; ``count`` fades with later picks, ``name`` is "" if it is gone."""

    preset: str
    name: str
    category: str
    count: float


class Learned(msgspec.Struct, frozen=True):
    """All of it: leanings the surest first, habits the strongest first."""

    learned: int
    base: str
    leanings: tuple[Leaning, ...]
    habits: tuple[Habitual, ...]


def learned(preference: Preference, catalog: Catalog) -> Learned:
    """Say what a preference has learned.

    Example:
        >>> from homebody.features.photo.catalog import default_catalog
        >>> learned(Preference("0" * 64), default_catalog()).habits
        ()
    """
    names = {preset.id: preset.name for preset in catalog.presets}
    mean, covariance = preference.mean, preference.covariance
    leanings = []
    for context in ("", *CONTEXTS):
        for trait in TRAITS:
            feature = f"{trait} x {context}" if context else trait
            if feature not in FEATURES:
                continue
            at = FEATURES.index(feature)
            weight, spread = float(mean[at]), math.sqrt(max(float(covariance[at, at]), 1e-12))
            leanings.append(
                Leaning(
                    trait, context, round(weight, 4), round(weight / spread, 3),
                    SAYING[trait][0 if weight > 0 else 1],
                )
            )  # fmt: skip
    leanings.sort(key=lambda one: -abs(one.sure))
    habits = [
        Habitual(preset, names.get(preset, ""), category, round(count, 3))
        for (preset, category), count in preference.habits.items()
    ]
    habits.sort(key=lambda one: -one.count)
    return Learned(preference.learned, preference.base, tuple(leanings), tuple(habits))
