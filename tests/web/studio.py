"""How the tests drive the studio: open photos, wait for what is to be seen, read it."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from PIL import Image

from homebody.features.photo.sample_photos import sample_folder

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
COAST = EXAMPLES / "coast.jpg"
CARDS = ".strip button.card"


def until(page, predicate, arg=None) -> None:
    """Wait for a condition; Playwright's own way needs an eval, which the page forbids."""
    page.evaluate(
        f"""arg => new Promise((resolve, reject) => {{
            const holds = {predicate}, began = performance.now();
            const look = () => {{
                if (holds(arg)) resolve();
                else if (performance.now() - began > 90000) reject(new Error(`never: ${{holds}}`));
                else setTimeout(look, 15);
            }};
            look();
        }})""",
        arg,
    )


def visit(page, site, *photos, lang=None) -> None:
    """Open the studio, and photos in it; wait until the six are there and painted."""
    # Machines that do much at once are slow, which is no fault of the studio.
    page.set_default_timeout(90_000)
    page.goto(f"{site}/" + (f"?lang={lang}" if lang else ""))
    page.wait_for_selector("hb-studio[data-state=empty]")
    if photos:
        add(page, *photos)


def add(page, *photos) -> None:
    if page.locator("hb-studio[data-state=empty]").count():
        button = page.locator(".welcome-ways .primary")
    else:
        button = page.locator(".tool-open")
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files([str(photo) for photo in photos])
    settle(page)


def settle(page) -> None:
    """Until the six of the current photo are painted, and the photo itself."""
    until(
        page,
        "() => document.querySelectorAll('.strip button.card[data-painted]').length === 6"
        " && document.querySelector('hb-stage').dataset.painted !== undefined",
    )


def shows(page, preset, strength=None) -> None:
    """Until the stage shows the preset (its id, or None), at that strength."""
    until(
        page,
        "([preset, strength]) => { const {dataset} = document.querySelector('hb-stage');"
        " return dataset.painted === String(preset)"
        " && (strength === null || dataset.strength === String(strength)) }",
        arg=[preset, strength],
    )


def pixels(page, canvas) -> np.ndarray:
    """What a canvas of the stage holds, uint8[h, w, 4]."""
    width, height, data = page.evaluate(
        "name => { const one = document.querySelector(`hb-stage canvas.${name}`);"
        " const {width, height} = one;"
        " const {data} = one.getContext('2d').getImageData(0, 0, width, height);"
        " let text = ''; for (let i = 0; i < data.length; i += 30000)"
        " text += String.fromCharCode(...data.subarray(i, i + 30000));"
        " return [width, height, btoa(text)] }",
        canvas,
    )
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def presets(page) -> list[str]:
    return page.locator(CARDS).evaluate_all("cards => cards.map(card => card.dataset.preset)")


def pressed(page) -> list[str]:
    return page.locator(f"{CARDS}[aria-pressed=true]").evaluate_all(
        "cards => cards.map(card => card.dataset.preset)"
    )


def export(page):
    """Press Save in the open dialog; the download."""
    with page.expect_download() as download:
        page.locator(".export-dialog .primary").click()
    return download.value


def photo_with_place(path: Path) -> Path:
    """A photo held sideways (EXIF orientation 6) that says where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    with Image.open(sample_folder() / "meadow.jpg") as photo:
        photo.save(path, exif=exif, quality=95)
    return path


def kept(page, name):
    """What the studio has stored of its owner under that name."""
    return page.evaluate(
        """name => new Promise((resolve, reject) => {
            const opening = indexedDB.open("homebody", 1);
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
                const asking = opening.result.transaction("owner").objectStore("owner").get(name);
                asking.onsuccess = () => {
                    opening.result.close();
                    resolve(asking.result ?? null);
                };
            };
        })""",
        name,
    )


def until_kept(page, name, wanted) -> None:
    """Until exactly that is stored; each look takes a transaction, so this does not spin."""
    for _ in range(500):
        if (found := kept(page, name)) == wanted:
            return
    raise AssertionError(f"{name} is {found}, not {wanted}")
