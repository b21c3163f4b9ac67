"""A compiled model's folder: what ``homebody compile`` writes and a server loads.

OUT/model.onnx      the canonical graph
OUT/compiled.json   how it was compiled, and what was measured and chosen, for which shapes
OUT/cache/          compiled segments; removed, they are built again
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from homebody.engines.borders import Dimension, TensorRecord
from homebody.engines.choose import Candidate, Choice
from homebody.engines.compiled import CompiledModel
from homebody.engines.engine import Code, Precision
from homebody.engines.graph import Graph, sha256
from homebody.engines.policy import Policy
from homebody.errors import CompiledError
from homebody.files import replacing

FORMAT = "homebody.compiled/1"
MODEL, RECORD, CACHE = "model.onnx", "compiled.json", "cache"
MAX_RECORD = 64 << 20


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Why(_Strict, frozen=True):
    """Why an engine does not run something."""

    code: Code
    detail: str


class SegmentRecord(_Strict, frozen=True):
    """One segment: its engine, its nodes by name, how long building took and why it fell back."""

    engine: str
    nodes: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    build_seconds: float
    cached: bool
    failure: Why | None = None


class GraphRecord(_Strict, frozen=True):
    """What is to be known of a graph before it is read."""

    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]
    sha256: str
    """Of all of it as one segment."""
    nodes: Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]


class CandidateRecord(_Strict, frozen=True):
    """One way that was measured: the median of a call in seconds, and its distance in decibels."""

    engine: str
    seconds: float
    sqnr_db: float | None
    segments: tuple[SegmentRecord, ...]
    reasons: dict[str, Why]
    """By node's name, for nodes that the engine does not run."""


class ShapeRecord(_Strict, frozen=True):
    """What was measured and chosen for one set of input shapes; the first candidate was chosen."""

    shapes: dict[str, tuple[Dimension, ...]]
    candidates: Annotated[tuple[CandidateRecord, ...], msgspec.Meta(min_length=1)]
    refused: dict[str, Why]
    graph: GraphRecord
    """With these shapes."""
    rows: Annotated[int, msgspec.Meta(ge=1, le=1 << 31)] = 1
    """How many it was measured with."""


class Record(_Strict, frozen=True, kw_only=True):
    """``compiled.json``."""

    format: Literal["homebody.compiled/1"] = "homebody.compiled/1"
    source: str
    model_sha256: str
    bundle_sha256: str | None = None
    """Of the bundle that the model came out of."""
    engines: tuple[str, ...]
    versions: dict[str, str]
    processor: str
    precision: Precision
    policy: Policy
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)]
    min_segment_size: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    max_cached_engines: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    graph: GraphRecord
    batched: bool
    shapes: tuple[ShapeRecord, ...]
    opened: tuple[ShapeRecord, ...] = ()
    """What answers other batches, under ``cost``."""


def record_of(
    model: CompiledModel,
    source: str,
    versions: dict[str, str],
    processor: str,
    bundle_sha256: str | None = None,
) -> Record:
    """What a compiled model's folder says about it."""
    settings = model.settings
    return Record(
        source=source,
        model_sha256=sha256(model.graph),
        bundle_sha256=bundle_sha256,
        engines=tuple(model.engines),
        versions=versions,
        processor=processor,
        precision=settings.options.precision,
        policy=settings.policy,
        threads=settings.options.threads,
        min_segment_size=settings.min_segment_size,
        max_cached_engines=settings.max_cached_engines,
        graph=_graph_record(model.graph),
        batched=model.batched,
        shapes=tuple(_shape_record(choice) for choice in model.choices.values()),
        opened=tuple(_shape_record(choice) for choice in model.opened.values()),
    )


def write(folder: str | os.PathLike[str], model: CompiledModel, record: Record) -> None:
    """Write the graph, then the record that vouches for it.

    Raises:
        CompiledError: the folder cannot be written.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompiledError(
            f"{place} cannot be made ({error.strerror}); choose another folder"
        ) from None
    with replacing(place / MODEL, CompiledError) as draft:
        draft.write_bytes(model.graph.to_bytes())
    with replacing(place / RECORD, CompiledError) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))


def read(folder: str | os.PathLike[str]) -> tuple[Record, bytes]:
    """The record and the graph's bytes, which are what the record says.

    Raises:
        CompiledError: something is absent, malformed, or not what was compiled.
    """
    place = Path(folder)
    try:
        if (place / RECORD).stat().st_size > MAX_RECORD:
            raise CompiledError(f"{place / RECORD} is over {MAX_RECORD:,} bytes; compile again")
        record = msgspec.json.decode((place / RECORD).read_bytes(), type=Record)
        model = (place / MODEL).read_bytes()
    except OSError as error:
        raise CompiledError(
            f"{place} holds no compiled model ({error.strerror}); make one with: "
            "homebody compile MODEL -o FOLDER"
        ) from None
    except msgspec.DecodeError as error:
        raise CompiledError(f"{place / RECORD} is not {FORMAT}: {error}; compile again") from None
    if hashlib.sha256(model).hexdigest() != record.model_sha256:
        raise CompiledError(f"{place / MODEL} is not the model that was compiled; compile again")
    return record, model


def _shape_record(choice: Choice) -> ShapeRecord:
    graph = choice.best.plan.graph
    return ShapeRecord(
        shapes={tensor.name: tensor.shape for tensor in graph.inputs},
        candidates=tuple(_candidate_record(c) for c in (choice.best, *choice.others)),
        refused={name: Why(r.code, r.detail) for name, r in choice.refused.items()},
        graph=_graph_record(graph),
        rows=max(1, choice.rows),
    )


def _graph_record(graph: Graph) -> GraphRecord:
    whole = graph.whole()
    return GraphRecord(
        inputs=tuple(TensorRecord.of(tensor) for tensor in whole.inputs),
        outputs=tuple(TensorRecord.of(tensor) for tensor in whole.outputs),
        sha256=whole.sha256,
        nodes=len(whole.members),
    )


def _candidate_record(candidate: Candidate) -> CandidateRecord:
    plan = candidate.plan
    return CandidateRecord(
        engine=candidate.engine,
        seconds=candidate.seconds,
        sqnr_db=candidate.sqnr if math.isfinite(candidate.sqnr) else None,
        segments=tuple(
            SegmentRecord(
                engine=built.engine,
                nodes=_names(segment.nodes),
                inputs=tuple(t.name for t in segment.inputs),
                outputs=tuple(t.name for t in segment.outputs),
                build_seconds=built.seconds,
                cached=built.cached,
                failure=Why(built.failure.code, built.failure.detail) if built.failure else None,
            )
            for segment, built in zip(plan.segments, candidate.built, strict=True)
        ),
        reasons={
            str(node.name): Why(reason.code, reason.detail)
            for node, reason in zip(plan.graph.nodes, plan.reasons, strict=True)
            if reason
        },
    )


def _names(nodes: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(getattr(node, "name", "")) for node in nodes)
