"""The ASGI application that serves a site to many: health, metrics, and bounds on load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, TypeAlias

from homebody import __version__
from homebody.server.metrics import Metrics
from homebody.server.site import Answer, Site, Slice, file_of, plain

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

_HEALTH = Site({"/healthz": file_of(f"ok {__version__}\n".encode(), "text/plain")})


class TokenBucket:
    """So many requests a second on average, and a second's worth at once.

    Args:
        rate: requests a second.
        clock: seconds, rising.

    Example:
        >>> times = iter([0.0, 0.0, 0.0, 0.5, 9.0])
        >>> bucket = TokenBucket(2, lambda: next(times))
        >>> [bucket.take() for _ in range(4)]
        [True, True, True, True]
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._level = rate
        self._at = clock()

    def take(self) -> bool:
        """Whether one more request may pass now."""
        now = self._clock()
        self._level = min(self.rate, self._level + (now - self._at) * self.rate)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class App:
    """Serves a site through ASGI.

    Args:
        site: what to serve; may be exchanged while it runs.
        rate: requests a second; those over it get 429 and Retry-After.
        in_flight: answers under way at once; those over it get 503 and Retry-After.
        patience_s: how long a client may take for each part of a body.

    Attributes:
        metrics: counts, as ``/metrics`` shows them.
    """

    def __init__(
        self, site: Site, *, rate: float = 4000, in_flight: int = 256, patience_s: float = 30
    ) -> None:
        self.site = site
        self.metrics = Metrics()
        self._bucket = TokenBucket(rate)
        self._most = in_flight
        self._patience_s = patience_s
        self._retry = _spread()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One ASGI connection: HTTP, or the server's start and stop."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            await self._respond(scope, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _respond(self, scope: MutableMapping[str, Any], send: Send) -> None:
        metrics = self.metrics
        began = time.perf_counter()
        metrics.in_flight += 1
        status, sent = 499, 0
        try:
            answer = self._answer(scope)
            status = answer.status
            sent = await self._send(answer, send)
        except (OSError, TimeoutError):
            # The client is gone, or too slow, or a file went away: nothing more can be said in this
            # answer, and returning with it incomplete makes the server close the connection.
            metrics.broken += 1
        finally:
            metrics.in_flight -= 1
            metrics.count(status, sent, time.perf_counter() - began)

    def _answer(self, scope: MutableMapping[str, Any]) -> Answer:
        path, method = scope["path"], scope["method"]
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if path == "/healthz":
            return _HEALTH.answer(method, path, headers)
        if path == "/metrics":
            page = file_of(self.metrics.text().encode(), "text/plain; version=0.0.4; charset=utf-8")
            return Site({path: page}).answer(method, path, {})
        if self.metrics.in_flight > self._most:
            return plain(503, "too many requests are under way", ("retry-after", next(self._retry)))
        if not self._bucket.take():
            return plain(429, "too many requests a second", ("retry-after", next(self._retry)))
        return self.site.answer(method, path, headers)

    async def _send(self, answer: Answer, send: Send) -> int:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if not isinstance(answer.body, Slice):
            await self._part(send, answer.body, more=False)
            return len(answer.body)
        chunks = answer.body.chunks()
        sent = 0
        while chunk := await asyncio.to_thread(next, chunks, b""):
            sent += len(chunk)
            await self._part(send, chunk, more=True)
        await self._part(send, b"", more=False)
        return sent

    async def _part(self, send: Send, body: bytes, *, more: bool) -> None:
        message = {"type": "http.response.body", "body": body, "more_body": more}
        if not body:  # nothing that a client could be slow to read
            await send(message)
            return
        async with asyncio.timeout(self._patience_s):
            await send(message)


def _spread() -> Iterator[str]:
    """Retry-After values over 5 to 64 s: clients that were refused together return apart."""
    while True:
        for step in range(60):
            yield str(5 + step * 37 % 60)
