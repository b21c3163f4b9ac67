"""Whatever is interrupted, wherever: the old or the new, whole, and the next run succeeds."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import homebody
from homebody import deliver
from homebody.deliver.release import read_release, verified
from homebody.installed import installed

from .crashes import attempt, steps
from .world import CATALOG, NAME, URL, Server, World

KINDS = ("kill", "ENOSPC", "ENOSPC+")


def at_every_step(
    run: Callable[[], Any], how: str, reset: Callable[[], None]
) -> Iterator[tuple[int, bool]]:
    """Interrupt a run before its first step, its second, and so on; then let it get to its end."""
    reset()
    count = steps(run)
    for step in range(count + 1):
        reset()
        finished = attempt(run, step, how)
        if how == "kill":
            assert finished == (step == count)
        yield step, finished


def drafts(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if ".part" in p.name or p.name.startswith("tmp")]


# -------------------------------------------------------------------- publish


class Publishing:
    """A repository that is put back, and what a device and a browser make of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.kept = world.folder / "kept"
        for name in ("repo", "keys"):
            if (world.folder / name).exists():
                shutil.copytree(world.folder / name, self.kept / name)
        # What the run needs is made once, outside it.
        self.key = (world.repository / "web/release.key").read_bytes()

    def reset(self) -> None:
        for name in ("repo", "keys"):
            shutil.rmtree(self.world.folder / name, ignore_errors=True)
            shutil.copytree(self.kept / name, self.world.folder / name)

    def seen(self) -> tuple[str | None, str]:
        """The version that a new device gets, and the one that a browser gets."""
        home = self.world.folder / "fresh"
        shutil.rmtree(home, ignore_errors=True)
        client = deliver.Client(
            home,
            Server(self.world.repository),
            url=URL,
            root=self.world.root,
            names=[NAME],
            clock=lambda: self.world.now,
        )
        outcome = client.update()
        outcome.require()
        with homebody.load(installed(NAME, folder=home) or "") as feature:
            version = feature.manifest.version
        return version, self.browser()

    def browser(self) -> str:
        web = self.world.repository / "web"
        data = (web / "release.json").read_bytes()
        key = base64.b64decode(self.key)
        assert verified(data, (web / "release.json.sig").read_bytes(), key)
        release = read_release(web)
        assert release is not None
        file = release.bundles[NAME]
        content = (self.world.repository / file.path).read_bytes()
        assert len(content) == file.size
        return file.version


@pytest.mark.parametrize("how", KINDS[:2])
def test_publish_interrupted_at_every_step(world: World, how: str) -> None:
    publishing = Publishing(world)
    new = world.bundle("1.1.0")

    def run() -> None:
        deliver.publish(world.repository, [new], keys=[world.keys], clock=lambda: world.now)

    found = []
    for step, _ in at_every_step(run, how, publishing.reset):
        device, browser = publishing.seen()
        assert device in ("1.0.0", "1.1.0"), step
        assert browser in ("1.0.0", "1.1.0"), step
        assert (device, browser) != ("1.0.0", "1.1.0"), "browsers come last"
        found.append((device, browser))
        run()
        assert publishing.seen() == ("1.1.0", "1.1.0"), step
        assert drafts(world.repository) == [], step
    if how == "kill":
        assert found == sorted(found), "old until some step, and new from then on"
        assert found[0] == ("1.0.0", "1.0.0")
    assert len(found) > 20
    assert found[-1] == ("1.1.0", "1.1.0")


def test_a_rotation_killed_at_every_step(world: World) -> None:
    publishing = Publishing(world)
    new = world.bundle("1.1.0")
    everything = ["root", "targets", "snapshot", "timestamp", "web"]

    def run() -> None:
        deliver.publish(
            world.repository, [new], keys=[world.keys], clock=lambda: world.now, rotate=everything
        )

    for step, _ in at_every_step(run, "kill", publishing.reset):
        device, browser = publishing.seen()
        assert device in ("1.0.0", "1.1.0"), step
        assert browser in ("1.0.0", "1.1.0"), step
        run()
        assert publishing.seen() == ("1.1.0", "1.1.0"), step
        assert drafts(world.repository) == [], step


