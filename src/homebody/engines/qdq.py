"""Int8 in the intermediate form: which nodes a quantized operation is made of.

QDQ writes a quantized operation as DequantizeLinear, the operation in float, QuantizeLinear. An
engine fuses the three; a border between them would send float where a byte would do and compute in
float what was to be int8.
"""

from __future__ import annotations

import onnx_ir as ir

from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph


def split_shared(model: ir.Model) -> ir.Model:
    """Give every reader of a dequantized value a DequantizeLinear of its own; changes `model`.

    Without it two operations would share one, and neither could move without the other.
    """
    graph = model.graph
    for node in list(graph):
        if node.op_type != DEQUANTIZE or node.outputs[0].is_graph_output():
            continue
        for copy, (user, index) in enumerate(list(node.outputs[0].uses())[1:], 1):
            twin = ir.Node(
                node.domain,
                node.op_type,
                list(node.inputs),
                list(node.attributes.values()),
                name=f"{node.name}_{copy}",
                version=node.version,
            )
            value, made = node.outputs[0], twin.outputs[0]
            made.name, made.shape, made.type = f"{value.name}_{copy}", value.shape, value.type
            graph.insert_after(node, twin)
            user.replace_input_with(index, made)
    return model


def units(graph: Graph) -> list[int]:
    """For each node the number of the node whose unit it belongs to.

    A DequantizeLinear belongs to its one reader, a QuantizeLinear to what it reads from. In a graph
    that :func:`split_shared` went over, no path leaves such a unit and comes back.
    """
    owner = list(range(len(graph.nodes)))
    readers: dict[int, list[int]] = {}
    for reader, read in enumerate(graph.predecessors):
        for before in read:
            readers.setdefault(before, []).append(reader)
    for index in reversed(range(len(graph.nodes))):
        if graph.nodes[index].op_type == DEQUANTIZE and len(readers.get(index, ())) == 1:
            owner[index] = owner[readers[index][0]]
    for index, node in enumerate(graph.nodes):
        if node.op_type != QUANTIZE or not graph.predecessors[index]:
            continue
        before = graph.predecessors[index][0]
        if graph.nodes[before].op_type != DEQUANTIZE:
            owner[index] = owner[before]
    return owner
