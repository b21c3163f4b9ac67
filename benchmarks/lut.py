"""A 33-cube colour table over 12 megapixels, one thread: Homebody beside its peers.

    pip install '.[bench]'
    python benchmarks/lut.py [--rounds 15] [--json]

Peers: OpenColorIO (tetrahedral; 8-bit and float, its fastest optimisation), Pillow's Color3DLUT
(trilinear, all it has), and the same interpolation as plain C without SIMD (ours). Errors are
against tetrahedral interpolation in real numbers, in levels of 255, over a tenth of the pixels.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

import numpy as np
import PyOpenColorIO as ocio
from in_turn import PHOTO, report, seconds, twelve_megapixels
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from homebody import kernels
from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.look import compile_lut
from homebody.kernels import _library

SIZE = 33


def reference(pixels: NDArray[np.uint8], nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tetrahedral interpolation of [n, 3] pixels in real numbers, 0 to 255."""
    place = pixels / 255 * (SIZE - 1)
    cell = np.minimum(place.astype(int), SIZE - 2)
    order = np.argsort(-(place - cell), axis=1, kind="stable")
    fractions = np.take_along_axis(place - cell, order, 1)
    vertex = cell.copy()
    value = nodes[vertex[:, 2], vertex[:, 1], vertex[:, 0]]
    for step in range(3):
        before = nodes[vertex[:, 2], vertex[:, 1], vertex[:, 0]]
        vertex[np.arange(len(vertex)), order[:, step]] += 1
        after = nodes[vertex[:, 2], vertex[:, 1], vertex[:, 0]]
        value = value + fractions[:, step, None] * (after - before)
    return 255 * value


def opencolorio(nodes: NDArray[np.float64], depth: ocio.BitDepth) -> ocio.CPUProcessor:
    """OpenColorIO's processor for a table, tuned for speed."""
    table = ocio.Lut3DTransform(SIZE)
    table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    # OpenColorIO runs blue fastest.
    table.setData(nodes.transpose(2, 1, 0, 3).astype(np.float32).ravel())
    config = ocio.Config.CreateRaw()
    fastest = ocio.OPTIMIZATION_DRAFT
    return config.getProcessor(table).getOptimizedCPUProcessor(depth, depth, fastest)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    pixels = twelve_megapixels(options.photo)
    height, width, _ = pixels.shape
    preset = next(p for p in default_catalog().presets if "slide" in p.family)
    table = compile_lut(preset, SIZE)
    nodes = table[..., :3] / kernels.LUT_WHITE

    ours, plain = np.empty_like(pixels), np.empty_like(pixels)
    byte_copy, floats = pixels.copy(), np.empty(pixels.shape, np.float32)
    by_bytes = opencolorio(nodes, ocio.BIT_DEPTH_UINT8)
    by_floats = opencolorio(nodes, ocio.BIT_DEPTH_F32)
    as_float = pixels.astype(np.float32) / 255

    def ocio_bytes() -> None:
        np.copyto(byte_copy, pixels)  # it works in place; the copy is a twentieth of the time
        image = ocio.PackedImageDesc(
            byte_copy, width, height, 3, ocio.BIT_DEPTH_UINT8, 1, 3, 3 * width
        )
        by_bytes.apply(image)

    def ocio_floats() -> None:
        np.copyto(floats, as_float)
        by_floats.apply(ocio.PackedImageDesc(floats, width, height, 3))

    picture = Image.fromarray(pixels)
    # Pillow runs red fastest, as we do.
    cube = ImageFilter.Color3DLUT(SIZE, nodes.astype(np.float32).ravel().tolist())
    filtered: list[Image.Image] = []

    def pillow() -> None:
        filtered[:] = [picture.filter(cube)]

    def scalar() -> None:
        _library.load().hb_lut_apply_scalar(
            pixels.ctypes.data, width * height, 3, table.ctypes.data, SIZE, plain.ctypes.data
        )

    times = seconds(
        {
            "Homebody": lambda: kernels.lut_apply(pixels, table, out=ours),
            "OpenColorIO, 8-bit": ocio_bytes,
            "OpenColorIO, float": ocio_floats,
            "Pillow Color3DLUT": pillow,
            "plain C": scalar,
        },
        options.rounds,
    )
    results = {
        "Homebody": ours,
        "OpenColorIO, 8-bit": byte_copy,
        "OpenColorIO, float": floats * 255,
        "Pillow Color3DLUT": np.asarray(filtered[0]),
        "plain C": plain,
    }
    exact = reference(pixels.reshape(-1, 3)[::10], nodes)
    rows = []
    for name, taken in times.items():
        error = np.abs(results[name].reshape(-1, 3)[::10] - exact)
        rows.append(
            [
                name,
                f"{taken * 1e3 / (width * height / 1e6):.2f}",
                f"{taken / times['Homebody']:.2f}",
                f"{error.mean():.3f}",
                f"{error.max():.2f}",
            ]
        )
    report(
        f"{SIZE}-cube colour table, {width * height / 1e6:.0f} megapixels, one thread",
        ["", "ms per megapixel", "times ours", "mean error", "largest error"],
        rows,
        {
            "rounds": options.rounds,
            "preset": preset.id,
            "opencolorio": ocio.__version__,
            "pillow": version("pillow"),
        },
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
