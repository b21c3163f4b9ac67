/**
 * RIFF, the container of WebP (RFC 9649, section 2.3).
 * @module
 */

import { fromLatin1, latin1 } from "./bytes.js";

/**
 * The chunks of a file, until one does not fit.
 *
 * @param {Uint8Array} bytes
 * @returns {Generator<{kind: string, data: Uint8Array}>}
 */
export function* riffChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12; at + 8 <= bytes.length;) {
    const length = view.getUint32(at + 4, true);
    if (length > bytes.length - at - 8) return;
    yield { kind: latin1(bytes.subarray(at, at + 4)), data: bytes.subarray(at + 8, at + 8 + length) };
    at += 8 + length + (length & 1);
  }
}

/**
 * @param {string} kind
 * @param {Uint8Array} data
 */
export function riffChunk(kind, data) {
  const whole = new Uint8Array(8 + data.length + (data.length & 1));
  whole.set(fromLatin1(kind));
  new DataView(whole.buffer).setUint32(4, data.length, true);
  whole.set(data, 8);
  return whole;
}
