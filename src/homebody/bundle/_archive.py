"""The one ZIP form that a bundle has: every header field has exactly one permitted value.

A ZIP file says most things twice and leaves the rest open, and readers that disagree about
which copy to believe are how archives attack. So nothing here is lenient: the layout is a
pure function of the entries' names, order and bytes, and whatever differs from it is refused
by name. docs/bundle-format.md gives the layout; the field names below are those of PKWARE's
APPNOTE.TXT 6.3.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from homebody.bundle.limits import Limits
from homebody.errors import (
    AbsolutePathError,
    BackslashPathError,
    BundleTooLargeError,
    CompressedEntryError,
    DataDescriptorError,
    DuplicateEntryError,
    EncryptedEntryError,
    EntryOrderError,
    EntryTooLargeError,
    HeaderMismatchError,
    LeadingDataError,
    MisalignedEntryError,
    MissingManifestError,
    MultiDiskError,
    NameCollisionError,
    NameTooLongError,
    NonCanonicalError,
    NotABundleError,
    OverlappingEntriesError,
    PathTraversalError,
    SpecialEntryError,
    TooManyEntriesError,
    TrailingDataError,
    TruncatedBundleError,
    UnaccountedBytesError,
    UnportableNameError,
    Zip64Error,
)

MANIFEST = "manifest.json"
SIGNATURE = "signature"
ALIGNMENT = 64

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_PADDING = struct.Struct("<3H")

_LOCAL_MAGIC = b"PK\x03\x04"
_CENTRAL_MAGIC = b"PK\x01\x02"
_END_MAGIC = b"PK\x05\x06"
_ZIP64_LOCATOR_MAGIC = b"PK\x06\x07"
_EMPTY_FIRST = (_LOCAL_MAGIC, _END_MAGIC)

_VERSION_NEEDED = 10  # stored entries, no folders
_MADE_BY = 3 << 8 | 20  # Unix, so that the attributes below are read as a file's mode
_ATTRIBUTES = 0o100644 << 16
_MOST = 0xFFFFFFFE  # bytes in a plain ZIP; the next number up means "see ZIP64"
_TIME, _DATE = 0, 0x0021  # midnight, 1980-01-01: the first that the format can state
_PADDING_ID = 0xD935  # the alignment field that Android's zipalign writes: <alignment, zeros>

_ZIP64_EXTRA_ID = 0x0001
_FLAG_ENCRYPTED = 0x0001
_FLAG_DESCRIPTOR = 0x0008
_FLAG_STRONG_ENCRYPTION = 0x0040
_FLAG_MASKED_HEADERS = 0x2000

_NAME = re.compile(r"[A-Za-z0-9_.\-/]+")
_DRIVE = re.compile(rb"[A-Za-z]:")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


class Span(NamedTuple):
    """Where an entry's bytes lie in the file, and their CRC-32."""

    start: int
    size: int
    crc: int


class _Record(NamedTuple):
    """A central directory record's fields, but for its magic."""

    made_by: int
    needed: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: int
    size: int
    name_length: int
    extra_length: int
    comment_length: int
    disk: int
    internal: int
    external: int
    offset: int


# ---------------------------------------------------------------------------- names


def check_name(raw: bytes, limits: Limits) -> str:
    """Return an entry's name, or refuse one that is unsafe on any platform."""
    shown = ascii(raw)[1:]
    if len(raw) > limits.name_bytes:
        raise NameTooLongError(
            f"an entry's name has {len(raw)} bytes; at most {limits.name_bytes} are accepted"
        )
    if b"\\" in raw:
        raise BackslashPathError(f"the entry {shown} has a backslash; separate folders with '/'")
    if raw.startswith(b"/") or _DRIVE.match(raw):
        raise AbsolutePathError(f"the entry {shown} is an absolute path; make it relative")
    if raw.endswith(b"/"):
        raise SpecialEntryError(f"the entry {shown} is a folder; list files only")
    segments = raw.split(b"/")
    if any(segment in (b"", b".", b"..") for segment in segments):
        raise PathTraversalError(
            f"the entry {shown} has an empty, '.' or '..' segment; name it from the root down"
        )
    name = raw.decode("ascii", "replace")
    portable = _NAME.fullmatch(name) is not None
    for segment in name.lower().split("/"):
        portable = portable and not segment.endswith(".") and not _DEVICE.fullmatch(segment)
    if not portable:
        raise UnportableNameError(
            f"the entry {shown} cannot be stored on every platform; use A-Z a-z 0-9 _ . - and "
            "'/', no segment that ends with '.', and no device name such as 'con'"
        )
    return name


