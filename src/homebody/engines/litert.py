"""LiteRT on the processor, for segments that have a TFLite form."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from homebody.engines.engine import Bound, Buffer, KernelTime, Options, Reason, installed
from homebody.engines.graph import Graph, Segment
from homebody.engines.reading import read_graph
from homebody.errors import EngineBuildError, GraphError, ModelError

if TYPE_CHECKING:
    from homebody.runtime import Model


class LiteRt:
    """LiteRT's interpreter with its XNNPACK kernels."""

    name = "litert"
    varies = False

    def probe(self) -> str | Reason:
        """Its version; it comes with Homebody."""
        return installed("ai-edge-litert") or Reason("unavailable", "pip install homebody")

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """What has a TFLite form with its shapes, types and attributes."""
        from homebody.engines.tflite import refusals

        return refusals(graph)

    def build(self, segment: Segment, options: Options) -> Interpreted:
        """Write the segment as a TFLite model and open it."""
        from homebody.engines.tflite import export_tflite

        if options.precision in ("bf16", "fp16"):
            raise EngineBuildError(f"LiteRT does not compute in {options.precision} here")
        try:
            data = export_tflite(read_graph(segment.to_bytes()))
        except GraphError as error:
            raise EngineBuildError(f"LiteRT does not take the segment: {error}") from None
        return self.load(data, segment, options)

    def load(self, saved: bytes, segment: Segment, options: Options) -> Interpreted:
        """Open a TFLite model that was written before."""
        try:
            return Interpreted(saved, options.threads)
        except ModelError as error:
            raise EngineBuildError(f"LiteRT does not build the segment: {error}") from None


class Interpreted:
    """A segment that LiteRT runs."""

    def __init__(self, data: bytes, threads: int) -> None:
        from homebody.runtime import Model

        self._data = data
        self._model = Model(data, threads=threads)

    def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Bound:
        """Run between these buffers and the interpreter's own memory."""
        return _Copying(self._model, inputs, outputs)

    def save(self) -> bytes | None:
        """The TFLite model."""
        return self._data

    def profile(
        self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> tuple[KernelTime, ...]:
        """The whole call: LiteRT does not tell its kernels' times to Python."""
        run = self.bind(inputs, outputs)
        run()
        started = time.perf_counter()
        run()
        return (KernelTime("invoke", "LiteRT", 1e6 * (time.perf_counter() - started)),)


class _Copying:
    """A model with its buffers; LiteRT computes in memory of its own."""

    def __init__(self, model: Model, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> None:
        self._model = model
        self._inputs, self._outputs = list(inputs), list(outputs)

    def __call__(self) -> None:
        self._model.run_into(self._outputs, *self._inputs)

    def point(self, index: int, buffer: Buffer) -> None:
        """Read an input from another buffer."""
        self._inputs[index] = buffer
