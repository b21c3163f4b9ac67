"""The browser's own reader on what `homebody publish` writes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homebody import deliver

from .releases import public_key, signed_release
from .world import NAME, World

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def browser(repository: Path, key: str) -> Any:
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("release.mjs")), str(repository), key],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_a_publication_is_read_by_a_browser(world: World) -> None:
    done = deliver.publish(
        world.repository, [world.catalog()], keys=[world.keys], clock=lambda: world.now
    )
    assert browser(world.repository, done.web_key) == {
        "version": 2,
        "expires": "2026-06-08T12:00:00.000Z",
        "bundles": {NAME: "1.0.0"},
    }
    assert browser(world.repository, public_key()) == {"refused": "signature"}


def test_a_rotated_key_is_read_by_browsers_that_pinned_either(world: World) -> None:
    old = world.publish().web_key
    new = world.publish("1.1.0", rotate=["web"]).web_key
    for key in (old, new):
        assert browser(world.repository, key)["bundles"] == {NAME: "1.1.0"}


def test_a_killed_publication_is_read_by_a_browser(world: World) -> None:
    """The new signatures are in place and the new release is not: the one moment in between."""
    key = world.publish().web_key
    old = (world.repository / "web/release.json").read_bytes()
    world.publish("1.1.0")
    (world.repository / "web/release.json").write_bytes(old)
    assert browser(world.repository, key)["bundles"] == {NAME: "1.0.0"}


def test_the_independent_writer_is_read_too(world: World) -> None:
    key = signed_release(world.folder / "theirs", bundles={NAME: world.bundle("1.0.0")})
    assert browser(world.folder / "theirs", key)["bundles"] == {NAME: "1.0.0"}
