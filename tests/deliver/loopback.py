"""A server on the loopback that does what a test tells it to, byte by byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

Answer: TypeAlias = Callable[[socket.socket, str, bytes], None]
"""Answers one request: the connection, the path asked for, and the request's head."""


class Loopback:
    """Serves until it is closed, each connection in its own thread."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self._open: list[socket.socket] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def connections(self) -> int:
        return len(self._open)

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(5)
                self._open.append(connection)
                threading.Thread(target=self._hold, args=(connection,), daemon=True).start()

    def _hold(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        rest = b""
        while True:
            while b"\r\n\r\n" not in rest:
                received = connection.recv(65536)
                if not received:
                    return
                rest += received
            head, _, rest = rest.partition(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            self.asked.append(path)
            self.heads.append(head)
            self._answer(connection, path, head)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def serving(answer: Answer) -> Iterator[Loopback]:
    """A server for the length of a block."""
    server = Loopback(answer)
    try:
        yield server
    finally:
        server.close()


def reply(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A response's bytes; ``length`` is what it says, not what it has."""
    stated = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {stated}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
