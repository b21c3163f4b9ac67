"""What a server may do to a device over a real connection."""

from __future__ import annotations

import itertools
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadHTTPError

from homebody import deliver
from homebody.deliver import FolderFetcher, HttpFetcher
from homebody.errors import (
    EndlessDataError,
    RedirectError,
    SlowServerError,
    TruncatedError,
    UnreachableError,
)

from .loopback import Answer, certificate, reply, serving
from .world import NAME, World


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "*")


def always(data: bytes) -> Answer:
    return lambda connection, path, head: connection.sendall(data)


def then_close(data: bytes) -> Answer:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


def steps(size: float = 1.0) -> Callable[[], float]:
    """A clock that goes on by itself, so that a deadline passes without anybody waiting."""
    counter = itertools.count()
    return lambda: next(counter) * size


def test_a_file_arrives() -> None:
    fetcher = HttpFetcher()
    with serving(always(reply("200 OK", b"whole"))) as server:
        assert fetcher.download_bytes(f"{server.url}/file", 5) == b"whole"
        assert b"".join(fetcher.fetch(f"{server.url}/file")) == b"whole"
    assert fetcher.received == 10
    assert b"Accept-Encoding: identity" in server.heads[0]


def test_one_connection_serves_many_requests() -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        found = path != "/none"
        connection.sendall(reply("200 OK", b"x" * 99) if found else reply("404 Not Found", b"no"))

    with serving(answer) as server:
        fetcher = HttpFetcher()
        for _ in range(3):
            assert len(fetcher.download_bytes(f"{server.url}/file", 99)) == 99
            with pytest.raises(DownloadHTTPError):
                fetcher.download_bytes(f"{server.url}/none", 99)
    assert len(server.asked) == 6
    assert server.connections == 1


def test_endless_a_body_without_end_is_cut_off() -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    fetcher = HttpFetcher()
    with serving(answer) as server, pytest.raises(EndlessDataError, match="cut off"):
        fetcher.download_bytes(server.url, 100_000)
    assert fetcher.received <= 100_000 + 65536


def test_endless_chunked_body_is_cut_off() -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")

    with serving(answer) as server, pytest.raises(EndlessDataError):
        HttpFetcher().download_bytes(server.url, 10_000)


def test_endless_headers_are_cut_off() -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")

    with serving(answer) as server, pytest.raises((TruncatedError, UnreachableError)):
        HttpFetcher().download_bytes(server.url, 10)


def test_wrong_length_a_stated_length_over_the_limit_is_refused_before_the_body() -> None:
    fetcher = HttpFetcher()
    with (
        serving(always(reply("200 OK", b"", length=10**15))) as server,
        pytest.raises(EndlessDataError, match="none were taken"),
    ):
        fetcher.download_bytes(server.url, 1000)
    assert fetcher.received == 0


def test_wrong_length_more_is_sent_than_stated() -> None:
    with serving(then_close(reply("200 OK", b"four and more", length=4))) as server:
        assert HttpFetcher().download_bytes(server.url, 1000) == b"four"


