"""The examples in the docstrings run."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.bundle.drafts import ROOT

MODULES = [
    f"homebody.bundle.{path.stem}"
    for path in sorted((ROOT / "src" / "homebody" / "bundle").glob("*.py"))
    if path.stem != "__init__"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert doctest.testmod(importlib.import_module(name)).failed == 0
