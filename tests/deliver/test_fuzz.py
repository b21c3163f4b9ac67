"""Whatever bytes a server sends: one of our errors, or exactly what was signed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homebody.errors import DeliverError
from homebody.installed import installed

from .world import NAME, World

FILES = (
    "2.root.json",
    "timestamp.json",
    "2.snapshot.json",
    "2.targets.json",
    f"{NAME}.hb",
)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A device that has 1.0.0; 1.1.0 is published under a new root."""
    world = World(tmp_path_factory.mktemp("fuzz"))
    world.publish("1.0.0")
    world.client().update()
    world.publish("1.1.0", rotate=["root", "timestamp"])
    shutil.copytree(world.home, world.folder / "kept", symlinks=True)
    return world


def find(world: World, file: str) -> Path:
    return next(
        path
        for path in sorted(world.repository.rglob(f"*{file}"), reverse=True)
        if "web" not in path.parts and path.name.endswith(file)
    )


@given(
    file=st.sampled_from(FILES),
    where=st.floats(0, 1),
    bytes_=st.binary(max_size=12),
    cut=st.integers(0, 40),
)
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_change_to_any_file(
    device: World, file: str, where: float, bytes_: bytes, cut: int
) -> None:
    shutil.rmtree(device.home)
    shutil.copytree(device.folder / "kept", device.home, symlinks=True)
    whole = find(device, file).read_bytes()
    at = int(where * len(whole))
    changed = whole[:at] + bytes_ + whole[at + cut :]

    def lie() -> Iterator[bytes]:
        return iter([changed])

    device.server.lies = {file: lie}
    with suppress(DeliverError):
        outcome = device.client().update()
        # White space in JSON is not signed; everything else that passes is the original.
        assert outcome.changed
    path = installed(NAME, folder=device.home)
    assert path is not None
    version = device.version()
    assert version in ("1.0.0", "1.1.0")
    assert path.read_bytes() == device.bundle(version or "").read_bytes()
    if file == f"{NAME}.hb" and changed != whole:
        assert version == "1.0.0"
    device.server.lies = {}
    device.client().update()
    assert device.version() == "1.1.0"
