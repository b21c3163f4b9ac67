"""One at a time: a lock that goes with its process, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from homebody.errors import BusyError, HomebodyError


@contextmanager
def exclusive(path: Path, what: str, error: type[HomebodyError]) -> Iterator[None]:
    """Hold the lock file ``path``, or raise `BusyError` at once.

    Args:
        path: the lock file. It is made and stays; only the operating system's lock on it counts.
        what: who else may be at work, for the message, e.g. ``"publisher"``.
        error: raised when the file cannot be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as problem:
        raise error(
            f"{path.parent} cannot be written ({problem.strerror}); give a folder of your own "
            "or make room"
        ) from None
    try:
        try:
            _take(descriptor)
        except OSError:
            raise BusyError(
                f"another {what} is at work in {path.parent}; wait until it has finished"
            ) from None
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
