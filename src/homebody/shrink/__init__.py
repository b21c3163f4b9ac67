"""Float to int8: post-training quantization, and a look at what it cost."""

from __future__ import annotations

from homebody.shrink._shrink import Shrunk, shrink
from homebody.shrink.compare import (
    Comparison,
    OperationComparison,
    OutputComparison,
    compare,
)
from homebody.shrink.edge_tpu import EdgeTpuOperation, EdgeTpuReport, edge_tpu
from homebody.shrink.report import OperationReport, Report, Scheme, Sensitivity, Settings
from homebody.shrink.samples import Sample, Source, load_npz

__all__ = [
    "Comparison",
    "EdgeTpuOperation",
    "EdgeTpuReport",
    "OperationComparison",
    "OperationReport",
    "OutputComparison",
    "Report",
    "Sample",
    "Scheme",
    "Sensitivity",
    "Settings",
    "Shrunk",
    "Source",
    "compare",
    "edge_tpu",
    "load_npz",
    "shrink",
]
