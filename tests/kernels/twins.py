"""Each kernel once more, in numpy and Python integers: slow, and written from the definitions.

These share no code with the kernels and no trick of theirs: exact fractions where the C has integer
tables, whole arrays where it has rings of rows. The tests hold the kernels to them bit for bit.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor, isqrt

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


# ---- resize ----


def axis_weights(size: int, new: int) -> list[list[tuple[int, Fraction]]]:
    """(source index, weight) of every output; the weights of each sum to one."""
    weights = []
    for i in range(new):
        if new <= size:
            low, high = Fraction(i * size, new), Fraction((i + 1) * size, new)
            cover = {
                j: min(high, Fraction(j + 1)) - max(low, Fraction(j))
                for j in range(floor(low), min(size, floor(high) + 1))
            }
            total = high - low
            weights.append([(j, part / total) for j, part in cover.items() if part > 0])
        else:
            place = Fraction(2 * i + 1, 2) * Fraction(size, new) - Fraction(1, 2)
            place = min(max(place, Fraction(0)), Fraction(size - 1))
            j = min(floor(place), size - 1)
            part = place - j
            weights.append([(j, 1 - part), *([(j + 1, part)] if part else [])])
    return weights


def resize(rgb: Pixels, width: int, height: int) -> Pixels:
    """Exact rational arithmetic, rounded half up once."""
    across, down = axis_weights(rgb.shape[1], width), axis_weights(rgb.shape[0], height)
    out = np.empty((height, width, 3), np.uint8)
    for y, rows in enumerate(down):
        for x, columns in enumerate(across):
            for c in range(3):
                value = sum(
                    (wy * wx * int(rgb[j, i, c]) for j, wy in rows for i, wx in columns),
                    Fraction(0),
                )
                out[y, x, c] = floor(value + Fraction(1, 2))
    return out


def normalize(rgb: Pixels, mean: tuple[float, ...], std: tuple[float, ...], order: str):
    values = rgb.astype(np.float32)[..., :: -1 if order == "bgr" else 1]
    return (values - np.array(mean, np.float32)) / np.array(std, np.float32)


# ---- lut ----


def lut_apply(pixels: Pixels, lut: NDArray[np.int16]) -> Pixels:
    """The kernel's fixed point, with an explicit case for each of the six tetrahedra."""
    bits = {17: 4, 33: 5, 65: 6}[len(lut)]
    x = pixels[..., :3].astype(np.int64) * 65793
    cell = x >> (24 - bits)
    inside = x - (cell << (24 - bits))
    fraction = (inside + 2 ** (9 - bits)) // 2 ** (10 - bits)
    r, g, b = (cell[..., i] for i in range(3))
    fr, fg, fb = (fraction[..., i] for i in range(3))
    table = lut.astype(np.int64)[..., :3]

    def node(dr: int, dg: int, db: int) -> NDArray[np.int64]:
        return table[b + db, g + dg, r + dr]

    one = 16384
    total = np.zeros((*x.shape[:-1], 3), np.int64)
    cases = [
        ((fr >= fg) & (fg >= fb), (fr, fg, fb), (1, 0, 0), (1, 1, 0)),
        ((fr >= fb) & (fb > fg), (fr, fb, fg), (1, 0, 0), (1, 0, 1)),
        ((fb > fr) & (fr >= fg), (fb, fr, fg), (0, 0, 1), (1, 0, 1)),
        ((fg > fr) & (fr >= fb), (fg, fr, fb), (0, 1, 0), (1, 1, 0)),
        ((fg >= fb) & (fb > fr), (fg, fb, fr), (0, 1, 0), (0, 1, 1)),
        ((fb > fg) & (fg > fr), (fb, fg, fr), (0, 0, 1), (0, 1, 1)),
    ]
    assert (sum(case[0].astype(int) for case in cases) == 1).all()
    for where, (high, middle, low), first, second in cases:
        value = (
            (one - high)[..., None] * node(0, 0, 0)
            + (high - middle)[..., None] * node(*first)
            + (middle - low)[..., None] * node(*second)
            + low[..., None] * node(1, 1, 1)
        )
        total += np.where(where[..., None], value, 0)
    out = pixels.copy()
    out[..., :3] = (total + 2**20) >> 21
    return out


