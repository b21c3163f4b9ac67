/**
 * WordPiece: words, or raw text, to the longest pieces that a vocabulary has.
 *
 * The twin of Python's `homebody.text`: the same names and numbers. Offsets count UTF-16 units, as
 * JavaScript's own, unless `offsetUnit` says otherwise.
 * @module
 */

import { TextError, VocabularyError } from "../errors.js";
import { checkedUnit } from "./words.js";

/** @import {OffsetUnit, TextKernels} from "./kernels.js" */
/** @typedef {{tokens: Int32Array, starts: Int32Array, ends: Int32Array, first: Uint8Array}} Pieces */
/**
 * @typedef {{suffixIndicator?: string, maxBytesPerWord?: number, unknownToken?: string, offsetUnit?: OffsetUnit,
 *   cacheBytes?: number}} PieceOptions cacheBytes: memory in which a tokenizer remembers words
 */

const WORDS = 2; // HB_CLASSES_WORDS
const FOLD = 1, CONTROL = 2, ASCII_SPACE = 4, REORDER = 8, HF = 16, HF_CLEAN = 32, HF_IDEOGRAPHS = 64;
const HF_STRIP = 128, HF_LOWER = 256, WHOLE = 512; // HB_RULES_... of kernels/text_classes.h
const SPLIT_UNKNOWN = 1, COUNT_CHARS = 2;
const MOST_BITS = 21, HEAD = 8;
const SHORT_BUFFER = -2, BROKEN = -3;
const ANY = 0xffffffff;

/**
 * Tokens, each with its number: its place in the list.
 *
 * @example
 * new Vocabulary(kernels, ["[UNK]", "the", "##y"]).index("the"); // 1
 */
export class Vocabulary {
  /** @type {Map<string, {at: number, size: number}>} */
  #compiled = new Map();
  #numbers;

  /**
   * @param {TextKernels} kernels
   * @param {readonly string[] | string} tokens a list, or a file's text with one token a line
   */
  constructor(kernels, tokens) {
    this.kernels = kernels;
    this.tokens = typeof tokens === "string" ? linesOf(tokens) : [...tokens];
    this.#numbers = new Map(this.tokens.map((token, number) => [token, number]));
  }

  /** A token's number; undefined when it is not in the vocabulary. @param {string} token */
  index(token) {
    return this.#numbers.get(token);
  }

  /**
   * The block that the kernel looks pieces up in.
   *
   * @param {string} suffixIndicator
   * @throws {VocabularyError} a token is there twice, or they are too many
   */
  compiled(suffixIndicator) {
    const found = this.#compiled.get(suffixIndicator) ?? this.kernels.keep(this.#compile(suffixIndicator));
    this.#compiled.set(suffixIndicator, found);
    return found;
  }

  /** @param {string} suffixIndicator @returns {Uint8Array} */
  #compile(suffixIndicator) {
    const { kernels, tokens } = this;
    const { hb } = kernels;
    return kernels.calling(() => {
      const encoder = new TextEncoder();
      const encoded = [...tokens, suffixIndicator].map((token) => encoder.encode(token));
      const text = encoded.reduce((sum, { length }) => sum + length, 0);
      const joined = new Uint8Array(text), spans = new Uint32Array(2 * encoded.length);
      const at = kernels.alloc(text);
      let offset = 0;
      encoded.forEach((bytes, i) => {
        joined.set(bytes, offset);
        spans.set([at + offset, bytes.length], 2 * i);
        offset += bytes.length;
      });
      kernels.bytes(at, text).set(joined);
      const strings = kernels.put(spans), place = kernels.words(0);
      let status = SHORT_BUFFER;
      // Most entries share their beginnings: a third of their bytes is tried first, and doubled.
      for (let bits = Math.max(4, Math.min(MOST_BITS, 32 - Math.clz32(text / 3))); bits <= MOST_BITS; bits++) {
        const words = HEAD + 2 ** bits;
        const block = kernels.alloc(8 * words);
        status = hb.hb_vocabulary_build(
          strings, tokens.length, strings + 8 * tokens.length, bits, block, words, place);
        if (status === 0) return kernels.bytes(block, 8 * words).slice();
        if (status !== SHORT_BUFFER) break;
      }
      if (status === BROKEN) {
        throw new VocabularyError(
          `entry ${kernels.int32(place, 1)[0]} of the vocabulary is there already; give each token once, since ` +
            "it has one number");
      }
      throw new VocabularyError(`a vocabulary of ${tokens.length} entries is too large`);
    });
  }
}

