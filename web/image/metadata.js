/**
 * EXIF, ICC profile and XMP: out of a picture's file, and into the one that is written.
 * @module
 */

import { ImageWriteError } from "../errors.js";
import { fromLatin1, latin1, upright, uprightXmp, withoutGps, xmpWithoutGps } from "./exif.js";
import { chunk, chunksOf, deflate, inflate } from "./png.js";

/** @typedef {{exif: Uint8Array | null, icc: Uint8Array | null, xmp: Uint8Array | null}} Metadata */

const EXIF = "Exif\0\0", XMP = "http://ns.adobe.com/xap/1.0/\0", ICC = "ICC_PROFILE\0";
const PNG_XMP = "XML:com.adobe.xmp";
/** Text in which older programs put EXIF into PNG. */
const HEX_EXIF = "Raw profile type exif";
/** Bytes of EXIF or XMP that fit into one JPEG segment beside their heads. */
const JPEG_SEGMENT = 65_500;
const ICC_PART = 65_519;
/** Most bytes that a compressed profile or packet in a PNG may become. */
const MAX_INFLATED = 1 << 20;

/**
 * What a file carries beside its pixels; null for what is absent, damaged or empty.
 *
 * @param {Uint8Array} bytes the file
 * @param {string} format as `formatOf` names it
 * @returns {Promise<Metadata>}
 */
export async function readMetadata(bytes, format) {
  /** @type {Metadata} */
  let found = { exif: null, icc: null, xmp: null };
  if (format === "JPEG") found = fromJpeg(bytes);
  if (format === "PNG") found = await fromPng(bytes);
  if (format === "WEBP") found = fromWebp(bytes);
  const { exif, icc, xmp } = found;
  const isRgb = icc !== null && icc.length >= 128 && latin1(icc.subarray(16, 20)) === "RGB ";
  return { exif: exif?.length ? exif : null, icc: isRgb ? icc : null, xmp: xmp?.length ? xmp : null };
}

/** @param {Uint8Array} bytes @returns {Metadata} */
function fromJpeg(bytes) {
  const exif = [], profile = [];
  let icc = null, xmp = null;
  for (let at = 2; at + 3 < bytes.length;) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    if (marker === 0xda) break;
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9)) {
      at += 2;
      continue;
    }
    const end = at + 2 + (bytes[at + 2] << 8 | bytes[at + 3]);
    if (end < at + 4 || end > bytes.length) break;
    const data = bytes.subarray(at + 4, end);
    at = end;
    if (marker === 0xe1 && starts(data, EXIF)) exif.push(exif.length ? data.subarray(6) : data);
    if (marker === 0xe1 && starts(data, XMP)) xmp = data.slice(XMP.length);
    if (marker === 0xe2 && starts(data, ICC)) profile.push(data);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker) && profile.length) {
      const parts = profile.splice(0).sort((a, b) => a[12] - b[12]);
      icc = parts[0][13] === parts.length ? concat(...parts.map((part) => part.subarray(14))) : null;
    }
  }
  return { exif: exif.length ? concat(...exif) : null, icc, xmp };
}

/** @param {Uint8Array} bytes @returns {Promise<Metadata>} */
async function fromPng(bytes) {
  /** @type {Metadata} */
  const found = { exif: null, icc: null, xmp: null };
  /** @type {Uint8Array | null} */
  let hex = null;
  for (const { kind, data } of chunksOf(bytes)) {
    if (kind === "eXIf") found.exif = data.slice();
    if (kind === "iCCP" && data[data.indexOf(0) + 1] === 0) {
      found.icc = await inflate(data.subarray(data.indexOf(0) + 2), MAX_INFLATED).catch(() => null);
    }
    if (kind === "iTXt" && starts(data, `${PNG_XMP}\0`)) {
      const [compressed, method] = data.subarray(PNG_XMP.length + 1);
      const language = data.indexOf(0, PNG_XMP.length + 3), keyword = data.indexOf(0, language + 1);
      if (language < 0 || keyword < 0) continue;
      const text = data.slice(keyword + 1);
      if (!compressed) found.xmp = text;
      else if (method === 0) found.xmp = await inflate(text, MAX_INFLATED).catch(() => found.xmp);
    }
    if ((kind === "tEXt" || kind === "zTXt") && starts(data, `${HEX_EXIF}\0`)) {
      const text = data.subarray(HEX_EXIF.length + 1);
      hex = kind === "tEXt" ? text : await inflate(text.subarray(1), MAX_INFLATED).catch(() => null);
    }
  }
  if (found.exif === null && hex) found.exif = fromHex(latin1(hex).split("\n").slice(3).join(""));
  else if (found.exif === null && found.xmp) found.exif = exifOf(found.xmp);
  return found;
}

