"""The JPEG decoder beside Pillow's libjpeg-turbo: equal bit for bit, at every scale."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, JpegImagePlugin

from homebody import kernels
from homebody.errors import KernelError
from tests.kernels.jpegs import FACTORS, Spec, fits_a_unit, jpeg, mutations, saved, segment

ROOT = Path(__file__).parents[2]
PHOTOS = sorted(
    [
        *(ROOT / "examples").glob("*.jpg"),
        *(ROOT / "src/homebody/features/photo/samples").glob("*.jpg"),
    ]
)
ADOBE_RGB = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")


def by_pillow(data: bytes, scale: int) -> np.ndarray:
    """As Pillow decodes at a scale; ``draft`` does this, but not for pictures that get tiny."""
    picture = JpegImagePlugin.JpegImageFile(BytesIO(data))
    width, height = (-(-side // scale) for side in picture.size)
    decoder, _, offset, arguments = picture.tile[0]
    picture._size = (width, height)
    picture.tile = [ImageFile._Tile(decoder, (0, 0, width, height), offset, arguments)]
    picture.decoderconfig = (scale, 0)
    picture.load()
    return np.asarray(picture.convert("RGB"))


def assert_equal(data: bytes) -> None:
    for scale in kernels.JPEG_SCALES:
        ours, theirs = kernels.jpeg_decode(data, scale), by_pillow(data, scale)
        assert ours.shape == theirs.shape
        assert np.array_equal(ours, theirs), f"at 1/{scale}"


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(ROOT / "examples" / "coast.jpg").convert("RGB").resize((75, 51))


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_photos(path):
    assert_equal(path.read_bytes())


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"optimize": True, "quality": 5},
        {"quality": 100},
        {"restart_marker_blocks": 1},
        {"restart_marker_rows": 1, "progressive": True, "quality": 30},
    ],
    ids=str,
)
def test_kinds_that_pillow_writes(photo, subsampling, options):
    for size in ((75, 51), (1, 1), (3, 2), (16, 16), (17, 33), (2, 40)):
        assert_equal(saved(photo.resize(size), subsampling=subsampling, **options))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
def test_grey(photo, options):
    assert_equal(saved(photo.convert("L"), **options))


@pytest.mark.parametrize("factors", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("interleaved", [True, False], ids=["together", "a component a scan"])
def test_sampling_factors(factors, interleaved):
    interleaved = interleaved and fits_a_unit(factors)
    for seed, (width, height) in enumerate(((1, 1), (2, 3), (8, 8), (17, 16), (33, 47), (64, 31))):
        for restart in (0, 2):
            spec = Spec(width, height, factors, restart, interleaved, seed=seed)
            assert_equal(jpeg(spec))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    factors=st.sampled_from(list(FACTORS.values())),
    restart=st.integers(0, 9),
    interleaved=st.booleans(),
    strength=st.sampled_from([0.05, 1, 10]),
    density=st.sampled_from([0, 0.02, 0.3, 1]),
    seed=st.integers(0, 2**32),
)
def test_any_coefficients(width, height, factors, restart, interleaved, strength, density, seed):
    spec = Spec(width, height, factors, restart, interleaved and fits_a_unit(factors))
    assert_equal(jpeg(spec._replace(strength=strength, density=density, seed=seed)))


@pytest.mark.parametrize("wide", [False, True])
def test_tables_of_16_bits(wide):
    assert_equal(jpeg(Spec(40, 30, wide_tables=wide)))


@pytest.mark.parametrize(
    ("app", "ids"),
    [
        (b"", (1, 2, 3)),
        (b"", (82, 71, 66)),  # R, G, B
        (b"", (0, 1, 2)),
        (ADOBE_RGB, (1, 2, 3)),
        (ADOBE_RGB[:-1] + b"\1", (82, 71, 66)),
        (segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + ADOBE_RGB, (82, 71, 66)),
    ],
)
def test_what_says_that_it_is_rgb(app, ids):
    assert_equal(jpeg(Spec(24, 24, app=app, ids=ids)))


def test_rows_can_be_asked_for_in_parts(photo):
    library = kernels._library.load()
    for data in (saved(photo, progressive=True), saved(photo, subsampling=2)):
        size = np.zeros(4, np.int32)
        words = library.hb_jpeg_scratch(data, len(data), 2)
        scratch = np.empty(words, np.uint32)
        start = (data, len(data), 2, size.ctypes.data, scratch.ctypes.data)
        assert library.hb_jpeg_start(*start, words - 1) == -2
        assert library.hb_jpeg_start(*start, words) == 0
        assert size.tolist() == [75, 51, 38, 26]
        out = np.empty((26, 38, 3), np.uint8)
        for first, last in ((0, 1), (1, 12), (12, 26)):
            part = out[first:last]
            assert library.hb_jpeg_rows(scratch.ctypes.data, len(part), part.ctypes.data) == 0
        assert library.hb_jpeg_rows(scratch.ctypes.data, 1, out.ctypes.data) == -1
        assert np.array_equal(out, by_pillow(data, 2))


# ---- what is refused ----


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_every_file_that_is_cut_short_is_broken(photo, options):
    data = saved(photo.resize((40, 30)), **options)
    for length in range(len(data)):
        with pytest.raises(KernelError, match="broken"):
            kernels.jpeg_decode(data[:length])


def test_kinds_that_are_left_to_others(photo):
    whole = saved(photo)
    frame = whole.index(b"\xff\xc0")
    lossless = whole[: frame + 1] + b"\xc3" + whole[frame + 2 :]
    arithmetic = whole[: frame + 1] + b"\xc9" + whole[frame + 2 :]
    deep = whole[: frame + 4] + b"\x0c" + whole[frame + 5 :]
    for data in (saved(photo.convert("CMYK")), lossless, arithmetic, deep):
        with pytest.raises(KernelError, match="kind"):
            kernels.jpeg_decode(data)


def test_tables_that_motion_jpeg_leaves_out(photo):
    assert_equal(saved(photo).replace(b"\xff\xc4", b"\xff\xfe"))


def test_a_progressive_file_without_its_last_scans_is_left_to_others(photo):
    """libjpeg smooths what it guesses there; a whole file has nothing to guess."""
    whole = saved(photo, progressive=True)
    scans = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    assert len(scans) > 4
    # To before the table of a scan that comes after the first AC scans.
    cut = whole.rindex(b"\xff\xc4", 0, scans[2])
    with pytest.raises(KernelError, match="kind"):
        kernels.jpeg_decode(whole[:cut] + b"\xff\xd9")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\xff\xc0\0\x11\x08\0\x33\0\x4b", b"\xff\xc0\0\x11\x08\0\0\0\x4b"),  # no rows
        (b"\xff\xc0\0\x11\x08\0\x33\0\x4b", b"\xff\xc0\0\x11\x08\xff\xff\0\x4b"),  # too many
        (b"\xff\xc0\0\x11", b"\xff\xc0\0\x10"),  # a length that does not fit
        (b"\x03\x01\x22\0", b"\x03\x01\x52\0"),  # a factor of five
        (b"\x03\x01\x22\0", b"\x03\x01\x20\0"),  # of none
        (b"\x03\x01\x22\0", b"\x03\x01\x22\4"),  # no such table
        (b"\xff\xda\0\x0c\x03\x01", b"\xff\xda\0\x0c\x03\x09"),  # no such component
        (b"\xff\xda\0\x0c\x03\x01\0\x02", b"\xff\xda\0\x0c\x03\x01\0\x01"),  # one of them twice
        (b"\xff\xda\0\x0c\x03\x01\0", b"\xff\xda\0\x0c\x03\x01\x04"),  # no such table
        (b"\xff\xdb\0\x43\0", b"\xff\xdb\0\x43\x04"),  # a fifth quantizer
    ],
)
def test_contradictions(photo, old, new):
    whole = saved(photo)
    assert whole.count(old) == 1
    with pytest.raises(KernelError, match="broken"):
        kernels.jpeg_decode(whole.replace(old, new))
    with pytest.raises((OSError, SyntaxError)):
        by_pillow(whole.replace(old, new), 1)


@pytest.mark.parametrize("counts", [[3] + [0] * 15, [2] + [0] * 15, [0, 4] + [0] * 14], ids=str)
def test_codes_that_do_not_fit_their_length(photo, counts):
    """A code of ones alone is none, so one bit less is left than there seems to be."""
    whole = saved(photo)
    table = segment(0xC4, bytes([0, *counts, *range(sum(counts))]))
    with pytest.raises(KernelError, match="broken"):
        kernels.jpeg_decode(whole.replace(b"\xff\xda", table + b"\xff\xda", 1))


@pytest.mark.parametrize("shift", [None, *range(1, 8)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_restarts_that_are_lost_or_out_of_turn(photo, subsampling, shift):
    """libjpeg guesses by the number how much was lost; so do we, to the pixel."""
    data = saved(photo, subsampling=subsampling, restart_marker_blocks=2)
    places = [at for at in range(len(data)) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7]
    assert len(places) > 6
    for at in places[:6]:
        other = b"" if shift is None else bytes([0xFF, 0xD0 + (data[at + 1] - 0xD0 + shift) % 8])
        assert_equal(data[:at] + other + data[at + 2 :])


@pytest.mark.parametrize("density", [0, 0.02])
def test_values_far_out_of_range(density):
    """They wrap and saturate at 16 bits where libjpeg-turbo's vector code does."""
    for seed in range(4):
        assert_equal(jpeg(Spec(33, 24, strength=100, density=density, seed=seed)))


