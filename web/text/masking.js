/**
 * The masked language model's task: some ids hidden, to be guessed.
 *
 * The twin of Python's `RandomItemSelector` and `MaskValuesChooser`, for rows of ids: the same numbers of the
 * same seed, which Python explains.
 * @module
 */

import { TextError } from "../errors.js";

/** @import {Ids} from "./segments.js" */

const SELECTING = 16, MASKING = 17;

/** The upper half of a product of two 32-bit numbers. @param {number} a @param {number} b */
function high(a, b) {
  const low = (a & 0xffff) * (b & 0xffff);
  const middle = (a >>> 16) * (b & 0xffff) + Math.floor(low / 65536);
  const other = (a & 0xffff) * (b >>> 16) + (middle % 65536);
  return ((a >>> 16) * (b >>> 16) + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/**
 * Four random words for a place: Philox4x32-7 with the counter (place, 0, tick, purpose).
 * @param {bigint} seed @param {number} tick @param {number} purpose @param {number} place
 */
export function drawn(seed, tick, purpose, place) {
  let a = place >>> 0, b = 0, c = tick >>> 0, d = purpose;
  let low = Number(seed & 0xffffffffn), upper = Number(seed >> 32n);
  for (let round = 0; round < 7; round++) {
    [a, b, c, d] = [
      (high(c, 0xcd9e8d57) ^ b ^ low) >>> 0, Math.imul(c, 0xcd9e8d57) >>> 0,
      (high(a, 0xd2511f53) ^ d ^ upper) >>> 0, Math.imul(a, 0xd2511f53) >>> 0,
    ];
    low = (low + 0x9e3779b9) >>> 0;
    upper = (upper + 0xbb67ae85) >>> 0;
  }
  return [a, b, c, d];
}

/** @param {number | bigint} seed */
function checkedSeed(seed) {
  const whole = typeof seed === "bigint" || Number.isSafeInteger(seed) ? BigInt(seed) : -1n;
  if (whole < 0n || whole >= 1n << 64n) {
    throw new TextError(`the seed is ${seed}; give a whole number from 0 to 2**64 - 1`);
  }
  return whole;
}

/** Selects random ids of each row: min(ceil(n * selectionRate), maxSelectionsPerBatch) of its n selectable ones. */
export class RandomItemSelector {
  /** How often a mask was made; each call draws anew. */
  tick = 0;

  /**
   * @param {number} maxSelectionsPerBatch @param {number} selectionRate
   * @param {{unselectableIds?: Iterable<number>, seed?: number | bigint}} [options]
   */
  constructor(maxSelectionsPerBatch, selectionRate, { unselectableIds = [], seed = 0 } = {}) {
    if (!(maxSelectionsPerBatch >= 0) || !(selectionRate >= 0 && selectionRate <= 1)) {
      throw new TextError(`maxSelectionsPerBatch and selectionRate are ${maxSelectionsPerBatch} and ` +
        `${selectionRate}; give 0 or more, and a share from 0 to 1`);
    }
    this.most = maxSelectionsPerBatch;
    this.rate = Math.fround(selectionRate);
    this.unselectable = new Set(unselectableIds);
    this.seed = checkedSeed(seed);
  }

  /** Which ids of each row are selected. @param {readonly Ids[]} rows @returns {boolean[][]} */
  getSelectionMask(rows) {
    let before = 0;
    const masks = rows.map((row) => {
      const words = Array.from(row, (id, place) => ({
        place, word: this.unselectable.has(id) ? -1 : drawn(this.seed, this.tick, SELECTING, before + place)[0],
      })).filter(({ word }) => word >= 0);
      before += row.length;
      const wanted = Math.min(Math.ceil(Math.fround(words.length * this.rate)), this.most);
      const mask = Array(row.length).fill(false);
      words.sort((a, b) => a.word - b.word || a.place - b.place);
      for (const { place } of words.slice(0, wanted)) mask[place] = true;
      return mask;
    });
    this.tick = (this.tick + 1) >>> 0;
    return masks;
  }
}

/** Says what stands in the place of an id that was selected: the mask, a random id, or the id itself. */
export class MaskValuesChooser {
  /** How often values were chosen; each call draws anew. */
  tick = 0;

  /**
   * @param {number} vocabSize @param {number} maskToken
   * @param {{maskTokenRate?: number, randomTokenRate?: number, seed?: number | bigint}} [options]
   */
  constructor(vocabSize, maskToken, { maskTokenRate = 0.8, randomTokenRate = 0.1, seed = 0 } = {}) {
    if (!(vocabSize >= 1 && vocabSize <= 2 ** 31 && maskTokenRate >= 0 && randomTokenRate >= 0) ||
        !(maskTokenRate + randomTokenRate <= 1 + 1e-9)) {
      throw new TextError(`vocabSize and rates are ${vocabSize}, ${maskTokenRate} and ${randomTokenRate}; ` +
        "give 1 to 2**31, and shares that are at most 1 together");
    }
    this.vocabSize = vocabSize;
    this.maskToken = maskToken;
    this.maskTokenRate = maskTokenRate;
    this.until = maskTokenRate + randomTokenRate;
    this.seed = checkedSeed(seed);
  }

  /** What stands in the place of each id. @param {readonly Ids[]} rows @returns {Int32Array[]} */
  getMaskValues(rows) {
    let place = 0;
    const chosen = rows.map((row) => Int32Array.from(row, (id) => {
      const [decision, random] = drawn(this.seed, this.tick, MASKING, place++);
      const share = decision / 2 ** 32;
      if (share < this.maskTokenRate) return this.maskToken;
      // A product of 32 and 31 bits: one of doubles would round.
      return share < this.until ? Number((BigInt(random) * BigInt(this.vocabSize)) >> 32n) : id;
    }));
    this.tick = (this.tick + 1) >>> 0;
    return chosen;
  }
}
