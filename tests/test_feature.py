from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

import homebody
from homebody import bundle
from homebody.bundle import Manifest, Model, OutputTolerance, SamplesReference, TensorSpec
from homebody.bundle import Tolerances as Limits
from homebody.bundle.operations import CenterCrop, Normalize, Photometry, Resize
from homebody.bundle.samples import Sample, encode, tensor_sha256
from homebody.errors import (
    BundleFileError,
    CheckError,
    FeatureError,
    ModelError,
    UnsignedBundleError,
)
from homebody.feature import Feature, as_photo, load, pack
from homebody.pipeline import prepare

from .runtime.models import dense_model, serialize

RNG = np.random.default_rng(7)
WEIGHTS = RNG.normal(size=(3, 4 * 4 * 3)).astype(np.float32)
BIAS = RNG.normal(size=3).astype(np.float32)
PICTURE = RNG.integers(0, 256, (9, 12, 3), np.uint8)
INPUT = (
    Resize(short_side=4),
    CenterCrop(width=4, height=4),
    Normalize(order="rgb", mean=(127.5,) * 3, std=(127.5,) * 3),
)


def _model() -> bytes:
    """A dense layer over a whole picture, [1, 4, 4, 3] to [1, 3]."""
    model = dense_model(WEIGHTS, BIAS)
    model.subgraphs[0].tensors[0].shape = [1, 4, 4, 3]
    return serialize(model)


def _truth(picture: np.ndarray) -> np.ndarray:
    """What the model computes, in numpy."""
    tensor = prepare(picture, INPUT).tensor
    answer: np.ndarray = (tensor.reshape(1, -1) @ WEIGHTS.T + BIAS).astype(np.float32)
    return answer


def _manifest(**changes: object) -> Manifest:
    manifest = Manifest(
        name="tiny",
        version="1.2.3",
        task="suggest-presets",
        input=INPUT,
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name="image", shape=(1, 4, 4, 3), dtype="float32"),),
            outputs=(TensorSpec(name="scores", shape=(1, 3), dtype="float32"),),
        ),
        output=(bundle_labels(),),
        samples=SamplesReference(entry="samples/samples.json"),
        tolerances=Limits(outputs={"scores": OutputTolerance(sqnr_db=60)}),
        licence="Apache-2.0",
    )
    return msgspec.structs.replace(manifest, **changes)


def bundle_labels() -> object:
    from homebody.bundle.operations import Labels

    return Labels(entry="labels.txt")


def _entries(outputs: np.ndarray, answer: str) -> dict[str, bytes]:
    sample = Sample(
        name="noise",
        input=PICTURE,
        input_sha256={"image": tensor_sha256(prepare(PICTURE, INPUT).tensor)},
        outputs={"scores": outputs},
        answer=answer,
    )
    return {"model.tflite": _model(), "labels.txt": b"a\nb\nc\n", **encode([sample])}


ANSWER = "abc"[int(_truth(PICTURE).argmax())]
TRUE = _entries(_truth(PICTURE), ANSWER)


@pytest.fixture
def any_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the plain Feature stand for whatever task a test's bundle names."""
    monkeypatch.setattr("homebody.feature._task", lambda name: Feature)


@pytest.mark.usefixtures("any_task")
def test_a_packed_bundle_answers_like_the_closed_form(tmp_path: Path) -> None:
    report = pack(tmp_path / "tiny.hb", _manifest(), TRUE)
    assert report.passed
    assert report.samples == 1
    with load(tmp_path / "tiny.hb") as feature:
        assert feature(PICTURE) == pytest.approx(
            dict(zip("abc", _truth(PICTURE)[0], strict=True)), rel=1e-4
        )
        assert feature.check().sha256 == feature.bundle.sha256


@pytest.mark.usefixtures("any_task")
@pytest.mark.parametrize(
    ("outputs", "answer", "says"),
    [
        (_truth(PICTURE) + 1, ANSWER, "SQNR"),
        (_truth(PICTURE), "d", "answers"),
    ],
)
def test_pack_refuses_a_model_that_strays(
    tmp_path: Path, outputs: np.ndarray, answer: str, says: str
) -> None:
    target = tmp_path / "tiny.hb"
    target.write_bytes(b"what was there")
    with pytest.raises(CheckError, match=says):
        pack(target, _manifest(), _entries(outputs, answer))
    assert target.read_bytes() == b"what was there"
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.hb"]


