"""Make signed releases for browsers' tests: an independent writer of what is published.

    key = signed_release(folder, bundles={"for-this-photo": path_or_bytes}, version=3)

``folder`` is the repository's root; the answer is what a browser pins.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Content: TypeAlias = bytes | Path | tuple[bytes | Path, str]
"""A file's bytes or path, with its version where that is not 1.0.0."""
KEY = bytes(range(32))
"""A private key for tests, always the same."""


def public_key(key: bytes = KEY) -> str:
    """What browsers pin for a private key."""
    public = Ed25519PrivateKey.from_private_bytes(key).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode()


def signature(data: bytes, key: bytes = KEY) -> str:
    """One line of a release.json.sig."""
    return base64.b64encode(Ed25519PrivateKey.from_private_bytes(key).sign(data)).decode()


def signed_release(
    folder: Path,
    bundles: Mapping[str, Content] | None = None,
    catalogs: Mapping[str, Content] | None = None,
    *,
    version: int = 1,
    expires: datetime | str | None = None,
    key: bytes = KEY,
    also: Sequence[str] = (),
) -> str:
    """Write ``web/release.json``, its signature and the files that it names.

    Args:
        folder: the repository's root; made if absent.
        bundles: by feature.
        catalogs: by feature.
        version: the release's number.
        expires: when it ends; in a week by default.
        key: the private key, 32 raw bytes.
        also: more lines for release.json.sig, after the signature.

    Returns:
        The public key in base64.
    """
    web = folder / "web"
    (web / "files").mkdir(parents=True, exist_ok=True)
    if not isinstance(expires, str):
        expires = (expires or datetime.now(UTC) + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = {
        "format": "homebody-release/1",
        "version": version,
        "expires": expires,
        "bundles": {n: _file(web, c, ".hb") for n, c in (bundles or {}).items()},
        "catalogs": {n: _file(web, c, ".json") for n, c in (catalogs or {}).items()},
    }
    data = json.dumps(release, sort_keys=True, separators=(",", ":")).encode()
    (web / "release.json").write_bytes(data)
    (web / "release.json.sig").write_text("\n".join([signature(data, key), *also]) + "\n")
    (web / "release.key").write_text(public_key(key) + "\n")
    return public_key(key)


def _file(web: Path, content: Content, suffix: str) -> dict[str, str | int]:
    what, version = content if isinstance(content, tuple) else (content, "1.0.0")
    data = what.read_bytes() if isinstance(what, Path) else what
    sha256 = hashlib.sha256(data).hexdigest()
    (web / "files" / f"{sha256}{suffix}").write_bytes(data)
    return {
        "path": f"web/files/{sha256}{suffix}",
        "sha256": sha256,
        "size": len(data),
        "version": version,
    }
