"""Small ONNX graphs for the tests: random ones, and ones built by hand."""

from __future__ import annotations

import random

import onnx
from onnx import TensorProto, helper

UNARY, BINARY = ("Relu", "Neg", "Softmax", "Tanh"), ("Add", "Mul", "Sub")


def random_graph(seed: int, nodes: int = 40, *, batch: int | str = "n") -> bytes:
    """A model of `nodes` element-wise operations and Softmax, each reading recent values."""
    dice = random.Random(seed)
    values, made = ["x0", "x1"], []
    for number in range(nodes):
        operation = dice.choice((*UNARY, *BINARY))
        read = [dice.choice(values[-8:]) for _ in range(2 if operation in BINARY else 1)]
        axis = {"axis": -1} if operation == "Softmax" else {}
        made.append(helper.make_node(operation, read, [f"v{number}"], f"n{number}", **axis))
        values.append(f"v{number}")
    read = {name for node in made for name in node.input}
    shape = [batch, 5]
    return model(
        made,
        [value(name, shape) for name in ("x0", "x1") if name in read],
        [value(name, shape) for name in values[2:] if name not in read],
    )


def value(name: str, shape: list[int | str] | None, kind: int = TensorProto.FLOAT):
    """What ONNX says of an input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, *, initializers=(), opset: int = 17) -> bytes:
    """A model's bytes."""
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return made.SerializeToString()


def parsed(data: bytes) -> onnx.ModelProto:
    """The other way round."""
    return onnx.load_model_from_string(data)
