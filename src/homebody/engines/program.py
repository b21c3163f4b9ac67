"""A compiled graph for given shapes: a flat list of steps over buffers that were bound before."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines.engine import Buffer, Executable, Run
from homebody.engines.graph import Graph, Segment, Tensor
from homebody.errors import GraphError

ALIGNMENT = 64
"""Buffers begin at a multiple of this many bytes: a cache line, and the widest vector."""


@dataclass(frozen=True)
class Step:
    """One segment with the engine that compiled it."""

    segment: Segment
    engine: str
    executable: Executable


class Program:
    """Runs a graph's segments one after the other.

    Calls from several threads take turns: the buffers are one set. Results are copies.

    Args:
        graph: the graph, of static shapes.
        steps: its segments in an order to run them in.

    Raises:
        GraphError: a border's shape is not known.
    """

    def __init__(self, graph: Graph, steps: Sequence[Step]) -> None:
        self.graph = graph
        self.steps = tuple(steps)
        self._buffers: dict[str, Buffer] = {}
        for tensor in (*graph.inputs, *(t for s in steps for t in s.segment.outputs)):
            self._buffers[tensor.name] = aligned(tensor)
        self._runs: tuple[Run, ...] = tuple(
            step.executable.bind(
                [self._buffers[t.name] for t in step.segment.inputs],
                [self._buffers[t.name] for t in step.segment.outputs],
            )
            for step in steps
        )
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
                np.copyto(self._buffers[name], value)
            for run in self._runs:
                run()
            return {t.name: self._buffers[t.name].copy() for t in self.graph.outputs}

    def values(self) -> dict[str, NDArray[Any]]:
        """What the last call left at every segment's border, as copies."""
        with self._lock:
            return {name: buffer.copy() for name, buffer in self._buffers.items()}

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        wanted = {tensor.name: tensor for tensor in self.graph.inputs}
        if inputs.keys() != wanted.keys():
            raise GraphError(
                f"the inputs {', '.join(map(repr, sorted(inputs)))} were given; "
                f"give {', '.join(map(repr, sorted(wanted)))}"
            )
        for name, value in inputs.items():
            tensor = wanted[name]
            if value.shape != tensor.shape or value.dtype != tensor.dtype:
                raise GraphError(
                    f"the input {name!r} is {value.dtype} {list(value.shape)}; "
                    f"give {tensor.dtype} {list(tensor.shape)}"
                )


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
