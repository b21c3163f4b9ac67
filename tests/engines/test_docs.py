"""What docs/engines.md names exists, and what exists of codes and policies is named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

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
        verb, *words = line.split()
        options = {name for parameter in verbs[verb].params for name in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options, line
    known = {n for v in ("compile", "profile") for p in verbs[v].params for n in p.opts}
    assert set(re.findall(r"`(--[a-z-]+)", TEXT)) <= known


def test_the_pictures_are_there():
    for name in re.findall(r"\]\((images/[^)]+)\)", TEXT):
        assert (ROOT / "docs" / name).stat().st_size < 300_000
