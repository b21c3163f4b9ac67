/**
 * Pictures in and out: the twin of Python's `homebody.image`.
 *
 * A picture stays in its own RGB encoding from file to file: an ICC profile is carried, not applied.
 * @module
 */

import { BrokenImageError, ImageError, ImageWriteError, NotAnImageError } from "./errors.js";
import { readMetadata } from "./image/metadata.js";

/** @typedef {import("./kernels.js").Picture} Picture */
/**
 * A decoded picture and what goes with it: RGB the right way up.
 * @typedef {{picture: Picture, size: [width: number, height: number], alpha: Uint8Array | null,
 *   format: string, exif: Uint8Array | null, icc: Uint8Array | null, xmp: Uint8Array | null}} Photo
 */

/**
 * Read a picture.
 *
 * @param {Uint8Array | Blob} source
 * @param {{atLeast?: number, kernels: import("./kernels.js").Kernels}} options atLeast: the short side,
 *   in pixels, that is enough: a JPEG is then decoded at the smallest of 1/1, 1/2, 1/4 and 1/8 of its
 *   size that keeps it
 * @returns {Promise<Photo>}
 * @throws {NotAnImageError | BrokenImageError | ImageTooLargeError}
 */
export async function decode(source, { atLeast }) {
  if (atLeast !== undefined && !(atLeast >= 1)) {
    throw new ImageError(`atLeast is ${atLeast}; give a number of pixels from 1`);
  }
  const bytes = source instanceof Uint8Array ? source : new Uint8Array(await source.arrayBuffer());
  if (bytes.length === 0) throw new NotAnImageError("the picture is empty; give a JPEG or PNG picture");
  const bitmap = await createImageBitmap(new Blob([/** @type {BlobPart} */ (bytes)]), {
    colorSpaceConversion: "none",
    imageOrientation: "none",
    premultiplyAlpha: "none",
  }).catch(() => {
    throw new BrokenImageError("the picture cannot be decoded; export or copy it again");
  });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < data.length; i += 4, o += 3) {
    data[o] = rgba[i], data[o + 1] = rgba[i + 1], data[o + 2] = rgba[i + 2];
  }
  const { format, exif, icc, xmp } = readMetadata(bytes);
  return { picture: { data, width, height }, size: [width, height], alpha: null, format, exif, icc, xmp };
}

/**
 * Write a photo into a file's bytes.
 *
 * @param {Photo} photo
 * @param {{type?: "image/jpeg" | "image/png" | "image/webp", quality?: number, gps?: boolean}} [options]
 *   quality: 1 to 100; gps: whether the place where it was taken stays in the file
 * @returns {Promise<Blob>}
 * @throws {ImageWriteError}
 */
export async function encode(photo, { type = "image/jpeg", quality = 95 } = {}) {
  const { data, width, height } = photo.picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const pixels = new ImageData(width, height);
  for (let i = 0, o = 0; i < data.length; i += 3, o += 4) {
    pixels.data[o] = data[i], pixels.data[o + 1] = data[i + 1], pixels.data[o + 2] = data[i + 2];
    pixels.data[o + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type, quality: quality / 100 });
  if (blob.type !== type) throw new ImageWriteError(`this browser does not write ${type}; choose another format`);
  return blob;
}
