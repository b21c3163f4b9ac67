/**
 * Pictures into files, from bands of rows.
 * @module
 */

import { ImageWriteError } from "../errors.js";
import { intoJpeg, intoWebp, pngChunks } from "./metadata.js";
import { writePng } from "./png.js";

/** @typedef {"image/jpeg" | "image/png" | "image/webp"} Type */

const TYPES = ["image/jpeg", "image/png", "image/webp"];

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
 * Write a file.
 *
 * @param {{width: number, height: number, channels: 3 | 4}} picture
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands of whole rows, from the top
 * @param {{type: string, quality: number, metadata: import("./metadata.js").Metadata}} options
 * @returns {Promise<Blob>}
 * @throws {ImageWriteError}
 */
export async function write({ width, height, channels }, bands, { type, quality, metadata }) {
  if (type === "image/png") {
    return writePng({ width, height, channels, chunks: await pngChunks(metadata) }, bands);
  }
  const file = await byCanvas(width, height, channels, bands, type, quality);
  if (type === "image/webp") return intoWebp(file, metadata, { width, height, alpha: channels === 4 });
  return intoJpeg(file, metadata);
}

/**
 * The browser's encoder. JPEG has no alpha: it gets the picture on white.
 *
 * @param {number} width
 * @param {number} height
 * @param {3 | 4} channels
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands
 * @param {string} type
 * @param {number} quality
 */
async function byCanvas(width, height, channels, bands, type, quality) {
  try {
    const canvas = new OffscreenCanvas(width, height);
    const options = { alpha: type !== "image/jpeg", willReadFrequently: true };
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", options));
    let top = 0;
    for await (const band of bands) {
      const rows = band.length / (width * channels), image = new ImageData(width, rows);
      toRgba(band, channels, image.data, type === "image/jpeg");
      context.putImageData(image, 0, top);
      top += rows;
    }
    const blob = await canvas.convertToBlob({ type, quality: quality / 100 });
    if (blob.type === type) return blob;
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof RangeError || error instanceof TypeError)) throw error;
    throw new ImageWriteError(
      `${width}×${height} pixels cannot be written as ${type} by this browser; choose PNG`);
  }
  throw new ImageWriteError(`this browser does not write ${type}; choose JPEG or PNG`);
}

/**
 * @param {Uint8Array} pixels
 * @param {3 | 4} channels
 * @param {Uint8ClampedArray} rgba
 * @param {boolean} onWhite
 */
function toRgba(pixels, channels, rgba, onWhite) {
  if (channels === 3) {
    const words = new Uint32Array(rgba.buffer); // little-endian, as everywhere that WebAssembly runs
    for (let i = 0, o = 0; o < words.length; i += 3, o++) {
      words[o] = pixels[i] | pixels[i + 1] << 8 | pixels[i + 2] << 16 | 0xff000000;
    }
    return;
  }
  rgba.set(pixels);
  for (let i = 0; onWhite && i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    for (let c = i; c < i + 3; c++) rgba[c] = Math.floor((rgba[c] * alpha + (255 - alpha) * 255 + 127) / 255);
    rgba[i + 3] = 255;
  }
}
