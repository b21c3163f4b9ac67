"""Undo what another tool did to the constants, so that they can be shrunk."""

from __future__ import annotations

import numpy as np

from homebody.runtime.editing import Graph


def widen_constants(data: bytes) -> bytes:
    """The model with constants stored as float16 widened to float32; itself if it has none.

    A file that was made with float16 weights has a DEQUANTIZE behind each.
    """
    graph = Graph(data)
    folded = []
    for op in graph.operators:
        values = graph.constant(op.inputs[0]) if len(op.inputs) == 1 else None
        if graph.kind(op) == "DEQUANTIZE" and values is not None and values.dtype == np.float16:
            graph.set_constant(op.outputs[0], values.astype(np.float32))
            folded.append(op)
    if not folded:
        return data
    graph.operators = [op for op in graph.operators if not any(op is f for f in folded)]
    return graph.save()
