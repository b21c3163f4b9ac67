"""What a graph computes from constants alone, computed once and put in its place.

Exporters leave arithmetic on shapes in a graph. Once the shapes are fixed these are constants, and
an engine without, say, Shape or ConstantOfShape takes what is left.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.values import initial

MAX_BYTES = 1 << 24
"""A larger result stays computed: it would make the model larger than the operation does."""

_KEPT = {
    "Bernoulli", "DequantizeLinear", "Dropout", "Multinomial", "QuantizeLinear",
    "RandomNormalLike", "RandomUniformLike",
}  # fmt: skip
"""What is random, and what tells how constants are stored."""


def fold(model: ir.Model) -> int:
    """Replace what only constants go into by its value; changes `model`.

    Shape and Size of values whose dimensions are known are constants too. The native engine
    computes the values, so they are what it would have computed at each call.

    Args:
        model: canonical, with the shapes that are known.

    Returns:
        How many operations were: what is known of shapes may be more by now.
    """
    graph = model.graph
    before = len(graph)
    for node in list(graph):
        source, made = node.inputs[0] if node.inputs else None, node.outputs[0]
        constants = source is not None and source.is_initializer() and not made.is_graph_output()
        if node.op_type == "Identity" and source is not None and constants:
            made.replace_all_uses_with(source)
            graph.remove(node, safe=True)
    found: dict[int, NDArray[np.generic]] = {}
    constant = {id(value) for value in graph.initializers.values()}
    computed: list[ir.Node] = []
    for node in graph:
        if node.domain not in ("", "ai.onnx") or node.op_type in _KEPT or not node.inputs:
            continue
        if node.op_type in ("Shape", "Size") and (values := _dimensions(node)) is not None:
            found[id(node.outputs[0])] = values
            constant.add(id(node.outputs[0]))
        elif all(v is None or id(v) in constant for v in node.inputs) and _small(node):
            computed.append(node)
            constant |= {id(value) for value in node.outputs}
    found |= _computed(model, computed, found)
    for node in list(graph):
        if all(id(v) in found and not v.is_graph_output() for v in node.outputs):
            _replace(graph, node, found)
    return before - len(graph)


def _dimensions(node: ir.Node) -> NDArray[np.int64] | None:
    """What a Shape or Size tells, where every dimension is known."""
    value = node.inputs[0]
    if value is None or value.shape is None:
        return None
    lengths = [length for length in value.shape if isinstance(length, int)]
    if len(lengths) != len(value.shape):
        return None
    if node.op_type == "Size":
        return np.array(np.prod(lengths, dtype=np.int64))
    end = node.attributes.get_int("end", len(lengths))
    return np.array(lengths[node.attributes.get_int("start", 0) : end], np.int64)


def _small(node: ir.Node) -> bool:
    """Whether it is known that an operation's results are not large, and it holds no graphs."""
    kinds = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
    if any(attribute.type in kinds for attribute in node.attributes.values()):
        return False
    for value in node.outputs:
        if value.shape is None or value.dtype in (None, ir.DataType.STRING):
            return False
        lengths = [length for length in value.shape if isinstance(length, int)]
        if len(lengths) != len(value.shape):
            return False
        if np.prod(lengths, dtype=np.float64) * value.dtype.itemsize > MAX_BYTES:
            return False
    return True


def _computed(
    model: ir.Model, nodes: list[ir.Node], known: dict[int, NDArray[np.generic]]
) -> dict[int, NDArray[np.generic]]:
    """The results of operations on constants, by the native engine."""
    import onnxruntime

    if not nodes:
        return {}
    initializers: dict[str, onnx.TensorProto] = {}
    for node in nodes:
        for value in node.inputs:
            if value is None:
                continue
            name = str(value.name)
            if value.const_value is not None:
                initializers[name] = ir.to_proto(value.const_value)
                initializers[name].name = name
            elif id(value) in known:
                initializers[name] = onnx.numpy_helper.from_array(known[id(value)], name)
    results = [value for node in nodes for value in node.outputs]
    graph = onnx.helper.make_graph(
        [ir.to_proto(node) for node in nodes],
        "constants",
        [],
        [ir.to_proto(value) for value in results],
        list(initializers.values()),
    )
    opsets = [onnx.helper.make_opsetid(d, v) for d, v in model.graph.opset_imports.items()]
    proto = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=model.ir_version)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        values = session.run(None, {})
    except Exception:  # what the native engine refuses, it refuses by name when it is built
        return {}
    return {id(v): np.asarray(found) for v, found in zip(results, values, strict=True)}


def _replace(graph: ir.Graph, node: ir.Node, found: dict[int, NDArray[np.generic]]) -> None:
    for value in node.outputs:
        value.replace_all_uses_with(initial(graph, f"{value.name}/folded", found[id(value)]))
    graph.remove(node, safe=True)
