/**
 * Pictures into files, whole or from packed bands.
 * @module
 */

import { ImageWriteError } from "../errors.js";
import { intoJpeg, intoWebp, pngChunks, toWrite } from "./embedding.js";
import { JPEG_END, JpegWriter } from "./jpeg/writing.js";
import { BAND_ROWS, packerFor } from "./packing.js";
import { writePng } from "./png.js";

/** @import {Target} from "./packing.js" */
/** @import {Photo} from "./reading.js" */

const TYPES = ["image/jpeg", "image/png", "image/webp"];

/**
 * Write a photo into a file's bytes, with its alpha, EXIF, ICC profile and XMP. A JPEG has the
 * coefficients that Python's has; it has no alpha, and gets the photo on white.
 *
 * @param {Photo} photo
 * @param {{type?: string, quality?: number, gps?: boolean, kernels: {module: WebAssembly.Module}}} options
 *   type: image/jpeg, image/png or image/webp; quality: of JPEG and WebP, 1 to 100; gps: whether the
 *   place where it was taken stays
 * @returns {Promise<Blob>}
 * @throws {ImageWriteError}
 */
export async function encode(photo, { type = "image/jpeg", quality = 95, gps = true, kernels }) {
  checkTarget(type, quality);
  const { picture: { data, width, height }, alpha } = photo;
  const target = { type, quality, width, kernels: kernels.module }, pack = packerFor(target);
  const bands = function* () {
    for (let first = 0; first < height; first += 4 * BAND_ROWS) {
      const from = first * width, to = Math.min(height, first + 4 * BAND_ROWS) * width;
      yield pack(data.subarray(3 * from, 3 * to), alpha && alpha.subarray(from, to), first);
    }
  };
  const metadata = toWrite(photo, width, height, gps);
  return write({ ...target, height, alpha: alpha !== null, metadata }, bands());
}

/**
 * Refuse what could not be written, before the work is done.
 *
 * @param {string} type
 * @param {number} quality
 */
export function checkTarget(type, quality) {
  if (!TYPES.includes(type)) {
    throw new ImageWriteError(`${type} is no format that is written; use one of ${TYPES.join(", ")}`);
  }
  if (!(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
    throw new ImageWriteError(`quality is ${quality}; give a whole number from 1 to 100`);
  }
}

/**
 * Put packed bands together.
 *
 * @param {Target & {height: number, alpha: boolean, metadata: import("./metadata.js").Metadata}} target
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands from the top
 * @returns {Promise<Blob>}
 * @throws {ImageWriteError}
 */
export async function write(target, bands) {
  const { type, quality, width, height, alpha, kernels, metadata } = target;
  if (type === "image/png") {
    return writePng({ width, height, channels: alpha ? 4 : 3, chunks: await pngChunks(metadata) }, bands);
  }
  if (type === "image/webp") {
    const file = await byCanvas(width, height, bands, type, quality);
    return intoWebp(file, metadata, { width, height, alpha });
  }
  const parts = [new JpegWriter(kernels, width, quality).head(height)];
  for await (const band of bands) parts.push(band);
  return intoJpeg(new Blob(/** @type {BlobPart[]} */ ([...parts, JPEG_END])), metadata);
}

/**
 * The browser's encoder.
 *
 * @param {number} width
 * @param {number} height
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands RGBA
 * @param {string} type
 * @param {number} quality
 */
async function byCanvas(width, height, bands, type, quality) {
  try {
    const canvas = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    let top = 0;
    for await (const { buffer, byteOffset, length } of bands) {
      const pixels = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (buffer), byteOffset, length);
      context.putImageData(new ImageData(pixels, width), 0, top);
      top += length / (4 * width);
    }
    const blob = await canvas.convertToBlob({ type, quality: quality / 100 });
    if (blob.type === type) return blob;
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new ImageWriteError(`${width}×${height} pixels cannot be written as ${type} by this browser; choose PNG`);
  }
  throw new ImageWriteError(`this browser does not write ${type}; choose JPEG or PNG`);
}
