"""``homebody battery demo``: the article end to end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homebody.features.battery.demo import Summary


def demo(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write everything as one HTML page.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="Keep the trained twin's bundle (.hb) here.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Train on pristine batteries, follow a degraded one, predict its next discharge.

    Takes some seconds. Example:  homebody battery demo --out report.html
    """
    from homebody.cli import _print
    from homebody.errors import AdaptError, UsageError
    from homebody.features.battery import demo as demos
    from homebody.features.battery import page
    from homebody.files import verify_writable

    if out and bundle and out.absolute() == bundle.absolute():
        raise UsageError("--out and --bundle are one file; name different ones")
    if out:
        from homebody.features.battery.plot import require_matplotlib

        require_matplotlib()
        verify_writable(out, AdaptError)
    found = demos.run_demo(seed=seed, bundle=bundle)
    if out:
        page.write(out, page.demo_page(found))
    if as_json:
        _print.json_line(found.summary)
    else:
        _show(found.summary, out)


def _show(summary: Summary, out: Path | None) -> None:
    from rich.table import Table

    from homebody.cli import _print
    from homebody.features.battery.page import WAYS

    console = _print.console()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("", "updates", "end error", "one step, V", "inside 95 %", "next cycle, V"):
        table.add_column(name, justify="right" if name else "left")
    for form in summary.forms:
        title = "the article's data" if form.form == "network" else "the formula"
        table.add_row(f"[dim]{title}[/]")
        table.add_row("  Pristine net", "0", f"{form.pristine_end_error:.1%}", "", "", "")
        for score in form.scores:
            table.add_row(
                f"  {WAYS[score.way][0]}", str(score.updates), f"{score.end_error:.1%}",
                f"{score.rmse:.3f}", f"{score.coverage_95:.0%}", f"{score.next_cycle_rmse:.3f}",
            )  # fmt: skip
    console.print(table, highlight=False)
    if out:
        console.print(f"wrote {out}", highlight=False)
