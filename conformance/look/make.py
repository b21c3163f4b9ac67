"""Write the look engine's golden vectors: ``python conformance/look/make.py``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from homebody import kernels
from homebody.features.photo.look import parameters
from homebody.features.photo.preset import Adjustments

FILE = Path(__file__).with_name("look.json")

ADJUSTMENTS: dict[str, dict[str, Any]] = {
    "neutral": {},
    "exposure": {"exposure": 0.75},
    "darker": {"exposure": -1.5},
    "white balance": {"temperature": 35, "tint": -12},
    "tone": {"contrast": 40, "highlights": -45, "shadows": 60, "fade": 25},
    "soft": {"contrast": -70},
    "curves": {
        "curves": {
            "master": [[0, 12], [64, 50], [128, 140], [255, 250]],
            "red": [[0, 0], [255, 230]],
            "green": [[20, 0], [200, 200]],
            "blue": [[0, 40], [128, 120], [192, 180], [255, 255]],
        }
    },
    "saturation": {"saturation": 55},
    "no colour": {"saturation": -100},
    "vibrance": {"vibrance": 80},
    "bands": {
        "bands": {
            "red": {"hue": 30, "saturation": 20},
            "orange": {"luminance": 25},
            "yellow": {"hue": -60},
            "green": {"hue": 45, "saturation": -50, "luminance": -30},
            "aqua": {"saturation": 60},
            "blue": {"hue": -35, "saturation": 40, "luminance": -40},
            "purple": {"hue": 100},
            "magenta": {"saturation": -100},
        }
    },
    "split toning": {
        "split_toning": {
            "shadows": {"hue": 215, "amount": 60},
            "highlights": {"hue": 70, "amount": 45},
            "balance": -30,
        }
    },
    "mono": {"mono": {"red": 80, "green": 40, "blue": -20}, "contrast": 30},
    "toned mono": {
        "mono": {"red": 34, "green": 56, "blue": 10},
        "split_toning": {"shadows": {"hue": 65, "amount": 30}},
    },
    "everything": {
        "exposure": 0.3,
        "temperature": -20,
        "tint": 6,
        "contrast": 25,
        "highlights": -20,
        "shadows": 30,
        "fade": 12,
        "curves": {"master": [[0, 6], [255, 250]], "blue": [[0, 10], [255, 245]]},
        "bands": {"blue": {"hue": -20, "saturation": 30}, "green": {"saturation": -30}},
        "saturation": 10,
        "vibrance": 25,
        "split_toning": {
            "shadows": {"hue": 250, "amount": 20},
            "highlights": {"hue": 60, "amount": 15},
        },
    },
}


def cases() -> list[dict[str, Any]]:
    """Every case with what the native kernel gives for it."""
    found = []
    for name, adjust in ADJUSTMENTS.items():
        values = parameters(msgspec.convert(adjust, Adjustments))
        size = 33 if name in ("neutral", "everything") else 17
        lut = kernels.look_lut(values, size)
        nodes = lut.reshape(-1, 4)
        found.append(
            {
                "name": name,
                "adjust": adjust,
                "parameters": values.tolist(),
                "size": size,
                "head": [nodes[len(nodes) * i // 4, :3].tolist() for i in (1, 2, 3)],
                "sha256": hashlib.sha256(lut.astype("<i2").tobytes()).hexdigest(),
            }
        )
    return found


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(case) for case in cases())
    FILE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
