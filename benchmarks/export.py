"""A 12-megapixel export in Chromium beside `homebody photo edit`: file in, file out.

    pip install '.[bench,test]'; apt-get install chromium
    python benchmarks/export.py [--rounds 7] [--json]

Both decode the JPEG, render a preset and encode; the browser's worker starts anew for each, as the
studio's does. Before it is timed, the rendering's pixels are compared: those of the two PNG exports
have to be equal.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import shutil
import tempfile
import threading
from io import BytesIO
from pathlib import Path

from in_turn import PHOTO, report, seconds, twelve_megapixels
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from homebody.features.photo.catalog import catalog_json, default_catalog
from homebody.features.photo.edit import edit_file
from homebody.features.photo.look import render
from homebody.image import decode
from homebody.server.local import LocalServer
from homebody.server.site import Site, file_of
from homebody.server.studio import studio_files

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
BLANK = file_of(b"<!doctype html><html lang=en><title>blank</title></html>", "text/html")

PAGE = """async ([photo, catalog, id]) => {
  const { loadKernels } = await import("/kernels.js");
  const { readCatalog } = await import("/catalog.js");
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const { compileLut } = await import("/look.js");
  const door = await loadKernels(await fetch("/native/homebody.wasm")), kernels = door.module;
  const preset = readCatalog(bytes(catalog)).preset(id);
  const lut = compileLut(door, preset); // as the studio has it, and Python keeps it
  const blob = new Blob([bytes(photo)]);
  window.exported = (options, strength = 100) => new Promise((resolve, reject) => {
    const worker = new Worker("/export.worker.js", { type: "module" });
    worker.onmessage = ({ data: { value, error } }) => {
      if (error) reject(new Error(error.message));
      if (value) resolve(value);
      if (error || value) worker.terminate();
    };
    worker.postMessage({ blob, preset, lut, strength, kernels, options });
  });
  window.pixels = async () => {
    const { decode } = await import("/image.js");
    const file = await window.exported({ type: "image/png" });
    const { picture } = await decode(file, { kernels: { module: kernels } });
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", picture.data));
    return Array.from(digest, (one) => one.toString(16).padStart(2, "0")).join("");
  };
}"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("chromium is not on the PATH; apt-get install chromium")

    server = LocalServer(Site({**studio_files(), "/blank.html": BLANK}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    buffer = BytesIO()
    Image.fromarray(twelve_megapixels(options.photo)).save(buffer, "JPEG", quality=92)
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser,
    ):
        page = browser.new_page()
        page.goto(f"{server.url.rstrip('/')}/blank.html")
        measure(page, buffer.getvalue(), Path(folder), options.rounds, as_json=options.json)
    server.shutdown()


def measure(page: Page, photo: bytes, folder: Path, rounds: int, *, as_json: bool) -> None:
    """Compare the pixels, then the times, and report."""
    source = folder / "photo.jpg"
    source.write_bytes(photo)
    presets = {
        "colour": "sld-01",
        "colour and grain": next(
            one.id for one in default_catalog().presets if one.adjust.grain.amount
        ),
    }
    rows = []
    for what, name in presets.items():
        preset = default_catalog().preset(name)
        texts = [base64.b64encode(part).decode() for part in (photo, catalog_json())]
        page.evaluate(PAGE, [*texts, name])
        rendered = render(decode(source).pixels, preset, threads=os.cpu_count() or 1)
        equal = page.evaluate("pixels()") == hashlib.sha256(rendered.tobytes()).hexdigest()
        if not equal:
            raise SystemExit(f"the browser's pixels with {name} are not Python's")
        for kind in ("jpeg", "webp", "png"):
            if what != "colour" and kind != "jpeg":
                continue

            def native(target: Path = folder / f"export.{kind}", preset=preset) -> None:
                edit_file(source, preset, target)

            def browser(kind: str = kind) -> None:
                page.evaluate("(type) => exported({ type }).then(() => 0)", f"image/{kind}")

            times = seconds({"native": native, "browser": browser}, rounds)
            ratio = times["browser"] / times["native"]
            rows.append(
                [what, kind.upper(), *(f"{1000 * time:.0f}" for time in times.values()),
                 f"{ratio:.2f}"]
            )  # fmt: skip
    columns = ["preset", "format", "`photo edit`, ms", "Chromium, ms", "ratio"]
    facts = {"pixels": "4000×3000, equal in both", "threads": os.cpu_count(), "rounds": rounds}
    report("12-megapixel export", columns, rows, facts, as_json=as_json)


if __name__ == "__main__":
    main()
