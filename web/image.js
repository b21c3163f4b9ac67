/**
 * Pictures in and out: the twin of Python's `homebody.image`.
 *
 * A picture stays in its own RGB encoding from file to file: an ICC profile is carried, not applied.
 * JPEG goes through the kernels and PNG through a reader of our own, so that their pixels are those
 * that Python reads; WebP, GIF, BMP and AVIF through the browser.
 * @module
 */

export { decode, open } from "./image/reading.js";
export { encode } from "./image/writing.js";

/** @typedef {import("./image/reading.js").Photo} Photo */
