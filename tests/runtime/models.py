"""Tiny ``.tflite`` files, built with the runtime's own generated schema (an independent writer)."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def _tensor(name: str, shape: list[int], buffer: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, shape, buffer
    tensor.type = schema.TensorType.FLOAT32
    return tensor


def _operator(code: int, inputs: list[int], outputs: list[int]) -> schema.OperatorT:
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = code, inputs, outputs
    return op


def dense_model(weights: np.ndarray, bias: np.ndarray) -> schema.ModelT:
    """``y = x @ weights.T + bias`` as a FULLY_CONNECTED operation; x is [1, k]."""
    n, k = weights.shape
    model = schema.ModelT()
    model.version, model.description = 3, "dense"
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 1
    model.operatorCodes = [code]
    buffers = [schema.BufferT() for _ in range(3)]
    buffers[1].data = weights.astype("<f4").tobytes()
    buffers[2].data = bias.astype("<f4").tobytes()
    model.buffers = buffers
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("x", [1, k], 0),
        _tensor("w", [n, k], 1),
        _tensor("b", [n], 2),
        _tensor("y", [1, n], 0),
    ]
    op = _operator(0, [0, 1, 2], [3])
    op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    op.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators, graph.inputs, graph.outputs = [op], [0], [3]
    model.subgraphs = [graph]
    return model


def serialize(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
