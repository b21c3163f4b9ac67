"""Detached Ed25519 signatures (RFC 8032) over the bytes of manifest.json.

The manifest holds every entry's hash, so its signature covers the whole bundle. Needs the
``cryptography`` package (``pip install 'homebody[sign]'``), imported only where a key is used;
with a key pinned and the package absent, nothing is accepted.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import encode
from msgspec.json import format as indent

from homebody.bundle._json import decode_json
from homebody.bundle.manifest import convert
from homebody.errors import (
    BadSignatureError,
    BundleError,
    MalformedSignatureError,
    MissingExtraError,
    SigningKeyError,
    UnsignedBundleError,
    WrongKeyError,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519

KEY_BYTES = 32
SIGNATURE_ENTRY_BYTES = 1024


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``signature`` entry: who signed, and the signature, in lower-case hexadecimal."""

    algorithm: Literal["ed25519"]
    public_key: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}", max_length=64)]
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}", max_length=128)]


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError:
        raise MissingExtraError("sign", "signing a bundle or verifying its signature") from None
    return ed25519


def read_signature(data: bytes | memoryview) -> Signature:
    """Decode a signature entry, or raise `MalformedSignatureError`. Verifies nothing."""
    if len(data) > SIGNATURE_ENTRY_BYTES:
        raise MalformedSignatureError(
            f"the signature entry has {len(data)} bytes; at most {SIGNATURE_ENTRY_BYTES} make sense"
        )
    try:
        document = decode_json(bytes(data), "signature", depth=1)
        found: Signature = convert(document, Signature, "signature")
    except BundleError as error:
        raise MalformedSignatureError(f"the signature entry is malformed: {error}") from None
    return found


def sign_manifest(manifest: bytes, private_key: bytes) -> bytes:
    """Sign manifest.json's bytes with a 32-byte Ed25519 private key; return the entry's bytes."""
    key = _private(private_key)
    public = key.public_key().public_bytes_raw()
    signature = key.sign(manifest).hex()
    found = Signature(algorithm="ed25519", public_key=public.hex(), signature=signature)
    return indent(encode(found), indent=2)


def verify_manifest(manifest: bytes, signature: Signature | None, public_key: bytes) -> None:
    """Refuse, by name, a manifest that is not signed with exactly the pinned key."""
    pinned = check_public_key(public_key)
    if signature is None:
        raise UnsignedBundleError(
            f"the bundle is not signed and the key {pinned.hex()[:16]}... is pinned; "
            "get the publisher's signed bundle"
        )
    ed25519 = _ed25519()
    if signature.public_key != pinned.hex():
        raise WrongKeyError(
            f"the bundle is signed with the key {signature.public_key[:16]}... and "
            f"{pinned.hex()[:16]}... is pinned; get the publisher's own bundle"
        )
    from cryptography.exceptions import InvalidSignature

    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(pinned)
        key.verify(bytes.fromhex(signature.signature), manifest)
    except InvalidSignature:
        raise BadSignatureError(
            "the signature does not match the manifest; the bundle was altered, fetch it again"
        ) from None
    except ValueError as error:
        raise SigningKeyError(f"the pinned key is unusable ({error})") from None


def check_public_key(public_key: bytes) -> bytes:
    """Return a raw public key, or raise `SigningKeyError` unless it has 32 bytes."""
    if not isinstance(public_key, bytes) or len(public_key) != KEY_BYTES:
        raise SigningKeyError("a pinned key is the 32 raw bytes of an Ed25519 public key")
    return public_key


def _private(private_key: bytes) -> ed25519.Ed25519PrivateKey:
    if not isinstance(private_key, bytes) or len(private_key) != KEY_BYTES:
        raise SigningKeyError("a private key is the 32 raw bytes of an Ed25519 private key")
    key: ed25519.Ed25519PrivateKey = _ed25519().Ed25519PrivateKey.from_private_bytes(private_key)
    return key


# ---------------------------------------------------------------------------- key files


def generate_key(path: str | os.PathLike[str]) -> bytes:
    """Write a new private key, readable by its owner alone, and return its public key.

    The file is PEM (PKCS #8, not encrypted); an existing file is never replaced.
    """
    ed25519 = _ed25519()
    from cryptography.hazmat.primitives import serialization

    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SigningKeyError(
            f"no key was written to {os.fspath(path)} ({error.strerror}); choose a new file"
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise SigningKeyError(f"no key was written ({error.strerror}); free some space") from None
    public: bytes = key.public_key().public_bytes_raw()
    return public


def load_private_key(path: str | os.PathLike[str]) -> bytes:
    """Read a private key file, PEM or 64 hexadecimal digits; return its 32 raw bytes.

    Refuses a file that others than its owner may read (on systems with such permissions).
    """
    data = _read_key(path, private=True)
    if raw := _from_hex(data):
        return raw
    ed25519 = _ed25519()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise SigningKeyError(f"{os.fspath(path)} is not an unencrypted Ed25519 private key")
    secret: bytes = key.private_bytes_raw()
    return secret


def load_public_key(source: str | os.PathLike[str]) -> bytes:
    """Read a public key: 64 hexadecimal digits, or a file with them or with PEM.

    >>> load_public_key("00" * 32) == bytes(32)
    True
    """
    if isinstance(source, str) and (raw := _from_hex(source.encode())):
        return raw
    data = _read_key(source, private=False)
    if raw := _from_hex(data):
        return raw
    ed25519 = _ed25519()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise SigningKeyError(f"{os.fspath(source)} is not an Ed25519 public key")
    public: bytes = key.public_bytes_raw()
    return public


def _read_key(path: str | os.PathLike[str], *, private: bool) -> bytes:
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if private and os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                raise SigningKeyError(
                    f"others may read the private key {os.fspath(path)}; chmod 600 it"
                )
            return file.read(16384)
    except (OSError, ValueError) as error:
        raise SigningKeyError(f"the key {os.fspath(path)!r} cannot be read ({error})") from None


def _from_hex(data: bytes) -> bytes | None:
    found = re.fullmatch(rb"\s*([0-9a-fA-F]{64})\s*", data)
    return bytes.fromhex(found[1].decode()) if found else None
