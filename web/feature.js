/**
 * For This Photo: a bundle made ready to answer on this device.
 *
 * The twin of Python's `homebody.feature` and `homebody.features.photo.feature`.
 *
 * @example
 * const feature = await loadFeature(bytes, { kernels, vendor: "https://example.org/vendor/" });
 * const answer = await feature.suggest(picture);
 * answer.category.id, answer.presets.map((preset) => preset.id);
 * @module
 */

import { Bundle, readBundle } from "./bundle.js";
import { readCatalog } from "./catalog.js";
import { FeatureError, ModelError } from "./errors.js";
import { combine, strengths } from "./photometry.js";
import { finish, prepare, readCategories } from "./pipeline.js";
import { loadModel } from "./runtime.js";
import { suggest } from "./suggest.js";

/** @import {Report} from "./feature/checking.js" */
/** @import {Catalog} from "./catalog.js" */
/** @import {Kernels, Picture} from "./kernels.js" */
/** @import {Scores} from "./pipeline.js" */
/** @import {Model} from "./runtime.js" */
/** @import {Preference} from "./preference.js" */
/** @import {SuggestedPreset, Wish} from "./suggest.js" */
/** @typedef {{name: string, version: string, sha256: string}} BundleIdentity */
/**
 * What `homebody photo suggest --json` prints, but for the photo's name; each preset says besides
 * from which category's list it comes, and `companion` which category joined in.
 * @typedef {{category: {id: string, name: string, confidence: number}, companion: string | null,
 *   categories: {id: string, confidence: number}[], presets: SuggestedPreset[], notes: string[],
 *   catalog_version: string, bundle: BundleIdentity,
 *   timing_ms: {decode: number, model: number, suggest: number, render: number}}} Answer
 */
/** What runs a model: `loadModel` gives one. @typedef {Pick<Model, "run" | "close" | "inputs" | "outputs">} Runner */
/** Short side in pixels that a photo is decoded with for an answer; Python takes the same. */
export const WORKING_SIDE = 600;

const TASK = "suggest-presets";

/**
 * Make a bundle ready. The model loads meanwhile; what needs it waits.
 *
 * @param {Uint8Array | Bundle} source a bundle or its bytes
 * @param {{kernels: Kernels, vendor: string, publicKey?: Uint8Array,
 *   model?: (bytes: Uint8Array, options: {vendor: string}) => Promise<Runner>}} options
 *   vendor: the URL of the folder that holds `litert/`; model: what runs models
 * @returns {Promise<Feature>}
 * @throws {import("./errors.js").BundleError} the bundle is refused
 * @throws {import("./errors.js").CatalogError} its catalog is malformed
 * @throws {FeatureError} it is of another task
 */
export async function loadFeature(source, { kernels, vendor, publicKey, model = loadModel }) {
  const bundle = source instanceof Bundle ? source : await readBundle(source, { publicKey });
  const { manifest } = bundle;
  if (manifest.task !== TASK) {
    throw new FeatureError(`the bundle's task is '${manifest.task}'; this page knows ${TASK}`);
  }
  if (manifest.model.format !== "tflite") {
    throw new ModelError(
      `the bundle's model is ${manifest.model.format}; this page runs tflite, so use a bundle made for devices`);
  }
  return new Feature(bundle, kernels, model(bundle.entry(manifest.model.entry), { vendor }));
}

/** A photo's category and presets that suit it. One instance runs one call at a time. */
export class Feature {
  #kernels;
  #model;

