/**
 * Which kind of picture a file's first bytes name, and its size, before a pixel is decoded.
 * @module
 */

import { BrokenImageError, ImageTooLargeError, NotAnImageError } from "../errors.js";
import { latin1 } from "./exif.js";
import { pngSize } from "./png.js";

const READS = "JPEG, PNG, WebP, GIF, BMP or AVIF";
const HEIC = ["heic", "heix", "heim", "heis", "hevc", "mif1", "msf1"];
/** What is refused: bytes of a file, pixels, and the longest side, as in Python. */
const LIMITS = { fileBytes: 512 << 20, pixels: 200_000_000, side: 65_535 };

/**
 * @param {Uint8Array} bytes
 * @returns {"JPEG" | "PNG" | "GIF" | "BMP" | "WEBP" | "AVIF" | "HEIC"}
 * @throws {NotAnImageError} it is none of these
 * @throws {ImageTooLargeError} the file is over the cap
 */
export function formatOf(bytes) {
  if (bytes.length === 0) throw new NotAnImageError(`the picture is empty; give a ${READS} picture`);
  if (bytes.length > LIMITS.fileBytes) {
    throw new ImageTooLargeError(
      `the picture has ${grouped(bytes.length)} bytes, over the cap of ${grouped(LIMITS.fileBytes)}; give a smaller picture`);
  }
  const head = latin1(bytes.subarray(0, 12)), brand = head.slice(8);
  if (head.startsWith("\xff\xd8\xff")) return "JPEG";
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return "PNG";
  if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) return "GIF";
  if (head.startsWith("BM")) return "BMP";
  if (head.startsWith("RIFF") && brand === "WEBP") return "WEBP";
  if (head.slice(4, 8) === "ftyp" && (brand === "avif" || brand === "avis")) return "AVIF";
  if (head.slice(4, 8) === "ftyp" && HEIC.includes(brand)) return "HEIC";
  const kind = head.startsWith("II*\0") || head.startsWith("MM\0*") ? "TIFF" : /^P[1-6]\s/.test(head) ? "PPM" : null;
  throw new NotAnImageError(
    kind ? `the picture is ${kind}, which browsers do not read; export it as ${READS}`
      : `the picture is not one that is read here; give ${READS}`);
}

/**
 * Refuse a size over the caps.
 *
 * @param {number} width
 * @param {number} height
 */
export function checkSize(width, height) {
  if (width < 1 || height < 1) {
    throw new BrokenImageError(`the picture says it is ${width}×${height} pixels; export it again`);
  }
  if (Math.max(width, height) > LIMITS.side || width * height > LIMITS.pixels) {
    throw new ImageTooLargeError(
      `the picture is ${grouped(width)}×${grouped(height)} pixels, over the caps of ${grouped(LIMITS.pixels)} ` +
        `pixels and ${grouped(LIMITS.side)} a side; give a smaller picture`);
  }
}

/**
 * Width and height that the header states; null where it states none that can be found.
 *
 * @param {Uint8Array} bytes
 * @param {string} format
 * @returns {[width: number, height: number] | null}
 */
export function sizeOf(bytes, format) {
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

/** @param {number} value */
function grouped(value) {
  return value.toLocaleString("en");
}
