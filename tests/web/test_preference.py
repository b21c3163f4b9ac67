"""An owner's taste in the browser: the same bytes as Python's, and other six in the studio."""

from __future__ import annotations

import base64
import json
import random
import subprocess

import msgspec
import pytest

import homebody
from homebody.features.photo.catalog import catalog_json
from homebody.features.photo.owner import dumps, loads
from homebody.features.photo.suggest import suggest
from homebody.kernels import NATIVE
from tests.features.photo.owners import (
    BASE,
    CATALOG,
    made_up_choices,
    made_up_scores,
    spoiled,
    taught,
)
from tests.web.studio import COAST, EXAMPLES, add, export, kept, presets, settle, until, visit
from tests.web.twin import needs_node, text


def follow(**document):
    """What the browser's modules make of these choices."""
    asked = {"catalog": text(catalog_json()), "base": BASE, **document}
    script = __file__.replace("test_preference.py", "preference.mjs")
    run = subprocess.run(
        ["node", script, str(NATIVE / "homebody.wasm"), str(NATIVE / "filters.wasm")],
        input=json.dumps(asked), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def sent(choices):
    return [{**choice, "scores": list(choice["scores"].items())} for choice in choices]


@needs_node
def test_the_browser_learns_the_same_to_the_bit():
    dice = random.Random(1)
    choices = made_up_choices(dice, 25)
    choices.insert(7, choices[6])  # the same feedback twice
    preference = taught(choices)
    photos = [
        {
            "scores": made_up_scores(dice),
            "count": dice.choice([6, 6, 1, 2, 9, 40]),
            "tier_mix": dice.choice([(3, 3), (6, 0), (1, 4)]),
            "member": dice.random() < 0.3,
            **({"lead": dice.choice(CATALOG.categories).id} if dice.random() < 0.3 else {}),
        }
        for _ in range(40)
    ]
    asked = [{**photo, "scores": list(photo["scores"].items())} for photo in photos]
    found = follow(choices=sent(choices), photos=asked)
    assert found["steps"] == [*range(1, 8), 7, *range(8, 26)]
    assert base64.b64decode(found["state"]) == dumps(preference)
    assert found["traits"] == [CATALOG.traits[preset.id] for preset in CATALOG.presets]
    for photo, suggestion in zip(photos, found["suggestions"], strict=True):
        expected = suggest(CATALOG, preference=preference, **photo)
        assert json.loads(msgspec.json.encode(expected)) == suggestion


@needs_node
def test_either_goes_on_with_what_the_other_saved():
    choices = made_up_choices(random.Random(2), 6)
    half = text(dumps(taught(choices[:3])))
    found = follow(begins=half, choices=sent(choices[3:]))
    assert base64.b64decode(found["state"]) == dumps(taught(choices))
    assert loads(base64.b64decode(found["state"]), BASE).learned == 6


@needs_node
def test_the_browser_refuses_what_python_refuses():
    files = spoiled()
    refusals = follow(files=[text(data) for data in files.values()])["refusals"]
    # The base is compared first, before it is looked at.
    for name, refusal in zip(files, refusals, strict=True):
        wanted = "BaseChangedError: " if name == "no base" else "OwnerStateError: "
        assert refusal.startswith(wanted), (name, refusal)


# ------------------------------------------------------------------------------ the studio


@pytest.fixture(scope="module")
def feature():
    with homebody.load("for-this-photo") as loaded:
        yield loaded


def take(page, preset):
    """Choose a preset in the list of all and export the photo with it."""
    page.locator(".search").fill(CATALOG.preset(preset).name)
    page.locator(f"aside button.card[data-preset={preset}]").first.click()
    page.locator(".export-button").click()
    page.wait_for_selector(".export-dialog[open]")
    export(page)
    page.wait_for_selector(".export-dialog", state="detached")


def open_settings(page):
    page.locator(".tool-settings").click()
    page.wait_for_selector("dialog[open] .taste")


def test_what_is_picked_changes_the_next_six_until_it_is_forgotten(page, site, feature, tmp_path):
    page.set_viewport_size({"width": 1400, "height": 900})
    dandelions = EXAMPLES / "dandelions.jpg"
    visit(page, site, COAST)
    plain = presets(page)
    page.set_default_timeout(30_000)
    assert not any("filters" in url for url in page_requests(page))
    take(page, "mon-03")
    page.wait_for_selector(".toast")
    # The photo that is looked at keeps its six; the next one has what was picked among them.
    assert presets(page) == plain
    add(page, dandelions)
    take(page, "mon-03")
    add(page, dandelions)
    taste = kept(page, "taste")
    assert taste["learned"] == 2
    everyones = [preset.id for preset in feature(dandelions).presets]
    # Saved as a file that Python reads, forgotten, and brought back.
    open_settings(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    download.value.save_as(tmp_path / "me.safetensors")
    saved = loads((tmp_path / "me.safetensors").read_bytes(), taste["base"])
    assert {habit.preset for habit in saved.habits} == {"mon-03"}
    theirs = [preset.id for preset in feature(dandelions, preference=saved).presets]
    assert "mon-03" in theirs
    assert theirs != everyones
    page.keyboard.press("Escape")
    assert presets(page) == theirs
    reasons = page.locator(".strip .card-reason").all_inner_texts()
    assert any("ou picked it before" in reason for reason in reasons)
    open_settings(page)
    page.locator(".taste").get_by_role("button", name="Forget it").click()
    until(page, "() => document.querySelector('.taste .note').textContent.startsWith('Nothing')")
    assert kept(page, "taste") is None
    page.keyboard.press("Escape")
    settle(page)
    assert presets(page) == everyones
    open_settings(page)
    page.locator(".taste input[type=file]").set_input_files(tmp_path / "me.safetensors")
    until(page, "() => document.querySelector('.taste .note').textContent.includes('2 exports')")
    page.keyboard.press("Escape")
    settle(page)
    assert presets(page) == theirs
    open_settings(page)
    page.locator(".taste input[type=file]").set_input_files(COAST)
    until(page, "() => document.querySelector('.taste .note').textContent.includes('no taste')")
    assert kept(page, "taste")["learned"] == 2


def page_requests(page):
    return page.evaluate("() => performance.getEntriesByType('resource').map(({name}) => name)")


def test_taste_learned_on_another_bundle_is_taken_along_and_said(page, site, tmp_path):
    state = dumps(taught(made_up_choices(random.Random(3), 2)))
    (tmp_path / "me.safetensors").write_bytes(state)
    visit(page, site, COAST)
    open_settings(page)
    page.locator(".taste input[type=file]").set_input_files(tmp_path / "me.safetensors")
    until(page, "() => document.querySelector('.taste .note').textContent.includes('2 exports')")
    assert kept(page, "taste")["base"] != BASE
