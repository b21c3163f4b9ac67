"""What LiteRT's kernels take: element types, dimensions, and which options and version say so.

Source: TFLite's schema and its operators' versions. What is not float was tried with LiteRT 2.3;
a kernel that is given another type refuses the whole model, and some end the process.
"""

from __future__ import annotations

from dataclasses import dataclass

FLOAT = frozenset({"float32"})
BOOL = frozenset({"bool"})
WORDS = FLOAT | {"int32"}
NUMBERS = WORDS | {"int64"}
MOVED = NUMBERS | {"bool", "int8", "uint8", "int16", "float16"}
"""What is handed on without a computation."""
PARTED = MOVED - {"bool", "float16"}


@dataclass(frozen=True)
class Kernel:
    """An operation of LiteRT's.

    Attributes:
        options: the schema's table of its options; empty if it has none.
        types: what it takes that is not quantized; quantized int8 is asked of where it is written.
        versions: of the kernel, in float and in int8.
        rank: as many dimensions as it takes.
        data: which of its inputs has the type and the dimensions that count.
    """

    options: str = ""
    types: frozenset[str] = FLOAT
    versions: tuple[int, int] = (1, 2)
    rank: int = 8
    data: int = 0


KERNELS: dict[str, Kernel] = {
    "ABS": Kernel("AbsOptions", WORDS),
    "ADD": Kernel("AddOptions", NUMBERS),
    "ARG_MAX": Kernel("ArgMaxOptions", WORDS),
    "ARG_MIN": Kernel("ArgMinOptions", WORDS),
    "AVERAGE_POOL_2D": Kernel("Pool2DOptions"),
    "BATCH_MATMUL": Kernel("BatchMatMulOptions", versions=(1, 4), rank=6),
    "BROADCAST_TO": Kernel("BroadcastToOptions", MOVED, versions=(2, 3)),
    "CAST": Kernel("CastOptions", MOVED | {"float64"}),
    "CEIL": Kernel(),
    "CONCATENATION": Kernel("ConcatenationOptions", MOVED, rank=6),
    "CONV_2D": Kernel("Conv2DOptions", versions=(3, 3)),
    "COS": Kernel("CosOptions"),
    "CUMSUM": Kernel("CumsumOptions", NUMBERS),
    "DEPTHWISE_CONV_2D": Kernel("DepthwiseConv2DOptions", versions=(3, 3)),
    "DEPTH_TO_SPACE": Kernel("DepthToSpaceOptions", NUMBERS),
    "DEQUANTIZE": Kernel("DequantizeOptions", frozenset({"int8", "uint8"}), versions=(2, 2)),
    "DIV": Kernel("DivOptions", WORDS),
    "ELU": Kernel(),
    "EQUAL": Kernel("EqualOptions", NUMBERS | BOOL),
    "EXP": Kernel("ExpOptions"),
    "FLOOR": Kernel(),
    "FLOOR_MOD": Kernel("FloorModOptions", NUMBERS),
    "FULLY_CONNECTED": Kernel("FullyConnectedOptions", versions=(2, 5), rank=6),
    "GATHER": Kernel("GatherOptions", MOVED),
    "GATHER_ND": Kernel("GatherNdOptions", MOVED),
    "GELU": Kernel("GeluOptions"),
    "GREATER": Kernel("GreaterOptions", NUMBERS),
    "GREATER_EQUAL": Kernel("GreaterEqualOptions", NUMBERS),
    "HARD_SWISH": Kernel("HardSwishOptions"),
    "L2_NORMALIZATION": Kernel("L2NormOptions"),
    "LEAKY_RELU": Kernel("LeakyReluOptions"),
    "LESS": Kernel("LessOptions", NUMBERS),
    "LESS_EQUAL": Kernel("LessEqualOptions", NUMBERS),
    "LOCAL_RESPONSE_NORMALIZATION": Kernel("LocalResponseNormalizationOptions"),
    "LOG": Kernel(),
    "LOGICAL_AND": Kernel("LogicalAndOptions", BOOL),
    "LOGICAL_NOT": Kernel("LogicalNotOptions", BOOL),
    "LOGICAL_OR": Kernel("LogicalOrOptions", BOOL),
    "LOGISTIC": Kernel(),
    "LOG_SOFTMAX": Kernel("LogSoftmaxOptions"),
    "MAXIMUM": Kernel("MaximumMinimumOptions", NUMBERS),
    "MAX_POOL_2D": Kernel("Pool2DOptions"),
    "MEAN": Kernel("ReducerOptions", rank=6),
    "MINIMUM": Kernel("MaximumMinimumOptions", NUMBERS),
    "MIRROR_PAD": Kernel("MirrorPadOptions", MOVED),
    "MUL": Kernel("MulOptions", NUMBERS),
    "NEG": Kernel("NegOptions", NUMBERS),
    "NOT_EQUAL": Kernel("NotEqualOptions", NUMBERS | BOOL),
    "ONE_HOT": Kernel("OneHotOptions", NUMBERS | BOOL, data=2),
    "PAD": Kernel("PadOptions", MOVED, rank=6),
    "PADV2": Kernel("PadV2Options", MOVED, rank=5),
    "POW": Kernel("PowOptions", WORDS),
    "PRELU": Kernel(),
    "QUANTIZE": Kernel("QuantizeOptions", FLOAT | {"int8", "uint8"}, versions=(2, 2)),
    "REDUCE_ALL": Kernel("ReducerOptions", BOOL),
    "REDUCE_ANY": Kernel("ReducerOptions", BOOL),
    "REDUCE_MAX": Kernel("ReducerOptions", NUMBERS, rank=6),
    "REDUCE_MIN": Kernel("ReducerOptions", NUMBERS, rank=6),
    "REDUCE_PROD": Kernel("ReducerOptions", NUMBERS),
    "RELU": Kernel(),
    "RELU6": Kernel(),
    "RELU_0_TO_1": Kernel(),
    "RELU_N1_TO_1": Kernel(),
    "RESHAPE": Kernel("ReshapeOptions", MOVED | {"float64"}, versions=(1, 1)),
    "RESIZE_BILINEAR": Kernel("ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": Kernel("ResizeNearestNeighborOptions"),
    "ROUND": Kernel(),
    "RSQRT": Kernel(),
    "SELECT_V2": Kernel("SelectV2Options", MOVED, data=1),
    "SIGN": Kernel("SignOptions", WORDS),
    "SIN": Kernel(),
    "SOFTMAX": Kernel("SoftmaxOptions", rank=6),
    "SPACE_TO_DEPTH": Kernel("SpaceToDepthOptions", NUMBERS),
    "SPLIT_V": Kernel("SplitVOptions", PARTED),
    "SQRT": Kernel(),
    "SQUARE": Kernel("SquareOptions"),
    "SQUARED_DIFFERENCE": Kernel("SquaredDifferenceOptions", WORDS),
    "STRIDED_SLICE": Kernel("StridedSliceOptions", MOVED),
    "SUB": Kernel("SubOptions", NUMBERS),
    "SUM": Kernel("ReducerOptions", NUMBERS, rank=6),
    "TANH": Kernel(),
    "TILE": Kernel("TileOptions", MOVED),
    "TOPK_V2": Kernel("TopKV2Options", PARTED),
    "TRANSPOSE": Kernel("TransposeOptions", MOVED | {"float64"}),
    "TRANSPOSE_CONV": Kernel("TransposeConvOptions", versions=(3, 3), data=2),
}
"""By name, all that is written."""
