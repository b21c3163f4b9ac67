/**
 * EXIF, ICC profile and XMP into a file that is written.
 * @module
 */

import { ImageWriteError } from "../errors.js";
import { concat, fromLatin1 } from "./bytes.js";
import { upright, uprightXmp, withoutGps, xmpWithoutGps } from "./exif.js";
import { EXIF, ICC, XMP } from "./metadata.js";
import { chunk, deflate } from "./png.js";
import { riffChunk, riffChunks } from "./riff.js";

/** @import {Metadata} from "./metadata.js" */

/** Bytes of EXIF or XMP that fit into one JPEG segment beside their heads. */
const JPEG_SEGMENT = 65_500;
const ICC_PART = 65_519;

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
  if (xmp) chunks.push(chunk("iTXt", concat(fromLatin1(`XML:com.adobe.xmp\0\0\0\0\0`), xmp)));
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
