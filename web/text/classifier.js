/**
 * One label for a text: a bundle of the task `classify-text`, made ready on this device.
 *
 * The twin of Python's `homebody.features.text`.
 *
 * @example
 * const kernels = await loadText({ wasm: await fetch("/native/text.wasm"), unicode: await fetch("/unicode.bin") });
 * const feature = await loadTextClassifier(bytes, { kernels, vendor: "https://example.org/vendor/" });
 * (await feature.classify("a chess program")).label; // "games"
 * @module
 */

import { Bundle, readBundle } from "../bundle.js";
import { measure } from "../bundle/comparison.js";
import { readSamples } from "../bundle/samples.js";
import { sha256 } from "../bundle/signature.js";
import { FeatureError, ModelError } from "../errors.js";
import { finish } from "../pipeline/answers.js";
import { loadModel } from "../runtime.js";
import { TextPipeline, readText } from "./pipeline.js";

/** @import {Measurement} from "../bundle/comparison.js" */
/** @import {Outcome} from "../bundle/samples.js" */
/** @import {Model} from "../runtime.js" */
/** @import {OffsetUnit, TextKernels} from "./kernels.js" */
/** What runs a model: `loadModel` gives one. @typedef {Pick<Model, "run" | "close" | "inputs" | "outputs">} Runner */
/** @typedef {{label: string, confidence: number, scores: [label: string, probability: number][]}} Classification */
/** @typedef {{name: string, version: string, sha256: string, passed: boolean, measurements: Measurement[]}} Report */

const TASK = "classify-text";

/**
 * Make a bundle ready.
 *
 * @param {Uint8Array | Bundle} source a bundle or its bytes
 * @param {{kernels: TextKernels, vendor: string, publicKey?: Uint8Array,
 *   model?: (bytes: Uint8Array, options: {vendor: string}) => Promise<Runner>}} options
 *   vendor: the URL of the folder that holds `litert/`; model: what runs models
 * @returns {Promise<TextClassifier>}
 * @throws {import("../errors.js").BundleError} the bundle is refused
 * @throws {FeatureError} it is of another task, or its pipeline does not make the model's inputs
 * @throws {ModelError} the model cannot run here
 */
export async function loadTextClassifier(source, { kernels, vendor, publicKey, model = loadModel }) {
  const bundle = source instanceof Bundle ? source : await readBundle(source, { publicKey });
  const { manifest } = bundle;
  if (manifest.task !== TASK) {
    throw new FeatureError(`the bundle's task is '${manifest.task}'; this page knows ${TASK}`);
  }
  if (manifest.model.format !== "tflite") {
    throw new ModelError(
      `the bundle's model is ${manifest.model.format}; this page runs tflite, so use a bundle made for devices`);
  }
  const pipeline = new TextPipeline(kernels, manifest.input, bundle);
  const runner = await model(bundle.entry(manifest.model.entry), { vendor });
  for (const kind of /** @type {const} */ (["inputs", "outputs"])) {
    const stated = JSON.stringify(manifest.model[kind].map(({ shape, dtype }) => [shape, dtype]));
    const actual = JSON.stringify(runner[kind].map(({ shape, dtype }) => [shape, dtype]));
    if (stated !== actual) {
      runner.close();
      throw new ModelError(`the model's ${kind} are ${actual} and the manifest states others; pack the bundle again`);
    }
  }
  return new TextClassifier(bundle, pipeline, runner);
}

/** Labels texts. One instance runs one call at a time. */
export class TextClassifier {
  #pipeline;
  #model;

  /** @param {Bundle} bundle @param {TextPipeline} pipeline @param {Runner} model */
  constructor(bundle, pipeline, model) {
    this.bundle = bundle;
    this.#pipeline = pipeline;
    this.#model = model;
    this.prepare(""); // a pipeline that does not make the model's inputs shows with any text
  }

  /**
   * The model's inputs for a text: their bytes are equal on every platform.
   *
   * @param {string | readonly string[]} text a text, or its segments
   * @returns {Map<string, Int32Array>}
   */
  prepare(text) {
    const made = this.#pipeline.prepare(text);
    const { inputs } = this.bundle.manifest.model;
    return new Map(inputs.map(({ name, shape }) => {
      const tensor = made.get(name);
      if (!(tensor instanceof Int32Array) || tensor.length !== shape.reduce((a, b) => a * b, 1) || made.size !== inputs.length) {
        throw new FeatureError(
          `the input pipeline makes ${[...made.keys()]} and the model takes ${inputs.map((one) => one.name)}, ` +
            "int32; name them alike in pad.v1");
      }
      return [name, tensor];
    }));
  }

  /** @param {string | readonly string[]} text */
  async #outcome(text) {
    const tensors = this.prepare(text);
    const outputs = await this.#model.run(...tensors.values());
    return { tensors, outputs, scores: finish(outputs[0], this.bundle.manifest.output, this.bundle) };
  }

  /**
   * Label a text.
   *
   * @param {string | readonly string[]} text
   * @returns {Promise<Classification>} every label's probability, the greatest first
   */
  async classify(text) {
    const { scores } = await this.#outcome(text);
    const ranked = scores.toSorted(([, a], [, b]) => b - a);
    const [label, confidence] = ranked[0];
    return { label, confidence, scores: ranked };
  }

  /**
   * The pieces that a text is cut into, with the places where they stand.
   *
   * @param {string | readonly string[]} text
   * @param {{offsets?: OffsetUnit}} [options] what starts and ends count
   */
  tokens(text, options) {
    return this.#pipeline.tokens(text, options);
  }

  /**
   * Run the bundle's samples here and compare with what the trained model gave.
   *
   * @returns {Promise<Report>}
   * @throws {import("../errors.js").CheckError} the bundle carries no samples
   * @throws {import("../errors.js").SamplesError} the samples do not fit
   */
  async check() {
    const { manifest } = this.bundle;
    const expected = readSamples(this.bundle);
    /** @type {Outcome[]} */
    const actual = [];
    for (const { name, input } of expected) {
      const { tensors, outputs, scores } = await this.#outcome(readText(input));
      const hashes = Array.from(tensors, async ([key, tensor]) =>
        /** @type {const} */ ([key, await sha256(new Uint8Array(tensor.buffer))]));
      actual.push({
        name,
        inputSha256: new Map(await Promise.all(hashes)),
        outputs: new Map(manifest.model.outputs.map((output, index) => [output.name, outputs[index]])),
        answer: scores.reduce((best, one) => (one[1] > best[1] ? one : best))[0],
      });
    }
    const measurements = measure(expected, actual, manifest.tolerances);
    const passed = measurements.every((one) => one.passed);
    return { name: manifest.name, version: manifest.version, sha256: this.bundle.sha256, passed, measurements };
  }

  /** Let go of the model's memory. */
  close() {
    this.#model.close();
  }
}
