/**
 * Renders bands of a photo and packs them for its file: several of these work beside the export's own
 * worker.
 *
 * The first message is the Job of a photo, answered by `{started}`; each after it a Band, which comes
 * back packed.
 * @module
 */

import { wired } from "../engine/wire.js";
import { packerFor } from "../image/packing.js";
import { loadKernels } from "../kernels.js";
import { compileLut, render } from "../look.js";

/** @import {Kernels, Lut} from "../kernels.js" */
/** @import {Preset} from "../preset.js" */
/**
 * @typedef {object} Job
 * @property {WebAssembly.Module} kernels
 * @property {Preset | null} preset null: the original's pixels
 * @property {Lut | null} lut the preset's compiled table, if it is at hand already
 * @property {number} strength
 * @property {string} type
 * @property {number} quality
 */
/**
 * @typedef {object} Band
 * @property {Uint8Array} rgb rows of the photo, with those around it that sharpening looks at
 * @property {number} top the first of them
 * @property {number} skip how many come before the band
 * @property {number} rows how many the band has
 * @property {Uint8Array | null} alpha of the band
 * @property {number} width of the photo
 * @property {number} height
 */

/** @type {Promise<{kernels: Kernels, job: Job}>} */
let ready;

self.addEventListener("message", async ({ data }) => {
  if ("kernels" in data) {
    ready = start(data);
    self.postMessage({ started: true });
    return;
  }
  try {
    const { kernels, job } = await ready, band = packed(kernels, job, data);
    self.postMessage({ band }, { transfer: [band.buffer] });
  } catch (error) {
    self.postMessage({ error: wired(error) });
  }
});

/** @param {Job} job */
async function start(job) {
  const kernels = await loadKernels(job.kernels);
  if (job.preset) job.lut ??= compileLut(kernels, job.preset); // while the first rows are decoded
  return { kernels, job };
}

/** @type {ReturnType<typeof packerFor> | undefined} */
let pack;

/**
 * @param {Kernels} kernels
 * @param {Job} job
 * @param {Band} band
 * @returns {Uint8Array} with a buffer of its own
 */
function packed(kernels, job, { rgb, top, skip, rows, alpha, width, height }) {
  pack ??= packerFor({ ...job, width });
  const row = 3 * width;
  let picture = { data: rgb, width, height: rgb.length / row };
  if (job.preset) {
    const place = { top, left: 0, width, height };
    picture = render(kernels, picture, job.preset, job.strength, place, job.lut ?? undefined);
  }
  const bytes = pack(picture.data.subarray(skip * row, (skip + rows) * row), alpha, top + skip);
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}
