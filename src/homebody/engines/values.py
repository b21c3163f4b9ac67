"""What passes ask of a graph's values: who makes one, who reads it, what is constant."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray


def constant(value: ir.Value | None) -> NDArray[Any] | None:
    """What a value always is; None where it is computed or absent."""
    if value is None or value.const_value is None:
        return None
    return np.asarray(value.const_value.numpy())


def is_number(value: ir.Value | None) -> bool:
    """Whether it is constant and one number."""
    return value is not None and value.const_value is not None and value.const_value.size == 1


def maker(value: ir.Value | None, kind: str) -> ir.Node | None:
    """The node that makes a value, if it is of this kind."""
    node = None if value is None else value.producer()
    return node if node is not None and node.op_type == kind else None


def only_reader(value: ir.Value | None) -> ir.Node | None:
    """What reads a value, if that is one node, which reads it once, and nobody else sees it."""
    if value is None or value.is_graph_output():
        return None
    readers = list(value.uses())
    return readers[0][0] if len(readers) == 1 else None


def initial(graph: ir.Graph, name: str, values: NDArray[Any]) -> ir.Value:
    """A new constant of a graph."""
    held = ir.tensor(values, name=name)
    made = ir.Value(name=name, const_value=held)
    made.shape, made.type = ir.Shape(values.shape), ir.TensorType(held.dtype)
    graph.register_initializer(made)
    return made
