from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest

from homebody.errors import ServeError
from homebody.server.repository import Repository
from homebody.server.site import FOREVER_S

HASH = "ab" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "metadata/timestamp.json",
        "metadata/1.root.json",
        "metadata/12.snapshot.json",
        f"targets/bundles/{HASH}.for-this-photo.hb",
        f"web/files/{HASH}.hb",
        "web/release.json",
        "web/release.json.sig",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_what_is_published_is_served(root):
    files = Repository(root).files
    assert {url: file.max_age_s for url, file in files.items()} == {
        "/repo/metadata/timestamp.json": 60,
        "/repo/metadata/1.root.json": FOREVER_S,
        "/repo/metadata/12.snapshot.json": FOREVER_S,
        f"/repo/targets/bundles/{HASH}.for-this-photo.hb": FOREVER_S,
        f"/repo/web/files/{HASH}.hb": FOREVER_S,
        "/repo/web/release.json": 60,
        "/repo/web/release.json.sig": 60,
    }
    assert files["/repo/web/release.json"].read() == b"web/release.json"


def test_nothing_else_is(root, tmp_path_factory):
    before = set(Repository(root).files)
    outside = tmp_path_factory.mktemp("outside") / "secret.json"
    outside.write_text("secret")
    for name in (
        ".lock",
        "keys/root.json",
        "root.key",
        "web/release.key",
        "web/key.pem",
        "metadata/.draft.json",
        "web/.git/config.json",
        "web/notes.txt",
        "index.html",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    (root / "web" / "link.json").symlink_to(outside)
    (root / "targets" / "folder").symlink_to(outside.parent)
    os.mkfifo(root / "web" / "pipe.json")
    assert set(Repository(root).files) == before


def test_changes_are_followed_and_the_rest_is_kept(root):
    repository = Repository(root)
    before = repository.files
    assert repository.refresh() is False
    draft = root / "web" / ".draft"
    draft.write_text("web/release.jsoN")  # as long as before
    os.replace(draft, root / "web" / "release.json")
    (root / "metadata" / "1.root.json").unlink()
    assert repository.refresh() is True
    after = repository.files
    assert after["/repo/web/release.json"].read() == b"web/release.jsoN"
    assert "/repo/metadata/1.root.json" not in after
    same = f"/repo/web/files/{HASH}.hb"
    assert after[same] is before[same]


def test_what_was_read_is_served_on_while_the_folder_is_away(root):
    repository = Repository(root)
    before = set(repository.files)
    aside = root.with_name("aside")
    root.rename(aside)
    with pytest.raises(ServeError, match="not there"):
        repository.refresh()
    assert set(repository.files) == before
    aside.rename(root)
    assert repository.refresh() is False


def test_following_reports_each_change(root):
    repository = Repository(root)
    changed, stop = threading.Event(), threading.Event()
    thread = repository.follow(changed.set, stop, every_s=0.01)
    (root / "web" / "more.json").write_text("{}")
    assert changed.wait(10)
    assert "/repo/web/more.json" in repository.files
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), Path.touch])
def test_what_is_no_repository_is_one_line(tmp_path, make):
    make(tmp_path / "none")
    with pytest.raises(ServeError, match="not a published repository") as caught:
        Repository(tmp_path / "none")
    assert "homebody publish" in str(caught.value)


def test_the_browsers_key(root):
    repository = Repository(root)
    assert repository.release_key() is None
    key = base64.b64encode(bytes(32)).decode()
    (root / "web" / "release.key").write_text(key + "\n")
    assert repository.release_key() == key
    for wrong in ("", "short", base64.b64encode(bytes(31)).decode(), "\xff" * 44):
        (root / "web" / "release.key").write_text(wrong)
        with pytest.raises(ServeError, match="public key"):
            repository.release_key()
