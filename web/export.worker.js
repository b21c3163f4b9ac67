/**
 * Export: a photo at full size with a preset, as a file. One message asks, `{part}` messages report
 * the share that is done, and `{value}` or `{error}` answers; whoever asked ends the worker to cancel,
 * and the workers that it started end with it.
 *
 * Rows are decoded here, rendered by others meanwhile, and encoded here, a band at a time. What is in
 * memory whole is the decoded photo, and what the browser's encoder needs.
 * @module
 */

import { unwired, wired } from "./engine/wire.js";
import { ImageTooLargeError } from "./errors.js";
import { open } from "./image.js";
import { toWrite } from "./image/metadata.js";
import { checkTarget, write } from "./image/writing.js";
import { sharpenMargin } from "./kernels.js";

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

/** Bytes of a band. */
const BAND_BYTES = 4 << 20;
const MOST_WORKERS = 4;
/** Share of the work that is done when all rows are rendered, measured; the encoder says nothing of its own. */
const RENDERED = 0.75;

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
async function exported({ blob, preset, strength, kernels, options }, report) {
  const { type = "image/jpeg", quality = 95, gps = true } = options;
  checkTarget(type, quality);
  report(0);
  const { photo, decodeTo } = await open(blob, { kernels: { module: kernels } });
  const { picture: { width, height }, alpha } = photo;
  const metadata = toWrite(photo, width, height, gps);
  const rgba = alpha !== null || type !== "image/png";
  const crew = new Crew({ kernels, preset, strength, width, height, rgba });
  try {
    const bands = rendered(photo, decodeTo, crew, preset, (share) => report(RENDERED * share));
    const picture = { width, height, channels: /** @type {3 | 4} */ (rgba ? 4 : 3), opaque: alpha === null };
    const file = await write(picture, bands, { type, quality, metadata });
    report(1);
    return file;
  } finally {
    crew.dismiss();
  }
}

/**
 * The photo's rows with the preset, band by band: the same bytes as all at once.
 *
 * @param {Photo} photo
 * @param {(row: number) => void} decodeTo
 * @param {Crew} crew
 * @param {Preset | null} preset
 * @param {(share: number) => void} report
 * @returns {AsyncGenerator<Uint8Array>}
 */
async function* rendered({ picture, alpha }, decodeTo, crew, preset, report) {
  const { data, width, height } = picture, row = 3 * width;
  const sharpen = preset?.adjust.sharpen;
  const margin = sharpen?.amount ? sharpenMargin(sharpen.radius, Math.max(width, height)) : 0;
  const rows = Math.max(16, Math.floor(BAND_BYTES / row), 4 * margin);
  /** @type {Promise<Uint8Array>[]} */
  const under = [];
  for (let first = 0; first < height || under.length > 0;) {
    while (first < height && under.length < 2 * crew.size) {
      const last = Math.min(height, first + rows);
      const top = Math.max(0, first - margin), end = Math.min(height, last + margin);
      decodeTo(end);
      under.push(crew.render({
        rgb: data.slice(top * row, end * row), top, skip: first - top, rows: last - first,
        alpha: alpha && alpha.slice(first * width, last * width),
      }));
      first = last;
    }
    yield /** @type {Uint8Array} */ (await under.shift());
    report(Math.max(0, first - under.length * rows) / height);
  }
}

/** Workers that render bands, in turn. */
class Crew {
  /** @type {{worker: Worker, waiting: {resolve: (band: Uint8Array) => void, reject: (error: Error) => void}[]}[]} */
  #workers = [];
  #next = 0;

  /** @param {import("./export/bands.worker.js").Job} job */
  constructor(job) {
    this.size = Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1));
    for (let i = 0; i < this.size; i++) {
      const worker = new Worker(new URL("export/bands.worker.js", import.meta.url), { type: "module" });
      /** @type {{resolve: (band: Uint8Array) => void, reject: (error: Error) => void}[]} */
      const waiting = [];
      worker.addEventListener("message", ({ data: { band, error } }) => {
        const { resolve, reject } = /** @type {any} */ (waiting.shift());
        if (error) reject(unwired(error));
        else resolve(band);
      });
      worker.addEventListener("error", (event) => {
        event.preventDefault();
        for (const { reject } of waiting.splice(0)) reject(new RangeError("a worker ended"));
      });
      worker.postMessage(job);
      this.#workers.push({ worker, waiting });
    }
  }

  /**
   * @param {import("./export/bands.worker.js").Band} band
   * @returns {Promise<Uint8Array>}
   */
  render(band) {
    const { worker, waiting } = this.#workers[this.#next++ % this.size];
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      worker.postMessage(band, { transfer: [band.rgb.buffer] });
    });
  }

  dismiss() {
    for (const { worker } of this.#workers) worker.terminate();
  }
}
