"""OpenVINO on the processor. It is held to fp32 unless another precision is asked for."""

from __future__ import annotations

import ctypes
import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from homebody.engines import measure
from homebody.engines.columns import pair_columns
from homebody.engines.engine import Bound, Buffer, KernelTime, Options, Reason, installed
from homebody.engines.graph import QUANTIZE, Graph, Segment, Tensor
from homebody.engines.program import aligned
from homebody.engines.rounding import for_openvino
from homebody.engines.siblings import merge_siblings
from homebody.errors import EngineBuildError, GraphError

_DEVICE = "CPU"
_PRECISION = {"fp32": "f32", "int8": "f32", "int8-exact": "f32", "bf16": "bf16", "fp16": "f16"}
"""By default it computes in bf16 where the processor has it, which fp32 must not mean."""

PLAIN = "plain"
FORMS: dict[str, Callable[[bytes], bytes | None]] = {
    PLAIN: lambda model: model,
    "merged siblings": merge_siblings,
    "paired columns": pair_columns,
    "both": lambda model: (paired := pair_columns(model)) and merge_siblings(paired),
}
"""Ways to say a quantized segment that have one answer, and none where there is nothing to say."""


class OpenVino:
    """OpenVINO's processor plugin."""

    name = "openvino"
    varies = True

    def probe(self) -> str | Reason:
        """Its version, or why it is not here."""
        return installed("openvino") or Reason("unavailable", "pip install 'homebody[engines]'")

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """Ask for the whole graph; only where that is refused, for each node."""
        try:
            model = core().read_model(graph.to_bytes())
            named = set(core().query_model(model, _DEVICE))
            if all(op.get_friendly_name() in named for op in model.get_ops()):
                return (None,) * len(graph.nodes)
        except RuntimeError:
            pass
        alone = (graph.segment([number]) for number in range(len(graph.nodes)))
        return tuple(_refusal(segment.to_bytes()) for segment in alone)

    def build(self, segment: Segment, options: Options) -> Network:
        """Compile a segment, of several forms with the same answer the one that is quickest."""
        found = {}
        for name in FORMS:
            model = said(segment, options, name)
            if model is None:
                continue
            try:
                compiled = core().compile_model(
                    core().read_model(model), _DEVICE, settings_of(options)
                )
            except RuntimeError as error:
                if name != PLAIN:
                    continue
                raise EngineBuildError(
                    f"OpenVINO does not build the segment: {why(error)}"
                ) from None
            found[name] = Network(compiled, segment, options, name)
        return found[_quickest(found, segment)]

    def load(self, saved: bytes, segment: Segment, options: Options) -> Network:
        """Take a compiled network in again."""
        name, _, content = saved.partition(b"\n")
        form = name.decode("ascii", "replace")
        if form not in FORMS:
            raise EngineBuildError("OpenVINO does not load the segment: it is of no form known")
        try:
            compiled = core().import_model(io.BytesIO(content), _DEVICE, settings_of(options))
        except RuntimeError as error:
            raise EngineBuildError(f"OpenVINO does not load the segment: {why(error)}") from None
        return Network(compiled, segment, options, form)


