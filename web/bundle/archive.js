/**
 * The one ZIP form that a bundle has: every header field has exactly one permitted value.
 *
 * The twin of Python's `homebody.bundle._archive`; docs/bundle-format.md gives the layout.
 * @module
 */

import * as errors from "../errors.js";
import { quoted } from "./text.js";

/** @import {Limits} from "./limits.js" */
/** @typedef {{start: number, size: number, crc: number}} Span where an entry's bytes lie */
/**
 * A central directory record, but for its magic.
 * @typedef {{madeBy: number, needed: number, flags: number, method: number, time: number, date: number,
 *   crc: number, packed: number, size: number, nameLength: number, extraLength: number,
 *   commentLength: number, disk: number, internal: number, external: number, offset: number}} Entry
 */

export const MANIFEST = "manifest.json";
export const SIGNATURE = "signature";

const ALIGNMENT = 64;
const LOCAL_BYTES = 30, CENTRAL_BYTES = 46, END_BYTES = 22;
const LOCAL_MAGIC = 0x04034b50, CENTRAL_MAGIC = 0x02014b50, END_MAGIC = 0x06054b50;
const ZIP64_LOCATOR_MAGIC = 0x07064b50;
const ZIP64_EXTRA = 0x0001, PADDING = 0xd935;
const ENCRYPTED = 0x0001 | 0x0040 | 0x2000, DESCRIPTOR = 0x0008;
const BEYOND = 0xffffffff;

/**
 * Find every entry of an archive, in order; accept one layout and nothing else.
 *
 * @param {Uint8Array} bytes
 * @param {Limits} limits
 * @returns {Map<string, Span>}
 * @throws {errors.BundleError}
 */
