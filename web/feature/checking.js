/**
 * A bundle's samples run here, and compared with what the trained model gave.
 * @module
 */

import { measure } from "../bundle/comparison.js";
import { readSamples } from "../bundle/samples.js";
import { CheckError } from "../errors.js";
import { sha256 } from "../sha256.js";
import { suggest } from "../suggest.js";

/** @import {Measurement} from "../bundle/comparison.js" */
/** @import {Outcome, Sample} from "../bundle/samples.js" */
/** @import {BundleIdentity, Feature} from "../feature.js" */
/** @import {Picture} from "../kernels.js" */
/** @import {Scores} from "../pipeline.js" */
/**
 * @typedef {{name: string, inputEqual: boolean, answerEqual: boolean, expected: unknown,
 *   answer: unknown}} SampleReport
 */
/**
 * @typedef {BundleIdentity & {passed: boolean, samples: SampleReport[], measurements: Measurement[]}}
 *   Report
 */
/**
 * @typedef {(picture: Picture) => Promise<{tensor: Float32Array, outputs: Float32Array[], scores: Scores}>}
 *   Run
 */

/**
 * Run all samples.
 *
 * @param {Feature} feature
 * @param {Run} run the feature's model on a picture
 * @param {(done: number, all: number) => void} [onProgress]
 * @returns {Promise<Report>}
 * @throws {CheckError} the bundle carries no samples
 * @throws {import("../errors.js").SamplesError} the samples do not fit the model
 */
export async function checked(feature, run, onProgress) {
  const expected = readSamples(feature.bundle);
  /** @type {Outcome[]} */
  const actual = [];
  for (const sample of expected) {
    actual.push(await outcome(feature, run, sample));
    onProgress?.(actual.length, expected.length);
  }
  const measurements = measure(expected, actual, feature.bundle.manifest.tolerances);
  return {
    ...feature.identity,
    passed: measurements.every(({ passed }) => passed),
    samples: expected.map(({ name, inputSha256, answer }, i) => ({
      name,
      inputEqual: [...inputSha256].every(([input, hash]) => actual[i].inputSha256.get(input) === hash),
      answerEqual: answer === actual[i].answer,
      expected: answer,
      answer: actual[i].answer,
    })),
    measurements,
  };
}

/** @param {Feature} feature @param {Run} run @param {Sample} sample @returns {Promise<Outcome>} */
async function outcome({ bundle, catalog }, run, { name, input: { data, shape, dtype } }) {
  if (dtype !== "uint8" || shape.length !== 3 || shape[2] !== 3) {
    throw new CheckError(`the sample '${name}' is ${dtype}[${shape}]; give uint8 [height, width, 3]`);
  }
  const { tensor, outputs, scores } = await run({ data, height: shape[0], width: shape[1] });
  const { inputs, outputs: stated } = bundle.manifest.model;
  return {
    name,
    inputSha256: new Map([[inputs[0].name, await sha256(new Uint8Array(tensor.buffer))]]),
    outputs: new Map(stated.map(({ name }, index) => [name, outputs[index]])),
    answer: suggest(catalog, new Map(scores)).category,
  };
}
