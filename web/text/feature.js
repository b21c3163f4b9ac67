/**
 * What features of text have in common: a bundle made ready, its pipeline, its model, its check.
 *
 * The twin of Python's `homebody.features.text.TextFeature`.
 * @module
 */

import { Bundle, readBundle } from "../bundle.js";
import { measure } from "../bundle/comparison.js";
import { readSamples } from "../bundle/samples.js";
import { sha256 } from "../sha256.js";
import { FeatureError, ModelError } from "../errors.js";
import { loadModel } from "../runtime.js";
import { TextPipeline, readText } from "./pipeline.js";

/** @import {Measurement} from "../bundle/comparison.js" */
/** @import {Outcome} from "../bundle/samples.js" */
/** @import {Model} from "../runtime.js" */
/** @import {OffsetUnit, TextKernels} from "./kernels.js" */
/** @import {Tensors} from "./pipeline.js" */
/** What runs a model: `loadModel` gives one. @typedef {Pick<Model, "run" | "close" | "inputs" | "outputs">} Runner */
/**
 * @typedef {{kernels: TextKernels, vendor: string, publicKey?: Uint8Array,
 *   model?: (bytes: Uint8Array, options: {vendor: string}) => Promise<Runner>}} Loading vendor: the URL of the
 *   folder that holds `litert/`; model: what runs models
 */
/** @typedef {{bundle: Bundle, kernels: TextKernels, pipeline: TextPipeline, model: Runner}} Parts */
/** @typedef {{name: string, version: string, sha256: string, passed: boolean, measurements: Measurement[]}} Report */

/**
 * What a text feature is made of.
 *
 * @param {Uint8Array | Bundle} source a bundle or its bytes
 * @param {string} task that the bundle must be of
 * @param {Loading} options
 * @returns {Promise<Parts>}
 * @throws {import("../errors.js").BundleError} the bundle is refused
 * @throws {FeatureError} it is of another task, or an operation stands where it cannot
 * @throws {ModelError} the model cannot run here
 */
export async function loadParts(source, task, { kernels, vendor, publicKey, model = loadModel }) {
  const bundle = source instanceof Bundle ? source : await readBundle(source, { publicKey });
  const { manifest } = bundle;
  if (manifest.task !== task) {
    throw new FeatureError(`the bundle's task is '${manifest.task}' and this is for ${task}; load it as what it is`);
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
  return { bundle, kernels, pipeline, model: runner };
}

/** A feature whose input is text. One instance runs one call at a time. */
export class TextFeature {
  #pipeline;
  #model;

  /** @param {Parts} parts */
  constructor({ bundle, kernels, pipeline, model }) {
    this.bundle = bundle;
    this.kernels = kernels;
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
    return this.#inputs(this.#pipeline.prepared(text));
  }

  /** @param {Tensors} prepared @returns {Map<string, Int32Array>} */
  #inputs({ tensors: made }) {
    const { inputs } = this.bundle.manifest.model;
    return new Map(inputs.map(({ name, shape }) => {
      const tensor = made.get(name), size = shape.reduce((a, b) => a * b, 1);
      if (!(tensor instanceof Int32Array) || tensor.length !== size || made.size !== inputs.length) {
        throw new FeatureError(
          `the input pipeline makes ${[...made.keys()]} and the model takes ${inputs.map((one) => one.name)}, ` +
            "int32; name them alike in pad.v1");
      }
      return [name, tensor];
    }));
  }

  /**
   * Run a text through the pipeline and the model.
   *
   * @protected
   * @param {string | readonly string[]} text
   */
  async outcome(text) {
    const prepared = this.#pipeline.prepared(text);
    const tensors = this.#inputs(prepared);
    return { prepared, tensors, outputs: await this.#model.run(...tensors.values()) };
  }

  /**
   * What a sample's answer is compared with.
   *
   * @protected
   * @param {Float32Array[]} _outputs
   * @param {Tensors} _prepared
   * @returns {unknown}
   */
  answer(_outputs, _prepared) {
    return null;
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
      const { prepared, tensors, outputs } = await this.outcome(readText(input));
      const hashes = Array.from(tensors, async ([key, tensor]) =>
        /** @type {const} */ ([key, await sha256(new Uint8Array(tensor.buffer))]));
      actual.push({
        name,
        inputSha256: new Map(await Promise.all(hashes)),
        outputs: new Map(manifest.model.outputs.map((output, index) => [output.name, outputs[index]])),
        answer: this.answer(outputs, prepared),
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
