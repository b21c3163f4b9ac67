"""What ``homebody compile`` did and why, as typed data: for the page, for JSON, for a gate.

SQNR is in decibels against the native engine, over all calls that were compared: ten times the
logarithm of the right values' energy by the error's.
"""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

import msgspec

from homebody.engines.advice import Advice
from homebody.engines.folder import Why
from homebody.engines.processor import Processor
from homebody.engines.profile import Kernel
from homebody.engines.trace import Kind
from homebody.errors import EngineError
from homebody.files import replacing

Decibels: TypeAlias = float | Literal["exact", "wrong"] | None
"""SQNR against the native engine; exact where nothing differs, wrong where it is not finite."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SegmentReport(_Strict, frozen=True, kw_only=True):
    """One segment of a candidate.

    Attributes:
        number: its place in the order in which segments run.
        engine: what runs it in the end.
        nodes: how many it has.
        inputs, outputs: what crosses its border, by name.
        weight_bytes, border_bytes: of its constants, and of what crosses its border in one call.
        build_seconds, cached: what building took, and whether it came out of the cache.
        failure: why another engine runs it than was planned.
        seconds: the median of one run.
        sqnr_db: of what it leaves at its border, in decibels; what came in may differ already.
        own_sqnr_db: the same where what comes in is the native engine's: its own error.
        kernels: the engine's own, the slowest first.
    """

    number: int
    engine: str
    nodes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weight_bytes: int
    border_bytes: int
    build_seconds: float
    cached: bool
    failure: Why | None
    seconds: float
    sqnr_db: Decibels
    own_sqnr_db: Decibels
    kernels: tuple[Kernel, ...]


class CandidateReport(_Strict, frozen=True, kw_only=True):
    """One way that was built and measured.

    Attributes:
        engine: what was given as much of the graph as it takes.
        seconds: the median of a call when engines were compared, in turns.
        sqnr_db: of its outputs.
        boundary_seconds: what a call spends outside its segments.
        segments: in the order in which they run.
    """

    engine: str
    seconds: float
    sqnr_db: Decibels
    boundary_seconds: float
    segments: tuple[SegmentReport, ...]


class NodeReport(_Strict, frozen=True, kw_only=True):
    """One node: where it runs, and for every other engine why it does not run it.

    Attributes:
        number: its place in the graph's order.
        name, kind: its name, and its operation.
        reads: the numbers of the nodes that it reads from.
        segment: the number of its segment.
        engine: what runs it.
        why: by the name of each other engine.
    """

    number: int
    name: str
    kind: str
    reads: tuple[int, ...]
    segment: int
    engine: str
    why: dict[str, Why]


class Event(_Strict, frozen=True, kw_only=True):
    """A part of one call: what the trace shows of it.

    Attributes:
        kind: a copy of inputs or outputs, a gap between segments, a segment, or a kernel in one.
        name: the engine's name for a kernel.
        operation: what an engine's kernel computes, in the engine's words; None for the rest.
        segment: the number of the segment that it is, or lies in; None for copies and gaps.
        start, seconds: since the call began, and how long. Kernels are of another run with the
            engine's counters on, shortened alike where they would not fit.
    """

    kind: Kind
    name: str
    operation: str | None
    segment: int | None
    start: float
    seconds: float


class FaultReport(_Strict, frozen=True, kw_only=True):
    """The first nodes that make a refused engine's answer wrong, found by halving.

    Attributes:
        nodes: by name: one, or a quantized operation with its conversions.
        sqnr_db: of the outputs once the engine runs them too; None where not finite.
        builds: how many programs were built to find it.
    """

    nodes: tuple[str, ...]
    sqnr_db: float | None
    builds: int


class ShapeReport(_Strict, frozen=True, kw_only=True):
    """What was chosen for one set of input shapes; the first candidate was.

    Attributes:
        shapes: by input's name; -1 is open.
        rows: how many rows of real inputs SQNR was measured with; 0 where it was seeded noise.
        candidates: those that were built and right, the chosen one first.
        refused: why an engine gave no candidate.
        faults: where engines that were refused for a wrong answer first stray.
        nodes: in the graph's order.
        call: one call of the chosen candidate, the median one of those that were timed.
        advice: what would make it quicker.
    """

    shapes: dict[str, tuple[int, ...]]
    rows: int
    candidates: tuple[CandidateReport, ...]
    refused: dict[str, Why]
    faults: dict[str, FaultReport]
    nodes: tuple[NodeReport, ...]
    call: tuple[Event, ...]
    advice: tuple[Advice, ...]


class InputsReport(_Strict, frozen=True, kw_only=True):
    """The real inputs that were given to measure with.

    Attributes:
        name: the folder's or file's.
        rows: how many there are.
        row_seconds: what reading one took: decoding and preparing a photo; None for arrays.
    """

    name: str
    rows: int
    row_seconds: float | None


class Report(_Strict, frozen=True, kw_only=True):
    """Everything that is known of a compiled model; ``inputs`` is None where noise stood in."""

    format: Literal["homebody.engines-report/2"] = "homebody.engines-report/2"
    source: str
    processor: Processor
    versions: dict[str, str]
    precision: str
    threads: int
    inputs: InputsReport | None
    shapes: tuple[ShapeReport, ...]


def write_report(told: Report, path: str | os.PathLike[str]) -> None:
    """Write a report: JSON where the name ends in ``.json``, else one HTML page.

    Raises:
        EngineError: the file cannot be written; what was there is unchanged.
    """
    if os.fspath(path).endswith(".json"):
        data = msgspec.json.format(msgspec.json.encode(told), indent=1)
    else:
        from homebody.engines.page import page

        data = page(told).encode("utf-8")
    with replacing(path, EngineError) as draft:
        draft.write_bytes(data)
