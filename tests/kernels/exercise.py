"""Every kernel at the edges of what it accepts.

The sanitizer tests run this with an instrumented library; what the kernels give is the other tests'
business. Each function gives how many calls it made.
"""

from __future__ import annotations

import contextlib
from itertools import product

import numpy as np
from PIL import Image

from homebody import kernels
from homebody.errors import KernelError
from tests.kernels import jpegs

LONG = kernels.MAX_SIDE
SHAPES = [(1, 1), (1, 2), (2, 1), (3, 5), (1, 8), (7, 9), (2, 31), (4, 16), (33, 17)]


def filled(shape: tuple[int, ...], value: int | None = None) -> np.ndarray:
    if value is None:
        return np.random.default_rng(7).integers(0, 256, shape, np.uint8)
    return np.full(shape, value, np.uint8)


def exercise() -> int:
    calls = 0
    normal = {"mean": (1.5, 2, 3), "std": (1, 2, 0.5), "order": "bgr"}
    for (height, width), value in product(SHAPES, (None, 0, 255)):
        for channels in (3, 4):
            pixels = filled((height, width, channels), value)
            for size in kernels.LUT_SIZES:
                kernels.lut_apply(pixels, kernels.lut_identity(size))
                kernels.lut_apply(pixels, np.full((size, size, size, 4), 32640, np.int16))
            for full in ((height, width), (LONG, LONG), (height, LONG), (LONG, width), (700, 600)):
                for origin in ((0, 0), (full[0] - height, full[1] - width)):
                    for strength, size in ((1, 0), (100, 100), (50, 25)):
                        place = {"full_size": full, "origin": origin}
                        kernels.grain(pixels, strength, size, seed=2**32 - 1, **place)
                        kernels.vignette(pixels, strength, size, **place)
                        kernels.vignette(pixels, -strength, size, **place)
            for amount, radius, edge in product((1, 100), (0, 1, 100), (33, 4000, LONG)):
                kernels.sharpen(pixels, amount, radius, long_edge=edge, threads=2)
            kernels.blend(pixels, pixels, 37)
            calls += 1
        rgb = filled((height, width, 3), value)
        kernels.statistics(rgb)
        kernels.normalize(rgb, **normal)
        for new_width, new_height in product((1, 2, 7, 40), (1, 3, 8, 40)):
            kernels.resize(rgb, new_width, new_height)
            last = (new_width - 1, new_height - 1, 1, 1)
            kernels.resize_normalize(rgb, new_width, new_height, window=last, **normal)
    for rows, channels in product((1, 2, 4, 5, 9), (1, 3, 8, 33)):
        kernels.channel_statistics(np.ones((rows, channels), np.float32))
    for shape, sizes in (
        ((1, LONG, 3), ((1, 1), (LONG, 1), (LONG - 1, 2), (227, 1))),
        ((LONG, 1, 3), ((1, 1), (1, LONG), (2, LONG - 1), (1, 227))),
    ):
        pixels = filled(shape, 255)
        for width, height in sizes:
            assert kernels.resize(pixels, width, height).min() == 255
        kernels.grain(pixels, 100, 0, seed=0)
        kernels.vignette(pixels, -100, 0)
        kernels.sharpen(pixels, 100, 100)
        kernels.statistics(pixels)
        calls += 1
    return calls


def exercise_jpeg() -> int:
    """Whole and damaged files; what they give is compared with Pillow elsewhere."""
    photo = Image.fromarray(filled((51, 75, 3)))
    shapes = ((1, 1), (9, 7), (40, 33))
    files = [
        jpegs.jpeg(jpegs.Spec(width, height, factors, restart, restart > 0, strength=20.0))
        for factors in jpegs.FACTORS.values()
        for width, height in shapes
        for restart in (0, 3)
        if restart == 0 or jpegs.fits_a_unit(factors)
    ]
    files += jpegs.mutations(3, 3000, photo)
    for data, scale in product(files, kernels.JPEG_SCALES):
        if too_large(data):
            continue
        with contextlib.suppress(KernelError):
            kernels.jpeg_decode(data, scale)
    for (height, width), value in product(SHAPES, (None, 0, 255)):
        rgb = filled((height, width, 3), value)
        for quality, halved in product((1, 100), (False, True)):
            kernels.jpeg_encode(rgb, quality, halved=halved, band=16)
    return len(files)


def too_large(data: bytes) -> bool:
    """Whether the damage made a frame's sides large, which would only take time."""
    heads = [at for at in range(len(data) - 9) if data[at] == 0xFF and 0xC0 <= data[at + 1] <= 0xC2]
    return any(max(data[at + 5], data[at + 7]) > 3 for at in heads)
