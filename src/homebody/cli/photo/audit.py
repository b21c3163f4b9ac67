"""``homebody photo audit``: what each preset does to each category's photos, in figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homebody.features.photo.audit import AuditReport


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    catalog: Annotated[
        Path | None, typer.Option(help="Audit this catalog instead of the built-in one.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="Measure on a folder of folders, one a category, instead of ours."),
    ] = None,
    category: Annotated[str | None, typer.Option(help="Show this category only.")] = None,
) -> None:
    """Measure what curated presets do to each category's sample photos.

    Clipped is the share of pixels newly driven to black or white; ΔE the mean CIEDE2000; skin the
    turn of skin's hue in degrees; grey the chroma that neutral greys take on. Curation that breaks
    the catalog's own limits is an error, exit code 2.

    Example:  homebody photo audit --category portrait
    """
    from homebody.cli import _print
    from homebody.features.photo.audit import audit as measure
    from homebody.features.photo.catalog import catalog_in_use
    from homebody.features.photo.sample_photos import labelled_photos, shipped_photos

    found = catalog_in_use(catalog)
    if category is not None:
        found.category(category)
    report = measure(found, labelled_photos(photos) if photos else shipped_photos())
    if as_json:
        _print.json_line(report)
    else:
        _show(report, category)
    report.check()


def _show(report: AuditReport, only: str | None) -> None:
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("category", "preset"):
        table.add_column(name)
    for name in ("photos", "clipped", "ΔE", "skin °", "grey"):
        table.add_column(name, justify="right")
    for m in report.measures:
        if only in (None, m.category):
            skin = "–" if m.skin_hue is None else f"{m.skin_hue:.1f}"
            table.add_row(
                m.category,
                m.preset,
                str(m.samples),
                f"{m.clipped:.1%}",
                f"{m.delta_e:.1f}",
                skin,
                f"{m.neutral:.1f}",
            )
    console.print(table, highlight=False)
    console.print(
        f"catalog {report.catalog_version}: {len(report.measures)} measurements, "
        f"{len(report.offences)} limits broken, {len(report.duplicates)} near-duplicates",
        highlight=False,
    )
