"""Every attack on delivery that docs/delivery.md lists, by its name.

Each test attacks a device that has version 1.0.0 installed, asserts the refusal by its class, and
then that nothing happened: the device still loads what it had, and once the attack ends it updates.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError, SlowRetrievalError
from tuf.api.metadata import Metadata, MetaFile

from homebody import deliver
from homebody.bundle import generate_key
from homebody.deliver.keys import Keys
from homebody.errors import (
    EndlessDataError,
    ExpiredError,
    FetchError,
    MetadataError,
    MismatchError,
    OlderMetadataError,
    SlowServerError,
    StatusError,
    TrustError,
    UnreachableError,
    UntrustedKeysError,
)

from .refusals import recovers, refused
from .world import CATALOG, NAME, Forger, World, catalog_bytes


@pytest.fixture
def device(world: World) -> World:
    """A device that has 1.0.0; 1.1.0 is published and not fetched yet."""
    world.client().update()
    world.publish("1.1.0")
    return world


# -------------------------------------------------------------------- freeze


def test_freeze_an_old_state_is_replayed_until_it_expires(world: World) -> None:
    world.client().update()
    old = world.copy("frozen")
    world.publish("1.1.0")
    world.server.folder = old
    world.after(days=6)
    assert not world.client().update().changed, "within its days it cannot be told"
    world.after(days=2)
    with refused(world, ExpiredError, "timestamp.json is expired"):
        pass
    world.publish()
    recovers(world)


@pytest.mark.parametrize("role", ["snapshot", "targets", "root"])
def test_freeze_each_role_expires_by_itself(device: World, role: str) -> None:
    days = {"root": 20, "targets": 15, "snapshot": 10, "timestamp": 100}
    only = {r: (d if r == role else 100) for r, d in days.items()}
    device.publish(expires=only, rotate=["targets", "snapshot"])
    device.after(days=30)
    with refused(device, ExpiredError, f"{role}"):
        pass
    device.publish(expires={role: 100})
    recovers(device)


# -------------------------------------------------------------------- rollback


def test_rollback_of_the_whole_repository(world: World) -> None:
    old = world.copy("old")
    world.publish()
    world.client().update()
    world.server.folder = old
    with refused(world, OlderMetadataError, "older than those seen"):
        pass
    recovers(world, "1.0.0")


def test_rollback_of_the_snapshot_with_a_stolen_timestamp_key(device: World) -> None:
    old = Metadata.from_file(str(device.repository / "metadata/1.snapshot.json"))
    device.client().check()  # has seen snapshot 2
    honest = device.copy("honest")
    forger = Forger(device.repository, device.keys)
    timestamp = forger.timestamp
    timestamp.version += 1
    data = (device.repository / "metadata/1.snapshot.json").read_bytes()
    timestamp.snapshot_meta = MetaFile.from_data(old.signed.version, data, ["sha256"])
    forger.write("timestamp.json", timestamp, forger.keys.of("timestamp"))
    with refused(device, OlderMetadataError, "snapshot"):
        pass
    device.server.folder = honest
    device.server.lies.clear()
    device.client().update()
    assert device.version() == "1.1.0"


def test_rollback_of_targets_with_stolen_timestamp_and_snapshot_keys(device: World) -> None:
    device.client().check()  # has seen targets 2
    forger = Forger(device.repository, device.keys)
    snapshot = forger.snapshot
    snapshot.version += 1
    data = (device.repository / "metadata/1.targets.json").read_bytes()
    snapshot.meta["targets.json"] = MetaFile.from_data(1, data, ["sha256"])
    forger.roll(snapshot=snapshot)
    with refused(device, OlderMetadataError, "targets"):
        pass


def test_rollback_of_root_is_not_even_looked_at(device: World) -> None:
    device.publish(rotate=["root"])
    device.client().update()
    first = device.repository / "metadata/1.root.json"
    device.server.lies["2.root.json"] = lambda: iter([first.read_bytes()])
    assert not device.client().update().changed
    (device.home / "metadata/root_history/2.root.json").unlink()
    with pytest.raises(TrustError):
        device.client().update()
    device.server.lies.clear()
    assert not device.client().update().changed


# -------------------------------------------------------------------- mix and match


def test_mix_and_match_old_targets_metadata_with_a_new_snapshot(device: World) -> None:
    old = (device.repository / "metadata/1.targets.json").read_bytes()
    with refused(device, MismatchError):
        device.server.lies["2.targets.json"] = lambda: iter([old])
    recovers(device)


def test_mix_and_match_old_snapshot_with_a_new_timestamp(device: World) -> None:
    old = (device.repository / "metadata/1.snapshot.json").read_bytes()
    with refused(device, MismatchError):
        device.server.lies["2.snapshot.json"] = lambda: iter([old])
    recovers(device)


def test_mix_and_match_an_old_file_under_the_new_name(device: World) -> None:
    old = device.bundle("1.0.0").read_bytes()
    with refused(device, MismatchError):
        device.server.lies[f"{NAME}.hb"] = lambda: iter([old])
    recovers(device)


def test_mix_and_match_a_new_bundle_with_an_old_catalog(device: World) -> None:
    """What one snapshot states comes into use together, or what failed does not come at all."""
    files = [device.bundle("1.2.0"), device.catalog("1.2.0")]
    deliver.publish(device.repository, files, keys=[device.keys], clock=lambda: device.now)
    with refused(device, MismatchError):
        device.server.lies[f"{CATALOG}.json"] = lambda: iter([catalog_bytes("1.0.0")])
    assert device.client().current(CATALOG, "catalog") is None
    recovers(device, "1.2.0")
    path = device.client().current(CATALOG, "catalog")
    assert path is not None
    assert path.read_bytes() == catalog_bytes("1.2.0")


# -------------------------------------------------------------------- wrong keys


def test_wrong_keys_another_publishers_repository(device: World) -> None:
    other = World(device.folder / "other")
    other.folder.mkdir()
    other.publish("9.0.0")
    with refused(device, UntrustedKeysError, "somebody else"):
        # Its root is version 1, as ours is, so its timestamp is the first thing that is wrong.
        device.server.folder = other.repository
    recovers(device)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_wrong_keys_for_one_role(device: World, role: str) -> None:
    honest = device.copy("honest")
    generate_key(device.folder / "stranger-1.pem")
    stranger = Keys([device.folder], device.folder / "elsewhere").of("stranger")
    forger = Forger(device.repository, device.keys)
    targets = forger.targets
    targets.version += 1
    forger.roll(targets, signers={role: stranger})
    with refused(device, UntrustedKeysError):
        pass
    shutil.rmtree(device.repository)
    shutil.copytree(honest, device.repository)
    device.publish(rotate=["timestamp", "snapshot"])  # the keys that signed what was forged
    recovers(device)


def test_wrong_keys_for_a_new_root(device: World) -> None:
    other = World(device.folder / "other")
    other.folder.mkdir()
    other.publish("9.0.0")
    other.publish(rotate=["root"])
    forged = (other.repository / "metadata/2.root.json").read_bytes()
    with refused(device, UntrustedKeysError):
        device.server.lies["2.root.json"] = lambda: iter([forged])
    recovers(device)


@pytest.mark.parametrize("stolen", [1, 2])
def test_wrong_keys_fewer_root_keys_than_the_threshold(tmp_path: Path, stolen: int) -> None:
    world = World(tmp_path)
    world.publish("1.0.0", thresholds={"root": (2, 3)})
    world.client().update()
    thief = tmp_path / "thief"
    thief.mkdir()
    for number in range(1, stolen + 1):
        shutil.copy(world.keys / f"root-{number}.pem", thief)
    generate_key(thief / "timestamp-9.pem")
    keys = Keys([thief], tmp_path / "elsewhere")
    forger = Forger(world.repository, world.keys)
    root = forger.read("1.root.json")
    root.version = 2
    mine = keys.of("timestamp")[0].public_key
    root.revoke_key(root.roles["timestamp"].keyids[0], "timestamp")
    root.add_key(mine, "timestamp")
    forger.write("2.root.json", root, keys.of("root"))
    forger.write("timestamp.json", forger.timestamp, keys.of("timestamp"))
    if stolen < 2:
        with refused(world, UntrustedKeysError):
            pass
    else:  # with the threshold's keys one is the publisher: this is what the threshold is for
        assert not world.client().update().changed


# -------------------------------------------------------------------- compromise and rotation


def test_compromised_keys_end_with_their_rotation(device: World) -> None:
    """A thief has the online keys; after a rotation what they sign is worth nothing."""
    thief = Forger(device.repository, device.keys)
    stolen = {role: thief.keys.of(role) for role in ("snapshot", "timestamp")}
    device.publish(rotate=["snapshot", "timestamp"])
    device.client().update()
    honest = device.copy("honest")
    snapshot = thief.snapshot
    snapshot.version += 1
    thief.roll(snapshot=snapshot, signers=stolen)
    with pytest.raises(UntrustedKeysError):
        device.client().update()
    assert device.version() == "1.1.0"
    device.server.folder = honest
    device.client().update()


def test_fast_forward_a_thief_spends_all_versions_and_rotation_recovers(device: World) -> None:
    thief = Forger(device.repository, device.keys)
    honest = device.copy("honest")
    snapshot = thief.snapshot
    snapshot.version = 2**31
    thief.roll(snapshot=snapshot)
    timestamp = thief.timestamp
    timestamp.version = 2**31
    thief.write("timestamp.json", timestamp, thief.keys.of("timestamp"))
    device.client().check()
    shutil.rmtree(device.repository)
    shutil.copytree(honest, device.repository)
    with refused(device, OlderMetadataError):
        pass
    device.publish(rotate=["snapshot", "timestamp"])
    recovers(device)


def test_a_rotation_of_everything_is_followed_from_the_first_root(device: World) -> None:
    everything = ["root", "targets", "snapshot", "timestamp", "web"]
    for _ in range(4):
        device.publish(rotate=everything)
    device.publish(thresholds={"root": (2, 3), "targets": (2, 2)})
    for file in device.keys.glob("*-1.pem"):
        file.unlink()  # the first keys are gone for good
    device.publish("1.2.0")
    assert device.root == (device.repository / "metadata/1.root.json").read_bytes()
    recovers(device, "1.2.0")


def test_a_device_that_was_off_for_years_catches_up(device: World) -> None:
    for _ in range(6):
        device.after(days=600)  # root expires after 730: every one that is on the way has expired
        device.publish(rotate=["root", "timestamp"])
    device.publish("1.2.0")
    recovers(device, "1.2.0")


def test_a_lost_online_key_is_replaced(device: World) -> None:
    for role in ("timestamp", "snapshot", "targets"):
        (device.keys / f"{role}-1.pem").unlink()
    done = device.publish(rotate=["timestamp", "snapshot", "targets"])
    assert any("are not here" in note for note in done.notes)
    recovers(device)


# -------------------------------------------------------------------- endless, slow, cut off


def endless(counter: list[int]) -> Callable[[], Iterator[bytes]]:
    def lie() -> Iterator[bytes]:
        for number in itertools.count():
            counter.append(number)
            yield b"x" * 4096

    return lie


@pytest.mark.parametrize(
    ("file", "most"),
    [
        ("2.root.json", 512_000),
        ("timestamp.json", 16_384),
        ("2.snapshot.json", 2_000),
        ("2.targets.json", 2_000),
        (f"{NAME}.hb", 40_000),
    ],
)
def test_endless_data_is_cut_off(device: World, file: str, most: int) -> None:
    counter: list[int] = []
    with refused(device, EndlessDataError):
        device.server.lies[file] = endless(counter)
    assert len(counter) <= most // 4096 + 2, "no more than the file may have was taken"
    recovers(device)


@pytest.mark.parametrize("file", ["timestamp.json", "2.targets.json", f"{NAME}.hb"])
def test_slow_retrieval(device: World, file: str) -> None:
    def lie() -> Iterator[bytes]:
        yield b"{"
        raise SlowRetrievalError("too slow")

    with refused(device, SlowServerError):
        device.server.lies[file] = lie
    recovers(device)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("timestamp.json", "metadata/timestamp.json"),
        ("2.snapshot.json", "metadata/2.snapshot.json"),
        ("2.targets.json", "metadata/2.targets.json"),
    ],
)
def test_truncated_metadata(device: World, file: str, path: str, share: float) -> None:
    whole = (device.repository / path).read_bytes()
    with refused(device, TrustError):
        device.server.lies[file] = lambda: iter([whole[: int(len(whole) * share)]])
    recovers(device)


@pytest.mark.parametrize("change", ["cut", "longer", "flipped", "empty"])
def test_wrong_length_or_content_of_a_file(device: World, change: str) -> None:
    whole = device.bundle("1.1.0").read_bytes()
    lie = {
        "cut": whole[:-1],
        "longer": whole + b"x",
        "flipped": whole[:99] + bytes([whole[99] ^ 1]) + whole[100:],
        "empty": b"",
    }[change]
    with refused(device, EndlessDataError if change == "longer" else MismatchError):
        device.server.lies[f"{NAME}.hb"] = lambda: iter([lie])
    left = [path.suffix for path in (device.home / "files").iterdir()]
    assert left == [".hb"], "what was installed, and no draft beside it"
    recovers(device)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 410, 418, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("file", ["timestamp.json", "2.snapshot.json", f"{NAME}.hb"])
def test_a_server_in_trouble(device: World, status: int, file: str) -> None:
    def lie() -> Iterator[bytes]:
        raise DownloadHTTPError(f"{file} is answered with status {status}", status)

    with refused(device, StatusError, str(status)):
        device.server.lies[file] = lie
    recovers(device)


def test_a_server_in_trouble_about_the_next_root(device: World) -> None:
    def lie() -> Iterator[bytes]:
        raise DownloadHTTPError("2.root.json is answered with status 500", 500)

    with refused(device, StatusError, "500"):
        device.server.lies["2.root.json"] = lie
    recovers(device)


def test_a_server_that_is_gone(device: World) -> None:
    def lie() -> Iterator[bytes]:
        raise OSError("no route to host")

    with refused(device, UnreachableError, "no route"):
        device.server.lies[""] = lie
    recovers(device)


# -------------------------------------------------------------------- clocks


def test_a_clock_far_ahead_says_that_it_may_be_the_clock(device: World) -> None:
    device.after(days=5000)
    with refused(device, ExpiredError, "or this clock is wrong"):
        pass
    device.after(days=-5000)
    recovers(device)


def test_a_clock_that_was_never_set_does_not_stop_updates(world: World) -> None:
    real, world.now = world.now, world.now - timedelta(days=20_000)
    world.client().update()
    assert world.version() == "1.0.0"
    world.now = real


def test_a_clock_that_is_set_back_does_not_make_old_metadata_good(world: World) -> None:
    world.client().update()
    frozen = world.copy("frozen")
    world.after(days=8)
    world.publish("1.1.0")
    world.client().check()  # a good look on day 8; and then the clock's battery dies
    world.after(days=-3000)
    (world.home / "metadata/timestamp.json").unlink()  # even if what protects is lost
    world.server.folder = frozen
    with refused(world, ExpiredError):
        pass
    world.server.folder = world.repository
    outcome = world.client().update()
    assert any("before the last look" in note for note in outcome.notes)
    assert world.version() == "1.1.0"


# -------------------------------------------------------------------- metadata that are none


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"<html>captive portal, please log in</html>",
        b"{}",
        b"[" * 6000,
        b'{"signed": {"_type": "timestamp"}, "signatures": []}',
        b'{"signed": {"_type": "root"}, "signatures": []}',
        b"\xff\xfe",
        b'{"signatures": [], "signed": {"_type":"timestamp","version":1e999}}',
        b"null",
        b"1" * 5000,
    ],
)
@pytest.mark.parametrize("file", ["2.root.json", "timestamp.json"])
def test_junk_where_metadata_should_be(device: World, file: str, junk: bytes) -> None:
    with refused(device, MetadataError):
        device.server.lies[file] = lambda: iter([junk])
    recovers(device)


def test_fetch_and_trust_errors_are_told_apart() -> None:
    assert not issubclass(FetchError, TrustError)
    assert not issubclass(TrustError, FetchError)
