/**
 * JPEG files written through the kernels: the bits that Python writes, in every browser.
 * @module
 */

import { ImageWriteError } from "../../errors.js";

const MOST_SIDE = 65_500;
const HEAD_BYTES = 640;
/** Rows of units between restart markers. */
const RESTART = 4;

/**
 * A file being encoded, in bands that need nothing of each other: restart markers stand between, and
 * within, them. From quality 90 colour is kept at full resolution.
 */
export class JpegWriter {
  /** @type {Record<string, (...numbers: number[]) => number>} */
  #hb;
  /** @type {WebAssembly.Memory} */
  #memory;
  #scratch = 0;
  #rgb = 0;
  #out = 0;
  #bound = 0;
  #words = 0;

  /**
   * @param {WebAssembly.Module} module the kernels'
   * @param {number} width
   * @param {number} quality 1 to 100
   * @throws {ImageWriteError} it is wider than a JPEG can be
   */
  constructor(module, width, quality) {
    if (width > MOST_SIDE) throw tooLarge(width);
    const { exports } = new WebAssembly.Instance(module);
    this.#hb = /** @type {any} */ (exports);
    this.#memory = /** @type {any} */ (exports.memory);
    this.width = width;
    this.quality = quality;
    this.halved = quality < 90 ? 1 : 0;
    /** Rows of a unit. */
    this.unit = this.halved ? 16 : 8;
    this.#words = this.#hb.hb_jpeg_encode_scratch(width, this.halved);
    this.#bound = Math.max(HEAD_BYTES, this.#hb.hb_jpeg_encode_bound(width, this.halved));
    this.#scratch = this.#hb.hb_alloc(4 * this.#words);
    this.#rgb = this.#hb.hb_alloc(3 * width * this.unit);
    this.#out = this.#hb.hb_alloc(this.#bound);
  }

  /**
   * What stands before the first band.
   *
   * @param {number} height
   * @returns {Uint8Array}
   */
  head(height) {
    if (height > MOST_SIDE) throw tooLarge(height);
    const restart = RESTART * Math.ceil(this.width / this.unit);
    const { width, quality, halved } = this;
    const length = this.#hb.hb_jpeg_encode_head(width, height, quality, halved, restart, this.#out, this.#bound);
    return this.#taken(length).slice();
  }

  /**
   * A band: whole rows of units, but for the picture's last rows.
   *
   * @param {Uint8Array} rgb
   * @param {number} first the band's first row, a multiple of `RESTART_ROWS`
   * @returns {Uint8Array}
   */
  band(rgb, first) {
    const row = 3 * this.width, rows = rgb.length / row;
    let bytes = new Uint8Array(rgb.length >> 2), length = 0;
    const add = (/** @type {Uint8Array} */ part) => {
      if (length + part.length > bytes.length) {
        const larger = new Uint8Array(2 * bytes.length + part.length);
        larger.set(bytes);
        bytes = larger;
      }
      bytes.set(part, length);
      length += part.length;
    };
    this.#hb.hb_jpeg_encode_start(this.width, this.quality, this.halved, this.#scratch, this.#words);
    for (let at = 0; at < rows; at += this.unit) {
      const number = (first + at) / (RESTART * this.unit);
      if (number > 0 && Number.isInteger(number)) {
        if (at > 0) add(this.#taken(this.#hb.hb_jpeg_encode_end(this.#scratch, this.#out, this.#bound)));
        add(Uint8Array.of(0xff, 0xd0 + ((number - 1) & 7)));
      }
      const count = Math.min(this.unit, rows - at);
      new Uint8Array(this.#memory.buffer).set(rgb.subarray(at * row, (at + count) * row), this.#rgb);
      add(this.#taken(this.#hb.hb_jpeg_encode_rows(this.#scratch, this.#rgb, count, this.#out, this.#bound)));
    }
    add(this.#taken(this.#hb.hb_jpeg_encode_end(this.#scratch, this.#out, this.#bound)));
    return bytes.slice(0, length);
  }

  /** @param {number} length */
  #taken(length) {
    return new Uint8Array(this.#memory.buffer, this.#out, length);
  }
}

/** What a band's first row is a multiple of. */
export const RESTART_ROWS = RESTART * 16;
/** What stands after the last band. */
export const JPEG_END = Uint8Array.of(0xff, 0xd9);

/** @param {number} side */
function tooLarge(side) {
  return new ImageWriteError(`a side of ${side} pixels is more than JPEG's 65,500; choose PNG`);
}
