"""Write the kernels' golden vectors: ``python conformance/kernels/make.py``.

The rule for inputs and the files' form are in README.md here. :func:`run` computes one case with
:mod:`homebody.kernels`; the tests use it too.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody import kernels

FOLDER = Path(__file__).parent

Case = dict[str, Any]


def mixed(seed: int, count: int) -> NDArray[np.uint32]:
    """The finaliser of MurmurHash3 over seed, seed + 1, ..."""
    h = np.arange(seed, seed + count, dtype=np.uint64).astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def picture(rule: dict[str, int]) -> NDArray[np.uint8]:
    """The input picture of a case's rule."""
    shape = rule["height"], rule["width"], rule["channels"]
    count = shape[0] * shape[1] * shape[2]
    if rule["seed"] == 0:
        values = np.arange(count, dtype=np.uint64) * 255 // max(1, count - 1)
    else:
        values = mixed(rule["seed"], count) >> np.uint32(24)
    return values.astype(np.uint8).reshape(shape)


def table(rule: dict[str, int]) -> NDArray[np.int16]:
    """The colour table of a case's rule."""
    size = rule["size"]
    if rule.get("identity"):
        return kernels.lut_identity(size)
    values = (mixed(rule["seed"], size**3 * 4) % np.uint32(32641)).astype(np.int16)
    lut = values.reshape(size, size, size, 4)
    lut[..., 3] = 0
    return lut


def run(kernel: str, case: Case) -> NDArray[Any]:
    """What the native kernel gives; statistics as the bytes of its fields."""
    arguments = dict(case["arguments"])
    pixels = picture(case["pixels"])
    for name in ("window", "full_size", "origin"):
        if name in arguments:
            arguments[name] = tuple(arguments[name])
    match kernel:
        case "blend":
            return kernels.blend(pixels, picture(case["edited"]), **arguments)
        case "lut_apply":
            return kernels.lut_apply(pixels, table(case["lut"]), **arguments)
        case "statistics":
            found = kernels.statistics(pixels)
            sums = np.array([found.rg_sum, found.rg_square, found.yb_sum, found.yb_square], "<i8")
            parts = (found.luma, found.chroma, sums, found.grid)
            return np.frombuffer(b"".join(part.tobytes() for part in parts), np.uint8)
        case _:
            return getattr(kernels, kernel)(pixels, **arguments)


def pixels(seed: int, height: int, width: int, channels: int = 3) -> dict[str, int]:
    """A rule for a picture; seed 0 is a ramp."""
    return {"seed": seed, "height": height, "width": width, "channels": channels}


def inputs() -> dict[str, list[Case]]:
    """Every kernel's cases, without their results."""
    normal = {"mean": [103.939, 116.779, 123.68], "std": [1.0, 57.375, 0.0173], "order": "bgr"}

    def sizes(extra: dict[str, Any]) -> list[Case]:
        found = []
        for seed, (height, width), (new_height, new_width), window in (
            (1, (7, 9), (3, 4), None),
            (2, (64, 48), (16, 12), None),
            (3, (5, 3), (11, 8), None),
            (4, (13, 40), (29, 7), None),
            (5, (1, 1), (4, 5), None),
            (6, (600, 3), (1, 2), None),
            (7, (61, 83), (32, 44), (6, 0, 32, 32)),
            (0, (40, 40), (40, 40), (1, 2, 3, 4)),
        ):
            case: Case = {
                "name": f"{width}x{height} to {new_width}x{new_height}",
                "pixels": pixels(seed, height, width),
                "arguments": {"width": new_width, "height": new_height, **extra},
            }
            if window:
                case["name"] += f", window {window}"
                case["arguments"]["window"] = list(window)
            found.append(case)
        return found

    window = {"full_size": [3000, 4000], "origin": [1490, 3961]}
    shapes = [(1, 1, 1, 3), (2, 3, 37, 3), (3, 23, 17, 4), (0, 16, 16, 3)]
    return {
        "resize": sizes({}),
        "resize_normalize": sizes(normal),
        "normalize": [
            {"name": order, "pixels": pixels(seed, 5, 7), "arguments": {**normal, "order": order}}
            for seed, order in ((1, "rgb"), (2, "bgr"))
        ],
        "lut_apply": [
            {
                "name": f"{width}x{height}x{channels}, {lut}",
                "pixels": pixels(seed, height, width, channels),
                "lut": lut,
                "arguments": {},
            }
            for seed, height, width, channels in shapes
            for lut in (
                {"seed": 11, "size": 17},
                {"seed": 12, "size": 33},
                {"seed": 13, "size": 65},
                {"identity": True, "size": 33},
            )
        ],
        "grain": [
            {
                "name": f"{height}x{width}x{channels}, amount {amount}, size {size}",
                "pixels": pixels(seed, height, width, channels),
                "arguments": {
                    "amount": amount,
                    "size": size,
                    "seed": seed * 0x9E3779B1 % 2**32,
                    **place,
                },
            }
            for seed, height, width, channels in shapes
            for amount, size, place in (
                (100, 25, window),
                (30, 100, {"full_size": [900, 600], "origin": [3, 5]}),
                (70, 0, {"full_size": [65535, 65535], "origin": [65000, 12]}),
                (50, 10, {"full_size": [300, 500], "origin": [0, 0]}),
            )
        ],
        "vignette": [
            {
                "name": f"{height}x{width}x{channels}, amount {amount}, midpoint {midpoint}",
                "pixels": pixels(seed, height, width, channels),
                "arguments": {"amount": amount, "midpoint": midpoint, **place},
            }
            for seed, height, width, channels in shapes
            for amount, midpoint, place in (
                (-100, 0, {}),
                (-35, 50, window),
                (60, 100, {"full_size": [65535, 65535], "origin": [65000, 65000]}),
            )
        ],
        "sharpen": [
            {
                "name": f"{height}x{width}x{channels}, amount {amount}, radius {radius}",
                "pixels": pixels(seed, height, width, channels),
                "arguments": {"amount": amount, "radius": radius, "long_edge": edge},
            }
            for seed, height, width, channels in shapes
            for amount, radius, edge in ((50, 25, 4000), (100, 100, 65535), (80, 60, 1500))
        ],
        "blend": [
            {
                "name": f"{height}x{width}x{channels}, strength {strength}",
                "pixels": pixels(seed, height, width, channels),
                "edited": pixels(seed + 20, height, width, channels),
                "arguments": {"strength": strength},
            }
            for seed, height, width, channels in shapes
            for strength in (0, 1, 50, 99, 100)
        ],
        "statistics": [
            {
                "name": f"{width}x{height}",
                "pixels": pixels(seed, height, width),
                "arguments": {},
            }
            for seed, (height, width) in enumerate(((1, 1), (7, 9), (8, 8), (33, 100), (256, 3)))
        ],
    }


def main() -> None:
    """Compute every case and write the files."""
    for kernel, cases in inputs().items():
        for case in cases:
            result = run(kernel, case)
            case["shape"], case["dtype"] = list(result.shape), result.dtype.name
            case["head"] = [value.item() for value in result.ravel()[:6]]
            case["sha256"] = hashlib.sha256(result.tobytes()).hexdigest()
        lines = ",\n".join("  " + json.dumps(case) for case in cases)
        text = f'{{"kernel": {json.dumps(kernel)}, "cases": [\n{lines}\n]}}\n'
        (FOLDER / f"{kernel}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
