"""The parts of an integer model, for whoever chooses its scales another way than from samples.

Quantization-aware training does: it learns the scales and writes the same format.

    graph = Graph(data)                                    # a float .tflite
    plan = make_plan(graph, bits=8)                        # what becomes integer, what shares
    chosen = {tensor: Parameters(scale, zero_point), ...}  # one for each activation
    weighted = {operation: Weighted(codes, scales, bias), ...}
    model = rewrite(data, plan, chosen, weighted).data     # an int8 .tflite
"""

from __future__ import annotations

from homebody.runtime.editing import Graph
from homebody.shrink._plan import Plan, make_plan
from homebody.shrink._ranges import Parameters, parameters
from homebody.shrink._rewrite import Rewritten, rewrite
from homebody.shrink._rules import Fixed, Rule
from homebody.shrink._weights import BIAS_LIMIT, Weighted

__all__ = [
    "BIAS_LIMIT",
    "Fixed",
    "Graph",
    "Parameters",
    "Plan",
    "Rewritten",
    "Rule",
    "Weighted",
    "make_plan",
    "parameters",
    "rewrite",
]
