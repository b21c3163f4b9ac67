/**
 * The door to the kernels: the C sources of `kernels/`, compiled to WebAssembly.
 *
 * They are the functions of Python's `homebody.kernels`, with the same arguments and the same
 * results, bit for bit. Pictures are 8-bit RGB, rows packed; where a fourth channel is accepted, it
 * is carried through. Every method throws KernelError for arguments outside what it accepts.
 *
 * @example
 * const kernels = await loadKernels(await fetch("/native/homebody.wasm"));
 * const small = kernels.resize(picture, 303, 227);
 * @module
 */

import { KernelError } from "./errors.js";
import { MAX_SIDE, channelsOf, integer, placeOf, windowIn } from "./kernels/arguments.js";
import { Instance } from "./kernels/instance.js";
import { compiled } from "./kernels/module.js";

/** @typedef {{data: Uint8Array, width: number, height: number}} Picture RGB, rows packed */
/** @typedef {{table: Int16Array, size: number}} Lut int16 [size, size, size, 4], blue slowest */
/**
 * Where a window lies in the whole picture, and how large that is.
 * @typedef {{top: number, left: number, width: number, height: number}} Place
 */
/**
 * What `statistics` counts; every value is an exact integer.
 * @typedef {{pixels: number, luma: Uint32Array, chroma: Uint32Array, rgSum: number,
 *   rgSquare: number, ybSum: number, ybSquare: number, grid: number[][]}} Statistics
 */

export const LOOK_PARAMETERS = 174;
const LUT_SIZES = [17, 33, 65];
const LUT_WHITE = 32640;

/** Bytes of a picture that are in the kernels' memory at a time, where rows do not need each other. */
const BAND_BYTES = 1 << 20;

/**
 * Compile the kernels.
 *
 * @param {BufferSource | WebAssembly.Module | Response} source `homebody.wasm`
 * @returns {Promise<Kernels>}
 * @throws {UnsupportedBrowserError} without WebAssembly SIMD
 * @throws {KernelError} when it is no such module, or of another version
 */
export function loadKernels(source) {
  return compiled(source, (module) => new Kernels(module));
}

/**
 * The size that a picture takes with a short side of `shortSide` pixels; the long side is rounded
 * to nearest, halves up.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} shortSide
 * @returns {[width: number, height: number]}
 */
export function fitShortSide(width, height, shortSide) {
  const shortest = Math.min(width, height);
  /** @param {number} side */
  const fit = (side) => Math.floor((2 * side * shortSide + shortest) / (2 * shortest));
  return [fit(width), fit(height)];
}

