"""The peer of ``homebody photo suggest``: the same job written with Keras and Pillow.

What an engineer would ship today: a saved Keras model, Pillow for decoding, resizing and colour
tables, a contact sheet at the end. ``benchmarks/suggest.py`` prepares the folder it reads:
``model.keras``, ``map.npy`` (1000 × categories), ``curation.json`` (category: six preset ids) and
``luts.npz`` (preset id: float32 [33, 33, 33, 3]).

    python benchmarks/peers/keras_suggest.py FOLDER PHOTO... [--sheet OUT.jpg]
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

TILE = (320, 240)
LARGE = (1000, 750)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()

    folder = arguments.folder
    model = keras.models.load_model(folder / "model.keras")
    class_map = np.load(folder / "map.npy")
    curation = json.loads((folder / "curation.json").read_text())
    names = list(curation)
    luts = np.load(folder / "luts.npz")
    for path in arguments.photos:
        with Image.open(path) as image:
            # The idiom for thumbnails: Pillow then decodes JPEGs at a reduced scale by itself.
            image.thumbnail(LARGE)
            photo = image.convert("RGB")
        logits = np.asarray(model(prepare(photo), training=False))[0]
        scores = np.exp(logits - logits.max())
        scores = scores / scores.sum() @ class_map
        best = int(scores.argmax())
        print(
            json.dumps({"photo": str(path), "category": names[best], "score": float(scores[best])})
        )
        if arguments.sheet:
            draw_sheet(photo, curation[names[best]], luts).save(arguments.sheet, quality=92)


def prepare(photo: Image.Image) -> np.ndarray:
    scale = 256 / min(photo.size)
    size = (round(photo.width * scale), round(photo.height * scale))
    small = photo.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    left, top = (small.width - 227) // 2, (small.height - 227) // 2
    pixels = np.asarray(small.crop((left, top, left + 227, top + 227)), np.float32)
    return (pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32))[np.newaxis]


def draw_sheet(photo: Image.Image, presets: list[str], luts: dict[str, np.ndarray]) -> Image.Image:
    page = Image.new("RGB", (1920, 112 + LARGE[1] + 96), (27, 27, 29))
    page.paste(photo, (0, 112))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(22)
    small = photo.resize(TILE, Image.Resampling.BOX, reducing_gap=2.0)
    for i, name in enumerate(presets):
        table = ImageFilter.Color3DLUT(33, luts[name].reshape(-1))
        left, top = 1020 + i % 2 * 340, 112 + i // 2 * 280
        page.paste(small.filter(table), (left, top))
        draw.text((left, top + 244), name, (236, 236, 238), font)
    return page


if __name__ == "__main__":
    main()
