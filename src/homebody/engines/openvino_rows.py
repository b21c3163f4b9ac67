"""Any batch on OpenVINO, a row at a time and several rows side by side.

A network of one row is compiled for as many streams as there are threads, one thread each: nothing
is shared between two rows, so no thread ever waits for another within a layer, and one engine
answers every batch. A single row has one thread only; OpenVINO's own engine is quicker there.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from homebody.engines.engine import Bound, Buffer, KernelTime, Options, Reason
from homebody.engines.graph import Graph, Segment
from homebody.engines.openvino import PLAIN, OpenVino, core, port_of, said, settings_of, why
from homebody.errors import EngineBuildError, GraphError

_AT_ONCE = 64
"""Rows that wait in the queue; more requests would only take memory."""


class OpenVinoRows:
    """OpenVINO's processor plugin, each row of a batch a call of its own."""

    name = "openvino-rows"
    varies = True

    def probe(self) -> str | Reason:
        """As OpenVINO."""
        return OpenVino().probe()

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """All of a graph whose batch is open, or nothing."""
        borders = (*graph.inputs, *graph.outputs)
        if not all(tensor.shape[:1] == (-1,) for tensor in borders):
            return (Reason("varying-shape", "not every border has rows"),) * len(graph.nodes)
        reasons = OpenVino().supports(graph)
        if any(reasons):
            part = Reason("unsupported-shape", "OpenVINO does not take the whole graph")
            return tuple(reason or part for reason in reasons)
        return reasons

    def build(self, segment: Segment, options: Options) -> Rows:
        """Compile a graph for one row."""
        one = segment.graph.at({t.name: (1, *t.shape[1:]) for t in segment.inputs})
        if not all(tensor.static and tensor.shape[:1] == (1,) for tensor in one.outputs):
            raise EngineBuildError("what one row gives is not one row of a known shape")
        try:
            model = core().read_model(said(one.whole(), options, PLAIN))
            compiled = core().compile_model(model, "CPU", _streams(options))
        except RuntimeError as error:
            raise EngineBuildError(f"OpenVINO does not build the graph: {why(error)}") from None
        return Rows(compiled, segment)

    def load(self, saved: bytes, segment: Segment, options: Options) -> Rows:
        """Take a compiled network in again."""
        try:
            compiled = core().import_model(io.BytesIO(saved), "CPU", _streams(options))
        except RuntimeError as error:
            raise EngineBuildError(f"OpenVINO does not load the graph: {why(error)}") from None
        return Rows(compiled, segment)


class Rows:
    """A network of one row with its queue."""

    def __init__(self, compiled: Any, segment: Segment) -> None:
        self._compiled = compiled
        self._inputs = [port_of(compiled.inputs, t) for t in segment.inputs]
        self._outputs = [port_of(compiled.outputs, t) for t in segment.outputs]
        self._dtypes = [tensor.dtype for tensor in segment.outputs]
        self._requests: list[Any] = []

    def run(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        """Compute every row of arrays of one length."""
        import openvino

        rows = len(inputs[0])
        given = [np.ascontiguousarray(value) for value in inputs]
        made = [
            np.empty((rows, *tuple(port.shape)[1:]), dtype)
            for port, dtype in zip(self._outputs, self._dtypes, strict=True)
        ]
        while len(self._requests) < min(rows, _AT_ONCE):
            self._requests.append(self._compiled.create_infer_request())
        try:
            for row in range(rows):
                request = self._requests[row % _AT_ONCE]
                if row >= _AT_ONCE:
                    request.wait()
                for ports, arrays in ((self._inputs, given), (self._outputs, made)):
                    for port, array in zip(ports, arrays, strict=True):
                        tensor = openvino.Tensor(array[row : row + 1], shared_memory=True)
                        request.set_tensor(port, tensor)
                request.start_async()
            for request in self._requests[:rows]:
                request.wait()
        except RuntimeError as error:
            for request in self._requests:  # they write to arrays that are about to go
                with contextlib.suppress(RuntimeError):
                    request.wait()
            raise GraphError(f"OpenVINO does not take these inputs: {why(error)}") from None
        return made

    def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Bound:
        """Run between these buffers."""
        return _Copying(self, inputs, outputs)

    def save(self) -> bytes | None:
        """The compiled network."""
        stream = io.BytesIO()
        self._compiled.export_model(stream)
        return stream.getvalue()

    def profile(
        self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> tuple[KernelTime, ...]:
        """The whole call: kernels of rows side by side overlap."""
        self.run(inputs)
        started = time.perf_counter()
        self.run(inputs)
        return (KernelTime("rows", "OpenVINO", 1e6 * (time.perf_counter() - started)),)


class _Copying:
    """Rows with their buffers."""

    def __init__(self, rows: Rows, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> None:
        self._rows = rows
        self._inputs, self._outputs = list(inputs), list(outputs)

    def __call__(self) -> None:
        for buffer, made in zip(self._outputs, self._rows.run(self._inputs), strict=True):
            np.copyto(buffer, made)

    def point(self, index: int, buffer: Buffer) -> None:
        """Read an input from another buffer."""
        self._inputs[index] = buffer


def _streams(options: Options) -> dict[str, Any]:
    settings = {**settings_of(options), "NUM_STREAMS": options.threads}
    del settings["PERFORMANCE_HINT"]  # which would say how many streams there are
    return settings