/** A file's lines, without the end that the last one may have. @param {string} text */
function linesOf(text) {
  return text === "" ? [] : text.replace(/\r\n/g, "\n").replace(/\n$/, "").split("\n");
}

/** What the tokenizers share: a vocabulary and a kernel. */
class PieceTokenizer {
  #unit;
  #rules;
  #flags;
  #most;
  #numbers;
  #block;
  #classes;
  #cache;

  /**
   * @param {TextKernels} kernels
   * @param {Vocabulary | readonly string[] | string} vocabulary
   * @param {PieceOptions} options
   * @param {{rules: number, flags?: number, required?: boolean}} how
   */
  constructor(kernels, vocabulary, options, { rules, flags = 0, required = false }) {
    const { suffixIndicator = "##", maxBytesPerWord = 100, unknownToken = "[UNK]" } = options;
    const { offsetUnit = "utf16", cacheBytes = 1 << 20 } = options;
    if (!Number.isInteger(maxBytesPerWord) || maxBytesPerWord < 1 || maxBytesPerWord > 1 << 20) {
      throw new TextError(`maxBytesPerWord is ${maxBytesPerWord}; give a whole number from 1 to ${1 << 20}`);
    }
    this.kernels = kernels;
    this.vocabulary = vocabulary instanceof Vocabulary ? vocabulary : new Vocabulary(kernels, vocabulary);
    this.unknownToken = unknownToken;
    this.suffixIndicator = suffixIndicator;
    this.#unit = checkedUnit(offsetUnit);
    this.#rules = rules;
    this.#flags = flags;
    this.#most = maxBytesPerWord;
    const size = this.vocabulary.tokens.length;
    const unknown = this.vocabulary.index(unknownToken);
    if (unknown === undefined && required) {
      throw new VocabularyError(
        `the vocabulary has no '${unknownToken}', which unknown words become; add it, or name another unknownToken`);
    }
    const first = unknown ?? size;
    const second = required ? first : this.vocabulary.index(suffixIndicator + unknownToken) ?? size + 1;
    this.#numbers = [first, second, first];
    this.#classes = kernels.classes(WORDS, rules);
    this.#block = this.vocabulary.compiled(suffixIndicator);
    this.#cache = kernels.keep(new Float64Array(Math.floor(cacheBytes / 8)));
  }

  /** Number of entries in the vocabulary. */
  vocabSize() {
    return this.vocabulary.tokens.length;
  }

  /** The tokens of numbers; the unknown one for a number beyond the vocabulary. @param {Iterable<number>} numbers */
  texts(numbers) {
    return Array.from(numbers, (number) => this.vocabulary.tokens[number] ?? this.unknownToken);
  }

