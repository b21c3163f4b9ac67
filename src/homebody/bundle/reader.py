"""Open a bundle: check its structure, its manifest, its signature and every hash, then serve it."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
import zlib
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from homebody.bundle._archive import MANIFEST, SIGNATURE, Span, parse
from homebody.bundle._json import decode_json, decode_text
from homebody.bundle.limits import Limits
from homebody.bundle.manifest import Manifest, read_manifest
from homebody.bundle.signature import Signature, read_signature, verify_manifest
from homebody.errors import (
    BundleFileError,
    ChecksumError,
    ClosedBundleError,
    EntryHashError,
    EntrySizeError,
    JsonTooLargeError,
    ManifestTooLargeError,
    MissingEntryError,
    NotABundleError,
    UnlistedEntryError,
)

if TYPE_CHECKING:
    from homebody.bundle.summary import Summary


class Bundle:
    """An open, verified bundle. Make one with `homebody.bundle.open`; close it, or use ``with``.

    Attributes:
        path: the file, or None when it was opened from bytes.
        manifest: what the bundle says about itself.
        signature: the signature it carries, or None.
        verified: whether the signature was verified against a pinned key.
    """

    def __init__(
        self,
        data: bytes | mmap.mmap,
        path: str | None,
        public_key: bytes | None,
        limits: Limits,
    ) -> None:
        """Verify everything; `homebody.bundle.open` calls this."""
        self.path = path
        self.limits = limits
        self._map = data if isinstance(data, mmap.mmap) else None
        self._data: memoryview | None = memoryview(data).toreadonly()
        self._sha256: str | None = None
        try:
            self._spans = parse(self._data, limits)
            if self._spans[MANIFEST].size > limits.manifest_bytes:
                raise ManifestTooLargeError(
                    f"manifest.json has {self._spans[MANIFEST].size} bytes; at most "
                    f"{limits.manifest_bytes} are accepted"
                )
            self._check_crc(MANIFEST)
            stated = bytes(self._at(self._spans[MANIFEST]))
            self.signature = self._read_signature()
            self.verified = public_key is not None
            if public_key is not None:
                verify_manifest(stated, self.signature, public_key)
            self.manifest: Manifest = read_manifest(stated, limits)
            self._check_entries()
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------------ what it holds

    @property
    def sha256(self) -> str:
        """The SHA-256 of the whole file, in lower-case hexadecimal."""
        if self._sha256 is None:
            self._sha256 = hashlib.sha256(self._open_data()).hexdigest()
        return self._sha256

    @property
    def size(self) -> int:
        """The file's size in bytes."""
        return len(self._open_data())

    def names(self) -> tuple[str, ...]:
        """Every entry's name, manifest.json first."""
        return tuple(self._spans)

    def view(self, name: str) -> memoryview:
        """An entry's bytes without a copy: read-only, on the memory map, 64-byte aligned.

        The view stays valid after the bundle is closed.
        """
        self._open_data()
        if name not in self._spans:
            raise MissingEntryError(
                f"the bundle has no entry {name!r}; it has {', '.join(self._spans)}"
            )
        return self._at(self._spans[name])

    def read(self, name: str) -> bytes:
        """A copy of an entry's bytes."""
        return bytes(self.view(name))

    def text(self, name: str) -> str:
        """An entry's UTF-8 text; raises `EntryTextError` if it is something else."""
        return decode_text(self.view(name), name)

    def json(self, name: str) -> Any:
        """An entry's JSON: strict, without duplicate keys, bounded in size and depth."""
        view = self.view(name)
        if len(view) > self.limits.json_bytes:
            raise JsonTooLargeError(
                f"{name} has {len(view)} bytes; at most {self.limits.json_bytes} are read as JSON"
            )
        return decode_json(bytes(view), name, depth=self.limits.json_depth)

    def summary(self) -> Summary:
        """What a person wants to know of the bundle, as ``homebody inspect`` prints it."""
        from homebody.bundle.summary import summarize

        return summarize(self)

    # ------------------------------------------------------------------ closing

    def close(self) -> None:
        """Let go of the file. Views that are still held keep the memory map until they go."""
        if self._data is not None:
            self._data.release()
            self._data = None
        if self._map is not None:
            with contextlib.suppress(BufferError):  # a view is out; the map goes with the last
                self._map.close()
            self._map = None

    def __enter__(self) -> Self:
        """Return the bundle itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bundle."""
        self.close()

    def __repr__(self) -> str:
        """Name the feature, its version and its file."""
        return f"<Bundle {self.manifest.name} {self.manifest.version} at {self.path or 'bytes'}>"

    # ------------------------------------------------------------------ checks

    def _open_data(self) -> memoryview:
        if self._data is None:
            raise ClosedBundleError("the bundle is closed; read what you need before that")
        return self._data

    def _at(self, span: Span) -> memoryview:
        return self._open_data()[span.start : span.start + span.size]

    def _check_crc(self, name: str) -> None:
        span = self._spans[name]
        if zlib.crc32(self._at(span)) != span.crc:
            raise ChecksumError(f"{name} does not have its CRC-32; the file is damaged")

    def _read_signature(self) -> Signature | None:
        if SIGNATURE not in self._spans:
            return None
        self._check_crc(SIGNATURE)
        return read_signature(self._at(self._spans[SIGNATURE]))

    def _check_entries(self) -> None:
        """Every listed entry is there with its size and hash, and nothing else is."""
        held = self._spans.keys() - {MANIFEST, SIGNATURE}
        stated = self.manifest.entries
        if missing := sorted(stated.keys() - held):
            raise MissingEntryError(f"the manifest lists {missing[0]!r}, which is not in the file")
        if unlisted := sorted(held - stated.keys()):
            raise UnlistedEntryError(f"{unlisted[0]!r} is in the file and not in the manifest")
        for name, entry in stated.items():
            if self._spans[name].size != entry.size:
                raise EntrySizeError(
                    f"{name} has {self._spans[name].size} bytes and the manifest states "
                    f"{entry.size}; fetch the bundle again"
                )
        for name, entry in stated.items():
            if hashlib.sha256(self._at(self._spans[name])).hexdigest() != entry.sha256:
                raise EntryHashError(
                    f"{name} does not have the SHA-256 that the manifest states; fetch the bundle "
                    "again"
                )
            self._check_crc(name)


