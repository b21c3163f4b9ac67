"""``homebody publish``, ``update`` and ``rollback``."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from homebody import bundle
from homebody.features.photo import default_bundle
from homebody.features.photo.catalog import catalog_json

from .conftest import Run


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The shipped bundle under a higher version."""
    path = tmp_path / "newer.hb"
    with bundle.open(default_bundle()) as shipped:
        held = {n: shipped.read(n) for n in shipped.names() if n in shipped.manifest.entries}
        bundle.write(path, msgspec.structs.replace(shipped.manifest, version="9.0.0"), held)
    return path


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("HOMEBODY_HOME", str(home))
    return home


@pytest.mark.usefixtures("device")
def test_from_a_bundle_to_a_device_and_back(run: Run, tmp_path: Path, newer: Path) -> None:
    repo, keys = tmp_path / "repo", tmp_path / "keys"
    catalog = tmp_path / "for-this-photo.json"
    catalog.write_bytes(catalog_json())
    done = run("publish", repo, newer, catalog, "--keys", keys)
    assert done.code == 0, done.err
    assert "9.0.0" in done.out
    assert "new" in done.out
    root = repo / "metadata" / "1.root.json"
    done = run("update", "--repo", repo, "--root", root, "--check", "--json")
    found = json.loads(done.out)
    assert {item["state"] for item in found["items"]} == {"new"}
    done = run("update", "--repo", repo, "--root", root)
    assert done.code == 0, done.err
    assert done.out.count("installed") == 2
    assert "up to date" in run("update").out, "repository and root are remembered"
    status = json.loads(run("update", "--status", "--json").out)
    assert status["can_roll_back"]
    assert status["in_use"][0]["version"] == "9.0.0"
    done = run("rollback")
    assert "as it came with the app" in done.out
    assert "set aside" in run("update").out
    assert "installed" in run("update", "--again").out
    assert json.loads(run("rollback", "--json").out)["changed"]
    assert "nothing to roll back to" in run("rollback").err


def test_publish_as_json(run: Run, tmp_path: Path, newer: Path) -> None:
    repo, keys = tmp_path / "repo", tmp_path / "keys"
    found = json.loads(run("publish", repo, newer, "--keys", keys, "--json").out)
    assert found["files"][0]["version"] == "9.0.0"
    assert len(found["web_key"]) == 44
    again = json.loads(
        run("publish", repo, "--refresh", "--keys", keys, "--json", "--expires", "timestamp=3").out
    )
    assert again["versions"]["timestamp"] == 2
    rotated = json.loads(
        run(
            *("publish", repo, "--keys", keys, "--json", "--rotate", "timestamp"),
            *("--threshold", "root=2/3"),
        ).out
    )
    assert rotated["versions"]["root"] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to publish"),
        (["--refresh", "x.hb"], "not both"),
        (["--refresh", "--expires", "soon"], "ROLE=DAYS"),
        (["--refresh", "--threshold", "root=all"], "ROLE=M/N"),
        (["--refresh", "--rotate", "moon"], "the roles are"),
        (["--refresh"], "name bundles"),
        (["nothing.hb"], "cannot be read"),
    ],
)
def test_publish_says_in_one_line_what_is_wrong(
    run: Run, tmp_path: Path, arguments: list[str], says: str
) -> None:
    done = run("publish", tmp_path / "repo", *arguments, "--keys", tmp_path / "keys")
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "no repository is known"),
        (["--repo", "no/such/folder"], "neither an http(s) URL nor a folder"),
        (["--repo", "."], "no root of trust"),
        (["--repo", ".", "--root", "missing.json"], "cannot be read"),
        (["--repo", ".", "--root", __file__], "cannot be understood"),
    ],
)
def test_update_says_in_one_line_what_is_wrong(run: Run, arguments: list[str], says: str) -> None:
    done = run("update", *arguments)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1


def test_rollback_without_an_update(run: Run, tmp_path: Path) -> None:
    done = run("rollback", "--home", tmp_path)
    assert done.code == 2
    assert "nothing to roll back to" in done.err


def test_keys_have_a_place_of_their_own_for_each_repository(
    run: Run, tmp_path: Path, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        done = run("publish", tmp_path / place / "repo", newer)
        assert done.code == 0, done.err
    assert run("publish", tmp_path / "one" / "repo", "--refresh").code == 0
    made = [path.parent for path in tmp_path.rglob("root-1.pem")]
    assert len(set(made)) == 2
    assert all(not path.is_relative_to(tmp_path / "one") for path in made)
    assert all(not path.is_relative_to(tmp_path / "two") for path in made)
