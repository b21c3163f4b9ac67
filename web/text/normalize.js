/**
 * Normal forms of text, each with a map back into the original; words' shapes.
 *
 * The twin of Python's `homebody.text` functions of these names, for one string at a time. Offsets of
 * maps are bytes of UTF-8.
 * @module
 */

import { TextError } from "../errors.js";

/** @import {TextKernels} from "./kernels.js" */
/** @typedef {"NFC" | "NFD" | "NFKC" | "NFKD"} Form */
/** Rows of four: see `hb_map_row` in kernels/text_normalize.h. @typedef {Int32Array} OffsetsMap */
/** @typedef {{output: string, offsetsMap: OffsetsMap}} Mapped */

const FORMS = ["NFC", "NFD", "NFKC", "NFKD", "casefold", "accents", "tf", "hf", "valid"];
const SHORT_BUFFER = -2, SHORT_MAP = -5;
const REPLACEMENT = 0xfffd;

/** @param {TextKernels} kernels @param {string} text @param {string} form @returns {Mapped} */
function mapped(kernels, text, form) {
  const { hb } = kernels;
  const number = FORMS.indexOf(form);
  if (number < 0) throw new TextError(`the normal form is '${form}'; give one of NFC, NFD, NFKC, NFKD`);
  return kernels.calling(() => {
    const placed = kernels.place(text);
    for (let room = placed.size + 64, rowRoom = 256; ; ) {
      const [out, rows] = [kernels.alloc(room), kernels.alloc(16 * rowRoom)];
      const [offsets, splits] = [kernels.alloc(16), kernels.put(new BigInt64Array(2))];
      const progress = kernels.put(new BigInt64Array(3));
      const status = hb.hb_text_normalize(
        kernels.tables.at, number, REPLACEMENT, placed.strings, 1, 0, out, room, offsets, rows, rowRoom, splits, progress);
      if (status === SHORT_BUFFER) {
        room *= 4;
        continue;
      }
      if (status === SHORT_MAP) {
        rowRoom *= 8;
        continue;
      }
      kernels.check("normalization", status);
      const [, written, used] = kernels.int64(progress, 3);
      return { output: kernels.string(out, written), offsetsMap: kernels.int32(rows, 4 * used) };
    }
  });
}

/** Fold case, for comparing without regard to it: NFKC_Casefold. @param {TextKernels} kernels @param {string} text */
export function caseFoldUtf8(kernels, text) {
  return mapped(kernels, text, "casefold").output;
}

/** @param {TextKernels} kernels @param {string} text */
export function caseFoldUtf8WithOffsetsMap(kernels, text) {
  return mapped(kernels, text, "casefold");
}

/** @param {TextKernels} kernels @param {string} text @param {Form} [form] */
export function normalizeUtf8(kernels, text, form = "NFKC") {
  return normalizeUtf8WithOffsetsMap(kernels, text, form).output;
}

/** @param {TextKernels} kernels @param {string} text @param {Form} [form] */
export function normalizeUtf8WithOffsetsMap(kernels, text, form = "NFKC") {
  return mapped(kernels, text, form);
}

/** Decompose and leave nonspacing marks out. @param {TextKernels} kernels @param {string} text */
export function stripAccentsUtf8(kernels, text) {
  return mapped(kernels, text, "accents").output;
}

/** @param {TextKernels} kernels @param {string} text */
export function stripAccentsUtf8WithOffsetsMap(kernels, text) {
  return mapped(kernels, text, "accents");
}

/** Take control characters away, as BERT's normalizers do. @param {TextKernels} kernels @param {string} text @param {"tf" | "hf"} [rules] */
export function cleanControlsUtf8(kernels, text, rules = "tf") {
  return cleanControlsUtf8WithOffsetsMap(kernels, text, rules).output;
}

/** @param {TextKernels} kernels @param {string} text @param {"tf" | "hf"} [rules] */
export function cleanControlsUtf8WithOffsetsMap(kernels, text, rules = "tf") {
  return mapped(kernels, text, rules);
}

/**
 * Turn byte offsets into normalized text into byte offsets into the original.
 *
 * @param {TextKernels} kernels
 * @param {OffsetsMap} offsetsMap
 * @param {Iterable<number>} offsets
 * @returns {number[]}
 */
export function findSourceOffsets(kernels, offsetsMap, offsets) {
  return kernels.calling(() => {
    const given = BigInt64Array.from(offsets, BigInt);
    const rows = kernels.put(offsetsMap);
    const [rowSplits, splits] = [offsetsMap.length / 4, given.length].map(
      (count) => kernels.put(BigInt64Array.of(0n, BigInt(count))));
    const at = kernels.put(given);
    kernels.check("offsets", kernels.hb.hb_text_source_offsets(rows, rowSplits, splits, 1, at));
    return kernels.int64(at, given.length);
  });
}

/**
 * Whether a string has a shape.
 *
 * @param {TextKernels} kernels
 * @param {string} text
 * @param {number} shape its place among `SHAPES` of bundle/operations.js
 */
export function wordshape(kernels, text, shape) {
  return kernels.calling(() => {
    const placed = kernels.place(text);
    const [shapes, out] = [kernels.words(shape), kernels.alloc(1)];
    kernels.check("word shape", kernels.hb.hb_text_wordshape(kernels.tables.at, placed.strings, 1, shapes, 1, out));
    return kernels.bytes(out, 1)[0] === 1;
  });
}

/**
 * The lowest bits of a word's first characters, least first, as 0 and 1; zeros after its end.
 *
 * @param {TextKernels} kernels
 * @param {string} text
 * @param {number} [wordLength] characters taken, 1 to 65,536
 * @param {number} [bitsPerChar] bits taken of each, 1 to 65,536
 * @returns {Float32Array}
 */
export function utf8Binarize(kernels, text, wordLength = 16, bitsPerChar = 24) {
  for (const [name, value] of Object.entries({ wordLength, bitsPerChar })) {
    if (!Number.isSafeInteger(value) || value < 1 || value > 65536) {
      throw new TextError(`${name} is ${value}; give 1 to 65536`);
    }
  }
  return kernels.calling(() => {
    const placed = kernels.place(text);
    const count = wordLength * bitsPerChar;
    const out = kernels.alloc(4 * count);
    kernels.check("binarizing", kernels.hb.hb_text_binarize(placed.strings, 1, wordLength, bitsPerChar, REPLACEMENT, out));
    return new Float32Array(kernels.bytes(out, 4 * count).slice().buffer);
  });
}
