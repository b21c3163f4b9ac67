"""The command line: one module a verb, each a thin layer over the public API."""

from __future__ import annotations

from homebody.cli._app import main

__all__ = ["main"]
