/**
 * Export: a photo at full size with a preset, as a file. One message asks, `{part}` messages report
 * the share that is done, and `{value}` or `{error}` answers; whoever asked ends the worker to cancel.
 * @module
 */

import { wired } from "./engine/wire.js";
import { ImageTooLargeError } from "./errors.js";
import { decode, withAlpha } from "./image.js";
import { toWrite } from "./image/metadata.js";
import { checkTarget, write } from "./image/writing.js";
import { loadKernels, sharpenMargin } from "./kernels.js";
import { render } from "./look.js";

/** @import {Kernels, Picture} from "./kernels.js" */
/** @import {Photo} from "./image.js" */
/** @import {Preset} from "./preset.js" */
/**
 * @typedef {object} Job
 * @property {Blob} blob the photo's file
 * @property {Preset | null} preset null: the original's pixels
 * @property {number} strength
 * @property {WebAssembly.Module} kernels
 * @property {{type?: string, quality?: number, gps?: boolean}} options
 */

/** Bytes of a band that is rendered and encoded at a time. */
const BAND_BYTES = 4 << 20;
/** Shares of the work, measured: reading the file, and all rows; the rest is the browser's encoder. */
const READ = 0.2, RENDERED = 0.85;

self.addEventListener("message", async ({ data }) => {
  try {
    self.postMessage({ value: await exported(data, (part) => self.postMessage({ part })) });
  } catch (error) {
    const full = error instanceof RangeError;
    self.postMessage({
      error: wired(full ? new ImageTooLargeError("the photo does not fit into memory; close other pages, then try again") : error),
    });
  }
});

/**
 * @param {Job} job
 * @param {(share: number) => void} report
 * @returns {Promise<Blob>}
 */
async function exported({ blob, preset, strength, kernels: module, options }, report) {
  const { type = "image/jpeg", quality = 95, gps = true } = options;
  checkTarget(type, quality);
  report(0);
  const kernels = await loadKernels(module);
  const photo = await decode(blob, { kernels });
  report(READ);
  const { picture: { width, height }, alpha } = photo;
  const metadata = toWrite(photo, width, height, gps);
  const bands = rendered(kernels, photo, preset, strength, (share) => report(READ + (RENDERED - READ) * share));
  const file = await write({ width, height, channels: alpha ? 4 : 3 }, bands, { type, quality, metadata });
  report(1);
  return file;
}

/**
 * The photo's rows with the preset, band by band: the same bytes as all at once.
 *
 * @param {Kernels} kernels
 * @param {Photo} photo
 * @param {Preset | null} preset
 * @param {number} strength
 * @param {(share: number) => void} report
 * @returns {Generator<Uint8Array>}
 */
function* rendered(kernels, { picture, alpha }, preset, strength, report) {
  const { data, width, height } = picture, row = 3 * width;
  const sharpen = preset?.adjust.sharpen;
  const margin = sharpen?.amount ? sharpenMargin(sharpen.radius, Math.max(width, height)) : 0;
  const rows = Math.max(16, Math.floor(BAND_BYTES / row), 4 * margin);
  for (let first = 0; first < height; first += rows) {
    const last = Math.min(height, first + rows);
    const top = Math.max(0, first - margin), end = Math.min(height, last + margin);
    /** @type {Picture} */
    let band = { data: data.subarray(top * row, end * row), width, height: end - top };
    if (preset) band = render(kernels, band, preset, strength, { top, left: 0, width, height });
    const rgb = band.data.subarray((first - top) * row, (last - top) * row);
    yield alpha ? withAlpha(rgb, alpha.subarray(first * width, last * width)) : rgb;
    report(last / height);
  }
}
