"""The confusion matrix, as text and as a picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from homebody.train.evaluation import Evaluation

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

_CELL, _MARGIN = 56, 16


def confusion_text(found: Evaluation) -> str:
    """The matrix in columns: a row for each true label, a column for each given one.

    Example:
        >>> from homebody.train import evaluate
        >>> print(confusion_text(evaluate([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])))
        true \\ given  cat  dog
        cat             1    1
        dog             ·    2
    """
    first = max(len("true \\ given"), *(len(label) for label in found.labels))
    widths = [
        max(len(label), *(len(str(row[i])) for row in found.confusion))
        for i, label in enumerate(found.labels)
    ]
    lines = [
        "true \\ given".ljust(first)
        + "".join(f"  {label:>{w}}" for label, w in zip(found.labels, widths, strict=True))
    ]
    for label, row in zip(found.labels, found.confusion, strict=True):
        cells = (f"  {n or '·':>{w}}" for n, w in zip(row, widths, strict=True))
        lines.append(label.ljust(first) + "".join(cells))
    return "\n".join(lines)


def confusion_png(found: Evaluation) -> bytes:
    """The matrix as a PNG: cells shaded by their share of the row, with counts."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(16)
    small = ImageFont.load_default(13)
    longest = max(font.getlength(label) for label in found.labels)
    left = top = round(max(longest, 80)) + 2 * _MARGIN + 24
    side = _CELL * len(found.labels)
    picture = Image.new("RGB", (left + side + _MARGIN, top + side + _MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    for i, (label, row) in enumerate(zip(found.labels, found.confusion, strict=True)):
        middle = top + i * _CELL + _CELL // 2
        draw.text((left - 10, middle), label, "#222", font, anchor="rm")
        _write_up(picture, label, (left + i * _CELL + _CELL // 2, top - 10), font)
        for j, count in enumerate(row):
            share = count / max(1, sum(row))
            box = (left + j * _CELL, top + i * _CELL)
            end = (box[0] + _CELL - 2, box[1] + _CELL - 2)
            draw.rectangle((*box, *end), _shade(share, i == j))
            if count:
                ink = "white" if share > 0.55 else "#222"
                centre = (box[0] + _CELL // 2 - 1, box[1] + _CELL // 2 - 1)
                draw.text(centre, str(count), ink, font, anchor="mm")
    draw.text((_MARGIN, top + side + _MARGIN // 2), "true", "#666", small, anchor="lm")
    draw.text((left + side, _MARGIN), "given", "#666", small, anchor="rm")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _shade(share: float, right: bool) -> tuple[int, int, int]:
    """White to blue where the label is right, to orange where it is not."""
    full = (36, 92, 168) if right else (214, 96, 28)
    light = (246, 246, 246)
    return (
        round(light[0] + (full[0] - light[0]) * share),
        round(light[1] + (full[1] - light[1]) * share),
        round(light[2] + (full[2] - light[2]) * share),
    )


def _write_up(
    picture: object, text: str, foot: tuple[int, int], font: FreeTypeFont | ImageFont
) -> None:
    """Write upwards, centred over ``foot``."""
    from PIL import Image, ImageDraw

    assert isinstance(picture, Image.Image)
    left, above, right, below = font.getbbox(text)
    width, height = round(right - left) + 2, round(below - above) + 4
    strip = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(strip).text((1 - left, 2 - above), text, "#222", font)
    turned = strip.transpose(Image.Transpose.ROTATE_90)
    picture.paste(turned, (foot[0] - turned.width // 2, foot[1] - turned.height))
