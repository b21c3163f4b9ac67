/**
 * Bands of rows made ready for a file's format: each by itself, on any thread.
 * @module
 */

import { JpegWriter, RESTART_ROWS } from "./jpeg/writing.js";

/** A band's first row is a multiple of this many. */
export const BAND_ROWS = RESTART_ROWS;

/** @typedef {{type: string, quality: number, width: number, kernels: WebAssembly.Module}} Target */

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
