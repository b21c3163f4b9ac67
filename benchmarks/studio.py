"""The studio in Chromium: a photo opened, a reload without the network, and a first visit's bytes.

    pip install '.[bench,test]'; apt-get install chromium
    python benchmarks/studio.py [--rounds 7]

Every round reloads the page from its service worker, waits for a second, as whoever chooses a photo
does, and drops the 12-megapixel photo on it, twice; the sum of the same steps done natively, by
`homebody`'s own kernels in one warm process, is measured in turn with it. Then come reloads where
the photo is dropped as soon as it is taken.
"""

from __future__ import annotations

import argparse
import base64
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from in_turn import PHOTO, processor
from playwright.sync_api import Page, sync_playwright

import homebody
from homebody.features.photo.feature import WORKING_SIDE
from homebody.features.photo.preview import previews
from homebody.image import decode
from homebody.server.compress import compressed
from homebody.server.local import LocalServer
from homebody.server.site import Site, Slice
from homebody.server.studio import studio_files

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIDE = 320

# When the empty studio takes photos, and when its engine has begun, after a page began.
BEGUN = "hb-studio .preset-list button.card"
READY = f"""() => {{
  const look = () => {{
    if (document.querySelector("hb-studio[data-state=empty]")) window.readyAt ??= performance.now();
    if (document.querySelector("{BEGUN}")) window.begunAt = performance.now();
    else requestAnimationFrame(look);
  }};
  requestAnimationFrame(look);
}}"""
# Drops a photo; resolves to the milliseconds until six suggestions are painted.
DROP = """async (text) => {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
  const cards = ".strip button.card";
  for (const card of document.querySelectorAll(cards)) card.dataset.before = "";
  const start = performance.now();
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
  return new Promise((resolve) => {
    const look = () => {
      const now = `${cards}[data-painted]:not([data-before])`;
      const painted = document.querySelectorAll(now).length;
      if (painted === 6) requestAnimationFrame(() => resolve(performance.now() - start));
      else requestAnimationFrame(look);
    };
    look();
  });
}"""


class Counting(Site):
    """A site that counts what it sends: bytes of bodies by kind of file."""

    def __init__(self, files) -> None:
        super().__init__(files)
        self.asked: list[str] = []
        self.sent: Counter[str] = Counter()

    def answer(self, method, path, headers):
        found = super().answer(method, path, headers)
        body = found.body
        self.asked.append(path)
        self.sent[kind(path)] += body.length if isinstance(body, Slice) else len(body)
        return found


def kind(path: str) -> str:
    """What a file is, for the table."""
    if path.startswith("/vendor/"):
        return "LiteRT.js"
    if path.endswith(".hb"):
        return "bundle"
    if path.startswith("/studio/samples/"):
        return "sample photos"
    if path.endswith(".js"):
        return "our JavaScript"
    if path.endswith(".wasm"):
        return "our kernels"
    return "page, styles, icons, words"


@contextmanager
def serving(site: Site):
    server = LocalServer(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def wait(page: Page, name: str) -> float:
    """Milliseconds from the page's beginning until `READY` saw that."""
    return page.evaluate(
        """(name) => new Promise((resolve) => {
          const look = () => window[name] ? resolve(window[name]) : setTimeout(look, 5);
          look();
        })""",
        name,
    )


def first_visit(browser, site: Counting, url: str) -> tuple[Counter[str], Counter[str]]:
    """Bytes until the studio's engine has begun, and until all is kept for offline use."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(BEGUN, state="attached")
    ready = site.sent.copy()
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    kept = site.sent.copy()
    context.close()
    return ready, kept


def native(feature, photo: Path) -> dict[str, float]:
    """Milliseconds of decoding, the model with its answer, and six thumbnails."""
    start = time.perf_counter()
    picture = decode(photo, at_least=WORKING_SIDE)
    decoded = time.perf_counter()
    answer = feature(picture)
    answered = time.perf_counter()
    pixels = np.asarray(picture.pixels)
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    previews(pixels, answer, feature.catalog, round(width * scale), round(height * scale))
    end = time.perf_counter()
    return {
        "decode": 1e3 * (decoded - start),
        "model": 1e3 * (answered - decoded),
        "thumbnails": 1e3 * (end - answered),
    }


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not on the PATH; apt-get install chromium")
    site = Counting(compressed(studio_files()))
    photo = base64.b64encode(PHOTO.read_bytes()).decode()
    feature = homebody.load("for-this-photo")
    first, next_ones, at_once, ready, begun, parts = [], [], [], [], [], []
    with (
        tempfile.TemporaryDirectory() as profile,
        sync_playwright() as playwright,
        serving(site) as server,
    ):
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        version = launched.version
        until_ready, until_kept = first_visit(launched, site, server.url)
        launched.close()
        # A profile on disk: only there does Chromium keep compiled code, as people's browsers do.
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=chromium, args=FLAGS
        )
        page = context.new_page()
        page.add_init_script(f"({READY})()")
        page.goto(server.url)
        page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        for _ in range(2):  # Chromium keeps compiled code from the second use on
            page.reload()
            wait(page, "begunAt")
        native(feature, PHOTO)
        asked: list[str] = []
        for _ in range(options.rounds):
            site.asked.clear()
            page.reload()
            ready.append(wait(page, "readyAt"))
            begun.append(wait(page, "begunAt"))
            page.wait_for_timeout(1000)
            # Chromium itself looks for another service worker some time after each load.
            asked += [path for path in site.asked if path != "/sw.js"]
            first.append(page.evaluate(DROP, photo))
            next_ones.append(page.evaluate(DROP, photo))
            parts.append(native(feature, PHOTO))
        for _ in range(options.rounds):
            page.reload(wait_until="commit")
            wait(page, "readyAt")
            at_once.append(page.evaluate(DROP, photo))
        context.close()

    total = statistics.median(sum(one.values()) for one in parts)
    print(f"Chromium {version}; {processor()}; {options.rounds} rounds\n")
    print("| 12-megapixel JPEG | ms | ratio |\n|---|---|---|")
    for name in parts[0]:
        print(f"| native {name} | {statistics.median(one[name] for one in parts):.0f} | |")
    print(f"| native sum | {total:.0f} | 1.00 |")
    for name, times in (
        ("first photo, a second after a reload", first),
        ("next photo", next_ones),
        ("first photo as soon as it is taken", at_once),
    ):
        middle = statistics.median(times)
        print(f"| {name}: dropped to six painted | {middle:.0f} | {middle / total:.2f} |")
    print()
    print("| reload from the service worker | |\n|---|---|")
    for name, times in (("photos are taken", ready), ("the engine has begun", begun)):
        low, high = min(times), max(times)
        print(f"| until {name} | {statistics.median(times):.0f} ms ({low:.0f}-{high:.0f}) |")
    print(f"| requests | {len(asked)} {' '.join(asked)} |\n")
    print("| first visit, kB of brotli | engine begun | kept offline |\n|---|---|---|")
    for name in sorted(until_kept, key=lambda one: -until_kept[one]):
        print(f"| {name} | {until_ready[name] / 1e3:,.1f} | {until_kept[name] / 1e3:,.1f} |")
    sums = [sum(counts.values()) / 1e3 for counts in (until_ready, until_kept)]
    print(f"| all | {sums[0]:,.1f} | {sums[1]:,.1f} |")


if __name__ == "__main__":
    main()
