"""Text in Chromium: the golden vectors, and a text bundle's answers with LiteRT.js."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import homebody
from conformance.text import make_tokens
from homebody.features.text.data import read_texts
from homebody.features.text.train import train_text
from homebody.server.site import Site, file_from, file_of
from homebody.text._unicode import PATH as UNICODE
from tests.features.text.conftest import write
from tests.web.conftest import serving

TEXTS = ["A Chess tool, with dice", "new SMTP queue", "old CAFÉ song", "", "東京 puzzle 😀 \u200d"]
LOAD = """
  const text = await import("/text.js");
  const [wasm, unicode] = await Promise.all([fetch("/native/text.wasm"), fetch("/unicode.bin")]);
  const kernels = await text.loadText({ wasm, unicode });
"""
GOLDEN = f"""async () => {{
  {LOAD}
  const {{ SHAPES }} = await import("/bundle/operations.js");
  const {{ golden }} = await import("/golden.js");
  return golden(text, SHAPES, kernels, await (await fetch("/tokens.json")).json());
}}"""
CLASSIFY = f"""async (texts) => {{
  {LOAD}
  const bytes = new Uint8Array(await (await fetch("/topics.hb")).arrayBuffer());
  const vendor = new URL("/vendor/", location.href).href;
  const feature = await text.loadTextClassifier(bytes, {{ kernels, vendor }});
  const found = [];
  for (const one of texts) {{
    const {{ label, scores }} = await feature.classify(one);
    found.push({{ label, scores, ids: Array.from(feature.prepare(one).get("ids")) }});
  }}
  return {{ found, report: await feature.check() }};
}}"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    data = read_texts(write(folder / "topics.tsv"), split_by="source")
    return train_text(data, folder / "topics.hb", vocabulary_size=300, length=16).path


@pytest.fixture(scope="module")
def text_site(site_files, bundle):
    golden = Path(__file__).parents[1] / "text" / "golden.js"
    server = serving(
        Site(
            {
                **site_files,
                "/golden.js": file_from(golden),
                "/tokens.json": file_from(make_tokens.PATH),
                "/topics.hb": file_from(bundle),
                "/unicode.bin": file_of(UNICODE.read_bytes(), "application/octet-stream"),
            }
        )
    )
    yield server.url.rstrip("/")
    server.shutdown()
    server.server_close()


def test_golden_vectors_in_chromium(page, text_site):
    document = json.loads(make_tokens.PATH.read_text(encoding="ascii"))
    page.goto(f"{text_site}/blank.html")
    found = page.evaluate(GOLDEN)
    for case, results in zip(document["cases"], found, strict=True):
        assert results == case["results"], (case["call"], case["arguments"])


def test_a_bundle_answers_in_chromium_as_in_python(page, text_site, bundle):
    page.goto(f"{text_site}/blank.html")
    answer = page.evaluate(CLASSIFY, TEXTS)
    assert answer["report"]["passed"]
    with homebody.load(bundle) as feature:
        for text, found in zip(TEXTS, answer["found"], strict=True):
            assert found["ids"] == feature.prepare(text).tensors["ids"][0].tolist()
            ours = feature(text)
            assert found["label"] == ours.label
            assert dict(found["scores"]) == pytest.approx(ours.scores, abs=1e-6)
