"""The photometric rules on photos whose light and colour are known exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from homebody import kernels
from homebody.features.photo import class_map
from homebody.features.photo.photometry import combine, measures, strengths

CHECKER = np.add.outer(np.arange(64) // 8, np.arange(64) // 8) % 2 == 0


def photo(*levels: int) -> np.ndarray:
    """A 64x64 photo of one colour: one level for grey, three for RGB."""
    return np.full((64, 64, 3), levels, np.uint8)


def rules(rgb: np.ndarray) -> dict[str, float]:
    return strengths(kernels.statistics(rgb))


def test_flat_grey_is_monochrome_and_nothing_else():
    assert rules(photo(128)) == {
        "night": 0.0,
        "monochrome": 1.0,
        "vibrant": 0.0,
        "light-and-shadow": 0.0,
    }


def test_order_is_the_catalog_order():
    assert list(rules(photo(128))) == list(class_map.PHOTOMETRIC)


@given(hnp.arrays(np.uint8, (12, 20, 3)))
def test_a_desaturated_photo_is_monochrome_and_never_vibrant(rgb):
    grey = np.repeat(rgb.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    found = rules(grey)
    assert found["monochrome"] == 1.0
    assert found["vibrant"] == 0.0


def test_faint_chroma_as_jpeg_leaves_it_is_still_monochrome():
    assert rules(photo(120, 128, 136))["monochrome"] == 1.0  # chroma 16: the last neutral one
    assert rules(photo(120, 128, 137))["monochrome"] == 0.0


@pytest.mark.parametrize(
    ("coloured_of_4096", "strength"), [(20, 1.0), (51, 0.5), (82, 0.0), (4096, 0.0)]
)
def test_monochrome_falls_with_the_coloured_share(coloured_of_4096, strength):
    rgb = photo(90).reshape(-1, 3).copy()
    rgb[:coloured_of_4096] = (200, 40, 40)
    assert rules(rgb.reshape(64, 64, 3))["monochrome"] == pytest.approx(strength, abs=0.01)


def test_a_black_frame_with_a_few_lamps_is_night():
    rgb = photo(8, 8, 20)
    rgb[10:14, 10:60:10] = (255, 220, 140)
    assert rules(rgb)["night"] == 1.0


def test_a_silhouette_before_a_bright_sky_is_not_night():
    rgb = photo(10)
    rgb[:24] = 240
    found = measures(kernels.statistics(rgb))
    assert (found.dark, found.bright) == (0.625, 0.375)
    assert rules(rgb)["night"] == 0.0


@pytest.mark.parametrize(("level", "strength"), [(55, 1.0), (56, 0.0)])
def test_dark_ends_at_luma_56(level, strength):
    assert rules(photo(level))["night"] == strength


@pytest.mark.parametrize(("rows", "strength"), [(25, 0.0), (32, 0.5), (39, 1.0)])
def test_night_grows_with_the_dark_share(rows, strength):
    rgb = photo(120)
    rgb[:rows] = 20
    assert rules(rgb)["night"] == pytest.approx(strength, abs=0.06)


def test_pure_red_and_green_stripes_are_vibrant():
    rgb = photo(230, 20, 20)
    rgb[:, ::2] = (20, 200, 20)
    assert rules(rgb)["vibrant"] == 1.0


def test_a_blue_sky_alone_is_colourful_but_not_vibrant():
    sky = photo(40, 110, 250)
    assert measures(kernels.statistics(sky)).colourfulness > 50
    assert rules(sky)["vibrant"] == 0.0


def test_colourfulness_is_hasler_and_suesstrunk_s():
    rgb = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    r, g, b = (rgb[..., channel].astype(np.float64) for channel in range(3))
    rg, yb = r - g, 0.5 * (r + g) - b
    expected = math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean())
    found = measures(kernels.statistics(rgb))
    assert found.colourfulness == pytest.approx(expected, rel=1e-12)
    assert found.red_green == pytest.approx(rg.std(), rel=1e-12)


def test_a_chequered_shadow_is_light_and_shadow():
    rgb = np.where(CHECKER[..., None], 230, 30).astype(np.uint8).repeat(3, axis=2)
    found = measures(kernels.statistics(rgb))
    assert (found.separation, found.smaller, found.alternation) == (200.0, 0.5, 100.0)
    assert rules(rgb)["light-and-shadow"] == 1.0


def test_a_bright_sky_over_dark_land_is_not_light_and_shadow():
    rgb = photo(30)
    rgb[:32] = 230
    found = measures(kernels.statistics(rgb))
    assert (found.separation, found.smaller, found.alternation) == (200.0, 0.5, 0.0)
    assert rules(rgb)["light-and-shadow"] == 0.0


@pytest.mark.parametrize(("light", "strength"), [(110, 0.0), (140, 0.5), (170, 1.0)])
def test_light_and_shadow_grows_with_their_distance(light, strength):
    rgb = np.where(CHECKER[..., None], light, 30).astype(np.uint8).repeat(3, axis=2)
    assert rules(rgb)["light-and-shadow"] == pytest.approx(strength)


def test_light_needs_enough_shadow():
    rgb = np.where(CHECKER[..., None], 240, 80).astype(np.uint8).repeat(3, axis=2)
    assert rules(rgb)["light-and-shadow"] == 0.0  # bright against grey: nothing is dark
    rgb[-16:] = 20
    found = measures(kernels.statistics(rgb))
    assert found.dark == 0.25
    assert rules(rgb)["light-and-shadow"] == pytest.approx(0.25)


@pytest.mark.parametrize(("columns", "strength"), [(16, 0.0), (21, 0.5), (26, 1.0)])
def test_light_and_shadow_grows_with_the_smaller_body(columns, strength):
    rgb = photo(30)
    rgb[:, :columns] = 230
    assert rules(rgb)["light-and-shadow"] == pytest.approx(strength, abs=0.06)


def test_strong_colour_takes_over_from_light_and_shadow():
    rgb = np.where(CHECKER[..., None], (255, 230, 40), (30, 10, 60)).astype(np.uint8)
    assert rules(rgb)["light-and-shadow"] == 0.0


def test_otsu_split_agrees_with_a_brute_force_search():
    rng = np.random.default_rng(1)
    grey = np.concatenate([rng.normal(60, 15, 3000), rng.normal(180, 20, 1096)])
    grey = grey.clip(0, 255).astype(np.uint8)
    rgb = grey.reshape(64, 64, 1).repeat(3, axis=2)
    candidates = [(grey[grey <= t], grey[grey > t]) for t in range(grey.min(), grey.max())]
    low, high = max(
        candidates, key=lambda c: len(c[0]) * len(c[1]) * (c[1].mean() - c[0].mean()) ** 2
    )
    found = measures(kernels.statistics(rgb))
    assert found.separation == pytest.approx(high.mean() - low.mean(), rel=1e-12)
    assert found.smaller == min(len(low), len(high)) / 4096


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_strengths_are_within_0_and_1_for_any_photo(rgb):
    assert all(0.0 <= strength <= 1.0 for strength in rules(rgb).values())


@given(hnp.arrays(np.uint8, (16, 24, 3)))
def test_mirroring_changes_nothing(rgb):
    assert rules(np.ascontiguousarray(rgb[:, ::-1])) == pytest.approx(rules(rgb))


def test_darkness_around_a_subject_is_no_night():
    dark = {"night": 1.0, "monochrome": 0.25}
    place = {"street": 0.6, "coastal": 0.4, "portrait": 0.0}
    assert combine(place, dark) == {**place, "night": 1.0, "monochrome": 0.25}
    thing = {"street": 0.1, "portrait": 0.4, "food": 0.2, "animal": 0.2, "flower": 0.1}
    combined = combine(thing, dark)
    assert combined["night"] == pytest.approx(0.1)
    assert combined["monochrome"] == 0.25
    assert {id: combined[id] for id in thing} == thing


@pytest.mark.parametrize(
    ("animal", "portrait", "exchanged"),
    [(0.6, 0.25, True), (0.6, 0.24, False), (0.3, 0.5, False), (0.4, 0.4, False)],
)
def test_a_person_is_not_called_an_animal_lightly(animal, portrait, exchanged):
    combined = combine({"animal": animal, "portrait": portrait, "food": 0.1}, {"vibrant": 0.9})
    expected = (portrait, animal) if exchanged else (animal, portrait)
    assert (combined["animal"], combined["portrait"]) == expected
    assert (combined["food"], combined["vibrant"]) == (0.1, 0.9)


def test_combining_never_leaves_0_to_1():
    assert combine({"animal": 1.0 + 1e-9}, {"night": 1.0})["night"] == 0.0
