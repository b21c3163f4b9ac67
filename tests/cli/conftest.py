from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from homebody.cli import main


class Outcome(NamedTuple):
    """What a command did: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``homebody`` with arguments, in this process."""

    def command(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["homebody", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Outcome(code, *capsys.readouterr())

    return command
