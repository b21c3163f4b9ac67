"""web/text.js under node, asked from Python: see ``twin.mjs``."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from homebody.kernels import NATIVE
from homebody.server import vendor
from homebody.text._unicode import PATH as UNICODE

WASM = NATIVE / "text.wasm"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not WASM.exists(),
    reason="needs node, and the text kernels' WebAssembly module (python kernels/build.py)",
)


class Twin:
    """A node process that answers questions until it is closed."""

    def __init__(self) -> None:
        script = str(Path(__file__).with_name("twin.mjs"))
        self._node = subprocess.Popen(
            ["node", script, str(WASM), str(UNICODE), str(vendor.DEST)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str, **given: Any) -> Any:
        """The answer; an error fails the test."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"ask": question, **given}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        assert line, f"node ended at {question}"
        reply = json.loads(line)
        assert "error" not in reply, reply
        return reply["value"]

    def __enter__(self) -> Twin:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        self._node.wait(timeout=30)
        self._node.stdout.close()


def utf16(text: str) -> str:
    """A string as it travels, lone surrogates and all."""
    return base64.b64encode(text.encode("utf-16-le", "surrogatepass")).decode()
