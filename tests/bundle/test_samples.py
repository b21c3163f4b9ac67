from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import homebody.bundle
from homebody import errors
from homebody.bundle import OutputTolerance, SamplesReference, Tolerances
from homebody.bundle.samples import ENTRY, Sample, encode, read, tensor_sha256
from tests.bundle.drafts import ENTRIES, draft

HASH = {"image": "0" * 64}


def sample(name: str = "one", **changes: Any) -> Sample:
    values: dict[str, Any] = {
        "name": name,
        "input": np.arange(24, dtype=np.uint8).reshape(2, 4, 3),
        "input_sha256": HASH,
        "outputs": {"scores": np.array([[0.5, -2.0]], np.float32)},
        "answer": {"id": "left", "order": [1, 2]},
    }
    return Sample(**values | changes)


def pack(path: Path, *samples: Sample) -> Path:
    """Write a bundle that carries samples."""
    manifest = draft(
        samples=SamplesReference(entry=ENTRY),
        tolerances=Tolerances(outputs={"scores": OutputTolerance(top1=1.0)}),
    )
    homebody.bundle.write(path, manifest, {**ENTRIES, **encode(samples)})
    return path


@given(
    hnp.arrays(
        st.sampled_from(["uint8", "int16", "float32", "float64"]),
        hnp.array_shapes(max_dims=4, max_side=5),
    ),
    hnp.arrays("float32", (1, 2)),
)
@settings(max_examples=40)
def test_tensors_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, tensor: Any, scores: Any
) -> None:
    path = tmp_path_factory.mktemp("samples") / "a.hb"
    with homebody.bundle.open(pack(path, sample(input=tensor, outputs={"scores": scores}))) as it:
        (back,) = read(it)
    assert back.input.dtype == tensor.dtype
    assert back.input.shape == tensor.shape
    assert back.input.tobytes() == tensor.tobytes()
    assert back.outputs["scores"].tobytes() == scores.tobytes()
    assert not back.input.flags.writeable


def test_everything_else_comes_back(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.hb", sample("one"), sample("two", answer=None))
    with homebody.bundle.open(path) as bundle:
        one, two = read(bundle)
    assert (one.name, two.name) == ("one", "two")
    assert one.answer == {"id": "left", "order": [1, 2]}
    assert two.answer is None
    assert dict(one.input_sha256) == HASH


def test_they_are_raw_little_endian_in_c_order() -> None:
    big = np.arange(6, dtype=">f4").reshape(2, 3).T
    entries = encode([sample(input=big)])
    assert entries["samples/one/input.raw"] == struct.pack("<6f", 0, 3, 1, 4, 2, 5)
    listing = json.loads(entries[ENTRY])
    assert listing[0]["input"] == {
        "entry": "samples/one/input.raw",
        "shape": [3, 2],
        "dtype": "float32",
    }
    assert tensor_sha256(big) == hashlib.sha256(struct.pack("<6f", 0, 3, 1, 4, 2, 5)).hexdigest()


def test_the_hash_tells_apart_what_compares_equal() -> None:
    assert tensor_sha256(np.zeros(1, np.float32)) != tensor_sha256(-np.zeros(1, np.float32))


def test_a_bundle_without_samples_has_none(tmp_path: Path) -> None:
    homebody.bundle.write(tmp_path / "a.hb", draft(), ENTRIES)
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        assert read(bundle) == ()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ([sample("one"), sample("one")], errors.SamplesError),
        ([sample("One")], errors.ManifestValueError),
        ([sample("../up")], errors.ManifestValueError),
        ([sample(input=np.zeros((0, 2), np.uint8))], errors.ManifestValueError),
        ([sample(input=np.zeros(2, np.complex64))], errors.ManifestValueError),
        ([sample(input=np.array([object()]))], errors.ManifestValueError),
        ([sample(input_sha256={"image": "0"})], errors.ManifestValueError),
        ([sample(outputs={})], errors.ManifestValueError),
    ],
)
def test_what_could_not_be_read_is_not_encoded(
    wrong: list[Sample], error: type[errors.HomebodyError]
) -> None:
    with pytest.raises(error):
        encode(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outputs": {"scores": np.zeros((1, 2), np.float64)}},
        {"outputs": {"scores": np.zeros((2, 1), np.float32)}},
        {"outputs": {"scores": np.zeros(2, np.float32)}},
        {"outputs": {"other": np.zeros((1, 2), np.float32)}},
        {"input_sha256": {"other": "0" * 64}},
    ],
)
def test_what_does_not_fit_the_model_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with (
        homebody.bundle.open(pack(tmp_path / "a.hb", sample(**wrong))) as bundle,
        pytest.raises(errors.SamplesError),
    ):
        read(bundle)


def test_an_axis_that_may_vary_takes_any_length(tmp_path: Path) -> None:
    from homebody.bundle import Model, TensorSpec

    manifest = draft(
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name="image", shape=(-1, 8), dtype="float32"),),
            outputs=(TensorSpec(name="scores", shape=(-1, 2), dtype="float32"),),
        ),
        samples=SamplesReference(entry=ENTRY),
        tolerances=Tolerances(outputs={"scores": OutputTolerance(top1=1.0)}),
    )
    three = sample(outputs={"scores": np.zeros((3, 2), np.float32)})
    homebody.bundle.write(tmp_path / "a.hb", manifest, {**ENTRIES, **encode([three])})
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        assert read(bundle)[0].outputs["scores"].shape == (3, 2)
