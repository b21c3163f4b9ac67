"""web/text.js under node, asked from Python: see ``twin.mjs``."""

from __future__ import annotations

import base64
from pathlib import Path

from homebody.kernels import NATIVE
from homebody.server import vendor
from homebody.text._unicode import PATH as UNICODE
from tests import node

WASM = NATIVE / "text.wasm"
needs_node = node.needs(WASM)


class Twin(node.Node):
    """The text operations of a page."""

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("twin.mjs"), WASM, UNICODE, vendor.DEST)


def utf16(text: str) -> str:
    """A string as it travels, lone surrogates and all."""
    return base64.b64encode(text.encode("utf-16-le", "surrogatepass")).decode()
