/**
 * EXIF and XMP: which way up a picture is, saying that it now is upright, and taking out where it
 * was taken. The twin of Python's `homebody.image._metadata`.
 *
 * EXIF is a TIFF file (TIFF 6.0, section 2; CIPA DC-008, section 4.5.2). Values are patched where they
 * lie, since a maker note breaks when it moves. What cannot be parsed has no orientation.
 * @module
 */

import { fromLatin1, latin1 } from "./bytes.js";

const ORIENTATION = 0x0112, EXIF_FOLDER = 0x8769, GPS_FOLDER = 0x8825;
const SHORT = 3, LONG = 4;
const MAX_ENTRIES = 4096;
/** Bytes of a value of each type, from 1. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/** @typedef {{tag: number, type: number, count: number, place: number, entry: number}} Entry */

/**
 * The EXIF orientation, 1 to 8; 1 where there is none or it makes no sense.
 *
 * @param {Uint8Array | null} exif
 */
export function orientation(exif) {
  const tiff = new Tiff(exif ?? new Uint8Array());
  const found = tiff.singles(tiff.folder(tiff.first)).find(({ tag, type }) => tag === ORIENTATION && type === SHORT);
  const value = found ? tiff.short(found.place) : 1;
  return value >= 1 && value <= 8 ? value : 1;
}

/**
 * The EXIF of a picture that is upright and of this size, without its embedded thumbnail.
 *
 * @param {Uint8Array | null} exif
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array | null} the TIFF structure without the `Exif` prefix; null when it is not one
 */
export function upright(exif, width, height) {
  if (exif === null) return null;
  const tiff = new Tiff(exif.slice());
  const folder = tiff.folder(tiff.first);
  if (folder === null) return null;
  const entries = tiff.singles(folder);
  for (const { tag, type, place } of [...entries]) {
    if (tag === EXIF_FOLDER && (type === SHORT || type === LONG)) {
      entries.push(...tiff.singles(tiff.folder(tiff.long(place))));
    }
  }
  const values = new Map([
    [ORIENTATION, 1], [0x0100, width], [0x0101, height], [0xa002, width], [0xa003, height],
  ]);
  for (const { tag, type, place } of entries) {
    const value = values.get(tag);
    if (value === undefined) continue;
    if (type === SHORT) tiff.view.setUint16(place, value, tiff.little);
    if (type === LONG) tiff.view.setUint32(place, value, tiff.little);
  }
  tiff.view.setUint32(folder.end, 0, tiff.little); // the thumbnail shows what was
  return tiff.bytes;
}

/**
 * EXIF without its GPS folder: the entries that point to it are gone, and its bytes are zero.
 *
 * @param {Uint8Array | null} exif a TIFF structure
 * @returns {Uint8Array | null}
 */
export function withoutGps(exif) {
  if (exif === null) return null;
  const tiff = new Tiff(exif.slice());
  const first = tiff.folder(tiff.first);
  if (first === null) return null;
  const folders = [first];
  for (const { tag, place } of tiff.singles(first)) {
    const folder = tag === EXIF_FOLDER ? tiff.folder(tiff.long(place)) : null;
    if (folder && !folders.some(({ start }) => start === folder.start)) folders.push(folder);
  }
  /** @type {[from: number, to: number][]} */
  const ranges = [];
  for (const folder of folders) {
    for (const { tag, place } of folder.entries) {
      const gps = tag === GPS_FOLDER ? tiff.folder(tiff.long(place)) : null;
      if (gps === null) continue;
      ranges.push([gps.start, gps.end + 4]);
      for (const { type, count, place: at } of gps.entries) {
        const bytes = (TYPE_BYTES[type] ?? 1) * count, from = tiff.long(at);
        if (bytes > 4) ranges.push([from, from + bytes]);
      }
    }
  }
  // From the back, so that the places of what is still to be removed stay.
  for (const folder of folders) {
    for (const { tag, entry } of [...folder.entries].reverse()) {
      if (tag === GPS_FOLDER) tiff.remove(folder, entry);
    }
  }
  const kept = folders.map(({ start, end }) => [start, end + 4]);
  let filled = 0;
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    // Damaged EXIF can claim that its folders are GPS values: those stay readable.
    if (!kept.some(([start, end]) => from < end && to > start) && from >= 8) {
      tiff.bytes.fill(0, Math.max(from, filled), Math.max(to, filled));
      filled = Math.max(filled, to);
    }
  }
  return tiff.bytes;
}

