"""What a device does when nobody attacks it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import homebody
from homebody import deliver
from homebody.errors import BusyError, HomeError, NoPreviousError, NoRootError, UsageError
from homebody.features.photo import default_bundle
from homebody.installed import installed

from .world import CATALOG, NAME, World


def states(outcome: deliver.Outcome) -> dict[str, str]:
    return {item.name: item.state for item in outcome.items if item.state != "absent"}


def test_an_update_installs_what_is_published_and_it_runs(world: World) -> None:
    outcome = world.client().update()
    assert outcome.changed
    assert states(outcome) == {NAME: "installed"}
    assert world.version() == "1.0.0"
    path = world.client().current(NAME)
    assert path is not None
    with homebody.load(path) as feature:
        assert feature.check().passed


def test_check_downloads_metadata_alone_and_changes_nothing(world: World) -> None:
    outcome = world.client().check()
    assert states(outcome) == {NAME: "new"}
    assert not outcome.changed
    assert all(path.startswith("metadata/") for path in world.server.asked)
    assert world.version() is None


def test_only_what_changed_is_downloaded(world: World) -> None:
    world.publish()  # a renewal: everything else stays
    world.client().update()
    world.server.asked.clear()
    assert not world.client().update().changed
    assert world.server.asked == ["metadata/2.root.json", "metadata/timestamp.json"]
    deliver.publish(world.repository, [world.catalog()], keys=[world.keys], clock=lambda: world.now)
    world.server.asked.clear()
    assert states(world.client().update()) == {NAME: "current", CATALOG: "installed"}
    assert [path for path in world.server.asked if path.startswith("targets/bundles")] == []
    assert len([path for path in world.server.asked if path.startswith("targets/")]) == 1


def test_a_second_update_keeps_the_one_before_and_rollback_returns_to_it(world: World) -> None:
    client = world.client()
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        world.publish(version)
        client.update()
    files = list((world.home / "files").iterdir())
    assert len(files) == 2, "the current one and the one before"
    outcome = client.rollback()
    assert world.version() == "1.1.0"
    assert states(outcome) == {NAME: "installed"}
    with pytest.raises(NoPreviousError):
        client.rollback()
    assert world.version() == "1.1.0"


def test_a_rollback_needs_no_network_and_lasts_until_something_newer(world: World) -> None:
    client = world.client()
    client.update()
    world.publish("1.1.0")
    client.update()
    world.server.asked.clear()
    client.rollback()
    assert world.server.asked == []
    outcome = client.update()
    assert states(outcome) == {NAME: "set-aside"}
    assert world.version() == "1.0.0"
    world.publish("1.2.0")
    client.update()
    assert world.version() == "1.2.0"


def test_what_was_rolled_back_can_be_asked_for_again(world: World) -> None:
    client = world.client()
    client.update()
    client.rollback()
    assert world.version() is None
    assert not client.update().changed
    assert client.update(again=True).changed
    assert world.version() == "1.0.0"


def test_rolling_back_the_first_update_returns_to_the_apps_own(world: World) -> None:
    client = world.client()
    client.update()
    outcome = client.rollback()
    assert outcome.notes == (f"bundle {NAME} is as it came with the app",)
    assert client.current(NAME) is None
    assert client.current(CATALOG) == default_bundle()


def test_before_the_first_connection_the_apps_own_is_used(tmp_path: Path) -> None:
    client = deliver.Client(tmp_path / "none")
    assert client.current("for-this-photo") == default_bundle()
    assert client.current("for-this-photo", "catalog") is None
    assert client.current("unheard-of") is None
    assert not (tmp_path / "none").exists(), "looking makes nothing"


def test_catalogs_are_delivered_like_bundles(world: World) -> None:
    deliver.publish(world.repository, [world.catalog()], keys=[world.keys], clock=lambda: world.now)
    client = world.client()
    client.update()
    path = client.current(CATALOG, "catalog")
    assert path is not None
    assert path.read_bytes() == world.catalog().read_bytes()
    assert installed(CATALOG, "catalog", folder=world.home) == path


def test_the_root_and_the_repository_are_remembered(world: World) -> None:
    first = world.client(source=world.repository, url=None)
    first.update()
    world.publish("1.1.0")
    later = deliver.Client(world.home, names=[NAME], clock=lambda: world.now)
    assert later.update().changed
    assert world.version() == "1.1.0"


def test_without_a_root_nothing_is_trusted(world: World) -> None:
    with pytest.raises(NoRootError, match="by a way that you trust"):
        world.client(root=None).update()
    assert world.server.asked == []
    assert world.version() is None


def test_a_wrong_root_is_not_remembered(world: World) -> None:
    other = World(world.folder / "other")
    other.folder.mkdir()
    other.publish("1.0.0")
    with pytest.raises(deliver.client.DeliverError):
        world.client(root=other.root).update()
    assert not (world.home / "root.json").exists()
    assert world.client().update().changed


def test_without_a_repository_the_user_is_asked_for_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--repo"):
        deliver.Client(tmp_path / "home").update()
    with pytest.raises(UsageError, match="neither"):
        deliver.Client(tmp_path / "home", "no/such/folder")


def test_what_came_with_the_app_is_not_downloaded(world: World) -> None:
    deliver.publish(
        world.repository, [default_bundle()], keys=[world.keys], clock=lambda: world.now
    )
    outcome = world.client(names=[CATALOG]).update()
    assert states(outcome) == {CATALOG: "shipped"}
    assert not outcome.changed


def test_an_app_that_ships_a_newer_bundle_is_not_set_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = world.bundle("2.0.0")
    monkeypatch.setattr("homebody.deliver.client.shipped_bundle", lambda name: newer)
    assert states(world.client().update()) == {NAME: "older-than-shipped"}
    assert world.version() is None


@pytest.mark.parametrize(
    ("shipped", "state"), [("1.1.0", "shipped"), ("2.0.0", "older-than-shipped")]
)
def test_an_app_that_comes_to_ship_what_is_offered_or_newer_uses_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, shipped: str, state: str
) -> None:
    world.client().update()
    own = world.bundle(shipped)
    monkeypatch.setattr("homebody.deliver.client.shipped_bundle", lambda name: own)
    world.publish("1.1.0")
    outcome = world.client().update()
    assert states(outcome) == {NAME: state}
    assert outcome.changed
    assert world.client().current(NAME) == own
    assert not world.client().update().changed
    world.client().rollback()
    assert world.version() == "1.0.0", "even from there the way back is open"


def test_after_an_upgrade_of_homebody_nothing_unchecked_is_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.client().update()
    for module in ("homebody.installed", "homebody.deliver.client"):
        monkeypatch.setattr(f"{module}.__version__", "0.2.0")
    assert installed(NAME, folder=world.home) is None
    world.server.asked.clear()
    outcome = world.client().update()
    assert states(outcome) == {NAME: "installed"}
    assert [p for p in world.server.asked if p.startswith("targets")] == [], "it is here already"
    assert installed(NAME, folder=world.home) is not None
    assert world.client().rollback().items == (), "checking again is no update to go back from"


def test_a_file_that_rotted_on_the_disk_is_fetched_again(world: World) -> None:
    client = world.client()
    client.update()
    path = client.current(NAME)
    assert path is not None
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    assert states(client.update()) == {NAME: "installed"}
    with homebody.load(path) as feature:
        assert feature.check().passed


def test_a_file_that_vanished_falls_back_to_the_apps_own(world: World) -> None:
    world.client().update()
    path = installed(NAME, folder=world.home)
    assert path is not None
    path.unlink()
    assert installed(NAME, folder=world.home) is None
    assert states(world.client().update()) == {NAME: "installed"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"format":"homebody-active/2"}', b"\xff" * 9, b"[" * 9999]
)
def test_a_damaged_pointer_is_as_if_nothing_was_delivered(world: World, content: bytes) -> None:
    client = world.client()
    client.update()
    (world.home / "active.json").write_bytes(content)
    assert installed(NAME, folder=world.home) is None
    assert client.update().changed
    assert world.version() == "1.0.0"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"failures": "many"}', b"\xff"])
def test_a_damaged_record_costs_the_schedule_alone(world: World, content: bytes) -> None:
    client = world.client()
    client.update()
    (world.home / "updates.json").write_bytes(content)
    assert not client.update().changed
    assert world.version() == "1.0.0"


def test_two_updates_at_once(world: World) -> None:
    client = world.client()
    with client.home.open(), pytest.raises(BusyError, match="another update"):
        client.update()
    assert client.update().changed


def test_a_home_that_cannot_be_made(world: World) -> None:
    world.home.write_text("a file where the folder should be")
    with pytest.raises(HomeError, match="what is installed stays"):
        world.client().update()


def test_a_full_disk_is_one_sentence_and_remembered_as_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.client().update()
    world.publish("1.1.0")

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("tuf.ngclient.updater.Updater._persist_file", full)
        with pytest.raises(HomeError, match="No space left on device") as failed:
            world.client().update()
    assert world.client().status().problem == str(failed.value)
    assert world.version() == "1.0.0"
    world.client().update()
    assert world.version() == "1.1.0"


def test_status_says_how_a_device_stands(world: World) -> None:
    client = world.client()
    before = client.status()
    assert before.looked is None
    assert not before.can_roll_back
    client.update()
    after = client.status()
    assert after.can_roll_back
    assert after.looked == after.succeeded == world.now
    assert {item.version for item in after.in_use if item.kind == "bundle"} == {"1.0.0", None}
    world.server.folder = world.folder / "nowhere"
    with pytest.raises(deliver.client.DeliverError) as failed:
        client.update()
    assert client.status().problem == str(failed.value)
    assert client.status().failures == 1
    world.server.folder = world.repository
    client.check()
    assert (client.status().failures, client.status().problem) == (0, None)


def test_progress_is_not_needed_but_told(world: World) -> None:
    seen: list[tuple[str, int, int]] = []
    world.client().update(progress=lambda *step: seen.append(step))
    assert seen == [], "a fetcher of one's own reports nothing"


def test_a_pinned_bundle_key_is_honoured_beside_the_metadata(world: World) -> None:
    outcome = world.client(public_key=bytes(32)).update()
    assert states(outcome) == {NAME: "refused"}
    assert "not signed" in outcome.items[0].why