def open(
    source: str | os.PathLike[str] | bytes,
    *,
    public_key: bytes | None = None,
    limits: Limits | None = None,
) -> Bundle:
    """Open a bundle from its file (memory-mapped) or its bytes, and verify all of it.

    Everything is verified here rather than at first use: hashing runs at above 1 GB/s, so a
    phone's bundle costs milliseconds, and a damaged one is refused before any of it has acted.
    A file that someone overwrites in place while it is open escapes that; Homebody itself
    only ever replaces files whole. Where that matters, pass the file's bytes.

    Args:
        source: the file's path, or its whole content.
        public_key: 32 raw bytes of the publisher's Ed25519 key. When given, the bundle must
            be signed with exactly that key.
        limits: caps to hold instead of the defaults.

    Returns:
        The open bundle, a context manager.

    Raises:
        BundleError: one of its subclasses, by what is wrong.
        MissingExtraError: a key is pinned and ``homebody[sign]`` is not installed.

    >>> import homebody.bundle
    >>> with homebody.bundle.open("conformance/bundle/minimal.hb") as bundle:
    ...     bundle.manifest.name, bundle.names()[0]
    ('minimal', 'manifest.json')
    """
    limits = limits or Limits()
    if isinstance(source, bytes):
        return Bundle(source, None, public_key, limits)
    path = os.fspath(source)
    return Bundle(_map(path), path, public_key, limits)


def _map(path: str) -> mmap.mmap:
    # Not blocking, so that a named pipe is refused instead of waited for.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise BundleFileError(f"{path} is not a regular file; name a bundle, NAME.hb")
            if status.st_size == 0:
                raise NotABundleError(f"{path} is empty; a bundle is one ZIP file, NAME.hb")
            return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BundleFileError(
            f"{path!r} cannot be opened ({why}); name a bundle, NAME.hb"
        ) from None
