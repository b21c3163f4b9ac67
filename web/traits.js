/**
 * What a preset does and what a photo is, in a few numbers: the fixed features of a preference.
 *
 * The twin of Python's `homebody.features.photo.traits`, which explains them; equal to the bit.
 * @module
 */

import { parameters } from "./look.js";

/** @import {Kernels} from "./kernels.js" */
/** @import {Preset} from "./preset.js" */

export const TRAITS = [
  "light", "contrast", "fade", "warmth", "tint", "split", "colour", "mono", "grain", "vignette",
];
const SCALES = [0.05, 0.05, 0.03, 0.06, 0.016, 0.06, 0.06, 0.33, 0.08, 0.06];

export const CONTEXTS = ["people", "built", "dark"];
const PARTS = [["portrait"], ["architecture", "interior", "street"], ["night", "light-and-shadow"]];

const MOST = 3;
const STEP = 256;
const NODES = 5;
const WHITE = 32640;
const INNER = [1, 2, 3];
/** Of the plain colours at the inner nodes, in quarters: largest less smallest channel. */
const SPREAD = 36;

/** @type {WeakMap<Preset, number[]>} */
const measured = new WeakMap();

/**
 * How a preset changes light, contrast, ... (`TRAITS`).
 *
 * @param {Kernels} kernels
 * @param {Preset} preset
 * @returns {number[]} [10]
 */
export function traits(kernels, preset) {
  const known = measured.get(preset);
  if (known) return known;
  const { adjust } = preset;
  const node = adjust.cube ? carried(adjust.cube) : made(kernels.lookLut(parameters(adjust), NODES).table);
  const luma = (/** @type {number[]} */ [red, green, blue]) => 299 * red + 587 * green + 114 * blue;
  const warm = (/** @type {number[]} */ [red, , blue]) => red - blue;
  const greys = INNER.map((i) => node(i, i, i));
  // Whole numbers until the last division: the order of summing cannot matter.
  const sum = (/** @type {number[]} */ values) => values.reduce((a, b) => a + b, 0);
  let spread = 0;
  for (const i of INNER) for (const j of INNER) for (const k of INNER) {
    const levels = node(i, j, k);
    spread += Math.max(...levels) - Math.min(...levels);
  }
  const mono = adjust.mono !== null;
  const values = [
    (sum(greys.map(luma)) / 1000 - 1.5 * WHITE) / (3 * WHITE),
    (luma(greys[2]) - luma(greys[0])) / 1000 / WHITE - 0.5,
    luma(node(0, 0, 0)) / 1000 / WHITE,
    sum(greys.map(warm)) / (3 * WHITE),
    sum(greys.map(([red, green, blue]) => 2 * green - red - blue)) / (6 * WHITE),
    (warm(greys[2]) - warm(greys[0])) / WHITE,
    // Black and white is a trait of its own, and not the least of colour besides.
    mono ? 0 : (spread - (SPREAD * WHITE) / 4) / (27 * WHITE),
    mono ? 1 : 0,
    adjust.grain.amount / 100,
    (0 - adjust.vignette.amount) / 100,
  ];
  const found = values.map((value, i) => Math.min(Math.max(value / SCALES[i], -MOST), MOST));
  measured.set(preset, found);
  return found;
}

/** Levels at a node, of a table of 5 nodes. @param {Int16Array} table @returns {(b: number, g: number, r: number) => number[]} */
function made(table) {
  return (b, g, r) => {
    const at = 4 * ((b * NODES + g) * NODES + r);
    return [table[at], table[at + 1], table[at + 2]];
  };
}

/**
 * The same of a .cube file's table, which has more nodes.
 *
 * @param {{size: number, table: Uint8Array}} cube
 * @returns {(b: number, g: number, r: number) => number[]}
 */
function carried({ size, table }) {
  const stride = (size - 1) / (NODES - 1);
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  return (b, g, r) => {
    const at = 6 * stride * ((b * size + g) * size + r);
    return [view.getInt16(at, true), view.getInt16(at + 2, true), view.getInt16(at + 4, true)];
  };
}

/**
 * How much a photo shows people, is of what is built, is dark: each 0 to 1.
 *
 * @param {Map<string, number>} scores
 * @returns {number[]} [3]
 */
export function contexts(scores) {
  return PARTS.map((parts) => {
    let total = 0;
    for (const part of parts) total += Math.floor((scores.get(part) ?? 0) * STEP + 0.5);
    return Math.min(total, STEP) / STEP;
  });
}
