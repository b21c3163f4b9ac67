"""How near each segment of a candidate is to the native engine, and how long it takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines.build import Built, build
from homebody.engines.choose import Candidate
from homebody.engines.compiled import Arrays, CompiledModel
from homebody.engines.engine import KernelTime
from homebody.engines.folder import Why
from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph, Segment
from homebody.engines.plan import Plan
from homebody.engines.profile import Kernel, boundary_seconds, step_seconds
from homebody.engines.program import Moments, Program, Step, aligned
from homebody.engines.report import CandidateReport, Decibels, SegmentReport
from homebody.engines.values import constant
from homebody.sqnr import decibels

SLOWEST = 10
"""As many kernels of a segment are reported."""


class Nearness:
    """The signal-to-noise ratio of one value over several calls.

    Args:
        zero: what integers count from: an error is measured in what they stand for.

    Example:
        >>> near = Nearness()
        >>> near.decibels
        'exact'
        >>> near.add(np.array([11.0]), np.array([10.0]))
        >>> near.decibels
        20.0
    """

    def __init__(self, zero: int = 0) -> None:
        self._zero, self._signal, self._noise = zero, 0.0, 0.0
        self._finite = True

    def add(self, found: NDArray[Any], wanted: NDArray[Any]) -> None:
        """Compare one call's value with the native engine's."""
        right = wanted.astype(np.float64) - self._zero
        if found.shape != wanted.shape:
            self._finite = False
        elif np.array_equal(found, wanted, equal_nan=found.dtype.kind == "f"):
            self._signal += float(np.sum(right[np.isfinite(right)] ** 2))
        else:
            error = found.astype(np.float64) - self._zero - right
            self._signal += float(np.sum(right**2))
            self._noise += float(np.sum(error**2))

    @property
    def decibels(self) -> Decibels:
        """Over all calls so far."""
        if not self._finite:
            return "wrong"
        if self._noise == 0:
            return "exact"
        found = decibels(self._signal, self._noise)
        return found if math.isfinite(found) else "wrong"


def measured(
    candidate: Candidate,
    calls: Sequence[Moments],
    inner: Sequence[Sequence[KernelTime]],
    given: Sequence[Arrays],
    model: CompiledModel,
) -> CandidateReport:
    """What a candidate's segments take and how near they stay.

    Args:
        candidate: what was built.
        calls: of it, timed.
        inner: for each segment the engine's own kernels.
        given: the inputs of each call to compare with the native engine's.
        model: whose native engine is right.
    """
    program, plan = candidate.program, candidate.plan
    native = _native(plan, model)
    zeros = {t.name: _zero_point(plan.graph, t.name) for t in _left(plan)}
    near = {name: Nearness(zero) for name, zero in zeros.items()}
    own = {name: Nearness(zero) for name, zero in zeros.items()}
    alone = [_Alone(step) for step in program.steps]
    crossing: dict[str, int] = {}
    for one in given:
        program(one)
        native(one)
        found, wanted = program.values(), native.values()
        crossing = {name: value.nbytes for name, value in found.items()}
        for name, nearness in near.items():
            nearness.add(found[name], wanted[name])
        for segment in alone:
            for name, value in segment(wanted):
                own[name].add(value, wanted[name])
    seconds = step_seconds(calls)
    return CandidateReport(
        engine=candidate.engine,
        seconds=candidate.seconds,
        sqnr_db=least(near[t.name].decibels for t in plan.graph.outputs if t.name in near),
        boundary_seconds=boundary_seconds(calls),
        segments=tuple(
            _segment(n, step, built, took, inner[n], near, own, crossing)
            for n, (step, built, took) in enumerate(
                zip(program.steps, candidate.built, seconds, strict=True)
            )
        ),
    )


def least(found: Iterable[Decibels]) -> Decibels:
    """The least of several ratios; wrong is less than any, exact more.

    Example:
        >>> least(["exact", 40.0, 60.0]), least(["exact"]), least([40.0, "wrong"])
        (40.0, 'exact', 'wrong')
    """
    values = list(found)
    if "wrong" in values:
        return "wrong"
    return min((v for v in values if isinstance(v, float)), default="exact")


class _Alone:
    """A step over buffers of its own, with what the native engine gives it."""

    def __init__(self, step: Step) -> None:
        self._segment = step.segment
        self._fixed = step.segment.static
        if self._fixed:
            self._inputs = [aligned(t) for t in step.segment.inputs]
            self._outputs = [aligned(t) for t in step.segment.outputs]
            self._run = step.executable.bind(self._inputs, self._outputs)
        else:
            self._executable = step.executable

    def __call__(self, wanted: Arrays) -> Iterable[tuple[str, NDArray[Any]]]:
        names = [t.name for t in self._segment.outputs]
        if not self._fixed:
            made = self._executable.run([wanted[t.name] for t in self._segment.inputs])  # type: ignore[attr-defined]
            return zip(names, made, strict=True)
        for buffer, tensor in zip(self._inputs, self._segment.inputs, strict=True):
            np.copyto(buffer, wanted[tensor.name])
        self._run()
        return zip(names, self._outputs, strict=True)


def _native(plan: Plan, model: CompiledModel) -> Program:
    """The native engine over the same segments, so that it has a value at every border."""
    names = (model.native.name,) * len(plan.segments)
    cut = Plan(plan.graph, plan.segments, names, plan.reasons)
    engines = {model.native.name: model.native}
    return build(cut, engines, model.native, model.settings.options, None)[0]


def _left(plan: Plan) -> list[Any]:
    return [t for segment in plan.segments for t in segment.outputs]


def _segment(
    number: int,
    step: Step,
    built: Built,
    seconds: float,
    inner: Sequence[KernelTime],
    near: dict[str, Nearness],
    own: dict[str, Nearness],
    crossing: dict[str, int],
) -> SegmentReport:
    segment = step.segment
    slowest = sorted(inner, key=lambda kernel: -kernel.microseconds)[:SLOWEST]
    return SegmentReport(
        number=number,
        engine=step.engine,
        nodes=len(segment.members),
        inputs=tuple(t.name for t in segment.inputs),
        outputs=tuple(t.name for t in segment.outputs),
        weight_bytes=_weights(segment),
        border_bytes=sum(crossing[t.name] for t in (*segment.inputs, *segment.outputs)),
        build_seconds=built.seconds,
        cached=built.cached,
        failure=Why(built.failure.code, built.failure.detail) if built.failure else None,
        seconds=seconds,
        sqnr_db=least(near[t.name].decibels for t in segment.outputs),
        own_sqnr_db=least(own[t.name].decibels for t in segment.outputs),
        kernels=tuple(Kernel(k.name, k.kind, number, k.microseconds / 1e6) for k in slowest),
    )


def _weights(segment: Segment) -> int:
    sizes = {
        str(value.name): int(value.const_value.nbytes)
        for node in segment.nodes
        for value in node.inputs
        if value is not None and value.is_initializer() and value.const_value is not None
    }
    return sum(sizes.values())


def _zero_point(graph: Graph, name: str) -> int:
    """What a quantized value counts from: an error is measured in what integers stand for."""
    for node in graph.nodes:
        made = node.op_type == QUANTIZE and node.outputs[0].name == name
        read = node.op_type == DEQUANTIZE and node.inputs[0] and node.inputs[0].name == name
        if (made or read) and len(node.inputs) > 2:
            zeros = constant(node.inputs[2])
            if zeros is not None:
                return int(zeros) if zeros.ndim == 0 else 0
    return 0