@pytest.mark.parametrize("length", ["-1", "4, 5", "four", "0x4", "9" * 500])
def test_wrong_length_that_is_no_length(length: str) -> None:
    answer = then_close(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nfour".encode())
    # Refusing is as good as reading it; what counts is one of ours, and an end.
    refused = suppress(EndlessDataError, TruncatedError, UnreachableError)
    with serving(answer) as server, refused:
        assert HttpFetcher().download_bytes(server.url, 1000) in (b"four", b"")


def test_truncated_less_is_sent_than_stated() -> None:
    with (
        serving(then_close(reply("200 OK", b"hal", length=6))) as server,
        pytest.raises(TruncatedError, match="ended before"),
    ):
        HttpFetcher().download_bytes(server.url, 1000)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1", b"\0\0\0\0", b"SSH-2.0-x\r\n"])
def test_truncated_or_not_even_http(data: bytes) -> None:
    with serving(then_close(data)) as server, pytest.raises((TruncatedError, UnreachableError)):
        HttpFetcher().download_bytes(server.url, 1000)


def test_slow_a_silent_server() -> None:
    with (
        serving(lambda connection, path, head: None) as server,
        pytest.raises(SlowServerError, match="silent for 0.05 seconds"),
    ):
        HttpFetcher(gap=0.05).download_bytes(server.url, 1000)


def test_slow_a_body_that_stalls() -> None:
    with (
        serving(always(reply("200 OK", b"hal", length=6))) as server,
        pytest.raises(SlowServerError, match="silent"),
    ):
        HttpFetcher(gap=0.05).download_bytes(server.url, 1000)


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_slow_a_server_that_trickles_just_fast_enough(start: bytes) -> None:
    """Every wait is short, so only a deadline over all of them ends it."""

    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(start)
        while True:
            connection.sendall(b"x")

    fetcher = HttpFetcher(patience=20.0, clock=steps(5.0))
    with serving(answer) as server, pytest.raises(SlowServerError, match="takes too long"):
        fetcher.download_bytes(server.url, 10_000)


def test_slow_headers_that_trickle() -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in itertools.cycle(b"HTTP/1.1 100 Continue\r\n\r\n"):
            connection.sendall(bytes([byte]))

    fetcher = HttpFetcher(patience=20.0, clock=steps(5.0))
    with serving(answer) as server, pytest.raises(SlowServerError, match="takes too long"):
        fetcher.download_bytes(server.url, 10_000)


def test_the_deadline_grows_with_the_file() -> None:
    body = b"x" * 500_000
    with serving(always(reply("200 OK", body))) as server:
        fetcher = HttpFetcher(patience=2.0, slowest=1.0, clock=steps())
        assert fetcher.download_bytes(server.url, len(body)) == body


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 404, 429, 500, 502, 503])
def test_any_status_but_200_is_no_file(status: int) -> None:
    with (
        serving(always(reply(f"{status} Whatever", b"" if status == 204 else b"body"))) as server,
        pytest.raises(DownloadHTTPError) as found,
    ):
        HttpFetcher().download_bytes(server.url, 1000)
    assert found.value.status_code == status


def test_a_304_that_nobody_asked_for_is_no_file() -> None:
    with (
        serving(always(b"HTTP/1.1 304 Not Modified\r\n\r\n")) as server,
        pytest.raises(DownloadHTTPError),
    ):
        HttpFetcher().download_bytes(f"{server.url}/timestamp.json", 1000)


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.test/file",
        "//elsewhere.test/file",
        "http://127.0.0.1:1/file",
        "file:///etc/passwd",
        "ftp://127.0.0.1/file",
        "",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_elsewhere_are_not_followed(location: str, status: int) -> None:
    with (
        serving(always(reply(f"{status} Moved", b"", f"Location: {location}"))) as server,
        pytest.raises(RedirectError),
    ):
        HttpFetcher().download_bytes(f"{server.url}/file", 1000)
    assert len(server.asked) == 1


def test_redirects_within_the_server_are_followed_a_few_times() -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        if path == "/there":
            connection.sendall(reply("200 OK", b"here"))
        else:
            onward = "/there" if path == "/file" else path
            connection.sendall(reply("302 Found", b"", f"Location: {onward}"))

    with serving(answer) as server:
        assert HttpFetcher().download_bytes(f"{server.url}/file", 1000) == b"here"
        with pytest.raises(RedirectError, match="more than 3 times"):
            HttpFetcher().download_bytes(f"{server.url}/round", 1000)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    says = r"/ cannot be reached \([^()]*refused\); .* look at the network"
    with pytest.raises(UnreachableError, match=says):
        HttpFetcher().download_bytes(f"http://127.0.0.1:{port}/", 10)


