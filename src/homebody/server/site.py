"""A static site as a pure function: a request's method, path and headers in, an answer out.

A :class:`Site` is a table of files made once. A request looks its path up in that table and
nowhere else, so no path can reach a file that was not put there. Semantics are those of HTTP
(RFC 9110): conditional requests, one byte range, content negotiation by ``Accept-Encoding``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".wasm": "application/wasm",
    ".hb": "application/octet-stream",
    ".sig": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}

# 'wasm-unsafe-eval' lets WebAssembly compile and nothing else. No inline script or style, no other
# origin: the photo could not leave even if a script wanted it to.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
    "img-src 'self' blob: data:; worker-src 'self'; style-src 'self'; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
)

SECURITY_HEADERS: tuple[tuple[str, str], ...] = (
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)

FOREVER_S = 365 * 24 * 3600
# A file this small is kept in memory: its bytes, hash and length then always agree.
IN_MEMORY = 256 << 10
_READ = 256 << 10


@dataclass(frozen=True, slots=True)
class File:
    """One file of a site.

    Attributes:
        body: the bytes, or the path of a file whose bytes do not change.
        size: length of the body in bytes.
        sha256: hash of the body, hex.
        type: its media type.
        max_age_s: how long copies may be used without asking; :data:`FOREVER_S` where the URL will
            always mean these bytes, since it names them by their hash.
        encodings: ``br`` or ``gzip`` -> the body so compressed, in order of preference.
    """

    body: bytes | Path
    size: int
    sha256: str
    type: str
    max_age_s: int = 0
    encodings: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))

    def read(self) -> bytes:
        """The whole body."""
        return self.body if isinstance(self.body, bytes) else self.body.read_bytes()


@dataclass(frozen=True, slots=True)
class Slice:
    """``length`` bytes of the file ``path``, from ``start``."""

    path: Path
    start: int
    length: int

    def chunks(self, size: int = _READ) -> Iterator[bytes]:
        """The bytes, ``size`` at a time.

        Raises:
            OSError: the file cannot be read, or is shorter than it was.
        """
        left = self.length
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left:
                chunk = file.read(min(size, left))
                if not chunk:
                    raise OSError(f"{self.path} is shorter than it was")
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: status, headers (lower-case names) and body; the body is empty for HEAD."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | Slice = b""


def file_from(path: Path, *, max_age_s: int = 0) -> File:
    """A :class:`File` of what lies at ``path``; kept in memory if it is small.

    Args:
        path: the file.
        max_age_s: see :class:`File`.

    Raises:
        OSError: it cannot be read.
    """
    kind = TYPES.get(path.suffix, "application/octet-stream")
    size = path.stat().st_size
    if size <= IN_MEMORY:
        return file_of(path.read_bytes(), kind, max_age_s=max_age_s)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return File(path, size, digest, kind, max_age_s)


def file_of(body: bytes, kind: str, *, max_age_s: int = 0) -> File:
    """A :class:`File` of bytes, of the media type ``kind``.

    Example:
        >>> file_of(b"{}", "application/json").size
        2
    """
    return File(body, len(body), hashlib.sha256(body).hexdigest(), kind, max_age_s)


class Site:
    """Files by path, and the answers to requests for them.

    Args:
        files: path (``/`` or ``/name``, as it stands in a URL, percent-encoding undone) -> file.

    Example:
        >>> site = Site({"/a.txt": file_of(b"hello", "text/plain")})
        >>> site.answer("GET", "/a.txt", {}).body
        b'hello'
        >>> site.answer("GET", "/a.txt", {"range": "bytes=1-2"}).body
        b'el'
        >>> site.answer("GET", "/../etc/passwd", {}).status
        404
    """

    def __init__(self, files: Mapping[str, File]) -> None:
        self.files = MappingProxyType(dict(files))

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request.

        Args:
            method: ``GET``, ``HEAD``, or another, which is refused.
            path: the URL's path without its query.
            headers: the request's, names in lower case.
        """
        if method not in ("GET", "HEAD"):
            return plain(405, "only GET and HEAD are answered", ("allow", "GET, HEAD"))
        file = self.files.get(path)
        answer = plain(404, "nothing is here") if file is None else _answer(file, headers)
        return Answer(answer.status, answer.headers) if method == "HEAD" else answer


