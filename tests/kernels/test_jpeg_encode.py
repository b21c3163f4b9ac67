"""The JPEG encoder beside Pillow's: the same bytes; and bands that are put together."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from homebody import kernels
from homebody.errors import KernelError

PHOTO = Path(__file__).parents[2] / "examples" / "coast.jpg"


def by_pillow(rgb: np.ndarray, quality: int, *, halved: bool) -> bytes:
    buffer = BytesIO()
    subsampling = 2 if halved else 0
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)))


@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("quality", [1, 30, 49, 50, 75, 90, 95, 100])
def test_photos(quality, halved):
    rgb = np.asarray(Image.open(PHOTO).convert("RGB").resize((301, 203)))
    assert kernels.jpeg_encode(rgb, quality, halved=halved) == by_pillow(
        rgb, quality, halved=halved
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 50),
    height=st.integers(1, 50),
    quality=st.integers(1, 100),
    halved=st.booleans(),
    levels=st.sampled_from([(0, 256, 1), (0, 2, 255), (100, 104, 1), (255, 256, 1), (0, 1, 1)]),
    seed=st.integers(0, 2**32),
)
def test_any_pixels(width, height, quality, halved, levels, seed):
    low, high, step = levels
    random = np.random.default_rng(seed).integers(low, high, (height, width, 3))
    rgb = (random * step).astype(np.uint8)
    assert kernels.jpeg_encode(rgb, quality, halved=halved) == by_pillow(
        rgb, quality, halved=halved
    )


@pytest.mark.parametrize("halved", [False, True])
def test_extreme_blocks(halved):
    """The cosine's own signs: each the largest coefficient that pixels can make."""
    y, x = np.mgrid[:8, :8]
    blocks = [
        np.where(
            np.cos((2 * y + 1) * v * np.pi / 16) * np.cos((2 * x + 1) * u * np.pi / 16) > 0, 255, 0
        )
        for v in range(8)
        for u in range(8)
    ]
    grey = np.concatenate([*blocks, *(255 - block for block in blocks)], axis=1).astype(np.uint8)
    rgb = np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    rgb[:, ::16] = rgb[:, ::16, :1] * np.array([1, 0, 0], np.uint8)
    for quality in (50, 100):
        ours = kernels.jpeg_encode(rgb, quality, halved=halved)
        assert ours == by_pillow(rgb, quality, halved=halved)


@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("height", [16, 31, 32, 33, 200, 331])
def test_bands(height, halved):
    """Restart markers change no pixel; there are more than eight, so their numbers come round."""
    rgb = np.asarray(Image.open(PHOTO).convert("RGB").resize((45, height)))
    data = kernels.jpeg_encode(rgb, 90, halved=halved, band=16)
    whole = by_pillow(rgb, 90, halved=halved)
    assert np.array_equal(decoded(data), decoded(whole))
    assert np.array_equal(kernels.jpeg_decode(data), decoded(whole))
    assert data.count(b"\xff\xd0") == (0 if height <= 16 else -(-(-(-height // 16) - 1) // 8))


def test_arguments():
    rgb = np.zeros((8, 8, 3), np.uint8)
    for quality in (0, 101, 50.0, True):
        with pytest.raises(KernelError, match="quality"):
            kernels.jpeg_encode(rgb, quality)
    for band in (0, 7, 8, -16, 16 * 65536):
        with pytest.raises(KernelError, match="band"):
            kernels.jpeg_encode(rgb, halved=True, band=band)
    with pytest.raises(KernelError, match="width"):
        kernels.jpeg_encode(np.zeros((1, 65501, 3), np.uint8))
    with pytest.raises(KernelError, match="rgb is"):
        kernels.jpeg_encode(np.zeros((8, 8, 4), np.uint8))


def test_refusals_of_the_library():
    library = kernels._library.load()
    words, bound = library.hb_jpeg_encode_scratch(50, 1), library.hb_jpeg_encode_bound(50, 1)
    scratch, out = np.empty(words, np.uint32), np.empty(max(bound, 640), np.uint8)
    work, place = scratch.ctypes.data, out.ctypes.data
    assert library.hb_jpeg_encode_scratch(0, 0) == library.hb_jpeg_encode_bound(65501, 0) == 0
    assert library.hb_jpeg_encode_start(50, 90, 1, work, words - 1) == -2
    assert library.hb_jpeg_encode_start(50, 90, 2, work, words) == -1
    assert library.hb_jpeg_encode_start(50, 90, 1, work, words) == 0
    for rows in (0, 17):
        assert library.hb_jpeg_encode_rows(work, place, rows, place, out.size) == -1
    assert library.hb_jpeg_encode_rows(work, place, 16, place, bound - 1) == -2
    assert library.hb_jpeg_encode_end(work, place, 15) == -2
    assert library.hb_jpeg_encode_head(50, 0, 90, 1, 0, place, out.size) == -1
    assert library.hb_jpeg_encode_head(50, 9, 90, 1, 65536, place, out.size) == -1
    assert library.hb_jpeg_encode_head(50, 9, 90, 1, 0, place, 639) == -2
