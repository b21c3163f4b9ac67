"""A running studio, and real browsers that are watched: no request may leave this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from homebody.errors import ServeError
from homebody.server.local import LocalServer
from homebody.server.pages import pages
from homebody.server.site import Site, file_from, file_of
from homebody.server.studio import studio_files, web_folder

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


@pytest.fixture
def serve() -> Iterator[Callable[[Site], LocalServer]]:
    """A function that serves a site until the test ends."""
    running: list[LocalServer] = []

    def start(site: Site) -> LocalServer:
        running.append(serving(site))
        return running[-1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def studio_process(site_files, tmp_path) -> Iterator[StudioProcess]:
    """``homebody studio`` as people start it; its ``kill`` takes it away for good."""
    process = StudioProcess(tmp_path)
    yield process
    process.kill()


class StudioProcess:
    """``homebody studio`` on a free port, in a process of its own."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-m", "homebody", "studio", "--port", "0", "--no-open"]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "HOMEBODY_HOME": str(home)},
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        self.url = re.search(r"http://127\.0\.0\.1:\d+", said)[0]

    def kill(self) -> None:
        """End it at once, connections and all."""
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="session")
def site_files():
    """The studio's files by URL path as it ships, and what only tests ask for.

    That is ``/blank.html``, and each single module where the studio ships them joined.
    """
    try:
        files = studio_files()
    except ServeError as error:
        pytest.skip(str(error))
    web = web_folder()
    modules = {f"/{path.relative_to(web).as_posix()}": file_from(path) for path in pages(web)}
    return {**modules, **files, "/blank.html": file_of(BLANK, "text/html; charset=utf-8")}


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
            self.errors.append(f"{message.text} ({message.location['url']})")

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
