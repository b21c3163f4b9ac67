"""One look for updates: where, when, and what it learns on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from homebody.deliver.fetch import HttpFetcher
from homebody.deliver.home import Record
from homebody.deliver.outcome import Item, Outcome
from homebody.deliver.trust import Offer, TrustedRepository


class Session:
    """One look for updates, under the lock."""

    repository: TrustedRepository

    def __init__(
        self,
        source: str,
        record: Record,
        clock: datetime,
        progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self.source, self.record = source, record
        self.set_aside: tuple[str, ...] = ()
        self.fetcher: HttpFetcher | None = None
        self.notes: list[str] = []
        self._progress, self._what, self._size = progress, "", 0
        # A clock that was set back cannot make expired metadata good again.
        self.now = max(clock, record.succeeded) if record.succeeded else clock
        if record.succeeded and record.succeeded - clock > timedelta(hours=1):
            self.notes.append(
                f"this clock says {clock:%Y-%m-%d %H:%M} UTC, which is before the last look for "
                f"updates; expiry was judged by that look, {self.now:%Y-%m-%d %H:%M} UTC"
            )

    def begin(self, offer: Offer) -> None:
        """Say what is downloaded next."""
        self._what, self._size = offer.target, offer.size

    def report(self, received: int) -> None:
        """Pass on how far the file that is being downloaded has come."""
        if self._progress and self._what:
            self._progress(self._what, received, self._size)

    def outcome(self, items: tuple[Item, ...], *, changed: bool) -> Outcome:
        """What came of it."""
        return Outcome(
            self.source,
            changed,
            items,
            self.repository.versions(),
            self.fetcher.received if self.fetcher else 0,
            tuple(self.notes),
        )
