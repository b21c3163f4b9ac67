/**
 * Which kind of picture a file's first bytes name, and which sizes are too large.
 * @module
 */

import { BrokenImageError, ImageTooLargeError, NotAnImageError } from "../errors.js";
import { latin1 } from "./bytes.js";

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

/** @param {number} value */
function grouped(value) {
  return value.toLocaleString("en");
}
