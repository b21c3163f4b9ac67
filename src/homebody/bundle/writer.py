"""Write a bundle: hash, lay out, sign, read it back, and only then put it in place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from homebody.bundle._archive import MANIFEST, SIGNATURE, build
from homebody.bundle.limits import Limits
from homebody.bundle.manifest import Entry, Manifest, read_manifest, write_manifest
from homebody.bundle.reader import open
from homebody.bundle.signature import sign_manifest
from homebody.errors import BundleFileError, EntryNameError
from homebody.files import replacing


def write(
    path: str | os.PathLike[str],
    manifest: Manifest,
    entries: Mapping[str, bytes | bytearray | memoryview],
    *,
    private_key: bytes | None = None,
    limits: Limits | None = None,
) -> Manifest:
    """Write a bundle file; equal arguments always give the same bytes.

    The file is written beside `path`, read back through `homebody.bundle.open` with all its
    checks, and renamed into place; on any failure what was at `path` is still there and
    nothing else is.

    Args:
        path: the file to write or replace, ``NAME.hb``.
        manifest: what the bundle says about itself; its `entries` are ignored and computed.
        entries: every entry's bytes by name, but for ``manifest.json`` and ``signature``.
        private_key: 32 raw bytes of an Ed25519 private key to sign with, or None.
        limits: caps to hold instead of the defaults.

    Returns:
        The manifest as written, its `entries` filled in.

    Raises:
        BundleError: the manifest and entries do not make a bundle, or the file cannot be written.
        MissingExtraError: a key is given and ``homebody[sign]`` is not installed.
    """
    if reserved := {MANIFEST, SIGNATURE} & set(entries):
        raise EntryNameError(f"{min(reserved)!r} is written for you; leave it out of the entries")
    views = {name: memoryview(data).cast("B") for name, data in entries.items()}
    manifest = replace(
        manifest,
        entries={
            name: Entry(sha256=hashlib.sha256(view).hexdigest(), size=len(view))
            for name, view in views.items()
        },
    )
    limits = limits or Limits()
    stated = write_manifest(manifest)
    manifest = read_manifest(stated, limits)
    _write(Path(path), stated, views, private_key, limits)
    return manifest


def sign(path: str | os.PathLike[str], private_key: bytes, *, limits: Limits | None = None) -> None:
    """Sign a bundle in place; a signature that it carries is replaced, its manifest kept.

    Args:
        path: the bundle.
        private_key: 32 raw bytes of an Ed25519 private key.
        limits: caps to hold instead of the defaults.
    """
    limits = limits or Limits()
    with open(path, limits=limits) as bundle:
        stated = bundle.read(MANIFEST)
        entries = {name: bundle.read(name) for name in bundle.manifest.entries}
    _write(Path(path), stated, entries, private_key, limits)


def _write(
    path: Path,
    manifest: bytes,
    entries: Mapping[str, bytes | memoryview],
    private_key: bytes | None,
    limits: Limits,
) -> None:
    every: dict[str, bytes | memoryview] = {MANIFEST: manifest, **entries}
    if private_key is not None:
        every[SIGNATURE] = sign_manifest(manifest, private_key)
    with replacing(path, BundleFileError, durable=True) as draft:
        with draft.open("xb") as file:
            file.writelines(build(every, limits))
        open(draft, limits=limits).close()
