"""The contact sheet: a photo and its suggested presets, on one dark page.

>>> import numpy as np
>>> photo = np.full((40, 60, 3), 128, np.uint8)
>>> page = contact_sheet(photo, [Tile("Linden", "free", "Nature: soft greens", photo)], "Nature")
>>> page.width
1920
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from homebody.errors import ImageError, UsageError
from homebody.features.photo.preset import Tier
from homebody.files import replacing

WIDTH = 1920
"""Width of the page in pixels."""

BACKGROUND = (27, 27, 29)
_TEXT = (236, 236, 238)
_QUIET = (150, 150, 156)
_GOLD = (208, 172, 104)
_MARGIN, _GAP, _HEADER, _CAPTION = 56, 28, 112, 96
_MAX_HEIGHT = 2400
_MAX_TILES = 100


class Tile(NamedTuple):
    """One preview: its preset's name and tier, why it is there, and the pixels (uint8[h, w, 3])."""

    name: str
    tier: Tier
    reason: str
    pixels: NDArray[np.uint8]


class Box(NamedTuple):
    """A place on the page, in pixels."""

    left: int
    top: int
    width: int
    height: int


class Plan(NamedTuple):
    """Where everything goes: the page's size, the original's box, a box for each preview."""

    width: int
    height: int
    original: Box
    tiles: tuple[Box, ...]