export function parseArchive(bytes, limits) {
  if (bytes.length > limits.bundleBytes) {
    throw new errors.BundleTooLargeError(
      `the bundle has ${bytes.length} bytes; at most ${limits.bundleBytes} are accepted`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { directory, count } = findDirectory(view, limits);
  const records = readDirectory(view, bytes, directory, count, limits);
  const names = records.map(([name]) => name);
  checkDistinct(names);
  /** @type {Map<string, Span>} */
  const spans = new Map();
  let cursor = 0;
  for (const [name, record] of records) {
    const span = checkLocal(view, bytes, name, record, cursor, directory);
    spans.set(name, span);
    cursor = span.start + span.size;
  }
  if (cursor !== directory) {
    throw new errors.UnaccountedBytesError(
      `${directory - cursor} bytes before the directory belong to no entry; rewrite the file`);
  }
  checkOrder(names);
  return spans;
}

/** @param {DataView} view @param {Limits} limits */
function findDirectory(view, limits) {
  const size = view.byteLength, end = size - END_BYTES;
  /** @param {number} at */
  const magic = (at) => (at >= 0 && at + 4 <= size ? view.getUint32(at, true) : -1);
  const startsLikeZip = magic(0) === LOCAL_MAGIC || magic(0) === END_MAGIC;
  if (magic(end) !== END_MAGIC || view.getUint16(size - 2, true)) {
    let found = Math.min(end, size - 4);
    const first = Math.max(0, end - 0xffff);
    while (found >= first && magic(found) !== END_MAGIC) found--;
    if (found >= first && size - found > END_BYTES) {
      throw new errors.TrailingDataError(
        `${size - found - END_BYTES} bytes follow the archive's end record; a bundle has no comment ` +
          "and nothing behind it");
    }
    if (startsLikeZip) {
      throw new errors.TruncatedBundleError(
        "the archive's end record is missing; the file is cut short, fetch it again");
    }
    throw new errors.NotABundleError("this is not a ZIP archive; a bundle is one ZIP file, NAME.hb");
  }
  if (!startsLikeZip) {
    throw new errors.LeadingDataError("the archive does not start at the file's first byte");
  }
  const [disk, firstDisk, here, count] = [4, 6, 8, 10].map((at) => view.getUint16(end + at, true));
  const length = view.getUint32(end + 12, true), offset = view.getUint32(end + 16, true);
  const locator = magic(Math.max(0, end - 20));
  if (here === 0xffff || count === 0xffff || length === BEYOND || offset === BEYOND ||
      locator === ZIP64_LOCATOR_MAGIC) {
    throw new errors.Zip64Error("the archive uses ZIP64; a bundle is a plain ZIP under 4 GiB");
  }
  if (disk || firstDisk || here !== count) {
    throw new errors.MultiDiskError("the archive is split over several disks; a bundle is one file");
  }
  if (count > limits.entries) {
    throw new errors.TooManyEntriesError(
      `the archive has ${count} entries; at most ${limits.entries} are accepted`);
  }
  if (offset + length > end) {
    throw new errors.TruncatedBundleError(
      "the directory reaches past the end record; the file is damaged, fetch it again");
  }
  if (offset + length < end) {
    throw new errors.UnaccountedBytesError(
      `${end - offset - length} bytes before the end record belong to nothing`);
  }
  return { directory: offset, count };
}

/**
 * @param {DataView} view
 * @param {Uint8Array} bytes
 * @param {number} offset
 * @param {number} count
 * @param {Limits} limits
 * @returns {[string, Entry][]}
 */
function readDirectory(view, bytes, offset, count, limits) {
  const end = view.byteLength - END_BYTES;
  /** @type {[string, Entry][]} */
  const records = [];
  for (let i = 0; i < count; i++) {
    if (end - offset < CENTRAL_BYTES) {
      throw new errors.TruncatedBundleError(
        `the directory ends before its ${count} records do; fetch the file again`);
    }
    if (view.getUint32(offset, true) !== CENTRAL_MAGIC) {
      throw new errors.NonCanonicalError(`the directory has no record at byte ${offset}`);
    }
    const record = readRecord(view, offset);
    offset += CENTRAL_BYTES;
    const rest = record.nameLength + record.extraLength + record.commentLength;
    if (end - offset < rest) {
      throw new errors.TruncatedBundleError("a directory record reaches past the directory");
    }
    const name = checkName(bytes.subarray(offset, offset + record.nameLength), limits);
    const extra = rest - record.nameLength >= 2 ? view.getUint16(offset + record.nameLength, true) : -1;
    checkRecord(name, record, extra, limits);
    records.push([name, record]);
    offset += rest;
  }
  if (offset !== end) {
    throw new errors.UnaccountedBytesError(`${end - offset} bytes of the directory belong to no record`);
  }
  return records;
}

/** @param {DataView} view @param {number} at @returns {Entry} */
function readRecord(view, at) {
  /** @param {number} offset */
  const u16 = (offset) => view.getUint16(at + offset, true);
  /** @param {number} offset */
  const u32 = (offset) => view.getUint32(at + offset, true);
  return {
    madeBy: u16(4), needed: u16(6), flags: u16(8), method: u16(10), time: u16(12), date: u16(14),
    crc: u32(16), packed: u32(20), size: u32(24), nameLength: u16(28), extraLength: u16(30),
    commentLength: u16(32), disk: u16(34), internal: u16(36), external: u32(38), offset: u32(42),
  };
}

/** What every record of a bundle says, but for lengths, the checksum and the place. */
const CANONICAL = {
  madeBy: 0x0314, needed: 10, flags: 0, method: 0, time: 0, date: 0x0021, extraLength: 0,
  commentLength: 0, disk: 0, internal: 0, external: 0x81a40000,
};

/**
 * Refuse what a ZIP may say and a bundle may not, the telling refusals first.
 *
 * @param {string} name
 * @param {Entry} record
 * @param {number} extra the first field's id, or -1
 * @param {Limits} limits
 */
function checkRecord(name, record, extra, limits) {
  const { size, packed, offset, external } = record;
  if (extra === ZIP64_EXTRA || size === BEYOND || packed === BEYOND || offset === BEYOND) {
    throw new errors.Zip64Error(`${name} uses ZIP64; a bundle is a plain ZIP under 4 GiB`);
  }
  if (record.flags & ENCRYPTED) {
    throw new errors.EncryptedEntryError(`${name} is marked as encrypted; a bundle's entries are plain`);
  }
  if (record.flags & DESCRIPTOR) {
    throw new errors.DataDescriptorError(`${name} has a data descriptor; state sizes in the headers`);
  }
  if (record.method) {
    throw new errors.CompressedEntryError(
      `${name} is compressed (method ${record.method}); store it, so that it can be mapped`);
  }
  const kind = external >>> 28;
  if ((kind !== 0 && kind !== 8) || external & 0x10) {
    throw new errors.SpecialEntryError(`${name} is a folder, a link or a device; a bundle has files only`);
  }
  if (record.disk) {
    throw new errors.MultiDiskError(`${name} lies on disk ${record.disk}; a bundle is one file`);
  }
  if (packed !== size) {
    throw new errors.HeaderMismatchError(`${name} is stored, yet its two sizes differ`);
  }
  if (size > limits.entryBytes) {
    throw new errors.EntryTooLargeError(
      `${name} has ${size} bytes; at most ${limits.entryBytes} are accepted`);
  }
  for (const [field, value] of Object.entries(CANONICAL)) {
    if (record[/** @type {keyof Entry} */ (field)] !== value) {
      throw new errors.NonCanonicalError(
        `${name} has another ${field} in its header than a bundle allows; write the file with homebody`);
    }
  }
}

/**
 * Check an entry's local header against its record.
 *
 * @param {DataView} view
 * @param {Uint8Array} bytes
 * @param {string} name
 * @param {Entry} record
 * @param {number} cursor where the entry must start
 * @param {number} directory where the directory starts
 * @returns {Span}
 */
function checkLocal(view, bytes, name, record, cursor, directory) {
  if (record.offset < cursor) {
    throw new errors.OverlappingEntriesError(`${name} starts inside the entry before it`);
  }
  if (record.offset > cursor) {
    if (cursor === 0) {
      throw new errors.LeadingDataError(`${record.offset} bytes stand before the first entry`);
    }
    throw new errors.UnaccountedBytesError(
      `${record.offset - cursor} bytes before ${name} belong to no entry; rewrite the file`);
  }
  // Never past the end: the directory, with this entry's record in it, still follows.
  if (view.getUint32(cursor, true) !== LOCAL_MAGIC) {
    throw new errors.HeaderMismatchError(`${name} has no local header at byte ${cursor}`);
  }
  const { needed, flags, method, time, date, crc, packed, size, nameLength } = record;
  const stated = [needed, flags, method, time, date];
  const agrees = stated.every((value, i) => view.getUint16(cursor + 4 + 2 * i, true) === value) &&
    [crc, packed, size].every((value, i) => view.getUint32(cursor + 14 + 4 * i, true) === value) &&
    view.getUint16(cursor + 26, true) === nameLength;
  const nameAt = cursor + LOCAL_BYTES;
  const named = String.fromCharCode(...bytes.subarray(nameAt, nameAt + name.length));
  if (!agrees || named !== name) {
    throw new errors.HeaderMismatchError(
      `${name}'s local header contradicts the directory; the file was tampered with`);
  }
  const extraAt = nameAt + nameLength;
  const start = extraAt + view.getUint16(cursor + 28, true);
  if (start % ALIGNMENT) {
    throw new errors.MisalignedEntryError(
      `${name}'s data start at byte ${start}; they must start at a multiple of ${ALIGNMENT}`);
  }
  if (start > directory || start + size > directory) {
    throw new errors.OverlappingEntriesError(`${name}'s data reach into the directory`);
  }
  const zeros = start - extraAt - 6;
  const padded = zeros >= 0 && zeros < ALIGNMENT &&
    view.getUint16(extraAt, true) === PADDING && view.getUint16(extraAt + 2, true) === 2 + zeros &&
    view.getUint16(extraAt + 4, true) === ALIGNMENT &&
    bytes.subarray(extraAt + 6, start).every((byte) => byte === 0);
  if (!padded) {
    throw new errors.NonCanonicalError(
      `${name}'s local header is padded in a way of its own; write the file with homebody`);
  }
  return { start, size, crc };
}

/**
 * An entry's name, unless it is unsafe on any platform.
 *
 * @param {Uint8Array} raw
 * @param {Limits} limits
 * @returns {string}
 */
function checkName(raw, limits) {
  if (raw.length > limits.nameBytes) {
    throw new errors.NameTooLongError(
      `an entry's name has ${raw.length} bytes; at most ${limits.nameBytes} are accepted`);
  }
  const name = String.fromCharCode(...raw), shown = quoted(name);
  if (name.includes("\\")) {
    throw new errors.BackslashPathError(`the entry ${shown} has a backslash; separate folders with '/'`);
  }
  if (/^(\/|[A-Za-z]:)/.test(name)) {
    throw new errors.AbsolutePathError(`the entry ${shown} is an absolute path; make it relative`);
  }
  if (name.endsWith("/")) {
    throw new errors.SpecialEntryError(`the entry ${shown} is a folder; list files only`);
  }
  if (name.split("/").some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw new errors.PathTraversalError(
      `the entry ${shown} has an empty, '.' or '..' segment; name it from the root down`);
  }
  const portable = /^[A-Za-z0-9_.\-/]+$/.test(name) &&
    name.toLowerCase().split("/").every((segment) =>
      !segment.endsWith(".") && !/^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/.test(segment));
  if (!portable) {
    throw new errors.UnportableNameError(
      `the entry ${shown} cannot be stored on every platform; use A-Z a-z 0-9 _ . - and '/', no segment ` +
        "that ends with '.', and no device name such as 'con'");
  }
  return name;
}

/** @param {string[]} names */
function checkDistinct(names) {
  /** @type {Set<string>} */
  const seen = new Set();
  for (const name of names) {
    if (seen.has(name)) throw new errors.DuplicateEntryError(`the entry ${quoted(name)} is there twice; keep one`);
    seen.add(name);
  }
  /** @type {Map<string, string>} */
  const folded = new Map();
  for (const name of names) {
    const other = folded.get(name.toLowerCase());
    if (other !== undefined) {
      throw new errors.NameCollisionError(
        `the entries ${quoted(other)} and ${quoted(name)} are one file where case is ignored; rename one`);
    }
    folded.set(name.toLowerCase(), name);
  }
  for (const name of names) {
    const parts = name.toLowerCase().split("/");
    for (let end = 1; end < parts.length; end++) {
      const file = folded.get(parts.slice(0, end).join("/"));
      if (file !== undefined) {
        throw new errors.NameCollisionError(
          `the entry ${quoted(file)} is a file and, in ${quoted(name)}, a folder; rename one`);
      }
    }
  }
}

/** The one order: manifest.json, signature, then the rest by their bytes. @param {string[]} names */
function checkOrder(names) {
  if (!names.includes(MANIFEST)) {
    throw new errors.MissingManifestError("the archive has no manifest.json; is it a Homebody bundle?");
  }
  /** @param {string} name */
  const key = (name) => (name === MANIFEST ? "0" : name === SIGNATURE ? "1" : "2") + name;
  for (let i = 1; i < names.length; i++) {
    if (key(names[i - 1]) >= key(names[i])) {
      throw new errors.EntryOrderError(
        "the entries are out of order; write manifest.json, signature, then the rest by name");
    }
  }
}
