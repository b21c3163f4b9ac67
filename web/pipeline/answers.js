/**
 * A model's output to an answer: a score for each name.
 *
 * The twin of Python's `homebody.pipeline.answers`.
 * @module
 */

import { fit } from "../bundle/manifest.js";
import { FeatureError, ManifestValueError } from "../errors.js";
import { boolean, choice, list, map, number, optional, record, text } from "../schema.js";

/** @import {Bundle} from "../bundle.js" */
/** @import {Operation} from "../bundle/operations.js" */
/** @typedef {[id: string, score: number][]} Scores in the entry's order */

/**
 * Run an output pipeline.
 *
 * @param {Float32Array} logits the model's first output
 * @param {Operation[]} operations the manifest's `output`; it ends in names
 * @param {Bundle} bundle where the operations' entries are
 * @returns {Scores}
 */
export function finish(logits, operations, bundle) {
  let values = Float64Array.from(logits);
  /** @type {string[] | null} */
  let names = null;
  for (const operation of operations) {
    if (operation.op === "softmax.v1") {
      values = softmax(values);
    } else if (operation.op === "class_map.v1") {
      const content = contentOf(bundle, operation.entry, values.length);
      names = content.map(({ id }) => id);
      const sums = content.map(({ shares }) =>
        shares.reduce((sum, [number, share]) => sum + values[number] * share, 0));
      values = Float64Array.from(sums);
    } else if (operation.op === "labels.v1") {
      names = bundle.text(operation.entry).replace(/\r?\n$/, "").split(/\r?\n/);
      if (names.length !== values.length) {
        throw new ManifestValueError(
          `${operation.entry} has ${names.length} lines for ${values.length} values; give one line for each`);
      }
    } else throw misplaced(operation, "output");
  }
  if (!names) {
    throw new FeatureError("the output pipeline ends without names; add labels.v1 or class_map.v1 to it");
  }
  return names.map((name, index) => [name, values[index]]);
}

/** Probabilities, without overflow. @param {Float64Array} scores */
export function softmax(scores) {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

const categoriesForm = record({
  format: choice(["homebody.categories/1"]),
  categories: list(
    record({
      id: text(),
      name: text(),
      kind: choice(/** @type {const} */ (["content", "photometric"])),
      experimental: optional(boolean, () => false),
      classes: optional(map(text(), number(0, 1)), () => new Map()),
    }),
    { least: 1, most: 1000 },
  ),
});
/** @typedef {ReturnType<typeof categoriesForm>["categories"][number]} Category */

/** Decode `categories.json`. @param {Bundle} bundle @param {string} entry @returns {Category[]} */
export function readCategories(bundle, entry) {
  try {
    return fit(categoriesForm, bundle.parsed(entry), entry).categories;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "UnknownKeyError") throw error;
    throw new ManifestValueError(error.message);
  }
}

/** @typedef {{id: string, shares: [number: number, share: number][]}} Content */
/** What `contentOf` found: reading takes longer than all the rest. @type {WeakMap<Bundle, Map<string, Content[]>>} */
const contents = new WeakMap();

/**
 * The content categories with their classes' numbers and shares.
 *
 * @param {Bundle} bundle
 * @param {string} entry
 * @param {number} count of the model's classes
 * @returns {Content[]}
 */
function contentOf(bundle, entry, count) {
  const kept = contents.get(bundle) ?? new Map();
  const key = `${count} ${entry}`;
  const found = kept.get(key) ?? readCategories(bundle, entry)
    .filter(({ kind }) => kind === "content")
    .map(({ id, classes }) => ({ id, shares: Array.from(classes, sharesOf(entry, id, count)) }));
  contents.set(bundle, kept.set(key, found));
  return found;
}

/** @param {string} entry @param {string} id @param {number} count */
function sharesOf(entry, id, count) {
  /** @param {[string, number]} pair @returns {[number: number, share: number]} */
  return ([number, share]) => {
    if (!/^[0-9]+$/.test(number) || Number(number) >= count) {
      throw new ManifestValueError(
        `${entry} names class ${number.slice(0, 20)} for ${id}; the model has ${count}, numbered from 0`);
    }
    return [Number(number), share];
  };
}

/** The error for an operation where a task does not run it. @param {Operation} operation @param {string} pipeline */
export function misplaced(operation, pipeline) {
  return new FeatureError(
    `the ${pipeline} pipeline holds ${operation.op}, which this task does not run there; ` +
      "correct the manifest or load the bundle with the feature it was made for");
}
