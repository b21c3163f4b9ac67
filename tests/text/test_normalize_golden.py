"""Golden vectors of normal forms on hostile strings: Python and the browser's modules give them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from conformance.text.make_normalize import PATH, document, run
from tests.text.twin import UNICODE, WASM, needs_node

GOLDEN = json.loads(PATH.read_text(encoding="ascii"))


def test_python_gives_them():
    assert len(GOLDEN["texts"]) > 100
    for value, expected in zip(GOLDEN["texts"], GOLDEN["results"], strict=True):
        assert run(value) == expected, ascii(value)


def test_they_are_of_these_texts():
    made = document()
    assert made["texts"] == GOLDEN["texts"]
    assert list(made["steps"]) == GOLDEN["steps"]


@needs_node
def test_the_browsers_modules_give_them():
    script = Path(__file__).with_name("normalize.mjs")
    command = ["node", str(script), str(WASM), str(UNICODE), str(PATH)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    for value, expected, given in zip(GOLDEN["texts"], GOLDEN["results"], results, strict=True):
        assert given == expected, ascii(value)
