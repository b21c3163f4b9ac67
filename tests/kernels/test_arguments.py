"""What the door refuses, each time with one clear KernelError."""

from __future__ import annotations

import numpy as np
import pytest

from homebody import kernels
from homebody.errors import KernelError
from homebody.kernels import _library

RGB = np.zeros((4, 6, 3), np.uint8)
LUT = kernels.lut_identity(17)
NORMAL = {"mean": (0, 0, 0), "std": (1, 1, 1)}


def read_only() -> np.ndarray:
    out = np.empty_like(RGB)
    out.flags.writeable = False
    return out


PICTURES = {
    "not an array": [[[0, 0, 0]]],
    "float": RGB.astype(float),
    "two dimensions": RGB[..., 0],
    "two channels": RGB[..., :2],
    "strided": RGB[:, ::2],
    "no rows": RGB[:0],
    "no columns": np.zeros((3, 0, 3), np.uint8),
    "too wide": np.zeros((1, 65536, 3), np.uint8),
}
TAKE_PICTURES = {
    "resize": lambda p: kernels.resize(p, 2, 2),
    "resize_normalize": lambda p: kernels.resize_normalize(p, 2, 2, **NORMAL),
    "normalize": lambda p: kernels.normalize(p, **NORMAL),
    "lut_apply": lambda p: kernels.lut_apply(p, LUT),
    "grain": lambda p: kernels.grain(p, 1, 1, seed=1),
    "vignette": lambda p: kernels.vignette(p, 1, 1),
    "sharpen": lambda p: kernels.sharpen(p, 1, 1),
    "blend": lambda p: kernels.blend(p, p, 1),
    "statistics": lambda p: kernels.statistics(p),
}


@pytest.mark.parametrize("kernel", TAKE_PICTURES)
@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_of_another_kind(kernel, kind):
    with pytest.raises(KernelError, match=r"rgb|pixels|original"):
        TAKE_PICTURES[kernel](PICTURES[kind])


@pytest.mark.parametrize(
    "call",
    [
        lambda: kernels.resize(RGB, 0, 2),
        lambda: kernels.resize(RGB, 2, 65536),
        lambda: kernels.resize(RGB, 2.0, 2),
        lambda: kernels.resize(RGB, True, 2),
        lambda: kernels.resize(RGB, 4, 4, window=(0, 0, 5, 4)),
        lambda: kernels.resize(RGB, 4, 4, window=(1, 0, 4, 4)),
        lambda: kernels.resize(RGB, 4, 4, window=(-1, 0, 2, 2)),
        lambda: kernels.resize(RGB, 4, 4, window=(0, 0, 0, 2)),
        lambda: kernels.resize(RGB, 6, 4, out=RGB),
        lambda: kernels.resize(RGB, 6, 4, out=np.empty((6, 4, 3), np.uint8)),
        lambda: kernels.resize(RGB, 6, 4, out=np.empty((4, 6, 3), np.int8)),
        lambda: kernels.resize(RGB, 6, 4, out=read_only()),
        lambda: kernels.normalize(RGB, mean=(0, 0), std=(1, 1, 1)),
        lambda: kernels.normalize(RGB, mean=(0, 0, 0), std=(1, 0, 1)),
        lambda: kernels.normalize(RGB, mean=(0, 0, float("nan")), std=(1, 1, 1)),
        lambda: kernels.normalize(RGB, mean=(0, 0, 0), std=(1, 1, float("inf"))),
        lambda: kernels.normalize(RGB, order="rbg", **NORMAL),
        lambda: kernels.lut_identity(32),
        lambda: kernels.lut_apply(RGB, LUT.astype(np.int32)),
        lambda: kernels.lut_apply(RGB, LUT[..., :3]),
        lambda: kernels.lut_apply(RGB, LUT[:16, :16, :16]),
        lambda: kernels.lut_apply(RGB, LUT.transpose(1, 0, 2, 3)),
        lambda: kernels.lut_apply(RGB, LUT + np.int16(1)),
        lambda: kernels.lut_apply(RGB, LUT - np.int16(1)),
        lambda: kernels.lut_apply(RGB, LUT, threads=0),
        lambda: kernels.grain(RGB, 101, 1, seed=1),
        lambda: kernels.grain(RGB, 1, -1, seed=1),
        lambda: kernels.grain(RGB, 1, 1, seed=2**32),
        lambda: kernels.grain(RGB, 1, 1, seed=1, full_size=(3, 6)),
        lambda: kernels.grain(RGB, 1, 1, seed=1, full_size=(8, 6), origin=(5, 0)),
        lambda: kernels.vignette(RGB, -101, 1),
        lambda: kernels.vignette(RGB, 1, 101),
        lambda: kernels.vignette(RGB, 1, 1, full_size=(4, 65536)),
        lambda: kernels.sharpen(RGB, 1, 1, long_edge=5),
        lambda: kernels.sharpen(RGB, 1, 1, out=RGB),
        lambda: kernels.blend(RGB, RGB[:2], 1),
        lambda: kernels.blend(RGB, RGB, 101),
        lambda: kernels.channel_statistics(np.zeros((2, 2))),
        lambda: kernels.channel_statistics(np.zeros(2, np.float32)),
        lambda: kernels.channel_statistics(np.zeros((0, 2), np.float32)),
        lambda: kernels.channel_statistics(np.zeros((2, 4), np.float32)[:, ::2]),
        lambda: kernels.look_lut(np.zeros(3)),
        lambda: kernels.look_lut(np.full(kernels.LOOK_PARAMETERS, np.nan)),
        lambda: kernels.fit_short_side(0, 5, 3),
    ],
)
def test_refused(call):
    with pytest.raises(KernelError) as refusal:
        call()
    assert "report this" not in str(refusal.value)  # the door, not the C, refused
    assert ";" in str(refusal.value)  # says how to mend it