/** @param {string} text @returns {Uint8Array | null} */
function fromHex(text) {
  if (text.length % 2 || /[^0-9a-f]/i.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/**
 * EXIF that says what the XMP says of the orientation: PNG has had its own EXIF only since 2017.
 *
 * @param {Uint8Array} xmp
 */
function exifOf(xmp) {
  const found = latin1(xmp).match(/tiff:Orientation(?:="|>)([0-9])/);
  if (!found) return null;
  return Uint8Array.of(0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, +found[1], 0, 0, 0, 0, 0, 0);
}

/** @param {Uint8Array} bytes @returns {Metadata} */
function fromWebp(bytes) {
  /** @type {Metadata} */
  const found = { exif: null, icc: null, xmp: null };
  for (const { kind, data } of riffChunks(bytes)) {
    if (kind === "EXIF") found.exif ??= data.slice();
    if (kind === "ICCP") found.icc ??= data.slice();
    if (kind === "XMP ") found.xmp ??= data.slice();
  }
  return found;
}

/**
 * The metadata of an upright picture of this size, ready to be written.
 *
 * @param {Metadata} photo
 * @param {number} width
 * @param {number} height
 * @param {boolean} gps whether the place where it was taken stays
 * @returns {Metadata}
 */
export function toWrite({ exif, icc, xmp }, width, height, gps) {
  const tags = upright(exif, width, height), packet = uprightXmp(xmp);
  return { exif: gps ? tags : withoutGps(tags), icc, xmp: gps ? packet : xmpWithoutGps(packet) };
}

/**
 * Whether a file says where it was taken.
 *
 * @param {Metadata} photo
 */
export function hasGps({ exif, xmp }) {
  const without = withoutGps(exif);
  const inExif = exif !== null && without !== null && latin1(without) !== latin1(exif.subarray(-without.length));
  return inExif || (xmp !== null && latin1(xmpWithoutGps(xmp) ?? new Uint8Array()) !== latin1(xmp));
}

/**
 * A JPEG file with this metadata in place of its own.
 *
 * @param {Blob} file
 * @param {Metadata} metadata
 * @returns {Promise<Blob>}
 * @throws {ImageWriteError} when the EXIF or the XMP is too long for one
 */
export async function intoJpeg(file, { exif, icc, xmp }) {
  for (const [name, value] of /** @type {const} */ ([["EXIF", exif], ["XMP", xmp]])) {
    if (value && value.length > JPEG_SEGMENT) {
      throw new ImageWriteError(
        `the photo's ${name} of ${value.length.toLocaleString("en")} bytes does not fit into a JPEG; ` +
          "choose PNG or WebP");
    }
  }
  const head = new Uint8Array(await file.slice(0, 1 << 16).arrayBuffer());
  const parts = [head.subarray(0, 2)];
  let at = 2;
  const segments = [];
  while (head[at] === 0xff && head[at + 1] >= 0xe0 && head[at + 1] <= 0xef) {
    const end = at + 2 + (head[at + 2] << 8 | head[at + 3]);
    if (head[at + 1] === 0xe0 || head[at + 1] === 0xee) segments.push(head.subarray(at, end)); // JFIF, Adobe
    at = end;
  }
  if (segments.length && segments[0][1] === 0xe0) parts.push(/** @type {any} */ (segments.shift()));
  if (exif) parts.push(segment(0xe1, fromLatin1(EXIF), exif));
  if (xmp) parts.push(segment(0xe1, fromLatin1(XMP), xmp));
  const pieces = icc ? Math.ceil(icc.length / ICC_PART) : 0;
  for (let i = 0; icc && i < pieces && pieces <= 255; i++) {
    const numbers = Uint8Array.of(i + 1, pieces);
    parts.push(segment(0xe2, fromLatin1(ICC), numbers, icc.subarray(i * ICC_PART, (i + 1) * ICC_PART)));
  }
  return new Blob(/** @type {BlobPart[]} */ ([...parts, ...segments, file.slice(at)]), { type: "image/jpeg" });
}

/**
 * @param {number} marker
 * @param {...Uint8Array} data
 */
function segment(marker, ...data) {
  const length = 2 + data.reduce((sum, { length }) => sum + length, 0);
  return concat(Uint8Array.of(0xff, marker, length >> 8, length & 255), ...data);
}

/**
 * The chunks of a PNG file that hold this metadata; they go before its pixels.
 *
 * @param {Metadata} metadata
 */
export async function pngChunks({ exif, icc, xmp }) {
  const chunks = [];
  if (icc) chunks.push(chunk("iCCP", concat(fromLatin1("ICC Profile\0\0"), await deflate(icc))));
  if (xmp) chunks.push(chunk("iTXt", concat(fromLatin1(`${PNG_XMP}\0\0\0\0\0`), xmp)));
  if (exif) chunks.push(chunk("eXIf", exif));
  return chunks;
}

/**
 * A WebP file with this metadata (RFC 9649, section 2.7).
 *
 * @param {Blob} file
 * @param {Metadata} metadata
 * @param {{width: number, height: number, alpha: boolean}} picture
 * @returns {Promise<Blob>}
 */
export async function intoWebp(file, { exif, icc, xmp }, { width, height, alpha }) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const pixels = [...riffChunks(bytes)].filter(({ kind }) => ["VP8 ", "VP8L", "ALPH"].includes(kind));
  const head = new Uint8Array(10);
  head[0] = (icc ? 0x20 : 0) | (alpha ? 0x10 : 0) | (exif ? 0x08 : 0) | (xmp ? 0x04 : 0);
  for (let byte = 0; byte < 3; byte++) {
    head[4 + byte] = (width - 1) >> (8 * byte);
    head[7 + byte] = (height - 1) >> (8 * byte);
  }
  const body = concat(fromLatin1("WEBP"), riffChunk("VP8X", head), ...(icc ? [riffChunk("ICCP", icc)] : []),
    ...pixels.map(({ kind, data }) => riffChunk(kind, data)),
    ...(exif ? [riffChunk("EXIF", exif)] : []), ...(xmp ? [riffChunk("XMP ", xmp)] : []));
  return new Blob([riffChunk("RIFF", body)], { type: "image/webp" });
}

/**
 * @param {Uint8Array} bytes
 * @returns {Generator<{kind: string, data: Uint8Array}>}
 */
function* riffChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    if (length > bytes.length - at - 8) return;
    yield { kind: latin1(bytes.subarray(at, at + 4)), data: bytes.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length & 1);
  }
}

/**
 * @param {string} kind
 * @param {Uint8Array} data
 */
function riffChunk(kind, data) {
  const whole = new Uint8Array(8 + data.length + (data.length & 1));
  whole.set(fromLatin1(kind));
  new DataView(whole.buffer).setUint32(4, data.length, true);
  whole.set(data, 8);
  return whole;
}

/**
 * @param {Uint8Array} data
 * @param {string} text
 */
function starts(data, text) {
  return latin1(data.subarray(0, text.length)) === text;
}

/** @param {...Uint8Array} parts */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
