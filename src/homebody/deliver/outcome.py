"""What came of a look for updates, and how a device stands: plain data, ready for JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from homebody.errors import UpdateRefusedError
from homebody.installed import Kind

State: TypeAlias = Literal[
    "installed",
    "new",
    "current",
    "shipped",
    "older-than-shipped",
    "needs-newer-runtime",
    "set-aside",
    "refused",
    "absent",
]
"""What became of an offered file:

- ``installed``: this update brought it; ``new``: an update would.
- ``current``: it is in use already; ``shipped``: it is what came with the app.
- ``older-than-shipped``: the app's own is newer, so that one is used.
- ``needs-newer-runtime``: it needs a newer Homebody.
- ``set-aside``: a rollback put it away. ``refused``: it does not work here.
- ``absent``: the repository does not have it (any more); what is installed stays.
"""


class Item(msgspec.Struct, frozen=True):
    """One file of the repository and what became of it here."""

    kind: Kind
    name: str
    version: str
    sha256: str
    size: int
    state: State
    why: str = ""
    """One sentence, where the state needs it."""


class Outcome(msgspec.Struct, frozen=True):
    """What a look for updates found, or an update did."""

    source: str
    changed: bool
    """Whether something else is in use now."""
    items: tuple[Item, ...]
    versions: dict[str, int]
    """Of the repository's metadata, by role."""
    received: int
    """Bytes that were downloaded, where that is known; else 0."""
    notes: tuple[str, ...]

    def require(self) -> None:
        """Raise :class:`UpdateRefusedError` if anything that was offered does not work here."""
        refused = [item for item in self.items if item.state == "refused"]
        if refused:
            raise UpdateRefusedError(
                "; ".join(f"{i.kind} {i.name} {i.version}: {i.why}" for i in refused)
                + "; what was installed stays in use"
            )


class InUse(msgspec.Struct, frozen=True):
    """What this device uses under a name."""

    kind: Kind
    name: str
    path: str | None
    """None for a catalog: then the bundle's own is used."""
    version: str | None
    """None where the app's own is used."""


class Status(msgspec.Struct, frozen=True):
    """How a device stands."""

    home: str
    source: str | None
    in_use: tuple[InUse, ...]
    can_roll_back: bool
    looked: datetime | None
    succeeded: datetime | None
    failures: int
    problem: str | None
    next_check: datetime
