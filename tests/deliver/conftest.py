from __future__ import annotations

from pathlib import Path

import pytest

from .world import Forger, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A repository with version 1.0.0 of a tiny bundle, and a device that has nothing."""
    found = World(tmp_path)
    found.publish("1.0.0")
    return found


@pytest.fixture
def forger(world: World) -> Forger:
    """Someone who holds the publisher's keys."""
    return Forger(world.repository, world.keys)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No power cut happens in a test; what is synchronised, and when, is tested by counting."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)
