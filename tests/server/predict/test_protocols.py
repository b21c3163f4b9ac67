"""What is read and written, without a server: good requests, and every bad one by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")

from homebody.engines.graph import Tensor
from homebody.errors import RequestError
from homebody.server.predict import kserve, tensorflow
from homebody.server.predict.signature import DATATYPES, Signature

F32, I8 = np.dtype(np.float32), np.dtype(np.int8)
DENSE = Signature("m", (Tensor("x", F32, (-1, 4)),), (Tensor("y", F32, (-1, 3)),), True, 4)
SMALL = Signature("m", (Tensor("x", I8, (-1, 2)),), (Tensor("y", I8, (-1, 2)),), True, 4)
TWO = Signature(
    "m",
    (Tensor("a", np.dtype(np.int32), (-1, 2)), Tensor("b", np.dtype(bool), (-1,))),
    (Tensor("c", np.dtype(np.int32), (-1, 2)), Tensor("d", np.dtype(bool), (-1,))),
    True,
    4,
)
ROW = [1.0, 2.0, 3.0, 4.0]


def infer(**changes):
    x = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW, **changes}
    return {"inputs": [{key: value for key, value in x.items() if value is not None}]}


def asked(signature, body, header=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = kserve.read(signature, data, header)
    signature.fitted(request.inputs)
    return request


BAD_INFER = {
    "empty": (b"", "cannot be read"),
    "no JSON": (b"hello", "malformed"),
    "truncated": (json.dumps(infer()).encode()[:-3], "cannot be read"),
    "not UTF-8": (b'{"inputs": [], "id": "\xff"}', "cannot be read|UTF-8"),
    "a list": (b"[]", "Expected `object`"),
    "no inputs": (b"{}", "missing required field `inputs`"),
    "unknown field": ({**infer(), "ouputs": []}, "unknown field `ouputs`"),
    "empty inputs": ({"inputs": []}, "the inputs given are none"),
    "another input": (infer(name="z"), "no input 'z'"),
    "an input twice": ({"inputs": infer()["inputs"] * 2}, "twice"),
    "another type": (infer(datatype="INT64"), "takes FP32"),
    "NaN": (json.dumps(infer(data=[1, 2, 3, float("nan")])).encode(), "malformed"),
    "Infinity": (json.dumps(infer(data=[1, 2, 3, float("inf")])).encode(), "malformed"),
    "huge exponent": (json.dumps(infer()).replace("4.0", "1e999").encode(), "out of range"),
    "huge digits": (json.dumps(infer()).replace("4.0", "9" * 9999).encode(), "out of range"),
    "beyond float32": (infer(data=[1, 2, 3, 1e300]), "float32 does not"),
    "strings": (infer(data=["a"] * 4), "Expected `float`"),
    "null": (infer(data=[None] * 4), "Expected `float`"),
    "truth values": (infer(data=[True] * 4), "Expected `float`"),
    "objects": (infer(data={"b64": ""}), "Expected `array`"),
    "a number": (infer(data=7), "Expected `array`"),
    "no data": (infer(data=None), "missing"),
    "too few": (infer(data=ROW[:3]), "not its shape"),
    "too many": (infer(data=[*ROW, 5.0]), "not its shape"),
    "ragged": (infer(shape=[2, 4], data=[ROW, ROW[:3]]), "unequal lengths"),
    "nested otherwise": (infer(shape=[1, 4], data=[[[1.0]] * 4]), "Expected `float`"),
    "nested transposed": (infer(shape=[1, 4], data=[[1.0]] * 4), "not its shape"),
    "deep": (b'{"inputs": ' + b"[" * 100_000, "cannot be read|deep"),
    "deep data": (json.dumps(infer()).replace(str(ROW), "[" * 9999).encode(), "read|deep"),
    "deep parameters": (
        json.dumps(infer()).encode()[:-1] + b', "parameters": {"a": ' + b"[" * 9999,
        "read|deep",
    ),
    "another rank": (infer(shape=[4]), "give float32"),
    "another width": (infer(shape=[1, 2, 2], data=ROW), "give float32"),
    "no rows": (infer(shape=[0, 4], data=[]), "is empty"),
    "too many rows": (infer(shape=[5, 4], data=ROW * 5), "at most 4"),
    "negative shape": (infer(shape=[-1, 4]), ">= 0"),
    "huge shape": (infer(shape=[1 << 31, 1 << 31]), "not its shape"),
    "enormous shape": (infer(shape=[1 << 70, 4]), "out of range|<="),
    "long shape": (infer(shape=[1] * 33), "length <= 32"),
    "fractional shape": (infer(shape=[1.5, 4]), "Expected `int`"),
    "another output": ({**infer(), "outputs": [{"name": "z"}]}, "no output 'z'"),
    "binary neither": (
        {**infer(), "outputs": [{"name": "y", "parameters": {"binary_data": 1}}]},
        "true or false",
    ),
    "binary of nothing": (infer(data=None, parameters={"binary_data_size": 16}), "0 bytes left"),
    "binary of text": (infer(data=None, parameters={"binary_data_size": "16"}), "needs 16"),
    "binary of truth": (infer(data=None, parameters={"binary_data_size": True}), "needs 16"),
    "binary negative": (infer(data=None, parameters={"binary_data_size": -16}), "needs 16"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_INFER)
def test_bad_infer_requests_are_refused(name):
    body, words = BAD_INFER[name]
    with pytest.raises(RequestError, match=words) as refused:
        asked(DENSE, body)
    assert refused.value.status == 400
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("values", "good"), [([127, -128], True), ([128, 0], False), ([-129, 0], False)]
)
def test_integers_stay_in_their_range(values, good):
    body = infer(shape=[1, 2], datatype="INT8", data=values)
    if good:
        assert asked(SMALL, body).inputs["x"].tolist() == [values]
        return
    with pytest.raises(RequestError, match="int8 does not"):
        asked(SMALL, body)


def test_fractions_are_no_integers():
    with pytest.raises(RequestError, match="Expected `int`"):
        asked(SMALL, infer(shape=[1, 2], datatype="INT8", data=[0.5, 1]))


@pytest.mark.parametrize("data", [ROW * 2, [ROW, ROW]])
def test_data_may_be_flat_or_nested(data):
    request = asked(DENSE, infer(shape=[2, 4], data=data))
    assert request.inputs["x"].tolist() == [ROW, ROW]
    assert request.inputs["x"].dtype == np.float32


def _binary(tensors, **more):
    head = {
        "inputs": [
            {"name": name, "shape": list(value.shape), "datatype": DATATYPES[value.dtype.name],
             "parameters": {"binary_data_size": value.nbytes}}
            for name, value in tensors.items()
        ],
        **more,
    }  # fmt: skip
    text = json.dumps(head).encode()
    return text + b"".join(v.tobytes() for v in tensors.values()), str(len(text))


def test_binary_tensors_follow_the_json():
    a, b = np.array([[1, -2], [3, 4]], np.int32), np.array([True, False])
    body, length = _binary({"a": a, "b": b}, id="7")
    request = asked(TWO, body, length)
    assert request.id == "7"
    for name, value in (("a", a), ("b", b)):
        assert np.array_equal(request.inputs[name], value)
        assert request.inputs[name].flags.aligned


@pytest.mark.parametrize("length", ["", "-1", "x", "1e3", "9" * 50, "99999", "٣", "0"])
def test_a_wrong_header_length_is_refused(length):
    body, _ = _binary({"a": np.zeros((1, 2), np.int32), "b": np.zeros(1, bool)})
    with pytest.raises(RequestError):
        asked(TWO, body, length)


def test_bytes_too_many_or_too_few_are_refused():
    body, length = _binary({"a": np.zeros((1, 2), np.int32), "b": np.zeros(1, bool)})
    with pytest.raises(RequestError, match="1 bytes follow"):
        asked(TWO, body + b"\0", length)
    with pytest.raises(RequestError, match="0 bytes left"):
        asked(TWO, body[:-1], length)
    with pytest.raises(RequestError, match="other than 0 and 1"):
        asked(TWO, body[:-1] + b"\2", length)
    head = infer(parameters={"binary_data_size": 16})
    text = json.dumps(head).encode()
    with pytest.raises(RequestError, match="one of them"):
        asked(DENSE, text + bytes(16), str(len(text)))


@given(
    arrays.arrays(
        st.sampled_from([np.dtype(name) for name in DATATYPES]),
        arrays.array_shapes(max_dims=3, max_side=4),
        elements={"allow_nan": False, "allow_infinity": False},
    ),
    st.sampled_from(["flat", "nested", "binary"]),
)
def test_what_is_written_is_read_again(value, form):
    """A model of one tensor: its answer, given back to it as a request, is the same tensor."""
    tensor = Tensor("t", value.dtype, (-1,) * value.ndim)
    signature = Signature("m", (tensor,), (tensor,), False, 1)
    first = kserve.Request(None, {}, {"t": form == "binary"})
    parts, cut = kserve.write(signature, first, {"t": value})
    answer, tail = json.loads(parts[0]), b"".join(parts[1:])
    assert (cut is None) == (form != "binary")
    given = answer["outputs"][0]
    if form == "nested":
        given["data"] = value.tolist()
    text = json.dumps({"inputs": [given]}).encode()
    request = asked(signature, text + tail, str(len(text)) if tail else None)
    assert request.inputs["t"].dtype == value.dtype
    assert np.array_equal(request.inputs["t"], value)


def test_an_answer_holds_what_was_asked_for():
    request = asked(
        TWO,
        {
            "id": "q",
            "inputs": [
                {"name": "a", "shape": [1, 2], "datatype": "INT32", "data": [1, 2]},
                {"name": "b", "shape": [1], "datatype": "BOOL", "data": [True]},
            ],
            "outputs": [{"name": "d"}],
        },
    )
    outputs = {"c": np.array([[2, 4]], np.int32), "d": np.array([False])}
    (text,), cut = kserve.write(TWO, request, outputs)
    assert cut is None
    assert json.loads(text) == {
        "model_name": "m",
        "model_version": "1",
        "id": "q",
        "outputs": [{"name": "d", "datatype": "BOOL", "shape": [1], "data": [False]}],
    }


# ------------------------------------------------------------------------ TensorFlow Serving

BAD_PREDICT = {
    "empty": (b"", "cannot be read"),
    "neither": ({}, "one of the two"),
    "both": ({"instances": [ROW], "inputs": [ROW]}, "one of the two"),
    "another signature": ({"instances": [ROW], "signature_name": "z"}, "no signature 'z'"),
    "unknown field": ({"instance": [ROW]}, "unknown field"),
    "a number": ({"instances": 7}, "Expected `array`"),
    "numbers": ({"instances": ROW}, "Expected `array`"),
    "null": ({"instances": None}, "Expected `array`"),
    "strings": ({"instances": [["a"] * 4]}, "Expected `float`"),
    "b64": ({"instances": [{"b64": "AA=="}]}, "'b64'"),
    "mixed": ({"instances": [{"x": ROW}, ROW]}, "Expected `object`"),
    "ragged": ({"instances": [ROW, ROW[:2]]}, "unequal lengths"),
    "ragged rows": ({"instances": [{"x": ROW}, {"x": ROW[:2]}]}, "unequal shapes"),
    "no rows": ({"instances": []}, "give float32|empty"),
    "narrow": ({"instances": [ROW[:3]]}, "give float32"),
    "deep": (b'{"instances": ' + b"[" * 100_000, "cannot be read|deep"),
    "NaN": (b'{"instances": [[1, 2, 3, NaN]]}', "malformed"),
    "beyond float32": ({"instances": [[1, 2, 3, 1e39]]}, "float32 does not"),
    "many rows": ({"instances": [ROW] * 5}, "at most 4"),
    "another input": ({"inputs": {"z": [ROW]}}, "give 'x'"),
    "no input": ({"inputs": {}}, "none"),
}


@pytest.mark.parametrize("name", BAD_PREDICT)
def test_bad_predict_requests_are_refused(name):
    body, words = BAD_PREDICT[name]
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError, match=words) as refused:
        DENSE.fitted(tensorflow.read(DENSE, data).inputs)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        (DENSE, {"instances": [ROW, ROW]}),
        (DENSE, {"instances": [{"x": ROW}, {"x": ROW}]}),
        (DENSE, {"inputs": [ROW, ROW]}),
        (DENSE, {"inputs": {"x": [ROW, ROW]}, "signature_name": "serving_default"}),
    ],
)
def test_rows_and_columns_are_one_tensor(signature, body):
    request = tensorflow.read(signature, json.dumps(body).encode())
    assert signature.fitted(request.inputs) == 2
    assert request.inputs["x"].tolist() == [ROW, ROW]
    answer = json.loads(tensorflow.write(DENSE, request, {"y": np.ones((2, 3), np.float32)}))
    assert answer == {("predictions" if "instances" in body else "outputs"): [[1.0] * 3] * 2}


def test_several_tensors_are_named():
    rows = {"instances": [{"a": [1, 2], "b": True}, {"a": [3, 4], "b": False}]}
    columns = {"inputs": {"a": [[1, 2], [3, 4]], "b": [True, False]}}
    outputs = {"c": np.array([[2, 4], [6, 8]], np.int32), "d": np.array([False, True])}
    for body in (rows, columns):
        request = tensorflow.read(TWO, json.dumps(body).encode())
        assert TWO.fitted(request.inputs) == 2
        assert request.inputs["a"].tolist() == [[1, 2], [3, 4]]
        assert request.inputs["b"].tolist() == [True, False]
        answer = json.loads(tensorflow.write(TWO, request, outputs))
        if body is rows:
            expected = [{"c": [2, 4], "d": False}, {"c": [6, 8], "d": True}]
            assert answer == {"predictions": expected}
        else:
            assert answer == {"outputs": {"c": [[2, 4], [6, 8]], "d": [False, True]}}
    for body in ({"instances": [[1, 2]]}, {"inputs": [[1, 2]]}):
        with pytest.raises(RequestError, match="several inputs"):
            tensorflow.read(TWO, json.dumps(body).encode())


def test_nan_in_an_answer_is_said():
    outputs = {"y": np.array([[1, np.nan, 3]], np.float32)}
    for write in (
        lambda: kserve.write(DENSE, kserve.Request(None, {}, {"y": False}), outputs),
        lambda: tensorflow.write(DENSE, tensorflow.Request({}, True), outputs),
    ):
        with pytest.raises(RequestError, match="NaN or infinite") as refused:
            write()
        assert refused.value.status == 500
    parts, cut = kserve.write(DENSE, kserve.Request(None, {}, {"y": True}), outputs)
    assert cut == len(parts[0])
    assert np.array_equal(np.frombuffer(parts[1], "<f4"), outputs["y"][0], equal_nan=True)


def test_the_largest_request_fits():
    """The longest way of writing each number, in a full batch, is still read."""
    worst = -1.7976931348623157e-300
    body = json.dumps({"instances": [{"x": [worst] * 4}] * 4}, indent=1).encode()
    assert len(body) <= DENSE.max_bytes < 1 << 20
    assert Signature("m", (Tensor("x", F32, (-1, -1)),), (), True, 4).max_bytes == 16 << 20
