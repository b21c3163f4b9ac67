/**
 * Text split into words, runs of one script, characters and bytes.
 *
 * The twin of Python's `homebody.text`: the same names, the same results. A tokenizer takes one string;
 * offsets count UTF-16 units, as JavaScript's own, unless `offsetUnit` says otherwise.
 * @module
 */

import { TextError } from "../errors.js";

/** @import {OffsetUnit, Placed, TextKernels} from "./kernels.js" */
/** @typedef {{offsetUnit?: OffsetUnit}} SplitterOptions */
/**
 * @template T
 * @typedef {{tokens: T[], starts: Int32Array, ends: Int32Array}} WithOffsets
 */

const SPACE = 0, SCRIPT = 1, SENTENCES = -1;
const KEEP_SPACE = 1;

/** @param {OffsetUnit} unit */
export function checkedUnit(unit) {
  if (!["byte", "char", "utf16"].includes(unit)) {
    throw new TextError(`offsetUnit is '${unit}'; give one of byte, char, utf16`);
  }
  return unit;
}

/** A tokenizer whose tokens are parts of the text. */
class Splitting {
  #unit;
  #question;
  #flags;

  /** @param {TextKernels} kernels @param {number} question @param {number} flags @param {SplitterOptions} options */
  constructor(kernels, question, flags, { offsetUnit = "utf16" }) {
    this.kernels = kernels;
    this.#unit = checkedUnit(offsetUnit);
    this.#question = question;
    this.#flags = flags;
  }

  /** @param {string} text @returns {string[]} */
  tokenize(text) {
    return this.tokenizeWithOffsets(text).tokens;
  }

  /** @param {string} text @returns {WithOffsets<string>} */
  tokenizeWithOffsets(text) {
    const { kernels } = this;
    const question = this.#question;
    const classes = question === SENTENCES ? null : kernels.classes(question);
    return kernels.calling(() => {
      const placed = kernels.place(text);
      const room = placed.size + 1;
      const [progress, splits] = [kernels.words(0, 0, 0), kernels.put(new BigInt64Array(2))];
      const [starts, ends] = [kernels.alloc(4 * room), kernels.alloc(4 * room)];
      const { hb_split_space: space, hb_split_script: script, hb_split_sentences: sentences } = kernels.hb;
      const what = [placed.strings, 1, this.#flags, progress, splits, starts, ends, room];
      kernels.check("splitting", classes
        ? (question === SPACE ? space : script)(classes.at, classes.size, ...what)
        : sentences(kernels.tables.at, ...what));
      const count = kernels.int32(progress + 8, 1)[0];
      return cut(kernels, placed, starts, ends, count, this.#unit);
    });
  }
}

/**
 * The tokens between byte offsets.
 *
 * @param {TextKernels} kernels
 * @param {Placed} placed
 * @param {number} starts the address of byte offsets
 * @param {number} ends
 * @param {number} count
 * @param {OffsetUnit} unit that offsets are given in
 * @returns {WithOffsets<string>}
 */
export function cut(kernels, placed, starts, ends, count, unit) {
  const bytes = [kernels.int32(starts, count), kernels.int32(ends, count)];
  for (const at of [starts, ends]) kernels.convert(placed, at, count, "utf16");
  const from = kernels.int32(starts, count), to = kernels.int32(ends, count);
  const tokens = Array.from(from, (start, i) => placed.text.slice(start, to[i]));
  if (unit === "utf16") return { tokens, starts: from, ends: to };
  if (unit === "byte") return { tokens, starts: bytes[0], ends: bytes[1] };
  const again = bytes.map((one) => kernels.put(one));
  for (const at of again) kernels.convert(placed, at, count, "char");
  return { tokens, starts: kernels.int32(again[0], count), ends: kernels.int32(again[1], count) };
}

/**
 * Splits at white space, which is dropped: what has Unicode's property White_Space.
 *
 * @example
 * new WhitespaceTokenizer(kernels).tokenize("small  medium large"); // ["small", "medium", "large"]
 */
export class WhitespaceTokenizer extends Splitting {
  /** @param {TextKernels} kernels @param {SplitterOptions} [options] */
  constructor(kernels, options = {}) {
    super(kernels, SPACE, 0, options);
  }
}

/** Splits where the Unicode script changes and at white space, which is dropped unless `keepWhitespace`. */
export class UnicodeScriptTokenizer extends Splitting {
  /** @param {TextKernels} kernels @param {SplitterOptions & {keepWhitespace?: boolean}} [options] */
  constructor(kernels, { keepWhitespace = false, ...options } = {}) {
    super(kernels, SCRIPT, keepWhitespace ? KEEP_SPACE : 0, options);
  }
}

/** Splits into sentences, by TF.Text's state machine. */
export class StateBasedSentenceBreaker extends Splitting {
  /** @param {TextKernels} kernels @param {SplitterOptions} [options] */
  constructor(kernels, options = {}) {
    super(kernels, SENTENCES, 0, options);
  }

  /** @param {string} text @returns {string[]} */
  breakSentences(text) {
    return this.tokenize(text);
  }

  /** @param {string} text */
  breakSentencesWithOffsets(text) {
    return this.tokenizeWithOffsets(text);
  }
}

/** Splits into characters: their code points. */
export class UnicodeCharTokenizer {
  #unit;

  /** @param {TextKernels} kernels @param {SplitterOptions} [options] */
  constructor(kernels, { offsetUnit = "utf16" } = {}) {
    this.kernels = kernels;
    this.#unit = checkedUnit(offsetUnit);
  }

  /** @param {string} text @returns {number[]} */
  tokenize(text) {
    return this.tokenizeWithOffsets(text).tokens;
  }

  /** @param {string} text @returns {WithOffsets<number>} */
  tokenizeWithOffsets(text) {
    const { kernels } = this;
    return kernels.calling(() => {
      const placed = kernels.place(text);
      const room = placed.size + 1;
      const [progress, splits] = [kernels.words(0, 0, 0), kernels.put(new BigInt64Array(2))];
      const [codes, starts, ends] = [4 * room, 4 * room, 4 * room].map((bytes) => kernels.alloc(bytes));
      kernels.check("characters", kernels.hb.hb_split_characters(
        placed.strings, 1, progress, splits, codes, starts, ends, room));
      const count = kernels.int32(progress + 8, 1)[0];
      for (const at of [starts, ends]) kernels.convert(placed, at, count, this.#unit);
      return {
        tokens: Array.from(kernels.int32(codes, count)),
        starts: kernels.int32(starts, count),
        ends: kernels.int32(ends, count),
      };
    });
  }

  /** Text from code points; a number that is no character's becomes U+FFFD. @param {number[]} codes */
  detokenize(codes) {
    return codes.map((code) =>
      (code >= 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : "\ufffd"))
      .join("");
  }
}

/** Splits into bytes of UTF-8; offsets are theirs. */
export class ByteSplitter {
  /** @param {TextKernels} kernels */
  constructor(kernels) {
    this.kernels = kernels;
  }

  /** @param {string} text @returns {Uint8Array} */
  split(text) {
    return this.kernels.calling(() => {
      const { at, size } = this.kernels.place(text);
      return this.kernels.bytes(at, size).slice();
    });
  }
}
