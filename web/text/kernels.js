/**
 * The door to the text kernels: `text.wasm`, with what Unicode says of characters beside it.
 *
 * The module's memory holds, from the bottom, what is kept (tables, vocabularies) and above it what one
 * call needs, which is gone with the next one.
 * @module
 */

import { KernelError, TextError } from "../errors.js";

/** @typedef {"byte" | "char" | "utf16"} OffsetUnit what offsets count: bytes of UTF-8, characters, units of a JavaScript string */
/** @typedef {{starts: Int32Array, ends: Int32Array}} Spans */
/**
 * A string that lies in the module's memory, as UTF-8.
 * @typedef {{text: string, at: number, size: number, strings: number}} Placed `strings`: the address of an
 *   array with it as its one `hb_string`
 */

const ABI_VERSION = 2;
const ALIGNMENT = 64;
const PAGE = 1 << 16;
const MOST_TABLES = 1 << 22;
const MAGIC = 0x43554248; // HB_UNICODE_MAGIC
const LONE = /[\ud800-\udfff]/u; // in this mode, a pair is one character and no surrogate
const UNITS = { char: 1, utf16: 2 };
const CLASSES_BYTES = 1 << 21;

export class TextKernels {
  /** What the module exports. @type {Record<string, (...numbers: number[]) => number>} */
  hb;
  #memory;
  #kept;
  #top;
  #encoder = new TextEncoder();
  #decoder = new TextDecoder();
  /** @type {Map<string, {at: number, size: number}>} */
  #classes = new Map();

  /**
   * @param {WebAssembly.Module} module `text.wasm`
   * @param {Uint8Array} tables `unicode.bin`, unpacked
   */
  constructor(module, tables) {
    const { exports } = new WebAssembly.Instance(module);
    this.hb = /** @type {any} */ (exports);
    this.#memory = /** @type {WebAssembly.Memory} */ (/** @type {any} */ (exports).memory);
    if (this.hb.hb_abi_version?.() !== ABI_VERSION) {
      throw new KernelError("the text kernels are of another version than the page; load the page again");
    }
    this.#top = this.#kept = this.hb.hb_alloc(1) >>> 0; // from here on, this class says what lies where
    /** Where the tables lie, and how long they are. */
    this.tables = this.keep(tables);
    if (tables.length > MOST_TABLES || this.hb.hb_unicode_check(this.tables.at, tables.length) !== 0) {
      throw new KernelError("unicode.bin is damaged; load the page again");
    }
  }

  /**
   * Run one call with all memory free but what is kept.
   *
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  calling(work) {
    this.#top = this.#kept;
    return work();
  }

  /** Room for this call, aligned to 64 bytes. @param {number} bytes @returns {number} its address */
  alloc(bytes) {
    const at = this.#top;
    this.#top = Math.ceil((at + Math.max(bytes, 1)) / ALIGNMENT) * ALIGNMENT;
    const more = this.#top - this.#memory.buffer.byteLength;
    if (more > 0) {
      try {
        this.#memory.grow(Math.ceil(more / PAGE));
      } catch {
        throw new KernelError("the text does not fit into WebAssembly's memory; give a shorter one");
      }
    }
    return at;
  }

  /** Copy an array in. @param {ArrayBufferView} array @returns {number} its address */
  put(array) {
    const at = this.alloc(array.byteLength);
    this.bytes(at, array.byteLength).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return at;
  }

  /**
   * Keep an array for all later calls; only between calls.
   *
   * @param {ArrayBufferView} array
   * @returns {{at: number, size: number}}
   */
  keep(array) {
    this.#top = this.#kept;
    const at = this.put(array);
    this.#kept = this.#top;
    return { at, size: array.byteLength };
  }

