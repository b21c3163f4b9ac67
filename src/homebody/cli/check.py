"""``homebody check``: prove that what runs here is what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(
    bundle: Annotated[str, typer.Argument(help="A bundle (.hb), or a built-in feature's name.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    public_key: Annotated[
        Path | None,
        typer.Option(help="Refuse the bundle unless this Ed25519 key signed it."),
    ] = None,
    engines: Annotated[
        Path | None,
        typer.Option(help="Run what homebody compile made of the bundle, in place of LiteRT."),
    ] = None,
) -> None:
    """Run a bundle's samples through this runtime and compare with the trained model's answers.

    Exit code 0 when everything agrees within the manifest's tolerances, 2 when something strays.

    Examples:

      homebody check for-this-photo

      homebody check for-this-photo --engines compiled/
    """
    import homebody
    from homebody.cli import _print

    with homebody.load(bundle, public_key=public_key, engines=engines) as feature:
        report = feature.check()
    if as_json:
        _print.json_line(report)
    else:
        console = _print.console()
        for found in report.measurements:
            mark = "[green]✓[/]" if found.passed else "[red]✗[/]"
            console.print(mark, str(found), highlight=False)
    report.require()
    if not as_json:
        print(f"{report.name} {report.version}: {report.samples} samples run here as trained")
