"""Where a graph from TensorFlow turns its pictures' channels around."""

from __future__ import annotations

import onnx_ir as ir

from homebody.engines.graph import QUANTIZE
from homebody.engines.values import is_number, maker


def turn_first(model: ir.Model) -> int:
    """Transpose a float input before it is quantized, not after; changes `model`.

    Every number is quantized alike, so the integers stay; a product with one number may stand
    before, which is how some graphs say a scale. OpenVINO then sees QuantizeLinear right
    before what computes, and computes that in int8; with the Transpose between the two it computes
    the first convolution in float. Nobody moves more: engines fuse the two or lay out as they read.

    Returns:
        How many inputs' were exchanged.
    """
    graph, exchanged = model.graph, 0
    for turn in list(graph):
        quantize = maker(turn.inputs[0], QUANTIZE) if turn.op_type == "Transpose" else None
        if quantize is None or turn.outputs[0].is_graph_output():
            continue
        first = quantize
        product = maker(quantize.inputs[0], "Mul")
        if product is not None and is_number(product.inputs[1]):
            first = product
        source = first.inputs[0]
        chain = [quantize] if first is quantize else [quantize, first]
        if (
            source is None
            or not source.is_graph_input()
            or not is_number(quantize.inputs[1])  # scales along an axis would turn too
            or any(len(n.outputs[0].uses()) != 1 or n.outputs[0].is_graph_output() for n in chain)
        ):
            continue
        turned = turn.outputs[0]
        before = ir.Node(
            "", "Transpose", [source], list(turn.attributes.values()), name=f"{turn.name}_first"
        )
        value = before.outputs[0]
        value.name, value.shape, value.type = f"{turned.name}_first", turned.shape, source.type
        graph.insert_before(first, before)
        first.replace_input_with(0, value)
        for node in chain:
            node.outputs[0].shape = turned.shape
        turned.replace_all_uses_with(quantize.outputs[0])
        graph.remove(turn, safe=True)
        exchanged += 1
    return exchanged
