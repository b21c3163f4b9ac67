"""What a publisher does, and what it refuses."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata
from tuf.ngclient import Updater, UpdaterConfig

from homebody import deliver
from homebody.deliver._lock import exclusive
from homebody.deliver.contents import examine
from homebody.deliver.repository import Repository
from homebody.errors import (
    BusyError,
    DeliverError,
    PublishError,
    PublishingKeyError,
    UpdateRefusedError,
    UsageError,
)

from .world import CATALOG, NAME, URL, Forger, Server, World


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_the_layout(world: World) -> None:
    digest = next(iter(world.publish().files)).sha256
    assert names(world.repository) == {
        ".lock",
        "metadata/1.root.json",
        "metadata/1.targets.json",
        "metadata/1.snapshot.json",
        "metadata/timestamp.json",
        f"targets/bundles/{digest}.{NAME}.hb",
        f"web/files/{digest}.hb",
        "web/release.json",
        "web/release.json.sig",
        "web/release.key",
    }


def test_any_tuf_client_can_read_it(world: World, tmp_path: Path) -> None:
    """python-tuf's own client, used as its documentation says, with nothing of ours."""
    (tmp_path / "cache").mkdir()
    updater = Updater(
        str(tmp_path / "cache"),
        f"{URL}/metadata/",
        str(tmp_path),
        f"{URL}/targets/",
        fetcher=Server(world.repository),
        config=UpdaterConfig(),
        bootstrap=world.root,
    )
    updater._trusted_set.reference_time = world.now
    updater.refresh()
    info = updater.get_targetinfo(f"bundles/{NAME}.hb")
    assert info is not None
    path = Path(updater.download_target(info))
    assert path.read_bytes() == world.bundle("1.0.0").read_bytes()


def test_metadata_that_were_written_are_never_written_again(world: World) -> None:
    seen: dict[str, bytes] = {}
    for turn in range(4):
        world.publish(f"1.{turn + 1}.0", rotate=["targets"] if turn % 2 else [])
        for path in world.repository.rglob("*"):
            immutable = "targets/" in str(path) or path.name[0].isdigit()
            if path.is_file() and immutable:
                data = path.read_bytes()
                assert seen.setdefault(str(path), data) == data


def test_keys_are_private_and_outside(world: World) -> None:
    files = list(world.keys.glob("*.pem"))
    assert {file.name for file in files} == {
        f"{role}-1.pem" for role in ("root", "targets", "snapshot", "timestamp", "web")
    }
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.keys.stat().st_mode) == 0o700
    private = [file.read_bytes() for file in files]
    for path in world.repository.rglob("*"):
        if path.is_file():
            assert not any(key in path.read_bytes() for key in private)


@pytest.mark.parametrize("where", [".", "keys", "web/keys", "../repo/keys"])
def test_keys_within_the_repository_are_refused(world: World, where: str) -> None:
    with pytest.raises(PublishingKeyError, match="keep keys elsewhere"):
        deliver.publish(world.repository, keys=[world.repository / where])


def test_keys_behind_a_link_into_the_repository_are_refused(world: World) -> None:
    (world.repository / "hidden").mkdir()
    (world.folder / "link").symlink_to(world.repository / "hidden")
    with pytest.raises(PublishingKeyError, match="keep keys elsewhere"):
        deliver.publish(world.repository, keys=[world.folder / "link"])


def test_keys_that_others_may_read_are_refused(world: World) -> None:
    os.chmod(world.keys / "root-1.pem", 0o644)
    with pytest.raises(PublishingKeyError, match="chmod 600"):
        world.publish()


def test_keys_that_are_missing_are_named(world: World) -> None:
    with pytest.raises(PublishingKeyError, match="timestamp metadata need 1 of 1 keys and 0 are"):
        deliver.publish(world.repository, keys=[world.folder / "none"], clock=lambda: world.now)


def test_online_keys_alone_renew(world: World) -> None:
    """Root and targets keys lie in a drawer; a server with the other three keeps all fresh."""
    drawer = world.folder / "drawer"
    drawer.mkdir()
    for role in ("root", "targets"):
        (world.keys / f"{role}-1.pem").rename(drawer / f"{role}-1.pem")
    for _ in range(9):
        world.after(days=6)
        done = world.publish()
    assert done.notes == ()
    assert world.client().update().changed
    with pytest.raises(PublishingKeyError, match="targets metadata need"):
        world.publish("1.1.0")
    files = [world.bundle("1.1.0")]
    both = [world.keys, drawer]
    deliver.publish(world.repository, files, keys=both, clock=lambda: world.now)
    world.client().update()
    assert world.version() == "1.1.0"


def test_what_expires_soon_and_cannot_be_renewed_is_said(world: World) -> None:
    (world.keys / "root-1.pem").unlink()
    world.after(days=500)
    done = world.publish()
    assert any("root metadata expire on 2028-05-31" in note for note in done.notes)


