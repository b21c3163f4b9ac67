"""Lines of files and of standard input, a batch at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from homebody.errors import TextError

BATCH_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 28


class Batch(NamedTuple):
    """Lines that follow each other."""

    name: str
    first: int
    """The first one's number, from 1."""
    lines: list[bytes]


def batches(files: Sequence[Path]) -> Iterator[Batch]:
    """The lines of files, or of standard input without any (or for ``-``), without their ends.

    Shows a progress bar for files where standard error is a terminal.

    Raises:
        TextError: a file cannot be read, or a line is longer than 256 MiB.
    """
    for path in files or [Path("-")]:
        if str(path) == "-":
            yield from _batches("standard input", sys.stdin.buffer)
            continue
        try:
            with _opened(path) as file:
                yield from _batches(str(path), file)
        except OSError as error:
            raise TextError(f"{path} cannot be read ({error.strerror}); give a text file") from None


def _opened(path: Path) -> nullcontext[BinaryIO] | BinaryIO:
    if not (sys.stderr.isatty() and path.is_file() and not sys.stdout.isatty()):
        return path.open("rb")
    from rich.progress import open as open_with_progress

    from homebody.cli import _print

    return open_with_progress(  # type: ignore[return-value]  # a binary file's context manager too
        path, "rb", description=path.name, console=_print.console(stderr=True), transient=True
    )


def _batches(name: str, file: BinaryIO) -> Iterator[Batch]:
    number = 1
    while lines := _some(file):
        for line in lines:
            if len(line) > MAX_LINE_BYTES:
                raise TextError(
                    f"line {number} of {name} is longer than {MAX_LINE_BYTES} bytes; break it up"
                )
        yield Batch(name, number, [line.removesuffix(b"\n").removesuffix(b"\r") for line in lines])
        number += len(lines)


def _some(file: BinaryIO) -> list[bytes]:
    """About a batch of lines; of a terminal one, so that its answer comes at once."""
    if file.isatty():
        line = file.readline()
        return [line] if line else []
    lines: list[bytes] = []
    size = 0
    while size < BATCH_BYTES and (line := file.readline(MAX_LINE_BYTES + 2)):
        lines.append(line)
        size += len(line)
    return lines
