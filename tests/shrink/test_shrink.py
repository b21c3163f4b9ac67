from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from homebody.errors import NotIntegerError, ShrinkError, UsageError
from homebody.runtime import Model, summarize
from homebody.runtime.editing import Graph
from homebody.shrink import Report, compare, edge_tpu, shrink

from .nets import Net, sqnr

RANDOM = np.random.default_rng(0)
SAMPLES = RANDOM.normal(size=(64, 8, 8, 3)).astype(np.float32)


def _mobile(activation: str = "RELU6") -> Net:
    """A residual block with a depthwise convolution, as in MobileNetV2."""
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3), name="image"), RANDOM.normal(size=(6, 3, 3, 3)) / 4,
                 RANDOM.normal(size=6) / 4, name="stem")  # fmt: skip
    wide = net.conv(x, RANDOM.normal(size=(12, 1, 1, 6)) / 2, RANDOM.normal(size=12) / 4,
                    activation=activation, name="expand")  # fmt: skip
    deep = net.depthwise(wide, RANDOM.normal(size=(1, 3, 3, 12)) / 3, np.zeros(12),
                         activation=activation, name="depthwise")  # fmt: skip
    slim = net.conv(deep, RANDOM.normal(size=(6, 1, 1, 12)) / 3, np.zeros(6), name="project")
    mean = net.mean(net.add(x, slim, name="add"), name="pooled")
    net.dense(mean, RANDOM.normal(size=(20, 6)), RANDOM.normal(size=20), name="logits")
    return net


MOBILE = _mobile().build()


def _run(data: bytes, samples: np.ndarray = SAMPLES) -> np.ndarray:
    model = Model(data)
    return np.concatenate([model(x[None])[0] for x in samples])


def _db(data: bytes, shrunk: bytes) -> float:
    return sqnr(_run(data), _run(shrunk))


@pytest.mark.parametrize("range", ["minmax", "mse"])
@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
@pytest.mark.parametrize("correction", ["none", "analytic", "empirical"])
@pytest.mark.parametrize("equalize", [False, True])
def test_every_method_stays_near_float(
    range: Any, rounding: Any, correction: Any, equalize: bool
) -> None:
    shrunk = shrink(MOBILE, SAMPLES, range=range, rounding=rounding, bias_correction=correction,
                    equalize=equalize)  # fmt: skip
    assert _db(MOBILE, shrunk.model) > 25
    assert {op.format for op in shrunk.report.operations} == {"int8"}


def test_int16_is_finer_than_int8_and_float16_finer_still() -> None:
    db = {s: _db(MOBILE, shrink(MOBILE, SAMPLES, scheme=s).model)
          for s in ("int8", "int16x8", "float16")}  # type: ignore[arg-type]  # fmt: skip
    assert db["int8"] + 3 < db["int16x8"] < db["float16"]


def test_bias_correction_takes_off_what_rounding_adds() -> None:
    net = Net()
    # Inputs with a mean of 10 and weights that all round up: a shift and nothing else.
    weights = np.full((1, 64), 0.4)
    weights[0, 0] = 127.0
    net.dense(net.input((1, 64)), weights, np.zeros(1))
    data = net.build()
    samples = (10 + RANDOM.normal(size=(50, 64))).astype(np.float32)
    samples[:, 0] = 0
    shifts = {}
    for correction in ("none", "analytic", "empirical"):
        shrunk = shrink(data, samples, bias_correction=correction).model  # type: ignore[arg-type]
        shifts[correction] = float((_run(shrunk, samples) - _run(data, samples)).mean())
    assert shifts["none"] < -100
    assert abs(shifts["analytic"]) < 2
    assert abs(shifts["empirical"]) < 2


def test_gptq_lets_the_errors_of_correlated_inputs_cancel() -> None:
    net = Net()
    weights = np.full((1, 32), 0.5)
    weights[0, 0] = 127.0
    net.dense(net.input((1, 32)), weights)
    data = net.build()
    common = RANDOM.normal(size=(60, 1))
    samples = (common + 0.01 * RANDOM.normal(size=(60, 32))).astype(np.float32)
    samples[:, 0] = 0
    plain, together = (
        _db_on(data, shrink(data, samples, rounding=r, equalize=False).model, samples)
        for r in ("nearest", "gptq")
    )
    assert together > plain + 10


