/**
 * Strict JSON and text: RFC 8259, no key twice, bounded in depth before it is parsed.
 *
 * `JSON.parse` takes keys twice and lone surrogates, gives infinity for 1e999, and loses whether a
 * number was written as an integer; so this is a parser of its own.
 * @module
 */

import { DuplicateKeyError, EntryTextError, JsonSyntaxError, JsonTooDeepError } from "../errors.js";

/**
 * A number that was written with a fraction or an exponent, and yet is a whole one: 8.0. Where an
 * integer is due, that is not one; `plain` makes it a number.
 */
export class Real {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

/** @param {Uint8Array} bytes @param {string} name @returns {string} */
export function decodeText(bytes, name) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new EntryTextError(`${name} is not UTF-8 text; write it as UTF-8`);
  }
}

/**
 * Decode strict JSON; whole numbers written as reals come as `Real`.
 *
 * @param {Uint8Array} bytes
 * @param {string} name the entry's, for messages
 * @param {{depth: number}} options depth: most nesting
 * @returns {unknown}
 */
export function decodeJson(bytes, name, { depth }) {
  const deepest = depthOf(bytes);
  if (deepest > depth) {
    throw new JsonTooDeepError(`${name} nests ${deepest} deep; at most ${depth} is accepted`);
  }
  const parser = new Parser(decodeText(bytes, name), name);
  const value = parser.document();
  if (parser.twice !== null) {
    throw new DuplicateKeyError(`${name} has the key ${quoted(parser.twice)} twice in one object`);
  }
  return value;
}

/** The same value with plain numbers. @param {any} value @returns {any} */
export function plain(value) {
  if (value instanceof Real) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

/** A string for a message: one printable line, not too long. @param {unknown} value */
export function quoted(value) {
  const text = JSON.stringify(value) ?? String(value);
  return text.slice(0, 80).replace(/[^\x20-\x7e]/g, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** How deep brackets nest outside of strings; a string without an end runs to the end. @param {Uint8Array} bytes */
function depthOf(bytes) {
  let depth = 0, deepest = 0, inside = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inside) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inside = false;
    } else if (byte === 0x22) inside = true;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const RUN = /[^"\\\x00-\x1f]*/y;
const SPACE = /[ \t\n\r]*/y;
const LONE = /[\ud800-\udfff]/u; // in this mode, a pair is one character and no surrogate
/** @type {Record<string, string>} */
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

class Parser {
  /** @param {string} text @param {string} name */
  constructor(text, name) {
    this.text = text;
    this.name = name;
    this.at = 0;
    /** @type {string | null} */
    this.twice = null;
  }

  document() {
    this.#take(SPACE);
    const value = this.#value();
    this.#take(SPACE);
    if (this.at < this.text.length) this.#fail("something follows the value");
    return value;
  }

  /** @returns {unknown} */
  #value() {
    const next = this.text[this.at];
    if (next === '"') return this.#string();
    if (next === "{") return this.#object();
    if (next === "[") return this.#array();
    for (const [word, value] of /** @type {const} */ ([["true", true], ["false", false], ["null", null]])) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #number() {
    const found = this.#take(NUMBER);
    if (!found) return this.#fail("a value was expected");
    const value = Number(found[0]);
    if (!Number.isFinite(value)) this.#fail("a number is out of range");
    const written = found[1] !== undefined || found[2] !== undefined;
    return written && Number.isInteger(value) ? new Real(value) : value;
  }

  #string() {
    this.at++;
    let value = "";
    for (;;) {
      value += /** @type {RegExpExecArray} */ (this.#take(RUN))[0];
      const next = this.text[this.at++];
      if (next === '"') break;
      if (next !== "\\") this.#fail("a string does not end, or holds a control character");
      const escape = this.text[this.at++];
      if (escape === "u") {
        const digits = this.text.slice(this.at, this.at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail("an escape is not one");
        value += String.fromCharCode(parseInt(digits, 16));
        this.at += 4;
      } else if (escape !== undefined && Object.hasOwn(ESCAPES, escape)) value += ESCAPES[escape];
      else this.#fail("an escape is not one");
    }
    if (LONE.test(value)) this.#fail("a string holds a lone surrogate");
    return value;
  }

  #array() {
    /** @type {unknown[]} */
    const values = [];
    this.#items("]", () => values.push(this.#value()));
    return values;
  }

  #object() {
    /** @type {Record<string, unknown>} */
    const object = Object.create(null); // so that "__proto__" is a key like any other
    this.#items("}", () => {
      if (this.text[this.at] !== '"') this.#fail("a key was expected");
      const key = this.#string();
      this.#take(SPACE);
      if (this.text[this.at++] !== ":") this.#fail("a colon was expected");
      this.#take(SPACE);
      if (key in object) this.twice ??= key;
      object[key] = this.#value();
    });
    return object;
  }

  /** @param {string} end @param {() => void} one */
  #items(end, one) {
    this.at++;
    this.#take(SPACE);
    if (this.text[this.at] === end) {
      this.at++;
      return;
    }
    for (;;) {
      one();
      this.#take(SPACE);
      const next = this.text[this.at++];
      if (next === end) return;
      if (next !== ",") this.#fail("a comma or an end was expected");
      this.#take(SPACE);
    }
  }

  /** @param {RegExp} pattern a sticky one */
  #take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at += found[0].length;
    return found;
  }

  /** @param {string} why @returns {never} */
  #fail(why) {
    throw new JsonSyntaxError(`${this.name} is not strict JSON (${why} at character ${this.at}); mend its syntax`);
  }
}
