"""``homebody battery report``: one battery's twin as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    data: Annotated[Path, typer.Argument(help="Measurements to draw: .csv or .parquet.")],
    bundle: Annotated[Path, typer.Option(help="The twin that homebody battery train wrote (.hb).")],
    state: Annotated[Path, typer.Option(help="The battery's owner state (.safetensors).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write the HTML page.")],
) -> None:
    """Draw what a twin has learned, and what it expects, as one HTML page.

    Example:  homebody battery report cell-7.csv --bundle cell.hb --state cell-7.safetensors
    --out cell-7.html
    """
    from homebody.adapt import ModelOfOne
    from homebody.cli import _print
    from homebody.errors import AdaptError
    from homebody.features.battery import measurements, page
    from homebody.features.battery.plot import require_matplotlib
    from homebody.features.battery.report import twin_page
    from homebody.files import verify_writable

    require_matplotlib()
    verify_writable(out, AdaptError)
    found = measurements.read(data, missing="keep")
    twin = ModelOfOne.load(state, bundle)
    page.write(out, twin_page(twin, found))
    _print.console().print(f"wrote {out}", highlight=False, markup=False)
