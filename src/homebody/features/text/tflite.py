"""A :class:`~homebody.features.text.bag.Bag` as a ``.tflite`` model.

The model takes ids, int32 [1, length], and gives scores, float32 [1, labels]. Its table holds
8-bit integers, each piece's with a scale of its own, so that it is little more than a quarter of
its size in float32; what follows the look-up is float32.

Source: TensorFlow Lite schema version 3, through the runtime's own generated object classes.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

from homebody.features.text.bag import EPSILON, Bag

schema: Any = schema_py_generated


def to_tflite(bag: Bag, length: int, *, ids: str = "ids", scores: str = "scores") -> bytes:
    """Write a bag as a model whose table is int8; equal bags give equal bytes.

    Args:
        bag: what is written.
        length: how many ids the model takes.
        ids, scores: the names of its input and output.

    Example:
        >>> from homebody.runtime import Model
        >>> table = np.array([[0, 0], [127, -127], [0, 127]], np.float32)
        >>> bag = Bag(table, np.array([0, 1, 1], np.float32), np.zeros(2, np.float32))
        >>> Model(to_tflite(bag, 3))(np.array([[1, 0, 0]], np.int32))[0].round(2).tolist()
        [[127.0, -127.0]]
    """
    pieces, labels = bag.table.shape
    writer = _Writer()
    source = writer.tensor(ids, (1, length), "INT32")
    scales = np.maximum(np.abs(bag.table).max(axis=1, keepdims=True) / 127, np.float32(1e-9))
    table = np.rint(bag.table / scales).astype(np.int8)
    table_at = writer.tensor("table", (pieces, labels), "INT8", table, scale=1.0)
    found = writer.tensor("pieces", (1, length, labels), "INT8", scale=1.0)
    writer.look_up(table_at, source, found)
    steps = writer.tensor("steps", (1, length, labels), "FLOAT32")
    writer.operator("DEQUANTIZE", [found], steps, "DequantizeOptions", schema.DequantizeOptionsT())
    scales_at = writer.tensor("scales", (pieces, 1), "FLOAT32", scales)
    of_each = writer.tensor("scale", (1, length, 1), "FLOAT32")
    writer.look_up(scales_at, source, of_each)
    says = writer.tensor("says", (1, length, labels), "FLOAT32")
    writer.operator("MUL", [steps, of_each], says, "MulOptions", schema.MulOptionsT())
    sums = writer.summed(says, "sums", (1, labels))
    rarity = writer.tensor("rarity", (pieces, 1), "FLOAT32", bag.rarity2[:, None])
    squares = writer.tensor("squares", (1, length, 1), "FLOAT32")
    writer.look_up(rarity, source, squares)
    norm = writer.summed(squares, "norm", (1, 1))
    least = writer.tensor("least", (1, 1), "FLOAT32", np.array([[EPSILON]], np.float32))
    held = writer.tensor("held", (1, 1), "FLOAT32")
    writer.operator("MAXIMUM", [norm, least], held, "MaximumMinimumOptions",
                    schema.MaximumMinimumOptionsT())  # fmt: skip
    inverse = writer.tensor("inverse", (1, 1), "FLOAT32")
    writer.operator("RSQRT", [held], inverse)
    scaled = writer.tensor("scaled", (1, labels), "FLOAT32")
    writer.operator("MUL", [sums, inverse], scaled, "MulOptions", schema.MulOptionsT())
    bias = writer.tensor("bias", (1, labels), "FLOAT32", bag.bias[None])
    result = writer.tensor(scores, (1, labels), "FLOAT32")
    writer.operator("ADD", [scaled, bias], result, "AddOptions", schema.AddOptionsT())
    return writer.save([source], [result])


class _Writer:
    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.kinds: list[str] = []
        self.buffers: list[Any] = [schema.BufferT()]  # 0 is the empty one, of values to come

    def tensor(
        self, name: str, shape: tuple[int, ...], dtype: str, values: NDArray[Any] | None = None,
        scale: float | None = None,
    ) -> int:  # fmt: skip
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        tensor.type = getattr(schema.TensorType, dtype)
        tensor.buffer = 0
        if values is not None:
            buffer = schema.BufferT()
            raw = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
            buffer.data = np.frombuffer(raw, np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def look_up(self, table: int, ids: int, result: int) -> None:
        """The table's rows at ids."""
        self.operator("GATHER", [table, ids], result, "GatherOptions", schema.GatherOptionsT())

    def summed(self, value: int, name: str, shape: tuple[int, ...]) -> int:
        """The sum along axis 1."""
        axis = self.tensor(f"{name}/axis", (1,), "INT32", np.array([1], np.int32))
        result = self.tensor(name, shape, "FLOAT32")
        options = schema.ReducerOptionsT()
        self.operator("SUM", [value, axis], result, "ReducerOptions", options)
        return result

    def operator(
        self, kind: str, sources: list[int], result: int, options: str = "", value: Any = None
    ) -> None:
        if kind not in self.kinds:
            self.kinds.append(kind)
        op = schema.OperatorT()
        op.opcodeIndex = self.kinds.index(kind)
        op.inputs, op.outputs = sources, [result]
        if options:
            op.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            op.builtinOptions = value
        self.operators.append(op)

    def save(self, inputs: list[int], outputs: list[int]) -> bytes:
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs = inputs, outputs
        model = schema.ModelT()
        model.version, model.description = 3, "a weighted bag of pieces"
        model.operatorCodes = [_code(kind) for kind in self.kinds]
        model.subgraphs, model.buffers = [graph], self.buffers
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


# int8 tables came to these operations with their second version, int8 dequantizing likewise.
_VERSIONS = {"GATHER": 2, "DEQUANTIZE": 2}


def _code(kind: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = _VERSIONS.get(kind, 1)
    return code
