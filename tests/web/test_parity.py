"""The same photo in Python and in Chromium: the same input, the same six, the same pixels."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import homebody
from homebody import kernels
from homebody.bundle.samples import tensor_sha256
from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.feature import WORKING_SIDE
from homebody.features.photo.look import render
from homebody.image import decode

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "src" / "homebody" / "features" / "photo" / "samples"
PHOTOS = sorted([*(ROOT / "examples").glob("*.jpg"), *SAMPLES.glob("*.jpg")])
SIDE = 320  # longer side of the renderings that are compared
STRENGTHS = (100, 40)

START = """async () => {
  const { Engine } = await import("/engine.js");
  const { loadKernels } = await import("/kernels.js");
  const { decode } = await import("/image.js");
  const { flat } = await import("/engine/picture.js");
  const { prepare } = await import("/pipeline.js");
  const { readBundle } = await import("/bundle.js");
  const facts = await (await fetch("/studio.json")).json();
  const bytes = new Uint8Array(await (await fetch(facts.bundle.url)).arrayBuffer());
  const { manifest } = await readBundle(bytes);
  const kernels = await loadKernels(await fetch("/native/homebody.wasm"));
  const engine = await Engine.start({ base: location.origin });
  const hash = async (data) => {
    const digest = await crypto.subtle.digest("SHA-256", data);
    return Array.from(new Uint8Array(digest), (one) => one.toString(16).padStart(2, "0")).join("");
  };
  const pixels = (bitmap) => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return data.filter((_, i) => i % 4 !== 3);
  };
  window.ask = async (base64, side, strengths) => {
    const file = new Blob([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))]);
    const photo = await decode(file, { atLeast: 600, kernels });
    const { tensor } = prepare(kernels, flat(photo), manifest.input);
    const opened = await engine.open(file);
    const answer = await engine.suggest(opened.id);
    const found = {
      decoded: await hash(photo.picture.data),
      input: await hash(tensor),
      answer,
      thumbnails: [],
      rendered: [],
      size: [opened.width, opened.height],
    };
    const thumbnails = engine.thumbnails(opened.id, answer.presets.map(({ id }) => id), { side });
    for await (const { bitmap } of thumbnails) found.thumbnails.push(await hash(pixels(bitmap)));
    for (const strength of strengths) {
      const { id } = answer.presets[0];
      const bitmap = await engine.render(opened.id, id, strength, { maxSide: side });
      found.rendered.push(await hash(pixels(bitmap)));
    }
    await engine.close(opened.id);
    return found;
  };
  window.engine = engine;
}"""


def sha256(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


@pytest.fixture(scope="module")
def feature():
    with homebody.load("for-this-photo") as loaded:
        yield loaded


@pytest.fixture(scope="module")
def asking(browser, site):
    """A page with the engine started, for all photos."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/blank.html")
    page.evaluate(START)
    yield lambda data: page.evaluate(
        "([data, side, strengths]) => ask(data, side, strengths)",
        [base64.b64encode(data).decode(), SIDE, STRENGTHS],
    )
    context.close()


def within(width: int, height: int, side: int) -> tuple[int, int]:
    """The size with a longer side of at most ``side``, halves rounded up."""
    scale = min(1, side / max(width, height))
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def expected(feature: Any, data: bytes) -> dict[str, Any]:
    photo = decode(data, at_least=WORKING_SIDE)
    answer = feature(data)
    pixels = photo.flat
    height, width = pixels.shape[:2]
    small = kernels.resize(pixels, *within(width, height, SIDE))
    catalog = default_catalog()
    chosen = [catalog.preset(preset.id) for preset in answer.presets]
    return {
        "decoded": sha256(photo.pixels),
        "input": tensor_sha256(feature.prepare(pixels).tensor),
        "category": answer.category.id,
        "confidences": {it.id: pytest.approx(it.confidence, abs=2e-6) for it in answer.categories},
        "presets": [(p.id, p.name, p.tier, p.family, p.reason) for p in answer.presets],
        "notes": list(answer.notes),
        "thumbnails": [sha256(render(small, preset)) for preset in chosen],
        "rendered": [sha256(render(small, chosen[0], strength)) for strength in STRENGTHS],
        "size": list(photo.size),
    }


def as_compared(found: dict[str, Any]) -> dict[str, Any]:
    answer = found.pop("answer")
    return {
        **found,
        "category": answer["category"]["id"],
        "confidences": {it["id"]: it["confidence"] for it in answer["categories"]},
        "presets": [
            tuple(p[key] for key in ("id", "name", "tier", "family", "reason"))
            for p in answer["presets"]
        ],
        "notes": answer["notes"],
    }


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_photo_is_the_same_in_both(asking, feature, path):
    data = path.read_bytes()
    assert as_compared(asking(data)) == expected(feature, data)


def changed(pixels: np.ndarray, name: str) -> bytes:
    """The photo as another kind of file."""
    from PIL import Image

    picture = Image.fromarray(pixels)
    options: dict[str, Any] = {}
    if name == "transparent.png":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    elif name == "grey.jpg":
        picture = picture.convert("L")
    elif name == "turned.jpg":
        exif = Image.Exif()
        exif[274] = 6
        options = {"exif": exif.tobytes(), "quality": 90}
    elif name == "large.jpg":
        options = {"quality": 88, "subsampling": "4:2:0"}
        picture = picture.resize((3601, 2407))
    elif name == "progressive.jpg":
        options = {"progressive": True, "quality": 80}
    elif name == "panorama.png":
        picture = picture.resize((2000, 40))
    elif name == "dot.png":
        picture = picture.resize((1, 1))
    file = io.BytesIO()
    picture.save(file, "PNG" if name.endswith("png") else "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "name",
    ["photo.png", "transparent.png", "grey.jpg", "turned.jpg", "large.jpg", "progressive.jpg",
     "panorama.png", "dot.png"],
)  # fmt: skip
def test_other_kinds_of_files_are_the_same_in_both(asking, feature, name):
    data = changed(decode(ROOT / "examples" / "coast.jpg").pixels, name)
    assert as_compared(asking(data)) == expected(feature, data)
