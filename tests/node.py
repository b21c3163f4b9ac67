"""JavaScript under node, asked from Python, a line of JSON each way: see ``node.mjs``."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import pytest


def needs(wasm: Path) -> pytest.MarkDecorator:
    """Skips where there is no node, or the kernels' WebAssembly module was not built."""
    return pytest.mark.skipif(
        shutil.which("node") is None or not wasm.exists(),
        reason=f"needs node, and {wasm.name} (python kernels/build.py)",
    )


class Refusal(Exception):
    """An error of the JavaScript side: its class's name, and whether it is one of Homebody's."""

    def __init__(self, name: str, message: str, ours: bool) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.ours = name, message, ours


class Node:
    """A process that answers questions until it is closed.

    Args:
        script: a module that calls ``answer`` of ``node.mjs``.
        arguments: of its own.
    """

    def __init__(self, script: Path, *arguments: Path) -> None:
        self._process = subprocess.Popen(
            ["node", *map(str, (script, *arguments))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str, **given: Any) -> Any:
        """The answer, or a ``Refusal``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": question, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"node ended at {question}"
        reply = json.loads(line)
        if "error" in reply:
            raise Refusal(reply["error"], reply["message"], reply["ours"])
        return reply["value"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
