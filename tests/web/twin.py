"""The browser's modules under node, asked from Python: see ``twin.mjs``."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homebody.kernels import NATIVE

WASM = NATIVE / "homebody.wasm"
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not WASM.exists(),
    reason="needs node, and the kernels' WebAssembly module (python kernels/build.py)",
)


class Refusal(Exception):
    """An error of the JavaScript side: its class's name, and whether it is one of Homebody's."""

    def __init__(self, name: str, message: str, ours: bool) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message, self.ours = name, message, ours


class Twin:
    """A node process that answers questions until it is closed."""

    def __init__(self) -> None:
        self._node = subprocess.Popen(
            ["node", str(Path(__file__).with_name("twin.mjs")), str(WASM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str, **given: Any) -> Any:
        """The answer, or a ``Refusal``."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.write(json.dumps({"ask": question, **given}) + "\n")
        self._node.stdin.flush()
        line = self._node.stdout.readline()
        assert line, f"node ended at {question}"
        reply = json.loads(line)
        if "error" in reply:
            raise Refusal(reply["error"], reply["message"], reply["ours"])
        return reply["value"]

    def close(self) -> None:
        """End the process."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        self._node.stdin.close()
        self._node.wait(timeout=30)
        self._node.stdout.close()


def text(data: bytes | memoryview) -> str:
    """Bytes as they travel."""
    return base64.b64encode(data).decode()


def picture(pixels: np.ndarray) -> dict[str, Any]:
    """uint8 [h, w, c] as it travels."""
    return {"data": text(pixels.tobytes()), "width": pixels.shape[1], "height": pixels.shape[0]}
