"""Options that several verbs of ``homebody photo`` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CatalogFile = Annotated[Path | None, typer.Option(help="Use this catalog instead of the bundle's.")]
BundleFile = Annotated[
    Path | None, typer.Option(help="Use this bundle instead of the built-in one.")
]
