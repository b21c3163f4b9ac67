"""The next catalog's order: what picks decide, and what noise does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.adapt.federated import Privacy, message, total
from homebody.errors import FederatedError
from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.federated import moved, next_catalog, owner_update
from homebody.features.photo.preference import Habit

CATALOG = default_catalog()
STREET = CATALOG.category("street")


def zeros() -> dict[str, np.ndarray]:
    return owner_update({}, CATALOG)


def test_an_update_counts_picks_at_their_place_and_nothing_else():
    picks = {
        Habit(STREET.presets[2].preset, "street"): 3.0,
        Habit(STREET.presets[2].preset, "portrait-of-none"): 5.0,
        Habit("gone-01", "street"): 7.0,
    }
    update = owner_update(picks, CATALOG)
    expected = zeros()
    expected["street"][2] = 3.0
    assert list(update) == [category.id for category in CATALOG.categories]
    assert all((update[name] == expected[name]).all() for name in expected)


def test_names_and_shapes_do_not_depend_on_the_owner():
    many = {Habit(entry.preset, "street"): 1.0 for entry in STREET.presets}
    one, other = owner_update(many, CATALOG), zeros()
    assert {n: a.shape for n, a in one.items()} == {n: a.shape for n, a in other.items()}


def test_without_noise_picks_decide_and_curation_breaks_ties():
    summed = zeros()
    summed["street"][5], summed["street"][3] = 900.0, 400.0
    after = next_catalog(CATALOG, summed, noise=0.0)
    order = [STREET.presets.index(entry) for entry in after.category("street").presets]
    assert order == [5, 3, *(i for i in range(len(order)) if i not in (3, 5))]
    assert moved(CATALOG, after) == {"street": 6}
    assert after.version != CATALOG.version


def test_nothing_picked_moves_nothing():
    assert moved(CATALOG, next_catalog(CATALOG, zeros(), 0.0)) == {}


def test_noise_alone_hardly_moves_anything():
    rng = np.random.default_rng(2)
    lists = [0, 0]
    for _ in range(50):
        noisy = {name: rng.normal(0, 4.0, len(values)) for name, values in zeros().items()}
        lists[0] += len(moved(CATALOG, next_catalog(CATALOG, noisy, 4.0)))
        lists[1] += len(moved(CATALOG, next_catalog(CATALOG, noisy, 0.0)))
    assert lists[1] == 50 * len(CATALOG.categories)
    # Where nobody picked, what is left after shrinking still reorders; how much is what counts.
    places = np.arange(len(STREET.presets))
    kept = []
    for _ in range(200):
        noisy = {**zeros(), "street": 400 / (6 + places) + rng.normal(0, 4.0, len(places))}
        after = next_catalog(CATALOG, noisy, 4.0).category("street").presets
        kept.append(np.corrcoef([STREET.presets.index(e) for e in after], places)[0, 1])
    assert np.mean(kept) > 0.95


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 100))
def test_lists_keep_their_presets_whatever_the_sum(seed, noise):
    rng = np.random.default_rng(seed)
    noisy = {name: rng.normal(0, 50, len(values)) for name, values in zeros().items()}
    after = next_catalog(CATALOG, noisy, noise)
    for old, new in zip(CATALOG.categories, after.categories, strict=True):
        assert sorted(e.preset for e in old.presets) == sorted(e.preset for e in new.presets)
        assert {e.preset: e.reason for e in old.presets} == {
            e.preset: e.reason for e in new.presets
        }


def test_a_sum_of_another_catalog_is_refused():
    with pytest.raises(FederatedError, match="catalog that the owners had"):
        next_catalog(CATALOG, {"street": np.zeros(3)}, 0.0)


def test_raw_picks_never_leave():
    """Messages of owners who picked otherwise are alike in form, and hold no pick."""
    privacy = Privacy.spending(1.0, owners=100)
    for preset in (STREET.presets[0].preset, STREET.presets[4].preset):
        update = owner_update({Habit(preset, "street"): 20.0}, CATALOG)
        sent = message(update, privacy)
        flat = np.concatenate(list(sent.values()))
        assert (flat != np.concatenate(list(update.values()))).mean() > 0.99
        assert np.abs(flat).max() < 20 / 4  # the count itself was cut to the clip
        assert (flat != 0).mean() > 0.99


def test_central_and_distributed_give_sums_with_the_same_noise():
    rng = np.random.default_rng(8)
    found = []
    for where in ("distributed", "central"):
        privacy = Privacy.spending(2.0, owners=25, where=where)
        sums = [
            total([message(zeros(), privacy, rng) for _ in range(25)], privacy, rng)["street"]
            for _ in range(60)
        ]
        found.append(np.std(sums) / privacy.noise)
    assert found == pytest.approx([1.0, 1.0], abs=4 / math.sqrt(2 * 60 * len(STREET.presets)))
