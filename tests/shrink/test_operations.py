"""Each kind of operation that has a rule, alone in a network: integer beside LiteRT's own float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from homebody.runtime import Model, summarize
from homebody.shrink import shrink
from homebody.shrink._rules import HYBRID, RULES

from .nets import Net, sqnr

RANDOM = np.random.default_rng(7)
IMAGE = (1, 6, 6, 8)
W = RANDOM.normal(size=(5, 3, 3, 8))
DW = RANDOM.normal(size=(1, 3, 3, 8))
VALID = schema.Padding.VALID


def _image(net: Net) -> int:
    return net.input(IMAGE)


def _unary(kind: str, **values: Any) -> Callable[[Net], Any]:
    return lambda net: net.op(kind, [_image(net)], IMAGE, **values)


def _binary(kind: str, options: str) -> Callable[[Net], Any]:
    return lambda net: net.op(kind, [_image(net), _image(net)], IMAGE, options=options)


def _pool(kind: str) -> Callable[[Net], Any]:
    return lambda net: net.op(
        kind, [_image(net)], (1, 3, 3, 8), options="Pool2DOptions", padding=VALID,
        strideH=2, strideW=2, filterHeight=2, filterWidth=2,
    )  # fmt: skip


def _with(kind: str, values: Any, shape: tuple[int, ...], **more: Any) -> Callable[[Net], Any]:
    """An image and one constant vector of int32."""
    return lambda net: net.op(kind, [_image(net), net.constant(values, "int32")], shape, **more)


def _reduce(kind: str) -> Callable[[Net], Any]:
    return _with(kind, [1, 2], (1, 8), options="ReducerOptions")


def _resize(kind: str, options: str) -> Callable[[Net], Any]:
    return _with(kind, [12, 9], (1, 12, 9, 8), options=options, halfPixelCenters=True, version=3)


def _transpose_conv(net: Net) -> int:
    shape = net.constant([1, 12, 12, 5], "int32")
    x = _image(net)
    bias = net.constant(RANDOM.normal(size=5), "float32")
    return net.op(
        "TRANSPOSE_CONV", [shape, net.constant(W, "float32"), x, bias], (1, 12, 12, 5),
        options="TransposeConvOptions", version=3, padding=schema.Padding.SAME,
        strideH=2, strideW=2,
    )  # fmt: skip


def _compare(kind: str, options: str) -> Callable[[Net], Any]:
    return lambda net: net.op(
        kind, [_image(net), _image(net)], IMAGE, dtype="bool", options=options
    )


def _arg(kind: str, options: str) -> Callable[[Net], Any]:
    return lambda net: net.op(
        kind, [_image(net), net.constant(3, "int32")], (1, 6, 6), dtype="int32", options=options,
        outputType=schema.TensorType.INT32,
    )  # fmt: skip


def _select(kind: str, options: str) -> Callable[[Net], Any]:
    def build(net: Net) -> int:
        mask = net.constant(RANDOM.random(IMAGE) < 0.5, "bool")
        return net.op(kind, [mask, _image(net), _image(net)], IMAGE, options=options)

    return build


def _above_one(net: Net) -> int:
    """Values that logarithms and roots are smooth on."""
    one = net.constant([1.0], "float32")
    return net.op("ADD", [net.op("ABS", [_image(net)], IMAGE), one], IMAGE, options="AddOptions")


BUILD: dict[str, Callable[[Net], Any]] = {
    "CONV_2D": lambda net: net.conv(_image(net), W, RANDOM.normal(size=5), activation="RELU"),
    "DEPTHWISE_CONV_2D": lambda net: net.depthwise(_image(net), DW, RANDOM.normal(size=8)),
    "FULLY_CONNECTED": lambda net: net.dense(
        net.input((1, 40)), RANDOM.normal(size=(7, 40)), RANDOM.normal(size=7)
    ),
    "TRANSPOSE_CONV": _transpose_conv,
    "ADD": _binary("ADD", "AddOptions"),
    "SUB": _binary("SUB", "SubOptions"),
    "MUL": _binary("MUL", "MulOptions"),
    "SQUARED_DIFFERENCE": _binary("SQUARED_DIFFERENCE", "SquaredDifferenceOptions"),
    "BATCH_MATMUL": lambda net: net.op(
        "BATCH_MATMUL", [net.input((1, 4, 16)), net.input((1, 16, 5))], (1, 4, 5),
        options="BatchMatMulOptions",
    ),
    "PRELU": lambda net: net.op(
        "PRELU", [_image(net), net.constant(RANDOM.random((1, 1, 8)), "float32")], IMAGE
    ),
    "MEAN": _reduce("MEAN"),
    "SUM": _reduce("SUM"),
    "RELU": _unary("RELU"),
    "RELU6": _unary("RELU6"),
    "LEAKY_RELU": _unary("LEAKY_RELU", options="LeakyReluOptions", alpha=0.2),
    "HARD_SWISH": _unary("HARD_SWISH", options="HardSwishOptions"),
    "ELU": _unary("ELU"),
    "GELU": _unary("GELU", options="GeluOptions"),
    "EXP": _unary("EXP", options="ExpOptions"),
    "LOG": lambda net: net.op("LOG", [_above_one(net)], IMAGE),
    "RSQRT": lambda net: net.op("RSQRT", [_above_one(net)], IMAGE),
    "ABS": _unary("ABS", options="AbsOptions"),
    "SOFTMAX": _unary("SOFTMAX", options="SoftmaxOptions", beta=1.0),
    "LOGISTIC": _unary("LOGISTIC"),
    "TANH": _unary("TANH"),
    "LOG_SOFTMAX": _unary("LOG_SOFTMAX", options="LogSoftmaxOptions"),
    "L2_NORMALIZATION": _unary("L2_NORMALIZATION", options="L2NormOptions"),
    "AVERAGE_POOL_2D": _pool("AVERAGE_POOL_2D"),
    "MAX_POOL_2D": _pool("MAX_POOL_2D"),
    "MAXIMUM": _binary("MAXIMUM", "MaximumMinimumOptions"),
    "MINIMUM": _binary("MINIMUM", "MaximumMinimumOptions"),
    "REDUCE_MAX": _reduce("REDUCE_MAX"),
    "REDUCE_MIN": _reduce("REDUCE_MIN"),
    "RESIZE_BILINEAR": _resize("RESIZE_BILINEAR", "ResizeBilinearOptions"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"),
    "PADV2": lambda net: net.op(
        "PADV2",
        [_image(net), net.constant([[0, 0], [1, 1], [2, 0], [0, 0]], "int32"),
         net.constant(0.5, "float32")],
        (1, 8, 8, 8), options="PadV2Options",
    ),
    "TOPK_V2": lambda net: net.op(
        "TOPK_V2", [net.input((1, 40)), net.constant(5, "int32")], (1, 5), (1, 5),
        dtypes=("float32", "int32"), options="TopKV2Options",
    ),
    "RESHAPE": _with("RESHAPE", [1, 36, 8], (1, 36, 8), options="ReshapeOptions",
                     newShape=[1, 36, 8]),
    "SQUEEZE": lambda net: net.op(
        "SQUEEZE", [_image(net)], (6, 6, 8), options="SqueezeOptions", squeezeDims=[0]
    ),
    "EXPAND_DIMS": _with("EXPAND_DIMS", 1, (1, 1, 6, 6, 8), options="ExpandDimsOptions"),
    "TRANSPOSE": _with("TRANSPOSE", [0, 3, 1, 2], (1, 8, 6, 6), options="TransposeOptions"),
    "CONCATENATION": lambda net: net.op(
        "CONCATENATION", [_image(net), _image(net)], (1, 6, 6, 16),
        options="ConcatenationOptions", axis=3,
    ),
    "PACK": lambda net: net.op(
        "PACK", [_image(net), _image(net)], (2, *IMAGE), options="PackOptions",
        valuesCount=2, axis=0,
    ),
    "UNPACK": lambda net: net.op(
        "UNPACK", [_image(net)], *[(1, 6, 8)] * 6, options="UnpackOptions", num=6, axis=1
    ),
    "SPLIT": lambda net: net.op(
        "SPLIT", [net.constant(3, "int32"), _image(net)], (1, 6, 6, 4), (1, 6, 6, 4),
        options="SplitOptions", numSplits=2,
    ),
    "SPLIT_V": lambda net: net.op(
        "SPLIT_V", [_image(net), net.constant([3, 5], "int32"), net.constant(3, "int32")],
        (1, 6, 6, 3), (1, 6, 6, 5), options="SplitVOptions", numSplits=2,
    ),
    "SLICE": lambda net: net.op(
        "SLICE", [_image(net), net.constant([0, 1, 2, 0], "int32"),
                  net.constant([1, 4, 3, 8], "int32")], (1, 4, 3, 8), options="SliceOptions",
    ),
    "STRIDED_SLICE": lambda net: net.op(
        "STRIDED_SLICE",
        [_image(net), net.constant([0, 0, 0, 0], "int32"), net.constant([1, 6, 6, 8], "int32"),
         net.constant([1, 2, 3, 1], "int32")], (1, 3, 2, 8), options="StridedSliceOptions",
    ),
    "GATHER": _with("GATHER", [3, 0, 5], (1, 3, 6, 8), options="GatherOptions", axis=1),
    "GATHER_ND": _with("GATHER_ND", [[0, 3], [0, 1]], (2, 6, 8), options="GatherNdOptions"),
    "PAD": _with("PAD", [[0, 0], [1, 2], [0, 1], [0, 0]], (1, 9, 7, 8), options="PadOptions"),
    "MIRROR_PAD": _with(
        "MIRROR_PAD", [[0, 0], [1, 2], [0, 1], [0, 0]], (1, 9, 7, 8), options="MirrorPadOptions"
    ),
    "TILE": _with("TILE", [1, 2, 1, 1], (1, 12, 6, 8), options="TileOptions", version=3),
    "BROADCAST_TO": lambda net: net.op(
        "BROADCAST_TO", [net.input((1, 1, 1, 8)), net.constant(list(IMAGE), "int32")], IMAGE,
        options="BroadcastToOptions", version=2,
    ),
    "REVERSE_V2": _with("REVERSE_V2", [1], IMAGE, options="ReverseV2Options", version=3),
    "SPACE_TO_DEPTH": _unary("SPACE_TO_DEPTH"),
    "DEPTH_TO_SPACE": _unary("DEPTH_TO_SPACE"),
    "SPACE_TO_BATCH_ND": lambda net: net.op(
        "SPACE_TO_BATCH_ND", [_image(net), net.constant([2, 2], "int32"),
                              net.constant([[0, 0], [0, 0]], "int32")], (4, 3, 3, 8),
        options="SpaceToBatchNDOptions",
    ),
    "BATCH_TO_SPACE_ND": lambda net: net.op(
        "BATCH_TO_SPACE_ND", [net.input((4, 3, 3, 8)), net.constant([2, 2], "int32"),
                              net.constant([[0, 0], [0, 0]], "int32")], IMAGE,
        options="BatchToSpaceNDOptions",
    ),
    "SELECT": _select("SELECT", "SelectOptions"),
    "SELECT_V2": _select("SELECT_V2", "SelectV2Options"),
    "ARG_MAX": _arg("ARG_MAX", "ArgMaxOptions"),
    "ARG_MIN": _arg("ARG_MIN", "ArgMinOptions"),
    "EQUAL": _compare("EQUAL", "EqualOptions"),
    "NOT_EQUAL": _compare("NOT_EQUAL", "NotEqualOptions"),
    "LESS": _compare("LESS", "LessOptions"),
    "LESS_EQUAL": _compare("LESS_EQUAL", "LessEqualOptions"),
    "GREATER": _compare("GREATER", "GreaterOptions"),
    "GREATER_EQUAL": _compare("GREATER_EQUAL", "GreaterEqualOptions"),
}  # fmt: skip
BUILD["SPACE_TO_DEPTH"] = lambda net: net.op(
    "SPACE_TO_DEPTH", [_image(net)], (1, 3, 3, 32), options="SpaceToDepthOptions", blockSize=2
)
BUILD["DEPTH_TO_SPACE"] = lambda net: net.op(
    "DEPTH_TO_SPACE", [_image(net)], (1, 12, 12, 2), options="DepthToSpaceOptions", blockSize=2
)

# 8 bits over a range that normal values fill give about 40 dB, an operation's rounding less.
LEAST_DB = {"int8": 30.0, "int16x8": 38.0}
COARSER = {"EXP": 25.0, "LOG": 25.0, "SQUARED_DIFFERENCE": 28.0, "SOFTMAX": 28.0}
# Comparisons of nearly equal values turn over within a step.
SAME_ANSWERS = 0.95


def _samples(data: bytes, count: int = 24) -> list[tuple[np.ndarray, ...]]:
    random = np.random.default_rng(3)
    inputs = Model(data).inputs
    return [
        tuple(random.normal(size=spec.shape).astype(np.float32) for spec in inputs)
        for _ in range(count)
    ]


def test_every_rule_has_its_test() -> None:
    assert sorted(BUILD) == sorted(RULES)


def _check(kind: str, data: bytes, scheme: Any, least: float) -> None:
    samples = _samples(data)
    shrunk = shrink(data, samples, scheme=scheme)
    assert [op.reason for op in shrunk.report.operations] == [None] * len(
        shrunk.report.operations
    ), shrunk.report.float_operations
    summary = summarize(shrunk.model)
    wanted = "int16" if scheme == "int16x8" else "int8"
    assert kind in [op.name for op in summary.operations]
    float_model, integer_model = Model(data), Model(shrunk.model)
    pairs = [(float_model(*s), integer_model(*s)) for s in samples]
    for place, spec in enumerate(float_model.outputs):
        expected = np.concatenate([a[place].reshape(-1) for a, _ in pairs])
        actual = np.concatenate([b[place].reshape(-1) for _, b in pairs])
        if spec.dtype == "float32":
            assert sqnr(expected, actual) > least
            made = [op for op in summary.operations if op.name == kind]
            assert {op.dtype for op in made} == {wanted}
        elif kind != "TOPK_V2":
            assert (expected == actual).mean() > SAME_ANSWERS


@pytest.mark.parametrize("kind", sorted(BUILD))
def test_int8_stays_near_float(kind: str) -> None:
    net = Net()
    BUILD[kind](net)
    _check(kind, net.build(), "int8-only", COARSER.get(kind, LEAST_DB["int8"]))


@pytest.mark.parametrize("kind", sorted(k for k in BUILD if RULES[k].int16 is not None))
def test_int16_stays_nearer(kind: str) -> None:
    net = Net()
    BUILD[kind](net)
    _check(kind, net.build(), "int16x8", LEAST_DB["int16x8"])


@pytest.mark.parametrize("kind", sorted(HYBRID))
def test_hybrid_multiplies_float_with_int8_weights(kind: str) -> None:
    net = Net()
    match kind:
        case "CONV_2D":
            net.conv(net.input(IMAGE), RANDOM.normal(size=(32, 3, 3, 8)), RANDOM.normal(size=32))
        case "DEPTHWISE_CONV_2D":
            weights = RANDOM.normal(size=(1, 3, 3, 128))
            net.depthwise(net.input((1, 6, 6, 128)), weights, np.zeros(128))
        case "FULLY_CONNECTED":
            net.dense(net.input((1, 64)), RANDOM.normal(size=(32, 64)), RANDOM.normal(size=32))
    data = net.build()
    shrunk = shrink(data, scheme="hybrid")
    assert len(shrunk.model) < 0.7 * len(data)
    assert [op.format for op in shrunk.report.operations] == ["hybrid"]
    float_model, hybrid = Model(data), Model(shrunk.model)
    for sample in _samples(data):
        assert sqnr(float_model(*sample)[0], hybrid(*sample)[0]) > 30
