"""What the interpreter trusts a model for beyond its indices, checked before the model reaches it.

That there is an order in which the operations can run, that nothing writes into constants, that
no option divides by zero, that sums' scales are within what their kernels rescale to, where the
interpreter would end the process, and that no subgraph runs itself: it would follow that until its
stack ends.

Source: TensorFlow Lite schema version 3, ``tflite/schema/schema.fbs``, for numbers and defaults.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from homebody.errors import ModelError
from homebody.runtime._flatbuffer import Table

if TYPE_CHECKING:
    from homebody.runtime.tflite import Subgraph


class _Options(NamedTuple):
    """A table of options: its number in the union, and which fields count what."""

    union: int
    positive: Mapping[str, tuple[int, int]]
    """Names of the fields that must be 1 at least, to their place and default."""


_CONV = _Options(1, {"stride_w": (1, 0), "stride_h": (2, 0),
                     "dilation_w_factor": (4, 1), "dilation_h_factor": (5, 1)})  # fmt: skip
_DEPTHWISE = _Options(2, {"stride_w": (1, 0), "stride_h": (2, 0),
                          "dilation_w_factor": (5, 1), "dilation_h_factor": (6, 1)})  # fmt: skip
_POOL = _Options(5, {"stride_w": (1, 0), "stride_h": (2, 0),
                     "filter_width": (3, 0), "filter_height": (4, 0)})  # fmt: skip
_CONV_3D = _Options(106, {"stride_d": (1, 0), "stride_w": (2, 0), "stride_h": (3, 0),
                          "dilation_d_factor": (5, 1), "dilation_w_factor": (6, 1),
                          "dilation_h_factor": (7, 1)})  # fmt: skip
_OPTIONS = {
    1: _POOL, 12: _POOL, 17: _POOL,  # AVERAGE_POOL_2D, L2_POOL_2D, MAX_POOL_2D
    3: _CONV, 4: _DEPTHWISE, 132: _CONV_3D, 141: _CONV_3D,
    67: _Options(49, {"stride_w": (1, 0), "stride_h": (2, 0)}),  # TRANSPOSE_CONV
    5: _Options(94, {"block_size": (0, 0)}),  # DEPTH_TO_SPACE
    26: _Options(19, {"block_size": (0, 0)}),  # SPACE_TO_DEPTH
    49: _Options(35, {"num_splits": (0, 0)}),  # SPLIT
    102: _Options(79, {"num_splits": (0, 0)}),  # SPLIT_V
}  # fmt: skip
_CALLS = {118: (0, 1), 119: (0, 1), 31: (0,), 129: (0,)}
"""IF, WHILE, CALL and CALL_ONCE: the fields that name subgraphs."""
_UNION, _TABLE = 3, 4  # builtin_options_type and builtin_options of an operator


def verify_options(op: Table, code: int, label: str) -> None:
    """Refuse strides, dilations, filters and counts below 1, and options that are another's.

    Args:
        op: the operator's table.
        code: the built-in operator's.
        label: the operation for people.

    Raises:
        ModelError: naming the operation and the option.
    """
    wanted = _OPTIONS.get(code)
    if wanted is None:
        return
    found = op.table(_TABLE)
    if found is None or op.integer(_UNION, "<B") != wanted.union:
        raise ModelError(f"{label} lacks its options; export the model again")
    for name, (place, default) in wanted.positive.items():
        value = found.integer(place, default=default)
        if value < 1:
            raise ModelError(
                f"{label} has {name} {value}; expected at least 1, so export the model again"
            )


def called_subgraphs(op: Table, code: int) -> tuple[int, ...]:
    """The subgraphs that an operation runs, by number as the file states it."""
    found = op.table(_TABLE) if code in _CALLS else None
    if found is None:
        return ()
    return tuple(found.integer(place) for place in _CALLS[code])


def verify_calls(subgraphs: Sequence[Subgraph]) -> None:
    """Refuse a subgraph that runs one that is absent, or that runs itself, however indirectly.

    Raises:
        ModelError: naming the subgraph.
    """
    calls = [sorted({c for op in graph.operations for c in op.calls}) for graph in subgraphs]
    for number, called in enumerate(calls):
        for other in called:
            if not 0 <= other < len(subgraphs):
                raise ModelError(
                    f"subgraph {number} runs subgraph {other} of {len(subgraphs)}; "
                    "expected an existing one, so export the model again"
                )
    # Take away what runs nothing that is left; a circle stays.
    left = dict(enumerate(calls))
    while done := {n for n, called in left.items() if not any(c in left for c in called)}:
        left = {n: called for n, called in left.items() if n not in done}
    if left:
        raise ModelError(
            f"subgraph {min(left)} runs itself, directly or through others; expected branches and "
            "loops of finite depth, so export the model again"
        )


_SUMS = {0: 20, 41: 20, 99: 14}
"""ADD, SUB and SQUARED_DIFFERENCE: by how many bits 8-bit kernels shift operands to the left."""
_SUM_SHIFT16 = 15
"""The same for the 16-bit kernels of the first two."""


def verify_scales(graph: Subgraph, where: str) -> None:
    """Refuse sums whose output is so much finer than its operands that their kernels abort.

    Those rescale by a factor that has to be below 1, and end the process where it is not.

    Raises:
        ModelError: naming the operation and the factor.
    """
    for op in graph.operations:
        shift = _SUMS.get(op.code)
        operands = [graph.tensors[t] for t in op.inputs if t >= 0]
        if shift is None or len(op.outputs) != 1:
            continue
        tensors = [*operands, graph.tensors[op.outputs[0]]]
        scales = [t.quantization.scales[0] for t in tensors if t.quantization]
        if len(scales) < len(tensors) or tensors[-1].dtype not in ("int8", "uint8", "int16"):
            continue
        if tensors[-1].dtype == "int16":
            shift = _SUM_SHIFT16
        *inputs, output = scales
        widest = 2 * max(inputs)
        reach = widest * widest if op.code == 99 else widest
        factor = reach / (output * 2**shift) if output > 0 else math.inf
        if not 0 < factor < 1:
            raise ModelError(
                f"operation {op.index} of {where} rescales a sum by {factor:.3g}; expected a "
                "factor between 0 and 1, so quantize the model again"
            )


def verify_order(graph: Subgraph, where: str) -> None:
    """Refuse operations that cannot run in their order.

    Raises:
        ModelError: an operation reads what nothing has written yet (a cycle is one case), two
            operations write one tensor, or one writes into a constant or the graph's input.
    """
    ready = {t.index for t in graph.tensors if t.size} | set(graph.inputs)
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
            if tensor in ready:
                raise ModelError(
                    f"operation {op.index} of {where} writes tensor {tensor} "
                    f"({graph.tensors[tensor].name!r}), which is a constant, an input or another "
                    "operation's output; expected a tensor of its own, so export the model again"
                )
            ready.add(tensor)
