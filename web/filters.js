/**
 * Filters of one asset in the browser: the C blocks of `kernels/filters.h`, compiled to WebAssembly.
 *
 * They are Python's `homebody.kernels.Particles` and `Kalman`, with the same numbers, bit for bit:
 * what one saves the other restores and goes on with. The state x moves as x + w and is seen as
 * rows x + v; rows are one array [outputs * states], row after row.
 *
 * @example
 * const wasm = await loadFilters(await fetch("/native/filters.wasm"));
 * const filter = new LastLayerFilter(wasm, { mean: [0], covariance: [1], process: [0], noise: [1] });
 * const expected = filter.update([1], [2]);
 * filter.mean[0]; // 1
 * const saved = filter.save(); // and later: LastLayerFilter.of(wasm, saved)
 * @module
 */

import { KernelError } from "./errors.js";
import { integer } from "./kernels/arguments.js";
import { Instance } from "./kernels/instance.js";
import { compiled } from "./kernels/module.js";

/** @typedef {ArrayLike<number>} Numbers */
/**
 * What was expected of a measurement, noise included.
 * @typedef {{mean: Float64Array, sigma: Float64Array}} Prediction each [outputs]
 */
/**
 * Where parts of a block begin, in bytes.
 * @typedef {{length: number, offsets: number[]}} Layout
 */

/** How particles are drawn anew, in the order of the kernels' own numbers. */
export const RESAMPLING = ["systematic", "stratified", "residual", "multinomial"];
const MAX_STATES = 256;
const MAX_OUTPUTS = 64;
const MAX_PARTICLES = 65536;
const MAX_MEASURED = 1e100;

/**
 * Compile the filters.
 *
 * @param {BufferSource | WebAssembly.Module | Response} source `filters.wasm`
 * @returns {Promise<Instance>} what filters are made with; any number of them
 * @throws {UnsupportedBrowserError} without WebAssembly SIMD
 * @throws {KernelError} when it is no such module, or of another version
 */
export function loadFilters(source) {
  return compiled(source, (module) => new Instance(module));
}

/** What both filters are: a block of bytes that the kernels work on, and nothing besides. */
class Block {
  /** @protected */ wasm;
  /** @protected */ offsets;
  /** @protected @type {Uint8Array} */ bytes;
  /** The header's first bytes, which never change. @protected */ kept;
  /** Parts of the block: result, rows, measured, noise. @protected */ at;

  /**
   * @param {Instance} wasm
   * @param {number} states
   * @param {number} outputs
   * @param {Layout} layout
   * @param {number} kept
   * @param {{result: number, noise: number, rows: number, measured: number, skip: number}} at
   */
  constructor(wasm, states, outputs, layout, kept, at) {
    this.wasm = wasm;
    this.states = states;
    this.outputs = outputs;
    this.offsets = layout.offsets;
    this.bytes = new Uint8Array(layout.length);
    this.kept = kept;
    this.at = at;
  }

  /** @protected @param {number} part @param {number} length @returns {Float64Array} a view */
  doubles(part, length) {
    return new Float64Array(this.bytes.buffer, this.offsets[part], length);
  }

  /** @protected @param {number} part @param {number} length @returns {Float32Array} a view */
  floats(part, length) {
    return new Float32Array(this.bytes.buffer, this.offsets[part], length);
  }

  /**
   * Run a kernel over the block in WebAssembly's memory; take it back unless it was refused.
   *
   * @protected
   * @param {(place: number, length: number) => number} kernel gives a status
   */
  run(kernel) {
    return this.wasm.calling(() => {
      const place = this.wasm.put(this.bytes);
      const status = kernel(place, this.bytes.length);
      if (status === 0) this.bytes.set(this.wasm.view(place, this.bytes.length));
      return status;
    });
  }

  /**
   * What the next measurement through these rows should be; changes nothing that it learned.
   *
   * @param {Numbers} rows [outputs * states]
   * @param {number} [dt] steps of the process until then
   * @returns {Prediction}
   * @throws {KernelError} a length is wrong or a number not finite
   */
  predict(rows, dt = 1) {
    this.#call("predict", rows, null, dt);
    return this.#prediction();
  }

