"""The safetensors reader and writer: round trips, the format's own rules, hostile files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from homebody.adapt import safetensors
from homebody.errors import SafetensorsError

BENCH = "pip install 'homebody[bench]'"

DTYPES = ["bool", "u1", "i1", "u2", "i2", "f2", "u4", "i4", "f4", "u8", "i8", "f8"]
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(np.dtype(dtype), arrays.array_shapes(min_dims=0, min_side=0))
)


@given(
    st.dictionaries(st.text(max_size=8).filter(lambda n: n != "__metadata__"), ARRAYS, max_size=5),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
)
@settings(deadline=None)
def test_what_is_written_is_read(tensors, metadata):
    data = safetensors.dumps(tensors, metadata)
    found = safetensors.loads(data)
    assert found.metadata == metadata
    assert found.tensors.keys() == tensors.keys()
    for name, array in tensors.items():
        assert found.tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(found.tensors[name], array)
    assert safetensors.dumps(found.tensors, found.metadata) == data


def test_the_bytes_are_those_of_the_format():
    data = safetensors.dumps({"b": np.array([1], np.uint8), "a": np.array([[2.0]])}, {"k": "v"})
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    assert json.loads(data[8 : 8 + length]) == {
        "__metadata__": {"k": "v"},
        "a": {"dtype": "F64", "shape": [1, 1], "data_offsets": [0, 8]},
        "b": {"dtype": "U8", "shape": [1], "data_offsets": [8, 9]},
    }
    assert data[8 + length :] == np.float64(2).tobytes() + b"\1"


def test_big_endian_arrays_are_turned():
    found = safetensors.loads(safetensors.dumps({"x": np.array([1, 2], ">i4")})).tensors["x"]
    assert found.tolist() == [1, 2]


def test_arrays_are_copies_that_may_be_written():
    found = safetensors.loads(safetensors.dumps({"x": np.zeros(3)})).tensors["x"]
    found[:] = 1


def raw(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def tensor(dtype="F64", shape=(1,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


EIGHT = bytes(8)
HOSTILE = {
    "nothing": b"",
    "cut off": b"\x08\0\0",
    "no header": (2).to_bytes(8, "little"),
    "a header beyond the file": (2**63).to_bytes(8, "little") + b"{}",
    "a header over the limit": (2**21).to_bytes(8, "little") + b"{" + b" " * 2**21,
    "no JSON": raw(b"{]"),
    "no object": raw(b"[]"),
    "space before the brace": raw(b" {}"),
    "two objects": raw(b"{}{}"),
    "no UTF-8": raw(b'{"\xff": 1}'),
    "deep": raw(b'{"a":' * 20000 + b"1" + b"}" * 20000),
    "a number that is none": raw(b'{"a": NaN}'),
    "a name twice": raw(b'{"a": 1, "a": 1}'),
    "metadata of numbers": raw({"__metadata__": {"a": 1}}),
    "metadata that are a list": raw({"__metadata__": []}),
    "fields missing": raw({"a": {"dtype": "F64"}}, EIGHT),
    "fields too many": raw({"a": {**tensor(), "more": 1}}, EIGHT),
    "no fields": raw({"a": 7}, EIGHT),
    "a type unknown": raw({"a": tensor("F128")}, EIGHT),
    "a type that is a list": raw({"a": tensor([])}, EIGHT),
    "a negative side": raw({"a": tensor(shape=(-1,))}, EIGHT),
    "a side that is true": raw({"a": tensor(shape=(True,))}, EIGHT),
    "a side with a fraction": raw({"a": tensor(shape=(1.0,))}, EIGHT),
    "a shape beyond memory": raw({"a": tensor(shape=(2**40, 2**40, 2**40))}, EIGHT),
    "an empty shape beyond numpy": raw({"a": tensor(shape=(2**60, 0), offsets=(0, 0))}),
    "too many axes": raw({"a": tensor(shape=(1,) * 17)}, EIGHT),
    "offsets beyond the file": raw({"a": tensor(shape=(2,), offsets=(0, 16))}, EIGHT),
    "offsets backwards": raw({"a": tensor(offsets=(8, 0))}, EIGHT),
    "offsets that do not fit the shape": raw({"a": tensor(offsets=(0, 4))}, EIGHT),
    "three offsets": raw({"a": tensor(offsets=(0, 4, 8))}, EIGHT),
    "a gap": raw({"a": tensor(offsets=(8, 16))}, EIGHT * 2),
    "an overlap": raw({"a": tensor(), "b": tensor()}, EIGHT),
    "bytes left over": raw({"a": tensor()}, EIGHT + b"\0"),
    "bytes of nobody": raw({}, b"\0"),
    "a truth that is two": raw({"a": tensor("BOOL", (1,), (0, 1))}, b"\2"),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_refused_in_one_sentence(data):
    with pytest.raises(SafetensorsError) as refusal:
        safetensors.loads(data)
    assert "\n" not in str(refusal.value)


@given(st.binary(max_size=200), st.integers(0, 300))
@settings(deadline=None)
def test_arbitrary_bytes_never_do_more_than_be_refused(data, length):
    for candidate in (data, length.to_bytes(8, "little") + data):
        try:
            safetensors.loads(candidate)
        except SafetensorsError:
            continue


def test_what_the_format_lacks_is_not_written():
    for tensors, metadata in (
        ({"x": np.array(["text"])}, None), ({"x": np.zeros(1, complex)}, None),
        ({"__metadata__": np.zeros(1)}, None), ({"x": np.array([object()])}, None),
        ({"x": np.zeros(1)}, {"a": 1}), ({"\ud800": np.zeros(1)}, None),
        ({"x": np.zeros(1)}, {"a": "x" * 2**21}),
    ):  # fmt: skip
        with pytest.raises(SafetensorsError):
            safetensors.dumps(tensors, metadata)


def test_files_are_bounded_and_their_absence_is_said(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.save(path, {"x": np.zeros(100)})
    assert safetensors.load(path).tensors["x"].shape == (100,)
    with pytest.raises(SafetensorsError, match="over 500 bytes"):
        safetensors.load(path, limit=500)
    for wrong in (tmp_path / "none", tmp_path, "\0"):
        with pytest.raises(SafetensorsError, match="cannot be read"):
            safetensors.load(wrong)


@pytest.mark.oracle
def test_the_safetensors_package_agrees():
    numpy = pytest.importorskip("safetensors.numpy", reason=BENCH)
    tensors = {f"a {i}": np.arange(i * 3).astype(d) for i, d in enumerate(DTYPES)}
    theirs = numpy.load(safetensors.dumps(tensors, {"k": "v"}))
    ours = safetensors.loads(numpy.save(tensors, {"k": "v"}))
    assert ours.metadata == {"k": "v"}
    for name, array in tensors.items():
        for found in (theirs[name], ours.tensors[name]):
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)
