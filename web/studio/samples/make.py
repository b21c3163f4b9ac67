"""Make the studio's own photos from the project's: ``python web/studio/samples/make.py``.

All four are CC0; NOTICE names their authors.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
HOME = FOLDER.parents[2]
SAMPLES = HOME / "src/homebody/features/photo/samples"
SOURCES = {
    "dandelions": HOME / "examples/dandelions.jpg",
    "coast": HOME / "examples/coast.jpg",
    "dog": SAMPLES / "dog.jpg",
    "coffee": SAMPLES / "coffee.jpg",
}
MOST_WIDTH = 1100
QUALITY = 68
"""Every first visit downloads these four."""


def main() -> None:
    """Write the four photos, small yet sharp on a stage."""
    for name, source in SOURCES.items():
        with Image.open(source) as photo:
            photo = photo.convert("RGB")
            photo.thumbnail((MOST_WIDTH, MOST_WIDTH), Image.Resampling.LANCZOS)
            photo.save(FOLDER / f"{name}.jpg", quality=QUALITY, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
