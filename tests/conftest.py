from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tiny end-to-end test before everything else: if it fails, nothing else matters."""
    items.sort(key=lambda item: item.path.name != "test_first.py")