def _db_on(data: bytes, shrunk: bytes, samples: np.ndarray) -> float:
    return sqnr(_run(data, samples), _run(shrunk, samples))


def test_equalization_helps_where_channels_differ_and_keeps_the_float_network() -> None:
    net = Net()
    uneven = 10.0 ** np.linspace(-2, 1, 8)
    weights = RANDOM.normal(size=(8, 1, 1, 3)) * uneven[:, None, None, None]
    x = net.conv(net.input((1, 8, 8, 3)), weights, np.zeros(8), activation="RELU")
    y = net.depthwise(x, RANDOM.normal(size=(1, 3, 3, 8)) / uneven, np.zeros(8))
    net.mean(y)
    data = net.build()
    plain = shrink(data, SAMPLES, equalize=False)
    level = shrink(data, SAMPLES)
    assert level.report.equalized == 8
    assert _db(data, level.model) > _db(data, plain.model) + 8
    # A few samples do not show what each channel reaches.
    assert shrink(data, SAMPLES[:63]).report.equalized == 0


def test_relu6_is_never_rescaled() -> None:
    net = Net()
    weights = RANDOM.normal(size=(8, 1, 1, 3)) * 10.0 ** np.linspace(-2, 0, 8)[:, None, None, None]
    x = net.conv(net.input((1, 8, 8, 3)), weights, np.zeros(8), activation="RELU6")
    net.depthwise(x, RANDOM.normal(size=(1, 3, 3, 8)), np.zeros(8))
    assert shrink(net.build(), SAMPLES).report.equalized == 0


@pytest.mark.parametrize("io", ["float32", "int8"])
def test_the_ends_have_the_type_that_was_asked_for(io: Any) -> None:
    model = Model(shrink(MOBILE, SAMPLES, io=io).model)
    assert [s.dtype for s in (*model.inputs, *model.outputs)] == [io, io]
    assert [s.shape for s in (*model.inputs, *model.outputs)] == [(1, 8, 8, 3), (1, 20)]


def test_weights_and_biases_follow_the_specification() -> None:
    graph = Graph(shrink(MOBILE, SAMPLES).model)
    for op in graph.operators:
        kind = graph.kind(op)
        if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        x, w, b = (graph.tensors[t] for t in op.inputs)
        codes = graph.constant(op.inputs[1])
        assert codes is not None
        assert codes.dtype == np.int8
        assert codes.min() >= -127
        assert not np.any(w.quantization.zeroPoint)
        axis = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}.get(kind)
        assert len(w.quantization.scale) == (codes.shape[axis] if axis is not None else 1)
        if axis is not None:
            assert w.quantization.quantizedDimension == axis
        np.testing.assert_allclose(
            b.quantization.scale, x.quantization.scale * w.quantization.scale, rtol=1e-6
        )
        bias = graph.constant(op.inputs[2])
        assert bias is not None
        assert bias.dtype == np.int32


def test_operations_that_share_parameters_do() -> None:
    net = Net()
    x = net.input((1, 4, 4, 2))
    big = net.op("MUL", [x, net.constant([50.0], "float32")], (1, 4, 4, 2), options="MulOptions")
    soft = net.op("LOGISTIC", [x], (1, 4, 4, 2))
    net.op("CONCATENATION", [big, x, soft], (1, 4, 4, 6), options="ConcatenationOptions", axis=3)
    data = net.build()
    samples = RANDOM.normal(size=(20, 4, 4, 2)).astype(np.float32)
    shrunk = shrink(data, samples).model
    graph = Graph(shrunk)
    (concat,) = [op for op in graph.operators if graph.kind(op) == "CONCATENATION"]
    found = {
        (float(q.scale[0]), int(q.zeroPoint[0]))
        for t in (*concat.inputs, *concat.outputs)
        for q in [graph.tensors[t].quantization]
    }
    assert len(found) == 1
    # The logistic keeps its own fixed parameters and is rescaled on its way in.
    (logistic,) = [op for op in graph.operators if graph.kind(op) == "LOGISTIC"]
    q = graph.tensors[logistic.outputs[0]].quantization
    assert (float(q.scale[0]), int(q.zeroPoint[0])) == (1 / 256, -128)
    assert sqnr(_run(data, samples), _run(shrunk, samples)) > 35


