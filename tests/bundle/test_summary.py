from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

import homebody.bundle
from attacks.bundle import forge
from homebody.bundle import OutputTolerance, Tolerances
from tests.bundle.drafts import ENTRIES, ROOT, draft

FULL = ROOT / "conformance" / "bundle" / "full.hb"


def test_the_text_says_what_the_bundle_is() -> None:
    with homebody.bundle.open(FULL) as bundle:
        text = bundle.summary().text()
    for fact in (
        "full 2.10.0-rc.1+build.7  (suggest-presets)",
        "homebody 0.1.0 or later",
        "signed with 03a107bff3ce10be… (not verified: no key is pinned)",
        "resize.v1 short_side=2",
        "normalize.v1 order=bgr mean=(103.939, 116.779, 123.68) std=(1, 1, 0.5)",
        "in  image float32[1, 2, 2, 3]",
        "labels.v1 entry=labels.txt",
        "catalog: data/catalog.json",
        "scores: SQNR at least 60 dB",
        "scores: same arg-max in at least 100.0% of the samples",
        "answers: equal in at least 50.0% of the samples",
        "weights: none",
        "52 B  model.tflite",
    ):
        assert fact in text


def test_the_signature_is_called_what_it_is() -> None:
    key = forge.PUBLISHER.public_key().public_bytes_raw()
    with homebody.bundle.open(FULL, public_key=key) as bundle:
        assert "(verified)" in bundle.summary().text()
    with homebody.bundle.open(forge.good()) as bundle:
        assert "unsigned" in bundle.summary().text()


@pytest.mark.parametrize("stated", ["sqnr_db", "max_abs", "top1"])
def test_only_tolerances_that_are_stated_are_shown(tmp_path: Path, stated: str) -> None:
    tolerances = Tolerances(outputs={"scores": OutputTolerance(**{stated: 1.0})})
    homebody.bundle.write(tmp_path / "a.hb", draft(tolerances=tolerances), ENTRIES)
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        (line,) = (one for one in bundle.summary().tolerances if one.startswith("scores"))
    assert {"sqnr_db": "SQNR", "max_abs": "difference", "top1": "arg-max"}[stated] in line


def test_it_is_json() -> None:
    with homebody.bundle.open(FULL) as bundle:
        plain = json.loads(msgspec.json.encode(bundle.summary()))
        assert plain["sha256"] == bundle.sha256
        assert plain["samples"] == 2
        assert [one["name"] for one in plain["entries"]] == sorted(bundle.manifest.entries)


def test_the_text_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    hostile = draft(licence="\x1b[2J", provenance={"a\nb": "\x07\u202e"})
    homebody.bundle.write(tmp_path / "a.hb", hostile, ENTRIES)
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        assert all(line.isprintable() for line in bundle.summary().text().split("\n"))
