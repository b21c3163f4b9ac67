/** One friendly sentence for whatever went wrong; never a stack trace. */

import { known, t } from "./words.js";

/**
 * The sentence for an error: by its code in the owner's language, else a HomebodyError's own
 * message, else that something went wrong.
 *
 * @param {unknown} error
 * @returns {string}
 *
 * @example
 * sentence(new NotAnImageError("...")) // "This file is not a photo that can be opened. ..."
 */
export function sentence(error) {
  const { code, name, message } = /** @type {any} */ (error ?? {});
  for (const key of [`error.${code}`, `error.${name}`]) if (known(key)) return t(key);
  return typeof code === "string" && message ? String(message) : t("error.unknown");
}

/**
 * Whether nothing went wrong: the answer was no longer wanted.
 *
 * @param {unknown} error
 */
export function unwanted(error) {
  const { code, name } = /** @type {any} */ (error ?? {});
  return code === "superseded" || code === "closed" || name === "AbortError" || code === "aborted";
}
