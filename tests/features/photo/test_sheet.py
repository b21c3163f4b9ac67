"""The contact sheet: everything in its place, nothing over the edge, written whole or not."""

from __future__ import annotations

import stat
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from homebody.errors import ImageError, UsageError
from homebody.features.photo import sheet
from homebody.features.photo.sheet import (
    BACKGROUND,
    WIDTH,
    Tile,
    contact_sheet,
    plan,
    save_sheet,
)


def photo(height=40, width=60, value=128):
    return np.full((height, width, 3), value, np.uint8)


def tiles(count=6, height=40, width=60, name="Linden", reason="Nature: soft greens"):
    kinds = ("free", "member")
    return [Tile(name, kinds[i % 2], reason, photo(height, width, 100 + i)) for i in range(count)]


def overlaps(a, b):
    return (
        a.left < b.left + b.width
        and b.left < a.left + a.width
        and a.top < b.top + b.height
        and b.top < a.top + a.height
    )


@settings(max_examples=200, deadline=None)
@given(height=st.integers(1, 20_000), width=st.integers(1, 20_000), count=st.integers(1, 100))
def test_every_box_is_on_the_page_and_apart(height, width, count):
    places = plan(height, width, count)
    boxes = [places.original, *places.tiles]
    assert len(places.tiles) == count
    for box in boxes:
        assert box.width >= 1
        assert box.height >= 1
        assert box.left >= 0
        assert box.top >= sheet._HEADER
        assert box.left + box.width <= places.width
    for tile in places.tiles:
        assert tile.top + tile.height + 76 <= places.height  # a name and two lines below
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            assert not overlaps(one, other)


@pytest.mark.parametrize(
    ("height", "width"), [(2000, 3000), (3000, 2000), (1000, 1000), (1000, 4000), (900, 1600)]
)
def test_boxes_have_the_photo_s_shape_and_the_original_is_largest(height, width):
    places = plan(height, width, 6)
    assert places.width == WIDTH
    for box in (places.original, *places.tiles):
        assert box.width / box.height == pytest.approx(width / height, rel=0.03)
    assert places.original.width > 1.9 * places.tiles[0].width


def test_the_original_is_as_high_as_the_rows_beside_it():
    places = plan(2000, 3000, 6)
    first, last = places.tiles[0], places.tiles[-1]
    assert places.original.top == first.top
    assert places.original.top + places.original.height == last.top + last.height


def test_pictures_are_where_the_plan_says():
    page = np.asarray(contact_sheet(photo(value=200), tiles(), "Nature", 0.9, "a.jpg"))
    places = plan(40, 60, 6)
    assert page.shape == (places.height, places.width, 3)
    for i, box in enumerate(places.tiles):
        inside = page[box.top : box.top + box.height, box.left : box.left + box.width]
        assert (inside == 100 + i).all()
    box = places.original
    assert (page[box.top : box.top + box.height, box.left : box.left + box.width] == 200).all()


@pytest.mark.parametrize(("height", "width"), [(10, 400), (400, 10), (1, 1), (1, 5000)])
def test_extreme_shapes_are_shown_whole_in_the_middle(height, width):
    page = np.asarray(contact_sheet(photo(height, width, 200), tiles(2, height, width), "Nature"))
    assert page.shape[1] == WIDTH
    box = plan(height, width, 2).original
    inside = page[box.top : box.top + box.height, box.left : box.left + box.width]
    rows, columns = ((inside == 200).all(-1).any(axis) for axis in (1, 0))
    for shown in (rows, columns):
        places = np.flatnonzero(shown)
        assert abs(places[0] - (len(shown) - 1 - places[-1])) <= 1


@pytest.mark.parametrize(("height", "width"), [(40, 60), (60, 40), (10, 60), (200, 10)])
@pytest.mark.parametrize("count", [1, 2, 6, 12])
def test_text_never_leaves_its_column(height, width, count):
    long = "W" * 90 + " " + "words and words " * 30
    drawn = tiles(count, height, width, name=long[:90], reason=long)
    page = np.asarray(contact_sheet(photo(height, width), drawn, long, 0.5, long))
    ink = (page != BACKGROUND).any(-1)
    places = plan(height, width, count)
    for box in (places.original, *places.tiles):
        ink[box.top : box.top + box.height, box.left : box.left + box.width] = False
    columns = np.zeros(ink.shape, bool)
    for box in places.tiles:
        columns[box.top + box.height :, box.left : box.left + box.width + 1] = True
    left = places.original.left
    right = max(b.left + b.width for b in (places.original, *places.tiles))
    columns[: sheet._HEADER, left : right + 1] = True
    assert not (ink & ~columns).any()


def test_names_tiers_and_reasons_are_drawn():
    plain = np.asarray(contact_sheet(photo(), tiles(1, reason=""), "Nature"))
    marked = np.asarray(contact_sheet(photo(), tiles(2, reason="")[1:], "Nature"))
    told = np.asarray(contact_sheet(photo(), tiles(1), "Nature"))
    gold = (marked == sheet._GOLD).all(-1)
    assert gold.any()
    assert not (plain == sheet._GOLD).all(-1).any()
    assert (told != plain).any()


def test_confidence_and_name_stand_in_the_header():
    bare = np.asarray(contact_sheet(photo(), tiles(), "Nature"))
    full = np.asarray(contact_sheet(photo(), tiles(), "Nature", 0.93, "coast.jpg"))
    rows = np.flatnonzero((bare != full).any((1, 2)))
    assert rows.min() > 0
    assert rows.max() < sheet._HEADER


def test_odd_text_does_no_harm():
    odd = "\x00\t日本語 \U0001f600 \u202e\n"
    contact_sheet(photo(), tiles(2, name=odd, reason=odd), odd, 1.0, odd)


@pytest.mark.parametrize("count", [0, 101])
def test_no_preview_or_too_many_is_one_error(count):
    with pytest.raises(UsageError, match="previews"):
        plan(40, 60, count)
    with pytest.raises(UsageError):
        contact_sheet(photo(), [], "Nature")


# ---- writing ----

PAGE = Image.new("RGB", (40, 30), BACKGROUND)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("b.jpeg", "JPEG")]
)
def test_a_page_is_written_by_the_name_s_ending(tmp_path, name, kind):
    save_sheet(PAGE, tmp_path / name)
    with Image.open(tmp_path / name) as back:
        assert back.format == kind
        assert back.size == PAGE.size
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"\.png or \.jpg"):
        save_sheet(PAGE, tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_what_was_there_stays_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"before")

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PAGE, "save", fail, raising=False)
    with pytest.raises(ImageError, match="No space left"):
        save_sheet(PAGE, path)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_place_that_is_none_is_one_error(tmp_path):
    with pytest.raises(ImageError, match="cannot be written"):
        save_sheet(PAGE, tmp_path / "none" / "a.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageError, match="cannot be written"):
        save_sheet(PAGE, tmp_path / "folder.png")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_the_file_has_the_usual_permissions(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    save_sheet(PAGE, tmp_path / "a.png")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (plain, tmp_path / "a.png")]
    assert modes[0] == modes[1]
