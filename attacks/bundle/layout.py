"""Attacks on the archive: its records, its headers and its names."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from attacks.bundle.forge import (
    Part,
    Rows,
    good,
    good_manifest,
    labelled,
    make_zip,
    named,
    parts_of,
    with_entries,
)


def archive() -> Rows:
    whole = good()
    directory = int(struct.unpack_from("<I", whole, len(whole) - 6)[0])
    yield "empty", "NotABundleError", "no bytes at all", b"", {}
    yield "text", "NotABundleError", "not a ZIP", b"homebody/1\n" * 9, {}
    yield "cut-in-data", "TruncatedBundleError", "the end is missing", whole[:600], {}
    yield "cut-in-end", "TruncatedBundleError", "the end record is cut", whole[:-1], {}
    yield "four-bytes", "TruncatedBundleError", "only a header's magic", whole[:4], {}
    yield (
        "directory-past-end",
        "TruncatedBundleError",
        "the directory claims more bytes than there are",
        make_zip(parts_of(good_manifest()), length=0xFFFF),
        {},
    )
    yield (
        "count-over-records",
        "TruncatedBundleError",
        "the end record counts a record that is not there",
        make_zip(parts_of(good_manifest()), here=4, count=4),
        {},
    )
    yield (
        "count-under-records",
        "UnaccountedBytesError",
        "the end record hides the last record",
        make_zip(parts_of(good_manifest()), here=2, count=2),
        {},
    )
    yield "junk-behind", "TrailingDataError", "bytes follow the end record", whole + b"junk", {}
    yield (
        "comment",
        "TrailingDataError",
        "an archive comment, in which another archive can hide",
        make_zip(parts_of(good_manifest()), comment_length=2, after=b"hi"),
        {},
    )
    yield (
        "junk-before",
        "LeadingDataError",
        "a script before the archive",
        b"#!/bin/sh\n" + whole,
        {},
    )
    yield (
        "junk-before-adjusted",
        "LeadingDataError",
        "bytes before the first entry, every offset adjusted to them",
        make_zip(
            [
                part._replace(gap=b"PK\3\4" * 16) if number == 0 else part
                for number, part in enumerate(parts_of(good_manifest()))
            ]
        ),
        {},
    )
    yield "two-archives", "UnaccountedBytesError", "two archives in one file", whole + whole, {}
    yield (
        "gap",
        "UnaccountedBytesError",
        "64 bytes hidden between two entries",
        make_zip(
            [
                part._replace(gap=bytes(64) if number == 1 else b"")
                for number, part in enumerate(parts_of(good_manifest()))
            ]
        ),
        {},
    )
    yield (
        "gap-before-directory",
        "UnaccountedBytesError",
        "bytes between the last entry and the directory",
        whole[:directory] + b"hidden" + whole[directory:-6] + struct.pack("<IH", directory + 6, 0),
        {},
    )
    yield (
        "gap-before-end",
        "UnaccountedBytesError",
        "bytes between the directory and the end record",
        make_zip(parts_of(good_manifest()), before=b"hidden"),
        {},
    )
    yield (
        "directory-tail",
        "UnaccountedBytesError",
        "bytes at the directory's end that are no record",
        make_zip(parts_of(good_manifest()), before=b"hidden", length=_directory_length(whole) + 6),
        {},
    )
    past = bytearray(whole)
    past[-22 - len("model.tflite") - 14] = 1  # the last record's comment length
    yield (
        "record-past-directory",
        "TruncatedBundleError",
        "a record with a comment of 1 byte that is not there",
        bytes(past),
        {},
    )
    yield (
        "comment-absent",
        "TruncatedBundleError",
        "an archive comment is announced and does not follow",
        make_zip(parts_of(good_manifest()), comment_length=5),
        {},
    )
    yield (
        "disks",
        "MultiDiskError",
        "one of several disks",
        make_zip(parts_of(good_manifest()), disk=1, first_disk=1),
        {},
    )
    yield (
        "counts-differ",
        "MultiDiskError",
        "the two counts in the end record differ",
        make_zip(parts_of(good_manifest()), here=2),
        {},
    )
    yield (
        "zip64-count",
        "Zip64Error",
        "the count refers to a ZIP64 record",
        make_zip(parts_of(good_manifest()), here=0xFFFF, count=0xFFFF),
        {},
    )
    yield (
        "zip64-offset",
        "Zip64Error",
        "the directory's offset refers to a ZIP64 record",
        make_zip(parts_of(good_manifest()), offset=0xFFFFFFFF),
        {},
    )
    yield (
        "zip64-locator",
        "Zip64Error",
        "a ZIP64 locator that some readers follow and others do not",
        make_zip(parts_of(good_manifest()), before=struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)),
        {},
    )


def _directory_length(whole: bytes) -> int:
    return int(struct.unpack_from("<I", whole, len(whole) - 10)[0])


def headers() -> Rows:
    first, labels, model = parts_of(good_manifest())
    packed = zlib.compress(labels.data, wbits=-15)
    deflated = {"method": 8, "packed": len(packed), "crc": zlib.crc32(labels.data), "size": 11}
    bomb = zlib.compress(bytes(1 << 16), wbits=-15)
    yield (
        "deflated",
        "CompressedEntryError",
        "an entry is compressed",
        make_zip([first, Part(labels.name, packed, deflated, deflated), model]),
        {},
    )
    swollen = {"method": 8, "packed": len(bomb), "size": 500 << 20}
    yield (
        "bomb",
        "CompressedEntryError",
        "a decompression bomb: 85 bytes that claim to be 500 MiB",
        make_zip([first, Part(labels.name, bomb, swollen, swollen), model]),
        {},
    )
    yield (
        "method-local-only",
        "HeaderMismatchError",
        "stored by the directory, compressed by the local header",
        labelled({}, {"method": 8}),
        {},
    )
    yield "encrypted", "EncryptedEntryError", "the flag of encryption", labelled({"flags": 1}), {}
    yield (
        "masked",
        "EncryptedEntryError",
        "the flag of masked local headers",
        labelled({"flags": 0x2000}),
        {},
    )
    yield (
        "descriptor",
        "DataDescriptorError",
        "sizes said to follow the data",
        labelled({"flags": 8}),
        {},
    )
    yield (
        "symlink",
        "SpecialEntryError",
        "an entry is a symbolic link",
        labelled({"external": 0o120777 << 16}),
        {},
    )
    yield (
        "device",
        "SpecialEntryError",
        "an entry is a character device",
        labelled({"external": 0o020666 << 16}),
        {},
    )
    yield "folder", "SpecialEntryError", "an entry is a folder", named(b"samples/"), {}
    yield (
        "folder-attribute",
        "SpecialEntryError",
        "an entry has the DOS attribute of a folder",
        labelled({"external": 0o100644 << 16 | 0x10}),
        {},
    )
    yield (
        "entry-on-disk-2",
        "MultiDiskError",
        "an entry lies on another disk",
        labelled({"disk": 1}),
        {},
    )
    yield (
        "zip64-extra",
        "Zip64Error",
        "a ZIP64 extra field that states another size",
        labelled({"extra": struct.pack("<HHQQ", 1, 16, 9, 9)}),
        {},
    )
    yield (
        "zip64-size",
        "Zip64Error",
        "a size of 0xFFFFFFFF, which means 'see ZIP64'",
        labelled({"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF}),
        {},
    )
    yield (
        "name-local-only",
        "HeaderMismatchError",
        "the local header has another name of the same length",
        labelled({}, {"name": b"labels.exe"}),
        {},
    )
    yield (
        "name-length-local-only",
        "HeaderMismatchError",
        "the local header has a longer name",
        labelled({}, {"name": b"labels.txt.exe"}),
        {},
    )
    yield (
        "size-local-only",
        "HeaderMismatchError",
        "the local header has another size",
        labelled({}, {"size": 10, "packed": 10}),
        {},
    )
    yield (
        "crc-local-only",
        "HeaderMismatchError",
        "the local header has another CRC-32",
        labelled({}, {"crc": 1}),
        {},
    )
    yield (
        "no-local-header",
        "HeaderMismatchError",
        "no header where the directory says it is",
        labelled({}, {"magic": b"PK\7\x08"}),
        {},
    )
    yield (
        "sizes-differ",
        "HeaderMismatchError",
        "stored, yet packed to another size",
        labelled({"packed": 3}),
        {},
    )
    yield (
        "overlap",
        "OverlappingEntriesError",
        "an entry starts at the offset of another",
        make_zip([first, labels, model._replace(central={"offset": 0})]),
        {},
    )
    nested = make_zip([first, labels._replace(skip=True, central={"offset": 0}), model])
    yield "shared", "OverlappingEntriesError", "two records share one entry's data", nested, {}
    yield (
        "offset-in-directory",
        "UnaccountedBytesError",
        "an entry said to start inside the directory",
        make_zip([first, labels, model._replace(central={"offset": len(good()) - 100})]),
        {},
    )
    yield (
        "data-in-directory",
        "OverlappingEntriesError",
        "an entry's data are said to reach into the directory",
        make_zip([first, labels, model._replace(**_sized(300))]),
        {},
    )
    yield (
        "misaligned",
        "MisalignedEntryError",
        "data that cannot be mapped: not at a multiple of 64",
        make_zip([first, labels, model._replace(local={"padding": b""})]),
        {},
    )
    hidden = struct.pack("<3H", 0xD935, 2 + 64 + 40, 64) + b"#" * (64 + 40)
    yield (
        "padding-hides",
        "MisalignedEntryError",
        "padding of an entry's own length",
        make_zip([first, labels, model._replace(local={"padding": hidden})]),
        {},
    )
    whole = bytearray(good())
    at = whole.index(struct.pack("<H", 0xD935)) + 6
    whole[at] = 1
    yield (
        "padding-carries",
        "NonCanonicalError",
        "a byte smuggled into the padding",
        bytes(whole),
        {},
    )
    yield (
        "time",
        "NonCanonicalError",
        "a time of day, which would make equal content differ",
        labelled({"time": 1}),
        {},
    )
    yield (
        "entry-comment",
        "NonCanonicalError",
        "an entry has a comment",
        labelled({"comment": b"hello"}),
        {},
    )
    yield (
        "extra",
        "NonCanonicalError",
        "an entry's record has an extra field (a second, Unicode name)",
        labelled({"extra": struct.pack("<HHBI", 0x7075, 5, 1, 0)}),
        {},
    )
    yield (
        "record-magic",
        "NonCanonicalError",
        "a directory record without its magic",
        labelled({"magic": b"PK\5\5"}, {}),
        {},
    )
    yield (
        "manifest-last",
        "EntryOrderError",
        "manifest.json is not the first entry",
        make_zip([labels, model, first]),
        {},
    )
    yield (
        "unsorted",
        "EntryOrderError",
        "entries are not sorted by name",
        make_zip([first, model, labels]),
        {},
    )


def _sized(size: int) -> dict[str, Any]:
    return {"central": {"size": size, "packed": size}, "local": {"size": size, "packed": size}}


def names() -> Rows:
    yield "traversal", "PathTraversalError", "climbs out", named(b"../../etc/passwd"), {}
    yield "traversal-inside", "PathTraversalError", "climbs inside", named(b"a/../../b"), {}
    yield "dot-segment", "PathTraversalError", "two names for one file", named(b"a/./b"), {}
    yield "empty-segment", "PathTraversalError", "two names for one file", named(b"a//b"), {}
    yield "no-name", "PathTraversalError", "an entry without a name", named(b""), {}
    yield "absolute", "AbsolutePathError", "an absolute path", named(b"/etc/passwd"), {}
    yield "drive", "AbsolutePathError", "a path on a drive", named(b"C:/boot.ini"), {}
    yield "backslash", "BackslashPathError", "climbs out on Windows", named(b"..\\..\\boot.ini"), {}
    yield "share", "BackslashPathError", "a network share", named(b"\\\\host\\share"), {}
    yield "control", "UnportableNameError", "acts on a terminal", named(b"z\x1b[2J"), {}
    yield "nul", "UnportableNameError", "ends early in C", named(b"z.txt\0.exe"), {}
    yield "not-utf8", "UnportableNameError", "bytes that are not UTF-8", named(b"z\xff\xfe"), {}
    yield (
        "look-alike",
        "UnportableNameError",
        "a Cyrillic letter that looks like an ASCII one",
        named("m\u043edel.tflite".encode()),
        {},
    )
    yield "device-name", "UnportableNameError", "a device on Windows", named(b"z/con.txt"), {}
    yield "dot-end", "UnportableNameError", "loses its dot on Windows", named(b"model.tflite."), {}
    yield "stream", "UnportableNameError", "a data stream on NTFS", named(b"z.txt:hidden"), {}
    first, labels, model = parts_of(good_manifest())
    yield (
        "twice",
        "DuplicateEntryError",
        "two entries of one name: readers differ in which they take",
        make_zip([first, labels, labels._replace(data=b"right\nleft\n"), model]),
        {},
    )
    yield (
        "manifest-twice",
        "DuplicateEntryError",
        "a second manifest",
        make_zip([first, first, labels, model]),
        {},
    )
    yield (
        "case",
        "NameCollisionError",
        "one file where case is ignored",
        with_entries("Labels.txt"),
        {},
    )
    yield (
        "case-manifest",
        "NameCollisionError",
        "a second manifest where case is ignored",
        with_entries("Manifest.JSON"),
        {},
    )
    yield (
        "file-and-folder",
        "NameCollisionError",
        "a file that is also a folder",
        with_entries("labels.txt/x"),
        {},
    )
