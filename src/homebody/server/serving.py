"""What is served together: a repository that changes, a studio, and their compressed forms."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from homebody.errors import ServeError
from homebody.server.compress import compressed
from homebody.server.repository import RELEASE_URL, Repository
from homebody.server.site import File, Site
from homebody.server.studio import studio_files


class Serving:
    """A repository under ``/repo/`` and, if it is complete here, the studio at ``/``.

    Args:
        repository: its files are followed as the publisher changes them; None for none.
        studio: whether to serve the studio too.
        compress: whether to offer compressed bodies; on the loopback interface they save nothing.
        cache: where compressed bodies are kept; the user's cache folder if None.

    Attributes:
        studio: whether the studio is served.
        lacks: why it is not though it was asked for, or None.
    """

    def __init__(
        self,
        repository: Repository | None,
        *,
        studio: bool = True,
        compress: bool = True,
        cache: Path | None = None,
    ) -> None:
        self.repository = repository
        self.lacks: ServeError | None = None
        self._compress = compress
        self._cache = cache
        self._ready: dict[str, File] = {}
        self._studio: dict[str, File] = {}
        if studio:
            key = repository.release_key() if repository else None
            updates = {"url": RELEASE_URL, "key": key} if key else None
            try:
                self._studio = studio_files(updates=updates)
            except ServeError as error:
                self.lacks = error
        self.studio = bool(self._studio)

    def site(self) -> Site:
        """Everything as it is now, compressed where that has been done already."""
        return Site({path: self._best(path, file) for path, file in self._files().items()})

    def compress(self) -> None:
        """Compress what has not been; takes seconds a megabyte the first time."""
        now = {path: self._best(path, file) for path, file in self._files().items()}
        self._ready = compressed(now, self._cache)

    def _files(self) -> dict[str, File]:
        return {**self._studio, **(self.repository.files if self.repository else {})}

    def _best(self, path: str, file: File) -> File:
        ready = self._ready.get(path)
        return ready if ready is not None and ready.sha256 == file.sha256 else file

    @contextmanager
    def following(self, changed: Callable[[Site], None]) -> Iterator[None]:
        """Meanwhile, compress and follow the repository in a thread; report each new site."""
        stop = threading.Event()

        def renew() -> None:
            changed(self.site())
            if self._compress:
                self.compress()
                changed(self.site())

        def work() -> None:
            renew()
            if self.repository:
                self.repository.follow(renew, stop)

        threading.Thread(target=work, name="serving", daemon=True).start()
        try:
            yield
        finally:
            stop.set()