def test_a_renewal_renews_what_is_in_its_last_third(world: World) -> None:
    world.after(days=5)
    assert world.publish().versions | {"web": 0} == {
        "root": 1,
        "targets": 1,
        "snapshot": 1,
        "timestamp": 2,
        "web": 0,
    }
    world.after(days=16)
    assert world.publish().versions["snapshot"] == 2
    world.after(days=240)
    assert world.publish().versions["targets"] == 2
    world.after(days=240)
    assert world.publish().versions["root"] == 2
    assert world.client().update().changed


def test_expiry_is_chosen_and_remembered(world: World) -> None:
    world.publish(expires={"timestamp": 2})
    timestamp = Metadata.from_file(str(world.repository / "metadata/timestamp.json")).signed
    assert timestamp.expires == world.now + timedelta(days=2)
    assert world.publish().expires["timestamp"] == "2026-06-03T12:00:00Z"


def test_thresholds_hold(world: World) -> None:
    world.publish(thresholds={"targets": (2, 3)})
    (world.keys / "targets-1.pem").unlink()
    world.publish("1.1.0")
    (world.keys / "targets-2.pem").unlink()
    with pytest.raises(PublishingKeyError, match="need 2 of 3 keys and 1 are here"):
        world.publish("1.2.0")
    world.client().update()
    assert world.version() == "1.1.0"


def test_a_threshold_goes_down_again(world: World) -> None:
    world.publish(thresholds={"snapshot": (2, 3)})
    world.publish(thresholds={"snapshot": (1, 1)})
    root = Repository(world.repository).root
    assert root is not None
    assert (root.roles["snapshot"].threshold, len(root.roles["snapshot"].keyids)) == (1, 1)
    assert world.client().update().changed


@pytest.mark.parametrize(
    "options",
    [
        {"rotate": ["mirror"]},
        {"thresholds": {"web": (1, 1)}},
        {"thresholds": {"root": (0, 1)}},
        {"thresholds": {"root": (2, 1)}},
        {"thresholds": {"root": (1, 17)}},
        {"expires": {"snapshots": 3}},
        {"expires": {"root": 0}},
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, object]
) -> None:
    world = World(tmp_path)
    with pytest.raises(UsageError):
        world.publish("1.0.0", **options)
    assert not world.repository.exists()
    assert not world.keys.exists()


def test_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name bundles"):
        World(tmp_path).publish()


# -------------------------------------------------------------------- files


def test_a_bundle_that_does_not_run_as_trained_is_not_published(world: World) -> None:
    bad = world.bundle("1.1.0", stray=1.0)
    before = names(world.repository)
    with pytest.raises(UpdateRefusedError, match="does not run here as it was trained"):
        deliver.publish(world.repository, [bad], keys=[world.keys], clock=lambda: world.now)
    assert names(world.repository) == before


@pytest.mark.parametrize("content", [b"", b"hello", b"PK", b"{}", b"[]"])
def test_what_is_neither_bundle_nor_catalog_is_not_published(world: World, content: bytes) -> None:
    path = world.folder / f"{CATALOG}.json"
    path.write_bytes(content)
    with pytest.raises(DeliverError):
        deliver.publish(world.repository, [path], keys=[world.keys], clock=lambda: world.now)
    assert not (world.repository / "targets/catalogs").exists()


def test_a_catalog_is_for_a_feature_that_is_known(world: World) -> None:
    path = world.catalog().rename(world.folder / "mine.json")
    with pytest.raises(UpdateRefusedError, match="no feature 'mine'"):
        deliver.publish(world.repository, [path], keys=[world.keys], clock=lambda: world.now)
    done = deliver.publish(
        world.repository, [(CATALOG, path)], keys=[world.keys], clock=lambda: world.now
    )
    assert [(file.kind, file.name) for file in done.files if file.new] == [("catalog", CATALOG)]


def test_a_version_is_published_once(world: World) -> None:
    before = world.publish("1.0.0").versions["targets"]
    assert world.publish("1.0.0").versions["targets"] == before, "the same content is no news"
    other = world.bundle("1.0.0", licence="MIT")
    with pytest.raises(PublishError, match="with other content"):
        deliver.publish(world.repository, [other], keys=[world.keys], clock=lambda: world.now)


@pytest.mark.parametrize("version", ["0.9.9", "1.0.0-rc.1"])
def test_versions_do_not_go_back(world: World, version: str) -> None:
    with pytest.raises(PublishError, match="give it a higher version"):
        world.publish(version)


def test_one_name_twice(world: World) -> None:
    with pytest.raises(UsageError, match="publish one of them"):
        world.publish("1.1.0", "1.2.0")


def test_a_file_that_is_missing(world: World) -> None:
    with pytest.raises(DeliverError, match="cannot be read"):
        deliver.publish(world.repository, [world.folder / "no.hb"], keys=[world.keys])


