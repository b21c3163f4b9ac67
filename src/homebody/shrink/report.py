"""What a shrink did, as typed data: for the report page, for JSON, for a gate in a build.

Ratios of signal to quantization noise (SQNR) are in decibels, over all samples that were
measured: ten times the logarithm of the float values' energy by the error's.
"""

from __future__ import annotations

from typing import Literal

import msgspec

ASKED_FOR = "it was asked to stay float"
"""The reason of operations that ``keep_float`` names or counts."""

Scheme = Literal["int8", "int8-only", "hybrid", "float16", "int16x8"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a model was shrunk; None where the scheme leaves no choice."""

    scheme: Scheme = "int8"
    io: Literal["float32", "int8", "int16"] = "float32"
    range: Literal["minmax", "mse"] | None = "minmax"
    rounding: Literal["nearest", "gptq"] | None = "nearest"
    bias_correction: Literal["none", "analytic", "empirical"] | None = "empirical"
    equalize: bool | None = True
    keep_float: tuple[str, ...] = ()

    def applied(self) -> Settings:
        """These settings without those that the scheme has no use for.

        Example:
            >>> Settings(scheme="hybrid").applied().rounding is None
            True
        """
        unused = _UNUSED.get(self.scheme, ())
        return msgspec.structs.replace(self, **dict.fromkeys(unused))


_UNUSED: dict[Scheme, tuple[str, ...]] = {
    "hybrid": ("range", "rounding", "bias_correction", "equalize"),
    "float16": ("range", "rounding", "bias_correction", "equalize"),
    "int16x8": ("range", "equalize"),
}
"""Weights alone are rounded, to the nearest; 16 bits have levels enough for all that was seen."""


class OperationReport(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the float model.

    ``index``, ``kind`` and ``name`` (its first output's) are those of the float model, as
    ``homebody inspect`` prints them.
    """

    index: int
    kind: str
    name: str
    format: str
    """What it computes with: ``int8``, ``int16x8``, ``hybrid``, ``float16`` or ``float32``."""
    reason: str | None = None
    """Why it stays float; None if it does not, or has no float values at all."""
    scale: float | None = None
    zero_point: int | None = None
    """Its output's parameters; None where the output is float."""
    weight_bytes: int = 0
    """Its constants in the new file."""
    sqnr_db: float | None = None
    """At its output, against the float model alongside; None if not measured, or all zero."""


class Sensitivity(msgspec.Struct, frozen=True, kw_only=True):
    """What keeping one operation float would gain at the model's outputs."""

    index: int
    name: str
    gain_db: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole shrink.

    Example:
        >>> shrunk.report.size_after / shrunk.report.size_before     # doctest: +SKIP
        0.27
        >>> [op.name for op in shrunk.report.operations if op.reason]    # doctest: +SKIP
        ['sums']
    """

    format: Literal["homebody.shrink/1"] = "homebody.shrink/1"
    settings: Settings
    size_before: int
    size_after: int
    """Bytes of the two files."""
    calibration_samples: int
    """How many samples the ranges come from."""
    measured_samples: int
    """How many samples SQNR was measured on: some of the calibration samples."""
    operations: tuple[OperationReport, ...]
    output_sqnr_db: dict[str, float]
    """At each of the model's outputs, measured on calibration samples: an upper bound."""
    error_jumps_at: int | None = None
    """The first operation whose output is off by more than a tenth, and by more than 10 dB worse
    than anything on the way to it."""
    equalized: int = 0
    """How many channels were rescaled before quantization."""
    sensitivity: tuple[Sensitivity, ...] = ()
    """Operations by what they cost, the costliest first; empty unless asked for."""
    notes: tuple[str, ...] = ()
    """What else a reader should know, one sentence each."""

    @property
    def float_operations(self) -> tuple[OperationReport, ...]:
        """The operations that stay float, each with its reason."""
        return tuple(op for op in self.operations if op.reason is not None)