  /**
   * Learn from one measurement; what was expected before it.
   *
   * @param {Numbers} rows [outputs * states]
   * @param {Numbers} measured [outputs]; NaN where missing
   * @param {number} [dt] steps of the process since the last update
   * @returns {Prediction}
   * @throws {KernelError} a length is wrong or a number not finite; the state is as before
   */
  update(rows, measured, dt = 1) {
    this.#call("update", rows, measured, dt);
    return this.#prediction();
  }

  /** @param {"predict" | "update"} what @param {Numbers} rows @param {Numbers | null} measured @param {number} dt */
  #call(what, rows, measured, dt) {
    const row = this.doubles(this.at.rows, this.outputs * this.states);
    const seen = this.doubles(this.at.measured, this.outputs);
    if (rows.length !== row.length || (measured && measured.length !== seen.length)) {
      throw new KernelError(`rows are ${row.length} numbers here and a measurement ${seen.length}; give as many`);
    }
    const before = [row.slice(), seen.slice()];
    row.set(rows);
    if (measured) seen.set(measured);
    if (this.kernel(what, dt) !== 0) {
      row.set(before[0]);
      seen.set(before[1]);
      throw new KernelError("a row is beyond 1e18, a measurement beyond 1e100, dt below 0, or one not finite");
    }
  }

  #prediction() {
    const result = this.doubles(this.at.result, this.at.skip + 2 * this.outputs);
    const end = this.at.skip + this.outputs;
    return { mean: result.slice(this.at.skip, end), sigma: result.slice(end) };
  }

  /** Everything the filter remembers: the bytes that Python saves. @returns {Uint8Array} */
  save() {
    return this.bytes.slice();
  }

  /**
   * Go back to what a filter of the same sizes and settings saved, here or in Python.
   *
   * @param {Uint8Array} saved
   * @throws {KernelError} it is of other sizes, or holds what no filter would
   */
  restore(saved) {
    const same = saved.length === this.bytes.length;
    if (!same || saved.subarray(0, this.kept).some((byte, i) => byte !== this.bytes[i])) {
      throw new KernelError(
        `${saved.length} bytes are not this filter's ${this.bytes.length}; ` +
          "restore what a filter of the same sizes and settings saved",
      );
    }
    const before = this.bytes.slice();
    this.bytes.set(saved);
    if (this.sound()) return;
    this.bytes.set(before);
    throw new KernelError("a saved filter holds NaN or over 1e100; restore an undamaged one");
  }

  /** @protected @param {"predict" | "update"} _what @param {number} _dt @returns {number} a status */
  kernel(_what, _dt) {
    return -1;
  }

  /** Whether the numbers are such that a filter could have them. @protected @returns {boolean} */
  sound() {
    return false;
  }
}

// The parts' numbers in kernels/filters.h.
const P = { result: 0, centre: 1, mean: 2, cov: 3, noise: 4, rows: 5, measured: 6, factor: 7, particles: 8, log: 9, weights: 10, parts: 11, skip: 3 };
const K = { result: 0, mean: 1, cov: 2, process: 3, noise: 4, rows: 5, measured: 6, factor: 7, step: 8, parts: 10, skip: 2 };

/** A particle filter: a state's distribution as weighted guesses. */
export class ParticleFilter extends Block {
  #scratch;

