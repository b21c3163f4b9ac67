"""What the interpreter trusts a model for, checked before the model reaches it.

:func:`homebody.runtime.tflite.parse` has verified that every index exists. Here: that there is an
order in which the operations can run, that nothing writes into constants, and that no option
divides by zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homebody.errors import ModelError
from homebody.runtime.tflite import Subgraph, TfliteModel

if TYPE_CHECKING:
    from homebody.shrink._graph import Graph

_POSITIVE_OPTIONS = ("strideH", "strideW", "dilationHFactor", "dilationWFactor",
                     "filterHeight", "filterWidth", "blockSize")  # fmt: skip


def verify(model: TfliteModel) -> None:
    """Refuse a model whose operations cannot run in their order.

    Raises:
        ModelError: an operation reads what nothing has written yet (a cycle is one case), two
            operations write one tensor, or one writes into a constant or a graph's input.
    """
    for number, graph in enumerate(model.subgraphs):
        _verify_order(graph, f"subgraph {number}")


def _verify_order(graph: Subgraph, where: str) -> None:
    ready = {t.index for t in graph.tensors if t.size} | set(graph.inputs)
    written: set[int] = set()
    # A tensor that nothing writes and that has no values is a variable or an optional input; the
    # interpreter allocates it. One that a later operation writes is read too early.
    produced = {t for op in graph.operations for t in op.outputs}
    for op in graph.operations:
        for tensor in op.inputs:
            if tensor in produced and tensor not in ready:
                raise ModelError(
                    f"operation {op.index} of {where} reads tensor {tensor} "
                    f"({graph.tensors[tensor].name!r}) before anything has written it; expected "
                    "operations in execution order without cycles, so export the model again"
                )
        for tensor in op.outputs:
            if tensor in ready or tensor in written:
                raise ModelError(
                    f"operation {op.index} of {where} writes tensor {tensor} "
                    f"({graph.tensors[tensor].name!r}), which is a constant, an input or another "
                    "operation's output; expected a tensor of its own, so export the model again"
                )
            written.add(tensor)
        ready.update(op.outputs)


def verify_options(graph: Graph) -> None:
    """Refuse strides, dilations and filter sizes below 1.

    Raises:
        ModelError: naming the operation.
    """
    for index, op in enumerate(graph.operators):
        for option in _POSITIVE_OPTIONS:
            value = getattr(op.builtinOptions, option, 1)
            if not isinstance(value, int) or value < 1:
                raise ModelError(
                    f"{graph.label(index)} has {option} {value}; expected at least 1, "
                    "so export the model again"
                )
