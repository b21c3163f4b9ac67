"""Files that the publisher's own keys vouch for and that still must not come into use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from homebody import deliver
from homebody.errors import DeliverError, HomebodyError, MetadataError

from .refusals import recovers
from .world import CATALOG, NAME, Forger, World


def hostile(world: World, forger: Forger, data: bytes, version: str = "2.0.0") -> deliver.Item:
    """Publish a file past our own publisher's checks, update, and give what became of it."""
    world.client().update()
    forger.offer(f"bundles/{NAME}.hb", data, {"version": version})
    outcome = world.client().update()
    assert world.version() == "1.0.0"
    assert not outcome.changed
    item = next(item for item in outcome.items if item.kind == "bundle" and item.name == NAME)
    with pytest.raises(DeliverError, match="what was installed stays"):
        outcome.require()
    return item


@pytest.mark.parametrize("data", [b"", b"PK", b"not a bundle", b"\0" * 3000])
def test_hostile_bundle_that_is_none(world: World, forger: Forger, data: bytes) -> None:
    assert hostile(world, forger, data).state == "refused"


def test_hostile_bundle_with_a_damaged_entry(world: World, forger: Forger) -> None:
    data = bytearray(world.bundle("2.0.0").read_bytes())
    data[len(data) // 2] ^= 0xFF
    assert "refused" in hostile(world, forger, bytes(data)).why


def test_hostile_bundle_that_does_not_run_as_trained(world: World, forger: Forger) -> None:
    item = hostile(world, forger, world.bundle("2.0.0", stray=1.0).read_bytes())
    assert "does not run here as it was trained" in item.why


def test_hostile_bundle_without_samples(world: World, forger: Forger) -> None:
    data = world.bundle("2.0.0", samples=None).read_bytes()
    assert "samples" in hostile(world, forger, data).why


def test_hostile_bundle_of_an_unknown_task(world: World, forger: Forger) -> None:
    data = world.bundle("2.0.0", task="mine-coins").read_bytes()
    assert "mine-coins" in hostile(world, forger, data).why


def test_hostile_bundle_for_another_feature(world: World, forger: Forger) -> None:
    data = world.bundle("2.0.0", name="other").read_bytes()
    assert "calls itself 'other'" in hostile(world, forger, data).why


def test_hostile_bundle_of_another_version_than_announced(world: World, forger: Forger) -> None:
    data = world.bundle("0.9.0").read_bytes()
    assert "it is version 0.9.0 and 2.0.0 was announced" in hostile(world, forger, data).why


def from_the_future(world: World, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A bundle that needs a newer Homebody, which today's does not even write."""
    with monkeypatch.context() as patched:
        patched.setattr("homebody.__version__", "99.0.0")
        return world.bundle("2.0.0", minimum_runtime="99.0.0").read_bytes()


def test_hostile_bundle_that_lies_about_its_minimum_runtime(
    world: World, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = from_the_future(world, monkeypatch)
    assert "needs homebody 99.0.0" in hostile(world, forger, data).why


def test_hostile_bundle_is_downloaded_once_and_not_at_every_look(
    world: World, forger: Forger
) -> None:
    hostile(world, forger, b"not a bundle")
    world.server.asked.clear()
    outcome = world.client().update()
    assert next(item.state for item in outcome.items if item.name == NAME) == "refused"
    assert not [path for path in world.server.asked if path.startswith("targets/")]
    world.publish("2.0.1")
    recovers(world, "2.0.1")


def test_a_newer_homebody_tries_for_itself_what_an_older_one_refused(
    world: World, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile(world, forger, world.bundle("2.0.0", stray=1.0).read_bytes())
    for module in ("installed", "deliver.client", "deliver.home"):
        monkeypatch.setattr(f"homebody.{module}.__version__", "0.2.0")
    world.server.asked.clear()
    assert world.client().update().items[0].state == "refused"
    assert [path for path in world.server.asked if path.startswith("targets/")]


def test_hostile_bundle_that_takes_the_process_down_is_tried_three_times(
    world: World, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.client().update()
    world.publish("1.1.0")

    monkeypatch.setattr("homebody.deliver.client.examine", lambda *arguments: os._exit(11))
    for _ in range(3):
        child = os.fork()
        if child == 0:
            world.client().update()
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 11
        assert world.version() == "1.0.0"
    monkeypatch.undo()
    outcome = world.client().update()
    assert outcome.items[0].state == "refused"
    assert "took the process down" in outcome.items[0].why
    assert world.version() == "1.0.0"


def test_a_bundle_that_needs_a_newer_runtime_waits_undownloaded(
    world: World, forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.client().update()
    data = from_the_future(world, monkeypatch)
    forger.offer(f"bundles/{NAME}.hb", data, {"version": "2.0.0", "minimum_runtime": "99.0.0"})
    world.server.asked.clear()
    outcome = world.client().update()
    outcome.require()
    assert next(item.state for item in outcome.items if item.name == NAME) == "needs-newer-runtime"
    assert not [path for path in world.server.asked if path.startswith("targets/")]
    assert world.version() == "1.0.0"


def test_a_file_larger_than_any_may_be_is_not_downloaded(world: World, forger: Forger) -> None:
    world.client().update()
    forger.offer(f"bundles/{NAME}.hb", b"PK", {"version": "2.0.0"}, length=1 << 40)
    world.server.asked.clear()
    assert world.client().update().items[0].state == "refused"
    assert not [path for path in world.server.asked if path.startswith("targets/")]


@pytest.mark.parametrize(
    "custom", [None, {}, [], {"version": 1}, {"version": "one"}, {"version": "1.0.0\n"}]
)
def test_a_file_about_which_too_little_is_said(
    world: World, forger: Forger, custom: object
) -> None:
    world.client().update()
    forger.offer(f"bundles/{NAME}.hb", world.bundle("2.0.0").read_bytes(), custom)
    with refused_plainly(world, MetadataError):
        pass


@contextmanager
def refused_plainly(world: World, error: type[HomebodyError]) -> Iterator[None]:
    yield
    with pytest.raises(error):
        world.client().update()
    assert world.version() == "1.0.0"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[" * 10_000, b'{"format": "homebody.catalog/9"}', b"\xff"]
)
def test_hostile_catalog(world: World, forger: Forger, data: bytes) -> None:
    world.client().update()
    forger.offer(f"catalogs/{CATALOG}.json", data, {"version": "1.0.0"})
    outcome = world.client().update()
    assert {i.state for i in outcome.items if i.kind == "catalog"} == {"absent", "refused"}
    assert world.client().current(CATALOG, "catalog") is None
    assert world.version() == "1.0.0"


def test_a_refused_file_does_not_hold_up_the_others(world: World, forger: Forger) -> None:
    world.client().update()
    world.publish("1.1.0")
    forger.offer(f"catalogs/{CATALOG}.json", b"{}", {"version": "1.0.0"})
    outcome = world.client().update()
    assert outcome.changed
    assert world.version() == "1.1.0"
    with pytest.raises(DeliverError):
        outcome.require()
