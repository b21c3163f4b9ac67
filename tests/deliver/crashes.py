"""Interrupt a run at each of its steps on the disk: killed, or refused for want of room.

A run's steps are everything by which it changes the disk: files opened for writing, renames,
removals, folders, links, locks (an audit hook sees them, python-tuf's included), every write into
an open file (a profile hook sees those), and waits for the disk. `attempt(run, k, how)` runs it in
a fork of this process and stops it right before step k; so a file that is opened and then written
is also found empty.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from homebody.errors import HomebodyError

CHANGES = frozenset(
    {
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "shutil.copyfile",
        "shutil.rmtree",
        "fcntl.flock",
    }
)
WRITES = frozenset({"write", "writelines", "sendfile", "copy_file_range", "truncate"})
FINISHED, FAILED = 0, 3


def steps(run: Callable[[], Any]) -> int:
    """How many steps a run has."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        counted = _Interruption(-1, "kill")
        run()
        sys.setprofile(None)
        os.write(writer, str(counted.seen).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as file:
        return int(file.read())


def attempt(run: Callable[[], Any], step: int, how: str) -> bool:
    """Run in a fork, stopped before its step number ``step`` (from 0); whether it got to the end.

    Args:
        run: what to do.
        step: where to stop it.
        how: ``"kill"`` (signal 9), or an errno's name, raised once or (with ``+``) from then on.
    """
    child = os.fork()
    if child == 0:
        code = 99
        try:
            _Interruption(step, how)
            run()
            code = FINISHED
        except HomebodyError:
            code = FAILED
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (FINISHED, FAILED, -signal.SIGKILL), f"the run ended with {code}"
    return code == FINISHED


class _Interruption:
    """Counts this process's steps and stops it before one. It lasts as long as the process."""

    def __init__(self, step: int, how: str) -> None:
        self.seen = 0
        self._step, self._name, self._lasting = step, how.removesuffix("+"), how.endswith("+")
        self._synchronise = os.fsync
        os.fsync = self._fsync
        sys.addaudithook(self._audit)
        sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and getattr(argument, "__name__", "") in WRITES:
            self._count()

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and _writes(arguments)):
            self._count()

    def _fsync(self, descriptor: int) -> None:
        self._count()
        self._synchronise(descriptor)

    def _count(self) -> None:
        here = self.seen
        self.seen += 1
        if here == self._step or (self._lasting and here > self._step >= 0):
            if self._name == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            number = getattr(errno, self._name)
            raise OSError(number, os.strerror(number))


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
