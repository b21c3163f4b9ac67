/**
 * The kernels' own memory: one instance of the module, and room in it for one call at a time.
 * @module
 */

import { KernelError } from "../errors.js";

const ABI_VERSION = 2;

/** An instance's memory never shrinks; one that grew past this is let go after the call. */
const KEPT_BYTES = 64 << 20;

/** A running module. What a call puts into its memory is gone with the next call. */
export class Instance {
  #module;
  /** @type {WebAssembly.Memory} */
  #memory = /** @type {any} */ (null);
  /** What the module exports. @type {Record<string, (...numbers: number[]) => number>} */
  hb = {};

  /**
   * @param {WebAssembly.Module} module
   * @throws {KernelError} it is of another version
   */
  constructor(module) {
    this.#module = module;
    this.#start();
    if (this.hb.hb_abi_version?.() !== ABI_VERSION) {
      throw new KernelError("the kernels are of another version than the page; load the page again");
    }
  }

  #start() {
    const { exports } = new WebAssembly.Instance(this.#module);
    this.hb = /** @type {any} */ (exports);
    this.#memory = /** @type {any} */ (exports.memory);
  }

  /**
   * Run one call with all memory free.
   *
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  calling(work) {
    this.hb.hb_reset();
    try {
      return work();
    } finally {
      if (this.#memory.buffer.byteLength > KEPT_BYTES) this.#start();
    }
  }

  /** @param {number} bytes @returns {number} their address */
  alloc(bytes) {
    const place = this.hb.hb_alloc(Math.max(1, bytes)) >>> 0;
    if (place === 0) {
      throw new KernelError("this does not fit into WebAssembly's memory; give a smaller picture, or fewer particles");
    }
    return place;
  }

  /** @param {ArrayBufferView} array @returns {number} the address of its copy */
  put(array) {
    const place = this.alloc(array.byteLength);
    this.write(place, array);
    return place;
  }

  /** @param {number} place @param {ArrayBufferView} array */
  write(place, array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    this.view(place, bytes.length).set(bytes);
  }

  /** Bytes where they are, until the next `alloc`. @param {number} place @param {number} length */
  view(place, length) {
    return new Uint8Array(this.#memory.buffer, place, length);
  }

  /** A copy of bytes. @param {number} place @param {number} length */
  take(place, length) {
    return this.view(place, length).slice();
  }
}