def outcome(data: bytes, scale: int) -> str:
    try:
        theirs = by_pillow(data, scale)
    except Exception:
        theirs = None
    try:
        ours = kernels.jpeg_decode(data, scale)
    except KernelError as refusal:
        if "kind" in str(refusal):
            return "left to others"
        ours = None
    if ours is None or theirs is None:
        return "both refuse" if ours is theirs else "one refuses"
    return "same" if np.array_equal(ours, theirs) else "other pixels"


def test_damaged_files_are_as_pillow_has_them(photo):
    """What differs: values far out of any picture's range, and nonsense after the last row."""
    outcomes: Counter[str] = Counter()
    for data in mutations(1, 1500, photo):
        header = data.find(b"\xff\xc0"), data.find(b"\xff\xc2")
        if any(at > 0 and max(data[at + 5], data[at + 7]) > 3 for at in header):
            continue  # it claims to be large
        outcomes.update(outcome(data, scale) for scale in (1, 8))
    assert outcomes["same"] > 1000
    assert outcomes["both refuse"] > 1000
    assert outcomes["one refuses"] <= 0.015 * outcomes.total(), outcomes
    assert outcomes["other pixels"] <= 0.005 * outcomes.total(), outcomes


def test_arguments():
    with pytest.raises(KernelError, match="bytes of a JPEG"):
        kernels.jpeg_decode(np.zeros(4, np.uint8))
    for scale in (0, 3, 16, "1", None):
        with pytest.raises(KernelError, match="give 1, 2, 4 or 8"):
            kernels.jpeg_decode(b"", scale)


def test_webassembly_gives_the_same(photo, tmp_path):
    node, module = shutil.which("node"), kernels.NATIVE / "homebody.wasm"
    if node is None or not module.exists():
        pytest.skip("needs node and the browser's module")
    files = {
        "baseline": saved(photo),
        "progressive": saved(photo, progressive=True, subsampling=1),
        "each": jpeg(Spec(50, 41, FACTORS["each its own"], 3)),
        "cut": saved(photo)[:-9],
        "cmyk": saved(photo.convert("CMYK")),
    }
    for name, data in files.items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    script = Path(__file__).with_name("decode_jpeg.mjs")
    run = subprocess.run(
        [node, str(script), str(module), *(str(tmp_path / f"{name}.jpg") for name in files)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    for (name, data), line in zip(files.items(), run.stdout.splitlines(), strict=True):
        if name in ("cut", "cmyk"):
            expected = {"cut": [-3] * 4, "cmyk": [-4] * 4}[name]
        else:
            expected = [
                hashlib.sha256(by_pillow(data, scale).tobytes()).hexdigest()
                for scale in kernels.JPEG_SCALES
            ]
        assert json.loads(line) == expected, name
