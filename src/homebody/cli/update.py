"""``homebody update``: bring this device's bundles and catalogs up to date."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homebody.errors import NoRootError

if TYPE_CHECKING:
    from homebody.deliver import Outcome, Status

_SAYS = {
    "installed": "[green]installed[/]",
    "new": "[green]new[/]",
    "current": "up to date",
    "shipped": "as it came with the app",
    "older-than-shipped": "the app's own is newer",
    "needs-newer-runtime": "[yellow]waits[/]",
    "set-aside": "[yellow]set aside[/]",
    "refused": "[red]refused[/]",
    "absent": "not in the repository",
}


def update(
    repo: Annotated[
        str | None,
        typer.Option(
            help="The repository's URL or folder. Default: the one used before.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(
            help="The publisher's root.json, obtained by a way that you trust; needed the first "
            "time, then remembered.",
            show_default=False,
        ),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option(
            help="This device's folder. Default: $HOMEBODY_HOME, or the platform's.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only look what is new; download no files.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Take also what was refused or rolled back.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say how this device stands; no network.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Download newer bundles and catalogs, prove that they run here, then switch to them.

    Whatever goes wrong, what is installed keeps working, and one line says why nothing changed.

    Examples:

      homebody update --repo https://example.org/repo --root root.json

      homebody update

      homebody update --check --json
    """
    from homebody import deliver
    from homebody.cli import _print

    client = deliver.Client(home, repo, root=_read(root))
    if status:
        stands = client.status()
        if as_json:
            _print.json_line(stands)
        else:
            _show_status(stands)
        return
    if check:
        outcome = client.check()
    else:
        with _bar() as progress:
            outcome = client.update(again=again, progress=progress)
    if as_json:
        _print.json_line(outcome)
    else:
        show(outcome)
    outcome.require()


def _read(root: Path | None) -> bytes | None:
    if root is None:
        return None
    try:
        with root.open("rb") as file:
            return file.read(512_000)
    except OSError as error:
        raise NoRootError(
            f"the root of trust {root} cannot be read ({error.strerror}); get the publisher's "
            "root.json"
        ) from None


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar of bytes on standard error; none where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TransferSpeedColumn,
    )

    from homebody.cli import _print

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=_print.console(stderr=True),
        transient=True,
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, received: int, size: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=size)
            bar.update(tasks[what], completed=received)

        yield progress


def show(outcome: Outcome) -> None:
    """Print what became of each file."""
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for item in outcome.items:
        if item.state == "absent":
            continue
        table.add_row(
            item.kind,
            item.name,
            item.version,
            _print.size(item.size),
            _SAYS[item.state],
            "" if item.state == "refused" else item.why,
        )
    if table.row_count:
        console.print(table, highlight=False)
    elif not outcome.notes:
        console.print("the repository has nothing for this installation", highlight=False)
    for note in outcome.notes:
        console.print(f"[yellow]note[/]  {note}", highlight=False)


def _show_status(status: Status) -> None:
    from homebody.cli import _print

    console = _print.console()
    for item in status.in_use:
        version = item.version or (
            "as it came with the app" if item.kind == "bundle" else "the bundle's own"
        )
        console.print(f"{item.kind} {item.name}: {version}", highlight=False)
    looked = f"{status.looked:%Y-%m-%d %H:%M} UTC" if status.looked else "never"
    console.print(
        f"[dim]{status.source or 'no repository'}; looked {looked}; next look "
        f"{status.next_check:%Y-%m-%d %H:%M} UTC; {status.home}[/]",
        highlight=False,
    )
    if status.problem:
        console.print(f"[yellow]last time[/]  {status.problem}", highlight=False)
