"""How verbs print: one console for people, one JSON line for machines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from rich.console import Console


T = TypeVar("T")


class Step(Protocol):
    """Says what is done next, and what share of all is done."""

    def __call__(self, what: str, share: float | None = None) -> None:
        """Say it."""


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal; 120 columns where there is none, so that pipes get
    whole lines.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 120, soft_wrap=False)


def json_line(value: Any) -> None:
    """Print one JSON value on one line."""
    print(msgspec.json.encode(value).decode())


def size(count: int) -> str:
    """Bytes for people: ``812 B``, ``4.7 MB`` (decimal units)."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1e6:.1f} MB"


def tensor(name: str) -> str:
    """A tensor's name, short: the end of the first of the names that fusing has joined."""
    first = name.split(";")[0]
    return first if len(first) <= 32 else "…" + first[-31:]


@contextmanager
def steps(first: str, *, quiet: bool = False) -> Iterator[Step]:
    """Say on standard error what is being done; say nothing where that is no terminal.

    Args:
        first: what is done first.
        quiet: say nothing at all.

    Yields:
        A function that takes what is done next and, where that is known, what share of all is
        done, 0 to 1.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda what, share=None: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(first, total=None)

        def say(what: str, share: float | None = None) -> None:
            total = None if share is None else 1.0
            bar.update(task, description=what, total=total, completed=share or 0.0)

        yield say


def progress(items: Iterable[T], total: int, unit: str, *, quiet: bool = False) -> Iterator[T]:
    """Iterate with a progress bar on standard error; without one where that is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import track

    bar = console(stderr=True)
    yield from track(items, description=unit, total=total, console=bar, transient=True)
