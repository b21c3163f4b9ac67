/**
 * A preset: a named, versioned set of photo adjustments, as data.
 *
 * The twin of Python's `homebody.features.photo.preset`, which explains the scales; docs/presets.md
 * lists the fields.
 * @module
 */

import { Misfit, choice, integer, list, nullable, number, optional, record, text } from "./schema.js";

/**
 * @template F
 * @typedef {F extends import("./schema.js").Form<infer T> ? T : never} Of
 */
/**
 * @template T
 * @typedef {import("./schema.js").Form<T>} Form
 */

const PLAIN = /^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$/;
const WHITE = 32640;

export const id = text({ pattern: /^[a-z][a-z0-9-]{0,39}$/ });
export const line = text({ least: 1, most: 160, pattern: PLAIN });
export const name = text({ least: 1, most: 32, pattern: PLAIN });

const signed = optional(number(-100, 100), () => 0);
const amount = optional(number(0, 100), () => 0);
/** @param {number} otherwise */
const whole = (otherwise) => optional(integer(0, 100), () => otherwise);
const points = optional(
  list(list(number(0, 255), { least: 2, most: 2 }), { most: 16 }), () => /** @type {number[][]} */ ([]));

/**
 * A part of a preset that may be absent: each of its fields has a value of its own then.
 *
 * @template T
 * @param {Form<T>} form
 */
const part = (form) => optional(form, () => form({}, ""));

const curves = record({ master: points, red: points, green: points, blue: points }, (all, path) => {
  for (const [channel, one] of Object.entries(all)) {
    const where = `${path}.${channel}`;
    if (one.length === 1) throw new Misfit(`${where} has one point; give none, or two to sixteen`);
    for (let i = 1; i < one.length; i++) {
      const [[x0, y0], [x1, y1]] = [one[i - 1], one[i]];
      if (x1 - x0 < 1) throw new Misfit(`${where} needs inputs at least 1 apart, rising`);
      if (y1 < y0) throw new Misfit(`${where} falls; outputs may rise or stay`);
    }
  }
});

/** The eight colour bands, in the order of their hues. */
export const BANDS = /** @type {const} */ (
  ["red", "orange", "yellow", "green", "aqua", "blue", "purple", "magenta"]);
const band = part(record({ hue: signed, saturation: signed, luminance: signed }));
const bands = record({
  red: band, orange: band, yellow: band, green: band, aqua: band, blue: band, purple: band, magenta: band,
});

const tone = part(record({ hue: optional(number(0, 360), () => 0), amount }));
const share = (/** @type {number} */ otherwise) => optional(number(-100, 200), () => otherwise);
const mono = record({ red: share(30), green: share(59), blue: share(11) }, ({ red, green, blue }, path) => {
  if (Math.abs(red + green + blue - 100) > 0.01) throw new Misfit(`${path}: the mono mix must sum to 100`);
});

/** Base64 of bytes. @type {Form<Uint8Array>} */
const base64 = (value, path) => {
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value) || value.length % 4) {
    throw new Misfit(`${path} is not base64`);
  }
  return Uint8Array.from(atob(value), (one) => one.charCodeAt(0));
};

const cube = record(
  { size: choice(/** @type {const} */ ([17, 33])), table: base64 },
  ({ size, table }, path) => {
    if (table.length !== 6 * size ** 3) {
      throw new Misfit(`${path}: a cube of size ${size} has ${6 * size ** 3} bytes, not ${table.length}`);
    }
    for (let i = 0; i < table.length; i += 2) {
      if ((table[i] | (table[i + 1] << 8)) > WHITE) throw new Misfit(`${path}: a cube's values are 0 to ${WHITE}`);
    }
  },
);

const colour = {
  exposure: optional(number(-4, 4), () => 0),
  temperature: signed,
  tint: signed,
  mono: optional(nullable(mono), () => null),
  shadows: signed,
  highlights: signed,
  contrast: signed,
  curves: part(curves),
  fade: amount,
  bands: part(bands),
  saturation: signed,
  vibrance: signed,
  split_toning: part(record({ shadows: tone, highlights: tone, balance: signed })),
};
const colourForm = record(colour);
const NEUTRAL = JSON.stringify(colourForm({}, ""), sorted);

const adjustments = record(
  {
    ...colour,
    cube: optional(nullable(cube), () => null),
    sharpen: part(record({ amount: whole(0), radius: whole(20) })),
    vignette: part(record({ amount: optional(integer(-100, 100), () => 0), midpoint: whole(50) })),
    grain: part(record({ amount: whole(0), size: whole(25) })),
  },
  ({ cube, sharpen, vignette, grain, ...others }, path) => {
    if (cube !== null && JSON.stringify(others, sorted) !== NEUTRAL) {
      throw new Misfit(`${path}: a preset with a cube takes no other colour adjustment`);
    }
  },
);

/** Objects with their keys in order, and no negative zero. @param {string} _key @param {any} value */
function sorted(_key, value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Everything a preset does, in the order in which it is done. @typedef {Of<typeof adjustments>} Adjustments */
/** @typedef {Of<typeof preset>} Preset */

export const preset = record({
  id,
  name,
  family: id,
  tier: choice(/** @type {const} */ (["free", "member"])),
  version: integer(1, 1_000_000),
  description: line,
  adjust: adjustments,
});
