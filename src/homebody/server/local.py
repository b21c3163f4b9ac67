"""The studio's own small server: one person, this machine, the standard library alone."""

from __future__ import annotations

from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from homebody.errors import ServeError
from homebody.server.site import Answer, Site, Slice, plain


class LocalServer(ThreadingHTTPServer):
    """Serves a :class:`~homebody.server.site.Site` on the loopback interface.

    Args:
        site: what to serve; may be exchanged while it runs.
        port: 0 for any free one.

    Raises:
        ServeError: the port is taken or not allowed.

    Example:
        >>> from homebody.server.site import Site
        >>> server = LocalServer(Site({}))
        >>> server.url.startswith("http://127.0.0.1:")
        True
        >>> server.server_close()
    """

    daemon_threads = True
    # Two processes must not share a port without noticing.
    allow_reuse_port = False

    def __init__(self, site: Site, port: int = 0) -> None:
        self.site = site
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ServeError(
                f"port {port} cannot be used ({why}); choose another with --port, or 0 for any"
            ) from None

    @property
    def url(self) -> str:
        """Where the site is, with its last slash."""
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that went away is no event."""


class _Handler(BaseHTTPRequestHandler):
    server: LocalServer
    protocol_version = "HTTP/1.1"
    wbufsize = 64 << 10
    disable_nagle_algorithm = True
    timeout = 60

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = unquote(urlsplit(self.path).path)
        self._send(self.server.site.answer(self.command, path, headers))

    do_HEAD = do_GET

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request for a file: other methods, malformed lines."""
        self.close_connection = True
        refusal = plain(405 if code == 501 else code, message or "refused", ("connection", "close"))
        self._send(refusal)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal shows where the studio is, and no more."""

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError, TimeoutError):
            if isinstance(answer.body, Slice):
                for chunk in answer.body.chunks():
                    self.wfile.write(chunk)
            else:
                self.wfile.write(answer.body)
            self.wfile.flush()
