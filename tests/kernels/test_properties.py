"""What must hold of the kernels whatever their arithmetic: closed forms and real numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import kernels
from homebody.kernels import _library
from tests.kernels import twins
from tests.kernels.test_twins import SEEDS, picture, pictures

ALL_BYTES = np.arange(256, dtype=np.uint8)


LARGE = {"full_size": (3000, 4000)}


def grey(height: int, width: int, value: int = 128) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def smooth_lut(size: int) -> np.ndarray:
    """A table that no plane fits: float [size, size, size, 3], 0 to 1."""
    b, g, r = np.meshgrid(*[np.linspace(0, 1, size)] * 3, indexing="ij")
    return np.stack([r**1.7, 0.5 * (1 + np.sin(3 * g * r)), np.abs(b - r) * g], -1)


def to_table(nodes: np.ndarray) -> np.ndarray:
    table = np.zeros((*nodes.shape[:3], 4), np.int16)
    table[..., :3] = np.round(nodes * kernels.LUT_WHITE)
    return table


# ---- resize ----


@given(pictures(side=30, channels=(3,)))
@settings(max_examples=30, deadline=None)
def test_resize_to_the_same_size_changes_nothing(rgb):
    assert np.array_equal(kernels.resize(rgb, rgb.shape[1], rgb.shape[0]), rgb)


@given(st.integers(0, 255), *[st.integers(1, 300)] * 4)
@settings(max_examples=60, deadline=None)
def test_resize_keeps_a_flat_colour(value, height, width, new_height, new_width):
    assert (kernels.resize(grey(height, width, value), new_width, new_height) == value).all()


def test_resize_is_within_half_a_level_of_the_exact_average():
    rgb = picture(3, 301, 403)
    new = kernels.resize(rgb, 101, 77)

    def matrix(size: int, count: int) -> np.ndarray:
        weights = np.zeros((count, size))
        for i, row in enumerate(twins.axis_weights(size, count)):
            for j, weight in row:
                weights[i, j] = float(weight)
        return weights

    rows = np.tensordot(matrix(301, 77), rgb.astype(float), (1, 0))
    exact = np.tensordot(rows, matrix(403, 101), (1, 1)).transpose(0, 2, 1)
    assert np.abs(new - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("shape", [(4199, 4201), (673, 24929)])
def test_resize_rounds_halves_up_where_sums_are_largest(shape):
    """17 million pixels to one: the average is a hair below a half, then above it.

    The first shape's sums pass 32 bits; the second's pixels are 2**24 + 1, where an estimate of
    the quotient from the upper bits is most easily one too large.
    """
    rgb = np.full((*shape, 3), 254, np.uint8)
    count = rgb.shape[0] * rgb.shape[1]
    flat = rgb.reshape(-1, 3)
    flat[: count // 2] = 255  # count is odd: 254.5 less half a pixel
    assert kernels.resize(rgb, 1, 1).tolist() == [[[254, 254, 254]]]
    flat[count // 2] = 255
    assert kernels.resize(rgb, 1, 1).tolist() == [[[255, 255, 255]]]


def test_resize_sums_of_the_largest_pictures_stay_in_range():
    white = np.full((1, kernels.MAX_SIDE, 3), 255, np.uint8)
    assert (kernels.resize(white, 3, 1) == 255).all()
    assert (kernels.resize(white.reshape(-1, 1, 3), 1, 3) == 255).all()
    assert (kernels.resize(white, kernels.MAX_SIDE - 1, 2) == 255).all()


@given(*[st.integers(1, 70000)] * 2, st.integers(1, 16384))
def test_fit_short_side(width, height, short):
    new_width, new_height = kernels.fit_short_side(width, height, short)
    assert min(new_width, new_height) == short
    assert abs(new_width * height - new_height * width) <= max(width, height) / 2 + 1


# ---- lut ----


@pytest.mark.parametrize("size", kernels.LUT_SIZES)
def test_the_identity_table_changes_no_colour(size):
    values = np.arange(2**24, dtype=np.uint32) if size == 33 else np.arange(0, 2**24, 7)
    rgb = np.stack([values & 255, values >> 8 & 255, values >> 16], -1).astype(np.uint8)
    rgb = rgb[: len(rgb) // 512 * 512].reshape(-1, 512, 3)
    assert np.array_equal(kernels.lut_apply(rgb, kernels.lut_identity(size)), rgb)


@pytest.mark.parametrize("size", kernels.LUT_SIZES)
def test_lut_is_within_one_level_of_real_numbers(size):
    rgb, nodes = picture(3, 60, 60), smooth_lut(size)
    exact = 255 * twins.lut_float(rgb, nodes)
    # Half a level of rounding; a node is off by up to 1 / 256 of a level, a fraction by 2^-15.
    assert np.abs(kernels.lut_apply(rgb, to_table(nodes)) - exact).max() <= 0.52


@given(st.integers(1, 70), st.sampled_from((3, 4)), SEEDS)
@settings(max_examples=40, deadline=None)
def test_lut_may_write_over_its_input(count, channels, seed):
    pixels = picture(seed, 1, count, channels)
    table = to_table(smooth_lut(33))
    expected = kernels.lut_apply(pixels, table)
    assert kernels.lut_apply(pixels, table, out=pixels) is pixels
    assert np.array_equal(pixels, expected)


@pytest.mark.parametrize("size", kernels.LUT_SIZES)
def test_lut_paths_agree(size):
    pixels, table = picture(3, 50, 41), to_table(smooth_lut(size))
    scalar = np.empty_like(pixels)
    _library.load().hb_lut_apply_scalar(
        pixels.ctypes.data, 50 * 41, 3, table.ctypes.data, size, scalar.ctypes.data
    )
    assert np.array_equal(kernels.lut_apply(pixels, table), scalar)


# ---- windows and threads ----

FINISHES = {
    "grain": lambda p, **k: kernels.grain(p, 80, 20, seed=5, **k),
    "vignette": lambda p, **k: kernels.vignette(p, -70, 30, **k),
}


@pytest.mark.parametrize("name", FINISHES)
def test_windows_of_a_picture_join_without_a_seam(name):
    finish, pixels = FINISHES[name], picture(3, 47, 600)
    whole = finish(pixels)
    for rows, columns in ((slice(0, 13), slice(0, 300)), (slice(13, 47), slice(255, 600))):
        window = np.ascontiguousarray(pixels[rows, columns])
        part = finish(window, full_size=(47, 600), origin=(rows.start, columns.start))
        assert np.array_equal(part, whole[rows, columns])


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_threads_change_no_bit(threads):
    pixels, table = picture(3, 37, 40), to_table(smooth_lut(17))
    calls = {
        **FINISHES,
        "sharpen": lambda p, **k: kernels.sharpen(p, 90, 70, long_edge=3000, **k),
        "blend": lambda p, **k: kernels.blend(p, p[::-1].copy(), 30, **k),
        "lut_apply": lambda p, **k: kernels.lut_apply(p, table, **k),
    }
    for call in calls.values():
        assert np.array_equal(call(pixels, threads=threads), call(pixels))


# ---- grain ----


def test_grain_of_a_preview_is_the_full_renders_downsampled():
    full = kernels.resize(kernels.grain(grey(1500, 2000), 100, 25, seed=9), 500, 375)[..., 0]
    preview = kernels.grain(grey(375, 500), 100, 25, seed=9)[..., 0]
    assert np.corrcoef(full.ravel(), preview.ravel())[0, 1] > 0.99
    assert preview.std() == pytest.approx(full.std(), rel=0.05)


def test_grain_has_the_stated_strength_and_leaves_the_mean():
    noise = kernels.grain(grey(1500, 2000), 100, 100, seed=4, **LARGE)[..., 0]
    assert noise.std() == pytest.approx(25.5, rel=0.05)
    assert noise.mean() == pytest.approx(128, abs=0.2)


def test_grain_shows_no_lattice():
    """The variance is the same on lattice points and between them: eight phases of a cell."""
    # 1000 cells along 8000 pixels: eight pixels a cell.
    noise = kernels.grain(grey(1600, 1600), 100, 75, seed=4, full_size=(8000, 8000))[..., 0]
    by_column = [noise[:, phase::8].std() for phase in range(8)]
    by_row = [noise[phase::8].std() for phase in range(8)]
    for deviations in (by_column, by_row):
        assert max(deviations) / min(deviations) < 1.03


def test_grain_depends_on_the_seed_and_only_on_it():
    flat = grey(40, 40)
    first = kernels.grain(flat, 60, 25, seed=1, **LARGE)
    assert np.array_equal(first, kernels.grain(flat, 60, 25, seed=1, **LARGE))
    other = kernels.grain(flat, 60, 25, seed=2, **LARGE)
    correlation = np.corrcoef(first[..., 0].ravel(), other[..., 0].ravel())[0, 1]
    assert abs(correlation) < 0.15


def test_grain_is_monochrome_and_spares_black_and_white():
    flat = np.empty((60, 60, 3), np.uint8)
    flat[:] = (90, 130, 160)
    change = kernels.grain(flat, 50, 50, seed=3, **LARGE).astype(int) - flat
    assert (change == change[..., :1]).all()
    assert change.any()
    for value in (0, 255):
        assert np.array_equal(
            kernels.grain(grey(60, 60, value), 100, 50, seed=3), grey(60, 60, value)
        )


# ---- vignette ----


def test_vignette_follows_its_formula():
    height, width, midpoint = 301, 401, 20
    edited = kernels.vignette(grey(height, width, 200), -100, midpoint)[..., 0]
    y, x = np.mgrid[:height, :width]
    dy, dx = (2 * y + 1 - height) / height, (2 * x + 1 - width) / width
    radius = np.sqrt((dx**2 + dy**2) / 2)
    place = np.clip((radius - midpoint / 100) / (1 - midpoint / 100), 0, 1)
    expected = 200 * (1 - place**2 * (3 - 2 * place))
    assert np.abs(edited - expected).max() <= 1.5
    assert (edited[radius < midpoint / 100 - 0.01] == 200).all()


def test_vignette_lightens_too_and_reaches_the_corner():
    assert kernels.vignette(grey(400, 400, 10), 100, 0)[0, 0, 0] >= 253
    assert kernels.vignette(grey(400, 400, 10), -100, 0)[0, 0, 0] == 0


def test_vignette_rounds_without_rings():
    """Averages over small blocks follow the curve more closely than whole levels could."""
    edited = kernels.vignette(grey(800, 800, 40), -40, 0)[..., 0].astype(float)
    blocks = edited.reshape(100, 8, 100, 8).mean((1, 3))
    y, x = (np.mgrid[:800, :800] + 0.5) / 400 - 1
    radius = np.sqrt((x**2 + y**2) / 2)
    exact = 40 * (1 - 0.4 * radius**2 * (3 - 2 * radius))
    error = blocks - exact.reshape(100, 8, 100, 8).mean((1, 3))
    assert np.abs(error + 0.0).max() < 0.2


def test_vignette_of_zero_changes_nothing():
    pixels = picture(3, 20, 20)
    assert np.array_equal(kernels.vignette(pixels, 0, 0), pixels)


# ---- sharpen ----


def edge(low: int = 80, high: int = 120) -> np.ndarray:
    pixels = grey(40, 40, low)
    pixels[:, 20:] = high
    return pixels


def test_sharpen_steepens_an_edge_and_nothing_else():
    row = kernels.sharpen(edge(), 50, 25, long_edge=6000)[20, :, 0].astype(int)
    assert row[19] < 80
    assert row[20] > 120
    assert (row[:15] == 80).all()
    assert (row[25:] == 120).all()


def test_sharpen_adds_the_same_to_every_channel():
    pixels = edge(60, 180)
    pixels[..., 0] //= 2
    change = kernels.sharpen(pixels, 60, 25, long_edge=6000).astype(int) - pixels
    assert change.any()
    assert (change == change[..., :1]).all()


def test_sharpen_leaves_noise_and_bounds_halos():
    noisy = (grey(40, 40).astype(int) + picture(3, 40, 40)[..., :1] % 3 - 1).astype(np.uint8)
    assert np.array_equal(kernels.sharpen(noisy, 50, 25, long_edge=4000), noisy)
    change = kernels.sharpen(edge(40, 200), 100, 100, long_edge=8000).astype(int) - edge(40, 200)
    assert 25 < np.abs(change).max() <= 32


def test_sharpen_fades_at_a_previews_size():
    """Where the radius is less than a pixel there is nothing to sharpen."""
    assert np.array_equal(kernels.sharpen(edge(), 100, 25, long_edge=1600), edge())


@pytest.mark.parametrize("amount", [0, 100])
def test_sharpen_keeps_a_flat_picture_and_alpha(amount):
    pixels = np.full((9, 9, 4), 77, np.uint8)
    assert np.array_equal(kernels.sharpen(pixels, amount, 100, long_edge=9000), pixels)


# ---- blend ----


def test_blend_ends_are_the_inputs():
    a, b = picture(3, 9, 9), picture(4, 9, 9)
    assert np.array_equal(kernels.blend(a, b, 0), a)
    assert np.array_equal(kernels.blend(a, b, 100), b)