def plain(status: int, words: str, *headers: tuple[str, str]) -> Answer:
    """A short answer in plain text, never cached."""
    body = (words + "\n").encode()
    return Answer(
        status,
        (
            *SECURITY_HEADERS,
            *headers,
            ("cache-control", "no-store"),
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
        ),
        body,
    )


def _answer(file: File, headers: Mapping[str, str]) -> Answer:
    span = _range(headers.get("range"), file.size)
    if span is not None and headers.get("if-range", _etag(file)) != _etag(file):
        span = None
    encoding = None if span is not None else _encoding(file, headers.get("accept-encoding", ""))
    etag = _etag(file, encoding)
    fixed = (
        *SECURITY_HEADERS,
        ("etag", etag),
        ("cache-control", _cache_control(file.max_age_s)),
        ("accept-ranges", "bytes"),
        *((("vary", "accept-encoding"),) if file.encodings else ()),
    )
    if _unchanged(headers.get("if-none-match"), file):
        return Answer(304, fixed)
    if span == (0, 0):
        return Answer(
            416, (*fixed, ("content-range", f"bytes */{file.size}"), ("content-length", "0"))
        )
    start, stop = span or (0, file.size)
    body: bytes | Slice
    if encoding is not None:
        body = file.encodings[encoding]
        length = len(body)
    else:
        length = stop - start
        if isinstance(file.body, bytes):
            body = file.body[start:stop]
        else:
            body = Slice(file.body, start, length)
    said = (
        *fixed,
        ("content-type", file.type),
        ("content-length", str(length)),
        *((("content-encoding", encoding),) if encoding else ()),
    )
    if span is None:
        return Answer(200, said, body)
    return Answer(206, (*said, ("content-range", f"bytes {start}-{stop - 1}/{file.size}")), body)


def _cache_control(max_age_s: int) -> str:
    if max_age_s >= FOREVER_S:
        return f"public, max-age={FOREVER_S}, immutable"
    return f"public, max-age={max_age_s}, must-revalidate" if max_age_s else "no-cache"


def _etag(file: File, encoding: str | None = None) -> str:
    return f'"{file.sha256[:32]}-{encoding}"' if encoding else f'"{file.sha256[:32]}"'


def _unchanged(sent: str | None, file: File) -> bool:
    """Whether ``If-None-Match`` names this file, in any encoding (RFC 9110 8.8.3)."""
    if sent is None:
        return False
    known = {_etag(file), *(_etag(file, name) for name in file.encodings)}
    return any(
        tag.strip().removeprefix("W/") in known or tag.strip() == "*" for tag in sent.split(",")
    )


def _range(sent: str | None, size: int) -> tuple[int, int] | None:
    """Start and stop of the one range that is asked for; ``(0, 0)`` if the file has no such bytes.

    None where no range is asked for, or one that need not be honoured: several, or malformed.
    """
    if sent is None or not sent.startswith("bytes=") or "," in sent or len(sent) > 64:
        return None
    first, dash, last = sent.removeprefix("bytes=").strip().partition("-")
    digits = first + last
    if not dash or not digits or not digits.isascii() or not digits.isdigit():
        return None
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        if last and int(last) < int(first):
            return None
        start, stop = int(first), min(size, int(last) + 1) if last else size
    return (start, stop) if start < stop else (0, 0)


def _encoding(file: File, accepted: str) -> str | None:
    """The first of the file's encodings that the client takes."""
    if not file.encodings or not accepted:
        return None
    takes: dict[str, bool] = {}
    for offer in accepted.lower().split(","):
        name, _, quality = offer.partition(";")
        takes[name.strip()] = quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((name for name in file.encodings if takes.get(name, takes.get("*", False))), None)
