"""What docs/engines.md names exists, and what exists of codes and policies is named."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer.main

from homebody.cli._app import app
from homebody.engines import advice, engine, policy

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("heading", "codes"),
    [
        ("why an engine does not run a node", get_args(engine.Code)),
        ("what it names", get_args(advice.Code)),
        ("a batch that is not built", get_args(policy.Policy)),
    ],
)
def test_the_tables_hold_every_code(heading, codes):
    rows = re.findall(r"^\| (`.*?) \|", TEXT.partition(heading)[2].partition("\n\n")[0], re.M)
    assert sorted(re.findall(r"`([^`]+)`", " ".join(rows))) == sorted(codes)


def test_the_commands_and_their_options_exist():
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for line in re.findall(r"^    (?:\$ )?homebody (.*)$", TEXT, re.M):
        verb, *words = line.partition(" | ")[0].split()
        options = {name for parameter in verbs[verb].params for name in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, line
    known = {n for v in ("compile", "profile") for p in verbs[v].params for n in p.opts}
    assert set(re.findall(r"`(--[a-z0-9-]+)", TEXT)) <= known


def test_the_pictures_are_there():
    for name in re.findall(r"\]\((images/[^)]+)\)", TEXT):
        assert (ROOT / "docs" / name).stat().st_size < 300_000


def test_the_data_that_is_described_has_these_fields():
    table = TEXT.partition("### As data")[2].partition("\n\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| `(homebody\.[\w.]+)` \|$", table, re.M)
    assert len(rows) == 3
    for _, holds, where in rows:
        module, _, name = where.rpartition(".")
        struct = getattr(importlib.import_module(module), name)
        known = set(struct.__struct_fields__)
        inner = get_args(get_type_hints(struct)["shapes"])[0]
        known |= set(getattr(inner, "__struct_fields__", ()))  # and those of each shape
        assert set(re.findall(r"`(\w+)`", holds)) <= known
