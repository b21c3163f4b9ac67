"""Publish bundles and catalogs as static files that any object store or CDN can serve.

The metadata are those of The Update Framework (specification 1.0, consistent snapshots), made with
python-tuf: any TUF client can read them. `docs/delivery.md` says who holds which key and why.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from securesystemslib.signer import Key
from tuf.api.metadata import MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp

from homebody.deliver._lock import exclusive
from homebody.deliver.contents import Details, examine, kind_of, largest, precedence
from homebody.deliver.keys import ROLES, WEB, Keys
from homebody.deliver.policy import check_roles, policy
from homebody.deliver.release import (
    Release,
    ReleasedFile,
    instant,
    read_release,
    released,
    write_release,
)
from homebody.deliver.repository import Repository, require, settle, sign, with_keys
from homebody.errors import PublishError, UsageError
from homebody.files import replacing
from homebody.installed import Kind, target_of

CHUNK = 1 << 20


class PublishedFile(msgspec.Struct, frozen=True):
    """One current file of a repository."""

    kind: Kind
    name: str
    version: str
    sha256: str
    size: int
    new: bool
    """Whether this publication brought it."""


class Publication(msgspec.Struct, frozen=True):
    """What stands in a repository now."""

    repository: str
    versions: dict[str, int]
    """By role, ``web`` among them."""
    expires: dict[str, str]
    files: tuple[PublishedFile, ...]
    web_key: str
    """What browsers pin: the raw Ed25519 public key in base64."""
    root: str
    """The first root metadata: what devices are given to begin with."""
    notes: tuple[str, ...]


def publish(
    repository: Path,
    files: Sequence[Path | tuple[str, Path]] = (),
    *,
    keys: Sequence[Path],
    expires: Mapping[str, int] | None = None,
    rotate: Collection[str] = (),
    thresholds: Mapping[str, tuple[int, int]] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    track: Callable[[Sequence[Any]], Iterable[Any]] = lambda items: items,
) -> Publication:
    """Verify files and publish them; without any, renew what is published.

    At every instant, and however this ends, the repository is whole: the old version or the new.

    Args:
        repository: the folder to publish into; made if absent.
        files: bundles and catalogs. A catalog is for the feature that its file is named after
            (``for-this-photo.json``), or that is given with it: ``("for-this-photo", path)``.
        keys: folders of private keys outside ``repository``. Missing ones are made on the first
            publication and when rotating, in the first folder.
        expires: days by role (:data:`homebody.deliver.EXPIRES`), remembered beside the keys.
        rotate: roles that get new keys: root, targets, snapshot, timestamp, web.
        thresholds: by role, how many signatures of how many keys.
        clock: the time now, aware.
        track: wraps what is iterated over, for a progress bar.

    Returns:
        What is published now.

    Raises:
        UpdateRefusedError: a file is malformed or does not run here as trained.
        PublishingKeyError: keys are missing, unsafe or within the repository.
        PublishError: the repository is damaged or cannot be written, or a version goes back.
        BusyError: another publisher is at work.

    Example:
        >>> publish(Path("repo"), [Path("for-this-photo.hb")], keys=[Path("keys")])
        ... # doctest: +SKIP
    """
    check_roles(rotate, thresholds or {}, expires or {})
    keyring = Keys([Path(folder) for folder in keys], repository)
    try:
        repository.mkdir(parents=True, exist_ok=True)
        with exclusive(repository / ".lock", "publisher", PublishError):
            run = _Run(repository, keyring, clock(), expires or {})
            run.bring(files, track)
            run.write(set(rotate), thresholds or {})
            return run.publication()
    except OSError as error:
        raise PublishError(
            f"{repository} cannot be written ({error.strerror}); what was published is whole and "
            "unchanged or already new, so make room and publish again"
        ) from None


class _Run:
    """One publication, under the lock."""

    def __init__(self, folder: Path, keys: Keys, now: datetime, expires: Mapping[str, int]) -> None:
        self.folder, self.keys, self.now = folder, keys, now
        _sweep(folder)
        self.repository = Repository(folder)
        self.days = policy(keys.folder / "policy.json", expires)
        self.notes: list[str] = []
        found = self.repository.targets
        self.targets: dict[str, TargetFile] = dict(found.signed.targets) if found else {}
        self.new: set[str] = set()
        self.versions: dict[str, int] = {}
        self.expires: dict[str, str] = {}

    # ---------------------------------------------------------------- files

    def bring(
        self,
        files: Sequence[Path | tuple[str, Path]],
        track: Callable[[Sequence[Any]], Iterable[Any]],
    ) -> None:
        """Verify files and copy them in; nothing refers to them yet."""
        if not files and not self.repository.timestamp:
            raise UsageError(
                f"nothing is published in {self.folder} yet; name bundles or catalogs to publish"
            )
        for item in track(list(files)):
            name, path = item if isinstance(item, tuple) else (None, Path(item))
            self._bring(name, Path(path))

    def _bring(self, name: str | None, path: Path) -> None:
        kind = kind_of(path)
        if kind == "catalog" and name is None:
            name = path.stem
        sha256, size = _hash(path)
        if size > largest(kind):
            raise PublishError(f"{path} has {size} bytes; devices take at most {largest(kind)}")
        details = examine(path, kind, name)
        target = target_of(details.name, kind)
        if target in self.new:
            raise UsageError(f"{path} and another file are both {target}; publish one of them")
        self._check_version(path, target, details, sha256)
        file = TargetFile(
            size,
            {"sha256": sha256},
            target,
            {
                "custom": {
                    "version": details.version,
                    "minimum_runtime": details.minimum_runtime,
                }
            },
        )
        stored = self.folder / "targets" / file.get_prefixed_paths()[0]
        self._copy(path, stored, sha256)
        examine(stored, kind, details.name)  # what was copied, not what was there a moment ago
        self._copy(stored, self.folder / _web_path(target, sha256), sha256)
        self.targets[target] = file
        self.new.add(target)

    def _check_version(self, path: Path, target: str, details: Details, sha256: str) -> None:
        old = self.targets.get(target)
        if old is None or old.hashes["sha256"] == sha256:
            return
        before = old.custom["version"]
        if before == details.version:
            raise PublishError(
                f"{path} is version {before}, which is published with other content; give it a "
                "higher version"
            )
        if precedence(details.version) < precedence(before):
            raise PublishError(
                f"{path} is version {details.version} and {before} is published; give it a higher "
                "version, also to go back to older content"
            )

    def _copy(self, source: Path, target: Path, sha256: str) -> None:
        if target.exists() and _hash(target)[0] == sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, PublishError, durable=True) as draft:
            shutil.copyfile(source, draft)
            if _hash(draft)[0] != sha256:
                raise PublishError(f"{source} changed while it was read; publish it again")
        settle(target.parent)

    # ---------------------------------------------------------------- metadata

    def write(self, rotate: set[str], thresholds: Mapping[str, tuple[int, int]]) -> None:
        """Write the next version: what is referred to first, what refers to it last."""
        old = self.repository.root
        root = self._next_root(rotate, thresholds)
        # Both roots accept what is signed for both, so no device is between them.
        roots = [root] if old is None or root is old else [root, old]
        targets, targets_data = self._next_targets(roots)
        snapshot, snapshot_data = self._next_snapshot(roots, targets, targets_data)
        timestamp = Timestamp(
            version=self.repository.timestamp.signed.version + 1
            if self.repository.timestamp
            else 1,
            expires=self._expiry("timestamp"),
            snapshot_meta=MetaFile.from_data(snapshot.version, snapshot_data, ["sha256"]),
        )
        timestamp_data, accepted = self._signed(timestamp, roots)
        self._note("timestamp", timestamp)
        if root is not old:
            root_data, by = sign(root, roots, self.keys)
            for each in roots:
                require(root, each, by, self.keys)
        # Signing is over; from here on only renames happen.
        write = self.repository.write
        if targets_data is not None:
            write(f"{targets.version}.targets.json", targets_data)
        write(f"{snapshot.version}.snapshot.json", snapshot_data)
        smooth = old is not None and old.version in accepted and self._smooth
        if root is not old and not smooth:
            write(f"{root.version}.root.json", root_data)
        write("timestamp.json", timestamp_data)
        if root is not old and smooth:
            write(f"{root.version}.root.json", root_data)
        self._note("root", root)
        self._release("web" in rotate)

    _smooth = True

    def _signed(self, signed: Signed, roots: Sequence[Root]) -> tuple[bytes, set[int]]:
        data, accepted = sign(signed, roots, self.keys)
        require(signed, roots[0], accepted, self.keys)
        if any(root.version not in accepted for root in roots):
            self._smooth = False
            self.notes.append(
                f"the old {signed.type} keys are not here, so devices that look in this very "
                "moment try again later"
            )
        return data, accepted

    def _next_root(self, rotate: set[str], thresholds: Mapping[str, tuple[int, int]]) -> Root:
        old = self.repository.root
        if old is None:
            root = Root(version=1, expires=self._expiry("root"), consistent_snapshot=True)
            for role in ROLES:
                needed, count = thresholds.get(role, (1, 1))
                made = self.keys.fresh(role, count, ())
                with_keys(root, role, [signer.public_key for signer in made], needed)
            return root
        changed = (rotate | set(thresholds)) & set(ROLES)
        if not changed and not self._due("root", old, old):
            return old
        root = Root.from_dict(copy.deepcopy(old.to_dict()))
        root.version, root.expires = old.version + 1, self._expiry("root")
        for role in sorted(changed):
            now = old.roles[role]
            needed, count = thresholds.get(role, (now.threshold, len(now.keyids)))
            kept: list[Key] = [] if role in rotate else [old.keys[k] for k in now.keyids][-count:]
            made = self.keys.fresh(role, count - len(kept), self.repository.used_keys())
            with_keys(root, role, [*kept, *(signer.public_key for signer in made)], needed)
        return root

    def _next_targets(self, roots: Sequence[Root]) -> tuple[Targets, bytes | None]:
        old = self.repository.targets
        if old and old.signed.targets == self.targets and not self._stale("targets", old, roots):
            self._note("targets", old.signed)
            return old.signed, None
        targets = Targets(
            version=self.repository.next_version("targets"),
            expires=self._expiry("targets"),
            targets=self.targets,
        )
        self._note("targets", targets)
        return targets, self._signed(targets, roots)[0]

    def _next_snapshot(
        self, roots: Sequence[Root], targets: Targets, data: bytes | None
    ) -> tuple[Snapshot, bytes]:
        old = self.repository.snapshot
        if old and data is None and not self._stale("snapshot", old, roots):
            self._note("snapshot", old.signed)
            return old.signed, old.data
        if data is None:
            assert old is not None
            meta = old.signed.meta
        else:
            meta = {"targets.json": MetaFile.from_data(targets.version, data, ["sha256"])}
        snapshot = Snapshot(
            version=self.repository.next_version("snapshot"),
            expires=self._expiry("snapshot"),
            meta=meta,
        )
        self._note("snapshot", snapshot)
        return snapshot, self._signed(snapshot, roots)[0]

    def _stale(self, role: str, old: Any, roots: Sequence[Root]) -> bool:
        """Whether metadata must be signed anew though they say nothing new."""
        if not old.current or roots[0].roles[role] != roots[-1].roles[role]:
            return True
        return self._due(role, old.signed, roots[0])

    def _due(self, role: str, signed: Signed, root: Root) -> bool:
        """Whether metadata are in the last third of their days and can be renewed here."""
        if signed.expires - self.now > timedelta(days=self.days[role]) / 3:
            return False
        if len(self.keys.signers(root.roles[role].keyids)) >= root.roles[role].threshold:
            return True
        self.notes.append(
            f"{role} metadata expire on {instant(signed.expires)} and their keys are not here; "
            "publish with them before"
        )
        return False

    def _expiry(self, role: str) -> datetime:
        return (self.now + timedelta(days=self.days[role])).replace(microsecond=0)

    def _note(self, role: str, signed: Signed) -> None:
        self.versions[role] = signed.version
        self.expires[role] = instant(signed.expires)

    # ---------------------------------------------------------------- browsers

    def _release(self, rotate: bool) -> None:
        folder = self.folder / "web"
        old = read_release(folder)
        private = self.keys.of(WEB)
        if rotate or (old is None and not private):
            used = [signer.public_key.keyid for signer in private]
            private += self.keys.fresh(WEB, 1, used)
        if not private:
            self.notes.append(
                "no web key is here, so browsers' release.json was not renewed; publish with it "
                "before it expires"
            )
            return
        files = {
            target: ReleasedFile(
                _web_path(target, file.hashes["sha256"]),
                file.hashes["sha256"],
                file.length,
                file.custom["version"],
            )
            for target, file in self.targets.items()
        }
        release = Release(
            version=old.version + 1 if old else 1,
            expires=instant(self._expiry(WEB)),
            bundles=released(files, "bundles/", ".hb"),
            catalogs=released(files, "catalogs/", ".json"),
        )
        folder.mkdir(exist_ok=True)
        write_release(folder, release, [self.keys.private(s) for s in private])
        settle(folder)
        self.versions[WEB], self.expires[WEB] = release.version, release.expires

    # ---------------------------------------------------------------- what came of it

    def publication(self) -> Publication:
        """What is published now."""
        web_key = self.folder / "web" / "release.key"
        return Publication(
            repository=str(self.folder),
            versions=self.versions,
            expires=self.expires,
            files=tuple(
                PublishedFile(
                    kind="bundle" if target.startswith("bundles/") else "catalog",
                    name=Path(target).stem,
                    version=file.custom["version"],
                    sha256=file.hashes["sha256"],
                    size=file.length,
                    new=target in self.new,
                )
                for target, file in sorted(self.targets.items())
            ),
            web_key=web_key.read_text().strip() if web_key.exists() else "",
            root=str(self.folder / "metadata" / "1.root.json"),
            notes=tuple(self.notes),
        )


def _web_path(target: str, sha256: str) -> str:
    return f"web/files/{sha256}{Path(target).suffix}"


def _hash(path: Path) -> tuple[str, int]:
    found, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            size += len(chunk)
    return found.hexdigest(), size


def _sweep(folder: Path) -> None:
    """Remove what a run that was killed had begun to write."""
    for place in ("metadata", "targets/bundles", "targets/catalogs", "web/files", "web"):
        for draft in (folder / place).glob(".*.part*"):
            draft.unlink(missing_ok=True)
