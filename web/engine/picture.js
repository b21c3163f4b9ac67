/**
 * Pictures on their way to the screen.
 * @module
 */

/** @import {Photo} from "../image.js" */
/** @import {Kernels, Picture} from "../kernels.js" */

/**
 * A photo's pixels as they look on white paper: what a model or a preview should see.
 *
 * @param {Photo} photo
 * @returns {Picture}
 */
export function flat({ picture, alpha }) {
  if (!alpha) return picture;
  const data = new Uint8Array(picture.data.length);
  for (let i = 0; i < data.length; i++) {
    const opaque = alpha[(i / 3) | 0];
    data[i] = ((picture.data[i] * opaque + (255 - opaque) * 255 + 127) / 255) | 0;
  }
  return { ...picture, data };
}

/**
 * The size of a picture whose longer side is at most `side`; it never grows.
 *
 * @param {[width: number, height: number]} size
 * @param {number} side
 * @returns {[width: number, height: number]}
 */
export function within([width, height], side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/**
 * @param {Kernels} kernels
 * @param {Picture} picture
 * @param {[width: number, height: number]} size
 * @returns {Picture}
 */
export function resized(kernels, picture, [width, height]) {
  return picture.width === width && picture.height === height ? picture : kernels.resize(picture, width, height);
}

/** A picture that a canvas can draw. @param {Picture} picture @returns {Promise<ImageBitmap>} */
export function toBitmap({ data, width, height }) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer); // little-endian, as everywhere that WebAssembly runs
  for (let i = 0, at = 0; i < pixels.length; i++, at += 3) {
    pixels[i] = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | 0xff000000;
  }
  return createImageBitmap(image, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
}
