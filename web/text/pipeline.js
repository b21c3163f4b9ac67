/**
 * Text to a model's inputs: what a bundle's operations on text compute.
 *
 * The twin of Python's `homebody.pipeline.texts`, so that the same ids reach the model.
 * @module
 */

import { SHAPES } from "../bundle/operations.js";
import { readVocabulary } from "../bundle/vocabulary.js";
import { FeatureError, SamplesError } from "../errors.js";
import { wordshape } from "./normalize.js";
import { normalized, partOf, passage } from "./passages.js";
import {
  RoundRobinTrimmer, ShrinkLongestTrimmer, WaterfallTrimmer, combineSegments, padModelInputs,
} from "./segments.js";
import { ngrams, slidingWindow } from "./sequences.js";
import { FastBertTokenizer, Vocabulary, WordpieceTokenizer } from "./wordpiece.js";
import {
  ByteSplitter, StateBasedSentenceBreaker, UnicodeCharTokenizer, UnicodeScriptTokenizer, WhitespaceTokenizer,
} from "./words.js";

/** @import {Bundle} from "../bundle.js" */
/** @import {Operation} from "../bundle/operations.js" */
/** @import {OffsetUnit, TextKernels} from "./kernels.js" */
/** @import {Passage} from "./passages.js" */
/** @typedef {{text: string, id: number | null, start: number, end: number, segment: number}} Token */
/** A token, an id or a row of them, and its place in the passage, in bytes. @typedef {{value: string | number | number[], start: number, end: number}} Piece */
/** @typedef {{kind: "text", passages: Passage[]}} Text */
/**
 * @typedef {{kind: "tokens" | "ids" | "windows", passages: Passage[], rows: Piece[][], vocabulary: string[] | null,
 *   width?: number}} Pieces `width`: of windows
 */
/** Its items are ids or, each `width` long, rows of them. @typedef {{kind: "sequence", ids: Int32Array, width: number, segmentIds: Int32Array, pieces: Pieces, places: Place[]}} Sequence */
/** @typedef {{kind: "tensors", tensors: Map<string, Int32Array | BigInt64Array>, pieces: Pieces, places: Place[]}} Tensors */
/** Which piece of which row stands at a place of the sequence; null for those between. @typedef {[row: number, piece: number] | null} Place */
/** @typedef {Text | Pieces | Sequence | Tensors} State */
/** @typedef {(state: State) => State | null} Step null: the state is none that it takes */

const BETWEEN = 0xff;
/** What the n-grams of a text may take: one after another, operations could multiply it for ever. */
const MAX_NGRAM_BYTES = 1 << 28;
/** How many numbers a tensor may have. */
const MAX_NUMBERS = 1 << 24;

/** A bundle's input pipeline on text, its vocabularies read once. */
export class TextPipeline {
  #steps;

  /**
   * @param {TextKernels} kernels
   * @param {Operation[]} operations the manifest's `input`
   * @param {Bundle} bundle
   * @throws {FeatureError} an operation stands where it cannot, or does not belong to text
   * @throws {import("../errors.js").VocabularyEntryError} a vocabulary is malformed
   */
  constructor(kernels, operations, bundle) {
    this.kernels = kernels;
    this.#steps = operations.map((operation) => /** @type {const} */ ([operation.op, stepOf(kernels, operation, bundle)]));
    this.#run([""]); // an operation out of its place shows with any text
  }

  /**
   * The model's inputs for a text.
   *
   * @param {string | readonly string[]} text a text, or its segments
   * @returns {Map<string, Int32Array | BigInt64Array>} by the name of the model's input
   */
  prepare(text) {
    return this.prepared(text).tensors;
  }

  /**
   * The model's inputs, and the pieces that stand at their places.
   *
   * @param {string | readonly string[]} text
   * @returns {Tensors}
   */
  prepared(text) {
    const state = this.#run(segmentsOf(text));
    if (state.kind !== "tensors") throw new FeatureError("the input pipeline makes no tensors; end it with pad.v1");
    return state;
  }

