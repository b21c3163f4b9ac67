/**
 * Presets made visible: compile one to a colour table, render a photo with it.
 *
 * The twin of Python's `homebody.features.photo.look`: the same pixels, bit for bit.
 * @module
 */

import { crc32 } from "./crc32.js";
import { BANDS } from "./preset.js";

/** @import {Kernels, Lut, Picture, Place} from "./kernels.js" */
/** @import {Adjustments, Preset} from "./preset.js" */

/** Edge of the colour table. */
export const SIZE = 33;
const CURVE_POINTS = 16;
/** Compiled tables that are kept; one of 33 nodes has 281 KiB. */
const KEPT = 48;

/**
 * The colour adjustments as the flat array that `hb_look_lut` reads.
 *
 * @param {Adjustments} adjust
 * @returns {Float64Array} [174], in the order at the top of `kernels/look.c`
 */
export function parameters(adjust) {
  const { split_toning: split, mono, curves } = adjust;
  return Float64Array.from([
    adjust.exposure,
    ...[adjust.temperature, adjust.tint, adjust.contrast, adjust.highlights, adjust.shadows, adjust.fade,
      adjust.saturation, adjust.vibrance].map((amount) => amount / 100),
    ...BANDS.flatMap((name) => {
      const { hue, saturation, luminance } = adjust.bands[name];
      return [hue / 100, saturation / 100, luminance / 100];
    }),
    ...[split.shadows, split.highlights].flatMap(({ hue, amount }) => [hue, amount / 100]),
    split.balance / 100,
    ...(mono ? [1, mono.red / 100, mono.green / 100, mono.blue / 100] : [0, 0, 0, 0]),
    ...[curves.master, curves.red, curves.green, curves.blue].flatMap(curve),
  ]);
}

/** @param {number[][]} points */
function curve(points) {
  const flat = points.flat().map((coordinate) => coordinate / 255);
  return [points.length, ...flat, ...new Array(2 * CURVE_POINTS - flat.length).fill(0)];
}

/** @type {WeakMap<Preset, Lut>} */
let compiled = new WeakMap();
let kept = 0;

/**
 * The preset's colour as a table; the last few dozen are kept.
 *
 * @param {Kernels} kernels
 * @param {Preset} preset one made from a .cube file has the size of its own table
 * @returns {Lut}
 */
export function compileLut(kernels, preset) {
  const found = compiled.get(preset);
  if (found) return found;
  const { cube } = preset.adjust;
  const lut = cube ? spread(cube) : kernels.lookLut(parameters(preset.adjust), SIZE);
  if (++kept > KEPT) {
    compiled = new WeakMap();
    kept = 1;
  }
  compiled.set(preset, lut);
  return lut;
}

/** A cube's three lanes made four. @param {{size: number, table: Uint8Array}} cube @returns {Lut} */
function spread({ size, table }) {
  const lut = new Int16Array(4 * size ** 3);
  for (let node = 0, at = 0; node < lut.length; node += 4) {
    for (let lane = 0; lane < 3; lane++, at += 2) lut[node + lane] = table[at] | (table[at + 1] << 8);
  }
  return { table: lut, size };
}

/**
 * The photo with the preset: table, sharpen, vignette, grain, then mixed with the original.
 *
 * Sharpen, vignette and grain are relative to the photo's size, so a smaller rendering of the whole
 * photo looks like the large one.
 *
 * @param {Kernels} kernels
 * @param {Picture} picture RGB or RGBA
 * @param {Preset} preset
 * @param {number} [strength] 0 gives the original, 100 the whole preset
 * @param {Place} [place] of the window that the picture is, in a larger one
 * @param {Lut} [lut] the preset's compiled table, if it is at hand already
 * @returns {Picture} a new one
 */
export function render(kernels, picture, preset, strength = 100, place, lut) {
  const { sharpen, vignette, grain } = preset.adjust;
  const { width, height } = place ?? picture;
  let edited = kernels.lutApply(picture, lut ?? compileLut(kernels, preset));
  if (sharpen.amount) {
    edited = kernels.sharpen(edited, sharpen.amount, sharpen.radius, { longEdge: Math.max(width, height) });
  }
  if (vignette.amount) edited = kernels.vignette(edited, vignette.amount, vignette.midpoint, { place });
  if (grain.amount) edited = kernels.grain(edited, grain.amount, grain.size, { seed: seedOf(preset), place });
  return strength === 100 ? edited : kernels.blend(picture, edited, strength);
}

/** The grain's seed: fixed for a preset, different between presets. @param {Preset} preset */
export function seedOf(preset) {
  return crc32(new TextEncoder().encode(preset.id));
}
