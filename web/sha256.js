/**
 * SHA-256, by WebCrypto.
 * @module
 */

import { UnsupportedBrowserError } from "./errors.js";

/** WebCrypto, or an error that says why there is none. @returns {SubtleCrypto} */
export function subtle() {
  const found = globalThis.crypto?.subtle;
  if (!found) {
    throw new UnsupportedBrowserError(
      "this page has no WebCrypto, without which nothing can be verified; " +
        "open it over HTTPS or from this computer (localhost)");
  }
  return found;
}

/** SHA-256 in lower-case hexadecimal. @param {Uint8Array} bytes */
export async function sha256(bytes) {
  const plain = /** @type {Uint8Array<ArrayBuffer>} */ (bytes); // it wants memory that no other thread has
  return hex(new Uint8Array(await subtle().digest("SHA-256", plain)));
}

/** Lower-case hexadecimal digits. @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
