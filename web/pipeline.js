/**
 * What a bundle's operations compute: pixels to a model's input, a model's output to named scores.
 *
 * The twin of Python's `homebody.pipeline`. Pixels are integer kernels, so the tensor that reaches a
 * model is the same, bit for bit, on every platform.
 * @module
 */

import { fit } from "./bundle/manifest.js";
import { FeatureError, ManifestValueError } from "./errors.js";
import { fitShortSide } from "./kernels.js";
import { boolean, choice, list, map, number, optional, record, text } from "./schema.js";

/** @import {Bundle} from "./bundle.js" */
/** @import {Operation} from "./bundle/operations.js" */
/** @import {Kernels, Picture} from "./kernels.js" */
/** @typedef {[id: string, score: number][]} Scores in the entry's order */

/** `resize.v1` first cuts a longer picture to this many times its short side, at its centre. */
const MAX_ASPECT = 16;

/**
 * Run an input pipeline.
 *
 * @param {Kernels} kernels
 * @param {Picture} picture
 * @param {Operation[]} operations the manifest's `input`
 * @returns {{picture: Picture, tensor: Float32Array}} the whole picture after the last resize, and
 *   what the model takes: float32 [1, h, w, 3]
 */
export function prepare(kernels, picture, operations) {
  let value = picture;
  /** @type {Float32Array | null} */
  let tensor = null;
  for (const operation of operations) {
    if (tensor) throw misplaced(operation, "input");
    switch (operation.op) {
      case "resize.v1":
        picture = value = resize(kernels, value, operation.short_side);
        break;
      case "center_crop.v1":
        value = centerCrop(value, operation.width, operation.height);
        break;
      case "normalize.v1":
        tensor = kernels.normalize(value, operation);
        break;
      default:
        throw misplaced(operation, "input");
    }
  }
  if (!tensor) {
    throw new FeatureError("the input pipeline makes no tensor; end it with normalize.v1");
  }
  return { picture, tensor };
}

/** @param {Kernels} kernels @param {Picture} picture @param {number} shortSide */
function resize(kernels, picture, shortSide) {
  const longest = MAX_ASPECT * Math.min(picture.width, picture.height);
  if (Math.max(picture.width, picture.height) > longest) {
    picture = centerCrop(picture, Math.min(picture.width, longest), Math.min(picture.height, longest));
  }
  return kernels.resize(picture, ...fitShortSide(picture.width, picture.height, shortSide));
}

/** @param {Picture} picture @param {number} width @param {number} height @returns {Picture} */
function centerCrop(picture, width, height) {
  const top = Math.floor((picture.height - height) / 2), left = Math.floor((picture.width - width) / 2);
  if (top < 0 || left < 0) {
    throw new FeatureError(
      `a ${picture.width}×${picture.height} picture cannot be cropped to ${width}×${height}; ` +
        "put a resize.v1 of at least that size before center_crop.v1");
  }
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 3 * ((top + y) * picture.width + left);
    data.set(picture.data.subarray(from, from + 3 * width), 3 * width * y);
  }
  return { data, width, height };
}

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

/** @param {Operation} operation @param {string} pipeline */
function misplaced(operation, pipeline) {
  return new FeatureError(
    `the ${pipeline} pipeline holds ${operation.op}, which this task does not run there; ` +
      "correct the manifest or load the bundle with the feature it was made for");
}
