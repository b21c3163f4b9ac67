from __future__ import annotations

import base64
import json
import threading
from pathlib import Path

import pytest

from homebody.errors import ServeError
from homebody.server import serving
from homebody.server.repository import Repository
from homebody.server.serving import Serving
from homebody.server.site import file_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo" / "web").mkdir(parents=True)
    (tmp_path / "repo" / "web" / "release.json").write_text("{} " * 999)
    return tmp_path / "repo"


@pytest.fixture
def studio(monkeypatch):
    """A studio of one page, which remembers what it was told of updates."""

    def files(*, updates=None):
        return {"/": file_of(json.dumps(updates).encode(), "text/html")}

    monkeypatch.setattr(serving, "studio_files", files)


def test_the_studio_learns_the_key_that_the_publisher_left(root, studio):
    repository = Repository(root)
    assert json.loads(Serving(repository).site().files["/"].read()) is None
    key = base64.b64encode(bytes(32)).decode()
    (root / "web" / "release.key").write_text(key)
    site = Serving(repository).site()
    told = json.loads(site.files["/"].read())
    assert told == {"url": "/repo/web/release.json", "key": key}
    assert told["url"] in site.files


def test_a_studio_that_lacks_something_leaves_the_repository_served(root, monkeypatch):
    def refuse(**_):
        raise ServeError("the studio lacks vendored files")

    monkeypatch.setattr(serving, "studio_files", refuse)
    made = Serving(Repository(root))
    assert made.studio is False
    assert "lacks vendored" in str(made.lacks)
    assert set(made.site().files) == {"/repo/web/release.json"}


def test_compressed_bodies_and_changes_come_in_while_it_runs(root, studio, tmp_path):
    made = Serving(Repository(root), cache=tmp_path / "cache")
    sites, news = [], threading.Semaphore(0)

    def changed(site):
        sites.append(site)
        news.release()

    with made.following(changed):
        for _ in range(2):
            assert news.acquire(timeout=30)
        assert "gzip" in sites[-1].files["/repo/web/release.json"].encodings
        (root / "web" / "more.json").write_text("[] " * 999)
        for _ in range(2):
            assert news.acquire(timeout=30)
    assert "gzip" in sites[-1].files["/repo/web/more.json"].encodings


def test_what_is_gone_is_forgotten(root, studio, tmp_path):
    made = Serving(Repository(root), cache=tmp_path / "cache")
    made.compress()
    for number in range(5):
        (root / "web" / "release.json").write_text(f"{number} " * 999)
        made.repository.refresh()
        made.compress()
    assert set(made._ready) == set(made.site().files)
    assert made.site().files["/repo/web/release.json"].read() == b"4 " * 999