  /** Bytes where they lie, until the next `alloc`. @param {number} at @param {number} size */
  bytes(at, size) {
    return new Uint8Array(this.#memory.buffer, at, size);
  }

  /** A copy of 32-bit numbers. @param {number} at @param {number} count */
  int32(at, count) {
    return new Int32Array(this.#memory.buffer, at, count).slice();
  }

  /** 64-bit numbers as plain ones. @param {number} at @param {number} count @returns {number[]} */
  int64(at, count) {
    return Array.from(new BigInt64Array(this.#memory.buffer, at, count), Number);
  }

  /** Write 32-bit numbers, such as addresses and sizes. @param {...number} values @returns {number} their address */
  words(...values) {
    return this.put(new Uint32Array(values));
  }

  /**
   * A string as UTF-8, for this call. A lone surrogate becomes U+FFFD.
   *
   * @param {string} text
   * @returns {Placed}
   */
  place(text) {
    if (typeof text !== "string") throw new TextError(`the text is a ${typeof text}; give a string`);
    const whole = LONE.test(text) ? text.replace(/[\ud800-\udfff]/gu, "\ufffd") : text;
    const at = this.alloc(3 * whole.length);
    const size = this.#encoder.encodeInto(whole, this.bytes(at, 3 * whole.length)).written;
    return { text: whole, at, size, strings: this.words(at, size) };
  }

  /** A string that a kernel wrote. @param {number} at @param {number} size */
  string(at, size) {
    return this.#decoder.decode(this.bytes(at, size));
  }

  /**
   * Turn byte offsets into a placed string into those of a unit, where they lie.
   *
   * @param {Placed} placed
   * @param {number} at the address of the offsets, int32
   * @param {number} count
   * @param {OffsetUnit} unit
   */
  convert(placed, at, count, unit) {
    if (unit === "byte" || count === 0) return;
    const splits = this.put(BigInt64Array.of(0n, BigInt(count)));
    this.check("offsets", this.hb.hb_strings_units(placed.strings, 1, splits, UNITS[unit], at));
  }

  /**
   * The table of characters' classes that answers a question, made at its first use.
   *
   * @param {number} question HB_CLASSES_... of kernels/text_classes.h
   * @param {number} [rules] HB_RULES_...
   */
  classes(question, rules = 0) {
    const key = `${question} ${rules}`;
    let found = this.#classes.get(key);
    if (!found) {
      const made = this.calling(() => {
        const out = this.alloc(CLASSES_BYTES);
        const size = this.hb.hb_classes_build(this.tables.at, question, rules, out, CLASSES_BYTES) >>> 0;
        if (size === 0) throw new KernelError(`there is no table of classes ${key}; report this`);
        return this.bytes(out, size).slice();
      });
      this.#classes.set(key, (found = this.keep(made)));
    }
    return found;
  }

  /** @param {string} kernel @param {number} status */
  check(kernel, status) {
    if (status !== 0) {
      throw new KernelError(`the ${kernel} kernel refused its arguments (status ${status}); report this`);
    }
  }
}

/** Whether the tables are there as they are, as a server may send them with its own compression. @param {Uint8Array} bytes */
function isUnpacked(bytes) {
  return bytes.length >= 4 && new DataView(bytes.buffer).getUint32(0, true) === MAGIC;
}

/** What zlib packed; refused past what tables can take. @param {Uint8Array<ArrayBuffer>} bytes */
async function unpacked(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const parts = [];
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > MOST_TABLES) throw new KernelError("unicode.bin is damaged; load the page again");
    parts.push(value);
  }
}

/**
 * Load the text kernels.
 *
 * @param {{wasm: BufferSource | Response | WebAssembly.Module, unicode: BufferSource | Response}} sources
 *   `text.wasm` and `unicode.bin`, packed or not, as bytes or as what `fetch` gives
 * @returns {Promise<TextKernels>}
 * @throws {KernelError} one of them is not what it should be
 * @example
 * const kernels = await loadText({ wasm: await fetch("/native/text.wasm"), unicode: await fetch("/unicode.bin") });
 */
export async function loadText({ wasm, unicode }) {
  try {
    const module = wasm instanceof WebAssembly.Module ? wasm
      : await WebAssembly.compile("arrayBuffer" in wasm ? await wasm.arrayBuffer() : wasm);
    const given = "arrayBuffer" in unicode ? await unicode.arrayBuffer() : unicode;
    const packed = new Uint8Array(ArrayBuffer.isView(given) ? given.buffer.slice(
      given.byteOffset, given.byteOffset + given.byteLength) : given);
    return new TextKernels(module, isUnpacked(packed) ? packed : await unpacked(packed));
  } catch (error) {
    if (error instanceof KernelError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new KernelError(`the text kernels do not load (${reason.slice(0, 200)}); load the page again`);
  }
}
