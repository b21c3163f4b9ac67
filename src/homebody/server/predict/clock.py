"""One timer for all requests: what takes too long is found by looking at all of them now and then.

A timer for each part of each request would cost more than reading it does.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol


class Timed(Protocol):
    """Something that is over when the loop's time is `due`, or soon after."""

    due: float

    def expire(self) -> None:
        """It is over; `due` may be set anew."""


class Clock:
    """Looks at what is under way, as long as anything is.

    Args:
        every_s: how often, and thus how late something may be found to be over.
    """

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._timed: set[Timed] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, timed: Timed) -> None:
        """Look at it from now on."""
        self._timed.add(timed)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.every_s, self._look)

    def remove(self, timed: Timed) -> None:
        """Look at it no more."""
        self._timed.discard(timed)

    def limit(self, seconds: float) -> Limit:
        """A block that may take so long."""
        return Limit(self, seconds)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for timed in [one for one in self._timed if one.due <= now]:
            timed.due = float("inf")
            timed.expire()
        self._timer = loop.call_later(self.every_s, self._look) if self._timed else None


class Limit:
    """As :func:`asyncio.timeout`, but found by the clock.

    Raises:
        TimeoutError: the block took longer.
    """

    __slots__ = ("_clock", "_expired", "_loop", "_task", "due")

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._expired = False
        self.due = self._loop.time() + seconds

    def again(self, seconds: float, *, end: float = float("inf")) -> None:
        """From now on it may take so long, and not beyond `end`."""
        self.due = min(end, self._loop.time() + seconds)

    def expire(self) -> None:
        """Stop the block where it waits."""
        self._expired = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> Limit:
        self._task = asyncio.current_task()
        self._clock.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clock.remove(self)
        if self._expired and self._task is not None:
            left = self._task.uncancel()
            if left <= 0 and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from error
