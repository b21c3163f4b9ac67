"""``homebody photo catalog``: the presets, their families, and what is curated for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def catalog(
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole catalog.")] = False,
    file: Annotated[
        Path | None, typer.Option("--catalog", help="A catalog instead of the built-in one.")
    ] = None,
) -> None:
    """Show the catalog's version, categories, presets and curation.

    Example:  homebody photo catalog
    """
    from rich.table import Table

    from homebody.cli import _print
    from homebody.features.photo.catalog import catalog_in_use, catalog_json

    found = catalog_in_use(file)
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
