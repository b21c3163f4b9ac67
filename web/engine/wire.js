/**
 * What goes between the page and its workers: plain messages, and errors that keep their class.
 * @module
 */

import * as errors from "../errors.js";

/** @typedef {{name: string, message: string, code: string}} WiredError */
/** @typedef {{id: number, method: string, args: any[]} | {id: number, cancel: true}} Request */
/** @typedef {{id: number, value?: any, part?: any, error?: WiredError}} Reply */

/**
 * An error as a message. What is not ours is a fault here, and is called that.
 *
 * @param {unknown} error
 * @returns {WiredError}
 */
export function wired(error) {
  if (error instanceof errors.HomebodyError) {
    return { name: error.name, message: error.message, code: error.code };
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const full = error instanceof RangeError && /memory|allocation/i.test(error.message);
  return {
    name: "EngineError",
    message: full
      ? "there is not enough memory for this photo; close other photos and pages, then try again"
      : `something went wrong inside (${detail.slice(0, 200)}); load the page again, and report this if it stays`,
    code: "EngineError",
  };
}

/** A message as the error that it was. @param {WiredError} wire @returns {errors.HomebodyError} */
export function unwired({ name, message, code }) {
  const known = /** @type {Record<string, any>} */ (errors);
  const Kind = Object.hasOwn(known, name) ? known[name] : errors.EngineError;
  return new Kind(message, code);
}
