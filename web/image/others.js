/**
 * Pictures that are no JPEG, or one of a kind that the kernels do not decode: PNG is read here, the
 * rest by the browser. Fetched when the first of them is met.
 * @module
 */

import { BrokenImageError, HomebodyError, NotAnImageError } from "../errors.js";
import { readByBrowser } from "./browser.js";
import { latin1, starts } from "./bytes.js";
import { intoJpeg } from "./embedding.js";
import { checkSize } from "./formats.js";
import { chunksOf, inflate, pngSize, readPng } from "./png.js";
import { riffChunks } from "./riff.js";

/** @import {Picture} from "../kernels.js" */
/** @import {Metadata} from "./metadata.js" */

const NOTHING = { exif: null, icc: null, xmp: null };
const PNG_XMP = "XML:com.adobe.xmp";
/** Text in which older programs put EXIF into PNG. */
const HEX_EXIF = "Raw profile type exif";
/** Most bytes that a compressed profile or packet in a PNG may become. */
const MAX_INFLATED = 1 << 20;

/**
 * Pixels as the file holds them.
 *
 * @param {Uint8Array} bytes
 * @param {string} format as `formatOf` names it
 * @returns {Promise<{picture: Picture, alpha: Uint8Array | null}>}
 */
export async function pixelsOf(bytes, format) {
  const size = format === "JPEG" ? null : sizeOf(bytes, format);
  if (size) checkSize(...size);
  return format === "PNG" ? readPng(bytes) : byBrowser(bytes, format);
}

/**
 * @param {Uint8Array} bytes
 * @param {string} format
 */
async function byBrowser(bytes, format) {
  let blob = new Blob([/** @type {BlobPart} */ (bytes)], { type: `image/${format.toLowerCase()}` });
  try {
    if (format === "JPEG") blob = await intoJpeg(blob, NOTHING); // neither turned nor converted
    return await readByBrowser(blob, { turn: format === "AVIF" || format === "HEIC" });
  } catch (error) {
    if (error instanceof HomebodyError) throw error;
    if (format === "HEIC") {
      throw new NotAnImageError("the picture is HEIC, which this browser does not read; export it as JPEG or PNG");
    }
    throw new BrokenImageError(`the picture is a broken ${format}, or one that this browser does not read; export or copy it again`);
  }
}

/**
 * Width and height that the header states; null where it states none that can be found.
 *
 * @param {Uint8Array} bytes
 * @param {string} format
 * @returns {[width: number, height: number] | null}
 */
function sizeOf(bytes, format) {
  if (format === "PNG") return pngSize(bytes);
  if (bytes.length < 30) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u16 = (/** @type {number} */ at) => view.getUint16(at, true);
  if (format === "GIF") return [u16(6), u16(8)];
  if (format === "BMP") {
    return u16(14) === 12 ? [u16(18), u16(20)] : [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))];
  }
  if (format === "WEBP") {
    const kind = latin1(bytes.subarray(12, 16));
    if (kind === "VP8X") return [1 + u16(24) + (bytes[26] << 16), 1 + u16(27) + (bytes[29] << 16)];
    if (kind === "VP8L") return [1 + (u16(21) & 0x3fff), 1 + ((view.getUint32(21, true) >> 14) & 0x3fff)];
    return [u16(26) & 0x3fff, u16(28) & 0x3fff];
  }
  // AVIF and HEIC: the largest "ispe" box (ISO/IEC 23008-12, 6.5.3) in the metadata, which come first.
  const head = latin1(bytes.subarray(0, 1 << 16));
  /** @type {[number, number] | null} */
  let largest = null;
  for (let at = head.indexOf("ispe"); at >= 0 && at + 16 <= bytes.length; at = head.indexOf("ispe", at + 4)) {
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!largest || width * height > largest[0] * largest[1]) largest = [width, height];
  }
  return largest;
}

/**
 * What a file carries beside its pixels; null for what is absent or damaged.
 *
 * @param {Uint8Array} bytes the file
 * @param {string} format as `formatOf` names it
 * @returns {Promise<Metadata>}
 */
export async function metadataOf(bytes, format) {
  if (format === "PNG") return fromPng(bytes);
  return format === "WEBP" ? fromWebp(bytes) : NOTHING;
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
