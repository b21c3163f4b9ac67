"""Random small networks: the integer one runs, has the same shapes and is near the float one."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.runtime import Model
from homebody.shrink import shrink

from .nets import Net, sqnr

# A step of 8 bits is about 40 dB below its range. A chain of n operations adds about n times that
# noise, and an operation whose outputs cancel can lose as much again.
FIRST_DB, LOST_A_LAYER_DB = 30.0, 2.5


@st.composite
def networks(draw: st.DrawFn) -> tuple[bytes, int]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    net = Net()
    channels = draw(st.integers(2, 6))
    tensors = [net.input((1, 6, 6, channels))]
    layers = draw(st.integers(1, 6))
    for _ in range(layers):
        x = draw(st.sampled_from(tensors))
        n, h, w, c = net.shape(x)
        same = [t for t in tensors if net.shape(t) == net.shape(x)]
        match draw(st.sampled_from(["conv", "depthwise", "add", "concat", "pool", "relu", "tanh",
                                    "pad", "maximum", "logistic"])):  # fmt: skip
            case "conv":
                k, out = draw(st.sampled_from([1, 3])), draw(st.integers(1, 6))
                y = net.conv(
                    x, random.normal(size=(out, k, k, c)), random.normal(size=out),
                    activation=draw(st.sampled_from(["NONE", "RELU", "RELU6"])),
                    padding="SAME",
                )  # fmt: skip
            case "depthwise":
                y = net.depthwise(x, random.normal(size=(1, 3, 3, c)), random.normal(size=c))
            case "add":
                y = net.add(x, draw(st.sampled_from(same)))
            case "concat":
                other = draw(st.sampled_from(same))
                y = net.op("CONCATENATION", [x, other], (n, h, w, 2 * c),
                           options="ConcatenationOptions", axis=3)  # fmt: skip
            case "pool":
                y = net.op("AVERAGE_POOL_2D", [x], (n, h - 1, w - 1, c), options="Pool2DOptions",
                           padding=schema.Padding.VALID, strideH=1, strideW=1, filterHeight=2,
                           filterWidth=2) if min(h, w) > 2 else net.add(x, x)  # fmt: skip
            case "relu":
                y = net.op("RELU", [x], (n, h, w, c))
            case "tanh":
                y = net.op("TANH", [x], (n, h, w, c))
            case "logistic":
                y = net.op("LOGISTIC", [x], (n, h, w, c))
            case "pad":
                pads = net.constant([[0, 0], [1, 0], [0, 1], [0, 0]], "int32")
                y = net.op("PAD", [x, pads], (n, h + 1, w + 1, c), options="PadOptions")
            case _:
                y = net.op("MAXIMUM", [x, draw(st.sampled_from(same))], (n, h, w, c),
                           options="MaximumMinimumOptions")  # fmt: skip
        tensors.append(y)
    return net.build(tensors[-1]), layers


@settings(max_examples=60, deadline=None)
@given(networks(), st.sampled_from(["int8", "int16x8", "float16"]), st.booleans())
def test_shrunk_networks_run_alike(made: tuple[bytes, int], scheme: str, whole: bool) -> None:
    data, layers = made
    float_model = Model(data)
    random = np.random.default_rng(0)
    samples = random.normal(size=(24, *float_model.inputs[0].shape[1:])).astype(np.float32)
    # Whole: calibrated on what it is judged on; else on half of it.
    shrunk = shrink(data, samples if whole else samples[:12], scheme=scheme)  # type: ignore[arg-type]
    model = Model(shrunk.model)
    assert [s.shape for s in model.outputs] == [s.shape for s in float_model.outputs]
    expected = np.concatenate([float_model(x[None])[0].reshape(-1) for x in samples])
    got = np.concatenate([model(x[None])[0].reshape(-1) for x in samples])
    assert np.isfinite(got).all()
    if not np.ptp(expected):
        np.testing.assert_allclose(got, expected, atol=0.02 * np.abs(expected).max() + 1e-6)
        return
    assert sqnr(expected, got) > FIRST_DB - LOST_A_LAYER_DB * layers - (0 if whole else 3)
