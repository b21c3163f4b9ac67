/**
 * The work of an export. Rows are decoded here, a band at a time; others render and pack them
 * meanwhile. What is in memory whole is the decoded photo, the file, and for WebP what the browser's
 * encoder needs.
 * @module
 */

import { unwired } from "../engine/wire.js";
import { toWrite } from "../image/embedding.js";
import { BAND_ROWS } from "../image/packing.js";
import { open } from "../image/reading.js";
import { checkTarget, write } from "../image/writing.js";
import { sharpenMargin } from "../kernels.js";

/** @import {Photo} from "../image.js" */
/** @import {Lut} from "../kernels.js" */
/** @import {Preset} from "../preset.js" */
/**
 * @typedef {object} Job
 * @property {Blob} blob the photo's file
 * @property {Preset | null} preset null: the original's pixels
 * @property {Lut | null} [lut] the preset's compiled table, if it is at hand already
 * @property {number} strength
 * @property {WebAssembly.Module} kernels
 * @property {{type?: string, quality?: number, gps?: boolean}} options
 */

/** Bytes of a band. */
const BAND_BYTES = 4 << 20;
/** Share of the work that is done when all bands are packed; WebP's encoder says nothing of its own. */
const PACKED = { "image/jpeg": 0.99, "image/png": 0.99, "image/webp": 0.3 };

/**
 * A photo's file with a preset.
 *
 * @param {Job} job
 * @param {Worker[]} workers that run bands.worker.js
 * @param {(share: number) => void} report 0 to 1
 * @returns {Promise<Blob>}
 */
export async function exported({ blob, preset, lut = null, strength, kernels, options }, workers, report) {
  const { type = "image/jpeg", quality = 95, gps = true } = options;
  checkTarget(type, quality);
  report(0);
  const crew = new Crew(workers, { kernels, preset, lut, strength, type, quality });
  const [{ photo, decodeTo }] = await Promise.all([open(blob, { kernels: { module: kernels } }), crew.started]);
  const { picture: { width, height }, alpha } = photo;
  const metadata = toWrite(photo, width, height, gps), most = PACKED[/** @type {keyof PACKED} */ (type)];
  const bands = packed(photo, decodeTo, crew, preset, (share) => report(most * share));
  const file = await write({ type, quality, width, height, alpha: alpha !== null, kernels, metadata }, bands);
  report(1);
  return file;
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
async function* packed({ picture, alpha }, decodeTo, crew, preset, report) {
  const { data, width, height } = picture, row = 3 * width;
  const sharpen = preset?.adjust.sharpen;
  const margin = sharpen?.amount ? sharpenMargin(sharpen.radius, Math.max(width, height)) : 0;
  const rows = BAND_ROWS * Math.ceil(Math.max(BAND_BYTES / row, 4 * margin) / BAND_ROWS);
  /** @type {Promise<Uint8Array>[]} */
  const under = [];
  for (let first = 0; first < height || under.length > 0;) {
    while (first < height && under.length < 2 * crew.size) {
      const last = Math.min(height, first + rows);
      const top = Math.max(0, first - margin), end = Math.min(height, last + margin);
      decodeTo(end);
      under.push(crew.pack({
        rgb: data.slice(top * row, end * row), top, skip: first - top, rows: last - first,
        alpha: alpha && alpha.slice(first * width, last * width), width, height,
      }));
      first = last;
    }
    yield /** @type {Uint8Array} */ (await under.shift());
    report(Math.max(0, first - under.length * rows) / height);
  }
}

/** Workers that render and pack bands, in turn. */
class Crew {
  #workers;
  #next = 0;

  /**
   * @param {Worker[]} workers
   * @param {import("./bands.worker.js").Job} job
   */
  constructor(workers, job) {
    this.size = workers.length;
    this.#workers = workers.map((worker) => {
      /** @type {{resolve: (answer: any) => void, reject: (error: Error) => void}[]} */
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
      return { worker, waiting };
    });
    /** When all have started, which they can only while the one that made them is idle. */
    this.started = Promise.all(workers.map((_, i) => this.#ask(i, job, [])));
  }

  /**
   * @param {import("./bands.worker.js").Band} band
   * @returns {Promise<Uint8Array>}
   */
  pack(band) {
    return this.#ask(this.#next++ % this.size, band, [band.rgb.buffer]);
  }

  /**
   * @param {number} which
   * @param {object} message
   * @param {Transferable[]} transfer
   * @returns {Promise<any>}
   */
  #ask(which, message, transfer) {
    const { worker, waiting } = this.#workers[which];
    const answer = new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    answer.catch(() => {}); // whoever awaits it hears of it; it may fail before that
    worker.postMessage(message, { transfer });
    return answer;
  }
}
