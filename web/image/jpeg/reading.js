/**
 * JPEG files read through the kernels: the bits that Python reads, in every browser.
 * @module
 */

import { BrokenImageError, ImageTooLargeError } from "../../errors.js";

/** @typedef {import("../../kernels.js").Picture} Picture */

const OK = 0, SHORT_BUFFER = -2, UNSUPPORTED = -4;
const SCALES = [8, 4, 2, 1];

/**
 * What both sides can be divided by so that the short one keeps `atLeast` pixels.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} [atLeast]
 */
export function scaleFor(width, height, atLeast) {
  if (atLeast === undefined) return 1;
  const most = Math.floor(Math.min(width, height) / atLeast);
  return SCALES.find((scale) => scale <= most) ?? 1;
}

/**
 * A file being decoded, some rows at a time.
 *
 * It has an instance of the module, and so the memory, for itself: that memory is let go with it,
 * which WebAssembly's cannot be in any other way.
 */
export class JpegReader {
  /** @type {Record<string, (...numbers: number[]) => number>} */
  #hb;
  /** @type {WebAssembly.Memory} */
  #memory;
  #scratch = 0;
  #file = 0;
  #length = 0;
  /** Of the whole picture, as the file holds it. */
  width = 0;
  height = 0;
  /** Of the rows that are read. */
  columns = 0;
  rows = 0;

  /**
   * @param {WebAssembly.Module} module the kernels'
   * @param {Uint8Array} bytes the file
   */
  constructor(module, bytes) {
    const { exports } = new WebAssembly.Instance(module);
    this.#hb = /** @type {any} */ (exports);
    this.#memory = /** @type {any} */ (exports.memory);
    this.#length = bytes.length;
    this.#file = this.#alloc(bytes.length);
    new Uint8Array(this.#memory.buffer, this.#file, bytes.length).set(bytes);
    const status = this.#start(1, 0);
    this.supported = status !== UNSUPPORTED;
    if (status !== OK && status !== SHORT_BUFFER && status !== UNSUPPORTED) throw broken();
  }

  /** @param {number} bytes */
  #alloc(bytes) {
    const place = this.#hb.hb_alloc(bytes) >>> 0;
    if (place === 0) throw new ImageTooLargeError("the picture does not fit into memory; give a smaller one");
    return place;
  }

  /**
   * @param {number} scale
   * @param {number} words of working memory
   */
  #start(scale, words) {
    const size = this.#alloc(16);
    const status = this.#hb.hb_jpeg_start(this.#file, this.#length, scale, size, this.#scratch, words);
    [this.width, this.height, this.columns, this.rows] = new Int32Array(this.#memory.buffer, size, 4);
    return status;
  }

  /**
   * Get ready for the first row. Of a file with several scans, all are read here.
   *
   * @param {number} scale 1, 2, 4 or 8: what both sides are divided by
   * @returns {boolean} false for a kind of JPEG that is not decoded here
   * @throws {BrokenImageError}
   */
  start(scale) {
    const words = this.#hb.hb_jpeg_scratch(this.#file, this.#length, scale) >>> 0;
    if (words >= 2 ** 30) throw new ImageTooLargeError("the picture does not fit into memory; give a smaller one");
    if (words === 0) return false;
    this.#scratch = this.#alloc(4 * words);
    const status = this.#start(scale, words);
    if (status !== OK && status !== UNSUPPORTED) throw broken();
    return status === OK;
  }

  /**
   * The next rows, into `out` [rows][columns][3].
   *
   * @param {number} rows
   * @param {Uint8Array} out
   * @throws {BrokenImageError}
   */
  read(rows, out) {
    const most = Math.max(1, Math.floor((1 << 20) / (3 * this.columns)));
    this.#band ||= this.#alloc(Math.min(rows, most) * 3 * this.columns);
    this.#bandRows ||= Math.min(rows, most);
    for (let done = 0; done < rows;) {
      const count = Math.min(this.#bandRows, rows - done), bytes = count * 3 * this.columns;
      if (this.#hb.hb_jpeg_rows(this.#scratch, count, this.#band) !== OK) throw broken();
      out.set(new Uint8Array(this.#memory.buffer, this.#band, bytes), done * 3 * this.columns);
      done += count;
    }
  }
  #band = 0;
  #bandRows = 0;
}

/**
 * A picture whose rows are decoded as far as they are asked for.
 *
 * @param {JpegReader} reader
 * @param {number} scale
 * @returns {{picture: Picture, decodeTo: (row: number) => void} | null} null for a kind of JPEG that is
 *   not decoded here; decodeTo: makes the rows before that one real
 */
export function readJpeg(reader, scale) {
  if (!reader.supported || !reader.start(scale)) return null;
  const { columns, rows } = reader, data = new Uint8Array(columns * rows * 3);
  let done = 0;
  const decodeTo = (/** @type {number} */ row) => {
    if (row > done) reader.read(row - done, data.subarray(done * columns * 3));
    done = Math.max(done, row);
  };
  return { picture: { data, width: columns, height: rows }, decodeTo };
}

function broken() {
  return new BrokenImageError("the picture is a broken JPEG; export or copy it again");
}
