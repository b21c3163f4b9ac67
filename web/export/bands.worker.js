/**
 * Renders bands of a photo: several of these work beside the export's own worker.
 *
 * The first message is the Job of a photo; each after it a Band, which comes back rendered.
 * @module
 */

import { wired } from "../engine/wire.js";
import { opaqueRgba, withAlpha } from "../image/writing.js";
import { loadKernels } from "../kernels.js";
import { compileLut, render } from "../look.js";

/** @import {Kernels} from "../kernels.js" */
/** @import {Preset} from "../preset.js" */
/** @typedef {{kernels: WebAssembly.Module, preset: Preset | null, strength: number, width: number, height: number, rgba: boolean}} Job */
/**
 * @typedef {object} Band
 * @property {Uint8Array} rgb rows of the photo, with those around it that sharpening looks at
 * @property {number} top the first of them
 * @property {number} skip how many come before the band
 * @property {number} rows how many the band has
 * @property {Uint8Array | null} alpha of the band
 */

/** @type {Promise<{kernels: Kernels, job: Job}>} */
let ready;

self.addEventListener("message", async ({ data }) => {
  if ("kernels" in data) {
    ready = start(data);
    return;
  }
  try {
    const { kernels, job } = await ready, band = rendered(kernels, job, data);
    self.postMessage({ band }, { transfer: [band.buffer] });
  } catch (error) {
    self.postMessage({ error: wired(error) });
  }
});

/** @param {Job} job */
async function start(job) {
  const kernels = await loadKernels(job.kernels);
  if (job.preset) compileLut(kernels, job.preset); // while the first rows are decoded
  return { kernels, job };
}

/**
 * @param {Kernels} kernels
 * @param {Job} job
 * @param {Band} band
 * @returns {Uint8Array} RGB, or RGBA where there is alpha or the encoder wants it
 */
function rendered(kernels, { preset, strength, width, height, rgba }, { rgb, top, skip, rows, alpha }) {
  const row = 3 * width;
  let picture = { data: rgb, width, height: rgb.length / row };
  if (preset) picture = render(kernels, picture, preset, strength, { top, left: 0, width, height });
  const band = picture.data.subarray(skip * row, (skip + rows) * row);
  if (alpha) return withAlpha(band, alpha);
  return rgba ? opaqueRgba(band) : band.slice();
}
