"""The audit: its figures on made pictures, and the shipped curation within its own limits."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from homebody.errors import CatalogError, CurationError
from homebody.features.photo import audit as audits
from homebody.features.photo.audit import DUPLICATE, AuditReport, audit
from homebody.features.photo.catalog import (
    Catalog,
    Category,
    Curated,
    Family,
    Limits,
    default_catalog,
)
from homebody.features.photo.colour import delta_e, lab_from_srgb
from homebody.features.photo.look import render
from homebody.features.photo.preset import (
    NEUTRAL,
    Adjustments,
    Curves,
    Mono,
    SplitToning,
    Tone,
    Vignette,
)
from homebody.features.photo.sample_photos import shipped_photos

RANDOM = np.random.default_rng(3)
COLOURS = RANDOM.integers(0, 256, (40, 60, 3), np.uint8)
WIDE = Limits(clipped=1, delta_e=(0, 200), skin_hue=180, neutral=200)


def catalog(limits=WIDE, **adjustments):
    presets = tuple(
        msgspec.structs.replace(NEUTRAL, id=name, name=name, adjust=Adjustments(**adjust))
        for name, adjust in adjustments.items()
    )
    curated = tuple(Curated(preset=preset.id, reason="because") for preset in presets)
    return Catalog(
        format="homebody.catalog/1",
        version="1.0.0",
        families=(Family(id="neutral", name="Neutral", description="All."),),
        presets=presets,
        categories=(Category(id="art", name="Art", kind="content", presets=curated),),
        limits=limits,
    )


def measure(photo=COLOURS, **adjust):
    (found,) = audit(catalog(it=adjust), {"art": [photo]}).measures
    return found


def test_a_preset_that_does_nothing_measures_nothing():
    found = measure()
    assert (found.clipped, found.delta_e, found.skin_hue, found.neutral) == (0, 0, 0, 0)
    assert (found.category, found.preset, found.samples) == ("art", "it", 1)


def test_the_mean_difference_is_that_of_the_rendering():
    preset = msgspec.structs.replace(
        NEUTRAL, adjust=Adjustments(contrast=30.0, vignette=Vignette(amount=-50))
    )
    after = lab_from_srgb(render(COLOURS, preset))
    found = measure(contrast=30.0, vignette=Vignette(amount=-50))
    assert found.delta_e == round(float(delta_e(lab_from_srgb(COLOURS), after).mean()), 2)


def test_only_newly_clipped_pixels_count():
    photo = np.full((10, 10, 3), 128, np.uint8)
    photo[:2] = 255
    photo[2:5] = (250, 128, 100)
    assert measure(photo, curves=Curves(red=((0.0, 0.0), (240.0, 255.0)))).clipped == 0.3


def test_black_counts_when_all_channels_reach_it():
    photo = np.full((10, 10, 3), 128, np.uint8)
    photo[:4] = (6, 6, 6)
    photo[4:5] = (6, 128, 128)
    curves = Curves(master=((20.0, 0.0), (255.0, 255.0)))
    assert measure(photo, curves=curves).clipped == 0.4


def test_each_photo_weighs_the_same():
    small, large = np.full((2, 2, 3), 128, np.uint8), COLOURS
    alone = [measure(photo, contrast=60.0).delta_e for photo in (small, large)]
    (both,) = audit(catalog(it={"contrast": 60.0}), {"art": [small, large]}).measures
    assert both.delta_e == pytest.approx(np.mean(alone), abs=0.011)
    assert both.samples == 2


def test_tinting_turns_skin_and_colours_greys():
    green = SplitToning(shadows=Tone(hue=140, amount=40), highlights=Tone(hue=140, amount=40))
    found = measure(split_toning=green)
    assert found.skin_hue > 15
    assert found.neutral > 8
    assert measure(contrast=30.0).neutral == 0
    assert measure(contrast=30.0).skin_hue < 2


def test_black_and_white_has_no_skin_hue():
    assert measure(mono=Mono()).skin_hue is None
    toned = SplitToning(shadows=Tone(hue=60, amount=40))
    assert measure(mono=Mono(), split_toning=toned).skin_hue is None
    assert measure(saturation=-100.0).skin_hue is None


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"clipped": 0.0001}, "clips"),
        ({"delta_e": (0, 1)}, "mean ΔE"),
        ({"delta_e": (100, 200)}, "mean ΔE"),
        ({"skin_hue": 1}, "turns skin"),
        ({"neutral": 1}, "tints greys"),
    ],
)
def test_every_limit_that_is_broken_is_named(limits, says):
    strong = {
        "exposure": 2.0,
        "temperature": 60.0,
        "curves": Curves(red=((0.0, 0.0), (180.0, 255.0))),
    }
    tight = msgspec.structs.replace(WIDE, **limits)
    report = audit(catalog(tight, it=strong), {"art": [COLOURS]})
    assert len(report.offences) == 1
    assert report.offences[0].startswith("it in art ")
    assert says in report.offences[0]
    with pytest.raises(CurationError, match=says) as caught:
        report.check()
    assert caught.value.offences == list(report.offences)


def test_a_category_s_own_limits_replace_the_catalog_s():
    strict = catalog(msgspec.structs.replace(WIDE, delta_e=(0, 0.1)), it={"contrast": 30.0})
    own = msgspec.structs.replace(strict.categories[0], limits=WIDE)
    assert audit(strict, {"art": [COLOURS]}).offences
    assert not audit(
        msgspec.structs.replace(strict, categories=(own,)), {"art": [COLOURS]}
    ).offences


def test_near_duplicates_are_found_and_are_offences():
    report = audit(
        catalog(one={"contrast": 20.0}, two={"contrast": 21.0}, three={"contrast": 90.0}),
        {"art": [COLOURS]},
    )
    (pair,) = report.duplicates
    assert (pair.one, pair.two) == ("one", "two")
    assert 0 < pair.delta_e < DUPLICATE
    assert report.offences == (f"one and two differ by {pair.delta_e} only (at least 1.5)",)


def test_presets_that_differ_on_one_photo_alone_are_no_duplicates():
    grey = np.full((20, 20, 3), 128, np.uint8)
    pair = catalog(one={"saturation": 60.0}, two={"saturation": -60.0})
    assert audit(pair, {"art": [grey]}).duplicates
    assert not audit(pair, {"art": [grey, grey, grey, COLOURS]}).duplicates


def test_a_category_without_samples_is_measured_on_all_of_them():
    two = catalog(it={"contrast": 30.0})
    other = msgspec.structs.replace(two.categories[0], id="food", name="Food")
    both = msgspec.structs.replace(two, categories=(*two.categories, other))
    report = audit(both, {"food": [COLOURS, COLOURS]})
    assert [m.samples for m in report.measures] == [2, 2]


def test_large_photos_are_measured_small():
    photo = np.repeat(np.repeat(COLOURS, 12, 0), 12, 1)
    assert audits._small(photo).shape == (85, 128, 3)


def test_no_sample_or_an_unknown_category_is_one_error():
    with pytest.raises(CatalogError, match="at least one sample"):
        audit(catalog(it={}), {})
    with pytest.raises(CatalogError, match="space"):
        audit(catalog(it={}), {"space": [COLOURS]})


def test_the_report_is_json():
    report = audit(catalog(it={"contrast": 30.0}), {"art": [COLOURS]})
    document = json.loads(msgspec.json.encode(report))
    assert document["measures"][0]["preset"] == "it"
    assert msgspec.json.decode(msgspec.json.encode(report), type=AuditReport) == report


def test_the_shipped_curation_keeps_its_own_limits():
    report = audit(default_catalog(), shipped_photos())
    report.check()
    assert len(report.measures) == sum(len(c.presets) for c in default_catalog().categories)
    assert not report.duplicates
