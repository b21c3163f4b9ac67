"""Models that would stop, hang or crash the interpreter are refused before it sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated

from homebody.errors import ModelError
from homebody.runtime import Model, _safety, summarize
from homebody.runtime.tflite import operator_names, parse

from ..shrink.nets import Net, serialize

schema: Any = schema_py_generated
RNG = np.random.default_rng(5)


def _net() -> Net:
    net = Net()
    x = net.conv(net.input((1, 6, 6, 3)), RNG.normal(size=(4, 3, 3, 3)), np.ones(4))
    net.op("MAX_POOL_2D", [x], (1, 3, 3, 4), options="Pool2DOptions", strideW=2, strideH=2,
           filterWidth=2, filterHeight=2, name="pooled")  # fmt: skip
    net.build()
    return net


def test_the_net_itself_runs() -> None:
    model = Model(serialize(_net().model))
    assert model(np.zeros((1, 6, 6, 3), np.float32))[0].shape == (1, 3, 3, 4)


def _cycle(graph: Any, ops: list[Any]) -> None:
    ops[0].inputs = [ops[1].outputs[0], *ops[0].inputs[1:]]


def _backwards(graph: Any, ops: list[Any]) -> None:
    ops.reverse()


def _writes_weights(graph: Any, ops: list[Any]) -> None:
    ops[1].outputs = [ops[0].inputs[1]]


def _writes_input(graph: Any, ops: list[Any]) -> None:
    ops[1].outputs = list(graph.inputs)


def _writes_twice(graph: Any, ops: list[Any]) -> None:
    ops[1].outputs = list(ops[0].outputs)


def _writes_itself_twice(graph: Any, ops: list[Any]) -> None:
    ops[1].outputs = [ops[1].outputs[0]] * 2


def _no_options(graph: Any, ops: list[Any]) -> None:
    ops[0].builtinOptions, ops[0].builtinOptionsType = None, 0


def _others_options(graph: Any, ops: list[Any]) -> None:
    ops[0].builtinOptions, ops[0].builtinOptionsType = (
        ops[1].builtinOptions,
        ops[1].builtinOptionsType,
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_cycle, "operation 0 of subgraph 0 reads tensor 4 .*before anything has written it"),
        (_backwards, "before anything has written it"),
        (_writes_weights, "is a constant, an input or another"),
        (_writes_input, "is a constant, an input or another"),
        (_writes_twice, "is a constant, an input or another"),
        (_writes_itself_twice, "is a constant, an input or another"),
        (_no_options, r"operation 0 \('conv_2d0'\) of subgraph 0 lacks its options"),
        (_others_options, "lacks its options"),
    ],
)
def test_what_cannot_run_is_refused_by_name(
    change: Callable[[Any, list[Any]], None], says: str
) -> None:
    net = _net()
    change(net.graph, net.graph.operators)
    data = serialize(net.model)
    for use in (Model, summarize, parse):
        with pytest.raises(ModelError, match=says):
            use(data)


def _one(kind: str, options: str, **values: int) -> bytes:
    """One operation; its operands need not make sense, since nothing gets as far as them."""
    net = Net()
    net.op(kind, [net.input((1, 4, 4, 4))], (1, 4, 4, 4), options=options, name="it", **values)
    return net.build()


OPERATIONS = {
    "AVERAGE_POOL_2D": "Pool2DOptions", "L2_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions", "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "CONV_3D": "Conv3DOptions",
    "CONV_3D_TRANSPOSE": "Conv3DOptions", "TRANSPOSE_CONV": "TransposeConvOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions", "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions", "SPLIT_V": "SplitVOptions",
}  # fmt: skip


def test_every_operation_with_such_options_is_known() -> None:
    names = operator_names()
    assert {names[code] for code in _safety._OPTIONS} == OPERATIONS.keys()


DIVIDES = re.compile(r"stride[WHD]|dilation[WHD]Factor|filter(Width|Height)|blockSize|numSplits")


@pytest.mark.parametrize(("kind", "options"), OPERATIONS.items())
def test_options_that_divide_are_at_least_one(kind: str, options: str) -> None:
    """The generated classes, written by another's generator, say which fields there are."""
    fields = [name for name in vars(getattr(schema, f"{options}T")()) if DIVIDES.fullmatch(name)]
    assert fields
    whole = dict.fromkeys(fields, 1)
    parse(_one(kind, options, **whole))
    for field in fields:
        for value in (0, -1):
            snake = re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", field)
            with pytest.raises(ModelError, match=rf"\('it'\) .* has {snake} {value}; expected"):
                parse(_one(kind, options, **(whole | {field: value})))