@pytest.mark.usefixtures("any_task")
def test_pack_refuses_inputs_that_are_not_equal_bit_for_bit(tmp_path: Path) -> None:
    other = (*INPUT[:2], Normalize(order="rgb", mean=(127.5,) * 3, std=(127.50001,) * 3))
    with pytest.raises(CheckError, match="bit for bit"):
        pack(tmp_path / "tiny.hb", _manifest(input=other), TRUE)


@pytest.mark.usefixtures("any_task")
def test_pack_refuses_a_bundle_without_samples(tmp_path: Path) -> None:
    entries = {"model.tflite": _model(), "labels.txt": b"a\nb\nc\n"}
    with pytest.raises(CheckError, match="no samples"):
        pack(tmp_path / "tiny.hb", _manifest(samples=None, tolerances=Limits()), entries)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("any_task")
def test_pack_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BundleFileError):
        pack(tmp_path / "missing" / "tiny.hb", _manifest(), TRUE)


@pytest.mark.usefixtures("any_task")
def test_a_manifest_that_misstates_the_model_is_refused(tmp_path: Path) -> None:
    model = msgspec.structs.replace(
        _manifest().model,
        outputs=(TensorSpec(name="scores", shape=(1, 4), dtype="float32"),),
    )
    bundle.write(tmp_path / "tiny.hb", _manifest(model=model, samples=None), TRUE)
    with pytest.raises(ModelError, match="manifest states others"):
        load(tmp_path / "tiny.hb")


@pytest.mark.usefixtures("any_task")
def test_an_operation_of_another_task_is_refused(tmp_path: Path) -> None:
    manifest = _manifest(output=(bundle_labels(), Photometry()))
    bundle.write(tmp_path / "tiny.hb", manifest, TRUE)
    with load(tmp_path / "tiny.hb") as feature, pytest.raises(FeatureError, match="photometry.v1"):
        feature(PICTURE)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(FeatureError, match="no feature 'for-that-photo'.*for-this-photo"):
        load("for-that-photo")


def test_an_unknown_task_is_named(tmp_path: Path) -> None:
    bundle.write(tmp_path / "tiny.hb", _manifest(task="fold-laundry"), TRUE)
    with pytest.raises(FeatureError, match="'fold-laundry'"):
        load(tmp_path / "tiny.hb")


def test_a_missing_bundle_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BundleFileError, match="tiny.hb"):
        load(tmp_path / "tiny.hb")


def test_a_pinned_key_refuses_an_unsigned_bundle(tmp_path: Path) -> None:
    bundle.write(tmp_path / "tiny.hb", _manifest(), TRUE)
    with pytest.raises(UnsignedBundleError):
        load(tmp_path / "tiny.hb", public_key=bytes(32))


@pytest.mark.usefixtures("any_task")
def test_a_signed_bundle_loads_with_its_key(tmp_path: Path) -> None:
    public = bundle.generate_key(tmp_path / "key")
    private = bundle.load_private_key(tmp_path / "key")
    pack(tmp_path / "tiny.hb", _manifest(), TRUE, private_key=private)
    with load(tmp_path / "tiny.hb", public_key=public) as feature:
        assert feature.bundle.verified


def test_pixels_paths_bytes_and_photos_are_all_photos(tmp_path: Path) -> None:
    from homebody.image import Photo, encode

    photo = Photo.from_pixels(PICTURE)
    encode(photo, tmp_path / "a.png")
    assert as_photo(photo) is photo
    for form in (
        PICTURE,
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        (tmp_path / "a.png").read_bytes(),
    ):
        np.testing.assert_array_equal(as_photo(form).pixels, PICTURE)


def test_public_names_are_the_documented_ones() -> None:
    for name in homebody.__all__:
        assert getattr(homebody, name) is not None
    with pytest.raises(AttributeError, match="Featrue"):
        homebody.Featrue  # noqa: B018
