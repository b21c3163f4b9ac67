from __future__ import annotations

import http.client
import socket
import threading

import pytest

from homebody.errors import ServeError
from homebody.server.local import LocalServer
from homebody.server.site import IN_MEMORY, Site, file_from, file_of

BIG = bytes(range(256)) * 2000


@pytest.fixture
def server(tmp_path):
    (tmp_path / "big.bin").write_bytes(BIG)
    assert len(BIG) > IN_MEMORY
    site = Site({"/": file_of(b"page", "text/html"), "/ä b": file_from(tmp_path / "big.bin")})
    with LocalServer(site) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    yield connection
    connection.close()


def ask(client, method, path, headers=None) -> tuple[int, dict[str, str], bytes]:
    client.request(method, path, headers=headers or {})
    response = client.getresponse()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()


def test_one_connection_carries_many_requests(client):
    status, headers, body = ask(client, "GET", "/")
    assert (status, body) == (200, b"page")
    assert "server" not in headers
    assert ask(client, "HEAD", "/")[::2] == (200, b"")
    assert ask(client, "GET", "/", {"If-None-Match": headers["etag"]})[::2] == (304, b"")
    assert ask(client, "GET", "/nothing")[0] == 404
    assert ask(client, "GET", "/?query=1#part")[::2] == (200, b"page")
    assert ask(client, "GET", "/%C3%A4%20b")[::2] == (200, BIG)
    assert ask(client, "GET", "/%C3%A4%20b", {"Range": "bytes=5-9"})[::2] == (206, BIG[5:10])


def test_other_methods_are_refused_and_guarded(client):
    status, headers, _ = ask(client, "POST", "/")
    assert status == 405
    assert "default-src 'self'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "line", [b"GET\r\n\r\n", b"\0\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 70_000]
)
def test_nonsense_ends_the_connection_and_no_more(server, client, line):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as raw:
        raw.sendall(line)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass
    assert ask(client, "GET", "/")[0] == 200


def test_a_file_that_shrank_ends_early_and_does_not_hang(server, client, tmp_path):
    (tmp_path / "big.bin").write_bytes(BIG[: len(BIG) // 2])
    client.request("GET", "/%C3%A4%20b")
    with pytest.raises(http.client.IncompleteRead):
        client.getresponse().read()


def test_it_listens_on_the_loopback_interface_alone(server):
    assert server.server_address[0] == "127.0.0.1"


def test_a_taken_port_is_one_line(server):
    with pytest.raises(ServeError, match=f"port {server.server_port} cannot be used") as caught:
        LocalServer(Site({}), server.server_port)
    assert "--port" in str(caught.value)
