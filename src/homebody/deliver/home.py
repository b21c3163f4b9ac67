"""The device's folder: what is installed, what is trusted, and how the last look for updates went.

HOME/
  active.json    the pointer (`homebody.installed`); replacing it is what activates an update
  files/         delivered files by content; those that nothing points to go at the next update
  root.json      the root of trust, as it was given
  metadata/      what python-tuf has verified: the rollback protection
  updates.json   where updates come from, when they were looked for, what went wrong
  lock           held while an update is at work
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from homebody import __version__
from homebody.deliver._lock import exclusive
from homebody.errors import HomeError
from homebody.files import replacing
from homebody.installed import Active, Digest, file_of, read_active

ROOT_BYTES = 512_000
REMEMBERED = 32


class Record(msgspec.Struct, kw_only=True):
    """``updates.json``. Losing it loses nothing but the schedule and the address."""

    format: Literal["homebody-updates/1"] = "homebody-updates/1"
    source: str | None = None
    """The repository's URL or folder."""
    device: str = ""
    """Random text that spreads devices' looks over the day; never sent anywhere."""
    looked: datetime | None = None
    """When updates were last looked for."""
    succeeded: datetime | None = None
    """When that last went well."""
    failures: int = 0
    """How often in a row it did not."""
    problem: str | None = None
    """What went wrong then, in one sentence."""
    etag: str | None = None
    """Of the timestamp.json whose SHA-256 follows."""
    etag_of: Digest | None = None
    runtime: str = __version__
    """The Homebody that the following two are true of; another one tries for itself."""
    refused: dict[Digest, str] = msgspec.field(default_factory=dict)
    """Files that did not pass here, and why; they are not downloaded again."""
    tried: dict[Digest, int] = msgspec.field(default_factory=dict)
    """How often a file's check was begun and never ended: three times, and it is refused."""


class Home:
    """A device's folder. Nothing is written before :meth:`open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.metadata = folder / "metadata"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Make the folder, hold its lock, and clear away what a killed update left.

        Raises:
            HomeError: it cannot be written.
            BusyError: another update is at work.
        """
        try:
            for folder in (self.folder, self.files, self.metadata):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.unwritable(error) from None
        with exclusive(self.folder / "lock", "update", HomeError):
            try:
                self._sweep()
                yield
            except OSError as error:
                raise self.unwritable(error) from None

    def unwritable(self, error: OSError) -> HomeError:
        """The sentence for a folder that the system does not let us use."""
        return HomeError(
            f"{self.folder} cannot be written ({error.strerror or error}); what is installed "
            "stays, so make room or give a folder of your own"
        )

    # ---------------------------------------------------------------- the pointer

    @property
    def active(self) -> Active:
        """What is in use."""
        return read_active(self.folder)

    def activate(self, active: Active) -> None:
        """Put the pointer in place: the one step that changes what is used."""
        with replacing(self.folder / "active.json", HomeError, durable=True) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(active), indent=1))

    def path(self, target: str, sha256: str) -> Path:
        """Where a file of that content stands, once it is delivered."""
        return file_of(self.folder, target, sha256)

    def keep_only(self, active: Active) -> None:
        """Remove delivered files that are neither in use nor to be rolled back to."""
        kept = {
            self.path(target, item.sha256).name
            for items in (active.current, active.previous or {})
            for target, item in items.items()
        }
        for path in self.files.iterdir():
            if path.name not in kept:
                with suppress(OSError):  # somebody still reads it; the next update tries again
                    path.unlink()

    # ---------------------------------------------------------------- what is remembered

    def record(self) -> Record:
        """What is remembered; nothing where the file is absent or damaged."""
        try:
            data = (self.folder / "updates.json").read_bytes()[: 1 << 20]
            found = msgspec.json.decode(data, type=Record)
            aware = [m for m in (found.looked, found.succeeded) if m is not None]
            if all(moment.tzinfo for moment in aware):
                if found.runtime != __version__:
                    found.runtime, found.refused, found.tried = __version__, {}, {}
                return found
        except (OSError, ValueError, RecursionError):
            pass
        return Record()

    def remember(self, record: Record) -> None:
        """Write ``updates.json``."""
        record.device = record.device or secrets.token_hex(16)
        for table in (record.refused, record.tried):
            for digest in list(table)[:-REMEMBERED]:
                del table[digest]
        with replacing(self.folder / "updates.json", HomeError) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))

    def root(self) -> bytes | None:
        """The root of trust that was given, if one was."""
        try:
            with (self.folder / "root.json").open("rb") as file:
                return file.read(ROOT_BYTES)
        except OSError:
            return None

    def trust(self, root: bytes) -> None:
        """Remember the root of trust."""
        if root != self.root():
            with replacing(self.folder / "root.json", HomeError, durable=True) as draft:
                draft.write_bytes(root)

    def _sweep(self) -> None:
        """Remove drafts, ours and python-tuf's."""
        drafts: Iterable[Path] = (
            *self.folder.glob(".*.part*"),
            *self.files.glob(".*.part*"),
            *self.metadata.glob("tmp*"),
        )
        for draft in drafts:
            draft.unlink(missing_ok=True)
