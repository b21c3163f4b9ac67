"""Running the ASGI application: uvicorn, with a bound on connections before anything is parsed."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Protocol

from homebody.errors import MissingExtraError, ServeError
from homebody.server.metrics import Metrics

_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\ncontent-length: 0\r\n"
    b"connection: close\r\n\r\n"
)
_FIRST_REQUEST_S = 10
_BACKLOG = 512


class Counted(Protocol):
    """An ASGI application whose metrics count connections too."""

    @property
    def metrics(self) -> Metrics:
        """What is counted."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One ASGI connection."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens, or one sentence why not.

    Args:
        host: an address of this machine.
        port: 0 for any free one.

    Raises:
        ServeError: the address is taken, not this machine's, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by its number: asyncio sends small packets at once (TCP_NODELAY) only where it
    # reads TCP there, and accepted sockets have what the listening one had.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        sock.close()
        why = error.strerror if isinstance(error, OSError) else error
        raise ServeError(
            f"{host} port {port} cannot be used ({why}); "
            "choose others with --host and --port, or port 0 for any"
        ) from None
    return sock


def server(app: Counted, *, connections: int = 512, grace_s: int = 10) -> Any:
    """A ``uvicorn.Server`` for ``app``; ``server.run(sockets=[...])`` runs it until a signal.

    Args:
        app: what answers.
        connections: how many may be open at once; the next gets a short 503 and is closed.
        grace_s: how long a stop waits for answers under way.

    Raises:
        MissingExtraError: uvicorn is not installed.
    """
    try:
        import uvicorn
        from uvicorn.protocols.http.auto import AutoHTTPProtocol
    except ImportError:
        raise MissingExtraError("serve", "serving") from None

    class Bounded(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        """uvicorn's protocol, which counts its connections and waits only so long for a request."""

        counted = False

        def connection_made(self, transport: asyncio.Transport) -> None:
            if app.metrics.connections >= connections:
                app.metrics.refused += 1
                transport.write(_REFUSAL)
                transport.close()
                return
            self.counted = True
            app.metrics.connections += 1
            super().connection_made(transport)
            self.deadline = self.loop.call_later(_FIRST_REQUEST_S, self._require_request)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.counted:
                app.metrics.connections -= 1
                self.deadline.cancel()
                super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self.counted:
                super().data_received(data)

        def eof_received(self) -> None:
            pass

        def _require_request(self) -> None:
            if self.cycle is None and not self.transport.is_closing():
                self.transport.close()

    config = uvicorn.Config(
        app,
        http=Bounded,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=grace_s,
    )
    return uvicorn.Server(config)
