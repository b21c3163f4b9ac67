"""Where files come from: a server, or a folder (a stick, a share, a test).

A fetcher is a `tuf.ngclient.FetcherInterface`. What it brings still has to prove itself, so the
only questions here are from where, how much at most, and how long to wait.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass, url2pathname

import urllib3
import urllib3.connection
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from homebody import __version__
from homebody.errors import (
    EndlessDataError,
    RedirectError,
    SlowServerError,
    TruncatedError,
    UnreachableError,
)

CHUNK = 1 << 16
MOST = 1 << 30
REDIRECTS = 3


class FolderFetcher(FetcherInterface):
    """A repository in a folder of this machine.

    Args:
        folder: the repository's root; nothing outside it is read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(os.path.realpath(folder))

    @classmethod
    def at(cls, url: str) -> FolderFetcher:
        """The folder of a ``file:`` URL."""
        return cls(Path(url2pathname(urlsplit(url).path)))

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(os.path.realpath(url2pathname(urlsplit(url).path)))
        if not path.is_relative_to(self.folder) or not path.is_file():
            raise DownloadHTTPError(f"{path} is not in the repository", 404)
        return self._chunks(path)

    def _chunks(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


class HttpFetcher(FetcherInterface):
    """A repository on a server, over HTTP or HTTPS. One thread at a time.

    Whatever the server does, a file is here or refused by its deadline: ``patience`` seconds, and
    one more for every ``slowest`` bytes that the file may have. Redirects are followed within the
    same scheme, host and port. Proxies are those of the environment.

    Args:
        gap: the longest silence in seconds, while connecting too.
        patience: seconds that any file may take.
        slowest: bytes a second that a large file must come at.
        spool: a folder for what is being received; the system's own if None.
        clock: seconds that only rise.

    Attributes:
        known: by URL, the ETag and the body that a conditional request may be answered from.
        received: bytes of bodies received so far.
        progress: called with the bytes of the file that is being received.
    """

    def __init__(
        self,
        *,
        gap: float = 15.0,
        patience: float = 60.0,
        slowest: float = 16_000.0,
        spool: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.patience, self.slowest, self.spool = patience, slowest, spool
        self.known: dict[str, tuple[str, bytes]] = {}
        self.received = 0
        self.progress: Callable[[int], None] | None = None
        self._deadline = _Deadline(clock, gap)
        self._connections = _connections(self._deadline)
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def _fetch(self, url: str) -> Iterator[bytes]:
        with self.download_file(url, MOST) as file:
            yield file.read()

    @contextmanager
    def download_file(self, url: str, max_length: int) -> Iterator[IO[bytes]]:
        """Receive a file of at most ``max_length`` bytes, then give it, opened at its start."""
        with tempfile.TemporaryFile(dir=self.spool) as file:
            self._deadline.start(self.patience + max_length / self.slowest)
            where = url
            for _ in range(REDIRECTS + 1):
                elsewhere = self._receive(where, max_length, file)
                if elsewhere is None:
                    break
                where = elsewhere
            else:
                raise RedirectError(
                    f"{url} redirects more than {REDIRECTS} times; the server is set up wrongly"
                )
            file.seek(0)
            yield file

    def _receive(self, url: str, most: int, file: IO[bytes]) -> str | None:
        """Receive a file, or give the URL that it is to be had at."""
        headers = {"Accept-Encoding": "identity", "User-Agent": f"homebody/{__version__}"}
        if url in self.known:
            headers["If-None-Match"] = self.known[url][0]
        with self._explained(url):
            response = self._pool(url).request(
                "GET",
                url,
                headers=headers,
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=self._deadline.gap, read=self._deadline.gap),
            )
        whole = False
        try:
            if response.status == 200:
                for chunk in self._body(url, response, most):
                    file.write(chunk)
                self._remember(url, response.headers.get("ETag"), file)
                whole = True
                return None
            with self._explained(url):
                # A short rest is read, so that the connection can serve the next request.
                whole = len(response.read(CHUNK)) < CHUNK
            if response.status in (301, 302, 303, 307, 308):
                return _same_origin(url, response.headers.get("Location"))
            if response.status == 304 and url in self.known:
                file.write(self.known[url][1])
                return None
            raise DownloadHTTPError(
                f"{url} is answered with status {response.status}", response.status
            )
        finally:
            if whole:
                response.release_conn()
            else:
                response.close()

    def _body(self, url: str, response: urllib3.BaseHTTPResponse, most: int) -> Iterator[bytes]:
        stated = response.headers.get("Content-Length", "")
        if stated.isdecimal() and int(stated) > most:
            raise EndlessDataError(
                f"{url} is said to have {int(stated)} bytes and may have {most}; none were taken"
            )
        total = 0
        chunks = response.stream(CHUNK, decode_content=False)
        while True:
            with self._explained(url):
                chunk = next(chunks, b"")
            if not chunk:
                return
            total += len(chunk)
            self.received += len(chunk)
            if total > most:
                raise EndlessDataError(
                    f"{url} sends more than the {most} bytes that it may have; it was cut off"
                )
            if self.progress:
                self.progress(total)
            yield chunk

    def _remember(self, url: str, etag: str | None, file: IO[bytes]) -> None:
        if etag and len(etag) <= 200 and url.endswith("/timestamp.json"):
            file.seek(0)
            self.known[url] = (etag, file.read())

    def _pool(self, url: str) -> urllib3.PoolManager:
        where = urlsplit(url)
        proxy = None if proxy_bypass(where.hostname or "") else getproxies().get(where.scheme)
        if proxy not in self._pools:
            made: urllib3.PoolManager = (
                urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
            )
            made.pool_classes_by_scheme = self._connections
            self._pools[proxy] = made
        return self._pools[proxy]

    @contextmanager
    def _explained(self, url: str) -> Iterator[None]:
        """Say what went wrong on the way in one sentence."""
        try:
            yield
        except urllib3.exceptions.NewConnectionError as problem:
            raise self._unreachable(url, problem) from None
        except (TimeoutError, urllib3.exceptions.TimeoutError):
            how = (
                "takes too long"
                if self._deadline.left() <= 0
                else f"is silent for {self._deadline.gap:g} seconds"
            )
            raise SlowServerError(
                f"the server of {url} {how}; what is installed stays, try again later"
            ) from None
        except (urllib3.exceptions.IncompleteRead, urllib3.exceptions.ProtocolError) as problem:
            raise TruncatedError(
                f"the connection ended before {url} did ({_why(problem)}); what is installed "
                "stays, try again"
            ) from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            raise self._unreachable(url, problem) from None

    def _unreachable(self, url: str, problem: BaseException) -> UnreachableError:
        return UnreachableError(
            f"{url} cannot be reached ({_why(problem)}); what is installed stays, look at the "
            "network and the address"
        )


class _Deadline:
    """When a file must be here, and how long a single wait may be."""

    def __init__(self, clock: Callable[[], float], gap: float) -> None:
        self.gap, self._clock, self._at = gap, clock, 0.0

    def start(self, seconds: float) -> None:
        self._at = self._clock() + seconds

    def left(self) -> float:
        return self._at - self._clock()

    def wait(self) -> float:
        """How long the next wait may be, in seconds."""
        left = self.left()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return min(left, self.gap)


class _TimedReader(io.RawIOBase):
    """A socket's bytes, each wait within the deadline: headers and bodies that trickle end too."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, deadline: _Deadline) -> None:
        self._raw, self._socket, self._deadline = raw, connection, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._socket.settimeout(self._deadline.wait())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def _connections(deadline: _Deadline) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Connections whose responses are read under a deadline, by scheme."""

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
            super().__init__(sock, *arguments, **options)
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_TimedReader(raw, sock, deadline))

    class Plain(urllib3.connection.HTTPConnection):
        response_class = Response

    class Secure(urllib3.connection.HTTPSConnection):
        response_class = Response

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _same_origin(url: str, location: str | None) -> str:
    target = urljoin(url, location or "")
    here, there = urlsplit(url), urlsplit(target)
    if not location or (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise RedirectError(
            f"{url} redirects to {target[:200]!r}, another place; it was not followed, give that "
            "address yourself if you trust it"
        )
    return target


def _why(problem: BaseException) -> str:
    """The system's own words where there are any, without the names of classes around them."""
    cause = problem.__cause__
    text = (isinstance(cause, OSError) and cause.strerror) or str(problem)
    text = " ".join(text.split()) or type(problem).__name__
    return text if len(text) <= 160 else text[:159] + "…"
