"""Every kernel against its twin, over sizes from one pixel up and every parameter's range."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import kernels
from tests.kernels import twins

SEEDS = st.integers(0, 2**32 - 1)


def picture(seed: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Random bytes, a smooth ramp or extremes: what rounds, sorts and clips differently."""
    random = np.random.default_rng(seed)
    kind = seed % 3
    if kind == 0:
        return random.integers(0, 256, (height, width, channels), np.uint8)
    if kind == 1:
        return random.choice(
            np.array([0, 1, 127, 128, 254, 255], np.uint8), (height, width, channels)
        )
    ramp = np.linspace(0, 255, height * width * channels).reshape(height, width, channels)
    return ramp.astype(np.uint8)


@st.composite
def pictures(draw: st.DrawFn, side: int = 20, channels: tuple[int, ...] = (3, 4)) -> np.ndarray:
    height, width = draw(st.integers(1, side)), draw(st.integers(1, side))
    return picture(draw(SEEDS), height, width, draw(st.sampled_from(channels)))


@st.composite
def windows(draw: st.DrawFn, longest: int = 65535):
    """(pixels, full_size, origin): a small window somewhere in a picture of any size."""
    pixels = draw(pictures(side=9))
    height, width = pixels.shape[:2]
    full = draw(st.integers(height, longest)), draw(st.integers(width, longest))
    origin = draw(st.integers(0, full[0] - height)), draw(st.integers(0, full[1] - width))
    return pixels, full, origin


@given(pictures(side=12, channels=(3,)), st.integers(1, 16), st.integers(1, 16))
@settings(max_examples=60, deadline=None)
def test_resize(rgb, width, height):
    assert np.array_equal(kernels.resize(rgb, width, height), twins.resize(rgb, width, height))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (700, 1), (600, 5)])
