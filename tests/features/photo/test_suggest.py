"""Which presets are offered: the rules, against a search through every choice."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import CatalogError, UsageError
from homebody.features.photo.catalog import (
    Catalog,
    Category,
    Curated,
    Family,
    Limits,
    default_catalog,
)
from homebody.features.photo.preset import NEUTRAL
from homebody.features.photo.suggest import suggest

SHIPPED = default_catalog()
LIMITS = Limits(clipped=0.02, delta_e=(0, 50), skin_hue=180, neutral=50)


def catalog(*lists, exclusive=()):
    """A catalog from lists of (family, tier) letters, one a category: a content, b light, ..."""
    presets, categories = [], []
    for c, entries in enumerate(lists):
        curated = []
        for i, (family, tier) in enumerate(entries):
            name = f"c{c}-{i}"
            tier_name = {"f": "free", "m": "member"}[tier]
            presets.append(
                msgspec.structs.replace(NEUTRAL, id=name, name=name, family=family, tier=tier_name)
            )
            curated.append(Curated(preset=name, reason=f"reason {i}"))
        kind = "content" if c % 2 == 0 else "photometric"
        categories.append(
            Category(
                id="abcd"[c],
                name="ABCD"[c],
                kind=kind,
                presets=tuple(curated),
                exclusive=c in exclusive,
            )
        )
    families = sorted({preset.family for preset in presets})
    return Catalog(
        format="homebody.catalog/1",
        version="1.0.0",
        families=tuple(Family(id=f, name=f, description=f) for f in families),
        presets=tuple(presets),
        categories=tuple(categories),
        limits=LIMITS,
    )


def ids(found):
    return [preset.id for preset in found.presets]


def best_by_search(entries, free, member):
    """Every choice without two of a family: most presets, nearest the mix, first in order."""
    choices = []
    for size in range(min(free + member, len(entries)), -1, -1):
        for chosen in combinations(range(len(entries)), size):
            families = [entries[i][0] for i in chosen]
            if len(set(families)) == size:
                took = sum(entries[i][1] == "f" for i in chosen)
                off = max(0, took - free) + max(0, (size - took) - member)
                choices.append((off, abs(took - free), chosen))
        if choices:
            return list(min(choices)[2])
    return []


@settings(max_examples=300, deadline=None)
@given(
    entries=st.lists(
        st.tuples(st.sampled_from("pqrst"), st.sampled_from("fm")), min_size=1, max_size=9
    ),
    free=st.integers(0, 4),
    member=st.integers(0, 4),
)
def test_the_choice_is_the_best_there_is(entries, free, member):
    if free + member == 0:
        return
    found = suggest(catalog(entries), {"a": 1.0}, free + member, (free, member))
    assert ids(found) == [f"c0-{i}" for i in best_by_search(entries, free, member)]


@settings(max_examples=100, deadline=None)
@given(
    scores=st.dictionaries(st.sampled_from([c.id for c in SHIPPED.categories]), st.floats(0, 1)),
    count=st.integers(1, 20),
    mix=st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(any),
    member=st.booleans(),
)
def test_whatever_the_scores_the_rules_hold(scores, count, mix, member):
    found = suggest(SHIPPED, scores, count, mix, member)
    assert found == suggest(SHIPPED, dict(reversed(scores.items())), count, mix, member)
    assert len({preset.family for preset in found.presets}) == len(found.presets) <= count
    sources = {found.category, found.companion} - {None}
    for preset in found.presets:
        assert preset.category in sources
        category = SHIPPED.category(preset.category)
        assert preset.reason.startswith(f"{category.name}: ")
        listed = {entry.preset: entry.reason for entry in category.presets}
        assert preset.reason.endswith(listed[preset.id])
    if len(found.presets) < count:
        assert any("no more look families" in note for note in found.notes)
    if scores:
        assert scores.get(found.category, 0) == max(scores.values())


def test_the_default_is_three_and_three_in_the_curated_order():
    for category in SHIPPED.categories:
        found = suggest(SHIPPED, {category.id: 0.9})
        assert Counter(p.tier for p in found.presets) == {"free": 3, "member": 3}
        order = [entry.preset for entry in category.presets]
        places = [order.index(preset.id) for preset in found.presets]
        assert places == sorted(places)


def test_a_preset_is_passed_over_only_when_it_would_break_the_mix():
    # Taking p-free first would leave q as the only family for two members.
    entries = [("p", "f"), ("p", "m"), ("q", "m"), ("r", "f")]
    assert ids(suggest(catalog(entries), {"a": 1}, 3, (1, 2))) == ["c0-1", "c0-2", "c0-3"]


def test_what_falls_short_is_filled_from_the_other_tier_and_said():
    entries = [("p", "f"), ("q", "f"), ("r", "f"), ("s", "f"), ("t", "m")]
    found = suggest(catalog(entries), {"a": 1}, 4, (1, 1))
    assert Counter(p.tier for p in found.presets) == {"free": 3, "member": 1}
    assert found.notes == ("only 1 of 2 member presets suit this photo; filled with free ones",)


def test_too_few_families_are_said():
    found = suggest(catalog([("p", "f"), ("p", "m"), ("q", "m")]), {"a": 1})
    assert len(found.presets) == 2
    assert found.notes == ("only 2 of 6 presets: the list has no more look families",)


def test_a_member_gets_the_curated_order_without_a_mix():
    entries = [("p", "m"), ("p", "f"), ("q", "m"), ("r", "m"), ("s", "f")]
    found = suggest(catalog(entries), {"a": 1}, 3, member=True)
    assert ids(found) == ["c0-0", "c0-2", "c0-3"]
    assert found.notes == ()


def test_a_mix_is_a_ratio():
    for count, mix, free in ((6, (3, 3), 3), (4, (3, 3), 2), (5, (1, 1), 3), (6, (1, 2), 2)):
        found = suggest(SHIPPED, {"portrait": 1}, count, mix)
        assert sum(p.tier == "free" for p in found.presets) == free


def test_the_strongest_category_leads_and_ties_follow_the_catalog():
    both = catalog([("p", "f")], [("q", "f")], [("r", "f")])
    assert suggest(both, {"a": 0.4, "c": 0.6}).category == "c"
    assert suggest(both, {"a": 0.4, "c": 0.4}).category == "a"
    assert suggest(both, {}).category == "a"


def test_strong_content_and_light_take_turns():
    both = catalog([("p", "f"), ("q", "f")], [("r", "f"), ("s", "f")])
    found = suggest(both, {"a": 0.9, "b": 0.5}, 4, (1, 0))
    assert (found.category, found.companion) == ("a", "b")
    assert ids(found) == ["c0-0", "c1-0", "c0-1", "c1-1"]
    assert found.presets[1].reason == "B: reason 0"
    assert suggest(both, {"a": 0.9, "b": 0.49}).companion is None
    led = suggest(both, {"a": 0.6, "b": 0.9}, 4, (1, 0))
    assert ids(led) == ["c1-0", "c0-0", "c1-1", "c0-1"]
    assert suggest(both, {"a": 0.3, "b": 0.9}).companion == "a"
    assert suggest(both, {"a": 0.29, "b": 0.9}).companion is None


def test_two_contents_never_take_turns():
    both = catalog([("p", "f")], [("q", "f")], [("r", "f")])
    assert suggest(both, {"a": 0.6, "c": 0.6}).companion is None


def test_an_exclusive_list_stands_alone():
    lists = [("p", "f")], [("q", "f")]
    assert suggest(catalog(*lists, exclusive={1}), {"a": 0.6, "b": 0.9}).companion is None
    # Strong enough to join, it is followed alone: the other list has nothing for such a photo.
    weaker = suggest(catalog(*lists, exclusive={1}), {"a": 0.9, "b": 0.6})
    assert (weaker.category, weaker.companion) == ("a", "b")
    assert ids(weaker) == ["c1-0"]
    assert ids(suggest(catalog(*lists, exclusive={1}), {"a": 0.9, "b": 0.4})) == ["c0-0"]


@pytest.mark.parametrize("count", [0, -1, 101])
def test_a_count_out_of_range_is_refused(count):
    with pytest.raises(UsageError, match="count"):
        suggest(SHIPPED, {}, count)


@pytest.mark.parametrize("mix", [(0, 0), (-1, 3), (600, 600)])
def test_a_mix_that_makes_no_sense_is_refused(mix):
    with pytest.raises(UsageError, match="tier mix"):
        suggest(SHIPPED, {}, 6, mix)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), float("inf")])
def test_scores_are_from_0_to_1(score):
    with pytest.raises(CatalogError, match="nature"):
        suggest(SHIPPED, {"nature": score})


def test_an_unknown_category_is_refused():
    with pytest.raises(CatalogError, match="space"):
        suggest(SHIPPED, {"space": 0.5})
