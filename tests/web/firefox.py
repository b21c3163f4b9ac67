"""Firefox over WebDriver BiDi (W3C), which it speaks itself: no driver besides, no package.

Only what the tests need: one page, navigation, and a function called in it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import selectors
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FOUND = shutil.which("firefox-esr") or shutil.which("firefox")
_PATIENCE_S = 60.0
_PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class PageError(Exception):
    """The function that was called in the page threw."""


class Firefox:
    """One page in a fresh, headless Firefox.

    Example:
        >>> with Firefox() as page:                       # doctest: +SKIP
        ...     page.goto("http://127.0.0.1:8000/")
        ...     page.evaluate("async (n) => n + 1", 1)
        2
    """

    def __init__(self) -> None:
        assert FOUND is not None, "firefox is not on the PATH"
        self._folder = tempfile.TemporaryDirectory()
        lines = [f'user_pref("{k}", {json.dumps(v)});' for k, v in _PREFERENCES.items()]
        Path(self._folder.name, "user.js").write_text("\n".join(lines))
        command = [FOUND, "--headless", "--no-remote", "--profile", self._folder.name]
        self._process = subprocess.Popen(
            [*command, "--remote-debugging-port=0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "MOZ_HEADLESS": "1", "HOME": self._folder.name},
        )
        try:
            self._socket = _WebSocket(self._address() + "/session")
            self._last = 0
            self._call("session.new", capabilities={})
            tree = self._call("browsingContext.getTree")
            self._page = tree["contexts"][0]["context"]
        except BaseException:
            self.close()
            raise

    def _address(self) -> str:
        """Firefox says on its error stream where it listens."""
        assert self._process.stderr is not None
        said = b""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stderr, selectors.EVENT_READ)
            while waiting.select(_PATIENCE_S):
                read = os.read(self._process.stderr.fileno(), 4096)
                said += read
                if found := re.search(rb"listening on (ws://[0-9.:]+)\s", said):
                    return found[1].decode()
                if not read:
                    break
        raise RuntimeError(f"firefox does not listen: {said.decode(errors='replace')[-500:]}")

    def _call(self, method: str, **params: Any) -> Any:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            reply = json.loads(self._socket.receive())
            if reply.get("id") == self._last:
                if reply["type"] == "error":
                    raise RuntimeError(f"{method}: {reply['error']}: {reply['message']}")
                return reply["result"]

    def goto(self, url: str) -> None:
        """Load a page and wait until it has."""
        self._call("browsingContext.navigate", context=self._page, url=url, wait="complete")

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """Call a function in the page with a JSON value; its promise's JSON value."""
        declaration = f"async (text) => JSON.stringify(await ({function})(JSON.parse(text)))"
        found = self._call(
            "script.callFunction",
            functionDeclaration=declaration,
            arguments=[{"type": "string", "value": json.dumps(argument)}],
            awaitPromise=True,
            target={"context": self._page},
        )
        if found["type"] == "exception":
            raise PageError(found["exceptionDetails"]["text"])
        value = found["result"].get("value")
        return None if value is None else json.loads(value)

    def close(self) -> None:
        """End Firefox and remove its profile."""
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if hasattr(self, "_socket"):
            self._socket.close()
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _WebSocket:
    """A WebSocket's client (RFC 6455): text messages, whole."""

    def __init__(self, url: str) -> None:
        found = re.fullmatch(r"ws://([0-9.]+):([0-9]+)(/.*)", url)
        assert found is not None, url
        host, port, path = found[1], int(found[2]), found[3]
        self._socket = socket.create_connection((host, port), timeout=_PATIENCE_S)
        self._held = b""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        request = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket"]
        request += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        self._socket.sendall("\r\n".join([*request, "", ""]).encode())
        while b"\r\n\r\n" not in self._held:
            self._more()
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        assert b" 101 " in head.splitlines()[0], head

    def send(self, message: str) -> None:
        """One text frame; a client's are masked."""
        data = message.encode()
        if len(data) < 126:
            length = bytes([0x80 | len(data)])
        elif len(data) < 1 << 16:
            length = struct.pack(">BH", 0x80 | 126, len(data))
        else:
            length = struct.pack(">BQ", 0x80 | 127, len(data))
        mask = b"mask"  # it hides nothing here, but Firefox wants one that is not zero
        long = (mask * (len(data) // 4 + 1))[: len(data)]
        masked = int.from_bytes(data) ^ int.from_bytes(long)
        self._socket.sendall(b"\x81" + length + mask + masked.to_bytes(len(data)))

    def receive(self) -> str:
        """The next text message."""
        message = b""
        while True:
            first, second = self._take(2)
            length = second & 0x7F
            if length >= 126:
                length = int.from_bytes(self._take(2 if length == 126 else 8), "big")
            message += self._take(length)
            if first & 0x80 and first & 0x0F in (0, 1):
                return message.decode()
            assert first & 0x0F in (0, 1), f"a frame of kind {first & 0x0F}"

    def _take(self, count: int) -> bytes:
        while len(self._held) < count:
            self._more()
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def _more(self) -> None:
        read = self._socket.recv(1 << 16)
        assert read, "firefox hung up"
        self._held += read

    def close(self) -> None:
        self._socket.close()
