"""Golden vectors of model inputs: Python and the browser's modules give them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from conformance.text.make_segments import PATH, cases, run

GOLDEN = json.loads(PATH.read_text())


def test_python_gives_them():
    assert len(GOLDEN) == len(cases()) > 70
    for case, made in zip(GOLDEN, cases(), strict=True):
        assert case == made | run(made)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_browsers_modules_give_them():
    command = ["node", str(Path(__file__).with_name("segments.mjs")), str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    given, refused = map(json.loads, done.stdout.splitlines())
    inputs = ("call", "arguments", "segments", "rows", "tick")
    for case, results in zip(GOLDEN, given, strict=True):
        assert results == {key: value for key, value in case.items() if key not in inputs}, case
    assert all(name in ("TextError", "RaggedError") for name in refused)
