"""A published repository's files, as a table that follows what the publisher writes."""

from __future__ import annotations

import base64
import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from homebody.errors import ServeError
from homebody.server.site import FOREVER_S, File, file_from

RELEASE_URL = "/repo/web/release.json"
_FOLDERS = ("metadata", "targets", "web")
_SUFFIXES = (".json", ".sig", ".hb")
# Names that say what they hold: by hash, or by the version of metadata that is never rewritten.
_IMMUTABLE = re.compile(r"(^|/)([0-9a-f]{64}\.[^/]+|[0-9]+\.(root|snapshot|targets)\.json)$")
# What changes at a publication may be a minute late, and spares the origin whoever asks meanwhile.
_CHANGING_S = 60
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Seen:
    """What tells a rewritten file from an unchanged one."""

    size: int
    modified_ns: int
    inode: int


class Repository:
    """The servable files of a folder that ``homebody publish`` wrote.

    Served are ``.json``, ``.sig`` and ``.hb`` files of its three folders: nothing hidden, no key,
    no link, whatever else lies there.

    Args:
        root: the folder.

    Raises:
        ServeError: it is no published repository, or cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        if not any((root / folder).is_dir() for folder in ("metadata", "web")):
            raise ServeError(
                f"{root} is not a published repository; make one with: homebody publish {root} ..."
            )
        self._seen: dict[str, _Seen] = {}
        self._files: dict[str, File] = {}
        self.refresh()

    @property
    def files(self) -> dict[str, File]:
        """Files by URL path, each under ``/repo/``."""
        return dict(self._files)

    def release_key(self) -> str | None:
        """The key that browsers hold releases to, base64; None if none was published for them.

        Raises:
            ServeError: ``web/release.key`` does not hold a key.
        """
        path = self.root / "web" / "release.key"
        try:
            text = path.read_bytes()[:128].decode("ascii").strip()
            if len(base64.b64decode(text, validate=True)) != 32:
                raise ValueError
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise ServeError(
                f"{path} does not hold an Ed25519 public key in base64; publish again"
            ) from None
        return text

    def refresh(self) -> bool:
        """Read what changed since the last time; return whether anything did.

        Raises:
            ServeError: the folder cannot be read, or holds more files than are served.
        """
        try:
            now = dict(self._scan())
            if now == self._seen:
                return False
            files = {}
            for name, seen in now.items():
                old = self._files.get(f"/repo/{name}") if self._seen.get(name) == seen else None
                age = FOREVER_S if _IMMUTABLE.search(name) else _CHANGING_S
                files[f"/repo/{name}"] = old or file_from(self.root / name, max_age_s=age)
        except OSError as error:
            raise ServeError(
                f"{error.filename or self.root} cannot be read ({error.strerror}); "
                "see that it is there and readable"
            ) from None
        self._seen, self._files = now, files
        return True

    def follow(
        self, changed: Callable[[], None], stop: threading.Event, every_s: float = 2.0
    ) -> threading.Thread:
        """Look for changes in a thread until ``stop``; call ``changed`` after each."""

        def look() -> None:
            while not stop.wait(every_s):
                try:
                    if self.refresh():
                        changed()
                except ServeError:
                    continue  # what was read before is served on

        thread = threading.Thread(target=look, name="follow repository", daemon=True)
        thread.start()
        return thread

    def _scan(self) -> Iterator[tuple[str, _Seen]]:
        if not self.root.is_dir():
            raise ServeError(f"{self.root} is not there; what was read before is kept")
        count = 0
        for folder in _FOLDERS:
            waiting = [self.root / folder] if (self.root / folder).is_dir() else []
            while waiting:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(Path(entry.path))
                            continue
                        if not entry.name.endswith(_SUFFIXES):
                            continue
                        facts = entry.stat(follow_symlinks=False)
                        if not stat.S_ISREG(facts.st_mode):
                            continue
                        count += 1
                        if count > _MOST:
                            raise ServeError(f"{self.root} holds more than {_MOST} files")
                        name = Path(entry.path).relative_to(self.root).as_posix()
                        yield name, _Seen(facts.st_size, facts.st_mtime_ns, facts.st_ino)
