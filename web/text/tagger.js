/**
 * Labelled parts of a text: a bundle of the task `tag-text`, made ready on this device.
 *
 * The twin of Python's `homebody.features.text.TextTagger` and `homebody.pipeline.tags`.
 * @module
 */

import { fit } from "../bundle/manifest.js";
import { FeatureError, ManifestValueError } from "../errors.js";
import { misplaced } from "../pipeline/answers.js";
import { boolean, choice, list, record } from "../schema.js";
import { TextFeature, loadParts } from "./feature.js";
import { describedRows } from "./pipeline.js";
import { boiseTagsToOffsets, greedyConstrainedSequence, viterbiConstrainedSequence } from "./sequences.js";

/** @import {Bundle} from "../bundle.js" */
/** @import {Loading} from "./feature.js" */
/** @import {OffsetUnit} from "./kernels.js" */
/** @import {Tensors} from "./pipeline.js" */
/** @typedef {{label: string, start: number, end: number, segment: number}} TextSpan */

const transitions = record({
  format: choice(["homebody.transitions/1"]),
  allowed: list(list(boolean, { most: 1025 }), { least: 2, most: 1025 }),
});

/**
 * Make a bundle ready.
 *
 * @param {Uint8Array | Bundle} source a bundle or its bytes
 * @param {Loading} options
 * @returns {Promise<TextTagger>}
 */
export async function loadTextTagger(source, options) {
  return new TextTagger(await loadParts(source, "tag-text", options));
}

/** Which label may follow which. @param {Bundle} bundle @param {string} entry @param {number} labels */
function readTransitions(bundle, entry, labels) {
  let allowed;
  try {
    ({ allowed } = fit(transitions, bundle.parsed(entry), entry));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "UnknownKeyError") throw error;
    throw new ManifestValueError(error.message);
  }
  if (allowed.length !== labels + 1 || allowed.some((row) => row.length !== labels + 1)) {
    throw new ManifestValueError(
      `${entry} is not ${labels + 1} rows of ${labels + 1}; the model has ${labels} labels, and one row and column ` +
        "more are for beginning and end");
  }
  return allowed;
}

/** Finds labelled spans. One instance runs one call at a time. */
export class TextTagger extends TextFeature {
  /** @override @param {Float32Array[]} outputs @param {Tensors} prepared */
  answer(outputs, prepared) {
    return this.#spans(outputs, prepared, "char")
      .map(({ label, start, end, segment }) => [label, start, end, segment]);
  }

  /**
   * The labelled spans of a text.
   *
   * @param {string | readonly string[]} text
   * @param {{offsets?: OffsetUnit}} [options] what starts and ends count
   * @returns {Promise<TextSpan[]>}
   */
  async tag(text, { offsets = "utf16" } = {}) {
    const { outputs, prepared } = await this.outcome(text);
    return this.#spans(outputs, prepared, offsets);
  }

  /**
   * @param {Float32Array[]} outputs
   * @param {Tensors} prepared
   * @param {OffsetUnit} unit
   * @returns {TextSpan[]}
   */
  #spans([scores], { pieces, places }, unit) {
    const { output, model } = this.bundle.manifest;
    const labels = model.outputs[0].shape.at(-1) ?? 1;
    const described = describedRows(pieces, unit);
    // Pieces that did not fit the model have no scores; those of a passage are a sequence.
    const rows = described.map((tokens, row) => {
      /** @type {{token: typeof tokens[number], scores: Float32Array}[]} */
      const found = [];
      places.forEach((place, i) => {
        if (place?.[0] === row) found.push({ token: tokens[place[1]], scores: scores.slice(i * labels, (i + 1) * labels) });
      });
      return found;
    });
    let best = rows.map((row) => row.map((one) => one.scores.indexOf(one.scores.reduce((a, b) => Math.max(a, b)))));
    /** @type {string[][] | null} */
    let tags = null;
    for (const operation of output) {
      if (operation.op === "viterbi.v1" || operation.op === "greedy.v1") {
        const method = operation.op === "viterbi.v1" ? viterbiConstrainedSequence : greedyConstrainedSequence;
        const allowedTransitions = readTransitions(this.bundle, operation.entry, labels);
        best = rows.map((row) => {
          const flat = Float32Array.from(row.flatMap((one) => [...one.scores]));
          return method(this.kernels, flat, labels, {
            allowedTransitions, useLogSpace: true, useStartAndEndStates: true,
          });
        });
      } else if (operation.op === "labels.v1") {
        const names = this.bundle.text(operation.entry).replace(/\r?\n$/, "").split(/\r?\n/);
        if (names.length !== labels) {
          throw new ManifestValueError(
            `${operation.entry} has ${names.length} lines for ${labels} labels; give one line for each`);
        }
        tags = best.map((row) => row.map((number) => (number < 0 ? "O" : names[number])));
      } else if (operation.op === "boise_tags.v1" && tags) {
        const given = tags;
        return rows.flatMap((row, i) => {
          const tokens = row.map(({ token }) => token);
          return boiseTagsToOffsets(tokens, given[i]).map((span) => ({ ...span, segment: tokens[0].segment }));
        });
      } else throw misplaced(operation, "output");
    }
    throw new FeatureError("the output pipeline ends without spans; end it with boise_tags.v1");
  }
}
