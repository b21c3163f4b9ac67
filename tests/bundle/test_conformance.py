"""The golden bundles: read as their JSON says, and written the same again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

import homebody.bundle
from conformance.bundle import make
from homebody.bundle.samples import read
from tests.bundle.drafts import ROOT

FOLDER = ROOT / "conformance" / "bundle"


@pytest.mark.parametrize("name", [one.__name__ for one in make.BUNDLES])
def test_it_reads_as_stated(name: str) -> None:
    expected = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    raw = (FOLDER / f"{name}.hb").read_bytes()
    key = expected["public_key"]
    with homebody.bundle.open(
        FOLDER / f"{name}.hb", public_key=bytes.fromhex(key) if key else None
    ) as bundle:
        assert bundle.sha256 == expected["sha256"]
        assert bundle.size == expected["size"]
        assert list(bundle.names()) == [entry["name"] for entry in expected["entries"]]
        for entry in expected["entries"]:
            assert entry["offset"] % 64 == 0
            held = raw[entry["offset"] : entry["offset"] + entry["size"]]
            assert bundle.read(entry["name"]) == held
        assert bundle.json("manifest.json") == expected["manifest"]
        for sample, stated in zip(read(bundle), expected["samples"], strict=True):
            assert sample.name == stated["name"]
            assert sample.input.tolist() == stated["input"]
            assert dict(sample.input_sha256) == stated["input_sha256"]
            assert sample.answer == stated["answer"]
            outputs = {output: it.tolist() for output, it in sample.outputs.items()}
            assert outputs == stated["outputs"]


@pytest.mark.parametrize("name", [one.__name__ for one in make.BUNDLES])
def test_a_stock_zip_reader_opens_it(name: str) -> None:
    with zipfile.ZipFile(FOLDER / f"{name}.hb") as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("manifest.json"))["format"] == "homebody/1"


def test_they_are_written_the_same_again(tmp_path: Path) -> None:
    make.make(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {name: (FOLDER / name).read_bytes() for name in made}
    assert made == kept
    assert {path.name for path in FOLDER.glob("*.*b")} <= made.keys()
