from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tiny end-to-end test before everything else: if it fails, nothing else matters."""
    items.sort(key=lambda item: item.path.name != "test_first.py")


@pytest.fixture(scope="session", autouse=True)
def nothing_delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of the tests' own: what was delivered to this device must not answer for the code."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOMEBODY_HOME", str(home))
        yield home
