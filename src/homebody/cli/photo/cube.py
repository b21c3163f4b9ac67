"""``homebody photo export-cube`` and ``import-cube``: presets to and from .cube files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_cube(
    preset: Annotated[str, typer.Argument(help="A preset's id or name.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The .cube file; ID.cube by default.")
    ] = None,
    catalog: Annotated[
        Path | None, typer.Option(help="A catalog instead of the built-in one.")
    ] = None,
) -> None:
    """Write a preset's colour as a .cube file for other programs, sRGB in and out.

    Grain, vignette and sharpening are not colour and stay behind.

    Example:  homebody photo export-cube cin-01 -o cin-01.cube
    """
    from homebody.features.photo.catalog import catalog_in_use
    from homebody.features.photo.look import compile_lut
    from homebody.image import Lut, write_cube

    found = catalog_in_use(catalog).preset(preset)
    target = output or Path(f"{found.id}.cube")
    lut = Lut(compile_lut(found), found.name)
    write_cube(lut, target)
    print(f"{target}: {found.name}, {len(lut.table)}³ nodes, sRGB in and out")


def import_cube(
    file: Annotated[Path, typer.Argument(help="The .cube file.")],
    id: Annotated[str, typer.Option("--id", help="The new preset's id, e.g. my-01.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The catalog to write.")],
    catalog: Annotated[
        Path | None, typer.Option(help="The catalog to add it to; the built-in one by default.")
    ] = None,
) -> None:
    """Make a preset of a .cube file and write a catalog that holds it, for --catalog.

    Example:  homebody photo import-cube summer.cube --id my-01 --name Summer -o mine.json
    """
    from homebody.features.photo.catalog import (
        Family,
        catalog_in_use,
        save_catalog,
        with_preset,
    )
    from homebody.features.photo.look import preset_from_cube

    preset = preset_from_cube(file, id=id, name=name)
    family = Family(id="imported", name="Imported", description="Looks from .cube files.")
    known = catalog_in_use(catalog)
    save_catalog(with_preset(known, preset, family), output)
    print(f"{output}: {len(known.presets) + 1} presets; use it with --catalog {output}")
