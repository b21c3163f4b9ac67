/**
 * The strings of a text on their way through a pipeline, and where their characters were.
 *
 * The twin of Python's `homebody.pipeline._pieces`.
 * @module
 */

import {
  caseFoldUtf8WithOffsetsMap, cleanControlsUtf8WithOffsetsMap, normalizeUtf8WithOffsetsMap,
  stripAccentsUtf8WithOffsetsMap,
} from "./normalize.js";

/** @import {NORMAL_STEPS} from "../bundle/operations.js" */
/** @import {OffsetUnit, TextKernels} from "./kernels.js" */
/** @import {Mapped} from "./normalize.js" */

const encoder = new TextEncoder(), decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A string, and for each of its bytes where in the segment it came from. */
export class Passage {
  /**
   * @param {string} text
   * @param {number} segment which segment of the text it is of
   * @param {Uint8Array} source that segment, as it was given
   * @param {{starts: Int32Array, ends: Int32Array} | null} map null while the two are one
   */
  constructor(text, segment, source, map) {
    this.text = text;
    this.segment = segment;
    this.source = source;
    this.map = map;
  }

  /**
   * Byte offsets into the string as offsets into its source.
   *
   * @param {number} start
   * @param {number} end
   * @param {OffsetUnit} unit
   * @returns {{start: number, end: number, text: string}} and the source's text there
   */
  placed(start, end, unit) {
    const { map, source } = this;
    let first = start, last = end;
    if (map) {
      first = start < map.starts.length ? map.starts[start] : map.ends.at(-1) ?? source.length;
      last = start === end ? first : map.ends[end - 1];
    }
    const text = decoder.decode(source.subarray(first, last));
    if (unit === "byte") return { start: first, end: last, text };
    // An offset within a character counts as its start, or its end.
    while (first < source.length && (source[first] & 0xc0) === 0x80) first--;
    while (last < source.length && (source[last] & 0xc0) === 0x80) last++;
    /** @param {number} at */
    const counted = (at) => {
      const before = decoder.decode(source.subarray(0, at));
      return unit === "utf16" ? before.length : [...before].length;
    };
    return { start: counted(first), end: counted(last), text };
  }
}

/** A text's own segment. @param {string} text @param {number} segment */
export function passage(text, segment) {
  const source = encoder.encode(text);
  return new Passage(decoder.decode(source), segment, source, null);
}

/** The string between two of its byte offsets. @param {Passage} whole @param {number} start @param {number} end */
export function partOf({ text, segment, source, map }, start, end) {
  const bytes = encoder.encode(text);
  const starts = map?.starts ?? Int32Array.from(bytes, (_, i) => i);
  const ends = map?.ends ?? Int32Array.from(bytes, (_, i) => i + 1);
  return new Passage(decoder.decode(bytes.subarray(start, end)), segment, source, {
    starts: starts.slice(start, end), ends: ends.slice(start, end),
  });
}

/** @type {Record<(typeof NORMAL_STEPS)[number], (kernels: TextKernels, text: string) => Mapped>} */
const NORMALIZERS = {
  case_fold: caseFoldUtf8WithOffsetsMap,
  clean_hf: (kernels, text) => cleanControlsUtf8WithOffsetsMap(kernels, text, "hf"),
  clean_tf: (kernels, text) => cleanControlsUtf8WithOffsetsMap(kernels, text, "tf"),
  strip_accents: stripAccentsUtf8WithOffsetsMap,
  nfc: (kernels, text) => normalizeUtf8WithOffsetsMap(kernels, text, "NFC"),
  nfd: (kernels, text) => normalizeUtf8WithOffsetsMap(kernels, text, "NFD"),
  nfkc: (kernels, text) => normalizeUtf8WithOffsetsMap(kernels, text, "NFKC"),
  nfkd: (kernels, text) => normalizeUtf8WithOffsetsMap(kernels, text, "NFKD"),
};

/** @param {TextKernels} kernels @param {Passage} before @param {(typeof NORMAL_STEPS)[number]} step */
export function normalized(kernels, before, step) {
  const { output, offsetsMap } = NORMALIZERS[step](kernels, before.text);
  if (output === before.text) return before;
  const size = encoder.encode(output).length;
  const starts = new Int32Array(size), ends = new Int32Array(size);
  for (let i = 0, row = 0; i < size; i++) {
    while (row + 4 < offsetsMap.length && offsetsMap[row + 4] <= i) row += 4;
    const [to, from, toStep, fromStep] = offsetsMap.subarray(row, row + 4);
    starts[i] = from + fromStep * Math.floor((i - to) / Math.max(toStep, 1));
    ends[i] = starts[i] + fromStep;
    if (before.map) {
      ends[i] = before.map.ends[ends[i] - 1];
      starts[i] = before.map.starts[starts[i]];
    }
  }
  return new Passage(output, before.segment, before.source, { starts, ends });
}
