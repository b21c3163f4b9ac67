/**
 * How the light and colour of a photo are, whatever it shows: four rules over integer counts.
 *
 * The twin of Python's `homebody.features.photo.photometry`, which explains the rules and names their
 * sources. The arithmetic after the counts is a few IEEE double operations in a fixed order, the same
 * in both, so both give the same strengths.
 * @module
 */

/** @import {Statistics} from "./kernels.js" */
/** @import {Scores} from "./pipeline.js" */

const DARK = 56, BRIGHT = 200, NEUTRAL = 16;
/** Content whose dark photos are of a thing before a dark ground, not of a night. */
const SUBJECTS = ["animal", "flower", "food", "portrait"];
/** From this confidence on, `portrait` goes before `animal`. */
const PERSON = 0.25;

/** Reduce a photo's counts to what the rules look at. @param {Statistics} statistics */
export function measures(statistics) {
  const { pixels, luma, chroma, rgSum, rgSquare, ybSum, ybSquare } = statistics;
  const rgVariance = variance(rgSum, rgSquare, pixels);
  const ybVariance = variance(ybSum, ybSquare, pixels) / 4;
  const rgMean = rgSum / pixels, ybMean = ybSum / pixels / 2;
  const spread = Math.sqrt(rgVariance + ybVariance);
  const distance = Math.sqrt(rgMean * rgMean + ybMean * ybMean);
  const [separation, smaller] = twoBodies(luma);
  return {
    dark: sum(luma.subarray(0, DARK)) / pixels,
    bright: sum(luma.subarray(BRIGHT)) / pixels,
    coloured: sum(chroma.subarray(NEUTRAL + 1)) / pixels,
    colourfulness: spread + 0.3 * distance,
    redGreen: Math.sqrt(rgVariance),
    separation,
    smaller,
    alternation: alternation(statistics),
  };
}

/** Strength in [0, 1] of each photometric category. @param {Statistics} statistics @returns {Scores} */
export function strengths(statistics) {
  const m = measures(statistics);
  return [
    ["night", Math.min(ramp(m.dark, 0.4, 0.6), ramp(m.bright, 0.15, 0.05))],
    ["monochrome", ramp(m.coloured, 0.02, 0.005)],
    ["vibrant", Math.min(ramp(m.colourfulness, 50, 100), ramp(m.redGreen, 30, 50))],
    ["light-and-shadow", Math.min(
      ramp(m.separation, 80, 140), ramp(m.smaller, 0.25, 0.4), ramp(m.dark, 0.2, 0.4),
      ramp(m.alternation, 10, 30), ramp(m.colourfulness, 45, 25))],
  ];
}

/**
 * One score for each category, content and photometric; the highest names the photo.
 *
 * @param {Scores} content confidences, which sum to 1
 * @param {Scores} photometric strengths
 * @returns {Scores}
 */
export function combine(content, photometric) {
  const found = new Map(content), scores = new Map([...content, ...photometric]);
  const animal = found.get("animal") ?? 0, portrait = found.get("portrait") ?? 0;
  if (PERSON <= portrait && portrait < animal) {
    scores.set("animal", portrait);
    scores.set("portrait", animal);
  }
  const night = scores.get("night");
  if (night !== undefined) {
    const place = 1 - sum(SUBJECTS.map((subject) => found.get(subject) ?? 0));
    scores.set("night", night * Math.min(1, Math.max(0, place)));
  }
  return [...scores];
}

/** 0 at `zero` and before, 1 at `one` and beyond. @param {number} value @param {number} zero @param {number} one */
function ramp(value, zero, one) {
  return Math.min(1, Math.max(0, (value - zero) / (one - zero)));
}

/** @param {number} total @param {number} square @param {number} pixels */
function variance(total, square, pixels) {
  const mean = total / pixels;
  return Math.max(0, square / pixels - mean * mean);
}

/** Otsu's split: the means' distance, and the smaller body's share. @param {Uint32Array} luma */
function twoBodies(luma) {
  const pixels = sum(luma);
  const total = luma.reduce((all, count, level) => all + level * count, 0);
  let best = 0, separation = 0, smaller = 0, below = 0, belowSum = 0;
  for (let level = 0; level < luma.length; level++) {
    below += luma[level];
    belowSum += level * luma[level];
    const above = pixels - below;
    if (below === 0 || above === 0) continue;
    const distance = (total - belowSum) / above - belowSum / below;
    const between = distance * distance * (below / pixels) * (above / pixels);
    if (between > best) {
      best = between;
      separation = distance;
      smaller = Math.min(below, above) / pixels;
    }
  }
  return [separation, smaller];
}

/** Spread of the grid's mean luma within rows, as a root mean square. @param {Statistics} statistics */
function alternation({ grid, pixels }) {
  let squares = 0;
  for (const row of grid) {
    const cells = row.map((cell) => (cell * 64) / pixels);
    const mean = sum(cells) / 8;
    squares += sum(cells.map((cell) => (cell - mean) * (cell - mean))) / 8;
  }
  return Math.sqrt(squares / 8);
}

/** Left to right. @param {ArrayLike<number>} values */
function sum(values) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
