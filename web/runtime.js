/**
 * The door to LiteRT.js, which runs a model here.
 *
 * Its loader brings its WebAssembly in by `importScripts`, so this runs in a classic worker.
 * @module
 */

import { ModelError } from "./errors.js";

/** @typedef {{shape: number[], dtype: string}} Tensor */
/** What goes into a model: numbers in C order, of the input's own type. @typedef {Float32Array | Int32Array} Numbers */

/** The types of input that are run, and the arrays that hold them. */
const ARRAYS = /** @type {const} */ ({ float32: Float32Array, int32: Int32Array });

/** @type {Promise<any> | null} */
let loading = null;

/**
 * Load LiteRT.js; the first call does, later ones wait for it.
 *
 * @param {string} vendor the URL of the folder that holds `litert/`
 * @returns {Promise<any>} its module
 */
export function loadRuntime(vendor) {
  loading ??= (async () => {
    const folder = new URL("litert/wasm/", vendor).href;
    const scope = /** @type {any} */ (globalThis);
    // What LiteRT.js says at level INFO goes to the console as errors, which it is not.
    /** @param {string} line */
    const say = (line) => {
      if (!/^\s*(INFO|VERBOSE|WARNING|I\d{4})/.test(line)) console.warn(`LiteRT.js: ${line}`);
    };
    scope.Module = { locateFile: (/** @type {string} */ file) => folder + file, print: say, printErr: say };
    const litert = await import(new URL("litert/index.js", vendor).href);
    // It would wait for a GPU, whose sums differ from device to device, and warn where there is none.
    Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
    const { warn } = console;
    console.warn = () => {};
    try {
      await litert.loadLiteRt(folder);
    } finally {
      console.warn = warn;
    }
    return litert;
  })().catch((error) => {
    loading = null;
    throw new ModelError(`LiteRT.js does not load (${reason(error)}); load the page again`);
  });
  return loading;
}

/**
 * Make a model ready.
 *
 * @param {Uint8Array} bytes a .tflite file
 * @param {{vendor: string}} options where LiteRT.js is
 * @returns {Promise<Model>}
 * @throws {ModelError} it cannot be read or run here
 */
export async function loadModel(bytes, { vendor }) {
  const litert = await loadRuntime(vendor);
  try {
    return new Model(litert, await litert.loadAndCompile(bytes, { accelerator: "wasm" }));
  } catch (error) {
    throw new ModelError(`the model cannot be read or run here (${reason(error)}); use a bundle made for devices`);
  }
}

/** A model that is ready: its inputs are float32 or int32, of fixed shapes. Calls wait for each other. */
export class Model {
  #litert;
  #compiled;
  /** The run before, which the next one waits for. @type {Promise<unknown>} */
  #before = Promise.resolve();

  /** @param {any} litert @param {any} compiled */
  constructor(litert, compiled) {
    this.#litert = litert;
    this.#compiled = compiled;
    /** @type {Tensor[]} */
    this.inputs = compiled.getInputDetails().map(described);
    /** @type {Tensor[]} */
    this.outputs = compiled.getOutputDetails().map(described);
    if (this.inputs.some(({ dtype, shape }) => !(dtype in ARRAYS) || shape.some((n) => n < 1))) {
      throw new ModelError(
        `the model takes ${this.inputs.map(({ dtype, shape }) => `${dtype}[${shape}]`).join(", ")}; ` +
          "give one whose inputs are float32 or int32 of fixed shape");
    }
  }

  /**
   * @param {...Numbers} inputs one for each of the model's
   * @returns {Promise<Float32Array[]>} one for each output
   */
  run(...inputs) {
    const now = this.#before.then(() => this.#run(inputs));
    this.#before = now.catch(() => {});
    return now;
  }

  /** @param {Numbers[]} given @returns {Promise<Float32Array[]>} */
  async #run(given) {
    if (given.length !== this.inputs.length) {
      throw new ModelError(
        `the model takes ${this.inputs.length} inputs and was given ${given.length}; prepare them as the bundle says`);
    }
    this.inputs.forEach(({ shape, dtype }, index) => {
      const wanted = shape.reduce((a, b) => a * b, 1), input = given[index];
      if (input.length !== wanted || !(input instanceof ARRAYS[/** @type {keyof typeof ARRAYS} */ (dtype)])) {
        throw new ModelError(
          `the model takes ${wanted} numbers of ${dtype} and was given ${input.length} of ` +
            `${input.constructor.name}; prepare its input as the bundle says`);
      }
    });
    /** @type {any[]} */
    const made = [];
    try {
      for (const [index, input] of given.entries()) made.push(new this.#litert.Tensor(input, this.inputs[index].shape));
      const outputs = await this.#compiled.run([...made]);
      made.push(...outputs);
      return outputs.map((/** @type {any} */ output) => Float32Array.from(output.toTypedArray()));
    } catch (error) {
      throw new ModelError(`the model fails here (${reason(error)}); load the page again`);
    } finally {
      for (const one of made) one.delete();
    }
  }

  /** Let go of its memory. */
  close() {
    this.#compiled.delete();
  }
}

/** @param {{shape: ArrayLike<number>, dtype: string}} details @returns {Tensor} */
function described({ shape, dtype }) {
  return { shape: Array.from(shape), dtype };
}

/** @param {unknown} error */
function reason(error) {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0].slice(0, 200);
}
