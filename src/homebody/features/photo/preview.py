"""An answer made visible: the photo beside a preview of each suggested preset."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from homebody import kernels
from homebody.features.photo.answer import Answer
from homebody.features.photo.catalog import Catalog
from homebody.features.photo.look import render
from homebody.features.photo.sheet import Tile, contact_sheet, plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


def previews(
    pixels: NDArray[np.uint8], answer: Answer, catalog: Catalog, width: int, height: int
) -> list[NDArray[np.uint8]]:
    """A small rendering of each suggested preset.

    Args:
        pixels: the photo, uint8 RGB [h, w, 3].
        answer: what was suggested for it.
        catalog: the catalog that the suggestion came from.
        width: the previews' width in pixels.
        height: their height.

    Returns:
        One uint8 array [height, width, 3] a preset, in the answer's order.
    """
    small = kernels.resize(pixels, width, height)
    presets = [catalog.preset(offered.id) for offered in answer.presets]
    # Kernels release the interpreter's lock, so previews are rendered side by side.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda preset: render(small, preset), presets))


def draw_sheet(pixels: NDArray[np.uint8], answer: Answer, catalog: Catalog) -> Image:
    """The contact sheet of an answer; :func:`~homebody.features.photo.sheet.save_sheet` writes it.

    Takes what :func:`previews` takes.
    """
    height, width = pixels.shape[:2]
    box = plan(height, width, len(answer.presets)).tiles[0]
    # A picture of extreme shape is shown smaller in its box; the preview keeps the photo's shape.
    scale = min(box.width / width, box.height / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    rendered = previews(pixels, answer, catalog, *size)
    tiles = [
        Tile(offered.name, offered.tier, offered.reason, preview)
        for offered, preview in zip(answer.presets, rendered, strict=True)
    ]
    return contact_sheet(
        pixels, tiles, answer.category.name, answer.category.confidence, Path(answer.photo).name
    )
