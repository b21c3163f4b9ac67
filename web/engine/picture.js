/**
 * Pictures on their way to the screen.
 * @module
 */

/** @import {Photo} from "../image.js" */
/** @import {Kernels, Picture} from "../kernels.js" */

/** A photo's pixels as they look on white paper: what a model or a preview should see. @param {Photo} photo @returns {Picture} */
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

/** @param {Kernels} kernels @param {Picture} picture @param {[width: number, height: number]} size @returns {Picture} */
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

/** Whether EXIF says where a photo was taken: its first folder has a GPS folder. @param {Uint8Array | null} exif */
export function hasGps(exif) {
  if (!exif || exif.length < 14) return false;
  const bytes = exif[0] === 0x45 ? exif.subarray(6) : exif; // "Exif\0\0" may stand before it
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const at = bytes.length >= 8 ? view.getUint32(4, little) : Infinity;
  if (at + 2 > bytes.length) return false;
  const count = view.getUint16(at, little);
  for (let tag = at + 2; tag + 12 <= bytes.length && tag < at + 2 + 12 * count; tag += 12) {
    if (view.getUint16(tag, little) === 0x8825) return true;
  }
  return false;
}
