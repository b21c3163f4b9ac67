"""The browser's modules under node, asked from Python: see ``twin.mjs``."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np

from homebody.kernels import NATIVE
from tests import node

WASM = NATIVE / "homebody.wasm"
needs_node = node.needs(WASM)


class Twin(node.Node):
    """What a page does with bundles and pictures."""

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("twin.mjs"), WASM)


def text(data: bytes | memoryview) -> str:
    """Bytes as they travel."""
    return base64.b64encode(data).decode()


def picture(pixels: np.ndarray) -> dict[str, Any]:
    """uint8 [h, w, c] as it travels."""
    return {"data": text(pixels.tobytes()), "width": pixels.shape[1], "height": pixels.shape[0]}
