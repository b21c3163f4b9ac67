"""Which delivered bundle or catalog this device uses: one small file, ``HOME/active.json``.

`homebody update` writes it (`homebody.deliver`); everything that loads a feature reads it. So the
reading stands here, low and light: with nothing delivered it costs one look for one file, and it
never fails. Whatever is wrong with that file, the answer is the bundle that came with the app.

    HOME/
      active.json    what is in use, what was before it, and what was set aside by a rollback
      files/         delivered files by content: SHA256.hb, SHA256.json
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from homebody import __version__

Kind: TypeAlias = Literal["bundle", "catalog"]
Target: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(bundles/[a-z0-9-]{1,64}\.hb|catalogs/[a-z0-9-]{1,64}\.json)$(?!\n)",
        max_length=100,
    ),
]
"""A delivered file's name in a repository: ``bundles/NAME.hb`` or ``catalogs/NAME.json``."""
Digest: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", max_length=64)]

MAX_BYTES = 1 << 20
"""A larger active.json is not one."""


class Installed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One delivered file."""

    version: str
    sha256: Digest
    size: Annotated[int, Meta(ge=0)]
    runtime: str
    """The Homebody that it was checked with; another one does not use it before a new check."""


class Active(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``active.json`` says."""

    format: Literal["homebody-active/1"] = "homebody-active/1"
    current: dict[Target, Installed] = msgspec.field(default_factory=dict)
    """What is in use. What is not here is as it came with the app."""
    previous: dict[Target, Installed] | None = None
    """What was in use before, for a rollback; None when there is nothing to go back to."""
    set_aside: tuple[Digest, ...] = ()
    """What a rollback put away; an update does not bring it back unasked."""


def home() -> Path:
    """This device's folder: ``$HOMEBODY_HOME``, or the platform's place for a user's data."""
    if given := os.environ.get("HOMEBODY_HOME"):
        return Path(given)
    import platformdirs

    return platformdirs.user_data_path("homebody", appauthor=False)


def target_of(name: str, kind: Kind = "bundle") -> str:
    """A delivered file's name in a repository.

    >>> target_of("for-this-photo"), target_of("for-this-photo", "catalog")
    ('bundles/for-this-photo.hb', 'catalogs/for-this-photo.json')
    """
    return f"bundles/{name}.hb" if kind == "bundle" else f"catalogs/{name}.json"


def file_of(folder: Path, target: str, sha256: str) -> Path:
    """Where the delivered file with that content stands."""
    return folder / "files" / f"{sha256}{Path(target).suffix}"


def installed(name: str, kind: Kind = "bundle", *, folder: Path | None = None) -> Path | None:
    """The delivered file to use, or None: then the app's own is to be used.

    Args:
        name: the feature's name, e.g. ``"for-this-photo"``.
        kind: ``"bundle"`` or ``"catalog"``.
        folder: the device's folder, if not :func:`home`.

    Returns:
        The path of a file that was verified and checked on this device with this version of
        Homebody. It stays there for as long as it is in use or could be rolled back to.

    >>> installed("for-this-photo", folder=Path("no/such/place")) is None
    True
    """
    folder = folder or home()
    target = target_of(name, kind)
    found = read_active(folder).current.get(target)
    if found is None or found.runtime != __version__:
        return None
    path = file_of(folder, target, found.sha256)
    try:
        return path if path.stat().st_size == found.size else None
    except OSError:
        return None


def read_active(folder: Path) -> Active:
    """What ``active.json`` says; an empty one where it is absent or damaged."""
    path = folder / "active.json"
    try:
        status = path.stat()
        if status.st_size > MAX_BYTES:
            return Active()
        return _read(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return Active()


@lru_cache(maxsize=8)
def _read(path: Path, inode: int, modified: int, size: int) -> Active:
    # The file is only ever replaced, never changed in place, so these three name its content.
    return msgspec.json.decode(path.read_bytes(), type=Active)
