"""The next catalog's order from what many owners pick, none of whose picks leaves their device.

An owner's update holds, for each category, how often each preset of its curated list was picked.
What is sent is clipped and noised (:mod:`homebody.adapt.federated`); the noisy sum moves the order
of the lists. Presets that were found elsewhere than in a category's list are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.errors import FederatedError
from homebody.features.photo.catalog import Catalog, Category
from homebody.features.photo.preference import Habit

Array = NDArray[np.float64]

_FIRST = 6
"""How quickly the curated order counts less further down: place r counts 1 / (6 + r)."""


def owner_update(picks: Mapping[Habit, float], catalog: Catalog) -> dict[str, Array]:
    """An owner's picks as arrays whose names and shapes only the catalog decides.

    Args:
        picks: how often, by preset and category; as
            :attr:`homebody.features.photo.preference.Preference.habits` has them.
        catalog: the one that all owners have.

    Returns:
        By category, float64 [its presets].

    Example:
        >>> from homebody.features.photo.catalog import default_catalog
        >>> catalog = default_catalog()
        >>> street = catalog.category("street")
        >>> update = owner_update({Habit(street.presets[2].preset, "street"): 3.0}, catalog)
        >>> update["street"][:4].tolist(), update["portrait"].any()
        ([0.0, 0.0, 3.0, 0.0], np.False_)
    """
    return {
        category.id: np.array(
            [picks.get(Habit(entry.preset, category.id), 0.0) for entry in category.presets]
        )
        for category in catalog.categories
    }


def next_catalog(catalog: Catalog, total: Mapping[str, Array], noise: float) -> Catalog:
    """The catalog with each category's list in the order that the noisy sum and curation give.

    A list's expected picks are its total shared out by place; the sum is drawn towards them by as
    much as its distance is explained by noise (James, Stein, "Estimation with quadratic loss",
    1961): a sum that is only noise leaves the order as it was, one without noise decides it alone.
    This reads the noisy sum and nothing else, so it costs no further privacy.

    Args:
        catalog: the one that the updates were counted by.
        total: the sum of messages, as :func:`homebody.adapt.federated.total` gives it.
        noise: standard deviation of the noise in each of its values.

    Returns:
        The catalog, its version's last number one higher.

    Raises:
        FederatedError: the sum is not of this catalog's categories and lists.
    """
    shapes = {category.id: (len(category.presets),) for category in catalog.categories}
    if {name: np.shape(values) for name, values in total.items()} != shapes:
        raise FederatedError(
            "the sum is not of this catalog's lists; give the catalog that the owners had"
        )
    major, minor, patch = catalog.version.split(".")
    return msgspec.structs.replace(
        catalog,
        version=f"{major}.{minor}.{int(patch) + 1}",
        categories=tuple(
            _reordered(category, np.asarray(total[category.id], np.float64), noise)
            for category in catalog.categories
        ),
    )


def moved(before: Catalog, after: Catalog) -> dict[str, int]:
    """How many presets of each category's list are in another place, where any is."""
    found = {}
    for old, new in zip(before.categories, after.categories, strict=True):
        count = sum(a != b for a, b in zip(old.presets, new.presets, strict=True))
        if count:
            found[old.id] = count
    return found


def _reordered(category: Category, seen: Array, noise: float) -> Category:
    places = 1 / (_FIRST + np.arange(len(seen)))
    expected = max(seen.sum(), 0.0) * places / places.sum()
    distance = float(np.square(seen - expected).sum())
    # The positive part; with three values or fewer there is nothing to learn the share from.
    spare = max(len(seen) - 3, 1)
    kept = 1.0 if noise == 0 else max(0.0, 1 - spare * noise**2 / distance) if distance else 0.0
    score = expected + kept * (seen - expected)
    order = np.argsort(-score, kind="stable")
    return msgspec.structs.replace(
        category, presets=tuple(category.presets[index] for index in order)
    )
