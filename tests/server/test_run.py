"""The real server: overload, slow clients, and a stop that lets answers end."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest

from homebody.errors import MissingExtraError, ServeError
from homebody.server import run
from homebody.server.app import App
from homebody.server.site import Site

pytest.importorskip("uvicorn", reason="needs pip install 'homebody[serve]'")

HASH = "ab" * 32
LARGE = 8 << 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("metadata/1.root.json", "web/release.json", "web/release.json.sig"):
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_text(name)
    large = tmp_path / "repo" / "web" / "files" / f"{HASH}.hb"
    large.parent.mkdir()
    large.write_bytes(os.urandom(1 << 16) * (LARGE >> 16))
    return tmp_path / "repo"


class Got(NamedTuple):
    """A response, read."""

    status: int
    headers: Message
    body: bytes


class Served:
    """``homebody serve`` in a process of its own."""

    def __init__(self, root: Path, *options: str) -> None:
        command = [sys.executable, "-m", "homebody", "serve", str(root), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--no-studio", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "XDG_CACHE_HOME": str(root.parent)},
        )
        self.said = self.process.stdout.readline()
        self.clients: list[http.client.HTTPConnection] = []
        self.port = int(re.search(r":(\d+)/", self.said)[1])

    def client(self) -> http.client.HTTPConnection:
        self.clients.append(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20))
        return self.clients[-1]

    def get(self, path: str, **headers: str) -> Got:
        with closing(self.client()) as client:
            client.request("GET", path, headers=headers)
            with client.getresponse() as response:
                return Got(response.status, response.headers, response.read())

    def stop(self) -> str:
        """End it; what it said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        error: str = self.process.communicate(timeout=20)[1]
        return error


@pytest.fixture
def served(root):
    running = []

    def start(*options: str) -> Served:
        running.append(Served(root, *options))
        return running[-1]

    yield start
    for one in running:
        for client in one.clients:
            client.close()
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_a_repository_is_served(served):
    server = served()
    response = server.get("/repo/web/release.json")
    assert response[::2] == (200, b"web/release.json")
    etag = response.headers["etag"]
    assert server.get("/repo/web/release.json", **{"If-None-Match": etag}).status == 304
    part = server.get(f"/repo/web/files/{HASH}.hb", Range="bytes=10-19")
    assert (part.status, len(part.body)) == (206, 10)
    assert "immutable" in part.headers["cache-control"]
    assert response.headers["server"] is None
    for path in ("/repo/", "/repo/web", "/repo/web/", "/", "/repo/../repo/web/release.json"):
        assert server.get(path).status == 404, path
    assert server.get("/healthz").status == 200
    assert b"homebody_requests_total" in server.get("/metrics").body


def test_connections_over_the_bound_get_a_short_503(served):
    server = served("--connections", "4")
    held = []
    for _ in range(4):
        client = server.client()
        client.request("GET", "/healthz")
        with client.getresponse() as response:
            assert response.read()
        held.append(client)
    refused = server.get("/healthz")
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0
    held[0].close()
    # The server notices in its own time; the next may come a moment too early.
    statuses = [server.get("/healthz").status for _ in range(50)]
    assert 200 in statuses


def test_over_the_rate_the_rest_gets_429(served):
    server = served("--rate", "5")
    client = server.client()
    statuses = []
    for _ in range(40):
        client.request("GET", "/repo/web/release.json")
        with client.getresponse() as response:
            response.read()
        statuses.append(response.status)
    assert statuses[:5] == [200] * 5
    assert 429 in statuses


def test_a_stop_lets_answers_end(served):
    server = served()
    client = server.client()
    client.request("GET", f"/repo/web/files/{HASH}.hb")
    with client.getresponse() as response:
        first = response.read(1000)
        server.process.send_signal(signal.SIGTERM)
        assert len(first) + len(response.read()) == LARGE
    error = server.process.communicate(timeout=20)[1]
    code = server.process.returncode
    assert code in (0, -signal.SIGTERM)
    assert "Traceback" not in error


def test_nonsense_is_answered_and_nothing_is_traced(served):
    server = served()
    for line in (b"\0\0\0\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"X" * 100_000):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(line)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    assert server.get("/healthz").status == 200
    assert "Traceback" not in server.stop()


def test_a_taken_port_is_one_line(root, served):
    server = served()
    second = subprocess.run(
        [sys.executable, "-m", "homebody", "serve", str(root), "--port", str(server.port)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 2
    assert second.stdout == ""
    assert re.fullmatch(r"homebody: 127\.0\.0\.1 port \d+ cannot be used .*\n", second.stderr)


def test_small_answers_are_not_held_back():
    """asyncio sets TCP_NODELAY only on sockets that say they are TCP; else each waits 40 ms."""
    with (
        run.listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("host", ["203.0.113.1", "no address", "::1%none"])
def test_an_address_that_is_not_ours_is_one_line(host):
    with pytest.raises(ServeError, match="--host"):
        run.listening(host, 0).close()


def test_without_the_extra_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"homebody\[serve\]"):
        run.server(App(Site({})))
