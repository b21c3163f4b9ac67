"""What TFLite's 8-bit scheme says of each kind of operation, as data.

Sources: TensorFlow Lite 8-bit quantization specification; kernel versions as TFLite's own
``op_version`` table assigns them. Each row is held to the installed runtime by
``tests/shrink/test_operations.py``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Output = Literal["own", "same", "fixed", "none"]
"""How an operation's outputs get their parameters: from their own range, shared with the inputs,
fixed by the specification, or not at all (integers or booleans)."""


class Weights(NamedTuple):
    """Where an operation's weights are, and which axis of them has one scale a slice."""

    input: int
    """Index of the weights among the operation's inputs."""
    data: int
    """Index of the activation that they are multiplied with."""
    bias: int
    """Index of the bias among the inputs; it may be absent."""
    axis: int
    """The axis of output channels."""
    per_axis: bool = True
    """One scale a slice of ``axis``; False: one scale in all, as the specification has it."""


class Fixed(NamedTuple):
    """Parameters that the specification fixes: scale and zero point for 8 bits, scale for 16."""

    scale: float
    zero_point: int
    scale16: float


class Rule(NamedTuple):
    """One kind of operation."""

    int8: int
    """The kernel's first version with int8 activations."""
    output: Output
    int16: int | None = None
    """The kernel's first version with int16 activations, None if it has none."""
    fixed: Fixed | None = None
    weights: Weights | None = None
    moves: bool = False
    """It only moves values, so that constants among its inputs widen the shared range."""


def _own(int8: int, int16: int | None = None) -> Rule:
    return Rule(int8, "own", int16)


def _same(int8: int, int16: int | None = None, *, moves: bool = False) -> Rule:
    return Rule(int8, "same", int16, moves=moves)


def _fixed(int8: int, int16: int | None, scale: float, zero_point: int, scale16: float) -> Rule:
    return Rule(int8, "fixed", int16, Fixed(scale, zero_point, scale16))


RULES: dict[str, Rule] = {
    "CONV_2D": Rule(3, "own", 4, weights=Weights(1, 0, 2, axis=0)),
    "DEPTHWISE_CONV_2D": Rule(3, "own", 5, weights=Weights(1, 0, 2, axis=3)),
    "FULLY_CONNECTED": Rule(4, "own", 7, weights=Weights(1, 0, 2, axis=0, per_axis=False)),
    "TRANSPOSE_CONV": Rule(3, "own", 3, weights=Weights(1, 2, 3, axis=0)),
    # Arithmetic: every operand and the output have ranges of their own.
    "ADD": _own(2, 3), "SUB": _own(2, 5), "MUL": _own(2, 4), "SQUARED_DIFFERENCE": _own(2),
    "BATCH_MATMUL": _own(2, 3), "PRELU": _own(1), "MEAN": _own(2, 3), "SUM": _own(2),
    "RELU": _own(2, 3), "RELU6": _own(2, 3), "LEAKY_RELU": _own(1, 2), "HARD_SWISH": _own(1),
    "ELU": _own(1), "GELU": _own(2), "EXP": _own(2, 2), "LOG": _own(2, 2), "RSQRT": _own(2, 3),
    "ABS": _own(2, 3),
    # The specification fixes what these give.
    "SOFTMAX": _fixed(2, 3, 1 / 256, -128, 1 / 32768),
    "LOGISTIC": _fixed(2, 3, 1 / 256, -128, 1 / 32768),
    "TANH": _fixed(2, 3, 1 / 128, 0, 1 / 32768),
    "LOG_SOFTMAX": _fixed(2, None, 16 / 256, 127, 0),
    "L2_NORMALIZATION": _fixed(2, None, 1 / 128, 0, 0),
    # These compare or average values: operands and outputs share parameters.
    "AVERAGE_POOL_2D": _same(2, 3), "MAX_POOL_2D": _same(2, 3), "MAXIMUM": _same(2, 4),
    "MINIMUM": _same(2, 4), "REDUCE_MAX": _same(2, 3), "REDUCE_MIN": _same(2, 3),
    "RESIZE_BILINEAR": _same(2, 4), "PADV2": _same(2, 3), "TOPK_V2": _same(2, 3),
    # These move values.
    "RESHAPE": _same(1, 1, moves=True), "SQUEEZE": _same(1, 1, moves=True),
    "EXPAND_DIMS": _same(1, 1, moves=True), "TRANSPOSE": _same(2, 5, moves=True),
    "CONCATENATION": _same(2, 3, moves=True), "PACK": _same(2, 3, moves=True),
    "UNPACK": _same(2, 4, moves=True), "SPLIT": _same(2, 4, moves=True),
    "SPLIT_V": _same(2, moves=True), "SLICE": _same(2, 4, moves=True),
    "STRIDED_SLICE": _same(2, 4, moves=True), "GATHER": _same(2, 4, moves=True),
    "GATHER_ND": _same(1, 3, moves=True), "PAD": _same(2, 3, moves=True),
    "MIRROR_PAD": _same(2, 3, moves=True), "TILE": _same(3, moves=True),
    "BROADCAST_TO": _same(3, 3, moves=True), "REVERSE_V2": _same(3, moves=True),
    "RESIZE_NEAREST_NEIGHBOR": _same(2, 4, moves=True),
    "SPACE_TO_DEPTH": _same(2, moves=True), "DEPTH_TO_SPACE": _same(2, moves=True),
    "SPACE_TO_BATCH_ND": _same(2, 4, moves=True), "BATCH_TO_SPACE_ND": _same(2, 4, moves=True),
    "SELECT": _same(2, 2, moves=True), "SELECT_V2": _same(1, 1, moves=True),
    # These give integers or booleans.
    "ARG_MAX": Rule(2, "none"), "ARG_MIN": Rule(2, "none"), "EQUAL": Rule(2, "none"),
    "NOT_EQUAL": Rule(2, "none"), "LESS": Rule(2, "none"), "LESS_EQUAL": Rule(2, "none"),
    "GREATER": Rule(2, "none"), "GREATER_EQUAL": Rule(2, "none"),
}  # fmt: skip

SHAPE_ONLY = frozenset({"SHAPE", "RANK"})
"""Operations that look at no value: any type of input serves them."""

HYBRID: dict[str, int] = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 12}
"""First version of the kernels that multiply float activations with per-axis int8 weights."""

RECURRENT = frozenset({
    "LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "RNN", "SVDF",
    "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN",
})  # fmt: skip
CONTROL_FLOW = frozenset({"IF", "WHILE", "CALL", "CALL_ONCE"})


def reason_for_float(kind: str) -> str:
    """Why there is no rule for a kind of operation."""
    if kind in RECURRENT:
        return "recurrent: its state would need ranges that outputs do not show"
    if kind in CONTROL_FLOW:
        return "control flow: its branches are left as they are"
    return "the runtime has no int8 kernel for it"
