"""``homebody photo edit``: a preset on a photo at full resolution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def edit(
    photo: Annotated[Path, typer.Argument(help="The photo.")],
    preset: Annotated[str, typer.Option(help="A preset's id or name.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write (.jpg, .png, .webp, .tif).")
    ],
    strength: Annotated[
        int, typer.Option(help="0 is the original, 100 the whole preset.", min=0, max=100)
    ] = 100,
    quality: Annotated[int, typer.Option(help="JPEG and WebP quality.", min=1, max=100)] = 95,
    catalog: Annotated[
        Path | None, typer.Option(help="Use this catalog instead of the built-in one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Edit a photo at full resolution; EXIF, ICC profile and XMP are kept, orientation applied.

    The preset works on the photo's own RGB values, so a wide-gamut photo keeps its gamut.

    Example:  homebody photo edit coast.jpg --preset cin-01 --strength 80 -o coast-cine.jpg
    """
    from homebody.cli import _print
    from homebody.features.photo.catalog import catalog_in_use
    from homebody.features.photo.edit import edit_file

    chosen = catalog_in_use(catalog).preset(preset)
    result = edit_file(photo, chosen, output, strength=strength, quality=quality)
    if as_json:
        _print.json_line(result)
    else:
        print(
            f"{output}: {chosen.name} at {strength}%, {result.width}×{result.height}, "
            f"{_print.size(output.stat().st_size)}"
        )
