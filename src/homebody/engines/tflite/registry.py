"""Which function says an operation in the other format.

:mod:`homebody.engines.tflite.forms` holds the functions, in one module for each kind of operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import onnx_ir as ir

    from homebody.engines.tflite.exporting import Export
    from homebody.engines.tflite.importing import Import

Importer: TypeAlias = "Callable[[Import, Any], None]"
Exporter: TypeAlias = "Callable[[Export, ir.Node], None]"

IMPORTERS: dict[str, Importer] = {}
"""By TFLite's name of the operation: what says it in ONNX."""
EXPORTERS: dict[str, Exporter] = {}
"""By ONNX's name of the operation: what says it in TFLite."""


def imports(*kinds: str) -> Callable[[Importer], Importer]:
    """Register a function for TFLite's operations of these names."""

    def register(importer: Importer) -> Importer:
        IMPORTERS.update(dict.fromkeys(kinds, importer))
        return importer

    return register


def exports(*kinds: str) -> Callable[[Exporter], Exporter]:
    """Register a function for ONNX's operations of these names."""

    def register(exporter: Exporter) -> Exporter:
        EXPORTERS.update(dict.fromkeys(kinds, exporter))
        return exporter

    return register
