/**
 * Checks that the kernels share; each refusal says what was given, and what is accepted.
 * @module
 */

import { KernelError } from "../errors.js";

/** @import {Picture, Place} from "../kernels.js" */

export const MAX_SIDE = 65535;

/** @param {Picture} picture @param {number[]} [accepted] */
export function channelsOf({ data, width, height }, accepted = [3, 4]) {
  integer(width, "width", 1, MAX_SIDE);
  integer(height, "height", 1, MAX_SIDE);
  const channels = data.length / (width * height);
  if (!(data instanceof Uint8Array) || !accepted.includes(channels)) {
    throw new KernelError(
      `a picture of ${width}×${height} has ${data.length} bytes; give ${accepted.join(" or ")} a pixel`);
  }
  return channels;
}

/** @param {number} width @param {number} height @param {number[]} [window] */
export function windowIn(width, height, window) {
  integer(width, "width", 1, MAX_SIDE);
  integer(height, "height", 1, MAX_SIDE);
  const [left, top, columns, rows] = window ?? [0, 0, width, height];
  integer(left, "window's left", 0, width - 1);
  integer(top, "window's top", 0, height - 1);
  integer(columns, "window's width", 1, width - left);
  integer(rows, "window's height", 1, height - top);
  return [left, top, columns, rows];
}

/** @param {Picture} pixels @param {Place} [place] @returns {Place} */
export function placeOf(pixels, place) {
  if (!place) return { top: 0, left: 0, width: pixels.width, height: pixels.height };
  integer(place.width, "place's width", pixels.width, MAX_SIDE);
  integer(place.height, "place's height", pixels.height, MAX_SIDE);
  integer(place.left, "place's left", 0, place.width - pixels.width);
  integer(place.top, "place's top", 0, place.height - pixels.height);
  return place;
}

/** The value. @param {number} value @param {string} name @param {number} least @param {number} most */
export function integer(value, name, least, most) {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new KernelError(`${name} is ${value}; give a whole number from ${least} to ${most}`);
  }
  return value;
}
