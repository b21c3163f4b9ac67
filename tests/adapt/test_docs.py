"""What the documentation shows works."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import homebody.adapt.fleet

ROOT = Path(__file__).parents[2]
MODULES = [
    f"homebody.adapt.{module.name}"
    for module in pkgutil.iter_modules(homebody.adapt.__path__)
    if not module.ispkg
] + [
    f"homebody.adapt.fleet.{module.name}"
    for module in pkgutil.iter_modules(homebody.adapt.fleet.__path__)
]


@pytest.mark.parametrize(
    "name", [*MODULES, *(f"homebody.kernels.{n}" for n in ("_drawing", "_fleet_kalman"))]
)
def test_docstrings(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"np": np})
    assert result.failed == 0


def test_the_pages_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "adapt.md").read_text(encoding="utf-8")
    found: dict = {}
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(block, found)
    assert found["low"] < found["mean"] < found["high"]
    assert (tmp_path / "cell-7.safetensors").exists()


def test_every_public_name_has_a_docstring():
    for name in homebody.adapt.__all__:
        assert getattr(homebody.adapt, name).__doc__, name


def test_every_status_is_on_the_page():
    from homebody.adapt._observation import STATUSES

    text = (ROOT / "docs" / "adapt.md").read_text(encoding="utf-8")
    for status in STATUSES:
        assert f"| `{status}`" in text
