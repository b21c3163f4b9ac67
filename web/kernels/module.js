/**
 * Compiling the kernels' WebAssembly modules.
 * @module
 */

import { KernelError, UnsupportedBrowserError } from "../errors.js";

// The smallest module with a SIMD instruction: (func (result v128) i32.const 0 i8x16.splat)
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
]);

/** Throw UnsupportedBrowserError unless this browser runs WebAssembly with SIMD. */
export function requireSimd() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD_PROBE)) {
    throw new UnsupportedBrowserError(
      "this browser does not run WebAssembly SIMD, which Homebody needs; " +
        "use a current Chrome, Edge, Firefox or Safari (16.4 or later)",
    );
  }
}

/**
 * Compile a module of `/native/` and do something with it.
 *
 * @template T
 * @param {BufferSource | WebAssembly.Module | Response} source
 * @param {(module: WebAssembly.Module) => T} make
 * @returns {Promise<T>}
 * @throws {UnsupportedBrowserError} without WebAssembly SIMD
 * @throws {KernelError} when it is no such module, or of another version
 */
export async function compiled(source, make) {
  requireSimd();
  try {
    if (source instanceof WebAssembly.Module) return make(source);
    if (!("arrayBuffer" in source)) return make(await WebAssembly.compile(source));
    // Browsers keep what they have compiled only of a module that they fetched as one.
    const fetched = source.headers.get("content-type") === "application/wasm";
    return make(
      await (fetched ? WebAssembly.compileStreaming(source) : WebAssembly.compile(await source.arrayBuffer())));
  } catch (error) {
    if (error instanceof KernelError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new KernelError(`the kernels do not load (${message}); load the page again`);
  }
}