def _check_distinct(names: list[str]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DuplicateEntryError(f"the entry {twice!r} is there twice; keep one")
    folded: dict[str, str] = {}
    for name in names:
        other = folded.setdefault(name.lower(), name)
        if other != name:
            raise NameCollisionError(
                f"the entries {other!r} and {name!r} are one file where case is ignored; rename one"
            )
    for name in names:
        parts = name.lower().split("/")
        for end in range(1, len(parts)):
            if (folder := "/".join(parts[:end])) in folded:
                raise NameCollisionError(
                    f"the entry {folded[folder]!r} is a file and, in {name!r}, a folder; rename one"
                )


def _order(name: str) -> tuple[int, str]:
    """The one order: manifest.json, signature, then the rest by their bytes."""
    return (0 if name == MANIFEST else 1 if name == SIGNATURE else 2, name)


def _check_order(names: list[str]) -> None:
    if MANIFEST not in names:
        raise MissingManifestError("the archive has no manifest.json; is it a Homebody bundle?")
    if names != sorted(names, key=_order):
        raise EntryOrderError(
            "the entries are out of order; write manifest.json, signature, then the rest by name"
        )


# ---------------------------------------------------------------------------- reading


def parse(data: memoryview, limits: Limits) -> dict[str, Span]:
    """Find every entry of an archive, in order; accept one layout and nothing else.

    Reads headers only: `data` may be a memory map, and no entry's bytes are touched.
    """
    size = len(data)
    if size > limits.bundle_bytes:
        raise BundleTooLargeError(
            f"the bundle has {size} bytes; at most {limits.bundle_bytes} are accepted"
        )
    directory, count = _find_directory(data, limits)
    records = _read_directory(data, directory, count, limits)
    names = [name for name, _ in records]
    _check_distinct(names)
    spans: dict[str, Span] = {}
    cursor = 0
    for name, record in records:
        spans[name], cursor = _check_local(data, name, record, cursor, directory)
    if cursor != directory:
        raise UnaccountedBytesError(
            f"{directory - cursor} bytes before the directory belong to no entry; rewrite the file"
        )
    _check_order(names)
    return spans


def _find_directory(data: memoryview, limits: Limits) -> tuple[int, int]:
    """The central directory's offset and its number of records."""
    size = len(data)
    starts_like_zip = bytes(data[:4]) in _EMPTY_FIRST
    end = size - _END.size
    if end < 0 or bytes(data[end : end + 4]) != _END_MAGIC or data[size - 2] or data[size - 1]:
        tail = bytes(data[max(0, size - _END.size - 0xFFFF) :])
        found = tail.rfind(_END_MAGIC)
        if found >= 0 and len(tail) - found > _END.size:
            raise TrailingDataError(
                f"{len(tail) - found - _END.size} bytes follow the archive's end record; a bundle "
                "has no comment and nothing behind it"
            )
        if starts_like_zip:
            raise TruncatedBundleError(
                "the archive's end record is missing; the file is cut short, fetch it again"
            )
        raise NotABundleError("this is not a ZIP archive; a bundle is one ZIP file, NAME.hb")
    if not starts_like_zip:
        raise LeadingDataError("the archive does not start at the file's first byte")
    _, disk, first_disk, here, count, length, offset, _ = _END.unpack_from(data, end)
    locator = bytes(data[max(0, end - 20) :][:4])
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, offset) or locator == _ZIP64_LOCATOR_MAGIC:
        raise Zip64Error("the archive uses ZIP64; a bundle is a plain ZIP under 4 GiB")
    if disk or first_disk or here != count:
        raise MultiDiskError("the archive is split over several disks; a bundle is one file")
    if count > limits.entries:
        raise TooManyEntriesError(
            f"the archive has {count} entries; at most {limits.entries} are accepted"
        )
    if offset + length > end:
        raise TruncatedBundleError(
            "the directory reaches past the end record; the file is damaged, fetch it again"
        )
    if offset + length < end:
        raise UnaccountedBytesError(
            f"{end - offset - length} bytes before the end record belong to nothing"
        )
    return offset, count