  /**
   * The pieces that a text is cut into, before they are put in a row for the model.
   *
   * @param {string | readonly string[]} text
   * @param {{offsets?: OffsetUnit}} [options] what starts and ends count
   * @returns {Token[]}
   */
  tokens(text, { offsets = "utf16" } = {}) {
    /** @type {Pieces | null} */
    let pieces = null;
    this.#run(segmentsOf(text), (state) => {
      if (isPieces(state)) pieces = state;
    });
    if (pieces === null) throw new FeatureError("the input pipeline makes no tokens; add whitespace.v1 to it");
    return described(pieces, offsets);
  }

  /** @param {readonly string[]} segments @param {(state: State) => void} [onState] @returns {State} */
  #run(segments, onState) {
    /** @type {State} */
    let state = { kind: "text", passages: segments.map(passage) };
    for (const [name, step] of this.#steps) {
      const next = step(state);
      if (next === null) {
        throw new FeatureError(
          `${name} stands where the input pipeline has not made what it takes; put the operations in the order ` +
            "of docs/bundle-format.md");
      }
      state = next;
      onState?.(state);
    }
    return state;
  }
}

/** @param {string | readonly string[]} text @returns {readonly string[]} */
function segmentsOf(text) {
  return typeof text === "string" ? [text] : text;
}

/**
 * The text that a sample holds: UTF-8, with the byte FF between two segments.
 *
 * @param {{data: Uint8Array, shape: number[], dtype: string}} stored
 * @returns {string | string[]}
 */
