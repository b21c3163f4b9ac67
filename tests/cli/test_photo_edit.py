from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.look import render
from homebody.features.photo.sample_photos import sample_folder

from .conftest import Run

PRESET = default_catalog().presets[0]
CAT = sample_folder() / "cat.jpg"


def test_the_edit_is_the_render(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    done = run("photo", "edit", CAT, "--preset", PRESET.id, "--strength", "60", "-o", out)
    assert done.code == 0, done.err
    with Image.open(CAT) as before, Image.open(out) as after:
        expected = render(np.asarray(before.convert("RGB")), PRESET, 60)
        np.testing.assert_array_equal(np.asarray(after), expected)


def test_strength_zero_is_the_original(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    run("photo", "edit", CAT, "--preset", PRESET.id, "--strength", "0", "-o", out)
    with Image.open(CAT) as before, Image.open(out) as after:
        np.testing.assert_array_equal(np.asarray(before.convert("RGB")), np.asarray(after))


def test_metadata_survives_and_orientation_is_applied(run: Run, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Somebody"  # orientation: turn right; artist
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    source = tmp_path / "turned.jpg"
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :15] = 200
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>kept</note></x:xmpmeta>'
    Image.fromarray(pixels).save(source, exif=exif, icc_profile=profile, xmp=xmp, quality=95)
    out = tmp_path / "out.jpg"
    done = run("photo", "edit", source, "--preset", PRESET.name.upper(), "-o", out, "--json")
    assert json.loads(done.out)["preset"] == PRESET.id
    with Image.open(out) as after:
        assert after.size == (20, 30)
        found = after.getexif()
        assert found.get(0x0112, 1) == 1
        assert found[0x013B] == "Somebody"
        assert found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
        assert after.info["icc_profile"] == profile
        assert b"kept" in after.info["xmp"]
        upright = np.asarray(after.convert("L"), np.int64)
    assert upright[:10].mean() > upright[-10:].mean() + 50, "the bright half is on top now"


def test_alpha_is_kept(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    pixels = np.full((8, 8, 4), 90, np.uint8)
    pixels[..., 3] = np.arange(64, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(pixels).save(source)
    assert run("photo", "edit", source, "--preset", PRESET.id, "-o", out).code == 0
    with Image.open(out) as after:
        np.testing.assert_array_equal(np.asarray(after)[..., 3], pixels[..., 3])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--preset", "nosuch", "-o", "x.jpg"], "no preset 'nosuch'"),
        (["--preset", PRESET.name[:-1], "-o", "x.jpg"], PRESET.id),
        (["--preset", PRESET.id, "-o", "x.docx"], "x.docx"),
        (["--preset", PRESET.id, "-o", "no/such/folder/x.jpg"], "folder"),
        (["--preset", PRESET.id, "-o", "."], ".jpg, .jpeg, .png"),
    ],
)
def test_mistakes_are_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("photo", "edit", CAT, *arguments)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_photo_itself_may_be_replaced(run: Run, tmp_path: Path) -> None:
    photo = tmp_path / "cat.jpg"
    photo.write_bytes(CAT.read_bytes())
    assert run("photo", "edit", photo, "--preset", PRESET.id, "-o", photo).code == 0
    assert photo.read_bytes() != CAT.read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["cat.jpg"]
