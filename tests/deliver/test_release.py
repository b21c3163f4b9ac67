"""The browser's signed release: the same file as an independent writer makes it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from homebody import deliver
from homebody.deliver.release import Release, read_release, release_json, verified, write_release
from homebody.errors import PublishError

from .releases import KEY, public_key, signature, signed_release
from .world import CATALOG, NAME, World


def raw(key: str) -> bytes:
    return base64.b64decode(key)


def test_what_publish_writes_is_what_the_independent_writer_writes(world: World) -> None:
    bundle, catalog = world.bundle("1.0.0"), world.catalog()
    deliver.publish(world.repository, [catalog], keys=[world.keys], clock=lambda: world.now)
    ours = (world.repository / "web/release.json").read_bytes()
    signed_release(
        world.folder / "theirs",
        bundles={NAME: bundle},
        catalogs={CATALOG: catalog},
        version=2,
        expires="2026-06-08T12:00:00Z",
    )
    theirs = (world.folder / "theirs/web/release.json").read_bytes()
    assert ours == theirs
    for file in json.loads(ours)["bundles"].values():
        one, other = ((world.folder / name / file["path"]) for name in ("repo", "theirs"))
        assert one.read_bytes() == other.read_bytes()


def test_the_signature_is_by_the_key_that_browsers_pin(world: World) -> None:
    done = world.publish()
    web = world.repository / "web"
    data, lines = (web / "release.json").read_bytes(), (web / "release.json.sig").read_bytes()
    assert verified(data, lines, raw(done.web_key))
    assert not verified(data + b" ", lines, raw(done.web_key))
    assert not verified(data, lines, raw(public_key()))
    assert (web / "release.key").read_text().strip() == done.web_key
    assert all(len(line) == 88 for line in lines.split())


def test_versions_only_rise(world: World) -> None:
    found = []
    for _ in range(3):
        world.publish()
        release = read_release(world.repository / "web")
        assert release is not None
        found.append(release.version)
    assert found == [2, 3, 4]


@pytest.mark.parametrize("behind", ["release.json", "release.json.sig"])
def test_a_cache_that_is_one_publication_behind_in_either_file(world: World, behind: str) -> None:
    """The old release always fits the new signatures; the reverse must wait for its cache."""
    done = world.publish()
    old = (world.repository / "web" / behind).read_bytes()
    world.publish("1.1.0")
    (world.repository / "web" / behind).write_bytes(old)
    web = world.repository / "web"
    data, lines = (web / "release.json").read_bytes(), (web / "release.json.sig").read_bytes()
    assert verified(data, lines, raw(done.web_key)) == (behind == "release.json")


def test_a_rotated_key_signs_beside_the_old_one_while_that_is_kept(world: World) -> None:
    old = world.publish().web_key
    new = world.publish(rotate=["web"]).web_key
    assert new != old
    web = world.repository / "web"

    def both() -> list[bool]:
        data, lines = (web / "release.json").read_bytes(), (web / "release.json.sig").read_bytes()
        return [verified(data, lines, raw(key)) for key in (old, new)]

    assert both() == [True, True]
    world.publish()
    assert both() == [True, True]
    (world.keys / "web-1.pem").unlink()
    world.publish()
    assert both() == [False, True]


def test_without_the_web_key_everything_else_is_published(world: World) -> None:
    (world.keys / "web-1.pem").unlink()
    before = (world.repository / "web/release.json").read_bytes()
    done = world.publish("1.1.0")
    assert any("no web key is here" in note for note in done.notes)
    assert (world.repository / "web/release.json").read_bytes() == before
    world.client().update()
    assert world.version() == "1.1.0"


def test_lines_do_not_pile_up(tmp_path: Path) -> None:
    for version in range(1, 30):
        release = Release(version=version, expires="2026-06-08T12:00:00Z", bundles={}, catalogs={})
        write_release(tmp_path, release, [KEY])
        lines = (tmp_path / "release.json.sig").read_text().split()
        assert lines[0] == signature(release_json(release))
        assert len(lines) == min(version, 2)


def test_more_files_than_browsers_read_are_refused(tmp_path: Path) -> None:
    file = deliver.release.ReleasedFile("web/files/x.hb", "0" * 64, 1, "1.0.0")
    many = {f"feature-{number}": file for number in range(1000)}
    release = Release(version=1, expires="2026-06-08T12:00:00Z", bundles=many, catalogs={})
    with pytest.raises(PublishError, match="publish fewer"):
        write_release(tmp_path, release, [KEY])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 9999, b"\xff", b'{"version": 0}'])
def test_a_release_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "release.json").write_bytes(content)
    with pytest.raises(PublishError, match="is not a release"):
        read_release(tmp_path)


@pytest.mark.parametrize("lines", [b"", b"\n", b"not base64!", b"AAAA", b"\xff\xfe", b"=" * 88])
def test_signatures_that_are_none(lines: bytes) -> None:
    assert not verified(b"data", lines, raw(public_key()))
    good = lines + b"\n" + signature(b"data").encode()
    assert verified(b"data", good, raw(public_key()))
