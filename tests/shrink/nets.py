"""Small networks, written with the runtime's own generated schema (an independent writer)."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "float16": schema.TensorType.FLOAT16,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "bool": schema.TensorType.BOOL,
    "int8": schema.TensorType.INT8,
}


class Net:
    """A model under construction: every method that adds a tensor returns its index."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version, self.model.description = 3, "test"
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, name: str, shape: tuple[int, ...], dtype: str = "float32") -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), 0
        tensor.type = TYPES[dtype]
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def input(self, shape: tuple[int, ...], dtype: str = "float32", name: str = "") -> int:
        index = self.tensor(name or f"input{len(self.graph.inputs)}", shape, dtype)
        self.graph.inputs.append(index)
        return index

    def constant(self, values: Any, dtype: str | None = None, name: str = "") -> int:
        array = np.asarray(values)
        array = array.astype(dtype or array.dtype)
        index = self.tensor(
            name or f"constant{len(self.graph.tensors)}", array.shape, str(array.dtype)
        )
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.graph.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def op(
        self,
        kind: str,
        inputs: list[int],
        *shapes: tuple[int, ...],
        dtype: str = "float32",
        dtypes: tuple[str, ...] = (),
        options: str = "",
        version: int = 1,
        name: str = "",
        **values: Any,
    ) -> Any:
        """Add an operation; gives its only output, or a list of them."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind, version)
        operator.inputs = inputs
        types = dtypes or (dtype,) * len(shapes)
        stem = name or f"{kind.lower()}{len(self.graph.operators)}"
        names = [stem if len(shapes) == 1 else f"{stem}:{i}" for i in range(len(shapes))]
        operator.outputs = [
            self.tensor(n, s, t) for n, s, t in zip(names, shapes, types, strict=True)
        ]
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
            for key, value in values.items():
                assert hasattr(operator.builtinOptions, key), key
                setattr(operator.builtinOptions, key, value)
        self.graph.operators.append(operator)
        return operator.outputs[0] if len(operator.outputs) == 1 else operator.outputs

    def _code(self, kind: str, version: int) -> int:
        builtin = getattr(schema.BuiltinOperator, kind)
        for index, code in enumerate(self.model.operatorCodes):
            if code.builtinCode == builtin and code.version == version:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
        code.version = version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    # Layers that many tests need.

    def conv(
        self, x: int, weights: NDArray[Any], bias: Any = None, *, stride: int = 1,
        activation: str = "NONE", padding: str = "SAME", name: str = "",
    ) -> int:  # fmt: skip
        """CONV_2D with weights [out, h, w, in]."""
        shape = self._conv_shape(x, weights.shape[1:3], stride, padding, weights.shape[0])
        inputs = [x, self.constant(weights, "float32")]
        inputs += [] if bias is None else [self.constant(bias, "float32")]
        return self.op(
            "CONV_2D", inputs, shape, options="Conv2DOptions", strideH=stride, strideW=stride,
            padding=getattr(schema.Padding, padding), name=name,
            fusedActivationFunction=getattr(schema.ActivationFunctionType, activation),
        )  # fmt: skip

    def depthwise(
        self, x: int, weights: NDArray[Any], bias: Any, *, stride: int = 1,
        activation: str = "NONE", padding: str = "SAME", name: str = "",
    ) -> int:  # fmt: skip
        """DEPTHWISE_CONV_2D with weights [1, h, w, out]."""
        shape = self._conv_shape(x, weights.shape[1:3], stride, padding, weights.shape[3])
        inputs = [x, self.constant(weights, "float32"), self.constant(bias, "float32")]
        return self.op(
            "DEPTHWISE_CONV_2D", inputs, shape, options="DepthwiseConv2DOptions",
            strideH=stride, strideW=stride, padding=getattr(schema.Padding, padding), name=name,
            depthMultiplier=weights.shape[3] // self.shape(x)[3],
            fusedActivationFunction=getattr(schema.ActivationFunctionType, activation),
        )  # fmt: skip

    def dense(self, x: int, weights: NDArray[Any], bias: Any = None, *, name: str = "") -> int:
        """FULLY_CONNECTED with weights [out, in]."""
        inputs = [x, self.constant(weights, "float32")]
        inputs += [] if bias is None else [self.constant(bias, "float32")]
        return self.op(
            "FULLY_CONNECTED", inputs, (1, len(weights)), options="FullyConnectedOptions", name=name
        )

    def add(self, x: int, y: int, *, name: str = "") -> int:
        return self.op("ADD", [x, y], self.shape(x), options="AddOptions", name=name)

    def mean(self, x: int, *, name: str = "") -> int:
        n, _, _, c = self.shape(x)
        axes = self.constant([1, 2], "int32")
        return self.op("MEAN", [x, axes], (n, c), options="ReducerOptions", name=name)

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self.graph.tensors[tensor].shape)

    def _conv_shape(
        self, x: int, kernel: tuple[int, ...], stride: int, padding: str, channels: int
    ) -> tuple[int, ...]:
        n, h, w, _ = self.shape(x)
        if padding == "SAME":
            return (n, -(-h // stride), -(-w // stride), channels)
        return (n, (h - kernel[0]) // stride + 1, (w - kernel[1]) // stride + 1, channels)

    def attach(self, branch: Net, *outputs: int) -> int:
        """Take another network in as a further subgraph; returns its number."""
        branch.build(*outputs)
        buffers, codes = len(self.model.buffers), len(self.model.operatorCodes)
        self.model.buffers += branch.model.buffers
        self.model.operatorCodes += branch.model.operatorCodes
        for tensor in branch.graph.tensors:
            tensor.buffer += buffers
        for op in branch.graph.operators:
            op.opcodeIndex += codes
        self.model.subgraphs.append(branch.graph)
        return len(self.model.subgraphs) - 1

    def build(self, *outputs: int) -> bytes:
        """The file; without ``outputs`` the last operation's are the model's."""
        self.graph.outputs = list(outputs) or list(self.graph.operators[-1].outputs)
        return serialize(self.model)


def serialize(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def sqnr(expected: NDArray[Any], actual: NDArray[Any]) -> float:
    """Decibels, written here again so that the tests do not lean on what they test."""
    error = float(((expected - actual) ** 2).sum())
    return 10 * np.log10(float((expected**2).sum()) / max(error, 1e-30))