def _branching(then: int, other: int, *, inner: int | None = None) -> bytes:
    net = Net()
    x = net.input((1, 4))
    yes = net.constant([True], "bool")
    for kind in ("ABS", "NEG"):
        branch = Net()
        y = branch.input((1, 4))
        if inner is None or kind == "ABS":
            net.attach(branch, branch.op(kind, [y], (1, 4)))
        else:
            again = branch.op("IF", [branch.constant([True], "bool"), y], (1, 4),
                              options="IfOptions", thenSubgraphIndex=inner,
                              elseSubgraphIndex=1)  # fmt: skip
            net.attach(branch, again)
    net.op("IF", [yes, x], (1, 4), options="IfOptions", thenSubgraphIndex=then,
           elseSubgraphIndex=other)  # fmt: skip
    return net.build()


def test_branches_run() -> None:
    model = Model(_branching(1, 2))
    np.testing.assert_array_equal(model(np.full((1, 4), -2, np.float32))[0], np.full((1, 4), 2))
    graph = parse(_branching(1, 2)).subgraphs[0]
    assert graph.operations[0].calls == (1, 2)
    Model(_branching(2, 2, inner=1))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_branching(0, 1), "subgraph 0 runs itself"),
        (_branching(1, 2, inner=0), "subgraph 0 runs itself"),
        (_branching(1, 2, inner=2), "subgraph 0 runs itself|subgraph 2 runs itself"),
        (_branching(1, 7), "runs subgraph 7 of 3"),
        (_branching(-1, 1), "runs subgraph -1 of 3"),
    ],
)
def test_a_subgraph_that_runs_itself_is_refused(data: bytes, says: str) -> None:
    """The interpreter would recurse until its stack ends."""
    with pytest.raises(ModelError, match=says):
        Model(data)


def _sum(left: float, right: float, output: float, kind: str = "ADD", dtype: str = "int8") -> bytes:
    net = Net()
    options = {"ADD": "Add", "SUB": "Sub", "SQUARED_DIFFERENCE": "SquaredDifference"}[kind]
    made = net.op(
        kind,
        [net.input((1, 4), dtype), net.input((1, 4), dtype)],
        (1, 4),
        options=f"{options}Options",
    )
    data = net.build(made)
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    for tensor, scale in zip((*graph.inputs, graph.outputs[0]), (left, right, output), strict=True):
        quantization = schema.QuantizationParametersT()
        quantization.scale, quantization.zeroPoint = np.float32([scale]), np.int64([0])
        graph.tensors[tensor].quantization = quantization
        graph.tensors[tensor].type = getattr(schema.TensorType, dtype.upper())
    return serialize(model)


@pytest.mark.parametrize("kind", ["ADD", "SUB", "SQUARED_DIFFERENCE"])
def test_a_sum_that_its_kernel_cannot_rescale_is_refused(kind: str) -> None:
    """The interpreter would end the process."""
    Model(_sum(0.5, 0.5, 0.5, kind))
    for scales in ((0.5, 0.5, 1e-12), (0.5, 0.5, 0.0), (1e-11, 0.01, 1e-11)):
        with pytest.raises(ModelError, match="rescales a sum by"):
            Model(_sum(*scales, kind))


@pytest.mark.parametrize(("kind", "shift"), [("ADD", 20), ("SUB", 20), ("SQUARED_DIFFERENCE", 14)])
def test_the_finest_sum_that_a_kernel_takes_is_taken(kind: str, shift: int) -> None:
    wide = 2.0 if kind != "SQUARED_DIFFERENCE" else 4.0
    Model(_sum(1, 1, wide / 2**shift * 1.001, kind))
    with pytest.raises(ModelError, match="rescales a sum by 1"):
        Model(_sum(1, 1, wide / 2**shift, kind))
