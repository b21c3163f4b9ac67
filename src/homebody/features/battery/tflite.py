"""A :class:`~homebody.features.battery.net.Net` as a ``.tflite`` model, cut for adapting.

The model has one input, float32 [1, k], and two outputs: the prediction [1, 1] and the last
hidden layer [1, f]. So any LiteRT runtime gives both what the base model says and the features
that a model of one learns on.

Source: TensorFlow Lite schema version 3, through the runtime's own generated object classes.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

from homebody.features.battery.net import Net

schema: Any = schema_py_generated

OPERATIONS = ("FULLY_CONNECTED", "LOGISTIC", "MUL")


def to_tflite(net: Net, *, inputs: str = "inputs", output: str = "prediction") -> bytes:
    """Write a net as a float32 model; equal nets give equal bytes.

    Args:
        net: what is written; its weights are rounded to float32.
        inputs: the input tensor's name.
        output: the prediction's name; the last hidden layer is called ``features``.

    Example:
        >>> from homebody.runtime import Model
        >>> net = Net(((np.eye(2), np.zeros(2)), (np.ones((2, 1)), np.ones(1))), "relu")
        >>> [found.tolist() for found in Model(to_tflite(net))(np.array([[3, -2]], np.float32))]
        [[[4.0]], [[3.0, 0.0]]]
    """
    writer = _Writer()
    value = writer.tensor(inputs, (1, net.layers[0][0].shape[0]))
    first = value
    for index, (weights, biases) in enumerate(net.layers[:-1], start=1):
        last = index == len(net.layers) - 1
        value = writer.dense(
            value, weights, biases, f"hidden{index}", "features" if last else "", net.activation
        )
    features = value
    prediction = writer.dense(value, *net.layers[-1], "last", output, "none")
    return writer.save([first], [prediction, features])


class _Writer:
    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.buffers: list[Any] = [schema.BufferT()]  # 0 is the empty one, of values to come

    def tensor(self, name: str, shape: tuple[int, ...], values: NDArray[Any] | None = None) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), schema.TensorType.FLOAT32
        tensor.buffer = 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def dense(
        self, value: int, weights: NDArray[Any], biases: NDArray[Any], name: str, result: str,
        activation: str,
    ) -> int:  # fmt: skip
        """One layer with its activation; ``result`` names the tensor that leaves it."""
        shape = (1, len(biases))
        sources = [
            value,
            self.tensor(f"{name}/weights", weights.T.shape, np.ascontiguousarray(weights.T)),
            self.tensor(f"{name}/biases", biases.shape, biases),
        ]
        silu = activation == "silu"
        total = self.tensor(f"{name}/sum" if silu else result or name, shape)
        options = schema.FullyConnectedOptionsT()
        if activation == "relu":
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        self.operator("FULLY_CONNECTED", sources, total, "FullyConnectedOptions", options)
        if not silu:
            return total
        gate = self.tensor(f"{name}/gate", shape)
        self.operator("LOGISTIC", [total], gate)
        product = self.tensor(result or name, shape)
        self.operator("MUL", [total, gate], product, "MulOptions", schema.MulOptionsT())
        return product

    def operator(
        self, kind: str, sources: list[int], result: int, options: str = "", value: Any = None
    ) -> None:
        op = schema.OperatorT()
        op.opcodeIndex = OPERATIONS.index(kind)
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
        model.version, model.description = 3, "a dense net cut before its last layer"
        model.operatorCodes = [_code(kind) for kind in OPERATIONS]
        model.subgraphs, model.buffers = [graph], self.buffers
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def _code(kind: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = 1
    return code