export function readText({ data, shape, dtype }) {
  if (dtype !== "uint8" || shape.length !== 1) {
    throw new SamplesError(`a text sample is ${dtype}[${shape}]; give its UTF-8, uint8 [n]`);
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** @type {string[]} */
  const segments = [];
  try {
    for (let at = 0; at <= data.length;) {
      const next = data.indexOf(BETWEEN, at);
      const end = next < 0 ? data.length : next;
      segments.push(decoder.decode(data.subarray(at, end)));
      at = end + 1;
    }
  } catch {
    throw new SamplesError("a text sample is not UTF-8; pack the bundle again");
  }
  return segments.length > 1 ? segments : segments[0];
}

/**
 * A function that runs an operation on what the one before it made.
 *
 * @param {TextKernels} kernels
 * @param {Operation} operation
 * @param {Bundle} bundle
 * @returns {Step}
 */
function stepOf(kernels, operation, bundle) {
  switch (operation.op) {
    case "normalize_text.v1":
      return ofText(({ passages }) => ({
        kind: "text",
        passages: passages.map((one) => operation.steps.reduce((made, step) => normalized(kernels, made, step), one)),
      }));
    case "sentences.v1": {
      const breaker = new StateBasedSentenceBreaker(kernels, { offsetUnit: "byte" });
      return ofText(({ passages }) => ({
        kind: "text",
        passages: passages.flatMap((one) => {
          const { starts, ends } = breaker.breakSentencesWithOffsets(one.text);
          return Array.from(starts, (start, i) => partOf(one, start, ends[i]));
        }),
      }));
    }
    case "whitespace.v1":
      return splitting(new WhitespaceTokenizer(kernels, { offsetUnit: "byte" }));
    case "unicode_script.v1":
      return splitting(new UnicodeScriptTokenizer(kernels, {
        keepWhitespace: operation.keep_whitespace, offsetUnit: "byte",
      }));
    case "characters.v1": {
      const splitter = new UnicodeCharTokenizer(kernels, { offsetUnit: "byte" });
      return cutting((text) => {
        const { tokens, starts, ends } = splitter.tokenizeWithOffsets(text);
        return tokens.map((code, i) => ({ value: String.fromCodePoint(code), start: starts[i], end: ends[i] }));
      });
    }
    case "bytes.v1": {
      const splitter = new ByteSplitter(kernels);
      return cutting((text) =>
        Array.from(splitter.split(text), (byte, i) => ({ value: String.fromCharCode(byte), start: i, end: i + 1 })));
    }
    case "ngrams.v1":
      return ofTokens((pieces) => {
        const { width, separator } = operation, encoder = new TextEncoder();
        const between = encoder.encode(separator).length;
        const bytes = pieces.rows.flat().reduce((sum, { value }) =>
          sum + encoder.encode(String(value)).length + between, 0);
        if (width * bytes > MAX_NGRAM_BYTES) {
          throw new FeatureError(
            `the n-grams of this text would take ${width * bytes} bytes; at most ${MAX_NGRAM_BYTES} are made, so ` +
              "give a shorter text or a smaller width");
        }
        return {
          ...pieces,
          rows: pieces.rows.map((row) => {
            const texts = ngrams(row.map(({ value }) => String(value)), width, separator);
            return texts.map((value, i) => ({ value, start: row[i].start, end: row[i + width - 1].end }));
          }),
        };
      });
    case "wordpiece.v1":
      return wordpiece(kernels, operation, readVocabulary(bundle, operation));
    case "lookup.v1": {
      const vocabulary = readVocabulary(bundle, operation);
      const numbers = new Map(vocabulary.map((token, number) => [token, number]));
      const unknown = /** @type {number} */ (numbers.get(operation.unknown_token));
      return ofTokens((pieces) => ({
        ...pieces,
        kind: "ids",
        vocabulary,
        rows: pieces.rows.map((row) => row.map((one) => ({ ...one, value: numbers.get(String(one.value)) ?? unknown }))),
      }));
    }
    case "wordshape.v1": {
      const shape = SHAPES.indexOf(operation.pattern);
      return ofTokens((pieces) => ({
        ...pieces,
        kind: "ids",
        rows: pieces.rows.map((row) =>
          row.map((one) => ({ ...one, value: Number(wordshape(kernels, String(one.value), shape)) }))),
      }));
    }
    case "sliding_window.v1":
      return ofIds((pieces) => ({
        ...pieces,
        kind: "windows",
        width: operation.width,
        vocabulary: null,
        rows: pieces.rows.map((row) => slidingWindow(row, operation.width).map((window) => ({
          value: window.map(({ value }) => Number(value)),
          start: window[0].start,
          end: window[window.length - 1].end,
        }))),
      }));
    case "trim.v1":
      return trimming(operation.strategy, operation.max_length);
    case "combine_segments.v1":
      return ofIds((pieces) => {
        const { rows } = pieces;
        const segments = rows.map((row) => row.map(({ value }) => Number(value)));
        const combined = combineSegments(segments.length ? segments : [[]], operation.start, operation.end);
        /** @type {Place[]} */
        const places = [null];
        (rows.length ? rows : [[]]).forEach((row, i) => places.push(...row.map((_, k) => /** @type {Place} */ ([i, k])), null));
        return { kind: "sequence", width: 1, pieces, places, ...combined };
      });
    case "pad.v1":
      return padding(operation);
    default:
      throw new FeatureError(
        `the input pipeline holds ${operation.op}, which this task does not run there; correct the manifest or ` +
          "load the bundle with the feature it was made for");
  }
}

/** @param {(state: Text) => State} run @returns {Step} */
const ofText = (run) => (state) => (state.kind === "text" ? run(state) : null);

/** @param {(state: Pieces) => State} run @returns {Step} */
const ofTokens = (run) => (state) => (state.kind === "tokens" ? run(state) : null);

/** @param {(state: Pieces) => State} run @returns {Step} */
const ofIds = (run) => (state) => (state.kind === "ids" ? run(state) : null);

/** @param {State} state @returns {state is Pieces} */
const isPieces = (state) => state.kind === "tokens" || state.kind === "ids" || state.kind === "windows";

/** @param {(text: string) => Piece[]} run @returns {Step} */
function cutting(run) {
  return ofText(({ passages }) =>
    ({ kind: "tokens", passages, rows: passages.map(({ text }) => run(text)), vocabulary: null }));
}

/** @param {{tokenizeWithOffsets(text: string): {tokens: string[], starts: Int32Array, ends: Int32Array}}} tokenizer */
function splitting(tokenizer) {
  return cutting((text) => {
    const { tokens, starts, ends } = tokenizer.tokenizeWithOffsets(text);
    return tokens.map((value, i) => ({ value, start: starts[i], end: ends[i] }));
  });
}

/**
 * @param {TextKernels} kernels
 * @param {Operation & {op: "wordpiece.v1"}} operation
 * @param {string[]} tokens
 * @returns {Step}
 */
function wordpiece(kernels, operation, tokens) {
  const vocabulary = new Vocabulary(kernels, tokens);
  const shared = {
    suffixIndicator: operation.suffix_indicator,
    maxBytesPerWord: operation.max_bytes_per_word,
    unknownToken: operation.unknown_token,
    offsetUnit: /** @type {const} */ ("byte"),
  };
  const ofWholeText = new FastBertTokenizer(kernels, vocabulary, {
    ...shared, lowerCaseNfdStripAccents: operation.lower_case, rules: operation.rules,
  });
  const ofWords = new WordpieceTokenizer(kernels, vocabulary, shared);
  const encoder = new TextEncoder();
  /** @param {string} text @param {FastBertTokenizer | WordpieceTokenizer} tokenizer @returns {Piece[]} */
  const cut = (text, tokenizer) => {
    const { tokens: ids, starts, ends } = tokenizer.tokenizeWithOffsets(text);
    return Array.from(ids, (value, i) => ({ value, start: starts[i], end: ends[i] }));
  };
  return (state) => {
    if (state.kind === "text") {
      const rows = state.passages.map(({ text }) => cut(text, ofWholeText));
      return { kind: "ids", passages: state.passages, rows, vocabulary: tokens };
    }
    return ofTokens((pieces) => ({
      ...pieces,
      kind: "ids",
      vocabulary: tokens,
      rows: pieces.rows.map((row) => row.flatMap(({ value, start, end }) => {
        const word = String(value);
        // A piece of a token that is no part of the text, such as an n-gram, has all of its place.
        const whole = encoder.encode(word).length !== end - start;
        return cut(word, ofWords).map((piece) => ({
          value: piece.value,
          start: whole ? start : start + piece.start,
          end: whole ? end : start + piece.end,
        }));
      })),
    }))(state);
  };
}

/** @param {"first" | "last" | "round_robin" | "shrink_longest" | "waterfall"} strategy @param {number} most @returns {Step} */
function trimming(strategy, most) {
  const trimmers = { round_robin: RoundRobinTrimmer, shrink_longest: ShrinkLongestTrimmer, waterfall: WaterfallTrimmer };
  return (state) => {
    if (state.kind !== "ids" && state.kind !== "windows") return null;
    const { rows } = state;
    if (strategy === "last") return { ...state, rows: rows.map((row) => row.slice(Math.max(0, row.length - most))) };
    const kept = strategy === "first" ? rows.map(() => most)
      : new trimmers[strategy](most).allocate(rows.map(({ length }) => length));
    return { ...state, rows: rows.map((row, i) => row.slice(0, kept[i])) };
  };
}

/** @param {Operation & {op: "pad.v1"}} operation @returns {Step} */
function padding({ length, value, dtype, ids: name, mask: maskName, segment_ids: segmentsName }) {
  return (state) => {
    if (state.kind === "ids" || state.kind === "windows") {
      const { passages, rows, width = 1 } = state;
      if (passages.length > 1) {
        throw new FeatureError(
          `the text has ${passages.length} segments and pad.v1 takes one; put combine_segments.v1 before it`);
      }
      const row = rows[0] ?? [];
      const ids = Int32Array.from(row.flatMap((one) => one.value), Number);
      const places = row.map((_, k) => /** @type {Place} */ ([0, k]));
      state = { kind: "sequence", ids, width, segmentIds: new Int32Array(row.length), pieces: state, places };
    }
    if (state.kind !== "sequence") return null;
    const { ids, width, segmentIds, pieces, places } = state;
    if (length * width > MAX_NUMBERS) {
      throw new FeatureError(
        `pad.v1 would make a tensor of ${length * width} numbers; at most ${MAX_NUMBERS} are made, so pack the bundle ` +
          "with a smaller length or window");
    }
    /** @param {Int32Array} numbers */
    const tensor = (numbers) => (dtype === "int32" ? numbers : BigInt64Array.from(numbers, BigInt));
    const segments = padModelInputs(segmentIds, length);
    const tensors = new Map([[name, tensor(padModelInputs(ids, length * width, value).padded)]]);
    if (maskName !== null) tensors.set(maskName, tensor(segments.mask));
    if (segmentsName !== null) tensors.set(segmentsName, tensor(segments.padded));
    return { kind: "tensors", tensors, pieces, places: places.slice(0, length) };
  };
}

/** Every piece with its place in its segment. @param {Pieces} pieces @param {OffsetUnit} unit @returns {Token[]} */
function described(pieces, unit) {
  return describedRows(pieces, unit).flat();
}

/** A row for each passage. @param {Pieces} pieces @param {OffsetUnit} unit @returns {Token[][]} */
export function describedRows({ passages, rows, vocabulary }, unit) {
  return rows.map((row, i) => row.map(({ value, start, end }) => {
    const place = passages[i].placed(start, end, unit);
    const id = typeof value === "number" ? value : null;
    const text = typeof value === "string" ? value : id !== null && vocabulary ? vocabulary[id] : place.text;
    return { text, id, start: place.start, end: place.end, segment: passages[i].segment };
  }));
}
