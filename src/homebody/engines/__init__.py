"""Compile a trained graph: the best engine for each part, chosen by measurement, and told why.

For servers and desktops; devices keep LiteRT. Needs ``pip install 'homebody[engines]'``; importing
this package does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homebody.engines.compiled import CompiledModel
    from homebody.engines.compiling import compile
    from homebody.engines.loading import load

__all__ = ["CompiledModel", "compile", "load"]

_HOME = {"CompiledModel": "compiled", "compile": "compiling", "load": "loading"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from homebody.errors import MissingExtraError

    try:
        module = import_module(f"homebody.engines.{_HOME[name]}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("onnx", "onnx_ir"):
            raise
        raise MissingExtraError("engines", "compiling a model") from None
    return getattr(module, name)
