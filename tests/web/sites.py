"""Small sites, and published releases: what the tests of offline use and updates are served."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from homebody.server.site import Answer, File, Site, file_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
RELEASE = "/repo/web/release.json"


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def small_site(full: dict[str, File], updates: dict | None = None) -> dict[str, File]:
    """Service worker and updates of the full site, and no engine."""
    files = {
        url: file
        for url, file in full.items()
        if url.startswith("/update") or url in ("/blank.html", "/errors.js", "/sw.js")
    }
    return listed(full, {**files, "/bundles/for-this-photo.hb": text("own bundle")}, updates)


def listed(like: dict[str, File], files: dict[str, File], updates=None) -> dict[str, File]:
    """A site of these files, with a listing and a service worker that fit them."""
    facts = json.loads(like["/studio.json"].read())
    old = facts["version"]
    facts["files"] = [
        {"url": url, "sha256": file.sha256, "size": file.size}
        for url, file in files.items()
        if url not in ("/studio.json", "/sw.js", "/blank.html")
    ]
    facts["bundle"]["sha256"] = files["/bundles/for-this-photo.hb"].sha256
    facts["updates"] = updates
    facts["version"] = hashlib.sha256(json.dumps(facts["files"]).encode()).hexdigest()[:16]
    worker = like["/sw.js"].read().replace(old.encode(), facts["version"].encode())
    return {
        **files,
        "/studio.json": file_of(json.dumps(facts).encode(), "application/json"),
        "/sw.js": file_of(worker, "text/javascript"),
    }


def text(words: str) -> File:
    return file_of(words.encode(), "text/plain")


def release(
    bundle: bytes | None,
    *,
    version: int = 1,
    number: str = "1.1.0",
    expires: timedelta = timedelta(days=7),
    key: Ed25519PrivateKey = KEY,
    catalog: bytes | None = None,
    **changes: object,
) -> dict[str, File]:
    """The repository's files of one release, by URL path.

    Args:
        bundle: of ``for-this-photo``; None for none.
        version: the release's.
        number: the bundle's.
        expires: from now.
        key: what signs.
        catalog: of ``for-this-photo``; None for none.
        changes: to the bundle's entry, after it was made.
    """
    files, sections = {}, {}
    for name, body, suffix in (("bundles", bundle, "hb"), ("catalogs", catalog, "json")):
        sections[name] = {}
        if body is None:
            continue
        digest = hashlib.sha256(body).hexdigest()
        path = f"web/files/{digest}.{suffix}"
        entry = {"path": path, "sha256": digest, "size": len(body), "version": number, **changes}
        sections[name]["for-this-photo"] = entry
        files[f"/repo/{path}"] = file_of(body, "application/octet-stream")
    until = (datetime.now(UTC) + expires).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {"format": "homebody-release/1", "version": version, "expires": until, **sections}
    return {**files, **signed(json.dumps(said).encode(), key)}


def signed(body: bytes, *keys: Ed25519PrivateKey) -> dict[str, File]:
    """``release.json`` of these bytes, and its signatures."""
    lines = [base64.b64encode(key.sign(body)).decode() for key in keys]
    return {
        RELEASE: file_of(body, "application/json"),
        f"{RELEASE}.sig": text("\n".join(lines) + "\n"),
    }


class Origin(Site):
    """A site that remembers what it was asked for, and can misbehave.

    Attributes:
        asked: the paths, in order.
        instead: path -> what to answer in place of the file, made from the right answer.
    """

    def __init__(self, files: dict[str, File]) -> None:
        super().__init__(files)
        self.asked: list[str] = []
        self.instead: dict[str, object] = {}

    def answer(self, method, path, headers):
        self.asked.append(path)
        right = super().answer(method, path, headers)
        return self.instead[path](right) if path in self.instead else right

    def put(self, files: dict[str, File]) -> None:
        """Replace the repository; the rest of the site stays."""
        rest = {url: file for url, file in self.files.items() if not url.startswith("/repo/")}
        super().__init__({**rest, **files})


def status(code: int):
    return lambda right: replace(right, status=code)


def cut(right: Answer) -> Answer:
    """Half of the body under the whole one's length: the connection ends early."""
    headers = (*right.headers, ("connection", "close"))
    return replace(right, headers=headers, body=right.body[: len(right.body) // 2])
