from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tiny end-to-end test before everything else; mark what drives a browser.

    If the first fails, nothing else matters. Marks stand before pytest picks by them.
    """
    items.sort(key=lambda item: item.path.name != "test_first.py")
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if {"browser", "page", "studio_process"} & fixtures:
            item.add_marker("browser")


@pytest.fixture(scope="session", autouse=True)
def nothing_delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of the tests' own: what was delivered to this device must not answer for the code."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOMEBODY_HOME", str(home))
        yield home
