from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from homebody.features.photo.catalog import catalog_json, default_catalog
from homebody.features.photo.sample_photos import sample_folder

from .conftest import Run

SAMPLES = sample_folder()
KEYS = {
    "photo", "category", "categories", "presets", "notes", "catalog_version", "bundle", "timing_ms",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_photo_gets_a_table_and_a_sheet(run: Run) -> None:
    done = run("photo", "suggest", SAMPLES / "cat.jpg")
    assert done.code == 0, done.err
    assert done.out.startswith("Animal")
    assert [line.split()[0] for line in done.out.splitlines()[2:8]] == list("123456")
    with Image.open("cat-suggested.jpg") as sheet:
        assert sheet.width == 1920
    assert done.err == ""


def test_json_is_what_is_documented(run: Run) -> None:
    done = run("photo", "suggest", SAMPLES / "cat.jpg", "--json")
    answer = json.loads(done.out)
    assert set(answer) == KEYS
    assert set(answer["category"]) == {"id", "name", "confidence"}
    assert set(answer["presets"][0]) == {"id", "name", "tier", "family", "reason"}
    assert set(answer["bundle"]) == {"name", "version", "sha256"}
    assert set(answer["timing_ms"]) == {"decode", "model", "suggest", "render"}
    confidences = [c["confidence"] for c in answer["categories"]]
    assert confidences == sorted(confidences, reverse=True)
    assert {c["id"] for c in answer["categories"]} == {c.id for c in default_catalog().categories}
    assert answer["category"]["id"] == "animal"
    assert list(Path().iterdir()) == []


def test_six_presets_are_half_free_and_of_six_families(run: Run) -> None:
    presets = json.loads(run("photo", "suggest", SAMPLES / "cat.jpg", "--json").out)["presets"]
    assert [p["tier"] for p in presets].count("free") == 3
    assert len({p["family"] for p in presets}) == 6


def test_member_lifts_the_mix(run: Run) -> None:
    listed = default_catalog().category("animal").presets
    done = run("photo", "suggest", SAMPLES / "cat.jpg", "--json", "--member")
    found = [p["id"] for p in json.loads(done.out)["presets"]]
    assert found[0] == listed[0].preset
    seen: dict[str, str] = {}
    for entry in listed:
        seen.setdefault(default_catalog().preset(entry.preset).family, entry.preset)
    assert found == list(seen.values())[:6]


@pytest.mark.parametrize(("mix", "free"), [("6:0", 6), ("0:6", 0), ("1:2", 2)])
def test_tier_mix_is_a_ratio(run: Run, mix: str, free: int) -> None:
    done = run("photo", "suggest", SAMPLES / "cat.jpg", "--json", "--tier-mix", mix)
    answer = json.loads(done.out)
    found = [p["tier"] for p in answer["presets"]].count("free")
    assert found == free or answer["notes"], "a mix that cannot be had says so"


@pytest.mark.parametrize("mix", ["3", "a:b", "3:3:3", "-1:4", "0:0"])
def test_a_tier_mix_that_is_none_is_one_line(run: Run, mix: str) -> None:
    done = run("photo", "suggest", SAMPLES / "cat.jpg", f"--tier-mix={mix}")
    assert done.code == 2
    assert done.err.startswith("homebody: ")
    assert done.err.count("\n") == 1


def test_a_folder_is_one_line_each_in_order(run: Run, tmp_path: Path) -> None:
    for name in ("cat.jpg", "coffee.jpg"):
        shutil.copy(SAMPLES / name, tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a photo, and not reported either")
    done = run("photo", "suggest", tmp_path)
    assert done.code == 0
    assert [Path(json.loads(line)["photo"]).name for line in done.out.splitlines()] == [
        "cat.jpg",
        "coffee.jpg",
    ]


def test_a_bad_file_is_reported_and_skipped(run: Run, tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "cat.jpg", tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"")
    shutil.copy(SAMPLES / "coffee.jpg", tmp_path / "c.jpg")
    done = run("photo", "suggest", tmp_path, "--sheet", tmp_path / "sheets")
    assert done.code == 1
    assert len(done.out.splitlines()) == 2
    assert "b.jpg" in done.err
    assert "1 of 3 photos were skipped" in done.err
    sheets = sorted(p.name for p in (tmp_path / "sheets").iterdir())
    assert sheets == ["a-suggested.jpg", "c-suggested.jpg"]


def test_a_catalog_of_ones_own(run: Run, tmp_path: Path) -> None:
    text = catalog_json().decode()
    version = default_catalog().version
    mine = tmp_path / "mine.json"
    mine.write_text(text.replace(f'"version": "{version}"', '"version": "77.0.0"', 1))
    done = run("photo", "suggest", SAMPLES / "cat.jpg", "--json", "--catalog", mine)
    assert json.loads(done.out)["catalog_version"] == "77.0.0"


def test_bad_input_is_one_line_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    text = tmp_path / "text.jpg"
    text.write_text("not a picture at all")
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((SAMPLES / "cat.jpg").read_bytes()[:2000])
    bad_catalog = tmp_path / "catalog.json"
    bad_catalog.write_text("{}")
    folder = tmp_path / "folder"
    folder.mkdir()
    before = sorted(tmp_path.rglob("*"))
    cat = SAMPLES / "cat.jpg"
    for arguments in (
        [empty], [text], [cut], [tmp_path / "missing.jpg"], [folder],
        [cat, "--catalog", bad_catalog], [cat, "--catalog", tmp_path / "missing.json"],
        [cat, "--bundle", text], [cat, "--bundle", tmp_path / "missing.hb"],
        [cat, "--sheet", tmp_path / "sheet.gif"], [cat, "--sheet", tmp_path / "no" / "sheet.png"],
        [cat, "--sheet", folder],
    ):  # fmt: skip
        done = run("photo", "suggest", *arguments)
        assert done.code == 2, arguments
        assert done.err.startswith("homebody: "), arguments
        assert done.err.count("\n") == 1, arguments
        assert sorted(tmp_path.rglob("*")) == before, arguments
