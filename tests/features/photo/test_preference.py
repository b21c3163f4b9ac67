"""What an owner picks, learned: against a posterior worked out another way, and the rules kept."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import numpy as np
import pytest

from homebody.errors import CatalogError, KernelError, UnknownPresetError, UsageError
from homebody.features.photo.catalog import catalog_json
from homebody.features.photo.learned import learned
from homebody.features.photo.preference import FADE, FEATURES, SHOWN, Habit, Preference
from homebody.features.photo.preset import NEUTRAL, Adjustments, Cube, Grain
from homebody.features.photo.suggest import CLOSE, PICKED, follow, suggest
from homebody.features.photo.traits import MOST, TRAITS, contexts, traits
from homebody.kernels import Particles
from homebody.kernels.choices import choose
from tests.features.photo.owners import (
    BASE,
    CATALOG,
    made_up_choices,
    made_up_scores,
    taught,
)

PLAIN = {"coastal": 0.9, "nature": 0.1}


def ids(suggestion):
    return [preset.id for preset in suggestion.presets]


# ------------------------------------------------------------------------------ choices


def small(count=20_000, outputs=3, prior=1.0):
    return Particles(
        2, count, outputs, mean=np.zeros(2), factor=prior * np.eye(2, dtype=np.float32), seed=3
    )


def test_a_choice_is_weighed_as_integration_over_a_grid_says():
    """The posterior of three choices among three rows, by summing over a grid of states."""
    rng = np.random.default_rng(4)
    rows = rng.normal(0, 1.5, (3, 3, 2))
    taken = [0, 2, 2]
    block = small()
    expected = [
        choose(block, options, index, steps=0)[index]
        for options, index in zip(rows, taken, strict=True)
    ]
    axis = np.linspace(-6, 6, 401)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    weights = np.exp(-0.5 * (grid**2).sum(1))
    for options, index, found in zip(rows, taken, expected, strict=True):
        share = np.exp(grid @ options.T)
        share = share[:, index] / share.sum(1)
        assert found == pytest.approx((weights * share).sum() / weights.sum(), abs=0.02)
        weights = weights * share
    weights /= weights.sum()
    mean = weights @ grid
    covariance = (grid - mean).T @ ((grid - mean) * weights[:, None])
    np.testing.assert_allclose(block.mean, mean, atol=0.05)
    np.testing.assert_allclose(block.covariance, covariance, atol=0.06)


def test_probabilities_of_a_choice_sum_to_one_however_extreme():
    block = small(count=100)
    for size in (0.0, 1.0, 1e3, 1e9, 1e17):
        expected = choose(block, np.array([[size, 0.0], [0.0, size], [-size, 1.0]]), 1)
        assert expected.sum() == pytest.approx(1, abs=1e-5)
        assert np.isfinite(block.mean).all()
        assert np.isfinite(block.particles).all()


def test_only_differences_between_options_matter():
    rows = np.random.default_rng(1).normal(size=(3, 2))
    one, other = small(count=500), small(count=500)
    choose(one, rows, 0)
    choose(other, rows + 0.5, 0)
    np.testing.assert_allclose(one.mean, other.mean, atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "chosen", "steps"),
    [
        (np.zeros((1, 2)), 0, 1),
        (np.zeros((4, 2)), 0, 1),
        (np.zeros((3, 3)), 0, 1),
        (np.zeros((3, 2)), 3, 1),
        (np.zeros((3, 2)), -1, 1),
        (np.full((3, 2), np.nan), 0, 1),
        (np.full((3, 2), 1e19), 0, 1),
        (np.zeros((3, 2)), 0, -1.0),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_and_changes_nothing(rows, chosen, steps):
    block = small(count=100)
    before = block.save()
    with pytest.raises(KernelError):
        choose(block, rows, chosen, steps)
    assert block.save() == before


# ------------------------------------------------------------------------------ traits


def test_traits_say_what_a_preset_does():
    def changed(**adjust):
        found = traits(msgspec.structs.replace(NEUTRAL, adjust=Adjustments(**adjust)))
        return dict(zip(TRAITS, found.tolist(), strict=True))

    assert changed(exposure=0.3)["light"] > 0.5
    assert changed(contrast=30)["contrast"] > 0.5
    assert changed(fade=20)["fade"] > 0.5
    assert changed(temperature=30)["warmth"] > 0.5
    assert changed(temperature=-30)["warmth"] < -0.5
    assert changed(saturation=30)["colour"] > 0.5
    assert changed(saturation=-30)["colour"] < -0.5
    assert changed(grain=Grain(amount=16))["grain"] == pytest.approx(2)
    for preset in CATALOG.presets:
        found = traits(preset)
        assert np.abs(found).max() <= MOST
        assert (found[TRAITS.index("mono")] > 0) == (preset.adjust.mono is not None)


@pytest.mark.parametrize("size", [17, 33])
def test_a_cube_has_the_traits_of_the_preset_that_it_was_made_of(size):
    from homebody.features.photo.look import compile_lut

    for id in ("wrm-01", "cin-01", "vin-01"):
        preset = CATALOG.preset(id)
        table = np.ascontiguousarray(compile_lut(preset, size)[..., :3], "<i2").tobytes()
        adjust = Adjustments(
            cube=Cube(size=size, table=table),
            grain=preset.adjust.grain, vignette=preset.adjust.vignette,
        )  # fmt: skip
        made = traits(msgspec.structs.replace(preset, adjust=adjust))
        np.testing.assert_allclose(made, traits(preset), atol=2e-3)


def test_contexts_are_shares():
    dice = random.Random(3)
    for _ in range(50):
        found = contexts({one.id: dice.random() for one in CATALOG.categories})
        assert all(0 <= one <= 1 for one in found)
    assert contexts({}) == [0, 0, 0]


# ------------------------------------------------------------------------------ learning


def test_what_has_learned_nothing_changes_nothing():
    dice = random.Random(11)
    for _ in range(100):
        scores = made_up_scores(dice)
        member = dice.random() < 0.5
        plain = suggest(CATALOG, scores, member=member)
        assert suggest(CATALOG, scores, member=member, preference=Preference(BASE)) == plain


def test_what_is_picked_again_and_again_comes_first_and_says_why():
    owner = Preference(BASE)
    shown = ids(suggest(CATALOG, PLAIN))
    assert "mon-03" not in shown
    expected = [owner.learn(CATALOG, PLAIN, shown, "mon-03").expected for _ in range(8)]
    assert expected[-1] > 0.5 > expected[0]
    found = suggest(CATALOG, PLAIN, preference=owner)
    assert found.presets[0].id == "mon-03"
    assert found.presets[0].reason == PICKED
    assert found.presets[0].category == "coastal"
    more = suggest(CATALOG, PLAIN, 12, preference=owner)
    assert all(p.reason in (PICKED, CLOSE) or ": " in p.reason for p in more.presets)
    # And it is known as what it is: black and white.
    assert any(one.trait == "mono" and one.weight > 0 for one in learned(owner, CATALOG).leanings)


def test_a_taste_goes_beyond_the_presets_that_were_picked():
    """Black and white picked twenty times: others of the kind come too, for another subject."""
    owner, mono = Preference(BASE), [p.id for p in CATALOG.presets if p.adjust.mono]
    dice = random.Random(2)
    for _ in range(20):
        owner.learn(CATALOG, PLAIN, ids(suggest(CATALOG, PLAIN)), dice.choice(mono))
    street = {"street": 0.9}
    known = CATALOG.categories
    ranks = follow(CATALOG, street).ranks
    rows = owner.features(CATALOG, street, "street", ranks, CATALOG.presets)
    order = [CATALOG.presets[at].id for at in np.argsort(-owner.utilities(rows))]
    assert len(known) == 14
    assert sum(id in mono for id in order[:20]) >= 15


def test_the_rules_hold_whatever_was_learned():
    dice = random.Random(21)
    owner = taught(made_up_choices(dice, 30))
    for _ in range(60):
        scores = made_up_scores(dice)
        mix = dice.choice([(3, 3), (6, 0), (0, 6), (2, 4)])
        plain = suggest(CATALOG, scores, 6, mix)
        found = suggest(CATALOG, scores, 6, mix, preference=owner)
        assert found == suggest(CATALOG, scores, 6, mix, preference=owner)
        assert len(found.presets) == 6
        assert max(Counter(p.family for p in found.presets).values()) == 1
        free = [p.tier for p in found.presets].count("free")
        # With the whole catalog to choose from the mix can always be had.
        if not follow(CATALOG, scores).exclusive:
            assert free == mix[0]
        assert (found.category, found.companion) == (plain.category, plain.companion)
        assert len(suggest(CATALOG, scores, 6, member=True, preference=owner).presets) == 6


def test_nothing_enters_an_exclusive_list():
    owner = taught([{"scores": PLAIN, "shown": ["wrm-01"], "picked": "wrm-02"}] * 5)
    listed = {entry.preset for entry in CATALOG.category("monochrome").presets}
    found = suggest(CATALOG, {"monochrome": 1.0, "coastal": 0.6}, preference=owner)
    assert set(ids(found)) <= listed


def test_the_last_place_is_for_finding_out():
    owner = taught(made_up_choices(random.Random(4), 4))
    changed = 0
    for seed in range(30):
        scores = made_up_scores(random.Random(seed))
        following = follow(CATALOG, scores)
        pool = CATALOG.presets
        if following.exclusive:
            continue
        found = suggest(CATALOG, scores, preference=owner).presets
        rows = owner.features(CATALOG, scores, following.lead.id, following.ranks, pool)
        value, doubt = owner.utilities(rows), owner.doubts(rows)
        at = {preset.id: i for i, preset in enumerate(pool)}
        kept = {preset.family for preset in found[:5]}
        last = found[5]
        may = [p for p in pool if p.family not in kept and p.tier == last.tier]
        assert value[at[last.id]] + doubt[at[last.id]] == pytest.approx(
            max(value[at[p.id]] + doubt[at[p.id]] for p in may)
        )
        changed += value[at[last.id]] < max(value[at[p.id]] for p in may) - 1e-9
    assert changed  # it is not merely the best one


def test_doubts_are_the_deviations_of_utilities():
    owner = taught(made_up_choices(random.Random(6), 5))
    rows = owner.features(CATALOG, PLAIN, "coastal", {}, CATALOG.presets[:9])
    wanted = np.sqrt(np.einsum("pi,ij,pj->p", rows, owner.covariance, rows))
    np.testing.assert_allclose(owner.doubts(rows), wanted, rtol=1e-9)
    np.testing.assert_allclose(owner.utilities(rows), rows @ owner.mean, rtol=1e-9)


def test_picking_none_is_learned_from():
    owner = Preference(BASE)
    shown = ids(suggest(CATALOG, PLAIN))
    first = owner.learn(CATALOG, PLAIN, shown, None).expected
    for _ in range(5):
        last = owner.learn(CATALOG, PLAIN, shown, None).expected
    assert last > first
    assert owner.habits == {}
    assert owner.mean[FEATURES.index("none")] > -1


def test_the_same_feedback_counts_once():
    owner = Preference(BASE)
    photo, shown = "0" * 32, ids(suggest(CATALOG, PLAIN))
    assert owner.learn(CATALOG, PLAIN, shown, shown[0], photo=photo).status == "learned"
    before = owner.block.save(), dict(owner.habits)
    again = owner.learn(CATALOG, PLAIN, shown, shown[0], photo=photo)
    assert again.status == "duplicate"
    assert np.isnan(again.expected)
    assert (owner.block.save(), owner.habits, owner.learned) == (*before, 1)
    # Another pick for the photo, or the same for another photo, is news; so is going back.
    assert owner.learn(CATALOG, PLAIN, shown, shown[1], photo=photo).status == "learned"
    assert owner.learn(CATALOG, PLAIN, shown, shown[0], photo=photo).status == "learned"
    assert owner.learn(CATALOG, PLAIN, shown, shown[0], photo="1" * 32).status == "learned"
    assert owner.learn(CATALOG, PLAIN, shown, None, photo="1" * 32).status == "learned"
    assert owner.learn(CATALOG, PLAIN, shown, None, photo="1" * 32).status == "duplicate"


def test_older_picks_fade():
    owner = Preference(BASE)
    for picked in ("wrm-01", "mon-03", "mon-03"):
        owner.learn(CATALOG, PLAIN, ["wrm-01", "col-01"][:1], picked)
    assert owner.habits == {
        Habit("wrm-01", "coastal"): pytest.approx(FADE**2),
        Habit("mon-03", "coastal"): pytest.approx(1 + FADE),
    }
    for _ in range(200):
        owner.learn(CATALOG, PLAIN, ["wrm-02"], "wrm-02")
    assert list(owner.habits) == [Habit("wrm-02", "coastal")]


def test_presets_come_and_go():
    """What was learned is of looks: a catalog without some of the presets goes on with it."""
    owner = taught([{"scores": PLAIN, "shown": ["wrm-01"], "picked": "mon-03"}] * 4)
    gone = {"mon-03", "wrm-01"}
    document = msgspec.json.decode(catalog_json())
    document["presets"] = [p for p in document["presets"] if p["id"] not in gone]
    for category in document["categories"]:
        category["presets"] = [e for e in category["presets"] if e["preset"] not in gone]
    smaller = msgspec.convert(document, type(CATALOG))
    found = suggest(smaller, PLAIN, preference=owner)
    assert len(found.presets) == 6
    assert not gone & set(ids(found))
    assert any(preset.family == "mono" for preset in found.presets)
    said = {habit.preset: habit.name for habit in learned(owner, smaller).habits}
    assert said == {"mon-03": ""}


def test_what_makes_no_sense_is_refused_and_changes_nothing():
    owner = taught(made_up_choices(random.Random(8), 2))
    before = owner.block.save()
    some = [preset.id for preset in CATALOG.presets]
    for shown, picked, error in [
        ([], None, UsageError),
        (some[: SHOWN + 1], None, UsageError),
        (["wrm-01", "wrm-01"], None, UsageError),
        (["no-such"], None, UnknownPresetError),
        (["wrm-01"], "no-such", UnknownPresetError),
    ]:
        with pytest.raises(error):
            owner.learn(CATALOG, PLAIN, shown, picked)
    with pytest.raises(CatalogError):
        owner.learn(CATALOG, PLAIN, ["wrm-01"], None, category="no-such")
    assert owner.block.save() == before
    assert owner.learned == 2
    owner.learn(CATALOG, PLAIN, some[:SHOWN], some[-1])
