"""The browser's side of a publication: one release, signed with one Ed25519 key.

A browser has no TUF client. It has WebCrypto, so it verifies one signature over one small file,
``web/release.json``, that names every current file by its hash. ``version`` only rises and
``expires`` bounds how long an old one can be replayed.

``web/release.json.sig`` holds one signature a line, in base64, and the release is genuine if any
of them verifies. The signatures of the release before stay for one version and are written first,
so the two files fit together at every moment, in every cache. A new key signs beside the old one
for as long as the publisher keeps the old key's file.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta

from homebody.errors import PublishError
from homebody.files import replacing
from homebody.installed import Digest

MOST = 1 << 16
LINES = 16


class ReleasedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bundle or catalog that browsers may fetch."""

    path: str
    """Relative to the repository's root."""
    sha256: Digest
    size: Annotated[int, Meta(ge=0)]
    version: str


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``release.json`` says."""

    format: Literal["homebody-release/1"] = "homebody-release/1"
    version: Annotated[int, Meta(ge=1)]
    expires: str
    """ISO 8601 in UTC, e.g. ``2026-12-01T08:00:00Z``."""
    bundles: dict[str, ReleasedFile]
    catalogs: dict[str, ReleasedFile]


def release_json(release: Release) -> bytes:
    """A release's one form: keys sorted, no white space, UTF-8."""
    return msgspec.json.encode(release, order="sorted")


def instant(moment: datetime) -> str:
    """A moment as releases write it.

    >>> instant(datetime(2026, 12, 1, 8, tzinfo=UTC))
    '2026-12-01T08:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def verified(data: bytes, signatures: bytes, public_key: bytes) -> bool:
    """Whether any line is a signature of the release by that key (32 raw bytes)."""
    key = Ed25519PublicKey.from_public_bytes(public_key)
    for line in _lines(signatures):
        try:
            key.verify(base64.b64decode(line, validate=True), data)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def read_release(folder: Path) -> Release | None:
    """The release in a repository's ``web`` folder, or None if there is none.

    Raises:
        PublishError: there is something else.
    """
    path = folder / "release.json"
    try:
        return msgspec.json.decode(path.read_bytes()[:MOST], type=Release)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise PublishError(
            f"{path} is not a release ({error}); remove it together with release.json.sig, and "
            "browsers must pin the key anew"
        ) from None


def write_release(folder: Path, release: Release, keys: Sequence[bytes]) -> None:
    """Sign a release and put it in place; whoever reads meanwhile can verify what they get.

    Args:
        folder: the repository's ``web`` folder.
        release: what to publish.
        keys: private keys, 32 raw bytes each, the newest last. All of them sign.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = release_json(release)
    if len(data) > MOST:
        raise PublishError(
            f"the release has {len(data)} bytes and browsers read {MOST}; publish fewer files"
        )
    private = [Ed25519PrivateKey.from_private_bytes(key) for key in reversed(keys)]
    lines = [base64.b64encode(key.sign(data)) for key in private]
    old = _existing(folder / "release.json")
    if old:
        public = [key.public_key().public_bytes_raw() for key in private]
        lines += [
            line
            for line in _lines(_existing(folder / "release.json.sig"))
            if any(verified(old, line, key) for key in public)
        ]
    for name, content in (
        ("release.key", base64.b64encode(private[0].public_key().public_bytes_raw()) + b"\n"),
        ("release.json.sig", b"\n".join(lines[:LINES]) + b"\n"),
        ("release.json", data),
    ):
        with replacing(folder / name, PublishError, durable=True) as draft:
            draft.write_bytes(content)


def released(
    files: Mapping[str, ReleasedFile], prefix: str, suffix: str
) -> dict[str, ReleasedFile]:
    """Those of the files whose target starts so, by feature."""
    return {
        target.removeprefix(prefix).removesuffix(suffix): file
        for target, file in sorted(files.items())
        if target.startswith(prefix)
    }


def _lines(signatures: bytes) -> list[bytes]:
    return signatures.split()[:LINES]


def _existing(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST)
    except OSError:
        return b""
