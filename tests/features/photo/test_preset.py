"""Presets as data: what is read, what is written, what is refused."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import CatalogError, HomebodyError, PresetError
from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.look import parameters
from homebody.features.photo.preset import (
    BANDS,
    NEUTRAL,
    Adjustments,
    Band,
    Bands,
    Cube,
    Curves,
    Mono,
    preset_from_json,
    preset_to_json,
)

PLAIN = {
    "id": "my-01",
    "name": "Mine",
    "family": "mine",
    "tier": "free",
    "version": 1,
    "description": "A little warmer.",
    "adjust": {"temperature": 20},
}


def text(**changes):
    return json.dumps({**PLAIN, **changes}).encode()


@pytest.mark.parametrize("preset", default_catalog().presets, ids=lambda p: p.id)
def test_every_shipped_preset_goes_through_json(preset):
    assert preset_from_json(preset_to_json(preset)) == preset


def test_zeros_are_left_out_when_written():
    assert json.loads(preset_to_json(NEUTRAL))["adjust"] == {}
    assert preset_from_json(text()).adjust == Adjustments(temperature=20.0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "My 01"}, "id"),
        ({"id": "my-01\n"}, "id"),
        ({"id": "../x"}, "id"),
        ({"name": ""}, "name"),
        ({"name": "x" * 33}, "name"),
        ({"name": "a\x1b[31mb"}, "name"),
        ({"description": "two\nlines"}, "description"),
        ({"description": "a\u2028b"}, "description"),
        ({"tier": "gold"}, "tier"),
        ({"version": 0}, "version"),
        ({"version": 1.5}, "version"),
        ({"colour": 1}, "colour"),
        ({"adjust": None}, "adjust"),
        ({"adjust": {"warmth": 3}}, "warmth"),
        ({"adjust": {"exposure": 4.1}}, "exposure"),
        ({"adjust": {"contrast": -101}}, "contrast"),
        ({"adjust": {"contrast": "20"}}, "contrast"),
        ({"adjust": {"fade": -1}}, "fade"),
        ({"adjust": {"bands": {"teal": {}}}}, "teal"),
        ({"adjust": {"bands": {"blue": {"hue": 101}}}}, "hue"),
        ({"adjust": {"split_toning": {"shadows": {"hue": 361}}}}, "hue"),
        ({"adjust": {"mono": {"red": 50, "green": 50, "blue": 50}}}, "sum to 100"),
        ({"adjust": {"grain": {"amount": 1.5}}}, "amount"),
        ({"adjust": {"vignette": {"amount": -101}}}, "amount"),
        ({"adjust": {"curves": {"master": [[0, 0]]}}}, "one point"),
        ({"adjust": {"curves": {"master": [[0, 0], [0, 9]]}}}, "at least 1 apart"),
        ({"adjust": {"curves": {"red": [[9, 0], [3, 9]]}}}, "red"),
        ({"adjust": {"curves": {"blue": [[0, 9], [255, 8]]}}}, "falls"),
        ({"adjust": {"curves": {"green": [[0, 0], [255, 256]]}}}, "curves"),
        ({"adjust": {"curves": {"master": [[i, i] for i in range(17)]}}}, "master"),
        ({"adjust": {"cube": {"size": 33, "table": "AAAA"}}}, "bytes"),
        ({"adjust": {"cube": {"size": 20, "table": ""}}}, "size"),
    ],
)
def test_what_is_no_preset_is_refused_by_name(changes, says):
    with pytest.raises(PresetError, match=says) as caught:
        preset_from_json(text(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"id": NaN}', b"[" * 100_000, b'{"id": "\\ud800"}'],
)
def test_what_is_no_json_is_refused(data):
    with pytest.raises(PresetError):
        preset_from_json(data)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_hostile_bytes_give_nothing_but_the_one_error(data):
    with pytest.raises(HomebodyError):
        preset_from_json(data)


def test_preset_errors_are_catalog_errors():
    assert issubclass(PresetError, CatalogError)


def test_a_missing_field_is_named():
    with pytest.raises(PresetError, match="tier"):
        preset_from_json(json.dumps({k: v for k, v in PLAIN.items() if k != "tier"}).encode())


def test_parameters_are_laid_out_as_the_kernel_reads_them():
    bands = Bands(**{b: Band(hue=i, saturation=10 + i, luminance=-i) for i, b in enumerate(BANDS)})
    values = parameters(
        Adjustments(
            exposure=1.0,
            temperature=2.0,
            tint=3.0,
            contrast=4.0,
            highlights=5.0,
            shadows=6.0,
            fade=7.0,
            saturation=8.0,
            vibrance=9.0,
            bands=bands,
            mono=Mono(red=50, green=40, blue=10),
            curves=Curves(red=((0, 51), (255, 255))),
        )
    )
    assert len(values) == 174
    assert values[:9].tolist() == [1, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09]
    assert values[9:15].tolist() == [0, 0.1, 0, 0.01, 0.11, -0.01]
    assert values[38:42].tolist() == [1, 0.5, 0.4, 0.1]
    assert values[42] == 0
    assert values[75:80].tolist() == [2, 0, 0.2, 1, 1]


def test_a_cube_is_held_to_its_length_and_range():
    length = 6 * 17**3
    assert Cube(size=17, table=b"\x80\x7f" * (length // 2)).size == 17  # 32640
    with pytest.raises(ValueError, match="bytes"):
        Cube(size=17, table=bytes(length - 2))
    for beyond in (b"\x81\x7f", b"\x00\x80", b"\xff\xff"):
        with pytest.raises(ValueError, match="32640"):
            Cube(size=17, table=bytes(length - 2) + beyond)


def test_presets_do_not_change():
    with pytest.raises(AttributeError):
        NEUTRAL.name = "other"
    assert msgspec.structs.replace(NEUTRAL, version=2).version == 2
