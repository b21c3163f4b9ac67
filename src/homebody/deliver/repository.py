"""A published repository as its publisher sees it: read it, verify it, write the next version.

    REPO/
      metadata/      N.root.json, N.targets.json, N.snapshot.json (never changed once written) and
                     timestamp.json, the one file that says which of them are current
      targets/       bundles/SHA256.NAME.hb, catalogs/SHA256.NAME.json (never changed)
      web/           the same contents for browsers, with their signed release.json

A write is one rename. Everything that a file refers to is written before it, so whoever looks,
whenever, sees one whole version.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from securesystemslib.signer import Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Signed, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from homebody.deliver.keys import Keys
from homebody.errors import PublishError, PublishingKeyError
from homebody.files import replacing

S = TypeVar("S", bound=Signed)
MOST = 5_000_000
"""Bytes that a metadata file may have; devices take no more."""


class Read(Generic[S]):
    """A metadata file that was read, and whether the current root's keys vouch for it."""

    def __init__(self, signed: S, data: bytes, current: bool) -> None:
        self.signed, self.data, self.current = signed, data, current


class Repository:
    """What is published in a folder now.

    Args:
        folder: the repository; it may not exist yet.

    Raises:
        PublishError: what is there is not a repository, is damaged, or is not signed by its own
            root's keys.

    Attributes:
        roots: every root metadata, the first to the current one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metadata = folder / "metadata"
        self.roots: list[Metadata[Root]] = []
        self.timestamp: Read[Timestamp] | None = None
        self.snapshot: Read[Snapshot] | None = None
        self.targets: Read[Targets] | None = None
        while (self.metadata / f"{len(self.roots) + 1}.root.json").exists():
            self._read_root(len(self.roots) + 1)
        if (self.metadata / "timestamp.json").exists():
            self._read_current()

    @property
    def root(self) -> Root | None:
        """The current root, or None where nothing has been published."""
        return self.roots[-1].signed if self.roots else None

    def used_keys(self) -> set[str]:
        """Every key id that a root has ever named."""
        return {keyid for root in self.roots for keyid in root.signed.keys}

    def next_version(self, role: str) -> int:
        """A version that no file has, so that an interrupted run's files are never overwritten."""
        taken = [0]
        if self.metadata.is_dir():
            for path in self.metadata.iterdir():
                if found := re.fullmatch(rf"(\d{{1,15}})\.{role}\.json", path.name):
                    taken.append(int(found[1]))
        return max(taken) + 1

    def _read_root(self, version: int) -> None:
        name = f"{version}.root.json"
        root: Metadata[Root] = self._parse(name, Root)
        vouched = self.roots[-1] if self.roots else root
        try:
            for delegator in (vouched, root):
                delegator.signed.verify_delegate("root", root.signed_bytes, root.signatures)
        except RepositoryError as error:
            raise PublishError(
                f"{self.metadata / name} is not signed as it must be ({error}); restore the "
                "repository from a copy that you trust"
            ) from None
        if root.signed.version != version:
            raise PublishError(
                f"{self.metadata / name} says it is version {root.signed.version}; restore the "
                "repository from a copy that you trust"
            )
        self.roots.append(root)

    def _read_current(self) -> None:
        if not self.roots:
            raise PublishError(
                f"{self.metadata} has a timestamp.json and no 1.root.json; name the repository's "
                "own folder, or restore it"
            )
        self.timestamp = self._read("timestamp.json", Timestamp)
        meta = self.timestamp.signed.snapshot_meta
        self.snapshot = self._read(f"{meta.version}.snapshot.json", Snapshot, meta)
        meta = self.snapshot.signed.meta["targets.json"]
        self.targets = self._read(f"{meta.version}.targets.json", Targets, meta)

    def _parse(self, name: str, role: Any) -> Metadata[Any]:
        path = self.metadata / name
        try:
            with path.open("rb") as file:
                data = file.read(MOST + 1)
            found: Metadata[Any] = Metadata.from_bytes(data[:MOST])
        except OSError as error:
            raise PublishError(
                f"{path} cannot be read ({error.strerror}); restore the repository from a copy "
                "that you trust"
            ) from None
        except DeserializationError:
            found = Metadata(Root())
            found.signed = None
        if not isinstance(found.signed, role):
            raise PublishError(
                f"{path} is not {role.type} metadata; restore the repository from a copy that you "
                "trust"
            )
        return found

    def _read(self, name: str, role: type[S], meta: Any = None) -> Read[S]:
        found = self._parse(name, role)
        data = (self.metadata / name).read_bytes()
        try:
            if meta is not None:
                meta.verify_length_and_hashes(data)
        except RepositoryError as error:
            raise PublishError(
                f"{self.metadata / name} is not the file that its snapshot states ({error}); "
                "restore the repository from a copy that you trust"
            ) from None
        for root in reversed(self.roots):
            try:
                root.signed.verify_delegate(role.type, found.signed_bytes, found.signatures)
            except RepositoryError:
                continue
            # A run that was stopped between a new root and what it must sign leaves such a file.
            return Read(found.signed, data, root is self.roots[-1])
        raise PublishError(
            f"{self.metadata / name} is signed by none of this repository's roots; restore the "
            "repository from a copy that you trust"
        )

    # ------------------------------------------------------------------ writing

    def write(self, name: str, data: bytes) -> None:
        """Write a metadata file: durable, and in one step."""
        self.metadata.mkdir(parents=True, exist_ok=True)
        with replacing(self.metadata / name, PublishError, durable=True) as draft:
            draft.write_bytes(data)
        settle(self.metadata)


def sign(signed: Signed, roots: Sequence[Root], keys: Keys) -> tuple[bytes, set[int]]:
    """Sign metadata so that each of the roots accepts them, as far as the keys are here.

    Returns:
        The file's bytes, and the versions of the roots that accept them.
    """
    found: Metadata[Any] = Metadata(signed)
    wanted = dict.fromkeys(keyid for root in roots for keyid in root.roles[signed.type].keyids)
    for signer in keys.signers(wanted):
        found.sign(signer, append=True)
    accepted = set()
    for root in roots:
        role = root.roles[signed.type]
        if len(set(role.keyids) & found.signatures.keys()) >= role.threshold:
            accepted.add(root.version)
    return found.to_bytes(JSONSerializer(compact=True)), accepted


def require(signed: Signed, root: Root, accepted: set[int], keys: Keys) -> None:
    """Refuse metadata that a root would not accept, and name the keys that are missing.

    Raises:
        PublishingKeyError: too few of the role's keys are here.
    """
    if root.version in accepted:
        return
    role = root.roles[signed.type]
    here = {signer.public_key.keyid for signer in keys.signers(role.keyids)}
    missing = [keyid[:16] for keyid in role.keyids if keyid not in here]
    raise PublishingKeyError(
        f"{signed.type} metadata need {role.threshold} of {len(role.keyids)} keys and "
        f"{len(here)} are here; add the folder that holds {', '.join(missing)}... with --keys"
    )


def with_keys(root: Root, role: str, keys: Sequence[Key], threshold: int) -> None:
    """Give a role exactly these keys, in place."""
    for keyid in list(root.roles[role].keyids):
        root.revoke_key(keyid, role)
    for key in keys:
        root.add_key(key, role)
    root.roles[role].threshold = threshold


def settle(folder: Path) -> None:
    """Wait until the disk knows a folder's names, so that a power cut cannot undo their order."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
