/**
 * Everything that the studio says, in the owner's language: sentences from `locales/`, numbers and
 * plurals through `Intl`, and the catalog's own texts through a dictionary where there is one.
 */

import en from "./locales/en.js";

/** @typedef {keyof typeof en | keyof typeof import("./locales/en.dialogs.js").default} Key */
/** @typedef {string | {one?: string, other: string}} Sentence */

/** The languages that there are, each by its own name. */
export const LANGUAGES = { en: "English", es: "Español" };

/** Sentences that are fetched when they are spoken. */
const OTHERS = {
  es: () => Promise.all([import("./locales/es.js"), import("./locales/es.dialogs.js")]),
};

/** @type {Record<string, Sentence>} */
const english = { ...en };
let sentences = english;
/** @type {Record<string, string>} */
let dictionary = {};
let language = "en";
let plural = new Intl.PluralRules("en");

/**
 * The first language of ours among those that the browser prefers.
 *
 * @param {readonly string[]} preferred such as `navigator.languages`
 * @returns {string}
 *
 * @example
 * preferredLanguage(["fr-CH", "es-MX"]) // "es"
 */
export function preferredLanguage(preferred) {
  const known = preferred.map((tag) => tag.split("-")[0] ?? "").find((tag) => tag in LANGUAGES);
  return known ?? "en";
}

/**
 * Speak another language from now on. What is on the page already is not redrawn.
 *
 * @param {string} wanted "en" or "es"; another one is taken as "en"
 */
export async function speak(wanted) {
  language = wanted in LANGUAGES ? wanted : "en";
  if (language === "en") {
    [sentences, dictionary] = [english, {}];
  } else {
    const found = await OTHERS[/** @type {"es"} */ (language)]();
    sentences = Object.assign({}, ...found.map((one) => one.default));
    const answer = await fetch(`/studio/locales/catalog.${language}.json`).catch(() => null);
    dictionary = answer?.ok ? await answer.json() : {};
  }
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
}

/**
 * English that came later, with what says it.
 *
 * @param {Record<string, Sentence>} more
 */
export function alsoSay(more) {
  Object.assign(english, more);
}

/** @returns {string} the language spoken now */
export function spoken() {
  return language;
}

/**
 * The sentence of that key, `{name}` replaced by the value of that name. A sentence with plural
 * forms takes the form of the value `n`; numbers are written as the language writes them.
 *
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  let sentence = /** @type {Sentence} */ (sentences[key] ?? english[key]);
  if (typeof sentence !== "string") {
    const form = plural.select(Number(values["n"] ?? 0));
    sentence = (form === "one" ? sentence.one : undefined) ?? sentence.other;
  }
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : (value ?? whole);
  });
}

/**
 * @param {string} key
 * @returns {key is Key} whether there is such a sentence
 */
export function known(key) {
  return key in english;
}

/**
 * A text of the catalog (a category, a family, a reason) in the owner's language, or as it is.
 *
 * @param {string} text
 * @returns {string}
 */
export function said(text) {
  return dictionary[text] ?? text;
}

/**
 * A preset's reason, "Category: why", both in the owner's language.
 *
 * @param {string} reason
 * @param {boolean} short without the category
 * @returns {string}
 */
export function reasonSaid(reason, short) {
  const at = reason.indexOf(": ");
  const why = said(reason.slice(at < 0 ? 0 : at + 2));
  if (!short && at >= 0) return `${said(reason.slice(0, at))}: ${why}`;
  return why.charAt(0).toLocaleUpperCase(language) + why.slice(1);
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 * @returns {string} the number as the language writes it
 */
export function number(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}

/**
 * @param {number} share 0..1
 * @returns {string} such as "78%" or "78 %"
 */
export function percent(share) {
  return number(share, { style: "percent", maximumFractionDigits: 0 });
}

/**
 * @param {number} bytes
 * @returns {string} such as "2.1 MB"
 */
export function fileSize(bytes) {
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, "kilobyte"] : [bytes / 1e6, "megabyte"];
  return number(value, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}
