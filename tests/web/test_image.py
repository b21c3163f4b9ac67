"""Pictures in Chromium as Python has them: pixels, alpha, metadata, refusals, files."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from PIL.PngImagePlugin import PngInfo

from homebody import errors
from homebody.features.photo.catalog import catalog_json, default_catalog
from homebody.features.photo.edit import edit_file
from homebody.features.photo.look import render
from homebody.image import decode, encode
from tests.image.files import exif, icc, png_header, ramp, saved, xmp
from tests.web.images import every_png, png

ROOT = Path(__file__).parents[2]
PHOTO = (ROOT / "examples" / "coast.jpg").read_bytes()

START = Path(__file__).with_name("images.js").read_text()


@pytest.fixture(scope="module")
def studio(browser, site):
    """A page with the modules, kept for all tests here."""
    page = browser.new_page()
    page.goto(f"{site}/blank.html")
    page.evaluate(START, text(catalog_json()))
    yield page
    page.close()


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def plain(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


def in_browser(studio, data: bytes, at_least: int | None = None) -> dict:
    found = studio.evaluate("([file, atLeast]) => decode(file, atLeast)", [text(data), at_least])
    assert "error" not in found, found
    shape = (found["height"], found["width"])
    found["pixels"] = np.frombuffer(plain(found["pixels"]), np.uint8).reshape(*shape, 3)
    if found["alpha"] is not None:
        found["alpha"] = np.frombuffer(plain(found["alpha"]), np.uint8).reshape(shape)
    return {**found, **{name: plain(found[name]) for name in ("exif", "icc", "xmp")}}


def assert_same(studio, data: bytes, at_least: int | None = None, *, metadata: bool = True) -> None:
    photo, found = decode(data, at_least=at_least), in_browser(studio, data, at_least)
    assert found["format"] == photo.format
    assert tuple(found["size"]) == photo.size
    assert (found["alpha"] is None) == (photo.alpha is None)
    if photo.alpha is not None:
        assert np.array_equal(found["alpha"], photo.alpha)
    assert found["pixels"].shape == photo.pixels.shape
    assert np.array_equal(found["pixels"], photo.pixels)
    if metadata:
        assert (found["exif"], found["icc"], found["xmp"]) == (photo.exif, photo.icc, photo.xmp)


# ---- the same pixels ----


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation(studio, kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(ramp(24, 17), kind, exif=b"Exif\0\0" + exif(orientation=orientation), **options)
    assert_same(studio, data)


@pytest.mark.parametrize("at_least", [1, 99, 100, 101, 200, 399, 400, 800, 5000])
def test_jpeg_scales(studio, at_least):
    assert_same(studio, PHOTO, at_least)


@pytest.mark.parametrize(
    "options",
    [
        {"progressive": True},
        {"subsampling": 0},
        {"subsampling": 1, "quality": 30},
        {"restart_marker_rows": 1},
    ],
    ids=str,
)
def test_jpeg_kinds(studio, options):
    picture = Image.open(BytesIO(PHOTO)).resize((211, 143))
    assert_same(studio, saved(picture, "JPEG", **options))
    assert_same(studio, saved(picture.convert("L"), "JPEG", **options), 50)


def test_large_jpeg(studio):
    picture = Image.open(BytesIO(PHOTO)).resize((2400, 1600))
    data = saved(picture, "JPEG", quality=92, exif=b"Exif\0\0" + exif(orientation=6))
    assert_same(studio, data)
    assert_same(studio, data, 454)


@pytest.mark.parametrize("data", every_png().values(), ids=every_png())
def test_every_png(studio, data):
    assert_same(studio, data)


def test_pngs_of_odd_sizes(studio):
    for size in ((1, 1), (1, 9), (9, 1), (2, 3), (5, 5), (8, 8), (300, 2)):
        for interlaced in (False, True):
            assert_same(studio, png(6, 8, size=size, interlaced=interlaced))
            assert_same(studio, png(0, 1, size=size, interlaced=interlaced))


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("channels", [3, 4])
def test_webp(studio, lossless, channels):
    exact = {"exact": True} if lossless else {}
    assert_same(studio, saved(ramp(40, 52, channels), "WEBP", lossless=lossless, **exact))


def test_transparent_colours_stay(studio):
    """A canvas would lose the colours of what is nearly transparent."""
    pixels = np.random.default_rng(5).integers(0, 256, (20, 20, 4), np.uint8)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        assert_same(studio, saved(pixels, kind, **options))


def test_gif_and_bmp(studio):
    picture = Image.fromarray(ramp(20, 30)).quantize(64)
    assert_same(studio, saved(picture, "GIF"))
    assert_same(studio, saved(Image.fromarray(ramp(20, 30)), "BMP"))
    data = saved(picture, "GIF", transparency=int(np.asarray(picture)[0, 0]))
    photo, found = decode(data), in_browser(studio, data)
    assert np.array_equal(found["alpha"], photo.alpha)
    seen = photo.alpha > 0  # what cannot be seen has no colour in a browser
    assert np.array_equal(found["pixels"][seen], photo.pixels[seen])


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow does not write AVIF")
def test_avif(studio):
    """Decoders of AVIF differ in their last bits; nothing else does."""
    data = saved(ramp(40, 52), "AVIF", quality=90)
    photo, found = decode(data), in_browser(studio, data)
    assert tuple(found["size"]) == photo.size
    assert np.abs(found["pixels"].astype(int) - photo.pixels).max() <= 3


def test_cmyk_is_left_to_the_browser(studio):
    data = saved(Image.fromarray(ramp(40, 52)).convert("CMYK"), "JPEG", quality=95)
    photo, found = decode(data), in_browser(studio, data)
    assert np.abs(found["pixels"].astype(int) - photo.pixels).max() <= 8
    assert found["icc"] is None


# ---- metadata ----


def test_metadata(studio):
    profile, packet = icc(), xmp()
    for order in "<>":
        for kind in ("JPEG", "PNG", "WEBP"):
            options = {"exif": b"Exif\0\0" + exif(order), "icc_profile": profile}
            if kind == "PNG":
                options["pnginfo"] = PngInfo()
                options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet.decode(), zip=order == "<")
            else:
                options["xmp"] = packet
            data = saved(ramp(9, 7), kind, **options)
            photo = decode(data)
            assert None not in (photo.exif, photo.icc, photo.xmp)
            assert_same(studio, data)


def test_a_long_profile_in_several_segments(studio):
    profile = icc() + bytes(range(256)) * 600
    assert_same(studio, saved(ramp(9, 7), "JPEG", icc_profile=profile))


def test_png_is_turned_by_its_xmp(studio):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp(8).decode())
    assert_same(studio, saved(ramp(9, 7), "PNG", pnginfo=info))


# ---- what is refused ----


def refusal(studio, data: bytes) -> dict:
    found = studio.evaluate("(file) => decode(file)", text(data))
    assert set(found) == {"error", "code", "message"}, "it was read"
    assert "\n" not in found["message"]
    return found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        PHOTO[:5000],
        PHOTO[:-2],
        PHOTO[:3],
        png_header(70_000, 3),
        png_header(60_000, 60_000),
        png_header(0, 5),
        png_header(500, 400),
        png(2, 8)[:90],
        png(2, 8).replace(b"IHDR\0", b"IHDR\1"),
        saved(ramp(9, 9), "WEBP")[:40],
        saved(ramp(9, 9), "GIF")[:30],
        b"GIF89a" + b"\xff\xff\xff\xff" + saved(ramp(9, 9), "GIF")[10:],
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40),
    ],
    ids=[
        "empty", "nonsense", "cut JPEG", "JPEG without an end", "three bytes", "wide PNG",
        "large PNG", "PNG of no width", "PNG without pixels", "cut PNG", "PNG with a wrong sum",
        "cut WebP", "cut GIF", "large GIF", "HEIC",
    ],
)  # fmt: skip
def test_refusals_are_of_the_same_kind(studio, data):
    with pytest.raises(errors.ImageError) as expected:
        decode(data)
    assert refusal(studio, data)["error"] == type(expected.value).__name__


@pytest.mark.parametrize("kind", ["TIFF", "PPM"])
def test_what_browsers_do_not_read(studio, kind):
    found = refusal(studio, saved(ramp(9, 9), kind))
    assert found["error"] == "NotAnImageError"
    assert kind in found["message"]
    assert "JPEG" in found["message"]


def test_every_png_that_is_cut_short(studio):
    data = png(2, 8, size=(6, 5))
    for length in range(1, len(data) - 20):
        assert refusal(studio, data[:length])["error"] in ("BrokenImageError", "NotAnImageError")


# ---- what is written ----


def written(studio, data: bytes, **options) -> bytes:
    found = studio.evaluate("([file, options]) => encode(file, options)", [text(data), options])
    assert "error" not in found, found
    assert found["type"] == options.get("type", "image/jpeg")
    return plain(found["file"])


@pytest.fixture(scope="module")
def tagged() -> bytes:
    options = {"icc_profile": icc(), "xmp": xmp(), "exif": b"Exif\0\0" + exif()}
    return saved(ramp(48, 31), "JPEG", quality=95, **options)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_written_files_have_the_metadata_that_python_writes(studio, tagged, tmp_path, kind):
    photo = decode(tagged)
    encode(photo, tmp_path / f"python.{kind}")
    expected = decode(tmp_path / f"python.{kind}")
    found = decode(written(studio, tagged, type=f"image/{kind}"))
    assert found.size == expected.size == (48, 31)
    assert (found.exif, found.icc, found.xmp) == (expected.exif, expected.icc, expected.xmp)
    if kind == "webp":
        assert np.abs(found.pixels.astype(int) - photo.pixels).max() <= 24
    else:
        assert np.array_equal(found.pixels, expected.pixels)
    assert_same(studio, written(studio, tagged, type=f"image/{kind}"))


def test_png_keeps_every_pixel_and_its_alpha(studio):
    pixels = np.random.default_rng(3).integers(0, 256, (70, 41, 4), np.uint8)
    found = decode(written(studio, saved(pixels, "PNG"), type="image/png"))
    assert np.array_equal(np.dstack([found.pixels, found.alpha]), pixels)


def test_jpeg_gets_white_for_what_is_transparent(studio):
    pixels = np.zeros((16, 16, 4), np.uint8)
    found = decode(written(studio, saved(pixels, "PNG"), quality=100))
    assert found.pixels.min() >= 254


def test_webp_keeps_alpha(studio):
    pixels = ramp(20, 22, 4)
    found = decode(written(studio, saved(pixels, "PNG"), type="image/webp", quality=90))
    assert np.abs(found.alpha.astype(int) - pixels[..., 3]).max() <= 3


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"type": "image/tiff"}, "image/tiff"),
        ({"quality": 0}, "quality is 0"),
        ({"quality": 101}, "quality is 101"),
        ({"quality": 2.5}, "quality is 2.5"),
    ],
)
def test_targets_that_are_refused(studio, tagged, options, what):
    found = studio.evaluate("([file, options]) => encode(file, options)", [text(tagged), options])
    assert found["error"] == "ImageWriteError"
    assert what in found["message"]


def test_sides_that_do_not_fit_a_jpeg(studio):
    data = saved(np.zeros((1, 65_501, 3), np.uint8), "PNG")
    ask = "([file, options]) => encode(file, options)"
    found = studio.evaluate(ask, [text(data), {"type": "image/jpeg"}])
    assert found["error"] == "ImageWriteError"
    assert "65,500" in found["message"]


def test_exif_that_does_not_fit_a_jpeg(studio):
    data = saved(ramp(9, 9), "PNG", exif=b"Exif\0\0" + exif(extra=bytes(70_000)))
    ask = "([file, options]) => encode(file, options)"
    found = studio.evaluate(ask, [text(data), {"type": "image/jpeg"}])
    assert found["error"] == "ImageWriteError"
    assert "PNG or WebP" in found["message"]
    assert decode(written(studio, data, type="image/webp")).exif == decode(data).exif


DAY = b"2020:12:31"


def gps_exif() -> bytes:
    tags = Image.Exif()
    tags[0x010F], tags[0x0112] = "Maker", 6
    tags.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    gps = tags.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (48.0, 51.0, 29.5), "E", (2.0, 17.0, 40.2)
    gps[29] = DAY.decode()
    return tags.tobytes()


GPS_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="48,51.5N" '
    b"exif:GPSLongitude='2,17.7E' dc:title=\"Tower\"><exif:GPSAltitude>35/1</exif:GPSAltitude>"
    b"</rdf:Description></x:xmpmeta>"
)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_where_it_was_taken_can_be_left_out(studio, kind):
    data = saved(ramp(30, 20), "JPEG", exif=gps_exif(), xmp=GPS_XMP)
    assert in_browser(studio, data)["gps"] is True
    kept = decode(written(studio, data, type=f"image/{kind}", gps=True))
    assert kept.exif == decode(data).exif
    assert kept.xmp == decode(data).xmp
    file = written(studio, data, type=f"image/{kind}", gps=False)
    left = decode(file)
    tags = Image.Exif()
    tags.load(left.exif)
    assert tags.get_ifd(0x8825) == {}
    assert tags[0x010F] == "Maker"
    assert tags.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert b"GPS" not in left.xmp
    assert b'dc:title="Tower"' in left.xmp
    assert DAY in data
    assert DAY not in file
    assert in_browser(studio, file)["gps"] is False


# ---- exports ----

ASK = "([file, preset, strength, options, stop]) => exported(file, preset, strength, options, stop)"


def export(studio, data: bytes, preset: str | None, strength: int = 100, **options) -> dict:
    stop = options.pop("cancel_at", None)
    found = studio.evaluate(ASK, [text(data), preset, strength, options, stop])
    found["file"] = plain(found.get("file"))
    return found


def in_python(data: bytes, preset: str, strength: int) -> np.ndarray:
    return render(decode(data).pixels, default_catalog().preset(preset), strength)


def finishing(*names: str) -> str:
    """A preset that uses all of these."""
    return next(
        preset.id
        for preset in default_catalog().presets
        if all(getattr(preset.adjust, name).amount for name in names)
    )


@pytest.fixture(scope="module")
def taken() -> bytes:
    """A photo of several bands, on its side, with metadata."""
    picture = Image.open(BytesIO(PHOTO)).resize((2100, 1400))
    options = {"icc_profile": icc(), "xmp": xmp(), "exif": b"Exif\0\0" + exif(orientation=6)}
    return saved(picture, "JPEG", quality=90, **options)


@pytest.mark.parametrize("strength", [100, 35])
@pytest.mark.parametrize("finish", [("sharpen",), ("vignette", "grain"), ()], ids=str)
def test_exports_have_the_pixels_of_photo_edit(studio, taken, finish, strength):
    preset = finishing(*finish)
    found = export(studio, taken, preset, strength, type="image/png")
    photo = decode(found["file"])
    assert np.array_equal(photo.pixels, in_python(taken, preset, strength))
    assert found["parts"] == sorted(found["parts"])
    assert found["parts"][0] == 0
    assert found["parts"][-1] == 1
    assert len(found["parts"]) > 4
    before = decode(taken)
    assert (photo.exif, photo.icc, photo.xmp) == (before.exif, before.icc, before.xmp)


def test_exports_of_what_is_transparent(studio):
    pixels = np.random.default_rng(2).integers(0, 256, (90, 60, 4), np.uint8)
    preset = finishing("vignette", "grain")
    data = saved(pixels, "PNG")
    photo = decode(export(studio, data, preset, type="image/png")["file"])
    assert np.array_equal(photo.pixels, in_python(data, preset, 100))
    assert np.array_equal(photo.alpha, pixels[..., 3])


def test_exports_without_a_preset_change_no_pixel(studio, taken):
    photo = decode(export(studio, taken, None, type="image/png")["file"])
    assert np.array_equal(photo.pixels, decode(taken).pixels)


@pytest.mark.parametrize("quality", [95, 80])
def test_jpeg_exports_are_those_of_photo_edit(studio, taken, tmp_path, quality):
    """Other markers, the same coefficients: the same pixels for whoever opens either."""
    preset = default_catalog().preset(finishing("vignette", "grain"))
    (tmp_path / "photo.jpg").write_bytes(taken)
    edit_file(tmp_path / "photo.jpg", preset, tmp_path / "edited.jpg", quality=quality)
    expected = decode(tmp_path / "edited.jpg")
    found = export(studio, taken, preset.id, type="image/jpeg", quality=quality)
    assert found["type"] == "image/jpeg"
    photo = decode(found["file"])
    assert np.array_equal(photo.pixels, expected.pixels)
    assert (photo.exif, photo.icc, photo.xmp) == (expected.exif, expected.icc, expected.xmp)


def test_exports_that_the_browser_encodes(studio, taken):
    preset = finishing()
    found = export(studio, taken, preset, type="image/webp", quality=95, gps=False)
    photo = decode(found["file"])
    before = decode(taken)
    assert found["type"] == "image/webp"
    assert photo.size == (1400, 2100)
    assert photo.exif == before.exif  # there was no place in it
    assert photo.icc == before.icc
    apart = np.abs(photo.pixels.astype(int) - in_python(taken, preset, 100))
    assert apart.mean() < 3


def test_exports_can_be_cancelled(studio, taken):
    found = export(studio, taken, finishing(), type="image/png", cancel_at=0.1)
    assert found["cancelled"]
    assert found["parts"][-1] < 1


def test_exports_that_fail_say_why(studio):
    found = export(studio, PHOTO[:9000], finishing())
    assert found["error"] == "BrokenImageError"
    found = export(studio, PHOTO, finishing(), type="image/heic")
    assert found["error"] == "ImageWriteError"
