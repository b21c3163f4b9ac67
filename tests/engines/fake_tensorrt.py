"""A stand-in for TensorRT and CUDA's runtime: the same calls, computed by ONNX Runtime.

It holds the adapter to the interface that NVIDIA documents for TensorRT 10 and cuda-python 12; that
a GPU computes the same, only a GPU can tell.
"""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime


class Cuda:
    """``cuda.bindings.runtime``: the GPU's memory is memory."""

    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)

    def __init__(self, devices: int = 1) -> None:
        self.devices = devices
        self.memory: dict[int, Any] = {}
        self.pending: list[Any] = []
        self.fails = ""

    def _error(self, call: str) -> int:
        return 2 if self.fails == call else 0

    def cudaGetDeviceCount(self) -> tuple[int, int]:
        return 0, self.devices

    def cudaDriverGetVersion(self) -> tuple[int, int]:
        return 0, 12040

    def cudaGetDeviceProperties(self, index: int) -> tuple[int, Any]:
        return 0, SimpleNamespace(name=b"Stand-in\0\0", major=9, minor=0)

    def cudaStreamCreate(self) -> tuple[int, int]:
        return 0, 7

    def cudaMalloc(self, size: int) -> tuple[int, int]:
        block = ctypes.create_string_buffer(size)
        address = ctypes.addressof(block)
        self.memory[address] = block
        return self._error("cudaMalloc"), address

    def cudaFree(self, address: int) -> tuple[int]:
        del self.memory[address]
        return (0,)

    def cudaMemcpyAsync(
        self, to: int, source: int, size: int, kind: int, stream: int
    ) -> tuple[int]:
        assert stream == 7
        inside = to if kind == 1 else source
        assert len(self.memory[inside]) >= size
        # Nothing has happened before the stream is waited for.
        self.pending.append(lambda: ctypes.memmove(to, source, size))
        return (0,)

    def cudaStreamSynchronize(self, stream: int) -> tuple[int]:
        for work in self.pending:
            work()
        self.pending.clear()
        return (self._error("cudaStreamSynchronize"),)


class Trt:
    """The module ``tensorrt``."""

    __version__ = "10.0.0"
    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    BuilderFlag = SimpleNamespace(TF32="tf32", FP16="fp16", BF16="bf16", INT8="int8")

    class IProfiler:
        """What a profiler derives from."""

    def __init__(self, cuda: Cuda, refuses: tuple[str, ...] = ()) -> None:
        self.cuda, self.refuses = cuda, refuses
        self.flags: set[str] = {"tf32"}
        self.Logger = type("Logger", (), {"ERROR": 1, "__init__": lambda self, level: None})

    def Builder(self, logger: Any) -> Any:
        flags = self.flags
        config = SimpleNamespace(
            set_memory_pool_limit=lambda pool, size: None,
            set_flag=flags.add,
            clear_flag=flags.discard,
        )
        return SimpleNamespace(
            create_network=lambda flags: SimpleNamespace(model=None),
            create_builder_config=lambda: config,
            build_serialized_network=lambda network, config: network.model,
        )

    def OnnxParser(self, network: Any, logger: Any) -> Any:
        return _Parser(network, self.refuses)

    def Runtime(self, logger: Any) -> Any:
        return SimpleNamespace(deserialize_cuda_engine=self._engine)

    def _engine(self, plan: bytes) -> Any:
        if plan == b"another GPU's":
            return None
        return SimpleNamespace(create_execution_context=lambda: _Context(plan, self.cuda))


class _Parser:
    def __init__(self, network: Any, refuses: tuple[str, ...]) -> None:
        self.network, self.refuses = network, refuses
        self.groups: list[tuple[list[int], bool]] = []

    @property
    def num_subgraphs(self) -> int:
        return len(self.groups)

    def is_subgraph_supported(self, index: int) -> bool:
        return self.groups[index][1]

    def get_subgraph_nodes(self, index: int) -> list[int]:
        return self.groups[index][0]

    def supports_model_v2(self, model: bytes) -> bool:
        nodes = onnx.load_model_from_string(model).graph.node
        self.groups = [([n], node.op_type not in self.refuses) for n, node in enumerate(nodes)]
        return all(taken for _, taken in self.groups)

    num_errors = 1

    def get_error(self, index: int) -> Any:
        return SimpleNamespace(desc=lambda: "no importer registered")

    def parse(self, model: bytes) -> bool:
        for node in onnx.load_model_from_string(model).graph.node:
            if node.op_type == "QuantizeLinear":
                zeros = [i for i in onnx.load_model_from_string(model).graph.initializer
                         if i.name == node.input[2]]  # fmt: skip
                assert not onnx.numpy_helper.to_array(zeros[0]).any(), "TensorRT has no zero points"
        self.network.model = model
        return self.supports_model_v2(model)


class _Context:
    def __init__(self, plan: bytes, cuda: Cuda) -> None:
        self.session = onnxruntime.InferenceSession(plan, providers=["CPUExecutionProvider"])
        self.cuda, self.addresses, self.profiler = cuda, {}, None

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return name in {v.name for v in (*self.session.get_inputs(), *self.session.get_outputs())}

    def execute_async_v3(self, stream: int) -> bool:
        self.cuda.pending.append(self._compute)
        return True

    def _compute(self) -> None:
        feeds = {v.name: self._view(v) for v in self.session.get_inputs()}
        for value, found in zip(
            self.session.get_outputs(), self.session.run(None, feeds), strict=True
        ):
            self._view(value)[...] = found
        if self.profiler is not None:
            self.profiler.report_layer_time("layer", 0.25)

    def _view(self, value: Any) -> np.ndarray:
        dtype = {"tensor(float)": np.float32, "tensor(int8)": np.int8}[value.type]
        count = int(np.prod(value.shape))
        memory = (ctypes.c_char * (count * np.dtype(dtype).itemsize)).from_address(
            self.addresses[value.name]
        )
        return np.frombuffer(memory, dtype).reshape(value.shape)
