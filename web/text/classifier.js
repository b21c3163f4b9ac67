/**
 * One label for a text: a bundle of the task `classify-text`, made ready on this device.
 *
 * The twin of Python's `homebody.features.text.TextClassifier`.
 *
 * @example
 * const kernels = await loadText({ wasm: await fetch("/native/text.wasm"), unicode: await fetch("/unicode.bin") });
 * const feature = await loadTextClassifier(bytes, { kernels, vendor: "https://example.org/vendor/" });
 * (await feature.classify("a chess program")).label; // "games"
 * @module
 */

import { finish } from "../pipeline/answers.js";
import { TextFeature, loadParts } from "./feature.js";

/** @import {Bundle} from "../bundle.js" */
/** @import {Loading} from "./feature.js" */
/** @typedef {{label: string, confidence: number, scores: [label: string, probability: number][]}} Classification */

/**
 * Make a bundle ready.
 *
 * @param {Uint8Array | Bundle} source a bundle or its bytes
 * @param {Loading} options
 * @returns {Promise<TextClassifier>}
 * @throws {import("../errors.js").BundleError} the bundle is refused
 * @throws {import("../errors.js").FeatureError} it is of another task, or its pipeline does not make the model's inputs
 * @throws {import("../errors.js").ModelError} the model cannot run here
 */
export async function loadTextClassifier(source, options) {
  return new TextClassifier(await loadParts(source, "classify-text", options));
}

/** Labels texts. One instance runs one call at a time. */
export class TextClassifier extends TextFeature {
  /** @param {Float32Array[]} outputs */
  #scores([first]) {
    return finish(first, this.bundle.manifest.output, this.bundle);
  }

  /** The strongest label. @override @param {Float32Array[]} outputs */
  answer(outputs) {
    return this.#scores(outputs).reduce((best, one) => (one[1] > best[1] ? one : best))[0];
  }

  /**
   * Label a text.
   *
   * @param {string | readonly string[]} text
   * @returns {Promise<Classification>} every label's probability, the greatest first
   */
  async classify(text) {
    const { outputs } = await this.outcome(text);
    const ranked = this.#scores(outputs).toSorted(([, a], [, b]) => b - a);
    const [label, confidence] = ranked[0];
    return { label, confidence, scores: ranked };
  }
}
