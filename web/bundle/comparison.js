/**
 * Compare what a runtime gave with what the samples expect.
 *
 * The twin of Python's `homebody.bundle.comparison`.
 * @module
 */

import { CheckError } from "../errors.js";

/** @import {OutputTolerance, Tolerances} from "./manifest.js" */
/** @import {Outcome, Sample} from "./samples.js" */
/**
 * One quantity, measured over all samples, and what the tolerances require of it: shares of samples
 * (input, top1, answers), decibels (sqnr_db) or a difference (max_abs, where `required` is the most).
 * @typedef {{quantity: "input" | "sqnr_db" | "max_abs" | "top1" | "answers", output: string | null,
 *   measured: number, required: number, worst: string | null, passed: boolean}} Measurement
 */

/**
 * Measure everything that the tolerances limit, whether it passes or not.
 *
 * @param {Sample[]} expected
 * @param {Outcome[]} actual of the same samples in the same order
 * @param {Tolerances} tolerances
 * @returns {Measurement[]}
 * @throws {CheckError} there are none, or they are not of the same samples, outputs and shapes
 */
export function measure(expected, actual, tolerances) {
  if (!expected.length) throw new CheckError("there are no samples to compare; pack some into the bundle");
  const names = expected.map(({ name }) => name);
  if (names.join() !== actual.map(({ name }) => name).join()) {
    throw new CheckError("what is compared is not of the same samples in the same order");
  }
  const found = [share("input", 1, names, expected.map(({ inputSha256 }, i) =>
    [...inputSha256].every(([name, hash]) => actual[i].inputSha256.get(name) === hash)))];
  for (const [output, tolerance] of tolerances.outputs) {
    found.push(...measureOutput(output, expected, actual, tolerance));
  }
  found.push(share("answers", tolerances.answers, names, expected.map(({ answer }, i) =>
    canonical(answer) === canonical(actual[i].answer))));
  return found;
}

/**
 * @param {string} output
 * @param {Sample[]} expected
 * @param {Outcome[]} actual
 * @param {OutputTolerance} tolerance
 * @returns {Measurement[]}
 */
function measureOutput(output, expected, actual, { sqnr_db, max_abs, top1 }) {
  const pairs = expected.map(({ name, outputs, shapes }, i) => {
    const one = outputs.get(output), other = actual[i].outputs.get(output);
    if (!one || !other || one.length !== other.length) {
      throw new CheckError(
        `the output '${output}' of '${name}' has ${other?.length} numbers and ${one?.length} were expected`);
    }
    return { name, one, other, last: shapes.get(output)?.at(-1) ?? 1 };
  });
  const names = pairs.map(({ name }) => name);
  /** @type {Measurement[]} */
  const found = [];
  if (sqnr_db !== null) {
    const energies = pairs.map(({ one, other }) => ({
      signal: energy(one.length, (i) => one[i]), noise: energy(one.length, (i) => one[i] - other[i]),
    }));
    const total = energies.reduce((a, b) => ({ signal: a.signal + b.signal, noise: a.noise + b.noise }));
    found.push({
      quantity: "sqnr_db", output, ...verdict(decibels(total), sqnr_db, true),
      worst: worst(names, energies.map((one) => -decibels(one)), -Infinity),
    });
  }
  if (max_abs !== null) {
    const largest = pairs.map(({ one, other }) => one.reduce((most, value, i) => {
      const difference = Math.abs(value - other[i]);
      return Number.isNaN(difference) || Number.isNaN(most) ? NaN : Math.max(most, difference);
    }, 0));
    found.push({
      quantity: "max_abs", output, ...verdict(Math.max(...largest), max_abs, false),
      worst: worst(names, largest, 0),
    });
  }
  if (top1 !== null) {
    found.push(share("top1", top1, names, pairs.map(({ one, other, last }) => {
      for (let row = 0; row < one.length; row += last) {
        if (argmax(one.subarray(row, row + last)) !== argmax(other.subarray(row, row + last))) return false;
      }
      return !other.some(Number.isNaN);
    }), output));
  }
  return found;
}

/** @param {number} measured @param {number} required @param {boolean} atLeast */
function verdict(measured, required, atLeast) {
  return { measured, required, passed: atLeast ? measured >= required : measured <= required };
}

/**
 * @param {Measurement["quantity"]} quantity
 * @param {number} required
 * @param {string[]} names
 * @param {boolean[]} same
 * @param {string | null} [output]
 * @returns {Measurement}
 */
function share(quantity, required, names, same, output = null) {
  const measured = same.filter(Boolean).length / same.length;
  return { quantity, output, ...verdict(measured, required, true), worst: names[same.indexOf(false)] ?? null };
}

/**
 * The sample with the most badness (NaN is the most), unless all have none.
 *
 * @param {string[]} names
 * @param {number[]} badness
 * @param {number} none
 */
function worst(names, badness, none) {
  const ranked = badness.map((one) => (Number.isNaN(one) ? Infinity : one));
  const place = ranked.indexOf(Math.max(...ranked));
  return badness[place] === none ? null : names[place];
}

/** @param {number} length @param {(index: number) => number} value */
function energy(length, value) {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += value(i) ** 2;
  return sum;
}

/** @param {{signal: number, noise: number}} energies */
function decibels({ signal, noise }) {
  if (!Number.isFinite(signal) || !Number.isFinite(noise)) return NaN;
  if (noise === 0) return Infinity;
  return signal ? 10 * Math.log10(signal / noise) : -Infinity;
}

/** The first of the largest; a NaN is the largest. @param {Float32Array} values */
function argmax(values) {
  let best = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) return i;
    if (values[i] > values[best]) best = i;
  }
  return best;
}

/** JSON with its keys in order. @param {unknown} value */
function canonical(value) {
  return JSON.stringify(value, (_key, one) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one);
}