class Network:
    """A segment that OpenVINO compiled."""

    def __init__(self, compiled: Any, segment: Segment, options: Options, form: str) -> None:
        self._compiled = compiled
        self._segment = segment
        self._options = options
        self._form = form
        self._request: Any = None

    def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Bound:
        """Run over these buffers, which OpenVINO shares."""
        return _Request(self._compiled, self._segment, inputs, outputs)

    def run(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        """Run over arrays of any shape that the segment takes."""
        self._request = self._request or self._compiled.create_infer_request()
        given = [np.ascontiguousarray(value) for value in inputs]  # kept while it computes
        for tensor, value in zip(self._segment.inputs, given, strict=True):
            self._request.set_tensor(port_of(self._compiled.inputs, tensor), _shared(value))
        try:
            self._request.infer(share_outputs=True)
        except RuntimeError as error:
            raise GraphError(f"OpenVINO does not take these inputs: {why(error)}") from None
        ports = [port_of(self._compiled.outputs, tensor) for tensor in self._segment.outputs]
        return [self._request.get_tensor(port).data.copy() for port in ports]

    def save(self) -> bytes | None:
        """The compiled network, after a line with its form's name."""
        stream = io.BytesIO()
        stream.write(f"{self._form}\n".encode())
        self._compiled.export_model(stream)
        return stream.getvalue()

    def profile(
        self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> tuple[KernelTime, ...]:
        """Run a second network, built with OpenVINO's counters on."""
        settings = {**settings_of(self._options), "PERF_COUNT": True}
        model = core().read_model(said(self._segment, self._options, self._form))
        compiled = core().compile_model(model, _DEVICE, settings)
        bound = _Request(compiled, self._segment, inputs, outputs)
        bound()
        bound()
        return tuple(
            KernelTime(info.node_name, info.node_type, info.real_time.total_seconds() * 1e6)
            for info in bound.request.get_profiling_info()
            if info.real_time
        )


class _Request:
    """A compiled network with its buffers."""

    def __init__(
        self, compiled: Any, segment: Segment, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> None:
        self.request = compiled.create_infer_request()
        self._infer = self.request.infer
        self._set = self.request.set_tensor
        self._ports = [port_of(compiled.inputs, t) for t in segment.inputs]
        for index, buffer in enumerate(inputs):
            self.point(index, buffer)
        for tensor, buffer in zip(segment.outputs, outputs, strict=True):
            self._set(port_of(compiled.outputs, tensor), _shared(buffer))

    def __call__(self) -> None:
        self._infer(share_outputs=True)

    def point(self, index: int, buffer: Buffer) -> None:
        """Read an input from another buffer."""
        self._set(self._ports[index], _shared(buffer))


def _shared(buffer: Buffer) -> Any:
    """A tensor over a buffer's own memory, which the caller keeps."""
    if not buffer.flags.writeable and buffer.size:
        # OpenVINO refuses to share what may not be written, although it only reads its inputs.
        memory = (ctypes.c_ubyte * buffer.nbytes).from_address(buffer.ctypes.data)
        buffer = np.frombuffer(memoryview(memory), buffer.dtype).reshape(buffer.shape)
    return _tensor()(buffer, True)


def port_of(ports: Sequence[Any], tensor: Tensor) -> Any:
    """A network's input or output for a tensor of the segment."""
    return next(port for port in ports if tensor.name in port.names)


@functools.cache
def _tensor() -> Any:
    import openvino

    return openvino.Tensor


@functools.cache
def core() -> Any:
    """OpenVINO, started once.

    Raises:
        RuntimeError: it is installed and does not start.
    """
    try:
        import openvino
    except ImportError as error:
        raise RuntimeError(f"it is installed and does not start: {error}") from None
    return openvino.Core()


def said(segment: Segment, options: Options, form: str) -> bytes | None:
    """The segment in a form, if it has that; integers rounded as by the other engines."""
    if all(node.op_type != QUANTIZE for node in segment.nodes):
        return segment.to_bytes() if form == PLAIN else None
    model = FORMS[form](segment.to_bytes())
    return model and for_openvino(model, exact=options.precision == "int8-exact")


def _quickest(found: Mapping[str, Network], segment: Segment) -> str:
    """Which form takes the least time here; the plain one where shapes are open."""
    if len(found) == 1 or not segment.static:
        return PLAIN
    inputs, outputs = ([aligned(t) for t in side] for side in (segment.inputs, segment.outputs))
    seconds = measure.medians(
        {name: network.bind(inputs, outputs) for name, network in found.items()},
        seconds=0.02, warm=0.005, limit=1.0,
    )  # fmt: skip
    return min(seconds, key=lambda name: seconds[name])


def settings_of(options: Options) -> dict[str, Any]:
    """What its plugin is told."""
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": options.threads,
        "INFERENCE_PRECISION_HINT": _PRECISION[options.precision],
    }


def _refusal(model: bytes) -> Reason | None:
    try:
        read = core().read_model(model)
        if read.get_ops() and not core().query_model(read, _DEVICE):
            return Reason("unsupported-shape", "its processor plugin does not take the operation")
    except RuntimeError as error:
        text = why(error)
        known = "unsupported" not in text.lower() and "not supported" not in text.lower()
        return Reason("unsupported-shape" if known else "unknown-operation", text)
    return None


def why(error: Exception) -> str:
    """OpenVINO's message without the places in its own source."""
    lines = [line.strip() for line in str(error).splitlines()]
    kept = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return " ".join(kept)[:300] or "it gives no reason"
