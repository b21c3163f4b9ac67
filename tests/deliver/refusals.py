"""How an attack must end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from homebody.errors import HomebodyError

from .world import World


@contextmanager
def refused(world: World, error: type[HomebodyError], match: str | None = None) -> Iterator[None]:
    """The block's attack meets that error, and the device keeps what it has."""
    before = world.version()
    yield
    with pytest.raises(error, match=match) as found:
        world.client().update()
    assert "what is installed stays" in str(found.value)
    assert world.version() == before == "1.0.0"
    status = world.client().status()
    assert status.problem == str(found.value)
    assert status.failures >= 1


def recovers(world: World, version: str = "1.1.0") -> None:
    """Without the attacker, the next update succeeds."""
    world.server.lies.clear()
    world.server.folder = world.repository
    world.client().update()
    assert world.version() == version
