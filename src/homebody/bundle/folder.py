"""A bundle's parts as a folder: what ``homebody pack`` reads."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from homebody.bundle._json import decode_json
from homebody.bundle.limits import Limits
from homebody.bundle.manifest import Manifest, convert
from homebody.errors import BundleFileError, BundleTooLargeError

MANIFEST = "manifest.json"


def read_folder(
    folder: str | os.PathLike[str], *, limits: Limits | None = None
) -> tuple[Manifest, dict[str, bytes]]:
    """Read ``manifest.json`` and every other file below a folder, hidden ones left out.

    Args:
        folder: holds manifest.json, whose ``entries`` may be absent since they are computed.
        limits: caps on the manifest and on what is read in all.

    Returns:
        The manifest, and each file's bytes by its path with forward slashes.

    Raises:
        BundleFileError: a file cannot be read.
        BundleTooLargeError: the files are larger than a bundle may be.
        ManifestError: manifest.json does not fit the format.
    """
    limits = limits or Limits()
    root = Path(folder)
    try:
        if not root.is_dir():
            raise BundleFileError(
                f"{root} is not a folder; give one that holds {MANIFEST} and the entries"
            )
        document = decode_json((root / MANIFEST).read_bytes(), MANIFEST, depth=limits.json_depth)
        files = sorted(p for p in root.rglob("*") if p.is_file() and p != root / MANIFEST)
        shown = [p for p in files if not any(q.startswith(".") for q in p.relative_to(root).parts)]
        total = sum(p.stat().st_size for p in shown)
        if total > limits.bundle_bytes:
            raise BundleTooLargeError(
                f"the files in {root} have {total} bytes; a bundle has at most "
                f"{limits.bundle_bytes}, so leave some out"
            )
        entries = {p.relative_to(root).as_posix(): p.read_bytes() for p in shown}
    except OSError as error:
        raise BundleFileError(
            f"cannot read {error.filename or root}: {error.strerror}; make it readable"
        ) from error
    manifest: Manifest = convert(document, Manifest, MANIFEST)
    return msgspec.structs.replace(manifest, entries={}), entries
