"""The catalog: what ships, what is read, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import CatalogError, UnknownPresetError
from homebody.features.photo import catalog as catalogs
from homebody.features.photo.catalog import (
    MAX_BYTES,
    Family,
    catalog_from_json,
    catalog_json,
    default_catalog,
    load_catalog,
    with_preset,
)
from homebody.features.photo.preset import NEUTRAL, preset_from_json
from homebody.features.photo.suggest import suggest

SHIPPED = default_catalog()
CATEGORIES = [
    *("nature", "coastal", "architecture", "interior", "street", "portrait", "food", "animal"),
    *("flower", "art", "night", "monochrome", "vibrant", "light-and-shadow"),
]

SMALL = {
    "format": "homebody.catalog/1",
    "version": "1.0.0",
    "families": [{"id": "mine", "name": "Mine", "description": "My looks."}],
    "presets": [
        {
            "id": "my-01",
            "name": "One",
            "family": "mine",
            "tier": "free",
            "version": 1,
            "description": "One.",
            "adjust": {},
        }
    ],
    "categories": [
        {
            "id": "nature",
            "name": "Nature",
            "kind": "content",
            "presets": [{"preset": "my-01", "reason": "plain"}],
        }
    ],
    "limits": {"clipped": 0.02, "delta_e": [1, 20], "skin_hue": 10, "neutral": 10},
}


def changed(path, value):
    """SMALL with one place changed; a path is keys and indices."""
    document = json.loads(json.dumps(SMALL))
    place = document
    for step in path[:-1]:
        place = place[step]
    if isinstance(place, list) and path[-1] == len(place):
        place.append(value)
    else:
        place[path[-1]] = value
    return json.dumps(document).encode()


# ---- what ships ----


def test_the_shipped_catalog_is_as_large_as_promised():
    assert len(SHIPPED.presets) >= 160
    assert len(SHIPPED.families) >= 12
    free = sum(preset.tier == "free" for preset in SHIPPED.presets)
    assert 0.4 < free / len(SHIPPED.presets) < 0.6


@pytest.mark.parametrize("family", SHIPPED.families, ids=lambda f: f.id)
def test_every_family_has_free_and_member_presets(family):
    tiers = Counter(p.tier for p in SHIPPED.presets if p.family == family.id)
    assert tiers["free"] >= 2
    assert tiers["member"] >= 2
    prefixes = {p.id.partition("-")[0] for p in SHIPPED.presets if p.family == family.id}
    assert len(prefixes) == 1


def test_the_categories_are_the_fourteen():
    assert [category.id for category in SHIPPED.categories] == CATEGORIES


@pytest.mark.parametrize("category", SHIPPED.categories, ids=lambda c: c.id)
def test_every_category_offers_three_and_three_from_its_own_list(category):
    assert len(category.presets) >= 12
    found = suggest(SHIPPED, {category.id: 1.0})
    assert Counter(preset.tier for preset in found.presets) == {"free": 3, "member": 3}
    assert found.notes == ()
    reasons = [entry.reason for entry in category.presets]
    assert len(set(reasons)) == len(reasons)
    assert max(map(len, reasons)) <= 60


def test_no_name_is_somebody_else_s():
    marks = {
        *("kodak", "fuji", "agfa", "ilford", "polaroid", "leica", "hasselblad", "canon", "nikon"),
        *(
            "portra",
            "ektar",
            "velvia",
            "provia",
            "kodachrome",
            "ektachrome",
            "cinestill",
            "frontier",
        ),
        *("instagram", "adobe", "lightroom", "vsco", "hipstamatic", "lomo", "technicolor", "tri-x"),
    }
    for preset in SHIPPED.presets:
        words = set(f"{preset.name} {preset.description}".casefold().replace(",", " ").split())
        assert not words & marks


def test_the_document_is_the_same_every_time_and_reads_back():
    assert catalog_json() == catalog_json(catalog_from_json(catalog_json()))
    assert catalog_from_json(catalog_json()) == SHIPPED


def test_the_assembled_files_have_no_preset_of_another_family():
    folder = catalogs.Path(catalogs.__file__).with_name("presets")
    for family in SHIPPED.families:
        document = json.loads((folder / f"{family.id}.json").read_bytes())
        assert {preset["family"] for preset in document["presets"]} == {family.id}
    named = {f"{family.id}.json" for family in SHIPPED.families} | {"curation.json"}
    assert {path.name for path in folder.iterdir() if path.suffix == ".json"} == named


# ---- looking up ----


def test_presets_are_found_by_id_and_by_name_in_any_case():
    chosen = SHIPPED.presets[17]
    assert SHIPPED.preset(chosen.id) is chosen
    assert SHIPPED.preset(chosen.name.upper()) is chosen


def test_an_unknown_preset_brings_near_ones():
    with pytest.raises(UnknownPresetError, match=r"'lnden'.*near ones are neg-01 \(Linden\)"):
        SHIPPED.preset("lnden")
    with pytest.raises(UnknownPresetError, match="homebody photo catalog"):
        SHIPPED.preset("qqqqqqqqqqqq")
    with pytest.raises(UnknownPresetError) as caught:
        SHIPPED.preset("x" * 100_000)
    assert len(str(caught.value)) < 300


def test_an_unknown_category_or_family_is_one_error():
    with pytest.raises(CatalogError, match="it has nature, coastal"):
        SHIPPED.category("natur")
    with pytest.raises(CatalogError, match="family"):
        SHIPPED.family("natur")
    assert SHIPPED.family("mono").name == "Mono"


# ---- reading ----


def test_a_small_catalog_reads():
    assert catalog_from_json(json.dumps(SMALL).encode()).preset("one").id == "my-01"


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["format"], "homebody.catalog/2", "format"),
        (["version"], "1.0", "version"),
        (["version"], "01.0.0", "version"),
        (["extra"], 1, "extra"),
        (["families"], [], "families"),
        (["presets"], [], "presets"),
        (["categories"], [], "categories"),
        (["presets", 0, "family"], "other", "unknown family 'other'"),
        (["presets", 1], SMALL["presets"][0], "'my-01' occurs twice"),
        (["presets", 1], {**SMALL["presets"][0], "id": "my-02", "name": "ONE"}, "name 'one'"),
        (["families", 1], SMALL["families"][0], "'mine' occurs twice"),
        (["categories", 1], SMALL["categories"][0], "'nature' occurs twice"),
        (["categories", 0, "presets", 0, "preset"], "my-09", "unknown preset 'my-09'"),
        (["categories", 0, "presets", 1], {"preset": "my-01", "reason": "x"}, "occurs twice"),
        (["categories", 0, "presets"], [], "presets"),
        (["categories", 0, "kind"], "mood", "kind"),
        (["categories", 0, "presets", 0, "reason"], "", "reason"),
        (["categories", 0, "presets", 0, "reason"], "a\nb", "reason"),
        (["limits", "clipped"], 2, "clipped"),
        (["limits", "delta_e"], [1], "delta_e"),
        (["limits", "skin_hue"], -1, "skin_hue"),
        (["presets", 0, "adjust"], {"contrast": 1000}, "contrast"),
    ],
)
def test_what_is_no_catalog_is_refused_by_name(path, value, says):
    with pytest.raises(CatalogError, match=says) as caught:
        catalog_from_json(changed(path, value))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff", b"[" * 200_000, b'{"format": 1e999}'])
def test_what_is_no_json_is_refused(data):
    with pytest.raises(CatalogError, match="not a preset catalog"):
        catalog_from_json(data)


@pytest.mark.parametrize(
    ("once", "twice", "key"),
    [
        (b'"format": ', b'"format": "homebody.catalog/1", "format": ', "format"),
        (b'"id": "my-01"', b'"id": "my-00", "i\\u0064": "my-01"', "id"),
    ],
)
def test_a_key_that_comes_twice_is_refused(once: bytes, twice: bytes, key: str):
    data = json.dumps(SMALL).encode()
    assert once in data
    with pytest.raises(CatalogError, match=f"the key '{key}' occurs twice"):
        catalog_from_json(data.replace(once, twice, 1))


def test_a_catalog_too_large_is_refused_before_it_is_parsed():
    with pytest.raises(CatalogError, match="at most"):
        catalog_from_json(b" " * (MAX_BYTES + 1))


@given(st.binary(max_size=400))
def test_hostile_bytes_give_nothing_but_the_one_error(data):
    with pytest.raises(CatalogError):
        catalog_from_json(data)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_catalog_is_read_or_refused(place, patch):
    data = bytearray(json.dumps(SMALL).encode())
    place %= len(data)
    data[place : place + len(patch)] = patch
    try:
        catalog = catalog_from_json(bytes(data))
    except CatalogError:
        return
    assert catalog_from_json(catalog_json(catalog)) == catalog


def test_a_file_is_read_and_named_in_errors(tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(catalog_json())
    assert load_catalog(path) == SHIPPED
    path.write_text("{}")
    with pytest.raises(CatalogError, match=r"mine\.json: not a preset catalog"):
        load_catalog(path)
    with pytest.raises(CatalogError, match="cannot read catalog"):
        load_catalog(tmp_path / "none.json")
    with pytest.raises(CatalogError, match="cannot read catalog"):
        load_catalog(tmp_path)


# ---- extending ----


def test_a_preset_is_added_and_replaced():
    family = Family(id="imported", name="Imported", description="From .cube files.")
    mine = msgspec.structs.replace(NEUTRAL, id="my-01", name="Mine", family="imported")
    extended = with_preset(SHIPPED, mine, family)
    assert extended.preset("my-01") == mine
    assert len(extended.presets) == len(SHIPPED.presets) + 1
    newer = msgspec.structs.replace(mine, version=2)
    again = with_preset(extended, newer, family)
    assert again.preset("my-01").version == 2
    assert len(again.presets) == len(extended.presets)
    assert len(SHIPPED.families) + 1 == len(again.families)


def test_a_preset_that_does_not_fit_is_refused():
    mine = msgspec.structs.replace(NEUTRAL, id="my-01", name="Mine", family="imported")
    with pytest.raises(CatalogError, match="unknown family"):
        with_preset(SHIPPED, mine)
    with pytest.raises(CatalogError, match="preset name"):
        with_preset(SHIPPED, msgspec.structs.replace(mine, family="mono", name="Linden"))


# ---- the page about it ----

PAGE = Path(__file__).parents[3] / "docs" / "presets.md"


def test_the_page_counts_what_ships():
    text = PAGE.read_text(encoding="utf-8")
    tiers = Counter(preset.tier for preset in SHIPPED.presets)
    assert (
        f"{len(SHIPPED.presets)} presets in {len(SHIPPED.families)} families, "
        f"{tiers['free']} free and {tiers['member']} for members"
    ) in text
    for family in SHIPPED.families:
        own = Counter(p.tier for p in SHIPPED.presets if p.family == family.id)
        assert f"| {own['free']} | {own['member']} | {family.description} |" in text


def test_the_page_s_example_is_a_shipped_preset():
    example = PAGE.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    assert preset_from_json(example.encode()) == SHIPPED.preset("cin-01")
