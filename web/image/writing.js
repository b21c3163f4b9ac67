/**
 * Pictures into files, from bands of rows. Each band is packed for its format by itself, on any
 * thread; then the packed ones are put together.
 * @module
 */

import { ImageWriteError } from "../errors.js";
import { JPEG_END, JpegWriter, RESTART_ROWS } from "./jpeg.js";
import { intoJpeg, intoWebp, pngChunks } from "./metadata.js";
import { writePng } from "./png.js";

const TYPES = ["image/jpeg", "image/png", "image/webp"];

/** A band's first row is a multiple of this many. */
export const BAND_ROWS = RESTART_ROWS;

/** @typedef {{type: string, quality: number, width: number, kernels: WebAssembly.Module}} Target */

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
 * What packs bands for a format: RGB or RGBA for PNG, RGBA for WebP, and for JPEG, which has no alpha
 * and gets the picture on white, its entropy-coded data.
 *
 * @param {Target} target
 * @returns {(rgb: Uint8Array, alpha: Uint8Array | null, first: number) => Uint8Array} of whole rows,
 *   the first of which has this number
 */
export function packerFor({ type, quality, width, kernels }) {
  if (type === "image/png") return (rgb, alpha) => (alpha ? withAlpha(rgb, alpha) : rgb);
  if (type === "image/webp") return (rgb, alpha) => (alpha ? withAlpha(rgb, alpha) : opaqueRgba(rgb));
  const writer = new JpegWriter(kernels, width, quality);
  return (rgb, alpha, first) => writer.band(alpha ? onWhite(rgb, alpha) : rgb, first);
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

/**
 * RGB with a fourth channel, 255.
 *
 * @param {Uint8Array} rgb
 * @returns {Uint8Array}
 */
function opaqueRgba(rgb) {
  const pixels = new Uint32Array(rgb.length / 3), opaque = 0xff000000;
  for (let o = 0, i = 0; o < pixels.length; o++, i += 3) {
    pixels[o] = rgb[i] | rgb[i + 1] << 8 | rgb[i + 2] << 16 | opaque; // little-endian, as WebAssembly is
  }
  return new Uint8Array(pixels.buffer);
}

/**
 * @param {Uint8Array} rgb
 * @param {Uint8Array} alpha
 */
function withAlpha(rgb, alpha) {
  const rgba = opaqueRgba(rgb);
  for (let i = 0; i < alpha.length; i++) rgba[4 * i + 3] = alpha[i];
  return rgba;
}

/**
 * @param {Uint8Array} rgb
 * @param {Uint8Array} alpha
 */
function onWhite(rgb, alpha) {
  return rgb.map((value, i) => {
    const opaque = alpha[Math.floor(i / 3)];
    return Math.floor((value * opaque + (255 - opaque) * 255 + 127) / 255);
  });
}