  /**
   * @param {Bundle} bundle
   * @param {Kernels} kernels
   * @param {Promise<Runner>} model
   * @param {Catalog} [other] where presets come from, instead of the bundle's own catalog
   */
  constructor(bundle, kernels, model, other) {
    const { output, assets, name, version } = bundle.manifest;
    const catalog = assets.get("catalog");
    if (catalog === undefined || !output.some(({ op }) => op === "class_map.v1")) {
      throw new FeatureError(
        "a suggest-presets bundle needs a class_map.v1 in its output pipeline and an asset called catalog; " +
          "pack it with both");
    }
    this.bundle = bundle;
    this.catalog = other ?? readCatalog(bundle.entry(catalog));
    /** @type {BundleIdentity} */
    this.identity = { name, version, sha256: bundle.sha256 };
    this.#kernels = kernels;
    this.#model = model.then((found) => {
      for (const kind of /** @type {const} */ (["inputs", "outputs"])) {
        const stated = JSON.stringify(bundle.manifest.model[kind].map(({ shape, dtype }) => [shape, dtype]));
        const actual = JSON.stringify(found[kind].map(({ shape, dtype }) => [shape, dtype]));
        if (stated !== actual) {
          throw new ModelError(
            `the model's ${kind} are ${actual} and the manifest states others; pack the bundle again`);
        }
      }
      return found;
    });
    this.#model.catch(() => {}); // whoever needs the model gets the error
  }

  /**
   * The same feature with another catalog; it shares this one's model.
   *
   * @param {Catalog | null} catalog null: the bundle's own
   * @throws {import("./errors.js").CatalogError} it lacks a category that the bundle knows
   */
  withCatalog(catalog) {
    const other = new Feature(this.bundle, this.#kernels, this.#model, catalog ?? undefined);
    for (const operation of this.bundle.manifest.output) {
      if (operation.op !== "class_map.v1") continue;
      for (const { id } of readCategories(this.bundle, operation.entry)) other.catalog.category(id);
    }
    return other;
  }

  /** Wait until the model is ready. */
  async ready() {
    await this.#model;
  }

  /** What the model takes, for a picture: its bytes are equal on every platform. @param {Picture} picture */
  prepare(picture) {
    return prepare(this.#kernels, picture, this.bundle.manifest.input);
  }

  /**
   * Every category's confidence: content from the model, light from the pixels.
   *
   * @param {Picture} picture
   * @returns {Promise<Scores>}
   */
  async scores(picture) {
    return (await this.#outcome(picture)).scores;
  }

  /**
   * The model's input and outputs for a picture, and every category's confidence.
   *
   * @param {Picture} picture
   */
  async #outcome(picture) {
    const model = await this.#model;
    const { picture: small, tensor } = this.prepare(picture);
    const outputs = await model.run(tensor);
    const { output } = this.bundle.manifest;
    let scores = finish(outputs[0], output.filter(({ op }) => op !== "photometry.v1"), this.bundle);
    if (output.some(({ op }) => op === "photometry.v1")) {
      scores = combine(scores, strengths(this.#kernels.statistics(small)));
    }
    return { tensor, outputs, scores };
  }

  /**
   * Suggest presets for a photo.
   *
   * @param {Picture} picture decoded with WORKING_SIDE, on white where it was transparent
   * @param {Omit<Wish, "owner"> & {scores?: Scores, preference?: Preference}} [wish] scores: of an earlier
   *   call, so that the model need not run; preference: what the owner likes, learned on this bundle
   * @returns {Promise<Answer & {scores: Scores}>}
   */
  async suggest(picture, { scores, preference, ...wish } = {}) {
    const start = performance.now();
    const found = scores ?? await this.scores(picture);
    const scored = performance.now();
    const owner = preference && { preference, kernels: this.#kernels };
    const { category, companion, presets, notes } = suggest(this.catalog, new Map(found), { ...wish, owner });
    const ranked = found.toSorted(([, a], [, b]) => b - a);
    const confidence = found.find(([id]) => id === category)?.[1] ?? 0;
    return {
      category: { id: category, name: this.catalog.category(category).name, confidence: rounded(confidence) },
      companion,
      categories: ranked.map(([id, score]) => ({ id, confidence: rounded(score) })),
      presets,
      notes,
      catalog_version: this.catalog.version,
      bundle: this.identity,
      timing_ms: { decode: 0, model: scored - start, suggest: performance.now() - scored, render: 0 },
      scores: found,
    };
  }

  /**
   * Run the bundle's samples here and compare with what the trained model gave.
   *
   * Inputs must be equal bit for bit; outputs and answers may differ within the manifest's tolerances.
   *
   * @param {(done: number, all: number) => void} [onProgress]
   * @returns {Promise<Report>}
   * @throws {import("./errors.js").CheckError} the bundle carries no samples
   * @throws {import("./errors.js").SamplesError} the samples do not fit the model
   */
  async check(onProgress) {
    const { checked } = await import("./feature/checking.js");
    return checked(this, (picture) => this.#outcome(picture), onProgress);
  }

  /** Let go of the model's memory. */
  close() {
    this.#model.then((model) => model.close(), () => {});
  }
}

/**
 * To 6 decimals as Python rounds: halves, which only multiples of 1/128 can be, to even.
 *
 * @param {number} value
 */
export function rounded(value) {
  const tie = Math.abs(value * 128) % 2 === 1;
  const down = Math.floor(value * 1e6);
  return tie ? (down + (down % 2)) / 1e6 : Number(value.toFixed(6));
}
