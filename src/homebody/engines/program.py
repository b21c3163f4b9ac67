"""A compiled graph for given shapes: a flat list of steps over buffers that were bound before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines.engine import Bound, Buffer, Executable, Varying
from homebody.engines.graph import Graph, Segment, Tensor
from homebody.errors import EngineBuildError, GraphError

ALIGNMENT = 64
"""Buffers begin at a multiple of this many bytes: a cache line, and the widest vector."""
WORTH_POINTING = 1 << 16
"""Inputs of as many bytes are read where they are: copying takes longer than saying where."""


@dataclass(frozen=True)
class Step:
    """One segment with the engine that compiled it."""

    segment: Segment
    engine: str
    executable: Executable


@dataclass(frozen=True)
class Moments:
    """When the parts of one call began and ended, in seconds of one clock.

    Attributes:
        began: before the inputs were copied.
        fed: once they were.
        steps: when each step began and ended.
        ended: once the results were copied out.
    """

    began: float
    fed: float
    steps: tuple[tuple[float, float], ...]
    ended: float


class Program:
    """Runs a graph's segments one after the other.

    Calls from several threads take turns: the buffers are one set. Results are copies.

    A segment with a shape at its border that only data fixes is run unbound: it reads and makes
    arrays of the call.

    Args:
        graph: the graph.
        steps: its segments in an order to run them in.

    Raises:
        EngineBuildError: an engine cannot run a segment with varying shapes.
    """

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self.graph = graph
        self.steps = tuple(steps)
        self._buffers: dict[str, Buffer] = {}
        self._varying: dict[str, Buffer] = {}
        for tensor in (*graph.inputs, *(t for s in steps for t in s.segment.outputs)):
            if tensor.static:
                self._buffers[tensor.name] = aligned(tensor)
        self._outside: dict[str, Buffer] = {}
        self._runs = tuple(self._bound(step) for step in steps)
        self._readers: dict[str, list[tuple[Bound, int]]] = {t.name: [] for t in graph.inputs}
        for step, run in zip(steps, self._runs, strict=True):
            for index, tensor in enumerate(step.segment.inputs):
                if tensor.name in self._readers and step.segment.static:
                    self._readers[tensor.name].append((run, index))
        # Looked up once: a call of a small network has a few microseconds for all of this.
        self._wanted = tuple((t.name, t.shape, t.dtype) for t in graph.inputs)
        self._kept = tuple(
            (t.name, self._buffers[t.name]) for t in graph.outputs if t.name in self._buffers
        )
        self._made = tuple(t.name for t in graph.outputs if t.name not in self._buffers)
        self._lock = threading.Lock()

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Compute the outputs by name.

        Args:
            inputs: by name, of the graph's shapes and element types.

        Raises:
            GraphError: an input is absent, unknown, or of another shape or type.
        """
        self._check(inputs)
        with self._lock:
            for name, value in inputs.items():
                self._feed(name, value)
            for run in self._runs:
                run()
            return self._results()

    def _bound(self, step: Step) -> Bound:
        if not step.segment.static:
            return _Unbound(step, self._buffers, self._outside, self._varying)
        return step.executable.bind(
            [self._buffers[t.name] for t in step.segment.inputs],
            [self._buffers[t.name] for t in step.segment.outputs],
        )

    def timed(
        self, inputs: Mapping[str, NDArray[Any]], clock: Callable[[], float] = time.perf_counter
    ) -> Moments:
        """Compute as a call does, and tell when each part of it began and ended.

        Raises:
            GraphError: as a call.
        """
        self._check(inputs)
        steps = []
        with self._lock:
            began = clock()
            for name, value in inputs.items():
                self._feed(name, value)
            fed = clock()
            for run in self._runs:
                start = clock()
                run()
                steps.append((start, clock()))
            _ = self._results()
            return Moments(began, fed, tuple(steps), clock())

    def _results(self) -> dict[str, NDArray[Any]]:
        found = {name: buffer.copy() for name, buffer in self._kept}
        for name in self._made:
            found[name] = self._varying[name].copy()
        return found

    def _feed(self, name: str, value: NDArray[Any]) -> None:
        """Copy an input, or read a large one where it is."""
        if self._outside.get(name) is value and value.flags.c_contiguous:
            return  # the same array as before: engines know where it is
        if name not in self._buffers:
            self._varying[name] = value
            return
        in_place = value.nbytes >= WORTH_POINTING and _usable(value)
        if in_place or name in self._outside:
            source = value if in_place else self._buffers[name]
            for run, index in self._readers[name]:
                run.point(index, source)
            # Kept until another is read, since engines know no more than its address.
            self._outside.pop(name, None)
            if in_place:
                self._outside[name] = value
        if not in_place:
            np.copyto(self._buffers[name], value)

    def values(self) -> dict[str, NDArray[Any]]:
        """What the last call left at every segment's border, as copies."""
        with self._lock:
            found = {**self._buffers, **self._outside, **self._varying}
            return {name: buffer.copy() for name, buffer in found.items()}

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        if len(inputs) == len(self._wanted):
            for name, shape, dtype in self._wanted:
                value = inputs.get(name)
                if value is None or value.shape != shape or value.dtype != dtype:
                    break
            else:
                return
        self._check_closely(inputs)

    def _check_closely(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """What is wrong with them, if anything: open dimensions take any length."""
        if inputs.keys() != self._readers.keys():
            raise GraphError(
                f"the inputs {', '.join(map(repr, sorted(inputs)))} were given; "
                f"give {', '.join(map(repr, sorted(self._readers)))}"
            )
        for name, shape, dtype in self._wanted:
            value = inputs[name]
            fits = value.ndim == len(shape) and all(
                wanted in (-1, length) for wanted, length in zip(shape, value.shape, strict=True)
            )
            if not fits or value.dtype != dtype:
                raise GraphError(
                    f"the input {name!r} is {value.dtype} {list(value.shape)}; "
                    f"give {dtype} {list(shape)}"
                )


class _Unbound:
    """A step over arrays whose shapes differ from call to call."""

    def __init__(
        self,
        step: Step,
        buffers: dict[str, Buffer],
        outside: dict[str, Buffer],
        varying: dict[str, Buffer],
    ) -> None:
        if not isinstance(step.executable, Varying):
            raise EngineBuildError(f"{step.engine} does not take shapes that vary")
        self._run = step.executable.run
        self._segment = step.segment
        self._buffers, self._outside, self._varying = buffers, outside, varying

    def __call__(self) -> None:
        made = self._run([self._found(tensor.name) for tensor in self._segment.inputs])
        for tensor, value in zip(self._segment.outputs, made, strict=True):
            if tensor.name in self._buffers:
                np.copyto(self._buffers[tensor.name], value)
            else:
                self._varying[tensor.name] = value

    def point(self, index: int, buffer: Buffer) -> None:
        """Inputs are looked up at each call."""

    def _found(self, name: str) -> Buffer:
        for values in (self._outside, self._varying):
            if name in values:
                return values[name]
        return self._buffers[name]


def _usable(value: NDArray[Any]) -> bool:
    """Whether engines can read it where it is."""
    return bool(value.flags.c_contiguous and value.flags.aligned)


def aligned(tensor: Tensor) -> Buffer:
    """Zeros of a tensor's shape that begin at a multiple of 64 bytes.

    Raises:
        GraphError: a dimension is not known.
    """
    if not tensor.static:
        raise GraphError(
            f"the shape of {tensor.name!r} depends on what is computed; its segment cannot be bound"
        )
    size = int(np.prod(tensor.shape, dtype=np.int64)) * tensor.dtype.itemsize
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(tensor.dtype).reshape(tensor.shape)
