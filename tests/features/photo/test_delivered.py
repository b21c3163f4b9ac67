"""What `homebody update` installed answers by the feature's name, and only by its name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

import homebody
from homebody import __version__
from homebody.features.photo.catalog import catalog_in_use, catalog_json, default_catalog
from homebody.features.photo.feature import default_bundle
from homebody.installed import Active, Installed, file_of, target_of

SHIPPED = default_catalog().version
NEWER = msgspec.structs.replace(default_catalog(), version="9.9.9")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOMEBODY_HOME", str(tmp_path))
    (tmp_path / "files").mkdir()
    return tmp_path


def _deliver(home: Path, kind: str, data: bytes, runtime: str = __version__) -> Path:
    target = target_of("for-this-photo", kind)
    found = Installed("9.9.9", hashlib.sha256(data).hexdigest(), len(data), runtime)
    (home / "active.json").write_bytes(msgspec.json.encode(Active(current={target: found})))
    path = file_of(home, target, found.sha256)
    path.write_bytes(data)
    return path


def test_a_delivered_catalog_answers_by_name_alone(home: Path) -> None:
    _deliver(home, "catalog", catalog_json(NEWER))
    with homebody.load("for-this-photo") as named, homebody.load(default_bundle()) as given:
        assert (named.catalog.version, given.catalog.version) == ("9.9.9", SHIPPED)
    assert catalog_in_use().version == "9.9.9"


def test_a_delivered_bundle_answers_by_name(home: Path) -> None:
    path = _deliver(home, "bundle", default_bundle().read_bytes())
    with homebody.load("for-this-photo") as feature:
        assert Path(feature.bundle.path) == path
    assert catalog_in_use() == default_catalog()


def test_what_another_version_checked_does_not_answer(home: Path) -> None:
    _deliver(home, "catalog", catalog_json(NEWER), runtime="0.0.1")
    with homebody.load("for-this-photo") as feature:
        assert feature.catalog.version == SHIPPED


def test_a_vanished_file_leaves_what_came_with_the_app(home: Path) -> None:
    _deliver(home, "catalog", catalog_json(NEWER)).unlink()
    assert catalog_in_use().version == SHIPPED
