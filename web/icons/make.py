"""Draw the studio's icons: ``python web/icons/make.py``.

The mark is a house that is a picture: its left half plain, its right half in colour.
``icon.svg`` and the PNG files come from the same numbers; ``ui.svg`` holds the symbols of controls.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).parent
INK, GREY, LIGHT = "#1d1d20", "#c9c9ce", "#f4f1ea"
SKY, SUN, HILL = "#e9a94b", "#fff3d6", "#b4532f"
HOUSE = ((256, 84), (436, 226), (436, 428), (76, 428), (76, 226))
HILL_LEFT = ((76, 428), (76, 372), (172, 300), (256, 356), (256, 428))
HILL_RIGHT = ((256, 428), (256, 356), (344, 292), (436, 364), (436, 428))
SUN_AT, SUN_RADIUS = (338, 228), 34

SYMBOLS = {
    "undo": "M9 14 4 9l5-5 M4 9h10a6 6 0 0 1 0 12h-3",
    "redo": "m15 14 5-5-5-5 M20 9H10a6 6 0 0 0 0 12h3",
    "compare": "M12 4a8 8 0 1 0 0 16z M12 4a8 8 0 0 1 0 16",
    "split": "M4 5h16v14H4z M12 2v20",
    "zoom": "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z m5-2 5 5 M11 8v6 M8 11h6",
    "heart": "M12 20S4 15 4 9.3A4.3 4.3 0 0 1 12 7a4.3 4.3 0 0 1 8 2.3C20 15 12 20 12 20z",
    "stack": "m12 3 9 5-9 5-9-5z m-9 10 9 5 9-5",
    "grid": "M4 4h6v6H4z M14 4h6v6h-6z M4 14h6v6H4z M14 14h6v6h-6z",
    "plus": "M12 5v14 M5 12h14",
    "keyboard": "M3 6h18v12H3z M7 10h.01 M12 10h.01 M17 10h.01 M8 14h8",
    "settings": "M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4z "
    "M9 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
    "export": "M12 3v12 m-5-5 5 5 5-5 M4 17v4h16v-4",
    "close": "m6 6 12 12 M18 6 6 18",
    "search": "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z m5-2 5 5",
    "chevron": "m6 9 6 6 6-6",
    "divider": "m9 7-5 5 5 5 M15 7l5 5-5 5",
    "photos": "M4 5h16v14H4z m0 11 5-5 4 4 3-3 4 4 M15 9h.01",
    "folder": "M3 6h6l2 3h10v10H3z",
    "camera": "M4 8h4l2-3h4l2 3h4v11H4z M12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
    "home": "m4 11 8-7 8 7v9H4z",
    "lock": "M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "check": "m5 13 4 4L19 7",
}


def _points(points: tuple[tuple[int, int], ...]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def mark_svg() -> str:
    """The mark, 512 units square."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">'
        f'<rect width="512" height="512" rx="112" fill="{INK}"/>'
        f'<clipPath id="h"><polygon points="{_points(HOUSE)}"/></clipPath>'
        f'<g clip-path="url(#h)"><path fill="{GREY}" d="M0 0h256v512H0z"/>'
        f'<path fill="{SKY}" d="M256 0h256v512H256z"/>'
        f'<circle cx="{SUN_AT[0]}" cy="{SUN_AT[1]}" r="{SUN_RADIUS}" fill="{SUN}"/>'
        f'<polygon points="{_points(HILL_LEFT)}" fill="#85858c"/>'
        f'<polygon points="{_points(HILL_RIGHT)}" fill="{HILL}"/></g>'
        f'<path stroke="{LIGHT}" stroke-width="10" d="M256 60v392"/></svg>\n'
    )


def mark(side: int, *, round_corners: bool, scale: float = 1.0) -> Image.Image:
    """The mark as pixels, drawn four times as large and scaled down."""
    big = 4 * side
    unit = big / 512

    def place(points: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
        return [
            ((256 + (x - 256) * scale) * unit, (256 + (y - 256) * scale) * unit) for x, y in points
        ]

    picture = Image.new("RGB", (big, big), GREY)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((big / 2, 0, big, big), SKY)
    (cx, cy), r = place((SUN_AT,))[0], SUN_RADIUS * scale * unit
    draw.ellipse((cx - r, cy - r, cx + r, cy + r), SUN)
    draw.polygon(place(HILL_LEFT), "#85858c")
    draw.polygon(place(HILL_RIGHT), HILL)
    house = Image.new("L", (big, big), 0)
    ImageDraw.Draw(house).polygon(place(HOUSE), 255)
    page = Image.new("RGB", (big, big), INK)
    page.paste(picture, (0, 0), house)
    (_, top), (_, bottom) = place(((256, 60), (256, 452)))
    half = 5 * scale * unit
    ImageDraw.Draw(page).rectangle((big / 2 - half, top, big / 2 + half, bottom), LIGHT)
    shape = Image.new("L", (big, big), 0 if round_corners else 255)
    if round_corners:
        ImageDraw.Draw(shape).rounded_rectangle((0, 0, big - 1, big - 1), 112 * unit, 255)
    page.putalpha(shape)
    return page.resize((side, side), Image.Resampling.LANCZOS)


def symbols_svg() -> str:
    """All symbols; each is referred to as ``ui.svg#name``."""
    # `use` copies a symbol into the page, where its colour and width come from.
    drawn = "".join(
        f'<symbol id="{name}" viewBox="0 0 24 24"><path d="{path}"/></symbol>\n'
        for name, path in SYMBOLS.items()
    )
    full = (
        '<symbol id="heart-full" viewBox="0 0 24 24">'
        f'<path fill="currentColor" d="{SYMBOLS["heart"]}"/></symbol>\n'
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{drawn}{full}</svg>\n'


def main() -> None:
    """Write every icon."""
    (FOLDER / "icon.svg").write_text(mark_svg())
    (FOLDER / "ui.svg").write_text(symbols_svg())
    for side in (192, 512):
        mark(side, round_corners=True).save(FOLDER / f"icon-{side}.png", optimize=True)
    # Masks cut away up to a fifth on each side.
    mark(512, round_corners=False, scale=0.78).convert("RGB").save(
        FOLDER / "icon-maskable-512.png", optimize=True
    )


if __name__ == "__main__":
    main()
