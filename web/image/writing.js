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
 * @param {{width: number, height: number, channels: 3 | 4, opaque?: boolean}} picture opaque: of four
 *   channels, the fourth is 255 everywhere
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands of whole rows, from the top
 * @param {{type: string, quality: number, metadata: import("./metadata.js").Metadata}} options
 * @returns {Promise<Blob>}
 * @throws {ImageWriteError}
 */
export async function write({ width, height, channels, opaque = channels === 3 }, bands, { type, quality, metadata }) {
  if (type === "image/png") {
    return writePng({ width, height, channels, chunks: await pngChunks(metadata) }, bands);
  }
  const file = await byCanvas(width, height, bands, type, quality, (band) => {
    const rgba = channels === 3 ? opaqueRgba(band) : band;
    if (type === "image/jpeg" && !opaque) onWhite(rgba);
    return rgba;
  });
  if (type === "image/webp") return intoWebp(file, metadata, { width, height, alpha: !opaque });
  return intoJpeg(file, metadata);
}

/**
 * The browser's encoder.
 *
 * @param {number} width
 * @param {number} height
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands
 * @param {string} type
 * @param {number} quality
 * @param {(band: Uint8Array) => Uint8Array} toRgba
 */
async function byCanvas(width, height, bands, type, quality, toRgba) {
  try {
    const canvas = new OffscreenCanvas(width, height);
    const options = { alpha: type !== "image/jpeg", willReadFrequently: true };
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", options));
    let top = 0;
    for await (const band of bands) {
      const rgba = toRgba(band);
      const pixels = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (rgba.buffer), rgba.byteOffset, rgba.length);
      context.putImageData(new ImageData(pixels, width), 0, top);
      top += rgba.length / (4 * width);
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
 * RGB with a fourth channel, 255.
 *
 * @param {Uint8Array} rgb
 * @returns {Uint8Array}
 */
export function opaqueRgba(rgb) {
  const pixels = new Uint32Array(rgb.length / 3), opaque = 0xff000000;
  // Little-endian, as everywhere that WebAssembly runs: four pixels from three words.
  const aligned = rgb.byteOffset % 4 ? rgb.slice() : rgb;
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  const whole = pixels.length & ~3;
  for (let o = 0, i = 0; o < whole; o += 4, i += 3) {
    const a = words[i], b = words[i + 1], c = words[i + 2];
    pixels[o] = a | opaque;
    pixels[o + 1] = a >>> 24 | b << 8 | opaque;
    pixels[o + 2] = b >>> 16 | c << 16 | opaque;
    pixels[o + 3] = c >>> 8 | opaque;
  }
  for (let o = whole, i = 3 * whole; o < pixels.length; o++, i += 3) {
    pixels[o] = rgb[i] | rgb[i + 1] << 8 | rgb[i + 2] << 16 | opaque;
  }
  return new Uint8Array(pixels.buffer);
}

/**
 * @param {Uint8Array} rgb
 * @param {Uint8Array} alpha
 */
export function withAlpha(rgb, alpha) {
  const rgba = opaqueRgba(rgb);
  for (let i = 0; i < alpha.length; i++) rgba[4 * i + 3] = alpha[i];
  return rgba;
}

/**
 * JPEG has no alpha: it gets the picture on white.
 *
 * @param {Uint8Array} rgba
 */
function onWhite(rgba) {
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3];
    for (let c = i; c < i + 3; c++) rgba[c] = Math.floor((rgba[c] * alpha + (255 - alpha) * 255 + 127) / 255);
    rgba[i + 3] = 255;
  }
}
