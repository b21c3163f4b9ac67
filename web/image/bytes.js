/**
 * Bytes as text, a character each, and put together.
 * @module
 */

/** @param {Uint8Array} bytes */
export function latin1(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return text;
}

/** @param {string} text */
export function fromLatin1(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * Whether bytes begin with a text.
 *
 * @param {Uint8Array} data
 * @param {string} text
 */
export function starts(data, text) {
  return latin1(data.subarray(0, text.length)) === text;
}

/** @param {...Uint8Array} parts */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
