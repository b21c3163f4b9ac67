"""Hostile bodies: whatever comes, the readers give tensors that fit or refuse in one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")

from homebody.engines.graph import Tensor
from homebody.errors import RequestError
from homebody.server.predict import kserve, tensorflow
from homebody.server.predict.signature import DATATYPES, Signature


def signature(dtype: str, inputs: int = 1) -> Signature:
    tensors = tuple(Tensor(f"x{n}", np.dtype(dtype), (-1, 2)) for n in range(inputs))
    return Signature("m", tensors, tensors, True, 4)


def infer_body(dtype: str, inputs: int, binary: bool) -> tuple[bytes, int]:
    """A sound request of two rows, and how much of it is JSON."""
    value = np.array([[1, 0], [0, 1]], dtype)
    described = []
    for number in range(inputs):
        one = {"name": f"x{number}", "shape": [2, 2], "datatype": DATATYPES[dtype]}
        if binary:
            one["parameters"] = {"binary_data_size": value.nbytes}
        else:
            one["data"] = value.tolist()
        described.append(one)
    head = json.dumps({"inputs": described, "id": "é"}).encode()
    return head + value.tobytes() * (inputs if binary else 0), len(head)


@st.composite
def mutated(draw, sound: bytes) -> bytes:
    """Bytes replaced, removed, put in, repeated or cut off at a few places."""
    data = bytearray(sound)
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["set", "remove", "insert", "repeat", "cut"]))
        end = min(len(data), place + draw(st.integers(0, 8)))
        word = draw(st.sampled_from([b'"', b"[", b"]", b"{", b"}", b",", b"-", b"1e400", b"NaN",
                                     b"null", b"0", b"99999999999", b"\xff", b"\0", b"\\ud800",
                                     b" ", b".5", b"true"]))  # fmt: skip
        if kind == "set":
            data[place:end] = word
        elif kind == "remove":
            del data[place:end]
        elif kind == "insert":
            data[place:place] = word
        elif kind == "repeat":
            data[place:place] = data[place:end]
        else:
            del data[place:]
    return bytes(data)


def read_or_refused(given_signature: Signature, read) -> None:
    """Its tensors are of the model's types and fit it, or it is refused with 400."""
    refusal = None
    try:
        inputs = read().inputs
        rows = given_signature.fitted(inputs)
    except RequestError as error:
        refusal = error
    if refusal is not None:
        assert refusal.status == 400
        assert 0 < len(str(refusal)) < 2000
        assert "\n" not in str(refusal)
        return
    assert 1 <= rows <= 4
    for tensor in given_signature.inputs:
        value = inputs[tensor.name]
        assert (value.dtype, value.shape) == (tensor.dtype, (rows, 2))
        assert value.flags.aligned
        assert value.dtype != bool or value.view(np.uint8).max() <= 1


@given(
    data=st.data(), dtype=st.sampled_from(sorted(DATATYPES)), inputs=st.integers(1, 2),
    binary=st.booleans(), stated=st.integers(-3, 3) | st.none(),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
def test_mutated_kserve_requests(data, dtype, inputs, binary, stated):
    sound, head = infer_body(dtype, inputs, binary)
    body = data.draw(mutated(sound))
    length = (
        None if stated is None else str(head + stated + (len(body) - len(sound)) * (not binary))
    )
    model = signature(dtype, inputs)
    read_or_refused(model, lambda: kserve.read(model, body, length))


@given(data=st.data(), dtype=st.sampled_from(sorted(DATATYPES)), form=st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_mutated_predict_requests(data, dtype, form):
    rows = np.array([[1, 0], [0, 1]], dtype).tolist()
    sound = [
        {"instances": rows},
        {"inputs": rows},
        {"instances": [{"x0": row} for row in rows], "signature_name": "serving_default"},
        {"inputs": {"x0": rows}},
    ][form]
    body = data.draw(mutated(json.dumps(sound).encode()))
    model = signature(dtype)
    read_or_refused(model, lambda: tensorflow.read(model, body))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["x0", "data", "shape", "b64", "é"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(value=_json, dtype=st.sampled_from(["bool", "int8", "uint64", "float16", "float64"]),
       key=st.sampled_from(["instances", "inputs"]))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_json_in_place_of_tensors(value, dtype, key):
    model = signature(dtype)
    body = json.dumps({key: value}).encode()
    read_or_refused(model, lambda: tensorflow.read(model, body))
    asked = {"name": "x0", "shape": [1, 2], "datatype": DATATYPES[dtype], "data": value}
    body = json.dumps({"inputs": [asked]}).encode()
    read_or_refused(model, lambda: kserve.read(model, body, None))
    body = json.dumps({"inputs": [{**asked, "data": [1, 1], "shape": value}]}).encode()
    read_or_refused(model, lambda: kserve.read(model, body, None))


@given(st.binary(max_size=200), st.binary(max_size=8))
@settings(deadline=None)
def test_any_bytes(body, length):
    model = signature("float32")
    read_or_refused(model, lambda: tensorflow.read(model, body))
    read_or_refused(model, lambda: kserve.read(model, body, length.decode("latin-1")))
