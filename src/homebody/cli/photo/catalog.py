"""``homebody photo catalog``: the presets, their families, and what is curated for what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homebody.features.photo.preset import Preset


def catalog(
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole catalog.")] = False,
    file: Annotated[
        Path | None, typer.Option("--catalog", help="A catalog instead of the built-in one.")
    ] = None,
    export_cube: Annotated[
        str | None, typer.Option(help="Write this preset's colour as a .cube file.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write the .cube file.")
    ] = None,
) -> None:
    """Show the catalog's version, categories, presets and curation.

    Examples:

      homebody photo catalog

      homebody photo catalog --export-cube cin-01 -o cin-01.cube
    """
    from rich.table import Table

    from homebody.cli import _print
    from homebody.features.photo.catalog import catalog_json, default_catalog, load_catalog

    found = load_catalog(file) if file else default_catalog()
    if export_cube is not None:
        _export(found.preset(export_cube), output)
        return
    if as_json:
        print(catalog_json(found).decode(), end="")
        return
    console = _print.console()
    free = sum(p.tier == "free" for p in found.presets)
    console.print(
        f"catalog {found.version}: {len(found.presets)} presets ({free} free, "
        f"{len(found.presets) - free} member) in {len(found.families)} families, "
        f"curated for {len(found.categories)} categories",
        highlight=False,
    )
    families = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("family", "presets", "what it is"):
        families.add_column(name, overflow="fold")
    for family in found.families:
        members = [p.id for p in found.presets if p.family == family.id]
        families.add_row(family.name, f"{len(members)}", family.description)
    console.print(families, highlight=False)
    console.print()
    curation = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("category", "kind", "curated presets, best first"):
        curation.add_column(name, overflow="fold")
    for category in found.categories:
        curation.add_row(
            category.name, category.kind, ", ".join(entry.preset for entry in category.presets)
        )
    console.print(curation, highlight=False)


def _export(preset: Preset, output: Path | None) -> None:
    from homebody.features.photo.look import compile_lut
    from homebody.image import Lut, write_cube

    target = output or Path(f"{preset.id}.cube")
    lut = Lut(compile_lut(preset), preset.name)
    write_cube(lut, target)
    print(f"{target}: {preset.name}, {len(lut.table)}³ nodes, sRGB in and out")
