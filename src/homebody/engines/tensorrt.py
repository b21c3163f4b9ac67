"""TensorRT on an NVIDIA GPU.

Needs ``pip install 'homebody[tensorrt]'`` and a driver. It has been tested against a stand-in for
TensorRT's interface, not on a GPU: nothing is claimed of its speed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import onnx_ir as ir

from homebody.engines import qdq
from homebody.engines.engine import Bound, Buffer, KernelTime, Options, Reason
from homebody.engines.graph import Graph, Segment
from homebody.engines.reading import read_graph
from homebody.errors import EngineBuildError

WORKSPACE = 1 << 30
"""Bytes of GPU memory that building may use to try kernels."""


class TensorRt:
    """TensorRT's builder and runtime."""

    name = "tensorrt"
    varies = False

    def probe(self) -> str | Reason:
        """Its version with the GPU's name and driver, which its plans depend on, or why not."""
        try:
            trt, cuda = _trt(), _cuda()
        except ImportError:
            return Reason("unavailable", "pip install 'homebody[tensorrt]'")
        error, count = cuda.cudaGetDeviceCount()
        if int(error) != 0 or count == 0:
            return Reason("unavailable", "there is no NVIDIA GPU, or no driver for it")
        _, driver = cuda.cudaDriverGetVersion()
        _, properties = cuda.cudaGetDeviceProperties(0)
        architecture = f"{properties.major}.{properties.minor}"
        return f"{trt.__version__} on {_text(properties.name)} {architecture}, driver {driver}"

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """What its parser says of each node."""
        if isinstance(why := self.probe(), Reason):
            return (why,) * len(graph.nodes)
        parser = _parser(_network()[1])
        if parser.supports_model_v2(_bytes(graph.whole())):
            return (None,) * len(graph.nodes)
        taken: set[int] = set()
        for part in range(parser.num_subgraphs):
            if parser.is_subgraph_supported(part):
                taken |= set(parser.get_subgraph_nodes(part))
        return tuple(
            None
            if number in taken
            else Reason("unknown-operation", f"its parser does not take {node.op_type} here")
            for number, node in enumerate(graph.nodes)
        )

    def build(self, segment: Segment, options: Options) -> GpuEngine:
        """Parse the segment and let TensorRT choose kernels on this GPU."""
        trt = _trt()
        builder, network = _network()
        parser = _parser(network)
        if not parser.parse(_bytes(segment)):
            errors = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
            raise EngineBuildError(f"TensorRT does not read the segment: {errors[:300]}")
        config = builder.create_builder_config()
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE)
        # By default it computes products in 19 bits of mantissa, which fp32 must not mean.
        config.clear_flag(trt.BuilderFlag.TF32)
        lower = {"bf16": "BF16", "fp16": "FP16", "int8": "INT8", "int8-exact": "INT8"}.get(
            options.precision
        )
        if lower is not None:
            config.set_flag(getattr(trt.BuilderFlag, lower))
        plan = builder.build_serialized_network(network, config)
        if plan is None:
            raise EngineBuildError("TensorRT finds no kernels for the segment on this GPU")
        return self.load(bytes(plan), segment, options)

    def load(self, saved: bytes, segment: Segment, options: Options) -> GpuEngine:
        """Take a plan in again; TensorRT refuses another version's or GPU's."""
        engine = _trt().Runtime(_logger()).deserialize_cuda_engine(saved)
        if engine is None:
            raise EngineBuildError("TensorRT does not read the plan; it was made elsewhere")
        return GpuEngine(engine, saved, segment)


class GpuEngine:
    """A segment that TensorRT compiled."""

    def __init__(self, engine: Any, saved: bytes, segment: Segment) -> None:
        self._engine = engine
        self._saved = saved
        self._segment = segment

    def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Bound:
        """Run between these buffers and the GPU's memory."""
        return _OnGpu(self._engine, self._segment, inputs, outputs)

    def save(self) -> bytes | None:
        """TensorRT's plan."""
        return self._saved

    def profile(
        self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> tuple[KernelTime, ...]:
        """Each layer's time, by TensorRT's own profiler."""
        times: dict[str, float] = {}

        class Profiler(_trt().IProfiler):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()

            def report_layer_time(self, layer_name: str, ms: float) -> None:
                times[layer_name] = 1000 * ms

        bound = _OnGpu(self._engine, self._segment, inputs, outputs)
        bound()
        bound.context.profiler = Profiler()
        bound()
        return tuple(KernelTime(name, "layer", time) for name, time in times.items())


class _OnGpu:
    """An engine with its buffers, and their counterparts on the GPU."""

    def __init__(
        self, engine: Any, segment: Segment, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> None:
        self._cuda = _cuda()
        self.context = engine.create_execution_context()
        self._stream = _done(self._cuda.cudaStreamCreate())
        self._inputs, self._outputs = list(inputs), list(outputs)
        self._memory: list[int] = []
        tensors = (*segment.inputs, *segment.outputs)
        for tensor, buffer in zip(tensors, (*inputs, *outputs), strict=True):
            place = _done(self._cuda.cudaMalloc(max(1, buffer.nbytes)))
            self._memory.append(place)
            if not self.context.set_tensor_address(tensor.name, int(place)):
                raise EngineBuildError(f"TensorRT's engine has no tensor {tensor.name!r}")

    def __call__(self) -> None:
        cuda = self._cuda
        kinds = cuda.cudaMemcpyKind
        entering = self._memory[: len(self._inputs)]
        leaving = self._memory[len(self._inputs) :]
        for place, buffer in zip(entering, self._inputs, strict=True):
            _done(
                cuda.cudaMemcpyAsync(
                    place, buffer.ctypes.data, buffer.nbytes, kinds.cudaMemcpyHostToDevice,
                    self._stream,
                )
            )  # fmt: skip
        if not self.context.execute_async_v3(int(self._stream)):
            raise EngineBuildError("TensorRT stopped while it computed")
        for place, buffer in zip(leaving, self._outputs, strict=True):
            _done(
                cuda.cudaMemcpyAsync(
                    buffer.ctypes.data, place, buffer.nbytes, kinds.cudaMemcpyDeviceToHost,
                    self._stream,
                )
            )  # fmt: skip
        _done(cuda.cudaStreamSynchronize(self._stream))

    def point(self, index: int, buffer: Buffer) -> None:
        """Read an input from another buffer."""
        self._inputs[index] = buffer

    def __del__(self) -> None:
        for place in self.__dict__.get("_memory", ()):
            self._cuda.cudaFree(place)


def _trt() -> Any:
    import tensorrt

    return tensorrt


def _cuda() -> Any:
    from cuda.bindings import runtime

    return runtime


@functools.cache
def _logger() -> Any:
    return _trt().Logger(_trt().Logger.ERROR)


def _network() -> tuple[Any, Any]:
    builder = _trt().Builder(_logger())
    return builder, builder.create_network(0)


def _parser(network: Any) -> Any:
    return _trt().OnnxParser(network, _logger())


def _bytes(segment: Segment) -> bytes:
    """The segment, with integers counted about zero: TensorRT has no zero points."""
    model = read_graph(segment.to_bytes()).model
    qdq.to_symmetric(model)
    return bytes(ir.to_proto(model).SerializeToString(deterministic=True))


def _done(result: tuple[Any, ...]) -> Any:
    error, *value = result
    if int(error) != 0:
        raise EngineBuildError(f"the GPU's driver reports error {int(error)}; is its memory full?")
    return value[0] if value else None


def _text(name: bytes | str) -> str:
    return name.decode("utf-8", "replace").rstrip("\0") if isinstance(name, bytes) else name