def _read_directory(
    data: memoryview, offset: int, count: int, limits: Limits
) -> list[tuple[str, _Record]]:
    end = len(data) - _END.size
    records = []
    for _ in range(count):
        if end - offset < _CENTRAL.size:
            raise TruncatedBundleError(
                f"the directory ends before its {count} records do; fetch the file again"
            )
        magic, *fields = _CENTRAL.unpack_from(data, offset)
        if magic != _CENTRAL_MAGIC:
            raise NonCanonicalError(f"the directory has no record at byte {offset}")
        record = _Record(*fields)
        offset += _CENTRAL.size
        rest = record.name_length + record.extra_length + record.comment_length
        if end - offset < rest:
            raise TruncatedBundleError("a directory record reaches past the directory")
        name = check_name(bytes(data[offset : offset + record.name_length]), limits)
        extra = bytes(data[offset + record.name_length : offset + rest])
        _check_record(name, record, extra, limits)
        records.append((name, record))
        offset += rest
    if offset != end:
        raise UnaccountedBytesError(f"{end - offset} bytes of the directory belong to no record")
    return records


def _check_record(name: str, record: _Record, extra: bytes, limits: Limits) -> None:
    """Refuse what a ZIP may say and a bundle may not, the telling refusals first."""
    zip64 = extra[:2] == _ZIP64_EXTRA_ID.to_bytes(2, "little")
    if zip64 or 0xFFFFFFFF in (record.size, record.packed, record.offset):
        raise Zip64Error(f"{name} uses ZIP64; a bundle is a plain ZIP under 4 GiB")
    if record.flags & (_FLAG_ENCRYPTED | _FLAG_STRONG_ENCRYPTION | _FLAG_MASKED_HEADERS):
        raise EncryptedEntryError(f"{name} is marked as encrypted; a bundle's entries are plain")
    if record.flags & _FLAG_DESCRIPTOR:
        raise DataDescriptorError(f"{name} has a data descriptor; state sizes in the headers")
    if record.method:
        raise CompressedEntryError(
            f"{name} is compressed (method {record.method}); store it, so that it can be mapped"
        )
    kind = record.external >> 28
    if kind not in (0, 0o10) or record.external & 0x10:
        raise SpecialEntryError(f"{name} is a folder, a link or a device; a bundle has files only")
    if record.disk:
        raise MultiDiskError(f"{name} lies on disk {record.disk}; a bundle is one file")
    if record.packed != record.size:
        raise HeaderMismatchError(f"{name} is stored, yet its two sizes differ")
    if record.size > limits.entry_bytes:
        raise EntryTooLargeError(
            f"{name} has {record.size} bytes; at most {limits.entry_bytes} are accepted"
        )
    if record != _record(len(name), record.size, record.crc, record.offset):
        raise NonCanonicalError(
            f"{name} has a header field (version, flags, time, attributes, extra or comment) "
            "that a bundle does not allow; write the file with homebody"
        )