@pytest.mark.parametrize("url", ["http://", "http://[::1/", "gopher://x/", "http://a b/"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(UnreachableError):
        HttpFetcher().download_bytes(url, 10)


def test_https_only_with_a_certificate_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with serving(always(reply("200 OK", b"x" * 200_000)), tls) as server:
        with pytest.raises(UnreachableError, match="certificate"):
            HttpFetcher().download_bytes(server.url, 200_000)
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        assert HttpFetcher().download_bytes(server.url, 200_000) == b"x" * 200_000


def test_https_that_trickles_ends_at_the_deadline_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x")

    pem = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    fetcher = HttpFetcher(patience=20.0, clock=steps(5.0))
    with serving(answer, tls) as server, pytest.raises(SlowServerError, match="takes too long"):
        fetcher.download_bytes(server.url, 10_000)


def test_a_body_that_is_compressed_unasked_is_not_unpacked() -> None:
    packed = b"\x1f\x8b\x08" + b"bomb"
    with serving(always(reply("200 OK", packed, "Content-Encoding: gzip"))) as server:
        assert HttpFetcher().download_bytes(server.url, 1000) == packed


# -------------------------------------------------------------------- whole updates over HTTP


def static(folder: Path, etags: bool = True) -> Answer:
    """Serve a repository as a plain static server does."""

    def answer(connection: socket.socket, path: str, head: bytes) -> None:
        file = folder / path.removeprefix("/repo/")
        if not file.is_file():
            connection.sendall(reply("404 Not Found", b"none"))
            return
        body = file.read_bytes()
        etag = f'"{hash(body)}"'
        if etags and f"If-None-Match: {etag}".encode() in head:
            connection.sendall(f"HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n".encode())
            return
        connection.sendall(reply("200 OK", body, *([f"ETag: {etag}"] if etags else [])))

    return answer


def test_an_update_over_http(world: World) -> None:
    steps_seen: list[tuple[str, int, int]] = []
    with serving(static(world.repository)) as server:
        client = world.client(source=f"{server.url}/repo/", url=None)
        outcome = client.update(progress=lambda *step: steps_seen.append(step))
    size = world.bundle("1.0.0").stat().st_size
    assert outcome.changed
    assert size < outcome.received < size + 5000
    assert steps_seen[-1] == (f"bundles/{NAME}.hb", size, size)
    assert world.version() == "1.0.0"
    assert server.connections == 1


def test_a_second_look_is_conditional(world: World) -> None:
    with serving(static(world.repository)) as server:
        world.client(source=f"{server.url}/repo", url=None).update()
        server.asked.clear()
        later = deliver.Client(world.home, names=[NAME], clock=lambda: world.now)
        outcome = later.update()
        assert outcome.received == 0
        assert server.asked == ["/repo/metadata/2.root.json", "/repo/metadata/timestamp.json"]
        assert b"If-None-Match" in server.heads[-1]
        world.publish("1.1.0")
        assert later.update().changed


def test_a_304_for_ever_is_a_freeze_and_ends_like_one(world: World) -> None:
    with serving(static(world.repository)) as server:
        world.client(source=f"{server.url}/repo", url=None).update()
        world.after(days=8)
        with pytest.raises(deliver.client.DeliverError, match=r"timestamp.json is expired"):
            deliver.Client(world.home, names=[NAME], clock=lambda: world.now).update()
    assert world.version() == "1.0.0"


def test_an_etag_of_something_else_is_not_sent(world: World) -> None:
    with serving(static(world.repository)) as server:
        world.client(source=f"{server.url}/repo", url=None).update()
        (world.home / "metadata/timestamp.json").write_bytes(b"{}")
        server.heads.clear()
        deliver.Client(world.home, names=[NAME], clock=lambda: world.now).update()
        assert not any(b"If-None-Match" in head for head in server.heads)


def test_a_folder_gives_nothing_from_outside(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "repo" / "link").symlink_to(tmp_path / "secret")
    fetcher = FolderFetcher.at((tmp_path / "repo").as_uri())
    base = (tmp_path / "repo").as_uri()
    for path in ("../secret", "link", "none", "", "%2e%2e/secret"):
        with pytest.raises(DownloadHTTPError):
            b"".join(fetcher.fetch(f"{base}/{path}"))
