"""Photograph the studio in Chromium: ``python docs/images/studio.py``.

Writes studio-1440.webp, studio-768.webp and studio-360.webp, each a photo with a preset, the
original at the left of the split, and studio.webp, all three side by side. Needs
``pip install 'homebody[test]'`` and chromium on the PATH.
"""

from __future__ import annotations

import io
import shutil
import threading
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from homebody.server.local import LocalServer
from homebody.server.site import Site
from homebody.server.studio import studio_files

FOLDER = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Shot(NamedTuple):
    """One picture: the window, the theme, the studio's own photo, the suggestion's number."""

    width: int
    height: int
    scale: int
    theme: str
    photo: str
    suggestion: int


SHOTS = (
    Shot(1440, 900, 1, "dark", "dandelions", 2),
    Shot(768, 1024, 1, "light", "coast", 4),
    Shot(360, 740, 2, "dark", "dog", 2),
)
PAINTED = """() => new Promise((resolve) => {
    const look = () => {
        const stage = document.querySelector("hb-stage").dataset.painted;
        const chosen = document.querySelector(".strip [aria-pressed=true]");
        const open = document.querySelector("[data-presets=open] aside");
        const list = !open || document.querySelectorAll(".preset-list [data-painted]").length > 7;
        const still = document.getAnimations().every((one) => one.playState !== "running");
        if (chosen && stage === chosen.dataset.preset && list && still) resolve();
        else setTimeout(look, 50);
    };
    look();
})"""


def take(browser: Browser, url: str, shot: Shot) -> Image.Image:
    """Open the studio's photo, choose a suggestion, split, and photograph the page."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        device_scale_factor=shot.scale,
        color_scheme="dark" if shot.theme == "dark" else "light",
        locale="en-GB",
        service_workers="block",
    )
    page = context.new_page()
    page.goto(url)
    page.locator(f".print:has(img[src*={shot.photo}])").click()
    page.wait_for_selector(".strip .card[data-painted] >> nth=5")
    page.keyboard.press(str(shot.suggestion))
    page.locator(".tool-split").click()
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    page.evaluate(PAINTED)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return picture


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """The windows at one height on white, 1800 pixels wide together."""
    height, gap = 900, 36
    scaled = [p.resize((round(p.width * height / p.height), height)) for p in pictures]
    width = sum(p.width for p in scaled) + gap * (len(scaled) - 1)
    sheet = Image.new("RGB", (width, height), "white")
    left = 0
    for picture in scaled:
        sheet.paste(picture, (left, 0))
        left += picture.width + gap
    return sheet.resize((1800, round(1800 * height / width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Take and write the pictures."""
    server = LocalServer(Site(studio_files()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=FLAGS)
        pictures = [take(browser, server.url, shot) for shot in SHOTS]
        browser.close()
    for shot, picture in zip(SHOTS, pictures, strict=True):
        picture.save(FOLDER / f"studio-{shot.width}.webp", quality=84, method=6)
    side_by_side(pictures).save(FOLDER / "studio.webp", quality=84, method=6)
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
