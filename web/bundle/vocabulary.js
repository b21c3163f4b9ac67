/**
 * Vocabularies: text entries with one token a line, whose number is the token's id.
 *
 * The twin of Python's `homebody.bundle.vocabulary`.
 * @module
 */

import { VocabularyEntryError } from "../errors.js";
import { quoted } from "./text.js";

/** @import {Bundle} from "../bundle.js" */
/** @typedef {{entry: string, unknown_token: string}} Reference an operation that reads a vocabulary */

const MAX_TOKENS = 1 << 20;
const MAX_TOKEN_BYTES = 1024;

/**
 * The tokens that an operation knows, by their ids.
 *
 * @param {Bundle} bundle
 * @param {Reference} operation
 * @returns {string[]}
 * @throws {VocabularyEntryError} the entry is malformed, or the unknown token is not in it
 */
export function readVocabulary(bundle, { entry, unknown_token: unknown }) {
  const tokens = parseVocabulary(bundle.text(entry), entry);
  if (!tokens.includes(unknown)) {
    throw new VocabularyEntryError(
      `${entry} has no line ${quoted(unknown)}, which the unknown words become; add it, or name another in ` +
        "the operation's unknown_token");
  }
  return tokens;
}

/**
 * Every vocabulary that the pipelines use, by its entry's name.
 *
 * @param {Bundle} bundle
 * @returns {Map<string, string[]>}
 */
export function readVocabularies(bundle) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const operation of [...bundle.manifest.input, ...bundle.manifest.output]) {
    if ("unknown_token" in operation) found.set(operation.entry, readVocabulary(bundle, operation));
  }
  return found;
}

/** @param {string} text @param {string} name @returns {string[]} */
export function parseVocabulary(text, name) {
  const tokens = text.replace(/\n$/, "").split("\n");
  if (tokens.length > MAX_TOKENS) {
    throw new VocabularyEntryError(`${name} has ${tokens.length} lines; at most ${MAX_TOKENS} tokens are accepted`);
  }
  const encoder = new TextEncoder();
  /** @type {Map<string, number>} */
  const places = new Map();
  tokens.forEach((token, index) => {
    const line = `line ${index + 1} of ${name}`;
    if (token === "") throw new VocabularyEntryError(`${line} is empty; give one token a line`);
    const size = token.length > MAX_TOKEN_BYTES / 3 ? encoder.encode(token).length : 0;
    if (size > MAX_TOKEN_BYTES) {
      throw new VocabularyEntryError(`${line} has ${size} bytes; at most ${MAX_TOKEN_BYTES} are accepted`);
    }
    if (token.endsWith("\r")) {
      throw new VocabularyEntryError(`${line} ends in a carriage return; end lines with a line feed alone`);
    }
    const place = places.get(token);
    if (place !== undefined) {
      throw new VocabularyEntryError(
        `${line} repeats line ${place + 1}, ${quoted(token)}; keep one, since a token has one id`);
    }
    places.set(token, index);
  });
  return tokens;
}
