/**
 * Segments cut to fit, put together to a model's input, and filled up to one width.
 *
 * The twin of Python's trimmers, `combine_segments`, `concatenate_segments` and `pad_model_inputs`, for one
 * row: a segment is the ids of one text.
 * @module
 */

import { RaggedError, TextError } from "../errors.js";

/** @typedef {readonly number[] | Int32Array} Ids */

/** @param {unknown} value @param {string} name @returns {number} */
function count(value, name) {
  if (!Number.isSafeInteger(value) || Number(value) < 0) {
    throw new TextError(`${name} is ${value}; give a whole number of 0 or more`);
  }
  return Number(value);
}

/** @param {readonly Ids[]} segments */
function present(segments) {
  if (segments.length === 0) throw new RaggedError("there are no segments; give at least one");
}

/** Cuts segments at their ends so that together they keep to a length. */
class Trimmer {
  /** @param {number} maxSeqLength the most ids in all segments together */
  constructor(maxSeqLength) {
    this.maxSeqLength = count(maxSeqLength, "maxSeqLength");
  }

  /**
   * How many ids each segment keeps.
   * @param {number[]} lengths
   * @returns {number[]}
   */
  allocate(lengths) {
    return lengths;
  }

  /**
   * The segments without what does not fit.
   * @param {readonly Ids[]} segments
   * @returns {Int32Array[]}
   */
  trim(segments) {
    present(segments);
    const kept = this.allocate(segments.map((segment) => segment.length));
    return segments.map((segment, i) => Int32Array.from(segment.slice(0, kept[i])));
  }

  /**
   * What `trim` keeps of each segment.
   * @param {readonly Ids[]} segments
   * @returns {boolean[][]}
   */
  generateMask(segments) {
    present(segments);
    const kept = this.allocate(segments.map((segment) => segment.length));
    return segments.map((segment, i) => Array.from(segment, (_, place) => place < kept[i]));
  }
}

/** Fills the length from the first segment on; the last ones get what is left. */
export class WaterfallTrimmer extends Trimmer {
  /** @override @param {number[]} lengths */
  allocate(lengths) {
    let left = this.maxSeqLength;
    return lengths.map((length) => {
      const kept = Math.min(length, left);
      left -= kept;
      return kept;
    });
  }
}

/** Gives each segment one id in turn until the length is used up. */
export class RoundRobinTrimmer extends Trimmer {
  /** @override @param {number[]} lengths */
  allocate(lengths) {
    const { level, left } = levelOf(lengths, this.maxSeqLength);
    let turn = 0;
    return lengths.map((length) => (length <= level ? length : level + Number(turn++ < left)));
  }
}

/** Takes one id from the longest segment, the first of equally long ones, until all fit. */
export class ShrinkLongestTrimmer extends Trimmer {
  /** @override @param {number[]} lengths */
  allocate(lengths) {
    const { level, left } = levelOf(lengths, this.maxSeqLength);
    let turn = lengths.filter((length) => length > level).length;
    return lengths.map((length) => (length <= level ? length : level + Number(--turn < left)));
  }
}

/**
 * The length that all longer segments are cut to, and how many of them keep one id more.
 * @param {number[]} lengths
 * @param {number} most
 */
function levelOf(lengths, most) {
  const ordered = [...lengths].sort((a, b) => a - b);
  for (const [i, length] of ordered.entries()) {
    const sharing = ordered.length - i;
    if (length * sharing > most) return { level: Math.floor(most / sharing), left: most % sharing };
    most -= length;
  }
  return { level: ordered[ordered.length - 1], left: 0 };
}

/**
 * Segments as one sequence, with special ids: [CLS] a [SEP] b [SEP].
 *
 * @param {readonly Ids[]} segments
 * @param {number} startOfSequenceId put before the first segment
 * @param {number} endOfSegmentId put after every segment
 * @returns {{ids: Int32Array, segmentIds: Int32Array}} the ids, and for each the number of its segment
 */
export function combineSegments(segments, startOfSequenceId, endOfSegmentId) {
  present(segments);
  const ids = [startOfSequenceId], numbers = [0];
  segments.forEach((segment, i) => {
    ids.push(...segment, endOfSegmentId);
    for (let k = 0; k <= segment.length; k++) numbers.push(i);
  });
  return { ids: int32(ids), segmentIds: Int32Array.from(numbers) };
}

/**
 * Segments as one sequence, as they are.
 *
 * @param {readonly Ids[]} segments
 * @returns {{ids: Int32Array, segmentIds: Int32Array}}
 */
export function concatenateSegments(segments) {
  present(segments);
  return {
    ids: int32(segments.flatMap((segment) => [...segment])),
    segmentIds: Int32Array.from(segments.flatMap((segment, i) => Array.from(segment, () => i))),
  };
}

/**
 * A sequence at one width: filled up, or cut at the end.
 *
 * @param {Ids} ids
 * @param {number} maxSeqLength the width
 * @param {number} [padValue] what fills it up
 * @returns {{padded: Int32Array, mask: Int32Array}} the mask is 1 where an id is the input's
 */
export function padModelInputs(ids, maxSeqLength, padValue = 0) {
  const padded = new Int32Array(count(maxSeqLength, "maxSeqLength")).fill(int32([padValue])[0]);
  const mask = new Int32Array(padded.length);
  const kept = ids.slice(0, padded.length);
  padded.set(int32(kept));
  mask.fill(1, 0, kept.length);
  return { padded, mask };
}

/** @param {Ids} ids */
function int32(ids) {
  const found = Int32Array.from(ids);
  for (let i = 0; i < found.length; i++) {
    if (found[i] !== ids[i]) throw new TextError(`an id is ${ids[i]}; give whole numbers that int32 holds`);
  }
  return found;
}
