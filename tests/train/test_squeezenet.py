"""The weights reader executes nothing and refuses all but arrays; the network is the paper's."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import MissingExtraError, ModelError
from homebody.train import read_weights, squeezenet, to_tflite
from homebody.train.squeezenet import layer_shapes


def random_weights(seed: int = 0) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(seed)
    return {
        name: [
            rng.normal(0, 0.05, shape).astype(np.float32),
            rng.normal(0, 0.05, shape[-1]).astype(np.float32),
        ]
        for name, shape in layer_shapes().items()
    }


WEIGHTS = random_weights()


def pickled(document: object, protocol: int = 3) -> bytes:
    return pickle.dumps(document, protocol=protocol)


class Command:
    """What a hostile pickle does: call something."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def test_layers_are_squeezenet_1_1():
    shapes = layer_shapes()
    assert len(shapes) == 26
    # the count that the authors and every other implementation state for version 1.1
    assert sum(np.prod(shape) + shape[-1] for shape in shapes.values()) == 1_235_496


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_what_numpy_pickles(protocol):
    if protocol == 5:  # numpy pickles by another route there, which a reader need not know
        with pytest.raises(ModelError, match="only numpy arrays"):
            read_weights(pickled(WEIGHTS, protocol))
        return
    if protocol == 2:  # bytes travel as text through codecs.encode, a function call
        with pytest.raises(ModelError, match=r"_codecs\.encode"):
            read_weights(pickled(WEIGHTS, protocol))
        return
    found = read_weights(pickled({**WEIGHTS, "relu": []}, protocol))
    assert found.keys() == WEIGHTS.keys()
    for name, (kernel, bias) in found.items():
        np.testing.assert_array_equal(kernel, WEIGHTS[name][0])
        np.testing.assert_array_equal(bias, WEIGHTS[name][1])
        assert kernel.dtype == bias.dtype == np.float32


def test_reads_the_name_that_numpy_had_before_2(tmp_path):
    data = pickled(WEIGHTS)
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != data
    path = tmp_path / "weights.pkl"
    path.write_bytes(old)
    assert read_weights(path).keys() == WEIGHTS.keys()


def test_keeps_fortran_order():
    weights = {name: list(pair) for name, pair in WEIGHTS.items()}
    weights["conv1"][0] = np.asfortranarray(weights["conv1"][0])
    np.testing.assert_array_equal(read_weights(pickled(weights))["conv1"][0], WEIGHTS["conv1"][0])


@pytest.mark.parametrize(
    "hostile",
    [
        Command(os.system, "touch owned"),
        Command(eval, "1"),
        Command(subprocess.call, ["touch", "owned"]),
        Command(np.load, "x"),
        Command(np.zeros, 1 << 40),
        {"conv1": [Command(print, "x"), np.zeros(3, np.float32)]},
    ],
)
def test_refuses_every_call_by_name(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="only numpy arrays are read"):
        read_weights(pickled(hostile))
    assert not list(tmp_path.iterdir())


def _state(shape: object, data: bytes, code: str = "f4", order: str = "<") -> bytes:
    """A pickle of one array whose state says what it likes."""
    dtype = np.dtype(np.float32)
    state = pickled((1, shape, dtype, False, data))
    head = pickled(np.zeros(1, np.float32))
    opening = head[: head.index(b"R") + 1]  # PROTO .. _reconstruct(ndarray, (0,), b'b')
    body = state[2:-1].replace(
        b"\x02\x00\x00\x00f4", len(code).to_bytes(4, "little") + code.encode()
    )
    body = body.replace(b"\x01\x00\x00\x00<", b"\x01\x00\x00\x00" + order.encode())
    # memo numbers repeat between the two halves, which pickle allows: the later one holds
    return opening + body + b"b."