def test_the_first_publication_killed_at_every_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    new = world.bundle("1.0.0")

    def run() -> None:
        deliver.publish(world.repository, [new], keys=[world.keys], clock=lambda: world.now)

    def reset() -> None:
        shutil.rmtree(world.repository, ignore_errors=True)
        shutil.rmtree(world.keys, ignore_errors=True)

    for step, _ in at_every_step(run, "kill", reset):
        run()
        assert world.client().update().changed, step
        assert drafts(world.repository) == [], step
        assert drafts(world.keys) == [], step
        assert len(list(world.keys.glob("*.pem"))) == 5, "no key is made twice"
        shutil.rmtree(world.home)


# -------------------------------------------------------------------- update


class Updating:
    """A device that is put back."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.client().update()
        self.kept = Path(shutil.copytree(world.home, world.folder / "kept", symlinks=True))

    def reset(self) -> None:
        shutil.rmtree(self.world.home, ignore_errors=True)
        shutil.copytree(self.kept, self.world.home, symlinks=True)

    def in_use(self) -> tuple[str, str | None]:
        """The versions of the bundle, loaded and checked, and of the catalog."""
        path = installed(NAME, folder=self.world.home)
        assert path is not None, "what was installed is still there"
        with homebody.load(path) as feature:
            assert feature.check().passed
            version = feature.manifest.version
        catalog = self.world.client().current(CATALOG, "catalog")
        return version, catalog.name if catalog else None


@pytest.mark.parametrize("how", KINDS)
def test_update_interrupted_at_every_step(world: World, how: str) -> None:
    updating = Updating(world)
    files = [world.bundle("1.1.0"), world.catalog()]
    # With a new root, new keys and two files, this is all that an update can have to do.
    deliver.publish(
        world.repository,
        files,
        keys=[world.keys],
        clock=lambda: world.now,
        rotate=["root", "timestamp", "snapshot", "targets"],
    )

    def run() -> None:
        world.client().update().require()

    found = []
    for step, finished in at_every_step(run, how, updating.reset):
        bundle, catalog = updating.in_use()
        assert bundle in ("1.0.0", "1.1.0"), step
        assert (catalog is not None) == (bundle == "1.1.0"), "both or neither"
        if finished:
            assert bundle == "1.1.0"
        found.append(bundle)
        run()
        assert updating.in_use()[0] == "1.1.0", step
        assert drafts(world.home) == [], step
        assert len(list((world.home / "files").iterdir())) == 3, "both bundles and the catalog"
        world.client().rollback()
        assert updating.in_use() == ("1.0.0", None), step
    if how == "kill":
        assert found == sorted(found), "old until some step, and new from then on"
        assert found[0] == "1.0.0"
    assert len(found) > 20


@pytest.mark.parametrize("how", ["kill", "ENOSPC"])
def test_the_first_update_interrupted_at_every_step(world: World, how: str) -> None:
    def run() -> None:
        world.client().update().require()

    def reset() -> None:
        shutil.rmtree(world.home, ignore_errors=True)

    for step, _ in at_every_step(run, how, reset):
        assert world.version() in (None, "1.0.0"), step
        run()
        assert world.version() == "1.0.0", step
        assert drafts(world.home) == [], step


@pytest.mark.parametrize("how", KINDS)
def test_rollback_interrupted_at_every_step(world: World, how: str) -> None:
    world.client().update()
    world.publish("1.1.0")
    updating = Updating(world)

    def run() -> None:
        world.client().rollback()

    found = []
    for step, finished in at_every_step(run, how, updating.reset):
        found.append(updating.in_use()[0])
        assert finished <= (found[-1] == "1.0.0"), step
        if found[-1] == "1.1.0":
            run()
        assert updating.in_use()[0] == "1.0.0", step
        assert not world.client().update().changed, "set aside, or never brought back"
        assert drafts(world.home) == [], step
    if how == "kill":
        assert found == sorted(found, reverse=True)
        assert found[0] == "1.1.0"