def plan(height: int, width: int, count: int) -> Plan:
    """Lay out a photo of height x width pixels and ``count`` previews.

    The original stands at the left, as high as the rows of previews beside it; a panorama lies on
    top of them. Every box has the photo's shape (extremes beyond 1:4 and 4:1 are shown smaller in
    theirs).

    Raises:
        UsageError: count is not 1..100, or the photo has no pixels.

    >>> plan(2000, 3000, 6).original.width > plan(2000, 3000, 6).tiles[0].width
    True
    """
    if not 1 <= count <= _MAX_TILES or height < 1 or width < 1:
        raise UsageError(f"a sheet of {count} previews; give 1 to {_MAX_TILES} and a photo")
    aspect = min(max(width / height, 0.25), 4.0)
    room = WIDTH - 2 * _MARGIN
    if aspect > 2.0:
        return _panorama(aspect, count, room)
    rows = 1 if count == 1 else max(2, round(math.sqrt(count / 2)))
    columns = math.ceil(count / rows)
    # The original is `rows` tiles high, with the captions and gaps between them: linear in the
    # tile's width.
    between = (rows - 1) * (_CAPTION + _GAP)
    tile = (room - between * aspect - columns * _GAP) / (rows + columns)
    tallest = (_MAX_HEIGHT - _HEADER - _MARGIN - _CAPTION - between) / rows
    tile = max(16.0, min(tile, tallest * aspect))
    tile_height = max(16, int(tile / aspect))
    tile_width = int(tile)
    full = rows * tile_height + between
    original_width = min(int(full * aspect), room - columns * (tile_width + _GAP))
    used = original_width + columns * (tile_width + _GAP)
    left = (WIDTH - used) // 2
    boxes = tuple(
        Box(
            left + original_width + _GAP + (i % columns) * (tile_width + _GAP),
            _HEADER + (i // columns) * (tile_height + _CAPTION + _GAP),
            tile_width,
            tile_height,
        )
        for i in range(count)
    )
    return Plan(
        WIDTH,
        _HEADER + full + _CAPTION + _MARGIN // 2,
        Box(left, _HEADER, original_width, full),
        boxes,
    )


def _panorama(aspect: float, count: int, room: int) -> Plan:
    columns = min(3, count) if count != 4 else 2
    tile_width = (room - (columns - 1) * _GAP) // columns
    tile_height = max(16, int(tile_width / aspect))
    top = int(room / aspect)
    start = _HEADER + top + _GAP
    boxes = tuple(
        Box(
            _MARGIN + (i % columns) * (tile_width + _GAP),
            start + (i // columns) * (tile_height + _CAPTION + _GAP),
            tile_width,
            tile_height,
        )
        for i in range(count)
    )
    bottom = boxes[-1].top + tile_height + _CAPTION + _MARGIN // 2
    return Plan(WIDTH, bottom, Box(_MARGIN, _HEADER, room, top), boxes)


def contact_sheet(
    original: NDArray[np.uint8],
    tiles: Sequence[Tile],
    category: str,
    confidence: float | None = None,
    photo: str = "",
) -> Image.Image:
    """Draw the page: the original, the previews with their captions, the category above.

    Args:
        original: uint8[h, w, 3] sRGB; best at least as large as ``plan(...).original``.
        tiles: 1 to 100 previews, best first.
        category: the category's name, drawn as the title.
        confidence: 0..1, drawn beside it.
        photo: the photo's name, drawn at the right.

    Raises:
        UsageError: there are no tiles, or too many.
    """
    places = plan(original.shape[0], original.shape[1], len(tiles))
    page = Image.new("RGB", (places.width, places.height), BACKGROUND)
    draw = ImageDraw.Draw(page)
    left, right = places.original.left, max(box.left + box.width for box in places.tiles)
    right = max(right, places.original.left + places.original.width)
    _header(draw, left, right, category, confidence, photo)
    _place(page, original, places.original)
    for tile, box in zip(tiles, places.tiles, strict=True):
        _place(page, tile.pixels, box)
        _caption(draw, tile, box)
    return page


def _header(
    draw: ImageDraw.ImageDraw,
    left: int,
    right: int,
    category: str,
    confidence: float | None,
    photo: str,
) -> None:
    title, detail = _font(38), _font(22)
    name = _shorten(category, title, (right - left) // 2)
    draw.text((left, 78), name, _TEXT, title, anchor="ls")
    end = left + title.getlength(name)
    if confidence is not None:
        percent = f"{round(100 * confidence)}%"
        draw.text((end + 16, 78), percent, _QUIET, detail, anchor="ls")
        end += 16 + detail.getlength(percent)
    draw.text((right, 78), _shorten(photo, detail, right - end - 40), _QUIET, detail, anchor="rs")


def _place(page: Image.Image, pixels: NDArray[np.uint8], box: Box) -> None:
    """Fit the picture into the box, in the middle; only extreme shapes leave a margin."""
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    scale = min(box.width / image.width, box.height / image.height)
    width, height = (max(1, round(side * scale)) for side in image.size)
    if abs(width - box.width) <= 2 and abs(height - box.height) <= 2:
        width, height = box.width, box.height
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    page.paste(image, (box.left + (box.width - width) // 2, box.top + (box.height - height) // 2))


def _caption(draw: ImageDraw.ImageDraw, tile: Tile, box: Box) -> None:
    name, detail = _font(22), _font(16)
    line = box.top + box.height + 30
    room = box.width
    if tile.tier == "member":
        mark = "member"
        size = _font(14)
        width = int(size.getlength(mark)) + 18
        if width + 60 < box.width:
            pill = (box.left + box.width - width, line - 18, box.left + box.width, line + 5)
            draw.rounded_rectangle(pill, 11, outline=_GOLD)
            draw.text(((pill[0] + pill[2]) / 2, line - 6), mark, _GOLD, size, anchor="mm")
            room -= width + 12
    draw.text((box.left, line), _shorten(tile.name, name, room), _TEXT, name, anchor="ls")
    for i, text in enumerate(_wrap(tile.reason, detail, box.width, lines=2)):
        draw.text((box.left, line + 26 + 22 * i), text, _QUIET, detail, anchor="ls")


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _shorten(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: float) -> str:
    """The text, or as much of its beginning as fits with an ellipsis."""
    text = " ".join(text.split())[:300]
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1].rstrip()
    return text + "…" if text else ""


def _wrap(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, room: int, lines: int
) -> list[str]:
    """Break at spaces into at most ``lines`` lines; what does not fit ends in an ellipsis."""
    words = text.split()
    out: list[str] = []
    while words and len(out) < lines - 1:
        count = len(words)
        while count > 1 and font.getlength(" ".join(words[:count])) > room:
            count -= 1
        out.append(_shorten(" ".join(words[:count]), font, room))
        words = words[count:]
    if words:
        out.append(_shorten(" ".join(words), font, room))
    return out


def save_sheet(page: Image.Image, path: str | Path) -> None:
    """Write the page as PNG or JPEG, by the name's ending; whole or not at all.

    Raises:
        ImageError: another ending, or the place cannot be written.
    """
    path = Path(path)
    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise ImageError(f"a contact sheet is .png or .jpg, not {path.name!r}; rename the output")
    options = {"quality": 92, "subsampling": 0} if kind == "JPEG" else {"compress_level": 3}
    with replacing(path, ImageError) as draft:
        page.save(draft, kind, **options)
