"""The golden vectors through the page's door to the kernels, in node and in real browsers."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from homebody.features.photo.catalog import catalog_json, default_catalog, with_preset
from homebody.features.photo.look import render
from homebody.features.photo.preset import Adjustments, Grain, Sharpen, Vignette
from homebody.server.site import Site, file_of
from tests.node import Refusal
from tests.web.conftest import serving
from tests.web.twin import Twin, needs_node, picture, text

ROOT = Path(__file__).parents[2]
KERNELS = {"resize", "resize_normalize", "normalize", "lut_apply", "grain", "vignette", "sharpen"}
KERNELS |= {"blend", "statistics"}
FILES = sorted((ROOT / "conformance" / "kernels").glob("*.json"))
FILES = [path for path in FILES if path.stem in KERNELS]
FILES.append(ROOT / "conformance" / "look" / "look.json")


def expected(path: Path) -> list[str]:
    document = json.loads(path.read_text())
    cases = document if isinstance(document, list) else document["cases"]
    return [case["sha256"] for case in cases]


@pytest.fixture(scope="module")
def twin():
    running = Twin()
    yield running
    running.close()


@needs_node
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_vectors_in_node(twin, path):
    assert twin.ask("golden", text=path.read_text()) == expected(path)


def test_every_kernel_is_tried():
    assert {path.stem for path in FILES} == KERNELS | {"look"}


IN_PAGE = """async (documents) => {
  const { loadKernels } = await import("/kernels.js");
  const { golden } = await import("/golden.js");
  const kernels = await loadKernels(await fetch("/native/homebody.wasm"));
  return Promise.all(documents.map((text) => golden(kernels, JSON.parse(text))));
}"""


@pytest.fixture(scope="module")
def golden_site(site_files):
    # The first imports the second: their places in the site are as in this folder.
    scripts = {
        "/golden.js": ROOT / "tests/web/golden.js",
        "/kernels/golden_inputs.mjs": ROOT / "tests/kernels/golden_inputs.mjs",
    }
    files = {url: file_of(path.read_bytes(), "text/javascript") for url, path in scripts.items()}
    server = serving(Site({**site_files, **files}))
    yield server.url.rstrip("/")
    server.shutdown()
    server.server_close()


def test_golden_vectors_in_chromium(page, golden_site):
    page.goto(f"{golden_site}/blank.html")
    found = page.evaluate(IN_PAGE, [path.read_text() for path in FILES])
    assert found == [expected(path) for path in FILES]


PICTURES = {
    "several bands": np.random.default_rng(5).integers(0, 256, (1201, 907, 3), np.uint8),
    "one row": np.random.default_rng(6).integers(0, 256, (1, 4001, 3), np.uint8),
    "one column": np.random.default_rng(7).integers(0, 256, (3001, 1, 3), np.uint8),
    "with alpha": np.random.default_rng(8).integers(0, 256, (700, 500, 4), np.uint8),
}
EVERYTHING = Adjustments(
    temperature=20,
    sharpen=Sharpen(amount=80, radius=100),
    vignette=Vignette(amount=-60, midpoint=30),
    grain=Grain(amount=50, size=60),
)
CATALOG = with_preset(
    default_catalog(),
    replace(default_catalog().preset("lnd-11"), id="all", name="All", adjust=EVERYTHING),
)


@pytest.fixture(scope="module")
def rendering(twin):
    twin.ask("catalog", file=text(catalog_json(CATALOG)))
    return twin


@needs_node
@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("preset", ["all", "mon-14", "lnd-11"])
def test_bands_of_a_large_picture_change_no_bit(rendering, name, preset):
    pixels = PICTURES[name]
    height, width = pixels.shape[:2]
    window = {"top": 1500, "left": 20, "width": 30000, "height": 5000}
    for strength, place in ((100, None), (37, None), (100, window)):
        found = rendering.ask(
            "render", picture=picture(pixels), preset=preset, strength=strength, place=place
        )
        where = {"full_size": (5000, 30000), "origin": (1500, 20)} if place else {}
        wanted = render(pixels, CATALOG.preset(preset), strength, **where)
        digest = hashlib.sha256(wanted.tobytes()).hexdigest()
        assert found == {"width": width, "height": height, "sha256": digest}


SMALL = picture(np.zeros((4, 4, 3), np.uint8))


@needs_node
@pytest.mark.parametrize(
    "wrong",
    [
        {"strength": 101},
        {"strength": -1},
        {"strength": 2.5},
        {"picture": {**SMALL, "width": 0}},
        {"picture": {**SMALL, "width": 5}},
        {"picture": {**SMALL, "width": 1, "height": 48}},
        {"place": {"top": 0, "left": 0, "width": 3, "height": 4}},
        {"place": {"top": 2, "left": 0, "width": 4, "height": 5}},
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(rendering, wrong):
    question = {"picture": SMALL, "preset": "all", "strength": 50, **wrong}
    with pytest.raises(Refusal) as caught:
        rendering.ask("render", **question)
    assert caught.value.name == "KernelError"
    assert caught.value.message.isprintable()