/** The kernels, ready to call. One instance runs one call at a time. */
export class Kernels {
  #wasm;
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    /** The compiled module, from which other workers make kernels of their own. */
    this.module = module;
    this.#wasm = new Instance(module);
  }

  /** Tables that need no check of their values. @type {WeakSet<Int16Array>} */
  #made = new WeakSet();

  /**
   * Resize: the exact area average where an axis shrinks, linear interpolation where it grows.
   *
   * @param {Picture} rgb
   * @param {number} width 1 to 65,535
   * @param {number} height
   * @param {{window?: [left: number, top: number, width: number, height: number]}} [options] the part
   *   of the new picture to compute
   * @returns {Picture}
   */
  resize(rgb, width, height, { window } = {}) {
    channelsOf(rgb, [3]);
    const [left, top, columns, rows] = windowIn(width, height, window);
    return this.#wasm.calling(() => {
      const from = this.#wasm.put(rgb.data);
      const length = this.#wasm.hb.hb_resize_scratch(rgb.width, columns);
      const scratch = this.#wasm.alloc(4 * length);
      const out = this.#wasm.alloc(rows * columns * 3);
      check("resize", this.#wasm.hb.hb_resize(
        from, rgb.height, rgb.width, height, width, top, left, rows, columns, out, scratch, length));
      return { data: this.#wasm.take(out, rows * columns * 3), width: columns, height: rows };
    });
  }

  /**
   * `resize`, then the window, then `normalize`, in one pass.
   *
   * @param {Picture} rgb
   * @param {number} width
   * @param {number} height
   * @param {{order?: "rgb" | "bgr", mean: readonly number[], std: readonly number[],
   *   window?: [left: number, top: number, width: number, height: number]}} options
   * @returns {Float32Array} [height, width, 3] of the window
   */
  resizeNormalize(rgb, width, height, { order = "rgb", mean, std, window }) {
    channelsOf(rgb, [3]);
    const [left, top, columns, rows] = windowIn(width, height, window);
    return this.#wasm.calling(() => {
      const from = this.#wasm.put(rgb.data);
      const [centre, spread] = this.#moments(mean, std);
      const length = this.#wasm.hb.hb_resize_scratch(rgb.width, columns);
      const scratch = this.#wasm.alloc(4 * length);
      const out = this.#wasm.alloc(rows * columns * 12);
      check("resize_normalize", this.#wasm.hb.hb_resize_normalize(
        from, rgb.height, rgb.width, height, width, top, left, rows, columns, order === "bgr" ? 1 : 0,
        centre, spread, out, scratch, length));
      return new Float32Array(this.#wasm.take(out, rows * columns * 12).buffer);
    });
  }

  /**
   * `(value - mean) / std` a channel at a time, in float32.
   *
   * @param {Picture} rgb
   * @param {{order?: "rgb" | "bgr", mean: readonly number[], std: readonly number[]}} options mean
   *   and std are in the order that leaves
   * @returns {Float32Array} [height, width, 3]
   */
  normalize(rgb, { order = "rgb", mean, std }) {
    channelsOf(rgb, [3]);
    return this.#wasm.calling(() => {
      const from = this.#wasm.put(rgb.data);
      const [centre, spread] = this.#moments(mean, std);
      const pixels = rgb.width * rgb.height;
      const out = this.#wasm.alloc(pixels * 12);
      check("normalize", this.#wasm.hb.hb_normalize(from, pixels, order === "bgr" ? 1 : 0, centre, spread, out));
      return new Float32Array(this.#wasm.take(out, pixels * 12).buffer);
    });
  }

  /**
   * Histograms and sums that describe a picture's light and colour, in one pass.
   *
   * @param {Picture} rgb
   * @returns {Statistics}
   */
  statistics(rgb) {
    channelsOf(rgb, [3]);
    return this.#wasm.calling(() => {
      const from = this.#wasm.put(rgb.data);
      const [luma, chroma, sums, grid] = [1024, 1024, 32, 512].map((bytes) => this.#wasm.alloc(bytes));
      check("statistics", this.#wasm.hb.hb_statistics(from, rgb.height, rgb.width, luma, chroma, sums, grid));
      const [rgSum, rgSquare, ybSum, ybSquare] = Array.from(
        new BigInt64Array(this.#wasm.take(sums, 32).buffer), Number);
      const cells = Array.from(new BigUint64Array(this.#wasm.take(grid, 512).buffer), Number);
      return {
        pixels: rgb.width * rgb.height,
        luma: new Uint32Array(this.#wasm.take(luma, 1024).buffer),
        chroma: new Uint32Array(this.#wasm.take(chroma, 1024).buffer),
        rgSum, rgSquare, ybSum, ybSquare,
        grid: Array.from({ length: 8 }, (_, row) => cells.slice(8 * row, 8 * row + 8)),
      };
    });
  }

  /**
   * Compile a preset's colour adjustments to a table for `lutApply`.
   *
   * @param {Float64Array} parameters float64 [174]; `kernels/look.c` names their offsets and ranges
   * @param {number} [size] nodes a side, 2 to 65
   * @returns {Lut}
   */
  lookLut(parameters, size = 33) {
    if (parameters.length !== LOOK_PARAMETERS) {
      throw new KernelError(`there are ${parameters.length} parameters; give ${LOOK_PARAMETERS}`);
    }
    integer(size, "size", 2, 65);
    return this.#wasm.calling(() => {
      const from = this.#wasm.put(parameters);
      const bytes = 8 * size ** 3;
      const out = this.#wasm.alloc(bytes);
      if (this.#wasm.hb.hb_look_lut(from, parameters.length, size, out) !== 0) {
        throw new KernelError(
          "an adjustment is out of its range, or a curve does not run left to right; " +
            "kernels/look.c states both",
        );
      }
      const table = new Int16Array(this.#wasm.take(out, bytes).buffer);
      this.#made.add(table);
      return { table, size };
    });
  }

  /**
   * Colours through a three-dimensional table, with tetrahedral interpolation.
   *
   * @param {Picture} pixels RGB or RGBA
   * @param {Lut} lut of 17, 33 or 65 nodes a side; values 0 to 32,640
   * @returns {Picture}
   */
  lutApply(pixels, lut) {
    const channels = channelsOf(pixels);
    if (!LUT_SIZES.includes(lut.size) || lut.table.length !== 4 * lut.size ** 3) {
      throw new KernelError(`a colour table has ${LUT_SIZES.join(", ")} nodes a side, and no other`);
    }
    if (!this.#made.has(lut.table) && lut.table.some((value) => value < 0 || value > LUT_WHITE)) {
      throw new KernelError(`the colour table has values outside 0 to ${LUT_WHITE}; clip it first`);
    }
    let table = 0;
    return this.#banded("lut_apply", pixels, {
      prepare: () => { table = this.#wasm.put(lut.table); },
      work: (at, rows) => this.#wasm.hb.hb_lut_apply(at, rows * pixels.width, channels, table, lut.size, at),
    });
  }

  /**
   * Monochrome film-like grain: the same pattern at every resolution, most in the mid-tones.
   *
   * @param {Picture} pixels RGB or RGBA
   * @param {number} amount 0 to 100
   * @param {number} size 0 to 100; a grain is (25 + size) / 100,000 of the full picture's long edge
   * @param {{seed: number, place?: Place}} options seed: 0 to 2^32 - 1
   * @returns {Picture}
   */
  grain(pixels, amount, size, { seed, place }) {
    const channels = channelsOf(pixels);
    integer(amount, "amount", 0, 100);
    integer(size, "size", 0, 100);
    integer(seed, "seed", 0, 2 ** 32 - 1);
    const { top, left, width, height } = placeOf(pixels, place);
    const length = this.#wasm.hb.hb_grain_scratch(pixels.width, size, height, width);
    let scratch = 0;
    return this.#banded("grain", pixels, {
      prepare: () => { scratch = this.#wasm.alloc(4 * length); },
      work: (at, rows, first) => this.#wasm.hb.hb_grain(
        at, rows, pixels.width, channels, top + first, left, height, width, amount, size, seed, at,
        scratch, length),
    });
  }

  /**
   * Darken or lighten smoothly towards the corners, in an ellipse that fits the picture.
   *
   * @param {Picture} pixels RGB or RGBA
   * @param {number} amount -100 (black corners) to 100 (white corners)
   * @param {number} [midpoint] 0 to 100: how far towards the corners the change begins
   * @param {{place?: Place}} [options]
   * @returns {Picture}
   */
  vignette(pixels, amount, midpoint = 50, { place } = {}) {
    const channels = channelsOf(pixels);
    integer(amount, "amount", -100, 100);
    integer(midpoint, "midpoint", 0, 100);
    const { top, left, width, height } = placeOf(pixels, place);
    return this.#banded("vignette", pixels, {
      work: (at, rows, first) => this.#wasm.hb.hb_vignette(
        at, rows, pixels.width, channels, top + first, left, height, width, amount, midpoint, at),
    });
  }

  /**
   * Unsharp mask of the luma.
   *
   * @param {Picture} pixels RGB or RGBA; a window needs `sharpenMargin` rows and columns around it
   * @param {number} amount 0 to 100
   * @param {number} [radius] 0 to 100: the blur is radius / 40,000 of the long edge wide
   * @param {{longEdge?: number}} [options] the longer side of the picture this is a window of
   * @returns {Picture}
   */
  sharpen(pixels, amount, radius = 25, { longEdge } = {}) {
    const channels = channelsOf(pixels);
    const edge = longEdge ?? Math.max(pixels.width, pixels.height);
    integer(amount, "amount", 0, 100);
    integer(radius, "radius", 0, 100);
    integer(edge, "longEdge", Math.max(pixels.width, pixels.height), MAX_SIDE);
    const margin = sharpenMargin(radius, edge);
    const row = pixels.width * channels;
    const length = this.#wasm.hb.hb_sharpen_scratch(pixels.width, radius, edge);
    const most = rowsOfBand(pixels.height, row, 4 * margin);
    const data = new Uint8Array(pixels.data.length);
    this.#wasm.calling(() => {
      const scratch = this.#wasm.alloc(4 * length);
      const at = this.#wasm.alloc((most + 2 * margin) * row);
      const out = this.#wasm.alloc((most + 2 * margin) * row);
      for (let first = 0; first < pixels.height; first += most) {
        const last = Math.min(pixels.height, first + most);
        const from = Math.max(0, first - margin), to = Math.min(pixels.height, last + margin);
        this.#wasm.write(at, pixels.data.subarray(from * row, to * row));
        check("sharpen", this.#wasm.hb.hb_sharpen(
          at, to - from, pixels.width, channels, first - from, last - from, edge, amount, radius, out,
          scratch, length));
        data.set(this.#wasm.view(out + (first - from) * row, (last - first) * row), first * row);
      }
    });
    return { data, width: pixels.width, height: pixels.height };
  }

  /**
   * `(original * (100 - strength) + edited * strength + 50) / 100`, rounded down.
   *
   * @param {Picture} original RGB or RGBA
   * @param {Picture} edited of the same size
   * @param {number} strength 0 gives the original, 100 the edited
   * @returns {Picture}
   */
  blend(original, edited, strength) {
    const channels = channelsOf(original);
    if (channelsOf(edited) !== channels || edited.width !== original.width || edited.height !== original.height) {
      throw new KernelError("the original and the edited differ in size; give two pictures of one size");
    }
    integer(strength, "strength", 0, 100);
    const row = original.width * channels;
    let other = 0;
    return this.#banded("blend", edited, {
      prepare: (rows) => { other = this.#wasm.alloc(rows * row); },
      work: (at, rows, first) => {
        this.#wasm.write(other, original.data.subarray(first * row, (first + rows) * row));
        return this.#wasm.hb.hb_blend(other, at, rows * row, strength, at);
      },
    });
  }

  /**
   * Work on bands of rows in place.
   *
   * @param {string} name
   * @param {Picture} pixels
   * @param {{prepare?: (rows: number) => void,
   *   work: (at: number, rows: number, first: number) => number}} how
   * @returns {Picture}
   */
  #banded(name, pixels, { prepare, work }) {
    const row = pixels.data.length / pixels.height;
    const most = rowsOfBand(pixels.height, row);
    const data = new Uint8Array(pixels.data.length);
    this.#wasm.calling(() => {
      prepare?.(most);
      const at = this.#wasm.alloc(most * row);
      for (let first = 0; first < pixels.height; first += most) {
        const rows = Math.min(most, pixels.height - first);
        this.#wasm.write(at, pixels.data.subarray(first * row, (first + rows) * row));
        check(name, work(at, rows, first));
        data.set(this.#wasm.view(at, rows * row), first * row);
      }
    });
    return { data, width: pixels.width, height: pixels.height };
  }

  /** @param {readonly number[]} mean @param {readonly number[]} std */
  #moments(mean, std) {
    if (mean.length !== 3 || std.length !== 3 || !std.every((one) => Math.fround(one) > 0)) {
      throw new KernelError("mean and std are three numbers each, std above 0");
    }
    return [this.#wasm.put(new Float32Array(mean)), this.#wasm.put(new Float32Array(std))];
  }
}

/**
 * How far, in rows or columns, sharpening reads beyond what it writes.
 *
 * @param {number} radius 0 to 100
 * @param {number} longEdge
 */
export function sharpenMargin(radius, longEdge) {
  return Math.ceil((radius * longEdge) / 40000) + 2;
}

/** @param {number} height @param {number} row bytes in a row @param {number} [least] */
function rowsOfBand(height, row, least = 1) {
  return Math.min(height, Math.max(least, Math.floor(BAND_BYTES / row), 1));
}

/** @param {string} kernel @param {number} status */
function check(kernel, status) {
  if (status !== 0) {
    throw new KernelError(`the ${kernel} kernel refused its arguments (status ${status}); report this`);
  }
}
