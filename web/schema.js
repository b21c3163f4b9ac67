/**
 * Fit parsed JSON to a form, strictly: unknown keys, wrong types and values out of range are refused.
 *
 * A form is a function from a parsed value (see `bundle/text.js`) and its path to the plain value.
 * Forms are met in the document's own order, as Python's msgspec meets them, so that both name the
 * same first fault.
 * @module
 */

import { Real, quoted } from "./bundle/text.js";

/**
 * @template T
 * @typedef {(value: unknown, path: string) => T} Form
 */
/**
 * @template T
 * @typedef {{form: Form<T>, otherwise?: () => T}} Field a key's form, and what stands where it is absent
 */
/**
 * @template F
 * @typedef {{[K in keyof F]: F[K] extends Form<infer T> ? T : F[K] extends Field<infer T> ? T : never}} Fitted
 */

/** A value that does not fit; its reader says so in an error of its own kind. */
export class Misfit extends Error {
  /** @param {string} message @param {boolean} [unknownKey] */
  constructor(message, unknownKey = false) {
    super(message);
    this.unknownKey = unknownKey;
  }
}

/** @param {unknown} value @returns {number} how long, in characters as Unicode counts them */
const lengthOf = (value) => (typeof value === "string" ? [...value].length : /** @type {unknown[]} */ (value).length);

/** @param {string} path @param {string} wanted @param {unknown} value @returns {never} */
function misfit(path, wanted, value) {
  const given = value instanceof Real ? value.value
    : Array.isArray(value) ? "an array"
    : typeof value === "object" && value !== null ? "an object" : quoted(value);
  throw new Misfit(`${path || "the document"} is ${given}; it must be ${wanted}`);
}

/**
 * @param {{pattern?: RegExp, least?: number, most?: number}} [options]
 * @returns {Form<string>}
 */
export function text({ pattern, least = 0, most = Infinity } = {}) {
  return (value, path) => {
    if (typeof value !== "string") return misfit(path, "a string", value);
    const length = lengthOf(value);
    if (length < least || length > most) misfit(path, `${least} to ${most} characters long`, value);
    if (pattern && !pattern.test(value)) misfit(path, `of the form ${pattern.source}`, value);
    return value;
  };
}

/** @param {number} least @param {number} most @returns {Form<number>} */
export function integer(least, most) {
  return (value, path) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most
      ? value
      : misfit(path, `a whole number from ${least} to ${most}`, value);
}

/** @param {number} [least] @param {number} [most] @returns {Form<number>} */
export function number(least = -Infinity, most = Infinity) {
  return (value, path) => {
    const plain = value instanceof Real ? value.value : value;
    return typeof plain === "number" && plain >= least && plain <= most
      ? plain
      : misfit(path, `a number from ${least} to ${most}`, value);
  };
}

/** @type {Form<boolean>} */
export const boolean = (value, path) => (typeof value === "boolean" ? value : misfit(path, "true or false", value));

/**
 * @template {string | number} T
 * @param {readonly T[]} choices
 * @returns {Form<T>}
 */
export function choice(choices) {
  return (value, path) => {
    const found = choices.find((one) => one === value);
    return found === undefined ? misfit(path, oneOf(choices), value) : found;
  };
}

/** @param {readonly (string | number)[]} choices */
function oneOf(choices) {
  const shown = choices.slice(0, 10).map(quoted).join(" or ");
  return choices.length > 10 ? `${shown} or another of ${choices.length}` : shown;
}

/**
 * @template T
 * @param {Form<T>} form
 * @returns {Form<T | null>}
 */
export function nullable(form) {
  return (value, path) => (value === null ? null : form(value, path));
}

/**
 * @template T
 * @param {Form<T>} form
 * @param {{least?: number, most?: number}} [options]
 * @returns {Form<T[]>}
 */
export function list(form, { least = 0, most = Infinity } = {}) {
  return (value, path) => {
    if (!Array.isArray(value)) return misfit(path, "an array", value);
    if (value.length < least || value.length > most) {
      throw new Misfit(`${path} has ${value.length} items; it must have ${least} to ${most}`);
    }
    return value.map((one, index) => form(one, `${path}[${index}]`));
  };
}

/**
 * An object whose keys are data. Its keys keep their order in a Map.
 *
 * @template T
 * @param {Form<string>} key
 * @param {Form<T>} form
 * @param {{least?: number}} [options]
 * @returns {Form<Map<string, T>>}
 */
export function map(key, form, { least = 0 } = {}) {
  return (value, path) => {
    const entries = Object.entries(object(value, path));
    if (entries.length < least) throw new Misfit(`${path} is empty; it must have ${least} or more keys`);
    return new Map(entries.map(([name, one]) => [key(name, `a key of ${path}`), form(one, `${path}.${name}`)]));
  };
}

/**
 * A field that may be absent.
 *
 * @template T
 * @param {Form<T>} form
 * @param {() => T} otherwise what stands where it is absent
 * @returns {Field<T>}
 */
export function optional(form, otherwise) {
  return { form, otherwise };
}

/**
 * An object of exactly these keys.
 *
 * @template {Record<string, Form<any> | Field<any>>} F
 * @param {F} fields
 * @param {(value: Fitted<F>, path: string) => void} [check] of the fields against each other; throws Misfit
 * @returns {Form<Fitted<F>>}
 */
export function record(fields, check) {
  return (value, path) => {
    const given = object(value, path);
    /** @type {Record<string, unknown>} */
    const fitted = {};
    for (const [key, one] of Object.entries(given)) {
      if (!Object.hasOwn(fields, key)) {
        throw new Misfit(`${path || "the document"} has the unknown key ${quoted(key)}`, true);
      }
      const field = fields[key];
      const form = typeof field === "function" ? field : field.form;
      fitted[key] = form(one, path ? `${path}.${key}` : key);
    }
    for (const [key, field] of Object.entries(fields)) {
      if (key in fitted) continue;
      if (typeof field === "function" || !field.otherwise) {
        throw new Misfit(`${path || "the document"} lacks the key ${quoted(key)}`);
      }
      fitted[key] = field.otherwise();
    }
    const whole = /** @type {Fitted<F>} */ (fitted);
    check?.(whole, path);
    return whole;
  };
}

/** @param {unknown} value @param {string} path @returns {object} */
function object(value, path) {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Real) {
    return misfit(path, "an object", value);
  }
  return value;
}