def _with_cumsum() -> bytes:
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3)), RANDOM.normal(size=(4, 3, 3, 3)), np.zeros(4))
    sums = net.op("CUMSUM", [x, net.constant(1, "int32")], (1, 8, 8, 4), options="CumsumOptions",
                  name="sums")  # fmt: skip
    net.mean(sums)
    return net.build()


def test_what_has_no_kernel_stays_float_with_its_reason() -> None:
    data = _with_cumsum()
    shrunk = shrink(data, SAMPLES)
    (left,) = shrunk.report.float_operations
    assert (left.kind, left.name) == ("CUMSUM", "sums")
    assert "no int8 kernel" in (left.reason or "")
    kinds = [op.name for op in summarize(shrunk.model).operations]
    assert kinds == ["QUANTIZE", "CONV_2D", "DEQUANTIZE", "CUMSUM", "QUANTIZE", "MEAN",
                     "DEQUANTIZE"]  # fmt: skip
    assert _db(data, shrunk.model) > 30


def test_int8_only_names_each_operation_and_its_place() -> None:
    with pytest.raises(NotIntegerError, match=r"#1 CUMSUM 'sums': the runtime has no int8") as info:
        shrink(_with_cumsum(), SAMPLES, scheme="int8-only")
    assert len(info.value.operations) == 1


def test_shape_only_operations_are_exempt() -> None:
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3)), RANDOM.normal(size=(4, 1, 1, 3)), np.zeros(4))
    size = net.op("SHAPE", [x], (4,), dtype="int32", options="ShapeOptions",
                  outType=2)  # fmt: skip
    net.op("RESHAPE", [x, size], (1, 8, 8, 4), options="ReshapeOptions", newShape=[1, 8, 8, 4])
    data = net.build()
    shrunk = shrink(data, SAMPLES, scheme="int8-only")
    assert shrunk.report.float_operations == ()
    assert _db(data, shrunk.model) > 35


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ("logits", {"logits"}),
        ("MEAN", {"pooled"}),
        (["#0", "1"], {"stem", "expand"}),
        ("p*", {"pooled", "project"}),
    ],
)
def test_named_operations_stay_float(names: Any, kept: set[str]) -> None:
    report = shrink(MOBILE, SAMPLES, keep_float=names).report
    assert {op.name for op in report.float_operations} == kept
    assert {op.reason for op in report.float_operations} == {"it was asked to stay float"}