def test_resize_many_rows_to_few(height, width):
    # More inner rows than fit a 16-bit sum.
    rgb = np.full((height, width, 3), 255, np.uint8)
    rgb[: height // 2] = 3
    for new in ((1, 1), (2, 1), (1, 2), (1, 3)):
        assert np.array_equal(kernels.resize(rgb, *new), twins.resize(rgb, *new))


@given(pictures(side=12, channels=(3,)), st.integers(1, 16), st.integers(1, 16), st.data())
@settings(max_examples=60, deadline=None)
def test_fused_resize_is_its_steps(rgb, width, height, data):
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    columns = data.draw(st.integers(1, width - left))
    rows = data.draw(st.integers(1, height - top))
    order = data.draw(st.sampled_from(("rgb", "bgr")))
    mean, std = (103.939, 116.779, 123.68), (1.0, 57.375, 0.017)
    whole = kernels.resize(rgb, width, height)[top : top + rows, left : left + columns]
    part = kernels.resize(rgb, width, height, window=(left, top, columns, rows))
    assert np.array_equal(part, whole)
    stepped = kernels.normalize(part, mean=mean, std=std, order=order)
    fused = kernels.resize_normalize(
        rgb, width, height, mean=mean, std=std, order=order, window=(left, top, columns, rows)
    )
    assert fused.tobytes() == stepped.tobytes()
    assert stepped.tobytes() == twins.normalize(part, mean, std, order).tobytes()


@given(pictures(), st.sampled_from(kernels.LUT_SIZES), SEEDS)
@settings(max_examples=80, deadline=None)
def test_lut_apply(pixels, size, seed):
    lut = kernels.lut_identity(size)
    lut[..., :3] = np.random.default_rng(seed).integers(0, 32641, (size, size, size, 3))
    assert np.array_equal(kernels.lut_apply(pixels, lut), twins.lut_apply(pixels, lut))


@given(windows(), st.integers(-100, 100), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_vignette(window, amount, midpoint):
    pixels, full, origin = window
    edited = kernels.vignette(pixels, amount, midpoint, full_size=full, origin=origin)
    assert np.array_equal(edited, twins.vignette(pixels, amount, midpoint, full, origin))


@pytest.mark.parametrize("midpoint", [0, 1, 98, 99, 100])
@pytest.mark.parametrize("amount", [-100, 100])
def test_vignette_at_the_ends_of_its_range(amount, midpoint):
    pixels, full, corner = picture(3, 40, 50), (3000, 4000), (2960, 3950)
    edited = kernels.vignette(pixels, amount, midpoint, full_size=full, origin=corner)
    assert np.array_equal(edited, twins.vignette(pixels, amount, midpoint, full, corner))


@given(pictures(), st.integers(0, 100), st.integers(0, 100), st.integers(20, 65535))
@settings(max_examples=80, deadline=None)
def test_sharpen(pixels, amount, radius, long_edge):
    edited = kernels.sharpen(pixels, amount, radius, long_edge=long_edge)
    assert np.array_equal(edited, twins.sharpen(pixels, amount, radius, long_edge))


def test_sharpen_with_the_widest_blur():
    pixels = np.full((200, 170, 3), 60, np.uint8)
    pixels[:90, :85] = 100
    edited = kernels.sharpen(pixels, 100, 100, long_edge=65535)
    assert np.array_equal(edited, twins.sharpen(pixels, 100, 100, 65535))


@given(windows(), st.integers(0, 100), st.integers(0, 100), SEEDS)
@settings(max_examples=60, deadline=None)
def test_grain(window, amount, size, seed):
    pixels, full, origin = window
    edited = kernels.grain(pixels, amount, size, seed=seed, full_size=full, origin=origin)
    assert np.array_equal(edited, twins.grain(pixels, amount, size, seed, full, origin))


@given(st.integers(100, 1200), st.integers(0, 100), SEEDS)
@settings(max_examples=30, deadline=None)
def test_grain_where_pixels_are_wider_than_grains(long_edge, size, seed):
    pixels = picture(seed, 5, 6)
    full, origin = (long_edge, 40), (long_edge // 2, 7)
    edited = kernels.grain(pixels, 100, size, seed=seed, full_size=full, origin=origin)
    assert np.array_equal(edited, twins.grain(pixels, 100, size, seed, full, origin))


@given(st.integers(0, 100), pictures(), SEEDS)
@settings(max_examples=60, deadline=None)
def test_blend(strength, original, seed):
    edited = picture(seed, *original.shape)
    mixed = kernels.blend(original, edited, strength)
    assert np.array_equal(mixed, twins.blend(original, edited, strength))


def test_blend_over_all_bytes():
    a, b = (v.astype(np.uint8)[..., None].repeat(3, 2) for v in np.mgrid[:256, :256])
    for strength in range(101):
        assert np.array_equal(kernels.blend(a, b, strength), twins.blend(a, b, strength))


@given(pictures(side=40, channels=(3,)))
@settings(max_examples=60, deadline=None)
def test_statistics(rgb):
    counted, expected = kernels.statistics(rgb), twins.statistics(rgb)
    for field, value in zip(counted._fields, counted, strict=True):
        assert np.array_equal(value, expected[field]), field


@given(SEEDS, st.integers(1, 14), st.integers(1, 40), st.sampled_from([1e-3, 1.0, 1e30]))
@settings(max_examples=80, deadline=None)
def test_channel_statistics(seed, rows, channels, size):
    random = np.random.default_rng(seed)
    values = (random.normal(size=(rows, channels)) * size).astype(np.float32)
    found, expected = kernels.channel_statistics(values), twins.channel_statistics(values)
    for got, wanted in zip(found, expected, strict=True):
        assert got.tolist() == wanted


@pytest.mark.parametrize("rows", [1, 2, 5, 9])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_channel_statistics_tell_of_what_is_not_finite(rows, value):
    for row in range(rows):
        values = np.ones((rows, 9), np.float32)
        values[row, 4] = value
        finite = np.isfinite(kernels.channel_statistics(values).total)
        assert finite.tolist() == [channel != 4 for channel in range(9)]
    greatest = np.full((rows, 9), np.finfo(np.float32).max, np.float32)
    assert np.isfinite(kernels.channel_statistics(greatest).total).all()