def test_the_forged_state_is_otherwise_read():
    with pytest.raises(ModelError, match="expected a dict"):
        read_weights(_state((2, 3), bytes(24)))


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        (_state((1 << 20, 1 << 20), bytes(24)), "with 24 bytes"),
        (_state((2, 3), bytes(20)), "with 20 bytes"),
        (_state((-2, -3), bytes(24)), "of shape"),
        (_state((0, 3), b""), "of shape"),
        (_state((True, 6), bytes(24)), "of shape"),
        (_state(6, bytes(24)), "of shape"),
        (_state((2, 3), bytes(24), code="f8"), "expected float32"),
        (_state((2, 3), bytes(24), code="O8"), "expected float32"),
        (_state((2, 3), bytes(24), order=">"), "little-endian"),
    ],
)
def test_refuses_arrays_that_lie(forged, reason):
    with pytest.raises(ModelError, match=reason):
        read_weights(forged)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "expected a dict"),
        ({}, "differ from SqueezeNet"),
        ({1: []}, r"not a \[kernel, bias\] list"),
        ({"conv1": "text"}, r"not a \[kernel, bias\] list"),
        ({"conv1": [1.0, 2.0]}, "other than arrays"),
        ({**WEIGHTS, "conv11": WEIGHTS["conv10"]}, "conv11"),
        ({**WEIGHTS, "conv10": WEIGHTS["conv1"]}, "layer conv10 has kernel"),
        ({**WEIGHTS, "conv10": [WEIGHTS["conv10"][0], WEIGHTS["conv1"][1]]}, r"bias \(64,\)"),
    ],
)
def test_refuses_other_documents(document, reason):
    with pytest.raises(ModelError, match=reason):
        read_weights(pickled(document))


def test_refuses_files_that_cannot_be_it(tmp_path):
    with pytest.raises(ModelError, match="cannot read"):
        read_weights(tmp_path / "absent.pkl")
    large = tmp_path / "large.pkl"
    with large.open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(ModelError, match="over 16 MiB"):
        read_weights(large)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_model_error(data):
    with pytest.raises(ModelError):
        read_weights(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_read_as_weights_or_refused(data):
    small = bytearray(pickled({"conv1": [np.ones((2, 2), np.float32), np.ones(2, np.float32)]}))
    for _ in range(data.draw(st.integers(1, 4))):
        small[data.draw(st.integers(0, len(small) - 1))] = data.draw(st.integers(0, 255))
    with pytest.raises(ModelError):
        read_weights(bytes(small))


@pytest.mark.parametrize("build", [squeezenet, lambda: to_tflite(_Shaped())])
def test_without_the_extra_the_error_says_how_to_get_it(build, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"homebody\[train\]"):
        build()


class _Shaped:
    input_shape = (None, 8, 8, 3)


def test_an_open_input_shape_is_refused():
    class Open:
        input_shape = (None, None, 8, 3)

    with pytest.raises(ModelError, match="fix every dimension"):
        to_tflite(Open())


def test_importing_train_imports_no_tensorflow():
    code = "import sys, homebody.train; print({'keras', 'tensorflow'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def _numpy_squeezenet(x: np.ndarray) -> np.ndarray:
    """The network in float64 numpy; Caffe pools written out: size rounds up, edges clip."""

    def convolve(x: np.ndarray, name: str, stride: int = 1, pad: int = 0) -> np.ndarray:
        kernel, bias = (array.astype(np.float64) for array in WEIGHTS[name])
        x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
        windows = windows[::stride, ::stride]
        return np.maximum(np.einsum("yxcij,ijcd->yxd", windows, kernel, optimize=True) + bias, 0)

    def pool(x: np.ndarray) -> np.ndarray:
        size = -(-(x.shape[0] - 3) // 2) + 1
        starts = range(0, 2 * size, 2)
        return np.array([[x[i : i + 3, j : j + 3].max((0, 1)) for j in starts] for i in starts])

    x = pool(convolve(x, "conv1", stride=2))
    for index in range(2, 10):
        narrow = convolve(x, f"fire{index}/squeeze1x1")
        wide = convolve(narrow, f"fire{index}/expand3x3", pad=1)
        x = np.concatenate([convolve(narrow, f"fire{index}/expand1x1"), wide], axis=2)
        if index in (3, 5):
            x = pool(x)
    assert x.shape == (14, 14, 512)
    return convolve(x, "conv10").mean((0, 1))


@pytest.mark.oracle
def test_the_converted_model_is_the_network_written_out_in_numpy():
    pytest.importorskip("tensorflow")
    from homebody.runtime import Model

    data = to_tflite(squeezenet(WEIGHTS))
    assert data == to_tflite(squeezenet(WEIGHTS))  # nothing random, no dates
    model = Model(data)
    assert [(spec.shape, spec.dtype) for spec in model.inputs] == [((1, 227, 227, 3), "float32")]
    assert [(spec.shape, spec.dtype) for spec in model.outputs] == [((1, 1000), "float32")]
    image = np.random.default_rng(1).normal(0, 60, (227, 227, 3)).astype(np.float32)
    (logits,) = model(image[None])
    np.testing.assert_allclose(logits[0], _numpy_squeezenet(image.astype(np.float64)), atol=1e-3)