def lut_float(pixels: Pixels, nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tetrahedral interpolation in real numbers, 0 to 1, by sorting each pixel's fractions."""
    n = len(nodes)
    out = np.empty((*pixels.shape[:2], 3))
    for index in np.ndindex(*pixels.shape[:2]):
        place = pixels[index][:3] / 255 * (n - 1)
        cell = np.minimum(place.astype(int), n - 2)
        fraction = place - cell
        vertex = cell.copy()
        value = nodes[tuple(vertex[::-1])].astype(np.float64)
        for axis in np.argsort(-fraction, kind="stable"):
            before = nodes[tuple(vertex[::-1])]
            vertex[axis] += 1
            value = value + fraction[axis] * (nodes[tuple(vertex[::-1])] - before)
        out[index] = value
    return out


# ---- vignette ----


def vignette(
    pixels: Pixels,
    amount: int,
    midpoint: int,
    full_size: tuple[int, int],
    origin: tuple[int, int],
) -> Pixels:
    inner = min(midpoint, 99) * 65536 // 100
    strength = []
    for i in range(1025):
        radius = isqrt(i * 2**22)
        x = max(radius - inner, 0) * 65536 // (65536 - inner)
        smooth = x * x * (3 * 65536 - 2 * x) // 2**32
        strength.append((smooth * abs(amount) + 50) // 100)
    strength.append(strength[-1])
    full_height, full_width = full_size
    target = 255 if amount > 0 else 0
    out = pixels.copy()
    for y, x in np.ndindex(*pixels.shape[:2]):
        row, column = origin[0] + y, origin[1] + x
        dx, dy = 2 * column + 1 - full_width, 2 * row + 1 - full_height
        t = (dx * dx * 2**23) // full_width**2 + (dy * dy * 2**23) // full_height**2
        i, part = divmod(t, 2**14)
        k = strength[i] + ((strength[i + 1] - strength[i]) * part) // 2**14
        threshold = (column * 3242174889 + row * 2447445414) % 2**32 // 65536
        for c in range(3):
            v = int(pixels[y, x, c])
            out[y, x, c] = (v * 65536 + (target - v) * k + threshold) // 65536
    return out


# ---- sharpen ----


def sharpen(pixels: Pixels, amount: int, radius: int, long_edge: int) -> Pixels:
    half = min(radius * long_edge * 256 // 40000, 64 * 256)
    half = max(half, 256)
    reach = (half - 1) // 256
    tent = [half - 256 * i for i in range(reach + 1)]
    total = tent[0] + 2 * sum(tent[1:])
    side = [(w * 4096 + total // 2) // total for w in tent[1:]]
    kernel = np.array([*side[::-1], 4096 - 2 * sum(side), *side], np.int64)

    rgb = pixels[..., :3].astype(np.int64)
    luma = (rgb @ np.array([54, 183, 19]) + 1) // 2

    def blur(plane: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
        pad = [(0, 0), (0, 0)]
        pad[axis] = (reach, reach)
        wide = np.pad(plane, pad, "edge")
        size = plane.shape[axis]
        parts = (w * np.take(wide, range(i, i + size), axis) for i, w in enumerate(kernel))
        return (sum(parts) + 2048) // 4096

    detail = luma - blur(blur(luma, 0), 1)
    size = np.minimum(np.maximum(abs(detail) - 256, 0) * amount // 50, 8192)
    size = size - size * size // 16384
    change = (np.sign(detail) * size + 64) // 128
    out = pixels.copy()
    out[..., :3] = np.clip(rgb + change[..., None], 0, 255)
    return out


# ---- grain ----


def _mix(h: int) -> int:
    h ^= h >> 16
    h = h * 0x85EBCA6B % 2**32
    h ^= h >> 13
    h = h * 0xC2B2AE35 % 2**32
    return h ^ h >> 16


def _spline_integral(t: int) -> int:
    """12 * 4096**3 times the quadratic B-spline's integral, from its three pieces."""
    x = Fraction(t, 4096)
    if x <= Fraction(-3, 2):
        value = Fraction(0)
    elif x < Fraction(-1, 2):
        value = (x + Fraction(3, 2)) ** 3 / 6
    elif x <= Fraction(1, 2):
        value = Fraction(1, 2) + Fraction(3, 4) * x - x**3 / 3
    elif x < Fraction(3, 2):
        value = 1 - (Fraction(3, 2) - x) ** 3 / 6
    else:
        value = Fraction(1)
    exact = value * 12 * 4096**3
    assert exact.denominator == 1
    return int(exact)


def _raw(low: int, high: int) -> dict[int, int]:
    """Weight in 1/65536 of every lattice point that the pixel from low to high touches."""
    weights = {}
    for point in range(low // 4096 - 3, high // 4096 + 4):
        middle = point * 4096 + 2048
        area = _spline_integral(high - middle) - _spline_integral(low - middle)
        if area // 12 >> 20:
            weights[point] = area // 12 >> 20
    return weights


def _unit(pixel: int, cells: int, long_edge: int) -> dict[int, int]:
    low = pixel * cells * 4096 // long_edge + 4 * 4096
    high = (pixel + 1) * cells * 4096 // long_edge + 4 * 4096
    raw = _raw(low, high)
    norm = isqrt(sum(w * w for w in raw.values()))
    return {point: (w * 16384 + norm // 2) // norm for point, w in raw.items()}


def grain(
    pixels: Pixels,
    amount: int,
    size: int,
    seed: int,
    full_size: tuple[int, int],
    origin: tuple[int, int],
) -> Pixels:
    long_edge = max(full_size)
    cells = 100000 // (25 + size)
    footprint = -(-cells * 4096 // long_edge)
    if amount == 0 or footprint > 8 * 4096:
        return pixels.copy()
    total = 0
    for i in range(64):
        low = 4 * 4096 + i * 64 + 32
        total += sum(w * w for w in _raw(low, low + footprint).values()) >> 8
    left = (total // 64) * 4096 // footprint**2 * 4096 * 20 // 11 >> 8
    peak = (11300 * amount // 100 * min(left, 65536)) >> 16

    across = [_unit(origin[1] + x, cells, long_edge) for x in range(pixels.shape[1])]
    down = [_unit(origin[0] + y, cells, long_edge) for y in range(pixels.shape[0])]
    columns = sorted({point for weights in across for point in weights})

    def value(row: int, column: int) -> int:
        h = _mix(_mix((column + _mix(seed)) % 2**32) ^ (_mix(row ^ 0x9E3779B9) + seed) % 2**32)
        return sum(h.to_bytes(4, "little")) - 510

    out = pixels.copy()
    for y, rows in enumerate(down):
        blended = {
            column: sum(w * value(row, column) for row, w in rows.items()) >> 10
            for column in columns
        }
        for x, weights in enumerate(across):
            noise = sum(w * blended[column] for column, w in weights.items()) >> 14
            r, g, b = map(int, pixels[y, x, :3])
            luma = (54 * r + 183 * g + 19 * b + 128) >> 8
            gain = peak * 4 * luma * (255 - luma) // (255 * 255)
            change = (noise * gain + 2**19) >> 20
            out[y, x, :3] = np.clip(pixels[y, x, :3].astype(int) + change, 0, 255)
    return out


# ---- channels ----


def channel_statistics(values: NDArray[np.float32]) -> tuple[list[float], list[float], list[float]]:
    """(least, greatest, sum) of each channel; Python's floats are float64."""
    low, high, total = [], [], []
    for column in values.T:
        numbers = [float(v) for v in column]
        low.append(min(numbers))
        high.append(max(numbers))
        added = numbers[0]
        for number in numbers[1:]:
            added += number
        total.append(added)
    return low, high, total


# ---- blend, statistics ----


def blend(original: Pixels, edited: Pixels, strength: int) -> Pixels:
    mixed = original.astype(int) * (100 - strength) + edited.astype(int) * strength
    return ((mixed + 50) // 100).astype(np.uint8)


def statistics(rgb: Pixels) -> dict[str, object]:
    height, width, _ = rgb.shape
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    luma = (54 * r + 183 * g + 19 * b + 128) >> 8
    chroma = rgb.max(-1).astype(int) - rgb.min(-1)
    rg, yb = r - g, r + g - 2 * b
    grid = np.zeros((8, 8), np.uint64)
    rows, columns = np.arange(height)[:, None] * 8 // height, np.arange(width) * 8 // width
    np.add.at(grid, np.broadcast_arrays(rows, columns), luma.astype(np.uint64))
    return {
        "pixels": height * width,
        "luma": np.bincount(luma.ravel(), minlength=256),
        "chroma": np.bincount(chroma.ravel(), minlength=256),
        "rg_sum": rg.sum(),
        "rg_square": (rg * rg).sum(),
        "yb_sum": yb.sum(),
        "yb_square": (yb * yb).sum(),
        "grid": grid,
    }
