"""12 megapixels to a model's 227 pixels: Homebody's resize beside Pillow's and OpenCV's.

    pip install '.[bench]'
    python benchmarks/resize.py [--rounds 31] [--json]

Each takes uint8 RGB and gives uint8 RGB with a short side of 227, on one thread; Pillow starts
from its own image, which is to its advantage. Errors are against the exact area average in real
numbers, in levels of 255: half a level is the least that rounding to 8 bits leaves. The last rows
go on to the float32 tensor that a model takes: 227 x 227 from the middle, normalised.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from in_turn import PHOTO, report, seconds, twelve_megapixels
from numpy.typing import NDArray
from PIL import Image

from homebody import kernels

SHORT = 227
MEAN, STD = (123.68, 116.779, 103.939), (1.0, 1.0, 1.0)


def area_weights(size: int, new: int) -> NDArray[np.float64]:
    """[new, size] Overlap of each source pixel with each output's interval, summing to one."""
    low = np.arange(new)[:, None] * size / new
    high = (np.arange(new)[:, None] + 1) * size / new
    place = np.arange(size)
    cover = np.minimum(high, place + 1) - np.maximum(low, place)
    return np.clip(cover, 0, None) * new / size


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)

    pixels = twelve_megapixels(options.photo)
    size = kernels.fit_short_side(pixels.shape[1], pixels.shape[0], SHORT)
    window = ((size[0] - SHORT) // 2, (size[1] - SHORT) // 2, SHORT, SHORT)
    picture = Image.fromarray(pixels)
    mean = np.array(MEAN, np.float32)
    crop = np.s_[window[1] : window[1] + SHORT, window[0] : window[0] + SHORT]

    def pillow(kind: Image.Resampling) -> Image.Image:
        return picture.resize(size, kind, reducing_gap=2)

    def opencv() -> NDArray[np.uint8]:
        return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)

    resizes = {
        "Homebody": lambda: kernels.resize(pixels, *size),
        "Pillow bicubic, reducing_gap=2": lambda: pillow(Image.Resampling.BICUBIC),
        "Pillow box, reducing_gap=2": lambda: pillow(Image.Resampling.BOX),
        "OpenCV INTER_AREA": opencv,
    }
    tensors = {
        "Homebody": lambda: kernels.resize_normalize(
            pixels, *size, mean=MEAN, std=STD, window=window
        ),
        "Pillow bicubic, reducing_gap=2": lambda: (
            np.asarray(pillow(Image.Resampling.BICUBIC))[crop].astype(np.float32) - mean
        ),
        "OpenCV INTER_AREA": lambda: opencv()[crop].astype(np.float32) - mean,
    }
    rows_of = np.tensordot(
        area_weights(pixels.shape[0], size[1]), pixels.astype(np.float64), (1, 0)
    )
    exact = np.einsum("yxc,nx->ync", rows_of, area_weights(pixels.shape[1], size[0]), optimize=True)

    rows = []
    for title, calls, target in (
        ("resize", resizes, exact),
        ("resize, crop, normalise", tensors, exact[crop] - np.array(MEAN)),
    ):
        times = seconds(calls, options.rounds)
        for name, call in calls.items():
            error = np.abs(np.asarray(call(), np.float64) - target)
            rows.append(
                [
                    title,
                    name,
                    f"{times[name] * 1e3:.2f}",
                    f"{times[name] / times['Homebody']:.2f}",
                    f"{error.mean():.3f}",
                    f"{error.max():.2f}",
                ]
            )
    report(
        f"{pixels.shape[1]}x{pixels.shape[0]} to {size[0]}x{size[1]}, one thread",
        ["", "", "ms", "times ours", "mean error", "largest error"],
        rows,
        {
            "rounds": options.rounds,
            "pillow": version("pillow"),
            "opencv": cv2.__version__,
        },
        as_json=options.json,
    )


if __name__ == "__main__":
    main()
