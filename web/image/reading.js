/**
 * Pictures out of files.
 * @module
 */

import { BrokenImageError, ImageError } from "../errors.js";
import { orientation, upright, uprightXmp } from "./exif.js";
import { checkSize, formatOf } from "./formats.js";
import { JpegReader, readJpeg, scaleFor } from "./jpeg/reading.js";
import { fromJpeg, usable } from "./metadata.js";
import { turned } from "./turning.js";

/** @typedef {import("../kernels.js").Picture} Picture */
/**
 * A decoded picture and what goes with it: RGB the right way up.
 * @typedef {object} Photo
 * @property {Picture} picture
 * @property {[width: number, height: number]} size of the whole picture; `picture` may be a scaled
 *   decoding of it
 * @property {Uint8Array | null} alpha [height, width], 255 opaque; null when there is none
 * @property {string} format "JPEG", "PNG", ...
 * @property {Uint8Array | null} exif TIFF-structured, its orientation set to upright
 * @property {Uint8Array | null} icc the profile of the pixels
 * @property {Uint8Array | null} xmp its orientation set to upright
 */

/**
 * Read a picture.
 *
 * @param {Uint8Array | Blob} source
 * @param {{atLeast?: number, kernels: {module: WebAssembly.Module}}} options atLeast: the short side, in
 *   pixels, that is enough: a JPEG is then decoded at the smallest of 1/1, 1/2, 1/4 and 1/8 of its
 *   size that keeps it; other formats come in full
 * @returns {Promise<Photo>}
 * @throws {NotAnImageError} empty, not a picture, or of an unsupported kind
 * @throws {BrokenImageError} it ends early or its data contradict themselves
 * @throws {ImageTooLargeError} it is over a cap
 *
 * @example
 * const photo = await decode(file, { atLeast: 454, kernels });
 */
export async function decode(source, options) {
  const { photo, decodeTo } = await open(source, options);
  decodeTo(photo.picture.height);
  return photo;
}

/**
 * Read a picture up to its pixels, and those as far as they are asked for, where its format allows it:
 * the work on the first rows need not wait for the last.
 *
 * @param {Uint8Array | Blob} source
 * @param {{atLeast?: number, kernels: {module: WebAssembly.Module}}} options as of `decode`
 * @returns {Promise<{photo: Photo, decodeTo: (row: number) => void}>} decodeTo: makes the rows of the
 *   picture before that one real; throws BrokenImageError
 */
export async function open(source, { atLeast, kernels }) {
  if (atLeast !== undefined && !(atLeast >= 1)) {
    throw new ImageError(`atLeast is ${atLeast}; give a number of pixels from 1`);
  }
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(await read(source));
  const format = formatOf(bytes);
  const found = format === "JPEG" ? fromJpeg(bytes) : await (await others()).metadataOf(bytes, format);
  const carried = usable(found), turn = orientation(carried.exif);
  const pixels = await pixelsOf(bytes, format, atLeast, kernels.module);
  let { picture, alpha, decodeTo = () => {} } = pixels;
  if (turn !== 1) {
    decodeTo(picture.height);
    decodeTo = () => {};
    alpha &&= turned(alpha, picture.width, picture.height, 1, turn).data;
    picture = turned(picture.data, picture.width, picture.height, 3, turn);
  }
  /** @type {[number, number]} */
  const size = turn >= 5 ? [pixels.height, pixels.width] : [pixels.width, pixels.height];
  const exif = upright(carried.exif, ...size), xmp = uprightXmp(carried.xmp);
  return { photo: { picture, size, alpha, format, exif, icc: carried.icc, xmp }, decodeTo };
}

/** @param {Blob} blob */
async function read(blob) {
  try {
    return await blob.arrayBuffer();
  } catch {
    throw new BrokenImageError("the picture can no longer be read from the disk; open it again");
  }
}

/**
 * Pixels as the file holds them, and the size of all of it.
 *
 * @param {Uint8Array} bytes
 * @param {string} format
 * @param {number | undefined} atLeast
 * @param {WebAssembly.Module} module
 * @returns {Promise<{picture: Picture, alpha: Uint8Array | null, width: number, height: number,
 *   decodeTo?: (row: number) => void}>}
 */
async function pixelsOf(bytes, format, atLeast, module) {
  if (format === "JPEG") {
    const reader = new JpegReader(module, bytes), { width, height } = reader;
    if (width > 0 && height > 0) checkSize(width, height);
    const rows = readJpeg(reader, scaleFor(width, height, atLeast));
    if (rows) return { ...rows, alpha: null, width, height };
  }
  const { picture, alpha } = await (await others()).pixelsOf(bytes, format);
  return { picture, alpha, width: picture.width, height: picture.height };
}

/** What reads all but JPEG. */
function others() {
  return import("./others.js");
}
