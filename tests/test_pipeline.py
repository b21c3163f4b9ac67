from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from homebody import bundle, kernels
from homebody.bundle import Bundle, Manifest, Model, TensorSpec
from homebody.bundle.operations import CenterCrop, ClassMap, Labels, Normalize, Resize, Softmax
from homebody.errors import FeatureError, ManifestValueError
from homebody.pipeline import finish, prepare, softmax

MEAN, STD = (103.939, 116.779, 123.68), (1.0, 2.0, 3.0)
INPUT = (
    Resize(short_side=16),
    CenterCrop(width=12, height=10),
    Normalize(order="bgr", mean=MEAN, std=STD),
)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.just(3))),
)
def test_steps_equal_the_fused_kernel_bit_for_bit(pixels: np.ndarray) -> None:
    height, width = pixels.shape[:2]
    if max(height, width) > 16 * min(height, width):
        return
    prepared = prepare(pixels, INPUT)
    full = kernels.fit_short_side(width, height, 16)
    left, top = (full[0] - 12) // 2, (full[1] - 10) // 2
    fused = kernels.resize_normalize(
        pixels, *full, mean=MEAN, std=STD, order="bgr", window=(left, top, 12, 10)
    )
    np.testing.assert_array_equal(prepared.tensor[0], fused)
    assert prepared.picture.shape == (full[1], full[0], 3)


def test_normalize_is_its_formula() -> None:
    pixels = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    tensor = prepare(pixels, INPUT).tensor[0]
    crop = pixels[3:13, 2:14, ::-1].astype(np.float32)
    expected = (crop - np.float32(MEAN)) / np.float32(STD)
    np.testing.assert_array_equal(tensor, expected)


def test_an_endless_panorama_is_cut_before_it_is_enlarged() -> None:
    panorama = np.zeros((1, 65_535, 3), np.uint8)
    assert prepare(panorama, INPUT).picture.shape == (16, 256, 3)
    assert prepare(panorama.transpose(1, 0, 2).copy(), INPUT).picture.shape == (256, 16, 3)


def test_a_crop_larger_than_the_picture_is_refused() -> None:
    with pytest.raises(FeatureError, match="cannot be cropped to 12×10"):
        prepare(np.zeros((8, 8, 3), np.uint8), INPUT[1:])


def test_operations_stay_in_their_pipeline() -> None:
    with pytest.raises(FeatureError, match="softmax.v1"):
        prepare(np.zeros((20, 20, 3), np.uint8), [Softmax()])


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e4, 1e4)), st.floats(-100, 100))
def test_softmax_is_a_distribution_and_ignores_an_offset(scores: np.ndarray, offset: float) -> None:
    p = softmax(scores)
    assert p.sum() == pytest.approx(1)
    assert (p >= 0).all()
    np.testing.assert_allclose(softmax(scores + offset), p, atol=1e-9)


def test_softmax_of_two_is_the_logistic_function() -> None:
    assert softmax(np.array([0.0, 1.5]))[1] == pytest.approx(1 / (1 + np.exp(-1.5)))


def _bundle(tmp_path: Path, entries: dict[str, bytes]) -> Bundle:
    manifest = Manifest(
        name="tiny",
        version="1.0.0",
        task="label",
        input=(),
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name="x", shape=(1, 3), dtype="float32"),),
            outputs=(TensorSpec(name="y", shape=(1, 3), dtype="float32"),),
        ),
        output=(),
        licence="Apache-2.0",
    )
    path = tmp_path / "tiny.hb"
    bundle.write(path, manifest, {"model.tflite": b"never run here", **entries})
    return bundle.open(path)


def _map(classes: dict[str, float], **more: object) -> bytes:
    category = {"id": "warm", "name": "Warm", "kind": "content", "classes": classes, **more}
    rest = {"id": "cold", "name": "Cold", "kind": "content", "classes": {"2": 1.0}}
    light = {"id": "night", "name": "Night", "kind": "photometric"}
    return json.dumps(
        {"format": "homebody.categories/1", "categories": [category, rest, light]}
    ).encode()


LOGITS = np.log(np.array([[0.5, 0.3, 0.2]]))


def test_class_map_gathers_masses(tmp_path: Path) -> None:
    with _bundle(tmp_path, {"map.json": _map({"0": 1.0, "1": 0.5})}) as tiny:
        scores = finish(LOGITS, [Softmax(), ClassMap(entry="map.json")], tiny)
    assert scores == pytest.approx({"warm": 0.65, "cold": 0.2})


@pytest.mark.parametrize("number", ["3", "-1", "x", "٣", ""])
def test_class_map_refuses_classes_that_the_model_lacks(tmp_path: Path, number: str) -> None:
    with (
        _bundle(tmp_path, {"map.json": _map({number: 1.0})}) as tiny,
        pytest.raises(ManifestValueError, match="numbered from 0"),
    ):
        finish(LOGITS, [ClassMap(entry="map.json")], tiny)


@pytest.mark.parametrize("entry", [_map({"0": 2.0}), _map({}, colour="red"), b"[]", b"{}"])
def test_class_map_refuses_what_is_no_map(tmp_path: Path, entry: bytes) -> None:
    with (
        _bundle(tmp_path, {"map.json": entry}) as tiny,
        pytest.raises(ManifestValueError, match="not a homebody.categories/1 map"),
    ):
        finish(LOGITS, [ClassMap(entry="map.json")], tiny)


def test_labels_name_values_in_order(tmp_path: Path) -> None:
    with _bundle(tmp_path, {"labels.txt": b"a\nb\nc\n"}) as tiny:
        scores = finish(LOGITS, [Softmax(), Labels(entry="labels.txt")], tiny)
    assert scores == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2})


def test_labels_of_another_number_are_refused(tmp_path: Path) -> None:
    with (
        _bundle(tmp_path, {"labels.txt": b"a\nb\n"}) as tiny,
        pytest.raises(ManifestValueError, match="2 lines for 3 values"),
    ):
        finish(LOGITS, [Labels(entry="labels.txt")], tiny)


def test_an_output_pipeline_needs_names(tmp_path: Path) -> None:
    with _bundle(tmp_path, {}) as tiny, pytest.raises(FeatureError, match="without names"):
        finish(LOGITS, [Softmax()], tiny)
