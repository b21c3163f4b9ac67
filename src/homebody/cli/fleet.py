"""``homebody fleet``: measurements of many assets through their models of one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Follow a fleet: a model of one for each asset.")


@app.callback()
def root() -> None:
    """Follow a fleet: a model of one for each asset."""


@app.command("stream")
def stream(
    measurements: Annotated[
        Path, typer.Argument(help="A Parquet, Arrow or CSV file, or a folder of them.")
    ],
    prior: Annotated[
        Path,
        typer.Option(help="A safetensors file with mean, covariance, process and noise."),
    ],
    checkpoint: Annotated[
        Path, typer.Option(help="Where the fleet's state is kept; a run goes on from it.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="A folder for Parquet files of what was answered.", show_default=False),
    ] = None,
    step: Annotated[
        float | None,
        typer.Option(help="Seconds in a step. Default: each measurement.", show_default=False),
    ] = None,
    window: Annotated[
        int, typer.Option(help="How many newer measurements a late one may come after.")
    ] = 0,
    every: Annotated[int, typer.Option(help="Rows between two checkpoints.")] = 1_000_000,
    features: Annotated[
        str, typer.Option(help="A column of lists, or columns with commas between.")
    ] = "features",
    measured: Annotated[str, typer.Option(help="A column an output, commas between.")] = "measured",
    threads: Annotated[int, typer.Option(help="How many work; the results are the same.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take all measurements that were not taken yet; none is lost and none taken twice.

    Killed at any moment, the next run goes on from the last checkpoint.

    Example:

      homebody fleet stream cells --prior prior.safetensors --checkpoint kept --out seen
    """
    from homebody.adapt import Prior, fleet, safetensors
    from homebody.cli import _print
    from homebody.errors import FleetError

    found = safetensors.load(prior).tensors
    names = ("mean", "covariance", "process", "noise")
    if not set(names) <= set(found):
        raise FleetError(f"{prior} lacks one of {', '.join(names)}; save a prior's arrays in it")
    columns = fleet.Columns(
        features=tuple(features.split(",")) if "," in features else features,
        measured=tuple(measured.split(",")),
    )
    everyone = fleet.Fleet(
        Prior(**{name: found[name] for name in names}), unknown="add", step=step, window=window,
        threads=threads,
    )  # fmt: skip
    with _bar() as progress:
        done = fleet.stream(
            everyone, fleet.Source(measurements, columns), checkpoint=checkpoint, every=every,
            out=out, progress=progress,
        )  # fmt: skip
    if as_json:
        _print.json_line({**done._asdict(), "assets": len(everyone)})
        return
    console = _print.console()
    counts = ", ".join(f"{n:,} {status}" for status, n in done.statuses.items())
    before = done.total - done.rows
    if not done.rows:
        line = f"Nothing new: {before:,} rows of {len(everyone):,} assets were taken before."
    else:
        since = f", after {before:,} that were taken before" if before else ""
        line = f"{done.rows:,} rows of {len(everyone):,} assets{since}: {counts}"
    console.print(line, highlight=False)
    if "late" in done.statuses and not window:
        console.print("Late ones were dropped; --window puts them where they belong.")


@contextmanager
def _bar() -> Iterator[Callable[[int, int | None], None] | None]:
    """A bar of rows on standard error; none where that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from homebody.cli import _print

    console = _print.console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
