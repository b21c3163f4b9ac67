from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import homebody
from homebody.errors import TrainError
from homebody.features.photo.sample_photos import sample_folder
from homebody.image import decode
from homebody.pipeline import decoding_side, prepare
from homebody.train import Example, read_dataset
from homebody.train.files import write_whole
from homebody.train.photos import INPUT, CropCache, Crops, augment, to_tensor

from .folders import noise, write_photos

CAT = sample_folder() / "cat.jpg"


def test_what_training_sees_is_what_the_pipeline_gives(tmp_path: Path):
    crop = CropCache(tmp_path).read(CAT.parent, Example("cat.jpg", "cat", "0" * 64))
    expected = prepare(decode(CAT, at_least=decoding_side(INPUT)).flat, INPUT).tensor
    assert np.array_equal(to_tensor([crop]), expected)


def test_the_pipeline_is_that_of_the_network_it_starts_from():
    with homebody.load("for-this-photo") as feature:
        assert feature.manifest.input == INPUT


def test_a_photo_is_decoded_once(tmp_path: Path):
    root = write_photos(tmp_path / "photos", {"a": 3, "b": 3})
    data = read_dataset(root)
    cache = CropCache(tmp_path / "cache")
    cache.fill(data)
    kept = cache.read(root, data.examples[0])
    for file in root.rglob("*.png"):
        file.write_bytes(b"gone")
    assert cache.fill(data).examples == data.examples
    assert np.array_equal(Crops(cache, root, data.examples)[0], kept)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"not an array"])
def test_a_damaged_crop_is_made_again(tmp_path: Path, damage: bytes):
    root = write_photos(tmp_path / "photos", {"a": 3, "b": 3})
    example = read_dataset(root).examples[0]
    cache = CropCache(tmp_path / "cache")
    whole = cache.read(root, example)
    (file,) = (tmp_path / "cache").rglob("*.npy")
    file.write_bytes(damage)
    assert cache.load(example.sha256) is None
    assert np.array_equal(cache.read(root, example), whole)


def test_a_crop_of_another_shape_is_not_believed(tmp_path: Path):
    cache = CropCache(tmp_path)
    cache.read(CAT.parent, Example("cat.jpg", "cat", "0" * 64))
    (file,) = tmp_path.rglob("*.npy")
    np.save(file, np.zeros((5, 5, 3), np.uint8))
    assert cache.load("0" * 64) is None


def test_no_augmentation_changes_nothing():
    picture = noise(1, 40)
    rng = np.random.default_rng(0)
    assert np.array_equal(augment(picture, rng, zoom=0, flip=False, light=0), picture)


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.floats(0, 0.89), st.booleans(), st.floats(0, 0.99))
def test_augmented_pictures_keep_their_shape(seed: int, zoom: float, flip: bool, light: float):
    rng = np.random.default_rng(seed)
    picture = augment(noise(2, 40), rng, zoom=zoom, flip=flip, light=light)
    assert (picture.shape, picture.dtype) == ((40, 40, 3), np.uint8)


def test_augmentation_mirrors_half_and_scales_brightness_within_bounds():
    picture = np.full((8, 8, 3), 100, np.uint8)
    picture[:, :4] = 50
    mirrored, levels = 0, set()
    for seed in range(200):
        found = augment(picture, np.random.default_rng(seed), zoom=0, flip=True, light=0.2)
        mirrored += int(found[0, 0, 0] > found[0, 7, 0])
        levels.add(int(found.max()))
    assert 70 < mirrored < 130
    assert min(levels) >= 80
    assert max(levels) <= 120
    assert len(levels) > 20


def test_the_zoom_stays_within_the_picture():
    ramp = np.broadcast_to(np.arange(0, 200, 2, np.uint8)[None, :, None], (100, 100, 3))
    spans = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        found = augment(np.ascontiguousarray(ramp), rng, zoom=0.5, flip=False, light=0)
        spans.append(int(found[0, -1, 0]) - int(found[0, 0, 0]))
    assert min(spans) >= 96  # half of the ramp is always left
    assert max(spans) <= 198


def test_a_file_is_whole_or_as_it_was(tmp_path: Path):
    write_whole(tmp_path / "a/b.txt", b"one")
    write_whole(tmp_path / "a/b.txt", b"two")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.txt"]
    with pytest.raises(TrainError, match="cannot be written"):
        write_whole(tmp_path / "a/b.txt/c", b"three")
    assert (tmp_path / "a/b.txt").read_bytes() == b"two"


def test_any_photo_format_is_read(tmp_path: Path):
    for number, suffix in enumerate((".png", ".webp", ".bmp", ".tif", ".gif")):
        folder = tmp_path / "photos" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noise(100 + number)).save(folder / f"{number}{suffix}")
    write_photos(tmp_path / "photos", {"b": 3})
    assert len(CropCache(tmp_path / "cache").fill(read_dataset(tmp_path / "photos")).examples) == 8
