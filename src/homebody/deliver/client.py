"""A device's side of delivery: look, download what changed, prove it here, then switch.

Whatever goes wrong, what is installed keeps working, and one sentence says why nothing changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from tuf.ngclient import FetcherInterface

from homebody import __version__, bundle
from homebody.deliver._session import Session
from homebody.deliver.contents import (
    examine,
    known_names,
    largest,
    precedence,
    shipped_bundle,
)
from homebody.deliver.fetch import FolderFetcher, HttpFetcher
from homebody.deliver.home import Home, Record
from homebody.deliver.outcome import InUse, Item, Outcome, State, Status
from homebody.deliver.schedule import INTERVAL, next_check
from homebody.deliver.trust import Offer, TrustedRepository
from homebody.errors import (
    DeliverError,
    HomebodyError,
    HomeError,
    NoPreviousError,
    NoRootError,
    UpdateRefusedError,
    UsageError,
)
from homebody.files import replacing
from homebody.installed import Active, Installed, Kind, home, installed, target_of

ATTEMPTS = 3
"""So often may a file's check take the process down before the file is refused."""


class Client:
    """Updates for one device.

    Args:
        folder: the device's folder; :func:`homebody.installed.home` by default.
        source: the repository's URL or folder, or a fetcher (then ``url`` says where its files
            are); by default the one that was used before.
        url: with a fetcher, the repository's address.
        root: the root of trust: the bytes of a root metadata file that came with the app or by
            another way that is trusted. By default the one that was given before. Nothing is ever
            trusted because a server says so.
        names: features to update; those of this installation by default.
        public_key: 32 raw bytes; bundles must then also be signed with exactly that key.
        clock: the time now, aware.

    Raises:
        UsageError: ``source`` is neither a URL nor a folder.

    Example:
        >>> client = Client(source="https://example.org/repo", root=b"...")  # doctest: +SKIP
        >>> client.update().changed                                          # doctest: +SKIP
        True
        >>> client.current("for-this-photo")                                 # doctest: +SKIP
        PosixPath('.../files/841c79....hb')
    """

    def __init__(
        self,
        folder: Path | None = None,
        source: str | Path | FetcherInterface | None = None,
        *,
        url: str | None = None,
        root: bytes | None = None,
        names: Iterable[str] | None = None,
        public_key: bytes | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.home = Home(folder or home())
        self._root, self._public_key, self._clock = root, public_key, clock
        self._names = None if names is None else tuple(names)
        self._fetcher = source if isinstance(source, FetcherInterface) else None
        self._source = url if self._fetcher else _address(source)
        if self._fetcher and not url:
            raise UsageError("a fetcher needs the repository's url beside it")

    # ---------------------------------------------------------------- looking and updating

    def check(self) -> Outcome:
        """Look what is new, and download nothing but metadata.

        Raises:
            FetchError, TrustError: the repository cannot be had, or is not to be believed.
            HomeError, BusyError: the device's folder cannot be used now.
        """
        with self._session() as session:
            items = tuple(self._judge(session, target) for target in self._targets())
            return session.outcome(items, changed=False)

    def update(
        self,
        *,
        again: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> Outcome:
        """Bring this device up to date.

        Every file is verified against the signed metadata, read strictly, and a bundle's samples
        are run on this device; only then one rename puts all that passed into use. A file that
        does not pass is refused and the others go ahead.

        Args:
            again: take also what was refused before or set aside by a rollback.
            progress: called with a name, bytes so far, bytes in all.

        Raises:
            FetchError, TrustError: the repository cannot be had, or is not to be believed.
            HomeError, BusyError: the device's folder cannot be used now.
        """
        with self._session(progress) as session:
            if again:
                session.record.refused.clear()
                session.record.tried.clear()
                session.set_aside = ()
            found: dict[str, Installed | None] = {}
            items = []
            for target in self._targets():
                item = self._judge(session, target)
                if item.state == "new":
                    item = self._bring(session, target, item)
                if item.state == "installed":
                    found[target] = Installed(item.version, item.sha256, item.size, __version__)
                elif item.state in ("shipped", "older-than-shipped"):
                    found[target] = None
                items.append(item)
            changed = self._activate(session, found)
            return session.outcome(tuple(items), changed=changed)

    def rollback(self) -> Outcome:
        """Go back to what was in use before the last update, with no network.

        What is put away stays away until something newer is published, or ``update(again=True)``.

        Raises:
            NoPreviousError: there is nothing to go back to.
        """
        with self.home.open():
            before = self.home.active
            if before.previous is None:
                raise NoPreviousError(
                    "there is nothing to roll back to: no update has been installed since the last "
                    "rollback"
                )
            items: list[Item] = []
            current: dict[str, Installed] = {}
            for target, item in before.previous.items():
                path = self.home.path(target, item.sha256)
                try:
                    examine(path, _kind(target), _name(target), self._public_key)
                    current[target] = msgspec.structs.replace(item, runtime=__version__)
                    items.append(_item(target, item, "installed"))
                except HomebodyError as error:
                    items.append(_item(target, item, "refused", str(error)))
            kept = {item.sha256 for item in current.values()}
            gone = [i.sha256 for i in before.current.values() if i.sha256 not in kept]
            after = Active(
                current=current, previous=None, set_aside=(*before.set_aside, *gone)[-32:]
            )
            self.home.activate(after)
            self.home.keep_only(after)
        notes = [
            f"{_kind(target)} {_name(target)} is as it came with the app"
            for target in before.current
            if target not in current
        ]
        source = self.home.record().source or ""
        return Outcome(source, True, tuple(items), {}, 0, tuple(notes))

    # ---------------------------------------------------------------- what is in use

    def current(self, name: str, kind: Kind = "bundle") -> Path | None:
        """The file to use: the installed one, else the app's own; offline and before the first
        connection too.

        Returns:
            A path; None for a catalog of which none is installed (the bundle carries one) and for
            a feature that neither app nor repository has.
        """
        found = installed(name, kind, folder=self.home.folder)
        if found is None and kind == "bundle":
            return shipped_bundle(name)
        return found

    def status(self) -> Status:
        """How this device stands. Reads only its own folder."""
        record, active = self.home.record(), self.home.active
        in_use = []
        for target in self._targets():
            kind, name = _kind(target), _name(target)
            delivered = installed(name, kind, folder=self.home.folder)
            path = delivered or self.current(name, kind)
            version = active.current[target].version if delivered else None
            in_use.append(InUse(kind, name, str(path) if path else None, version))
        return Status(
            home=str(self.home.folder),
            source=self._source or record.source,
            in_use=tuple(in_use),
            can_roll_back=active.previous is not None,
            looked=record.looked,
            succeeded=record.succeeded,
            failures=record.failures,
            problem=record.problem,
            next_check=self.next_check(),
        )

    def next_check(self, interval: timedelta = INTERVAL) -> datetime:
        """When this device should look next, spread over the day (`homebody.deliver.schedule`)."""
        record = self.home.record()
        return next_check(
            self._clock(),
            last=record.looked,
            failures=record.failures,
            device=record.device,
            interval=interval,
        )

    # ---------------------------------------------------------------- how

    @contextmanager
    def _session(
        self, progress: Callable[[str, int, int], None] | None = None
    ) -> Iterator[Session]:
        """Refresh the metadata under the lock; remember how it went."""
        with self.home.open():
            record = self.home.record()
            record.looked = self._clock().astimezone(UTC)
            try:
                session = self._connect(record, progress)
                yield session
                record.succeeded = session.now
                record.failures, record.problem = 0, None
                self.home.remember(record)
            except (DeliverError, OSError) as error:
                failure = self.home.unwritable(error) if isinstance(error, OSError) else error
                record.failures += 1
                record.problem = str(failure)
                with suppress(DeliverError, OSError):  # e.g. a full disk: the first error counts
                    self.home.remember(record)
                raise failure from None

    def _connect(self, record: Record, progress: Callable[[str, int, int], None] | None) -> Session:
        source = self._source or record.source
        if source is None:
            raise UsageError("no repository is known; name one, with --repo URL-OR-FOLDER")
        root = self._root or self.home.root()
        if root is None:
            raise NoRootError(
                "there is no root of trust; get the publisher's root.json by a way that you trust "
                "and give it, with --root FILE"
            )
        session = Session(source, record, self._clock().astimezone(UTC), progress)
        fetcher = self._fetcher or self._make_fetcher(source, record, session)
        session.repository = TrustedRepository(
            self.home.metadata, source, fetcher, root, session.now
        )
        session.repository.refresh()
        # Only what has proved itself is remembered.
        self.home.trust(root)
        record.source = source
        if isinstance(fetcher, HttpFetcher):
            session.fetcher = fetcher
            for etag, body in fetcher.known.values():
                record.etag, record.etag_of = etag, hashlib.sha256(body).hexdigest()
        session.set_aside = self.home.active.set_aside
        return session

    def _make_fetcher(self, source: str, record: Record, session: Session) -> FetcherInterface:
        if source.startswith("file:"):
            return FolderFetcher.at(source)
        fetcher = HttpFetcher(spool=self.home.files)
        fetcher.progress = session.report
        if record.etag:
            with suppress(OSError):
                body = (self.home.metadata / "timestamp.json").read_bytes()
                if hashlib.sha256(body).hexdigest() == record.etag_of:
                    fetcher.known[f"{source}/metadata/timestamp.json"] = (record.etag, body)
        return fetcher

    def _targets(self) -> tuple[str, ...]:
        """What this device wants to know about."""
        if self._names is not None:
            return tuple(target_of(n, kind) for n in self._names for kind in _KINDS)
        wanted = [target_of(name, kind) for kind in _KINDS for name in known_names(kind)]
        return tuple(dict.fromkeys([*wanted, *self.home.active.current]))

    def _judge(self, session: Session, target: str) -> Item:
        """What an update would do with a target."""
        offer = session.repository.offer(target)
        if offer is None:
            return Item(_kind(target), _name(target), "", "", 0, "absent")
        return _item(target, offer, *self._state(session, offer))

    def _state(self, session: Session, offer: Offer) -> tuple[State, str]:
        kind, name = _kind(offer.target), _name(offer.target)
        shipped = shipped_bundle(name) if kind == "bundle" else None
        if shipped is not None:
            with bundle.open(shipped) as own:
                if own.sha256 == offer.sha256:
                    return "shipped", ""
                if precedence(own.manifest.version) > precedence(offer.version):
                    return "older-than-shipped", ""
        now = self.home.active.current.get(offer.target)
        if now is not None and now.sha256 == offer.sha256 and self._intact(offer, now):
            return "current", ""
        if precedence(offer.minimum_runtime) > precedence(__version__):
            return "needs-newer-runtime", (
                f"it needs homebody {offer.minimum_runtime} and this is {__version__}; update "
                "homebody"
            )
        if offer.size > largest(kind):
            return "refused", f"it has {offer.size} bytes and at most {largest(kind)} are taken"
        if offer.sha256 in session.record.refused:
            return "refused", session.record.refused[offer.sha256]
        if offer.sha256 in session.set_aside:
            return "set-aside", "a rollback put it away; update with --again to take it back"
        return "new", ""

    def _intact(self, offer: Offer, now: Installed) -> bool:
        """Whether the installed file is the offered one, checked by this Homebody."""
        path = self.home.path(offer.target, offer.sha256)
        return now.runtime == __version__ and _sha256(path) == offer.sha256

    def _bring(self, session: Session, target: str, item: Item) -> Item:
        """Download what is not here yet, and prove it on this device."""
        offer = session.repository.offer(target)
        assert offer is not None
        path = self.home.path(target, offer.sha256)
        if _sha256(path) != offer.sha256:
            session.begin(offer)
            with replacing(path, HomeError, durable=True) as draft:
                session.repository.download(offer, draft)
        record = session.record
        tried = record.tried.get(offer.sha256, 0)
        try:
            if tried >= ATTEMPTS:
                raise UpdateRefusedError(
                    f"its check was begun {tried} times here and took the process down each time"
                )
            # Remembered before it runs: a model that kills its process must not do so forever.
            record.tried[offer.sha256] = tried + 1
            self.home.remember(record)
            details = examine(path, _kind(target), _name(target), self._public_key)
            if details.version != offer.version:
                raise UpdateRefusedError(
                    f"it is version {details.version} and {offer.version} was announced"
                )
        except UpdateRefusedError as error:
            record.refused[offer.sha256] = str(error)
            path.unlink(missing_ok=True)
            return msgspec.structs.replace(item, state="refused", why=str(error))
        finally:
            record.tried.pop(offer.sha256, None)
            self.home.remember(record)
        return msgspec.structs.replace(item, state="installed")

    def _activate(self, session: Session, found: dict[str, Installed | None]) -> bool:
        """Put what was found into use in one step; None means the app's own."""
        before = self.home.active
        current = {t: i for t, i in {**before.current, **found}.items() if i is not None}
        if current == before.current and session.set_aside == before.set_aside:
            self.home.keep_only(before)
            return False
        # The same files, checked again by a newer Homebody, are no update to go back from.
        same = {t: i.sha256 for t, i in current.items()} == {
            t: i.sha256 for t, i in before.current.items()
        }
        after = Active(
            current=current,
            previous=before.previous if same else before.current,
            set_aside=session.set_aside,
        )
        self.home.activate(after)
        self.home.keep_only(after)
        return current != before.current


_KINDS: tuple[Kind, Kind] = ("bundle", "catalog")


def _kind(target: str) -> Kind:
    return "bundle" if target.startswith("bundles/") else "catalog"


def _name(target: str) -> str:
    return Path(target).stem


def _item(target: str, what: Offer | Installed, state: State, why: str = "") -> Item:
    return Item(_kind(target), _name(target), what.version, what.sha256, what.size, state, why)


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _address(source: object) -> str | None:
    if source is None:
        return None
    text = str(source)
    scheme = urlsplit(text).scheme if isinstance(source, str) else ""
    if scheme in ("http", "https", "file"):
        return text.rstrip("/")
    path = Path(text)
    if not path.is_dir():
        raise UsageError(f"{text!r} is neither an http(s) URL nor a folder; give a repository")
    return path.resolve().as_uri()
