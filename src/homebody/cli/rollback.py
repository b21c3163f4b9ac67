"""``homebody rollback``: go back to what was in use before the last update."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def rollback(
    home: Annotated[
        Path | None,
        typer.Option(
            help="This device's folder. Default: $HOMEBODY_HOME, or the platform's.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Go back to the bundles and catalogs that were in use before the last update, offline.

    What is put away stays away until something newer is published, or  homebody update --again .

    Example:  homebody rollback
    """
    from homebody import deliver
    from homebody.cli import _print, update

    outcome = deliver.Client(home).rollback()
    if as_json:
        _print.json_line(outcome)
    else:
        update.show(outcome)
    outcome.require()