@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
def test_auto_keeps_the_most_sensitive_operations(rounding: Any) -> None:
    shrunk = shrink(MOBILE, SAMPLES, keep_float="auto:2", rounding=rounding)
    ranking = shrunk.report.sensitivity
    assert [s.gain_db for s in ranking] == sorted((s.gain_db for s in ranking), reverse=True)
    kept = {op.index for op in shrunk.report.float_operations}
    assert kept == {s.index for s in ranking[:2]}
    assert ranking[0].gain_db > 0
    whole = shrink(MOBILE, SAMPLES, rounding=rounding)
    assert _db(MOBILE, shrunk.model) > _db(MOBILE, whole.model)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keep_float": "nobody"}, "no operation is called 'nobody'"),
        ({"keep_float": "auto:many"}, "not auto:K"),
        ({"keep_float": ["auto:1", "auto:2"]}, "not auto:K"),
        ({"scheme": "int4"}, "scheme"),
        ({"io": "int16"}, "no int16 inputs"),
        ({"scheme": "int16x8", "io": "int8"}, "no int8 inputs"),
        ({"scheme": "float16", "io": "int8"}, "no int8 inputs"),
        ({"scheme": "hybrid", "rounding": "gptq"}, "hybrid has no use for rounding gptq"),
        ({"scheme": "int16x8", "range": "mse"}, "int16x8 has no use for range mse"),
        ({"range": "percentile"}, "range"),
        ({"scheme": "int8-only", "keep_float": "logits"}, "leaves nothing float"),
    ],
)
def test_wrong_options_are_told_in_a_sentence(options: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        shrink(MOBILE, SAMPLES, **options)


def test_the_report_tells_what_the_file_holds() -> None:
    shrunk = shrink(MOBILE, SAMPLES, sensitivity=True)
    report = shrunk.report
    assert (report.size_before, report.size_after) == (len(MOBILE), len(shrunk.model))
    assert report.calibration_samples == 64
    by_name = {op.output.removesuffix("_equalized"): op
               for op in summarize(shrunk.model).operations}  # fmt: skip
    for op in report.operations[:-1]:
        assert op.scale is not None
        assert f"scale {op.scale:.6g}, zero point {op.zero_point}" == by_name[op.name].quantization
        assert op.sqnr_db is not None
        assert op.sqnr_db > 20
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


@pytest.mark.parametrize(
    ("scheme", "unused"),
    [
        ("int8", set()),
        ("int16x8", {"range", "equalize"}),
        ("hybrid", {"range", "rounding", "bias_correction", "equalize"}),
        ("float16", {"range", "rounding", "bias_correction", "equalize"}),
    ],
)
def test_the_report_names_no_setting_that_does_not_apply(scheme: Any, unused: set[str]) -> None:
    report = shrink(MOBILE, SAMPLES, scheme=scheme).report
    settings = msgspec.structs.asdict(report.settings)
    assert {name for name, value in settings.items() if value is None} == unused


def test_weights_are_counted_as_the_file_holds_them() -> None:
    whole = sum(op.weights for op in summarize(MOBILE).operations if op.name != "MEAN")
    for scheme, ratio in (("float16", 0.5), ("int8", 0.25)):
        report = shrink(MOBILE, SAMPLES, scheme=scheme).report  # type: ignore[arg-type]
        held = sum(op.weight_bytes for op in report.operations if op.kind != "MEAN")
        assert ratio * whole <= held < (ratio + 0.15) * whole


def test_the_report_agrees_with_compare_and_both_with_numpy() -> None:
    samples = SAMPLES[:8]
    shrunk = shrink(MOBILE, samples, equalize=False)
    result = compare(MOBILE, shrunk.model, samples)
    (output,) = result.outputs
    expected, got = _run(MOBILE, samples), _run(shrunk.model, samples)
    assert output.sqnr_db == pytest.approx(sqnr(expected, got), abs=1e-3)
    assert shrunk.report.output_sqnr_db == {"logits": pytest.approx(output.sqnr_db, abs=1e-3)}
    assert output.top1_agreement == (expected.argmax(1) == got.argmax(1)).mean()
    assert output.largest_difference == pytest.approx(np.abs(expected - got).max())
    found = {op.name: op.sqnr_db for op in result.operations}
    for op in shrunk.report.operations:
        assert found[op.name] == pytest.approx(op.sqnr_db, abs=1e-3)


def test_compare_finds_the_operation_that_was_broken() -> None:
    net = _mobile()
    data = net.build()
    broken = Graph(data)
    weights = broken.constant(broken.operators[3].inputs[1])
    assert weights is not None
    broken.set_constant(broken.operators[3].inputs[1], weights + np.float32(0.3))
    result = compare(data, broken.save(), SAMPLES)
    assert result.error_jumps_at == 3
    assert result.operations[2].sqnr_db == 200.0


def test_compare_takes_integer_ends_and_refuses_other_tasks() -> None:
    integer = shrink(MOBILE, SAMPLES, io="int8").model
    assert (compare(MOBILE, integer, SAMPLES).outputs[0].sqnr_db or 0) > 25
    net = Net()
    net.dense(net.input((1, 4)), np.eye(4))
    with pytest.raises(ShrinkError, match="different inputs"):
        compare(MOBILE, net.build(), SAMPLES)


def test_control_flow_is_left_alone() -> None:
    net = Net()
    x = net.conv(net.input((1, 8, 8, 3)), RANDOM.normal(size=(4, 1, 1, 3)), np.zeros(4), name="x")
    big = net.op("GREATER", [net.mean(x), net.constant([[0.0] * 4], "float32")], (1, 4),
                 dtype="bool", options="GreaterOptions")  # fmt: skip
    first = net.op("SLICE", [big, net.constant([0, 0], "int32"), net.constant([1, 1], "int32")],
                   (1, 1), dtype="bool", options="SliceOptions")  # fmt: skip
    branches = []
    for kind in ("ABS", "NEG"):
        branch = Net()
        branches.append(net.attach(branch, branch.op(kind, [branch.input((1, 8, 8, 4))],
                                                     (1, 8, 8, 4))))  # fmt: skip
    chosen = net.op("IF", [first, x], (1, 8, 8, 4), options="IfOptions", name="chosen",
                    thenSubgraphIndex=branches[0], elseSubgraphIndex=branches[1])  # fmt: skip
    net.conv(chosen, RANDOM.normal(size=(4, 1, 1, 4)), np.zeros(4))
    data = net.build()
    shrunk = shrink(data, SAMPLES)
    (left,) = shrunk.report.float_operations
    assert (left.name, left.reason) == (
        "chosen",
        "control flow: its branches are left as they are",
    )
    assert "2 other subgraphs" in shrunk.report.notes[0]
    # A mean near zero may fall to the other side of the comparison; a branch taken is the same.
    per_sample = [sqnr(a, b) for a, b in zip(_run(data), _run(shrunk.model), strict=True)]
    assert np.median(per_sample) > 30


def test_shared_weights_stay_shared() -> None:
    net = Net()
    weights = RANDOM.normal(size=(64, 64))
    x = net.dense(net.input((1, 64)), weights)
    op = net.graph.operators[0]
    y = net.op("FULLY_CONNECTED", [x, op.inputs[1]], (1, 64), options="FullyConnectedOptions")
    data = net.build(y)
    samples = RANDOM.normal(size=(20, 64)).astype(np.float32)
    shrunk = shrink(data, samples).model
    assert len(shrunk) < 64 * 64 + 4000
    assert sqnr(_run(data, samples), _run(shrunk, samples)) > 28
    # Each reader's weights are rounded for what reaches it.
    apart = shrink(data, samples, rounding="gptq").model
    assert len(apart) > 2 * 64 * 64
    assert sqnr(_run(data, samples), _run(apart, samples)) > 28


def test_float16_weights_of_another_tool_are_widened_first() -> None:
    half = shrink(MOBILE, scheme="float16").model
    shrunk = shrink(half, SAMPLES)
    assert shrunk.report.float_operations == ()
    assert _db(MOBILE, shrunk.model) > 25


def test_constants_lie_at_multiples_of_sixteen() -> None:
    data = shrink(MOBILE, SAMPLES).model
    graph = Graph(data)
    for op in graph.operators:
        values = graph.constant(op.inputs[1]) if len(op.inputs) > 1 else None
        if values is not None and values.size >= 36:
            assert data.find(values.tobytes()) % 16 == 0


def test_the_edge_tpu_takes_integer_ends_and_says_what_it_cannot() -> None:
    whole = edge_tpu(shrink(MOBILE, SAMPLES, io="int8").model)
    assert (whole.fully_integer, whole.fits, whole.rejected) == (True, True, ())
    ends = edge_tpu(shrink(MOBILE, SAMPLES).model)
    assert [r.kind for r in ends.rejected] == ["QUANTIZE", "DEQUANTIZE"]
    assert (ends.fits, ends.mapped) == (False, 7)
    partly = edge_tpu(shrink(_with_cumsum(), SAMPLES, io="int8").model)
    assert (partly.mapped, partly.rejected[1].kind) == (1, "CUMSUM")


def test_the_same_inputs_give_the_same_bytes() -> None:
    options: Any = {"rounding": "gptq", "bias_correction": "empirical"}
    assert shrink(MOBILE, SAMPLES, **options).model == shrink(MOBILE, SAMPLES, **options).model