  /**
   * @param {Instance} wasm from `loadFilters`
   * @param {{mean: Numbers, factor: Numbers, step: Numbers, noise?: Numbers, outputs?: number,
   *   particles?: number, resampling?: string, threshold?: number, degrees?: number, seed?: number,
   *   stream?: number}} settings `mean` [states] and `factor` [states * states] are the prior's: its
   *   covariance is factor factor', lower triangular; `step` is such a factor of the process in a
   *   step; `noise` [outputs] standard deviations (Student-t of `degrees`: scales), 1 by default;
   *   `particles` 2 to 65,536, 500 by default; `threshold`: resample below this share of effective
   *   particles
   * @throws {KernelError} a length or a number is out of range
   */
  constructor(wasm, settings) {
    const { mean, factor, step, outputs = 1, particles = 500, resampling = "systematic" } = settings;
    const { threshold = 0.5, degrees = 0, seed = 0, stream = 0 } = settings;
    const states = integer(mean.length, "states", 1, MAX_STATES);
    const noise = settings.noise ?? new Float64Array(outputs).fill(1);
    integer(particles, "particles", 2, MAX_PARTICLES);
    integer(outputs, "outputs", 1, MAX_OUTPUTS);
    integer(seed, "seed", 0, 2 ** 32 - 1);
    integer(stream, "stream", 0, 2 ** 32 - 1);
    const scheme = RESAMPLING.indexOf(resampling);
    if (scheme < 0) {
      throw new KernelError(`there is no resampling ${resampling}; choose one of ${RESAMPLING.join(", ")}`);
    }
    shaped({ factor, step }, states * states);
    shaped({ noise }, outputs);
    const layout = layoutOf(wasm, P.parts, (at) => wasm.hb.hb_particles_layout(states, particles, outputs, at));
    super(wasm, states, outputs, layout, 28, P); // up to the stream; the tick follows
    this.particles = particles;
    this.#scratch = wasm.hb.hb_particles_scratch(states, particles);
    this.doubles(P.centre, states).set(mean);
    this.doubles(P.noise, outputs).set(noise);
    const status = this.#run((place, length, scratch, size) => wasm.hb.hb_particles_start(
      place, length, states, particles, outputs, scheme, threshold, degrees, seed, stream,
      wasm.put(Float32Array.from(factor)), scratch, size));
    if (status !== 0) throw new KernelError("threshold, degrees, mean or factor is out of range; give finite numbers");
    this.floats(P.factor, states * states).set(step);
  }

  /**
   * A filter from what one saved.
   *
   * @param {Instance} wasm
   * @param {Uint8Array} saved
   * @throws {KernelError} the bytes are no such thing
   */
  static of(wasm, saved) {
    const view = headerOf(saved, "HBP2", 48);
    const [states, particles, outputs, scheme] = [4, 8, 12, 16].map((at) => view.getInt32(at, true));
    const none = new Float64Array(integer(states, "states", 1, MAX_STATES) ** 2);
    const filter = new ParticleFilter(wasm, {
      mean: none.subarray(0, states), factor: none, step: none, outputs, particles,
      resampling: RESAMPLING[scheme], seed: view.getUint32(20, true), stream: view.getUint32(24, true),
      threshold: view.getFloat64(32, true), degrees: view.getFloat64(40, true),
    });
    filter.restore(saved);
    return filter;
  }

  /**
   * Learn from a choice: of these options one was taken, with the probability of a softmax over
   * what a particle sees through each (conditional logit).
   *
   * @param {Numbers} rows [options * states], 2 to `outputs` options
   * @param {number} chosen the option's index
   * @param {number} [dt] steps of the process since the last update
   * @returns {Float64Array} the probability of each option, as it was expected
   * @throws {KernelError} a length is wrong or a number not finite; the state is as before
   */
  choose(rows, chosen, dt = 1) {
    const options = rows.length / this.states;
    integer(options, "the number of options", 2, this.outputs);
    integer(chosen, "chosen", 0, options - 1);
    const part = this.doubles(P.rows, rows.length);
    const before = part.slice();
    part.set(rows);
    if (this.#run((...all) => this.wasm.hb.hb_particles_choose(...all, dt, options, chosen)) !== 0) {
      part.set(before);
      throw new KernelError("a row is beyond 1e18, dt below 0, or one not finite");
    }
    return this.doubles(P.result, 3 + options).slice(3);
  }

  /** The state's mean after the last update, [states]. @returns {Float64Array} */
  get mean() {
    this.#summarise();
    return this.doubles(P.mean, this.states).slice();
  }

  /** The state's covariance after the last update, [states * states]. @returns {Float64Array} */
  get covariance() {
    this.#summarise();
    return this.doubles(P.cov, this.states ** 2).slice();
  }

  /** 1 / sum of squared weights after the last update, before any resampling. */
  get effectiveSize() {
    return this.doubles(P.result, 1)[0];
  }

  /** Whether fewer effective particles than states + 1 were left. */
  get collapsed() {
    return this.doubles(P.result, 3)[2] === 1;
  }

  /** @override */
  save() {
    this.#summarise(); // the same bytes whether the mean was asked for or not
    return super.save();
  }

  #summarise() {
    this.#run((...all) => this.wasm.hb.hb_particles_summarise(...all));
  }

  /** @param {(place: number, length: number, scratch: number, size: number) => number} kernel */
  #run(kernel) {
    return this.run((place, length) => kernel(place, length, this.wasm.alloc(this.#scratch), this.#scratch));
  }

  /** @protected @override @param {"predict" | "update"} what @param {number} dt */
  kernel(what, dt) {
    return this.#run((...all) => this.wasm.hb[`hb_particles_${what}`](...all, dt));
  }

  /** @protected @override */
  sound() {
    const { states, outputs } = this, square = states ** 2, padded = Math.ceil(this.particles / 16) * 16;
    const weights = this.floats(P.weights, padded).subarray(0, this.particles);
    const [threshold, degrees] = new Float64Array(this.bytes.buffer, 32, 2);
    return (
      [this.doubles(P.centre, states), this.doubles(P.mean, states), this.doubles(P.cov, square),
        this.doubles(P.noise, outputs), this.doubles(P.rows, outputs * states)].every(within(MAX_MEASURED)) &&
      [this.floats(P.factor, square), this.floats(P.particles, states * padded), this.floats(P.log, padded), weights]
        .every(within(1e15)) &&
      this.doubles(P.noise, outputs).every((one) => one > 0) &&
      weights.every((one) => one >= 0) && weights.some((one) => one > 0) &&
      threshold >= 0 && threshold <= 1 && degrees >= 0 && degrees <= 1e6
    );
  }
}

/** The exact filter of a linear last layer (Kalman, as U D U'): what particles approximate. */
export class LastLayerFilter extends Block {
  /**
   * @param {Instance} wasm from `loadFilters`
   * @param {{mean: Numbers, covariance: Numbers, process: Numbers, noise?: Numbers, outputs?: number,
   *   degrees?: number, adaptive?: number}} settings `mean` [states] and `covariance`
   *   [states * states] are the prior's; `process` is the covariance of a step; `noise` [outputs]
   *   standard deviations (Student-t of `degrees`: scales), 1 by default; `adaptive`: 0, or the rate,
   *   up to 0.25, at which the process's scale follows the innovations
   * @throws {KernelError} a length or a number is out of range
   */
  constructor(wasm, settings) {
    const { mean, covariance, process, outputs = 1, degrees = 0, adaptive = 0 } = settings;
    const states = integer(mean.length, "states", 1, MAX_STATES);
    const noise = settings.noise ?? new Float64Array(outputs).fill(1);
    integer(outputs, "outputs", 1, MAX_OUTPUTS);
    shaped({ covariance, process }, states * states);
    shaped({ noise }, outputs);
    const layout = layoutOf(wasm, K.parts, (at) => wasm.hb.hb_kalman_layout(states, outputs, at));
    super(wasm, states, outputs, layout, 12, K);
    this.doubles(K.noise, outputs).set(noise);
    const status = this.run((place, length) => wasm.hb.hb_kalman_start(
      place, length, states, outputs, degrees, adaptive,
      wasm.put(Float64Array.from(mean)), wasm.put(Float64Array.from(covariance)), wasm.put(Float64Array.from(process))));
    if (status !== 0) {
      throw new KernelError("mean, covariance, process, degrees or adaptive is out of range; give finite numbers");
    }
  }

  /**
   * A filter from what one saved.
   *
   * @param {Instance} wasm
   * @param {Uint8Array} saved
   * @throws {KernelError} the bytes are no such thing
   */
  static of(wasm, saved) {
    const view = headerOf(saved, "HBK1", 40);
    const [states, outputs] = [4, 8].map((at) => view.getInt32(at, true));
    const none = new Float64Array(integer(states, "states", 1, MAX_STATES) ** 2);
    const [degrees, adaptive] = [16, 24].map((at) => view.getFloat64(at, true));
    const filter = new LastLayerFilter(wasm, {
      mean: none.subarray(0, states), covariance: none, process: none, outputs, degrees, adaptive,
    });
    filter.restore(saved);
    return filter;
  }

  /** The state's mean, [states]. @returns {Float64Array} */
  get mean() {
    return this.doubles(K.mean, this.states).slice();
  }

  /** The state's covariance, [states * states]. @returns {Float64Array} */
  get covariance() {
    return this.doubles(K.cov, this.states ** 2).slice();
  }

  /** What the process's covariance is multiplied by; 1 unless `adaptive`. */
  get processScale() {
    return this.doubles(K.result, 1)[0];
  }

  /** @protected @override @param {"predict" | "update"} what @param {number} dt */
  kernel(what, dt) {
    return this.run((place, length) => this.wasm.hb[`hb_kalman_${what}`](place, length, dt));
  }

  /** @protected @override */
  sound() {
    const { states, outputs } = this, square = states ** 2;
    const [mean, cov, process, noise, rows, factor, step] = [
      this.doubles(K.mean, states), this.doubles(K.cov, square), this.doubles(K.process, square),
      this.doubles(K.noise, outputs), this.doubles(K.rows, outputs * states),
      this.doubles(K.factor, square), this.doubles(K.step, square),
    ];
    const [degrees, adaptive, scale] = new Float64Array(this.bytes.buffer, 16, 3);
    return (
      [mean, cov, process, noise, rows, factor, step].every(within(MAX_MEASURED)) &&
      noise.every((one) => one > 0) && isFactor(factor, cov, states) && isFactor(step, process, states) &&
      degrees >= 0 && degrees <= 1e6 && adaptive >= 0 && adaptive <= 0.25 && scale > 0 && scale <= 1e4
    );
  }
}

/**
 * @param {Instance} wasm
 * @param {number} parts
 * @param {(at: number) => number} ask writes the parts' offsets and gives the length
 * @returns {Layout}
 */
function layoutOf(wasm, parts, ask) {
  return wasm.calling(() => {
    const at = wasm.alloc(4 * parts);
    const length = ask(at) >>> 0;
    return { length, offsets: [...new Uint32Array(wasm.take(at, 4 * parts).buffer)] };
  });
}

/** @param {Record<string, Numbers>} arrays @param {number} length */
function shaped(arrays, length) {
  for (const [name, array] of Object.entries(arrays)) {
    if (array.length !== length) throw new KernelError(`${name} has ${array.length} numbers; give ${length}`);
  }
}

/** @param {Uint8Array} saved @param {string} format @param {number} length */
function headerOf(saved, format, length) {
  if (saved.length < length || String.fromCharCode(...saved.subarray(0, 4)) !== format) {
    throw new KernelError("the bytes are no saved filter of this kind; give what save() gave");
  }
  return new DataView(saved.buffer, saved.byteOffset, saved.length);
}

/** @param {number} limit */
const within = (limit) => /** @param {Float64Array | Float32Array} part */ (part) =>
  part.every((/** @type {number} */ one) => Math.abs(one) <= limit); // NaN is not

/**
 * Whether matrix = U D U', with U above the factor's diagonal and D on it.
 *
 * @param {Float64Array} factor
 * @param {Float64Array} matrix
 * @param {number} n
 */
function isFactor(factor, matrix, n) {
  const most = 1e-7 * matrix.reduce((found, one) => Math.max(found, Math.abs(one)), 0);
  /** @param {number} i @param {number} k */
  const upper = (i, k) => (i === k ? 1 : factor[i * n + k]);
  for (let i = 0; i < n; i++) {
    if (!(factor[i * n + i] >= 0)) return false;
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = Math.max(i, j); k < n; k++) sum += upper(i, k) * factor[k * n + k] * upper(j, k);
      if (!(Math.abs(sum - matrix[i * n + j]) <= most)) return false;
    }
  }
  return true;
}