const SPACE = "[ \\t\\n\\r\\f\\v]";
const XMP_ORIENTATION = new RegExp(
  `(\\btiff:Orientation${SPACE}{0,9}=${SPACE}{0,9}["']|<tiff:Orientation>${SPACE}{0,99})[1-8]`, "g");

/**
 * The XMP packet with `tiff:Orientation` set to 1; its length stays.
 *
 * @param {Uint8Array | null} xmp
 */
export function uprightXmp(xmp) {
  return xmp && fromLatin1(latin1(xmp).replace(XMP_ORIENTATION, "$11"));
}

/**
 * The XMP packet without what EXIF's GPS folder becomes there; null where that cannot be taken out.
 *
 * @param {Uint8Array | null} xmp
 */
export function xmpWithoutGps(xmp) {
  if (xmp === null) return null;
  const text = latin1(xmp).replace(/\s[\w.-]{1,99}:GPS\w{0,99}\s{0,9}=\s{0,9}(?:"[^"<]*"|'[^'<]*')/g, "");
  let kept = "", from = 0;
  for (const { 0: opening, 1: name, index } of text.matchAll(/<([\w.-]{1,99}:GPS\w{0,99})[^<>]*>/g)) {
    if (index < from) continue;
    kept += text.slice(from, index);
    const end = `</${name}>`, at = opening.endsWith("/>") ? index : text.indexOf(end, index);
    if (at < 0) return null;
    from = at + (at === index ? opening : end).length;
  }
  kept += text.slice(from);
  return /GPS(?:Latitude|Longitude|Altitude|Dest|Position)/i.test(kept) ? null : fromLatin1(kept);
}

/** @typedef {{start: number, end: number, entries: Entry[]}} Folder end: where it names the next */

class Tiff {
  /** @param {Uint8Array} exif with or without its prefix */
  constructor(exif) {
    this.bytes = exif.subarray(latin1(exif.subarray(0, 6)) === "Exif\0\0" ? 6 : 0);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    const mark = latin1(this.bytes.subarray(0, 4));
    this.little = mark === "II*\0";
    /** Where the first folder is. */
    this.first = (this.little || mark === "MM\0*") && this.bytes.length >= 8 ? this.long(4) : 0;
  }

  /** @param {number} place */
  short(place) {
    return this.view.getUint16(place, this.little);
  }

  /** @param {number} place */
  long(place) {
    return this.view.getUint32(place, this.little);
  }

  /**
   * @param {number} start
   * @returns {Folder | null} null when it does not fit
   */
  folder(start) {
    if (start < 8 || start + 2 > this.bytes.length) return null;
    const count = this.short(start), end = start + 2 + 12 * count;
    if (count > MAX_ENTRIES || end + 4 > this.bytes.length) return null;
    const entries = Array.from({ length: count }, (_, i) => {
      const entry = start + 2 + 12 * i;
      return {
        tag: this.short(entry), type: this.short(entry + 2), count: this.long(entry + 4), place: entry + 8, entry,
      };
    });
    return { start, end, entries };
  }

  /**
   * The entries with one value.
   *
   * @param {Folder | null} folder
   */
  singles(folder) {
    return folder?.entries.filter(({ count }) => count === 1) ?? [];
  }

  /**
   * Take an entry out: those after it, and the next folder's place, move up.
   *
   * @param {Folder} folder
   * @param {number} entry
   */
  remove(folder, entry) {
    this.bytes.copyWithin(entry, entry + 12, folder.end + 4);
    this.bytes.fill(0, folder.end - 8, folder.end + 4);
    folder.end -= 12;
    this.view.setUint16(folder.start, (folder.end - folder.start - 2) / 12, this.little);
  }
}