def test_a_library_of_another_version_is_refused(monkeypatch):
    monkeypatch.setattr(_library, "ABI_VERSION", 999)
    with pytest.raises(KernelError, match="version"):
        _library.opened.__wrapped__()


def test_a_missing_library_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setattr(_library, "NATIVE", tmp_path)
    with pytest.raises(KernelError, match=r"does not load.*kernels/build\.py"):
        _library.opened.__wrapped__()


def test_the_c_refuses_for_itself():
    """The browser has no door: each kernel checks sides, parameters and working memory."""
    library, pixels = _library.load(), RGB.ctypes.data
    out = np.empty_like(RGB)
    scratch = np.empty(100_000, np.uint32)
    to, work = out.ctypes.data, scratch.ctypes.data
    bad, short = -1, -2
    assert library.hb_resize(pixels, 0, 6, 2, 2, 0, 0, 2, 2, to, work, 100_000) == bad
    assert library.hb_resize(pixels, 4, 6, 2, 2, 1, 0, 2, 2, to, work, 100_000) == bad
    assert library.hb_resize(pixels, 4, 6, 2, 2, 0, 0, 2, 2, to, work, 10) == short
    assert library.hb_lut_apply(pixels, 24, 3, LUT.ctypes.data, 18, to) == bad
    assert library.hb_lut_apply(pixels, 24, 2, LUT.ctypes.data, 17, to) == bad
    assert library.hb_grain(pixels, 4, 6, 3, 0, 0, 3, 6, 1, 1, 1, to, work, 100_000) == bad
    assert library.hb_grain(pixels, 4, 6, 3, 0, 0, 400, 600, 1, 1, 1, to, work, 1) == short
    assert library.hb_grain_scratch(6, 101, 4, 6) == 0
    assert library.hb_vignette(pixels, 4, 6, 5, 0, 0, 4, 6, 1, 1, to) == bad
    assert library.hb_sharpen(pixels, 4, 6, 3, 0, 5, 6, 1, 1, to, work, 100_000) == bad
    assert library.hb_sharpen(pixels, 4, 6, 3, 0, 4, 6, 1, 1, to, work, 1) == short
    assert library.hb_sharpen_scratch(0, 1, 6) == 0
    assert library.hb_blend(pixels, pixels, 72, 101, to) == bad
    assert library.hb_statistics(pixels, 0, 6, to, to, to, to) == bad
    assert library.hb_channel_statistics(pixels, 0, 6, to, to, to) == bad
    assert library.hb_channel_statistics(pixels, 2**62, 6, to, to, to) == bad