def _check_local(
    data: memoryview, name: str, record: _Record, cursor: int, directory: int
) -> tuple[Span, int]:
    """Check an entry's local header against its record; return its data and the next offset."""
    if record.offset < cursor:
        raise OverlappingEntriesError(f"{name} starts inside the entry before it")
    if record.offset > cursor:
        if cursor == 0:
            raise LeadingDataError(f"{record.offset} bytes stand before the first entry")
        raise UnaccountedBytesError(
            f"{record.offset - cursor} bytes before {name} belong to no entry; rewrite the file"
        )
    # Never past the end: the directory, with this entry's record in it, still follows.
    magic, *fields, name_length, extra_length = _LOCAL.unpack_from(data, cursor)
    if magic != _LOCAL_MAGIC:
        raise HeaderMismatchError(f"{name} has no local header at byte {cursor}")
    stated = (*record[1:9], record.name_length)
    names_at = cursor + _LOCAL.size
    if (*fields, name_length) != stated or (
        data[names_at : names_at + name_length] != name.encode()
    ):
        raise HeaderMismatchError(
            f"{name}'s local header contradicts the directory; the file was tampered with"
        )
    start = names_at + name_length + extra_length
    if start % ALIGNMENT:
        raise MisalignedEntryError(
            f"{name}'s data start at byte {start}; they must start at a multiple of {ALIGNMENT}"
        )
    if start > directory or start + record.size > directory:
        raise OverlappingEntriesError(f"{name}'s data reach into the directory")
    extra = bytes(data[names_at + name_length : start]) if extra_length <= 0xFF else b""
    if extra != _padding(cursor, name_length):
        raise NonCanonicalError(
            f"{name}'s local header is padded in a way of its own; write the file with homebody"
        )
    return Span(start, record.size, record.crc), start + record.size


# ---------------------------------------------------------------------------- writing


def _record(name_length: int, size: int, crc: int, offset: int) -> _Record:
    return _Record(
        made_by=_MADE_BY,
        needed=_VERSION_NEEDED,
        flags=0,
        method=0,
        time=_TIME,
        date=_DATE,
        crc=crc,
        packed=size,
        size=size,
        name_length=name_length,
        extra_length=0,
        comment_length=0,
        disk=0,
        internal=0,
        external=_ATTRIBUTES,
        offset=offset,
    )


def _padding(offset: int, name_length: int) -> bytes:
    """The extra field that brings the data of an entry at `offset` to a multiple of 64."""
    fixed = offset + _LOCAL.size + name_length + _PADDING.size
    zeros = -fixed % ALIGNMENT
    return _PADDING.pack(_PADDING_ID, 2 + zeros, ALIGNMENT) + bytes(zeros)


def build(
    entries: Mapping[str, bytes | memoryview], limits: Limits
) -> Iterator[bytes | memoryview]:
    """Yield an archive's bytes piece by piece; the same entries always give the same bytes."""
    names = sorted(entries, key=_order)
    if len(names) > limits.entries:
        raise TooManyEntriesError(
            f"there are {len(names)} entries; at most {limits.entries} are accepted"
        )
    for name in names:
        check_name(name.encode(), limits)
        if len(entries[name]) > min(limits.entry_bytes, _MOST):
            raise EntryTooLargeError(
                f"{name} has {len(entries[name])} bytes; at most {limits.entry_bytes} are accepted"
            )
    _check_distinct(names)
    _check_order(names)
    most = min(limits.bundle_bytes, _MOST)
    offset = 0
    directory = b""
    for name in names:
        content, raw = entries[name], name.encode()
        padding = _padding(offset, len(raw))
        record = _record(len(raw), len(content), zlib.crc32(content), offset)
        directory += _CENTRAL.pack(_CENTRAL_MAGIC, *record) + raw
        yield _LOCAL.pack(_LOCAL_MAGIC, *record[1:10], len(padding)) + raw + padding
        yield content
        offset += _LOCAL.size + len(raw) + len(padding) + len(content)
        if offset + len(directory) + _END.size > most:
            raise BundleTooLargeError(
                f"the bundle would pass the cap of {most} bytes; make it smaller"
            )
    count = len(names)
    yield directory + _END.pack(_END_MAGIC, 0, 0, count, count, len(directory), offset, 0)
