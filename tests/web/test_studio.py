"""The editor, driven in a real browser as its owner drives it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import homebody
from homebody.features.photo.sample_photos import sample_folder
from tests.web.studio import (
    CARDS,
    COAST,
    EXAMPLES,
    add,
    kept,
    pixels,
    presets,
    pressed,
    settle,
    shows,
    until,
    until_kept,
    visit,
)


@pytest.fixture(scope="module")
def feature():
    with homebody.load("for-this-photo") as loaded:
        yield loaded


def test_a_photo_gets_the_six_and_the_category_that_python_gives(page, site, feature):
    visit(page, site, COAST)
    answer = feature(COAST)
    assert presets(page) == [preset.id for preset in answer.presets]
    names = page.locator(f"{CARDS} .card-name").all_inner_texts()
    assert names == [preset.name for preset in answer.presets]
    shown = page.locator(f"{CARDS} .card-reason").all_inner_texts()
    for reason, preset in zip(shown, answer.presets, strict=True):
        assert reason
        assert preset.reason.lower().endswith(reason.lower())
    chip = page.locator("hb-category select")
    assert chip.input_value() == answer.category.id
    percent = round(100 * answer.category.confidence)
    assert f"{answer.category.name} · {percent}%" in chip.locator("option").all_inner_texts()
    members = page.locator(f"{CARDS}:has(.pill)").count()
    assert members == sum(preset.tier == "member" for preset in answer.presets)


@pytest.mark.parametrize("name", ["windmill.jpg", "lagoon.jpg", "owl.jpg"])
def test_thumbnails_have_the_shape_of_the_photo(page, site, name):
    visit(page, site, sample_folder() / name)
    with Image.open(sample_folder() / name) as photo:
        shape = photo.width / photo.height
    for picture in page.locator(f"{CARDS} .card-picture").all():
        box = picture.bounding_box()
        assert box["width"] / box["height"] == pytest.approx(shape, rel=0.03)


def test_the_samples_of_the_studio_open(page, site):
    visit(page, site)
    assert page.locator(".print").count() == 4
    page.locator(".print").first.click()
    settle(page)
    assert page.locator(".photo-name").inner_text() == "dandelions.jpg"


def test_a_corrected_category_leads_and_is_remembered(page, site):
    visit(page, site, COAST)
    before = presets(page)
    page.locator("hb-category select").select_option("food")
    until(
        page,
        "before => document.querySelector('.strip .card')?.dataset.preset !== before[0]",
        arg=before,
    )
    settle(page)
    food = presets(page)
    assert not set(food) & set(before)
    assert page.locator(".chip-lead").inner_text() == "You say"
    # The same photo is known again after a reload.
    assert len(kept(page, "corrections")) == 1
    page.reload()
    page.wait_for_selector("hb-studio[data-state=empty]")
    add(page, COAST)
    assert page.locator("hb-category select").input_value() == "food"
    assert presets(page) == food
    page.get_by_role("button", name="Use the guess").click()
    until(
        page,
        "before => document.querySelector('.strip .card')?.dataset.preset === before[0]",
        arg=before,
    )
    assert page.locator("hb-category select").input_value() == "coastal"


def test_strength_goes_from_the_original_to_the_whole_preset(page, site):
    visit(page, site, COAST)
    first = presets(page)[0]
    page.locator(CARDS).first.click()
    shows(page, first, 100)
    whole = pixels(page, "edited").astype(int)
    original = pixels(page, "original").astype(int)
    assert whole.shape == original.shape
    assert np.abs(whole - original).mean() > 1
    slider = page.get_by_label("Strength")
    slider.focus()
    page.keyboard.press("Home")
    shows(page, first, 0)
    assert np.array_equal(pixels(page, "edited"), original)
    for _ in range(50):
        page.keyboard.press("ArrowRight")
    shows(page, first, 50)
    half = pixels(page, "edited").astype(int)
    # The kernel rounds once; grain and vignette are part of what is mixed.
    assert np.abs(half - (whole + original) / 2).max() <= 1
    assert page.locator("hb-strength output").inner_text() == "50"


def test_before_and_after(page, site):
    visit(page, site, COAST)
    page.keyboard.press("1")
    shows(page, presets(page)[0])
    original = page.locator("canvas.original")
    assert not original.is_visible()
    page.keyboard.down("\\")
    assert original.is_visible()
    assert page.locator(".tool-before").get_attribute("aria-pressed") == "true"
    page.keyboard.up("\\")
    assert not original.is_visible()
    hold = page.locator(".tool-before")
    hold.hover()
    page.mouse.down()
    assert original.is_visible()
    page.mouse.up()
    assert not original.is_visible()
    # Pressing on the photo itself, as one does on a phone.
    box = page.locator("hb-stage .frame").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_selector("hb-stage[data-held]")
    page.mouse.up()
    assert not original.is_visible()


def test_the_split_is_moved_by_keys_and_by_dragging(page, site):
    visit(page, site, COAST)
    page.keyboard.press("1")
    shows(page, presets(page)[0])
    page.keyboard.press("s")
    divider = page.get_by_role("slider", name="Split between before and after")
    assert divider.get_attribute("aria-valuenow") == "50"
    assert divider.evaluate("one => one === document.activeElement")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowLeft")
    assert divider.get_attribute("aria-valuenow") == "38"
    box = page.locator("hb-stage .frame").bounding_box()
    handle = divider.bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], handle["y"] + 20)
    page.mouse.up()
    assert abs(int(divider.get_attribute("aria-valuenow")) - 80) <= 1
    # Left of it the original shows, right of it the edit.
    clip = page.locator("canvas.original").evaluate("one => getComputedStyle(one).clipPath")
    assert float(clip.split()[1].rstrip("%")) == pytest.approx(20, abs=1)
    page.keyboard.press("s")
    assert not divider.is_visible()


def test_zoom_keeps_what_is_under_the_pointer_and_pans(page, site):
    visit(page, site, EXAMPLES / "dandelions.jpg")
    frame = page.locator("hb-stage .frame")
    fitted = frame.bounding_box()
    at = (fitted["x"] + 0.25 * fitted["width"], fitted["y"] + 0.5 * fitted["height"])
    page.mouse.move(*at)
    page.mouse.wheel(0, -500)
    page.wait_for_selector(".view[data-zoomed]")
    zoomed = frame.bounding_box()
    assert zoomed["width"] > 2 * fitted["width"]
    assert (at[0] - zoomed["x"]) / zoomed["width"] == pytest.approx(0.25, abs=0.01)
    page.mouse.down()
    page.mouse.move(at[0] + 40, at[1])
    page.mouse.up()
    assert frame.bounding_box()["x"] == pytest.approx(zoomed["x"] + 40, abs=1)
    # More pixels are shown, not the same ones larger.
    until(
        page,
        "width => document.querySelector('canvas.edited').width > width",
        arg=int(fitted["width"] * 1.5),
    )
    page.keyboard.press("z")
    assert frame.bounding_box() == fitted


def test_favourites_and_recents_are_kept(page, site):
    visit(page, site, COAST)
    second = presets(page)[1]
    page.keyboard.press("2")
    shows(page, second)
    page.keyboard.press("f")
    assert page.locator(".tool-favourite").get_attribute("aria-pressed") == "true"
    assert page.locator(f"{CARDS}[data-preset={second}] .card-heart").is_visible()
    page.keyboard.press("1")
    until_kept(page, "recents", [presets(page)[0], second])
    page.reload()
    page.wait_for_selector("hb-studio[data-state=empty]")
    add(page, COAST)
    page.get_by_role("button", name="Favourites").click()
    shown = page.locator(".preset-list .card")
    assert shown.evaluate_all("all => all.map(one => one.dataset.preset)") == [second]
    page.get_by_role("button", name="Recent").click()
    assert shown.evaluate_all("all => all.map(one => one.dataset.preset)") == [
        presets(page)[0],
        second,
    ]


def test_undo_takes_back_one_gesture_at_a_time(page, site):
    visit(page, site, COAST)
    first, second = presets(page)[:2]
    assert page.locator(".tool-undo").is_disabled()
    page.keyboard.press("1")
    page.keyboard.press("2")
    shows(page, second)
    slider = page.get_by_label("Strength")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 9, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.8, 0.6, 0.4):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.mouse.up()
    dragged = int(slider.input_value())
    assert 30 < dragged < 50
    page.keyboard.press("Control+z")
    shows(page, second, 100)
    page.keyboard.press("Control+z")
    shows(page, first, 100)
    page.keyboard.press("Control+z")
    shows(page, None)
    assert page.locator(".tool-undo").is_disabled()
    for _ in range(3):
        page.keyboard.press("Control+Shift+Z")
    shows(page, second, dragged)
    # A new edit ends what could be redone.
    page.keyboard.press("Control+z")
    page.keyboard.press("3")
    assert page.locator(".tool-redo").is_disabled()


def test_hovering_and_focusing_preview_without_choosing(page, site):
    visit(page, site, COAST)
    first, second = presets(page)[:2]
    page.keyboard.press("1")
    shows(page, first)
    page.locator(CARDS).nth(1).hover()
    shows(page, second)
    assert pressed(page) == [first]
    page.mouse.move(5, 400)
    shows(page, first)
    card = page.locator(".preset-list .card").first
    page.locator(".search").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert card.evaluate("one => one === document.activeElement")
    shows(page, card.get_attribute("data-preset"))
    assert pressed(page) == [first]


def test_all_presets_are_found_by_family_and_by_search(page, site, feature):
    visit(page, site, COAST)
    shown = page.locator(".preset-list .card")
    assert shown.count() == len(feature.catalog.presets)
    families = page.locator(".family-head h3").all_inner_texts()
    assert families == [family.name for family in feature.catalog.families]
    page.wait_for_selector(".preset-list .card[data-painted]")
    page.locator(".filter", has_text="Moody").click()
    moody = [one.id for one in feature.catalog.presets if one.family == "moody"]
    assert shown.evaluate_all("all => all.map(one => one.dataset.preset)") == moody
    page.locator(".search").fill("SEASIDE linen")
    until(page, "() => document.querySelectorAll('.preset-list .card').length === 1")
    assert page.locator(".preset-list .card-name").inner_text() == "Seaside Linen"
    page.locator(".search").fill("zzz")
    assert "No preset" in page.locator(".presets-empty").inner_text()


def test_everything_is_done_without_a_mouse(page, site):
    # Without a listener the browser would open a chooser of its own.
    page.on("filechooser", lambda _: None)
    page.goto(f"{site}/")
    page.wait_for_selector("hb-studio[data-state=empty]")

    def tab_to(selector, key="Tab"):
        for _ in range(40):
            page.keyboard.press(key)
            if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
        raise AssertionError(f"no Tab reaches {selector}")

    tab_to(".welcome-ways .primary")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(str(COAST))
    settle(page)
    tab_to("hb-category select")
    tab_to(CARDS)
    first, second = presets(page)[:2]
    page.keyboard.press("Enter")
    shows(page, first)
    page.keyboard.press("ArrowRight")
    shows(page, second)
    assert pressed(page) == [second]
    tab_to("#strength", "Shift+Tab")
    page.keyboard.press("ArrowLeft")
    shows(page, second, 99)
    # From the slider, an arrow moved the slider and nothing else.
    assert pressed(page) == [second]
    page.keyboard.press("1")
    shows(page, first, 100)
    tab_to(".preset-list .card")
    page.keyboard.press("ArrowDown")
    below = page.evaluate("document.activeElement.dataset.preset")
    page.keyboard.press(" ")
    shows(page, below)
    page.keyboard.press("0")
    shows(page, None)
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert page.get_by_role("dialog", name="Shortcuts").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    tab_to(".export-dialog .primary", "Tab")
    with page.expect_download():
        page.keyboard.press("Enter")


def test_photos_are_turned_closed_and_had_back(page, site):
    visit(page, site, COAST, sample_folder() / "dog.jpg")
    page.keyboard.press("1")
    page.keyboard.press("]")
    until(page, "() => document.querySelector('.photo-name').textContent === 'dog.jpg'")
    settle(page)
    page.keyboard.press("Delete")
    until(page, "() => document.querySelector('.photo-name').textContent === 'coast.jpg'")
    page.locator(".toast-action").click()
    until(page, "() => document.querySelector('.photo-name').textContent === 'dog.jpg'")
    settle(page)
    page.keyboard.press("[")
    until(page, "() => document.querySelector('.photo-name').textContent === 'coast.jpg'")
    settle(page)
    assert pressed(page) == [presets(page)[0]]


def test_a_photo_that_the_engine_let_go_of_comes_back_as_it_was(page, site):
    names = ("dog", "coffee", "owl", "parrot", "pencils", "meadow")
    visit(page, site, COAST, *(sample_folder() / f"{name}.jpg" for name in names))
    six = presets(page)
    page.keyboard.press("2")
    shows(page, six[1])
    edited = pixels(page, "edited")
    for name in names:
        page.keyboard.press("]")
        until(
            page,
            "name => document.querySelector('.photo-name').textContent === name",
            f"{name}.jpg",
        )
        settle(page)
    page.locator(".film-frame").first.click()
    until(page, "() => document.querySelector('.photo-name').textContent === 'coast.jpg'")
    settle(page)
    shows(page, six[1])
    assert presets(page) == six
    assert pressed(page) == [six[1]]
    until(page, "wide => document.querySelector('canvas.edited').width === wide", edited.shape[1])
    assert np.array_equal(pixels(page, "edited"), edited)
    assert page.locator(".film-frame[data-painted]").count() == 7


def test_photos_are_dropped_and_pasted(page, site):
    visit(page, site)
    give = """async ([event, names]) => {
        const data = new DataTransfer();
        for (const name of names) {
            const blob = await (await fetch(`/studio/samples/${name}`)).blob();
            data.items.add(new File([blob], name, {type: "image/jpeg"}));
        }
        const given = event === "paste" ? {clipboardData: data} : {dataTransfer: data};
        const type = event === "paste" ? ClipboardEvent : DragEvent;
        document.dispatchEvent(new type(event, {bubbles: true, cancelable: true, ...given}));
    }"""
    page.evaluate(give, ["dragenter", ["dog.jpg"]])
    assert page.locator(".drop-veil").is_visible()
    page.evaluate(give, ["drop", ["dog.jpg", "coast.jpg"]])
    settle(page)
    assert not page.locator(".drop-veil").is_visible()
    assert page.locator(".film-frame").count() == 2
    page.evaluate(give, ["paste", ["coffee.jpg"]])
    until(page, "() => document.querySelector('.photo-name').textContent === 'coffee.jpg'")
    settle(page)


def test_this_browser_passes_the_check(page, site):
    visit(page, site)
    page.keyboard.press("Control+,")
    page.wait_for_selector("dialog[open]")
    page.get_by_role("button", name="Check this browser").click()
    page.wait_for_selector(".check-result[data-passed]", timeout=120_000)
    assert page.locator(".check-result").inner_text().startswith("Passed")
