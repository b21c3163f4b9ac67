/**
 * What a bundle's operations compute: pixels to a model's input; pipeline/answers.js has what follows a model,
 * text/pipeline.js what comes before one that reads text.
 *
 * The twin of Python's `homebody.pipeline`. Pixels are integer kernels, so the tensor that reaches a
 * model is the same, bit for bit, on every platform.
 * @module
 */

import { FeatureError } from "./errors.js";
import { fitShortSide } from "./kernels.js";
import { misplaced } from "./pipeline/answers.js";

/** @import {Operation} from "./bundle/operations.js" */
/** @import {Kernels, Picture} from "./kernels.js" */
/** @typedef {import("./pipeline/answers.js").Scores} Scores */

export { finish, readCategories, softmax } from "./pipeline/answers.js";

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
