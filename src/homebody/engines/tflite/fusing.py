"""Operations that ONNX says in several and TFLite in one."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import onnx_ir.passes.common as passes

from homebody.engines.graph import Graph
from homebody.engines.values import constant, only_reader


def fuse(graph: Graph) -> Graph:
    """Make one operation of those that TFLite has as one; `graph` is left as it is.

    x (1 + erf(x / sqrt 2)) / 2, in any of the orders that exporters write it in, becomes Gelu
    (Hendrycks and Gimpel, *Gaussian Error Linear Units*, 2016).
    """
    if not any(_gelu(node) for node in graph.nodes if node.op_type == "Erf"):
        return graph
    model = ir.Model(graph.model.graph.clone(), ir_version=graph.model.ir_version)
    for node in list(model.graph):
        found = _gelu(node) if node.op_type == "Erf" else None
        if found is None:
            continue
        source, last = found
        made = last.outputs[0]
        fused = ir.Node("", "Gelu", [source], name=str(last.name))
        value = fused.outputs[0]
        value.name, value.shape, value.type = made.name, made.shape, made.type
        made.name = f"{made.name}/parts"
        model.graph.insert_after(last, fused)
        made.replace_all_uses_with(value, replace_graph_outputs=True)
    return Graph(passes.RemoveUnusedNodesPass()(model).model)


def _gelu(erf: ir.Node) -> tuple[ir.Value, ir.Node] | None:
    """What an Erf's Gelu is of, and the last of its operations."""
    inner = erf.inputs[0].producer() if erf.inputs[0] is not None else None
    scaled = inner and (_with(inner, "Div", np.sqrt(2)) or _with(inner, "Mul", np.sqrt(0.5)))
    more = only_reader(erf.outputs[0])
    plus = more and _with(more, "Add", 1)
    if not scaled or more is None or not plus:
        return None
    product = only_reader(more.outputs[0])
    if product is None or product.op_type != "Mul":
        return None
    half = _with(product, "Mul", 0.5)
    last = only_reader(product.outputs[0])
    if half is not None:  # x * ((1 + erf) / 2)
        return (scaled, last) if last is not None and _times(last, scaled) else None
    if _times(product, scaled):  # (x * (1 + erf)) / 2
        final = last and (_with(last, "Mul", 0.5) or _with(last, "Div", 2))
        return (scaled, last) if last is not None and final else None
    for value in product.inputs:  # (x / 2) * (1 + erf)
        before = value.producer() if value is not None else None
        if before is not None and before is not more and _with(before, "Mul", 0.5) is scaled:
            return scaled, product
    return None


def _with(node: ir.Node, kind: str, number: float) -> ir.Value | None:
    """What an operation computes with one constant number, if it is that operation and number."""
    if node.op_type != kind or len(node.inputs) != 2:
        return None
    first, second = node.inputs
    pairs = [(first, second)] if kind == "Div" else [(first, second), (second, first)]
    for value, other in pairs:
        known = constant(other)
        if value is None or known is None or known.size != 1:
            continue
        if np.isclose(float(known.reshape(())), number, rtol=1e-3):
            return value
    return None


def _times(node: ir.Node, value: ir.Value) -> bool:
    return node.op_type == "Mul" and any(read is value for read in node.inputs)
