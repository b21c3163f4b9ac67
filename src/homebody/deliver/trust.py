"""What a repository says, believed only as far as its signed metadata carry.

The verification itself is python-tuf's (`tuf.ngclient`): the root chain, thresholds, versions that
only rise, expiry, lengths and hashes. Here its findings become one sentence each, and the clock is
held to what this device has seen already.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from tuf.api import exceptions as tuf
from tuf.api.metadata import TargetFile
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from homebody.bundle.manifest import PlainVersion, Version
from homebody.errors import (
    EndlessDataError,
    ExpiredError,
    FetchError,
    MetadataError,
    MismatchError,
    OlderMetadataError,
    SlowServerError,
    StatusError,
    UnreachableError,
    UntrustedKeysError,
)
from homebody.installed import Digest


class _Custom(msgspec.Struct, frozen=True):
    """What a publisher states of a file beside its length and hash."""

    version: Version
    minimum_runtime: PlainVersion = "0.1.0"


class Offer(msgspec.Struct, frozen=True):
    """A current file of a repository, as its signed metadata state it."""

    target: str
    version: str
    minimum_runtime: str
    sha256: Digest
    size: Annotated[int, Meta(ge=0)]


class TrustedRepository:
    """A repository seen from a device, with the metadata that this device has verified before.

    Args:
        folder: where verified metadata are kept (``HOME/metadata``).
        url: the repository's address.
        fetcher: what brings files from there.
        root: the root of trust.
        now: the time against which expiry is judged, aware.

    Raises:
        MetadataError: ``root`` is not root metadata.
    """

    def __init__(
        self, folder: Path, url: str, fetcher: FetcherInterface, root: bytes, now: datetime
    ) -> None:
        self._folder, self._now, self._offers = folder, now, dict[str, TargetFile]()
        with explained(now):
            self._updater = Updater(
                str(folder),
                f"{url}/metadata/",
                target_base_url=f"{url}/targets/",
                fetcher=fetcher,
                config=UpdaterConfig(max_root_rotations=256),
                bootstrap=root,
            )
        # ngclient offers no other way to say what time it is.
        self._updater._trusted_set.reference_time = now

    def refresh(self) -> None:
        """Verify the newest metadata and keep them.

        Raises:
            TrustError: they are not to be believed, by what is wrong.
            FetchError: they cannot be had, by what is wrong.
        """
        with explained(self._now):
            self._updater.refresh()
        self._settle()

    def offer(self, target: str) -> Offer | None:
        """What is offered under a target's name, or None."""
        with explained(self._now):
            found = self._updater.get_targetinfo(target)
        if found is None:
            return None
        try:
            custom = msgspec.convert(found.custom, _Custom)
            offer = msgspec.convert(
                {
                    "target": target,
                    "version": custom.version,
                    "minimum_runtime": custom.minimum_runtime,
                    "sha256": found.hashes.get("sha256"),
                    "size": found.length,
                },
                Offer,
            )
        except msgspec.ValidationError as error:
            raise MetadataError(
                f"the repository's metadata say too little of {target} ({error}); publish it with "
                "homebody publish"
            ) from None
        # The first hash names the file; ours is the only one that is asked for.
        found.hashes = {"sha256": offer.sha256}
        self._offers[target] = found
        return offer

    def download(self, offer: Offer, path: Path) -> None:
        """Download an offered file to ``path`` and verify its length and hash.

        Raises:
            FetchError, TrustError: nothing usable came.
        """
        with explained(self._now):
            self._updater.download_target(self._offers[offer.target], str(path))

    def versions(self) -> dict[str, int]:
        """The versions of the verified metadata, by role."""
        trusted: Any = self._updater._trusted_set
        return {role.type: role.version for role in trusted}

    def _settle(self) -> None:
        """Wait until the disk has what protects against older metadata."""
        if os.name != "posix":
            return
        for name in ("timestamp.json", "snapshot.json", "targets.json"):
            with (self._folder / name).open("rb") as file:
                os.fsync(file.fileno())


@contextmanager
def explained(now: datetime) -> Iterator[None]:
    """Turn python-tuf's findings into ours, one sentence each.

    Raises:
        TrustError, FetchError: see `homebody.errors`.
    """
    stays = "what is installed stays"
    try:
        yield
    except tuf.UnsignedMetadataError as error:
        raise UntrustedKeysError(
            f"the repository's metadata are not signed by the trusted keys ({error}); {stays}, "
            "and if the address is right, somebody else is answering"
        ) from None
    except tuf.BadVersionNumberError as error:
        raise OlderMetadataError(
            f"the repository offers metadata older than those seen before ({error}); {stays}, "
            "the server is behind or replays an old state"
        ) from None
    except tuf.ExpiredMetadataError as error:
        raise ExpiredError(
            f"the repository's metadata are too old to be believed ({error}, and here it is "
            f"{now:%Y-%m-%d %H:%M} UTC); {stays}, and either nobody renews the repository, an old "
            "state is replayed, or this clock is wrong"
        ) from None
    except tuf.LengthOrHashMismatchError as error:
        raise MismatchError(
            f"a file is not the one that the signed metadata state ({error}); {stays}, fetch it "
            "again later"
        ) from None
    except tuf.RepositoryError as error:
        raise MetadataError(
            f"the repository's metadata cannot be understood ({_short(error)}); {stays}, look "
            "whether the address is that of a repository"
        ) from None
    except tuf.DownloadLengthMismatchError as error:
        raise EndlessDataError(f"a file is longer than it may be ({error}); {stays}") from None
    except tuf.SlowRetrievalError as error:
        raise SlowServerError(f"the server is too slow ({error}); {stays}, try later") from None
    except tuf.DownloadHTTPError as error:
        raise _status(error, stays) from None
    except tuf.DownloadError as error:
        raise UnreachableError(
            f"the repository cannot be reached ({_short(error.__cause__ or error)}); {stays}, "
            "look at the network and the address"
        ) from None


def _status(error: tuf.DownloadHTTPError, stays: str) -> FetchError:
    mend = (
        "the server has trouble, try later"
        if error.status_code >= 500 or error.status_code == 429
        else "look whether the address is that of a repository"
    )
    return StatusError(f"{error}; {stays}, {mend}", error.status_code)


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:199] + "…"