  /** Pieces of one string. @param {string} text @returns {Pieces} */
  pieces(text) {
    const { kernels } = this;
    const { hb } = kernels;
    return kernels.calling(() => {
      const placed = kernels.place(text);
      const words = hb.hb_wordpiece_scratch(this.#most) >>> 0;
      const scratch = kernels.alloc(4 * words);
      const model = kernels.words(
        kernels.tables.at, this.#classes.at, this.#block.at, this.#cache.at, scratch, 0, 0, this.#classes.size,
        this.#block.size / 8, this.#cache.size, words, 0, this.#rules, this.#flags, this.#most, ANY, ...this.#numbers);
      let progress = 0, numbers = 0, starts = 0, ends = 0, first = 0;
      // Almost never are there more pieces than bytes: a character that becomes several has several bytes.
      for (let room = placed.size + 64, status = SHORT_BUFFER; status === SHORT_BUFFER; room *= 4) {
        progress = kernels.words(0, 0, 0);
        const splits = kernels.put(new BigInt64Array(2));
        [numbers, starts, ends] = [4 * room, 4 * room, 4 * room].map((bytes) => kernels.alloc(bytes));
        first = kernels.alloc(room);
        status = hb.hb_wordpiece_tokenize(
          model, placed.strings, 1, progress, splits, numbers, starts, ends, first, room);
        if (status !== SHORT_BUFFER) kernels.check("word pieces", status);
      }
      const count = kernels.int32(progress + 8, 1)[0];
      for (const at of [starts, ends]) kernels.convert(placed, at, count, this.#unit);
      const size = this.vocabSize();
      return {
        tokens: kernels.int32(numbers, count).map((number) => Math.min(number, size)),
        starts: kernels.int32(starts, count),
        ends: kernels.int32(ends, count),
        first: kernels.bytes(first, count).slice(),
      };
    });
  }
}

/** A tokenizer whose pieces stand in one row. */
class FlatTokenizer extends PieceTokenizer {
  /** @param {string} text @returns {Int32Array} */
  tokenize(text) {
    return this.pieces(text).tokens;
  }

  /** @param {string} text @returns {{tokens: Int32Array, starts: Int32Array, ends: Int32Array}} */
  tokenizeWithOffsets(text) {
    const { tokens, starts, ends } = this.pieces(text);
    return { tokens, starts, ends };
  }

  /** Text from numbers: words with a space between them. @param {Iterable<number>} numbers */
  detokenize(numbers) {
    return this.texts(numbers).join(" ").replaceAll(` ${this.suffixIndicator}`, "");
  }
}

/** Splits one word into the longest pieces that a vocabulary has, from left to right. */
export class WordpieceTokenizer extends FlatTokenizer {
  /**
   * @param {TextKernels} kernels
   * @param {Vocabulary | readonly string[] | string} vocabulary
   * @param {PieceOptions & {splitUnknownCharacters?: boolean}} [options]
   */
  constructor(kernels, vocabulary, { splitUnknownCharacters = false, ...options } = {}) {
    super(kernels, vocabulary, options, { rules: WHOLE, flags: splitUnknownCharacters ? SPLIT_UNKNOWN : 0 });
  }
}

/** Splits text at white space and punctuation, and words into a vocabulary's longest pieces. */
export class FastWordpieceTokenizer extends FlatTokenizer {
  /**
   * @param {TextKernels} kernels
   * @param {Vocabulary | readonly string[] | string} vocabulary
   * @param {PieceOptions & {noPretokenization?: boolean}} [options]
   */
  constructor(kernels, vocabulary, { noPretokenization = false, ...options } = {}) {
    super(kernels, vocabulary, options, { rules: noPretokenization ? WHOLE : 0, required: true });
  }
}

/**
 * BERT's tokenizer, from raw text to pieces.
 *
 * @example
 * const bert = new FastBertTokenizer(kernels, vocabulary, { lowerCaseNfdStripAccents: true });
 * bert.tokenizeWithOffsets("The greatest");
 */
export class FastBertTokenizer extends FlatTokenizer {
  /**
   * @param {TextKernels} kernels
   * @param {Vocabulary | readonly string[] | string} vocabulary
   * @param {PieceOptions & {lowerCaseNfdStripAccents?: boolean, rules?: "tf" | "hf", noPretokenization?: boolean}} [options]
   *   rules: whose normalization, TF.Text's or Hugging Face's
   */
  constructor(
    kernels, vocabulary,
    { lowerCaseNfdStripAccents: lower = false, rules = "tf", noPretokenization = false, ...options } = {},
  ) {
    if (rules !== "tf" && rules !== "hf") throw new TextError(`rules is '${rules}'; give 'tf' or 'hf'`);
    const chosen = rules === "tf" ? CONTROL | (lower ? FOLD : 0)
      : HF | HF_CLEAN | HF_IDEOGRAPHS | (lower ? HF_STRIP | REORDER | HF_LOWER : 0);
    super(kernels, vocabulary, options, {
      rules: chosen | (noPretokenization ? WHOLE : 0), flags: rules === "hf" ? COUNT_CHARS : 0, required: true,
    });
  }
}

/** BERT's tokenizer, whose pieces are nested in words. */
export class BertTokenizer extends PieceTokenizer {
  /**
   * @param {TextKernels} kernels
   * @param {Vocabulary | readonly string[] | string} vocabulary
   * @param {PieceOptions & {lowerCase?: boolean, splitUnknownCharacters?: boolean}} [options]
   */
  constructor(kernels, vocabulary, { lowerCase = false, splitUnknownCharacters = false, ...options } = {}) {
    super(kernels, vocabulary, options, {
      rules: CONTROL | ASCII_SPACE | (lowerCase ? FOLD | REORDER : 0),
      flags: splitUnknownCharacters ? SPLIT_UNKNOWN : 0,
    });
  }

  /** @param {string} text @returns {number[][]} */
  tokenize(text) {
    return this.tokenizeWithOffsets(text).tokens;
  }

  /** @param {string} text @returns {{tokens: number[][], starts: number[][], ends: number[][]}} a row for each word */
  tokenizeWithOffsets(text) {
    const { tokens, starts, ends, first } = this.pieces(text);
    /** @param {Int32Array} values */
    const nested = (values) => {
      /** @type {number[][]} */
      const rows = [];
      values.forEach((value, i) => {
        if (first[i]) rows.push([]);
        rows[rows.length - 1].push(value);
      });
      return rows;
    };
    return { tokens: nested(tokens), starts: nested(starts), ends: nested(ends) };
  }
}
