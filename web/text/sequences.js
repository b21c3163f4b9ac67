/**
 * Windows and n-grams of tokens; the best labels of a sequence under constraints.
 *
 * The twins of Python's `homebody.text` functions, for one text at a time.
 * @module
 */

import { TextError } from "../errors.js";

/** @import {TextKernels} from "./kernels.js" */

/** Every `width` elements that follow each other. @template T @param {readonly T[]} data @param {number} width @returns {T[][]} */
export function slidingWindow(data, width) {
  const count = Math.max(0, data.length - width + 1);
  return Array.from({ length: count }, (_, i) => data.slice(i, i + width));
}

/** Every `width` strings that follow each other, joined. @param {readonly string[]} tokens @param {number} width @param {string} [separator] */
export function ngrams(tokens, width, separator = " ") {
  return slidingWindow(tokens, width).map((window) => window.join(separator));
}

/**
 * @typedef {{allowedTransitions?: readonly (readonly boolean[])[], useLogSpace?: boolean,
 *   useStartAndEndStates?: boolean}} Constraints with start and end states, the last row and column of
 *   `allowedTransitions` say where a sequence may begin and end
 */

/**
 * The sequence of states whose scores come to the most; all -1 where none is allowed.
 *
 * @param {TextKernels} kernels
 * @param {Float32Array} scores [steps, states]
 * @param {number} states
 * @param {Constraints} [constraints]
 * @returns {number[]}
 */
export function viterbiConstrainedSequence(kernels, scores, states, constraints = {}) {
  return best(kernels, "hb_viterbi", scores, states, { useStartAndEndStates: true, ...constraints });
}

/**
 * Each step's best state, given the one before it; -1 from the first step at which none is allowed.
 *
 * @param {TextKernels} kernels
 * @param {Float32Array} scores [steps, states]
 * @param {number} states
 * @param {Constraints} [constraints]
 * @returns {number[]}
 */
export function greedyConstrainedSequence(kernels, scores, states, constraints = {}) {
  return best(kernels, "hb_greedy", scores, states, { useStartAndEndStates: false, ...constraints });
}

/**
 * @param {TextKernels} kernels
 * @param {"hb_viterbi" | "hb_greedy"} name
 * @param {Float32Array} scores
 * @param {number} states
 * @param {Constraints} constraints
 */
function best(kernels, name, scores, states, { allowedTransitions, useLogSpace, useStartAndEndStates }) {
  const steps = scores.length / states, side = states + (useStartAndEndStates ? 1 : 0);
  if (!Number.isInteger(steps)) throw new TextError(`${scores.length} scores are no rows of ${states}; give all of them`);
  if (allowedTransitions && (allowedTransitions.length !== side || allowedTransitions.some((row) => row.length !== side))) {
    throw new TextError(`the allowed transitions are not ${side} rows of ${side}; give one for each state`);
  }
  return kernels.calling(() => {
    const allowed = allowedTransitions ? kernels.put(Uint8Array.from(allowedTransitions.flat(), Number)) : 0;
    const [at, first, splits] = [scores, new BigInt64Array(1), BigInt64Array.of(0n, BigInt(steps))]
      .map((one) => kernels.put(one));
    // hb_sequences: five pointers and a size of 4 bytes each, steps of 8, four numbers of 4
    const structure = new DataView(new ArrayBuffer(48));
    [at, first, splits, 0, allowed, 1].forEach((value, i) => structure.setUint32(4 * i, value, true));
    structure.setBigInt64(24, BigInt(steps), true);
    [states, useStartAndEndStates ? 1 : 0, useLogSpace ? 1 : 0, 0]
      .forEach((value, i) => structure.setInt32(32 + 4 * i, value, true));
    const sequences = kernels.put(structure);
    const words = kernels.hb.hb_sequences_scratch(sequences) >>> 0;
    if (words === 0) throw new TextError(`the scores are of ${states} states; give 1 to 32767`);
    const [labels, scratch] = [kernels.alloc(4 * steps), kernels.alloc(4 * words)];
    kernels.check("sequence", kernels.hb[name](sequences, labels, scratch, words));
    return Array.from(kernels.int32(labels, steps));
  });
}

/**
 * The spans that tags of tokens tell: from `B-type` or `I-type` to `E-type` or `S-type`, or to before `O`; the
 * last tag has the type.
 *
 * @param {readonly {start: number, end: number}[]} tokens
 * @param {readonly string[]} tags
 * @returns {{label: string, start: number, end: number}[]}
 */
export function boiseTagsToOffsets(tokens, tags) {
  /** @type {{label: string, start: number, end: number}[]} */
  const found = [];
  let open = -1, typed = -1;
  /** @param {number} last @param {number} type the tag that says what it is */
  const close = (last, type) => {
    found.push({ label: tags[type].slice(2), start: tokens[open].start, end: tokens[last].end });
    open = -1;
  };
  tags.forEach((tag, i) => {
    const letter = tag.startsWith("O") ? "O" : tag[1] === "-" ? tag[0] : "";
    if (letter === "B" || letter === "I") {
      if (open < 0) open = i;
      typed = i;
    } else if (letter === "E" || letter === "S") {
      if (open < 0) open = i;
      close(i, i);
    } else if (letter === "O" && open >= 0) close(i - 1, typed);
  });
  if (open >= 0) close(tags.length - 1, typed);
  return found;
}
