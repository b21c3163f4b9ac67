"""The process that builds, from outside: started when first needed, kept, replaced when it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, cast

from homebody.engines.borders import TensorRecord
from homebody.engines.engine import Engine, Options
from homebody.engines.graph import Segment
from homebody.engines.isolation.messages import Order, Ready, Reply, receive, send
from homebody.errors import EngineBuildError, EngineCrashError

LIMIT_S = 300.0
"""A build that takes longer has hung."""
_START_S = 60.0
_IDLE_S = 60.0
"""A process that has had nothing to do for so long is ended: loaded engines take memory."""
_TAIL = 64
_COMMAND = ("-P", "-m", "homebody.engines.isolation")
"""``-P``: a file in the current folder must not pass for a module."""


class Builder:
    """Builds segments in a process of its own, one after the other.

    Calls from several threads take turns.

    Args:
        limit_s: how long one build may take, in seconds.
        memory: the most bytes that its process may take; what the machine has if None.
    """

    def __init__(self, *, limit_s: float = LIMIT_S, memory: int | None = None) -> None:
        self.limit_s = limit_s
        self.memory = _machine_memory() if memory is None else memory
        self._process: _Process | None = None
        self._lock = threading.Lock()
        self._idle: threading.Timer | None = None

    def build(self, engine: Engine, segment: Segment, options: Options) -> bytes | None:
        """Build a segment with an engine of this class and try what it saves.

        Returns:
            What :meth:`~homebody.engines.engine.Engine.load` takes; None where the engine builds
            and cannot save.

        Raises:
            EngineBuildError: the engine does not build it, or no process can be started.
            EngineCrashError: the process ended, or did not within the limit.
        """
        kind = type(engine)
        order = Order(
            f"{kind.__module__}:{kind.__qualname__}",
            tuple(map(TensorRecord.of, segment.inputs)),
            tuple(map(TensorRecord.of, segment.outputs)),
            options, self.limit_s,
        )  # fmt: skip
        model = segment.to_bytes()
        with self._lock:
            process = self._started()
            try:
                reply, saved = process.ask(order, model, self.limit_s)
            except _Ended as ended:
                self._process = None
                if ended.outside:
                    raise EngineBuildError(f"the build {ended}") from None
                raise EngineCrashError(f"the build {ended}") from None
            finally:
                self._rest()
        if reply.error is not None:
            raise EngineBuildError(reply.error)
        return saved if reply.saved else None

    def close(self) -> None:
        """End the process; the next build starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None
        if self._idle is not None:
            self._idle.cancel()

    def _started(self) -> _Process:
        if self._process is not None and self._process.usable:
            return self._process
        self._end()
        try:
            process = _Process(self.memory)
            process.hear(Ready, _START_S)
        except (OSError, _Ended) as error:
            raise EngineBuildError(
                f"the process that builds does not start ({error}); build in this one instead, "
                "with --in-process or isolated=False"
            ) from None
        self._process = process
        return process

    def _rest(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = threading.Timer(_IDLE_S, _close, (weakref.ref(self),))
        self._idle.daemon = True
        self._idle.start()


class _Ended(Exception):
    """How the process ended; `outside` where somebody else ended it."""

    def __init__(self, how: str, *, outside: bool = False) -> None:
        super().__init__(how)
        self.outside = outside


class _Process:
    """One such process and its pipes."""

    def __init__(self, memory: int) -> None:
        # In a session of its own, so that Ctrl+C comes to this process, which then ends that one.
        self._running = subprocess.Popen(
            [sys.executable, *_COMMAND, str(memory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        self._orders = cast(BinaryIO, self._running.stdin)
        self._replies = cast(BinaryIO, self._running.stdout)
        self._pid = os.getpid()
        self._said: deque[bytes] = deque(maxlen=_TAIL)
        self._listening = threading.Thread(
            target=_listen, args=(self._running.stderr, self._said), daemon=True
        )
        self._listening.start()
        self._overdue = False
        self._finalizer = weakref.finalize(self, _end, self._running)

    @property
    def usable(self) -> bool:
        """Whether it runs, and is this process's child, not that of one that forked."""
        return self._pid == os.getpid() and self._running.poll() is None

    def ask(self, order: Order, model: bytes, limit_s: float) -> tuple[Reply, bytes]:
        """One order's reply.

        Raises:
            _Ended: there is none.
        """
        self._said.clear()
        with self._limited(limit_s):
            send(self._orders, order, model)
            return receive(self._replies, Reply)

    def hear(self, kind: type[Ready], limit_s: float) -> None:
        """Its first words."""
        with self._limited(limit_s):
            receive(self._replies, kind)

    def end(self) -> None:
        """End it and wait until it has."""
        self._finalizer()
        self._listening.join(5)

    @contextlib.contextmanager
    def _limited(self, limit_s: float) -> Iterator[None]:
        """End it where the block takes longer, or finds that it has ended or talks nonsense."""
        timer = threading.Timer(limit_s, self._kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, EOFError, ValueError) as error:
            raise self._ended(limit_s, nonsense=isinstance(error, ValueError)) from None
        finally:
            timer.cancel()

    def _kill(self) -> None:
        self._overdue = True
        self._running.kill()

    def _ended(self, limit_s: float, *, nonsense: bool) -> _Ended:
        if not nonsense:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._running.wait(5)  # its pipes close a moment before it is gone
        code = self._running.poll()
        self.end()
        if self._overdue:
            return _Ended(f"took over {limit_s:g} s and was ended")
        if code is None:
            return _Ended("was ended: its process answered nonsense")
        last = self._last_words()
        if code < 0:
            return _Ended(f"was killed by {_signal(-code)}{last}", outside=-code in _OUTSIDE)
        shown = f"{code}" if code < 256 else f"{code:#x}"
        return _Ended(f"ended its process with status {shown}{last}")

    def _last_words(self) -> str:
        lines = b"".join(self._said).decode("utf-8", "replace").split("\n")
        words = [" ".join(line.split()) for line in lines if line.strip()]
        return f": {words[-1][:200]}" if words else ""


_OUTSIDE = frozenset(
    int(found)
    for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if (found := getattr(signal, name, None)) is not None
)
"""Signals that a build does not send itself: a person's, or the system's when memory runs out."""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _listen(stream: BinaryIO, said: deque[bytes]) -> None:
    """Keep the last of what it says: an engine that gives up tells why there."""
    with stream, contextlib.suppress(OSError, ValueError):
        while part := stream.read1(1024):  # type: ignore[attr-defined]
            said.append(part)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what it had not read cannot be written any more
                stream.close()


def _close(builder: weakref.ref[Builder]) -> None:
    found = builder()
    if found is not None:
        found.close()


def _machine_memory() -> int:
    """What the machine has, in bytes; 0, which is no bound, where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
