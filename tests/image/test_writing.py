"""Encoding: what is written comes back, with its metadata, and nothing is left half-written."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from homebody.errors import ImageWriteError
from homebody.image import Photo, decode, encode
from tests.image import files

RGB = files.ramp(30, 40)
PHOTO = Photo(RGB, (40, 30), exif=files.exif(orientation=1), icc=files.icc(), xmp=files.xmp(1))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".JPG"])
def test_pixels_and_metadata_come_back(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    encode(PHOTO, path)
    back = decode(path)
    assert np.abs(back.pixels.astype(int) - RGB).max() <= (
        0 if suffix in (".png", ".tif", ".tiff") else 10
    )
    assert back.icc == PHOTO.icc
    assert back.xmp == PHOTO.xmp
    tags = Image.Exif()
    tags.load(back.exif)
    assert tags[0x0112] == 1
    assert tags[0x010F] == "Ann"
    assert tags.get_ifd(0x8769) == {0xA002: 40, 0xA003: 30}
    assert os.listdir(tmp_path) == [path.name]


def test_exif_gets_the_size_that_is_written(tmp_path):
    small = PHOTO.with_pixels(files.ramp(10, 20))
    encode(small, tmp_path / "small.jpg")
    tags = Image.Exif()
    tags.load(decode(tmp_path / "small.jpg").exif)
    assert tags.get_ifd(0x8769) == {0xA002: 20, 0xA003: 10}


def test_the_old_thumbnail_is_gone(tmp_path):
    encode(PHOTO, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.getexif().get_ifd(1) == {}
    assert decode(tmp_path / "out.jpg").exif[:4] == b"II*\0"


@pytest.mark.parametrize(("suffix", "kept"), [(".png", True), (".webp", True), (".jpg", False)])
def test_alpha(tmp_path, suffix, kept):
    photo = Photo.from_pixels(files.ramp(20, 25, 4))
    encode(photo, tmp_path / f"out{suffix}", quality=100)
    back = decode(tmp_path / f"out{suffix}")
    if kept:
        assert np.abs(back.alpha.astype(int) - photo.alpha).max() <= 1
    else:
        assert back.alpha is None
        assert np.abs(back.pixels.astype(int) - photo.flat).max() <= 8


def test_quality_changes_the_size(tmp_path):
    photo = Photo.from_pixels(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))
    for quality in (20, 95):
        encode(photo, tmp_path / f"{quality}.jpg", quality=quality)
    assert (tmp_path / "95.jpg").stat().st_size > 2 * (tmp_path / "20.jpg").stat().st_size


@pytest.mark.parametrize("name", ["out", "out.gif", "out.jpg.txt"])
def test_unknown_suffix(tmp_path, name):
    with pytest.raises(ImageWriteError, match=r"\.jpg"):
        encode(PHOTO, tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("quality", [0, 101])
def test_quality_out_of_range(tmp_path, quality):
    with pytest.raises(ImageWriteError, match="quality"):
        encode(PHOTO, tmp_path / "out.jpg", quality=quality)


def test_a_folder_or_none(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(ImageWriteError, match="is a folder"):
        encode(PHOTO, tmp_path / "folder.jpg")
    with pytest.raises(ImageWriteError, match="make it first"):
        encode(PHOTO, tmp_path / "absent" / "out.jpg")


def test_no_permission(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(ImageWriteError, match="may not be written"):
        encode(PHOTO, tmp_path / "out.jpg")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"precious")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(ImageWriteError, match="No space left"):
        encode(PHOTO, path)
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["out.png"]


def test_a_codecs_own_limit_is_one_clear_error(tmp_path):
    wide = Photo.from_pixels(np.zeros((1, 17_000, 3), np.uint8))
    with pytest.raises(ImageWriteError, match="as WEBP"):
        encode(wide, tmp_path / "out.webp")
    assert os.listdir(tmp_path) == []


def test_metadata_that_a_jpeg_cannot_hold(tmp_path):
    photo = Photo(RGB, (40, 30), exif=files.exif(extra=bytes(70_000)))
    with pytest.raises(ImageWriteError, match="EXIF"):
        encode(photo, tmp_path / "out.jpg")
    encode(photo, tmp_path / "out.png")
    assert len(decode(tmp_path / "out.png").exif) > 70_000


def test_damaged_exif_is_left_out(tmp_path):
    photo = Photo(RGB, (40, 30), exif=b"II*\0\xff\xff\xff\xff")
    for suffix in (".jpg", ".tif", ".png", ".webp"):
        encode(photo, tmp_path / f"out{suffix}")
        assert np.abs(decode(tmp_path / f"out{suffix}").pixels.astype(int) - RGB).max() <= 10


def test_a_turned_photo_is_written_upright(tmp_path):
    source = tmp_path / "in.jpg"
    exif = b"Exif\0\0" + files.exif(orientation=8)
    source.write_bytes(files.saved(RGB, "JPEG", quality=100, exif=exif, xmp=files.xmp(8)))
    photo = decode(source)
    encode(photo, tmp_path / "out.png")
    back = decode(tmp_path / "out.png")
    assert np.array_equal(back.pixels, photo.pixels)
    assert back.size == (30, 40)
    assert back.xmp == files.xmp(1)
