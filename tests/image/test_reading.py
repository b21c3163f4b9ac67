"""Decoding: every kind of picture comes out as upright 8-bit RGB, or as one clear error."""

from __future__ import annotations

import contextlib
import os
import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from homebody.errors import (
    BrokenImageError,
    ImageError,
    ImageFileError,
    ImageTooLargeError,
    NotAnImageError,
)
from homebody.image import LIMITS, Limits, Photo, decode
from tests.image import files

RGB = files.ramp(30, 40)


# ---- kinds ----


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "WEBP"])
def test_lossless_rgb_comes_back(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    photo = decode(files.saved(RGB, kind, **options))
    assert np.array_equal(photo.pixels, RGB)
    assert photo.pixels.flags.c_contiguous
    assert (photo.size, photo.alpha, photo.format) == ((40, 30), None, kind)


def test_jpeg():
    photo = decode(files.saved(RGB, "JPEG", quality=98))
    assert np.abs(photo.pixels.astype(int) - RGB).max() <= 8
    assert photo.format == "JPEG"


def test_avif_where_pillow_reads_it():
    from PIL import features

    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    assert decode(files.saved(RGB, "AVIF", quality=100)).pixels.shape == RGB.shape


def test_grey_and_bilevel():
    grey = RGB[..., 0]
    assert np.array_equal(decode(files.saved(grey, "PNG")).pixels, np.dstack([grey] * 3))
    bits = Image.fromarray(np.where(grey > 100, 255, 0).astype(np.uint8)).convert("1")
    assert set(np.unique(decode(files.saved(bits, "PNG")).pixels)) == {0, 255}


def test_palette():
    picture = Image.fromarray(RGB).quantize(64)
    expected = np.asarray(picture.convert("RGB"))
    assert np.array_equal(decode(files.saved(picture, "PNG")).pixels, expected)


def test_palette_with_a_transparent_colour():
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    photo = decode(files.saved(picture, "PNG", transparency=1))
    assert photo.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert photo.alpha.tolist() == [[255, 0]]
    assert photo.flat.tolist() == [[[10, 20, 30], [255, 255, 255]]]


def test_alpha():
    rgba = files.ramp(20, 25, 4)
    photo = decode(files.saved(rgba, "PNG"))
    assert np.array_equal(photo.pixels, rgba[..., :3])
    assert np.array_equal(photo.alpha, rgba[..., 3])
    alpha = rgba[..., 3:] / 255
    expected = np.floor(rgba[..., :3] * alpha + 255 * (1 - alpha) + 0.5)
    assert np.abs(photo.flat - expected).max() <= 1


def test_an_opaque_alpha_is_none():
    rgba = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    assert decode(files.saved(rgba, "PNG")).alpha is None


def test_grey_with_alpha():
    picture = Image.merge("LA", [Image.fromarray(RGB[..., i].copy()) for i in range(2)])
    photo = decode(files.saved(picture, "PNG"))
    assert np.array_equal(photo.pixels[..., 2], RGB[..., 0])
    assert np.array_equal(photo.alpha, RGB[..., 1])


def test_16_bit_grey_is_rounded():
    values = np.array([[0, 128, 129, 32768, 65534, 65535]], np.uint16)
    expected = np.floor(values / 257 + 0.5).astype(int).tolist()
    for data in (files.png_16_bit(values), files.saved(Image.fromarray(values), "TIFF")):
        assert decode(data).pixels[..., 0].tolist() == expected


def test_16_bit_rgb():
    values = np.array([[[0, 257 * 100, 65535], [257 * 7, 5, 257 * 200]]], np.uint16)
    assert decode(files.png_16_bit(values)).pixels.tolist() == [[[0, 100, 255], [7, 0, 200]]]


def test_float_pictures_are_refused():
    data = files.saved(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF")
    with pytest.raises(NotAnImageError, match="8 or 16 bits"):
        decode(data)


def test_cmyk_without_a_profile():
    picture = Image.fromarray(RGB).convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        photo = decode(files.saved(picture, kind))
        assert np.abs(photo.pixels.astype(int) - RGB).max() <= 12
        assert photo.icc is None


def test_cmyk_with_a_damaged_profile():
    picture = Image.fromarray(RGB).convert("CMYK")
    damaged = b"\0" * 16 + b"CMYK" + b"\0" * 200
    photo = decode(files.saved(picture, "JPEG", icc_profile=damaged))
    assert np.abs(photo.pixels.astype(int) - RGB).max() <= 12
    assert photo.icc is None


def test_lab():
    photo = decode(files.saved(Image.new("LAB", (4, 3), (128, 128, 128)), "TIFF"))
    assert np.ptp(photo.pixels) <= 4  # grey
    assert 110 <= photo.pixels[0, 0, 0] <= 130


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_several(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = files.saved(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decode(data).pixels[0, 0].tolist() == [255, 0, 0]


# ---- scaled decoding ----


@pytest.mark.parametrize(
    ("at_least", "size"), [(1, 38), (37, 38), (38, 75), (75, 75), (76, 150), (150, 150), (151, 300)]
)
def test_a_jpeg_is_decoded_as_small_as_is_enough(at_least, size):
    photo = decode(files.saved(files.ramp(300, 400), "JPEG"), at_least=at_least)
    assert photo.pixels.shape[0] == size
    assert photo.size == (400, 300)


def test_at_least_counts_the_short_side_of_a_turned_jpeg():
    data = files.saved(files.ramp(100, 800), "JPEG", exif=b"Exif\0\0" + files.exif(orientation=6))
    photo = decode(data, at_least=50)
    assert (photo.pixels.shape, photo.size) == ((400, 50, 3), (100, 800))


def test_at_least_of_a_jpeg_is_the_whole_pictures_size():
    data = files.saved(files.ramp(301, 403), "JPEG")
    assert decode(data, at_least=20).size == decode(data).size == (403, 301)


def test_at_least_leaves_other_formats_whole():
    assert decode(files.saved(RGB, "PNG"), at_least=2).pixels.shape == RGB.shape


def test_at_least_of_nothing_is_refused():
    with pytest.raises(ImageError, match="at_least"):
        decode(files.saved(RGB, "JPEG"), at_least=0)


# ---- orientation and metadata ----

TURNED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
    8: lambda p: np.rot90(p, 1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_orientation_is_applied(orientation, order, kind):
    rgba = files.ramp(6, 9, 4)
    rgba[0, 0, 3] = 255
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    data = files.saved(rgba, kind, exif=files.exif(order, orientation), **options)
    photo = decode(data)
    expected = TURNED[orientation](rgba)
    assert np.array_equal(photo.pixels, expected[..., :3])
    assert np.array_equal(photo.alpha, expected[..., 3])
    assert photo.size == (expected.shape[1], expected.shape[0])
    reread = Image.Exif()
    reread.load(photo.exif)
    assert reread[0x0112] == 1
    assert reread.get_ifd(0x8769) == {0xA002: photo.size[0], 0xA003: photo.size[1]}


def test_tiff_orientation():
    rgb = files.ramp(6, 9)
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x010F] = "Ann"
    photo = decode(files.saved(rgb, "TIFF", exif=tags))
    assert np.array_equal(photo.pixels, np.rot90(rgb, -1))
    assert photo.size == (6, 9)
    kept = Image.Exif()
    kept.load(photo.exif)
    assert dict(kept) == {0x010F: "Ann"}  # and nothing of how the TIFF stored its pixels
    again = decode(files.saved(photo.pixels, "TIFF", exif=photo.exif))
    assert np.array_equal(again.pixels, photo.pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_profile_and_xmp_are_carried(kind):
    from homebody.image import writing

    photo = Photo(RGB, (40, 30), exif=files.exif(orientation=1), icc=files.icc(), xmp=files.xmp(6))
    data = writing._encoded(photo, writing.Path(f"x.{kind.lower()}"), 95)
    read = decode(data)
    assert read.icc == photo.icc
    assert read.xmp == files.xmp(1)


def test_a_grey_profile_does_not_stay_with_rgb():
    profile = bytearray(files.icc())
    profile[16:20] = b"GRAY"
    assert decode(files.saved(RGB[..., 0], "PNG", icc_profile=bytes(profile))).icc is None


@given(st.binary(max_size=80), st.integers(0, 119), st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_damaged_exif_is_never_fatal(tail, place, value):
    good = bytearray(files.exif() + tail)
    good[place % len(good)] = value
    for exif in (bytes(good), bytes(good[: place % len(good)]), tail):
        photo = decode(files.saved(RGB, "JPEG", exif=b"Exif\0\0" + exif))
        assert sorted(photo.pixels.shape[:2]) == [30, 40]


# ---- refusals ----


def test_no_such_file(tmp_path):
    with pytest.raises(ImageFileError, match="does not exist"):
        decode(tmp_path / "absent.jpg")


def test_a_folder(tmp_path):
    with pytest.raises(ImageFileError, match="is a folder"):
        decode(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageFileError, match="not a regular file"):
        decode(tmp_path / "pipe.jpg")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "mine.jpg"
    path.write_bytes(files.saved(RGB, "JPEG"))

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # root may read everything
    with pytest.raises(ImageFileError, match="may not be read"):
        decode(path)


@pytest.mark.parametrize("path", ["a\0b.jpg", "x" * 5000, "none\n.jpg"])
def test_impossible_paths_give_one_line(path):
    with pytest.raises(ImageFileError) as refusal:
        decode(path)
    assert "\n" not in str(refusal.value)
    assert "\0" not in str(refusal.value)


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(NotAnImageError, match="is empty"):
        decode(tmp_path / "empty.png")
    with pytest.raises(NotAnImageError, match="is empty"):
        decode(b"")


@pytest.mark.parametrize(
    "data",
    [b"hello, world", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe-3.0 EPSF-3.0\n"],
)
def test_not_a_picture(data):
    with pytest.raises(NotAnImageError, match="JPEG, PNG"):
        decode(data)


def test_heic_is_named():
    with pytest.raises(NotAnImageError, match="HEIC"):
        decode(struct.pack(">I", 24) + b"ftypheic" + bytes(40))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated(kind, share):
    noise = np.random.default_rng(1).integers(0, 256, (50, 50, 3), np.uint8)
    data = files.saved(noise, kind)
    with pytest.raises((BrokenImageError, NotAnImageError)):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("size", [(100_000, 1_000_000), (65_536, 10), (20_000, 20_000)])
def test_bombs_are_refused_from_the_header(size):
    with pytest.raises(ImageTooLargeError, match="pixels"):
        decode(files.png_header(*size))


def test_caps_are_settable_and_exact():
    data = files.saved(RGB, "PNG")
    assert decode(data, limits=Limits(pixels=1200, file_bytes=len(data))).size == (40, 30)
    with pytest.raises(ImageTooLargeError, match="pixels"):
        decode(data, limits=Limits(pixels=1199))
    with pytest.raises(ImageTooLargeError, match="bytes"):
        decode(data, limits=Limits(file_bytes=len(data) - 1))
    with pytest.raises(ImageTooLargeError, match="side"):
        decode(data, limits=Limits(side=39))
    assert LIMITS.pixels == 200_000_000


def test_a_large_photo_under_the_cap_needs_no_global_setting():
    """Pillow's own, process-wide cap of about 89 million pixels is not what counts here."""
    big = Image.new("L", (10_000, 9_500))
    assert decode(files.saved(big, "PNG")).size == (10_000, 9_500)


def outcome(data: bytes) -> tuple[Photo | None, str]:
    """The photo, or the message of the ImageError; any other exception passes through."""
    try:
        return decode(data, limits=Limits(pixels=100_000)), ""
    except ImageError as error:
        return None, str(error)


@given(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM"]), st.data())
@settings(max_examples=300, deadline=None)
def test_altered_files_decode_or_are_refused(kind, data):
    good = bytearray(files.saved(files.ramp(12, 16), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    photo, message = outcome(bytes(good))
    assert "\n" not in message
    if photo is not None:
        assert photo.pixels.dtype == np.uint8
        assert photo.pixels.shape[2] == 3


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"])
)
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_refused(tail, head):
    assert "\n" not in outcome(head + tail)[1]


def test_pixels_of_another_kind_make_no_photo():
    for pixels in (RGB.astype(float), RGB[..., 0], RGB[:0], RGB.tolist()):
        with pytest.raises(ImageError, match="uint8"):
            Photo.from_pixels(pixels)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_broken_tiff_is_told_by_an_error_alone(
    compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """libtiff would write to standard error too."""
    rng = np.random.default_rng(0)
    file = BytesIO()
    noise = rng.integers(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(noise).save(file, "TIFF", compression=compression)
    whole = file.getvalue()
    for _ in range(40):
        data = bytearray(whole)
        for at in rng.integers(8, len(data), 4):
            data[at] ^= int(rng.integers(1, 256))
        with contextlib.suppress(ImageError):
            decode(bytes(data))
    assert capfd.readouterr().err == ""
