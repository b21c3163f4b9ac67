"""The publisher's signing keys: one file a key, ``ROLE-NUMBER.pem``, readable by its owner alone.

A role's keys may lie in several folders (root keys on a stick that is plugged in when needed).
Which of them count is said by the repository's root metadata, never by a file's name; the name
only says for which role a key was made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from homebody.bundle import generate_key, load_private_key
from homebody.errors import PublishingKeyError, SigningKeyError
from homebody.files import replacing

ROLES = ("root", "targets", "snapshot", "timestamp")
"""TUF's top-level roles (specification 1.0, section 2.1)."""
WEB = "web"
"""The key that signs the browser's release."""


class Keys:
    """Private keys found in folders, by TUF key id.

    Args:
        folders: where to look; new keys are written to the first.
        repository: the folder that is published; keys within it are refused.

    Raises:
        PublishingKeyError: a folder is within the repository, or a key's file is unusable or
            readable by others.
    """

    def __init__(self, folders: Sequence[Path], repository: Path) -> None:
        if not folders:
            raise PublishingKeyError("no folder for keys is given; give one with --keys")
        public = Path(os.path.realpath(repository))
        for folder in folders:
            if Path(os.path.realpath(folder)).is_relative_to(public):
                raise PublishingKeyError(
                    f"the keys' folder {folder} is within {repository}, which is published; "
                    "keep keys elsewhere"
                )
        self.folder = folders[0]
        self._signers: dict[str, CryptoSigner] = {}
        self._files: dict[str, Path] = {}
        self._raw: dict[str, bytes] = {}
        for folder in folders:
            for file in _key_files(folder):
                self._add(file)

    def _add(self, file: Path) -> CryptoSigner:
        try:
            raw = load_private_key(file)
        except SigningKeyError as error:
            raise PublishingKeyError(str(error)) from None
        signer = CryptoSigner(Ed25519PrivateKey.from_private_bytes(raw))
        self._raw[signer.public_key.keyid] = raw
        self._signers[signer.public_key.keyid] = signer
        self._files[signer.public_key.keyid] = file
        return signer

    def signers(self, keyids: Iterable[str]) -> list[CryptoSigner]:
        """The signers that are here, of those asked for, in that order."""
        return [self._signers[keyid] for keyid in keyids if keyid in self._signers]

    def of(self, role: str) -> list[CryptoSigner]:
        """Every key that was made for a role, the newest last."""
        found = [
            (number, keyid)
            for keyid, file in self._files.items()
            if (number := _number(file, role)) is not None
        ]
        return [self._signers[keyid] for _, keyid in sorted(found)]

    def private(self, signer: CryptoSigner) -> bytes:
        """The 32 raw bytes of a signer's private key."""
        return self._raw[signer.public_key.keyid]

    def fresh(self, role: str, count: int, used: Iterable[str]) -> list[CryptoSigner]:
        """``count`` keys for a role that no root has ever named.

        Keys that an interrupted run made and never used come first; then new ones are made.
        """
        spent = set(used)
        found = [signer for signer in self.of(role) if signer.public_key.keyid not in spent]
        while len(found) < count:
            found.append(self._make(role))
        return found[:count]

    def _make(self, role: str) -> CryptoSigner:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise PublishingKeyError(
                f"the keys' folder {self.folder} cannot be made ({error.strerror}); give another"
            ) from None
        taken = [_number(file, role) or 0 for file in _key_files(self.folder)]
        taken += [_number(file, role) or 0 for file in self._files.values()]
        for leftover in self.folder.glob(f".{role}-*.part.pem"):
            leftover.unlink(missing_ok=True)
        file = self.folder / f"{role}-{max(taken, default=0) + 1}.pem"
        with replacing(file, PublishingKeyError, durable=True) as draft:
            generate_key(draft)
        return self._add(file)


def _key_files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if re.fullmatch(r"[a-z]+-\d{1,6}\.pem", p.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PublishingKeyError(
            f"the keys' folder {folder} cannot be read ({error.strerror}); give another"
        ) from None


def _number(file: Path, role: str) -> int | None:
    found = re.fullmatch(rf"{role}-(\d+)\.pem", file.name)
    return int(found[1]) if found else None
