"""What may be published and installed: bundles that run as trained, catalogs that fit together.

The publisher and the device put the same questions to a file; only what passes on both sides is
ever used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec

from homebody import feature
from homebody.bundle import Limits
from homebody.errors import DeliverError, HomebodyError, UpdateRefusedError
from homebody.installed import Kind

CATALOGS = "homebody.catalogs"
"""Entry-point group: a feature's name to a function that reads its catalog's bytes, strictly, and
gives an object with a ``version``."""

CATALOG_BYTES = 8 << 20
"""A larger catalog is not downloaded."""


class Details(msgspec.Struct, frozen=True):
    """What a file says about itself."""

    kind: Kind
    name: str
    version: str
    minimum_runtime: str
    """The oldest Homebody that can use it."""


def known_names(kind: Kind) -> tuple[str, ...]:
    """The features of this installation that have a bundle, or a catalog, of their own."""
    group = feature.BUNDLES if kind == "bundle" else CATALOGS
    return tuple(sorted({point.name for point in entry_points(group=group)}))


def shipped_bundle(name: str) -> Path | None:
    """The bundle that came with the app, or None for a feature that it does not have."""
    for point in entry_points(group=feature.BUNDLES):
        if point.name == name:
            return Path(point.load()())
    return None


def largest(kind: Kind) -> int:
    """The most bytes that a file of that kind may have."""
    return Limits().bundle_bytes if kind == "bundle" else CATALOG_BYTES


def kind_of(path: Path) -> Kind:
    """Whether a file wants to be a bundle or a catalog, by its first byte.

    Raises:
        DeliverError: it cannot be read, or is neither.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip()
    except OSError as error:
        raise DeliverError(
            f"{path} cannot be read ({error.strerror}); name a bundle (NAME.hb) or a catalog "
            "(NAME.json)"
        ) from None
    if head.startswith(b"PK"):
        return "bundle"
    if head.startswith(b"{"):
        return "catalog"
    raise DeliverError(f"{path} is neither a bundle nor a catalog; name NAME.hb or NAME.json")


def examine(path: Path, kind: Kind, name: str | None, public_key: bytes | None = None) -> Details:
    """Read a file fully, verify it, and run a bundle's samples here.

    Args:
        path: the file.
        kind: what it must be.
        name: the feature it must be for; None takes a bundle's own word. A catalog needs one.
        public_key: 32 raw bytes; a bundle must then be signed with exactly that key.

    Raises:
        UpdateRefusedError: it is malformed, for something else, or does not run here as trained;
            the message ends with the reason.
    """
    try:
        if kind == "bundle":
            details = _examine_bundle(path, public_key)
        else:
            details = _examine_catalog(path, name or "")
    except HomebodyError as error:
        raise UpdateRefusedError(f"the {kind} is refused: {error}") from None
    if name is not None and details.name != name:
        raise UpdateRefusedError(
            f"the bundle is refused: it calls itself {details.name!r} and was given as {name!r}"
        )
    return details


def _examine_bundle(path: Path, public_key: bytes | None) -> Details:
    with feature.load(path, public_key=public_key) as loaded:
        manifest = loaded.manifest
        loaded.check().require()
        return Details("bundle", manifest.name, manifest.version, manifest.minimum_runtime)


def _examine_catalog(path: Path, name: str) -> Details:
    read = _catalog_reader(name)
    try:
        with path.open("rb") as file:
            data = file.read(CATALOG_BYTES + 1)
    except OSError as error:
        raise UpdateRefusedError(f"{path} cannot be read ({error.strerror})") from None
    return Details("catalog", name, str(read(data).version), "0.1.0")


def _catalog_reader(name: str) -> Callable[[bytes], Any]:
    known: Iterable[Any] = entry_points(group=CATALOGS)
    for point in known:
        if point.name == name:
            reader: Callable[[bytes], Any] = point.load()
            return reader
    raise UpdateRefusedError(
        f"this installation knows no feature {name!r} with a catalog; it knows "
        f"{', '.join(known_names('catalog'))}, so name the catalog for one, NAME.json"
    )


def precedence(version: str) -> tuple[Any, ...]:
    """A key that sorts semantic versions by their precedence (semver.org 2.0.0, section 11).

    >>> sorted(["1.0.0", "1.0.0-rc.11", "1.0.0-rc.2", "1.0.0-rc.2.1", "1.0.0-2"], key=precedence)
    ['1.0.0-2', '1.0.0-rc.2', '1.0.0-rc.2.1', '1.0.0-rc.11', '1.0.0']
    >>> precedence("1.0.0+a") == precedence("1.0.0+b")
    True
    """
    core, _, tail = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in re.findall(r"\d+", core))
    # A pre-release comes before its release; in it, numbers come before words.
    words = tuple((0, int(w), "") if w.isdigit() else (1, 0, w) for w in tail.split("."))
    return (*numbers, 0 if tail else 1, words if tail else ())
