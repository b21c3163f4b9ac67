/**
 * Pictures in and out: the twin of Python's `homebody.image`.
 *
 * A picture stays in its own RGB encoding from file to file: an ICC profile is carried, not applied.
 * JPEG goes through the kernels and PNG through a reader of our own, so that their pixels are those
 * that Python reads; WebP, GIF, BMP and AVIF through the browser.
 * @module
 */

import { BrokenImageError, HomebodyError, ImageError, NotAnImageError } from "./errors.js";
import { readByBrowser } from "./image/browser.js";
import { orientation, upright, uprightXmp } from "./image/exif.js";
import { checkSize, formatOf, sizeOf } from "./image/formats.js";
import { JpegReader, readJpeg, scaleFor } from "./image/jpeg.js";
import { intoJpeg, readMetadata, toWrite } from "./image/metadata.js";
import { BAND_ROWS, packerFor } from "./image/packing.js";
import { readPng } from "./image/png.js";
import { turned } from "./image/turning.js";
import { checkTarget, write } from "./image/writing.js";

/** @typedef {import("./kernels.js").Picture} Picture */
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

const NOTHING = { exif: null, icc: null, xmp: null };

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
  const carried = await readMetadata(bytes, format), turn = orientation(carried.exif);
  const found = await pixelsOf(bytes, format, atLeast, kernels.module);
  let { picture, alpha, decodeTo = () => {} } = found;
  if (turn !== 1) {
    decodeTo(picture.height);
    decodeTo = () => {};
    alpha &&= turned(alpha, picture.width, picture.height, 1, turn).data;
    picture = turned(picture.data, picture.width, picture.height, 3, turn);
  }
  /** @type {[number, number]} */
  const size = turn >= 5 ? [found.height, found.width] : [found.width, found.height];
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
  const size = format === "JPEG" ? null : sizeOf(bytes, format);
  if (size) checkSize(...size);
  const { picture, alpha } = format === "PNG" ? await readPng(bytes) : await byBrowser(bytes, format);
  return { picture, alpha, width: picture.width, height: picture.height };
}

/**
 * @param {Uint8Array} bytes
 * @param {string} format
 */
async function byBrowser(bytes, format) {
  let blob = new Blob([/** @type {BlobPart} */ (bytes)], { type: `image/${format.toLowerCase()}` });
  try {
    if (format === "JPEG") blob = await intoJpeg(blob, NOTHING); // neither turned nor converted
    return await readByBrowser(blob, { turn: format === "AVIF" || format === "HEIC" });
  } catch (error) {
    if (error instanceof HomebodyError) throw error;
    if (format === "HEIC") {
      throw new NotAnImageError("the picture is HEIC, which this browser does not read; export it as JPEG or PNG");
    }
    throw new BrokenImageError(`the picture is a broken ${format}, or one that this browser does not read; export or copy it again`);
  }
}

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
