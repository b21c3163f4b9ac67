"""A bundle's parts as a folder: what ``homebody pack`` reads, and what unzipping a bundle gives."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from homebody.bundle._archive import MANIFEST, SIGNATURE
from homebody.bundle._json import decode_json
from homebody.bundle.limits import Limits
from homebody.bundle.manifest import Manifest, convert
from homebody.errors import (
    BundleFileError,
    BundleTooLargeError,
    ManifestTooLargeError,
    MissingManifestError,
    TooManyEntriesError,
)


def read_folder(
    folder: str | os.PathLike[str], *, limits: Limits | None = None
) -> tuple[Manifest, dict[str, bytes]]:
    """Read ``manifest.json`` and every other file below a folder, as `write` takes them.

    Hidden files are left out, and a ``signature`` too, since packing makes another manifest.

    Args:
        folder: holds manifest.json, whose ``entries`` may be absent since they are computed.
        limits: caps to hold instead of the defaults.

    Returns:
        The manifest without entries, and each file's bytes by its path with forward slashes.

    Raises:
        BundleFileError: the folder or a file cannot be read, or is a link or a device.
        BundleLimitError: the files are more or larger than a bundle may have.
        ManifestError: manifest.json is absent or does not fit the format.
    """
    limits = limits or Limits()
    root = Path(folder)
    try:
        if not root.is_dir():
            raise BundleFileError(
                f"{root} is not a folder; give one that holds {MANIFEST} and the entries"
            )
        sizes = _list(root, limits)
        if MANIFEST not in sizes:
            raise MissingManifestError(f"{root} holds no {MANIFEST}; write one")
        if sizes[MANIFEST] > limits.manifest_bytes:
            raise ManifestTooLargeError(
                f"{MANIFEST} has {sizes[MANIFEST]} bytes; at most {limits.manifest_bytes} are "
                "accepted"
            )
        files = {name: (root / name).read_bytes() for name in sizes}
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BundleFileError(f"{str(folder)!r} cannot be read ({why}); make it readable") from None
    document = decode_json(files.pop(MANIFEST), MANIFEST, depth=limits.json_depth)
    manifest: Manifest = convert(document, Manifest, MANIFEST)
    return replace(manifest, entries={}), files


def _list(root: Path, limits: Limits) -> dict[str, int]:
    """The size of every file that belongs into the bundle, by its name there."""
    sizes: dict[str, int] = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if name == SIGNATURE or any(part.startswith(".") for part in name.split("/")):
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise BundleFileError(f"{path} is a link or a device; put the file itself there")
        if path.is_file():
            sizes[name] = path.stat().st_size
        if len(sizes) > limits.entries:
            raise TooManyEntriesError(
                f"{root} has over {limits.entries} files; a bundle cannot, so leave some out"
            )
    if sum(sizes.values()) > limits.bundle_bytes:
        raise BundleTooLargeError(
            f"the files in {root} have {sum(sizes.values())} bytes; a bundle has at most "
            f"{limits.bundle_bytes}, so leave some out"
        )
    return dict(sorted(sizes.items()))
