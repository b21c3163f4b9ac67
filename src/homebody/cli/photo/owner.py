"""``homebody photo owner``: what was learned of an owner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homebody.cli.photo._options import BundleFile

if TYPE_CHECKING:
    from homebody.features.photo.learned import Learned

SURE = 1.0
"""A leaning is shown from so many standard deviations on."""
MOST = 8


def owner(
    state: Annotated[Path, typer.Argument(help="The owner's state.", show_default=False)],
    carry_over: Annotated[
        bool,
        typer.Option("--carry-over", help="Take it along to the bundle that is in use now."),
    ] = False,
    bundle: BundleFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what was learned of an owner. To forget it, delete the file.

    What was learned names the bundle that it was learned on and works with no other until it is
    carried over: habits of presets that are gone are kept, and rest.

    Example:  homebody photo owner me.safetensors
    """
    from homebody.cli import _print
    from homebody.cli.photo.suggest import opened
    from homebody.features.photo.learned import learned
    from homebody.features.photo.owner import load_preference, save_preference

    with opened(bundle) as feature:
        preference = load_preference(state, None)
        if carry_over and preference.base != feature.bundle.sha256:
            preference.base = feature.bundle.sha256
            save_preference(preference, state)
        found = learned(preference, feature.catalog)
        if as_json:
            _print.json_line(found)
        else:
            _show(found, feature.bundle.sha256)


def _show(found: Learned, base: str) -> None:
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    console.print(
        f"[bold]{found.learned}[/] choices learned on the bundle {found.base[:16]}…"
        + ("" if found.base == base else ", [yellow]not the one in use[/]: see --carry-over"),
        highlight=False,
    )
    sure = [one for one in found.leanings if abs(one.sure) >= SURE][:MOST]
    if sure:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("likes", "in photos of"):
            table.add_column(name)
        table.add_column("how sure", justify="right")
        for leaning in sure:
            where = _PLACES.get(leaning.context, "anything")
            table.add_row(leaning.saying, where, f"{abs(leaning.sure):.1f} σ")
        console.print(table, highlight=False)
    if found.habits:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("picked", "", "for"):
            table.add_column(name)
        table.add_column("still counts", justify="right")
        for habit in found.habits[:MOST]:
            name = habit.name or "[dim]no longer there[/]"
            table.add_row(habit.preset, name, habit.category, f"{habit.count:.2f}")
        console.print(table, highlight=False)


_PLACES = {"people": "people", "built": "buildings, rooms, streets", "dark": "the dark"}
