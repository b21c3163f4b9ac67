"""Float to int8 by :mod:`homebody.shrink`, whatever engine runs it: one range table for all.

The graph is written as a TFLite model, shrunk there, and read back as QDQ. So an ONNX model gets
what shrink gives: equalization, corrected biases, ranges that were observed on real inputs.
"""

from __future__ import annotations

from homebody.engines import qdq
from homebody.engines.graph import QUANTIZE, Graph
from homebody.engines.reading import read_graph
from homebody.engines.tflite import export_tflite, import_tflite
from homebody.errors import GraphError
from homebody.shrink import Source, shrink


def quantize(graph: Graph, samples: Source, *, threads: int = 1) -> Graph:
    """Make a float graph int8.

    Args:
        graph: a float graph; open dimensions other than the batch are not taken.
        samples: about 100 representative inputs, as :func:`homebody.shrink.shrink` takes them.
        threads: how many threads observing may use.

    Returns:
        The graph as QDQ, its inputs and outputs float as before, its batch open if it was.

    Raises:
        GraphError: it is quantized already, has other open dimensions, or an operation that has no
            TFLite form.
        CalibrationError: the samples are none, malformed or do not fit.
    """
    if any(node.op_type == QUANTIZE for node in graph.nodes):
        raise GraphError("the model is quantized already; compile it without samples")
    for tensor in graph.inputs:
        if -1 in tensor.shape[1:]:
            raise GraphError(
                f"the input {tensor.name!r} has an open dimension beside its batch; export the "
                "model with fixed sizes to make it int8"
            )
    static = graph.at({t.name: tuple(abs(d) for d in t.shape) for t in graph.inputs})
    batched = all(t.shape and t.shape[0] == -1 for t in (*graph.inputs, *graph.outputs))
    small = shrink(export_tflite(static, batched=batched), samples, threads=threads).model
    return Graph(qdq.prepare(read_graph(import_tflite(small).SerializeToString()).model))