# -------------------------------------------------------------------- the repository's own state


def test_two_publishers_at_once(world: World) -> None:
    with (
        exclusive(world.repository / ".lock", "publisher", PublishError),
        pytest.raises(BusyError, match="another publisher"),
    ):
        world.publish()
    world.publish()


@pytest.mark.parametrize(
    "file", ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
)
@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 99999, b"\xff"])
def test_a_damaged_repository_is_not_published_over(
    world: World, file: str, content: bytes
) -> None:
    (world.repository / "metadata" / file).write_bytes(content)
    with pytest.raises(PublishError, match="restore the repository"):
        world.publish()


@pytest.mark.parametrize(
    "file", ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
)
def test_metadata_that_somebody_else_signed_are_not_published_over(world: World, file: str) -> None:
    other = World(world.folder / "other")
    other.folder.mkdir()
    other.publish("1.0.0")
    forged = (other.repository / "metadata" / file).read_bytes()
    (world.repository / "metadata" / file).write_bytes(forged)
    with pytest.raises(PublishError, match="restore the repository"):
        world.publish()


@pytest.mark.parametrize("file", ["1.root.json", "1.snapshot.json", "1.targets.json"])
def test_metadata_that_are_gone(world: World, file: str) -> None:
    (world.repository / "metadata" / file).unlink()
    with pytest.raises(PublishError, match="restore"):
        world.publish()


def test_a_folder_that_cannot_be_written(world: World) -> None:
    (world.folder / "file").write_text("x")
    with pytest.raises(PublishError, match="cannot be written"):
        deliver.publish(world.folder / "file" / "repo", [world.bundle()], keys=[world.keys])


@pytest.mark.parametrize("content", [b"[]", b'{"timestamp": "soon"}', b'{"moon": 3}'])
def test_a_policy_that_is_none(world: World, content: bytes) -> None:
    (world.keys / "policy.json").write_bytes(content)
    with pytest.raises(PublishError, match="remove it"):
        world.publish()


def test_everything_is_synchronised_before_what_refers_to_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renames in order, each after its file was synchronised: what a power cut must find."""
    files = [world.bundle("1.1.0")]
    events: list[str] = []
    real = os.replace

    def replace(source: object, target: object) -> None:
        events.append(Path(str(target)).name)
        real(source, target)  # type: ignore[arg-type]

    synchronised: list[int] = []
    monkeypatch.setattr("os.replace", replace)
    monkeypatch.setattr("os.fsync", lambda descriptor: synchronised.append(len(events)))
    done = deliver.publish(world.repository, files, keys=[world.keys], clock=lambda: world.now)
    digest = done.files[0].sha256
    assert events == [
        f"{digest}.{NAME}.hb",
        f"{digest}.hb",
        "2.targets.json",
        "2.snapshot.json",
        "timestamp.json",
        "release.key",
        "release.json.sig",
        "release.json",
    ]
    assert set(range(8)) <= set(synchronised), "each file, before its own rename"


def test_a_file_that_changes_while_it_is_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is published is what was examined, not what stood there a moment before."""
    bad = world.bundle("1.1.0", stray=1.0)
    good = world.bundle("1.1.1").read_bytes(), bad.read_bytes()

    def look(path: Path, *arguments: object) -> object:
        if path != bad:
            return examine(path, *arguments)  # type: ignore[arg-type]
        bad.write_bytes(good[0])
        try:
            return examine(path, *arguments)  # type: ignore[arg-type]
        finally:
            bad.write_bytes(good[1])

    monkeypatch.setattr("homebody.deliver.publisher.examine", look)
    before = world.copy("before")
    with pytest.raises(UpdateRefusedError, match="does not run here as it was trained"):
        deliver.publish(world.repository, [bad], keys=[world.keys], clock=lambda: world.now)
    for name in ("metadata/timestamp.json", "web/release.json"):
        assert (world.repository / name).read_bytes() == (before / name).read_bytes()


def test_a_new_root_that_the_old_one_does_not_vouch_for(world: World) -> None:
    other = World(world.folder / "other")
    other.folder.mkdir()
    other.publish("1.0.0")
    other.publish(rotate=["root"])
    forged = (other.repository / "metadata/2.root.json").read_bytes()
    (world.repository / "metadata/2.root.json").write_bytes(forged)
    with pytest.raises(PublishError, match=r"2.root.json is not signed as it must be"):
        world.publish()


def test_metadata_that_were_exchanged_for_others_of_the_same_keys(
    world: World, forger: Forger
) -> None:
    targets = forger.targets
    targets.targets.clear()
    forger.write("1.targets.json", targets, forger.keys.of("targets"))
    with pytest.raises(PublishError, match=r"1.targets.json is not the file that its snapshot"):
        world.publish()
