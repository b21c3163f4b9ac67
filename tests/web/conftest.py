"""A running studio, and real browsers that are watched: no request may leave this machine."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from homebody.errors import ServeError
from homebody.server.local import LocalServer
from homebody.server.site import Site, file_of
from homebody.server.studio import studio_files

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install 'homebody[test]'")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
]
# A page of the studio's origin with nothing on it: tests of modules load it and import them.
BLANK = b"<!doctype html><html lang=en><link rel=icon href=data:,><title>blank</title></html>"


def serving(site: Site) -> LocalServer:
    """A server of ``site`` in a thread; ``shutdown`` and ``server_close`` end it."""
    server = LocalServer(site)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@pytest.fixture(scope="session")
def site_files():
    """The studio's files by URL path, and ``/blank.html``."""
    try:
        files = studio_files()
    except ServeError as error:
        pytest.skip(str(error))
    return {**files, "/blank.html": file_of(BLANK, "text/html; charset=utf-8")}


@pytest.fixture(scope="session")
def site(site_files) -> Iterator[str]:
    """The URL of a running studio, without its last slash."""
    server = serving(Site(site_files))
    yield server.url.rstrip("/")
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def playwright():
    with sync_api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright):
    """Chromium, as the system has it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is not on the PATH; apt-get install chromium")
    running = playwright.chromium.launch(executable_path=found, args=FLAGS)
    yield running
    running.close()


class Watch:
    """What a page must not do: ask another machine, or report an error.

    Attributes:
        requests: every URL that was asked for, in order.
        away: the URLs among them that are not this machine's.
        errors: console errors and uncaught exceptions. A test that causes one on purpose clears
            it after looking.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.away: list[str] = []
        self.errors: list[str] = []

    def asked(self, request) -> None:
        url = urlsplit(request.url)
        self.requests.append(request.url)
        if url.scheme not in ("blob", "data") and url.hostname not in ("127.0.0.1", "localhost"):
            self.away.append(request.url)

    def said(self, message) -> None:
        # LiteRT writes its informative lines to the error stream.
        if message.type == "error" and not message.text.startswith("INFO:"):
            self.errors.append(message.text)

    def require_clean(self) -> None:
        assert self.away == []
        assert self.errors == []


@pytest.fixture
def watch() -> Watch:
    """The record that the test's pages are held to when it ends."""
    return Watch()


@pytest.fixture
def context(browser, watch):
    """A fresh profile with service workers, watched; its pages share ``watch``."""
    fresh = browser.new_context(service_workers="allow", locale="en-GB")
    fresh.on("request", watch.asked)
    fresh.on("console", watch.said)
    fresh.on("weberror", lambda error: watch.errors.append(str(error.error)))
    yield fresh
    fresh.close()


@pytest.fixture
def page(context, watch):
    """A page of that profile; when the test ends, it fails if anything left or went wrong."""
    opened = context.new_page()
    yield opened
    watch.require_clean()
