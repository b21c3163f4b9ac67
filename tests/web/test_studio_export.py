"""Photos leave the studio: as files, whole, upright, without what the owner keeps to himself."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from homebody.features.photo.sample_photos import sample_folder
from tests.web.studio import (
    CARDS,
    COAST,
    EXAMPLES,
    export,
    photo_with_place,
    presets,
    settle,
    shows,
    until,
    visit,
)


@pytest.mark.parametrize(
    ("format", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")]
)
def test_export_is_full_size_upright_and_without_its_place(page, site, tmp_path, format, suffix):
    photo = photo_with_place(tmp_path / "side ways.jpg")
    visit(page, site, photo)
    free = page.locator(f"{CARDS}:not(:has(.pill))").first
    free.click()
    shows(page, free.get_attribute("data-preset"))
    page.keyboard.press("Control+s")
    page.wait_for_selector("dialog[open]")
    dialog = page.get_by_role("dialog", name="Export")
    assert "440 × 640" in dialog.inner_text()
    dialog.get_by_label("Format").select_option(label="WebP" if format == "WEBP" else format)
    assert dialog.get_by_label("Remove location").is_checked()
    download = export(page)
    name = free.locator(".card-name").inner_text().lower().replace(" ", "-")
    assert download.suggested_filename == f"side ways-{name}{suffix}"
    path = tmp_path / download.suggested_filename
    download.save_as(path)
    with Image.open(path) as written, Image.open(photo) as source:
        assert written.format == format
        assert written.getexif().get(0x0112, 1) == 1
        assert written.size == (440, 640)
        exif = written.getexif()
        assert not exif.get_ifd(0x8825)
        upright = source.transpose(Image.Transpose.ROTATE_270)
        # The preset changes the colours, not what is where.
        small = [np.asarray(one.convert("L").resize((11, 16)), float) for one in (written, upright)]
        assert np.corrcoef(small[0].ravel(), small[1].ravel())[0, 1] > 0.8
    page.wait_for_selector(".toast:has-text('is saved')")


def test_the_place_stays_if_the_owner_wants(page, site, tmp_path):
    visit(page, site, photo_with_place(tmp_path / "place.jpg"))
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    page.get_by_label("Remove location").uncheck()
    download = export(page)
    download.save_as(tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as written:
        assert written.getexif().get_ifd(0x8825)[1] == "N"
        assert written.getexif()[0x010F] == "Maker"


def test_export_can_be_cancelled(page, site):
    visit(page, site, EXAMPLES / "dandelions.jpg")
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    page.locator(".export-dialog .primary").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_selector(".toast:has-text('Nothing was saved')")
    assert page.locator("dialog").count() == 0


def test_member_presets_can_be_tried_but_not_exported(page, site):
    visit(page, site, COAST)
    member = page.locator(f"{CARDS}:has(.pill)").first
    member.click()
    shows(page, member.get_attribute("data-preset"))
    page.locator(".export-button").click()
    save = page.locator(".export-dialog .primary")
    assert save.is_disabled()
    assert "is a member preset" in page.locator(".refusal").inner_text()
    page.keyboard.press("Escape")
    page.evaluate("homebodyStudio.setMembership(true)")
    settle(page)
    page.locator(".export-button").click()
    assert save.is_enabled()
    assert not page.locator(".refusal").is_visible()
    assert export(page).suggested_filename.endswith(".jpg")
    page.reload()
    page.wait_for_selector("hb-studio")
    page.locator(".tool-settings").click()
    assert "You are a member" in page.get_by_role("dialog").inner_text()


def test_a_batch_is_edited_and_exported_as_one_file(page, site, tmp_path):
    photos = [COAST, *(sample_folder() / name for name in ("dog.jpg", "coffee.jpg"))]
    visit(page, site, *photos)
    frames = page.locator(".film-frame")
    assert frames.count() == 3
    page.keyboard.press("1")
    shows(page, presets(page)[0])
    page.keyboard.press("a")
    page.wait_for_selector("dialog[open]")
    page.locator(".choice").first.click()
    page.wait_for_selector(".toast:has-text('3 photos edited')")
    assert page.locator(".film-frame[data-edited]").count() == 3
    page.locator(".toast-action").click()
    assert page.locator(".film-frame[data-edited]").count() == 1
    page.keyboard.press("a")
    page.wait_for_selector("dialog[open]")
    page.get_by_role("button", name="What suits each photo").click()
    until(page, "() => document.querySelectorAll('.film-frame[data-edited]').length === 3")
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    page.get_by_label("All 3 open photos").check()
    download = export(page)
    assert download.suggested_filename == "for-this-photo.zip"
    download.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert [name.split("-")[0] for name in names] == ["coast", "dog", "coffee"]
        sizes = [Image.open(io.BytesIO(archive.read(name))).size for name in names]
    assert sizes == [(1200, 800), (512, 512), (600, 400)]
