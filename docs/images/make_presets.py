"""Draw presets.jpg, one preset of each family: ``python docs/images/make_presets.py``."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from homebody import kernels
from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.look import render
from homebody.features.photo.sample_photos import sample_folder
from homebody.features.photo.sheet import BACKGROUND
from homebody.image import decode

COLUMNS, WIDTH, HEIGHT, CAPTION = 5, 288, 198, 34
CHOSEN = (
    *("cln-08", "neg-03", "sld-01", "fad-02", "mat-07", "cin-02", "mon-12", "ton-01", "wrm-02"),
    *("col-02", "air-10", "pas-01", "mdy-01", "vin-02", "nit-05", "crs-01", "skn-06", "lnd-10"),
    *("tbl-07", "viv-08"),
)


def main() -> None:
    """Draw and write the picture."""
    photo = kernels.resize(decode(sample_folder() / "meadow.jpg").flat, WIDTH, HEIGHT)
    catalog = default_catalog()
    rows = -(-len(CHOSEN) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * WIDTH, rows * (HEIGHT + CAPTION)), BACKGROUND)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(17)
    for i, id in enumerate(CHOSEN):
        preset = catalog.preset(id)
        left, top = i % COLUMNS * WIDTH, i // COLUMNS * (HEIGHT + CAPTION)
        page.paste(Image.fromarray(render(photo, preset)[:, :-4]), (left, top))
        text = f"{catalog.family(preset.family).name}: {preset.name}"
        draw.text((left + 2, top + HEIGHT + 23), text, (236, 236, 238), font, anchor="ls")
    page.save(Path(__file__).with_name("presets.jpg"), quality=84, optimize=True)


if __name__ == "__main__":
    main()
