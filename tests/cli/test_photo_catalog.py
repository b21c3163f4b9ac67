"""``homebody photo catalog`` and ``homebody photo audit``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from homebody.features.photo.catalog import catalog_json, default_catalog, load_catalog
from homebody.features.photo.look import compile_lut
from homebody.image import read_cube

from .conftest import Run


def test_the_catalog_is_large_enough(run: Run) -> None:
    found = json.loads(run("photo", "catalog", "--json").out)
    assert len(found["presets"]) >= 160
    assert len(found["families"]) >= 12
    assert all(len(c["presets"]) >= 12 for c in found["categories"])
    assert len(found["categories"]) == 14


def test_the_catalog_in_words_names_every_category(run: Run) -> None:
    out = run("photo", "catalog").out
    for category in default_catalog().categories:
        assert category.name in out


def test_a_cube_holds_the_presets_colour(run: Run, tmp_path: Path) -> None:
    preset = default_catalog().presets[5]
    target = tmp_path / "look.cube"
    assert run("photo", "export-cube", preset.id, "-o", target).code == 0
    difference = read_cube(target).table.astype(int) - compile_lut(preset)
    assert np.abs(difference).max() <= 1


def test_a_cube_becomes_a_preset_of_a_catalog(run: Run, tmp_path: Path) -> None:
    cube, mine = tmp_path / "look.cube", tmp_path / "mine.json"
    source = default_catalog().presets[5]
    run("photo", "export-cube", source.id, "-o", cube)
    done = run("photo", "import-cube", cube, "--id", "my-01", "--name", "Summer", "-o", mine)
    assert done.code == 0, done.err
    found = load_catalog(mine)
    assert len(found.presets) == len(default_catalog().presets) + 1
    difference = compile_lut(found.preset("summer")).astype(int) - compile_lut(source)
    assert np.abs(difference).max() <= 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["look.cube", "mine.json"]


@pytest.mark.parametrize(
    "changes", [{"--id": "No Id"}, {"--name": ""}, {"-o": "no/such/folder/mine.json"}]
)
def test_a_cube_that_fits_no_catalog_is_one_line(
    run: Run, tmp_path: Path, changes: dict[str, str]
) -> None:
    cube = tmp_path / "look.cube"
    run("photo", "export-cube", "cin-01", "-o", cube)
    options = {"--id": "my-01", "--name": "Summer", "-o": str(tmp_path / "mine.json"), **changes}
    done = run("photo", "import-cube", cube, *(x for pair in options.items() for x in pair))
    assert done.code == 2
    assert done.err.startswith("homebody: ")
    assert done.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["look.cube"]


def test_the_shipped_curation_keeps_its_limits(run: Run) -> None:
    done = run("photo", "audit", "--json")
    report = json.loads(done.out)
    assert done.code == 0, done.err
    assert report["offences"] == []
    assert {m["category"] for m in report["measures"]} == {
        c.id for c in default_catalog().categories
    }


def test_curation_that_breaks_its_limits_is_an_error(run: Run, tmp_path: Path) -> None:
    catalog = json.loads(catalog_json())
    catalog["limits"]["clipped"] = 0.0
    catalog["limits"]["delta_e"] = [0.0, 0.1]
    for category in catalog["categories"]:
        category.pop("limits", None)
    file = tmp_path / "strict.json"
    file.write_text(json.dumps(catalog))
    done = run("photo", "audit", "--catalog", file, "--category", "portrait")
    assert done.code == 2
    assert "breaks its own limits" in done.err
