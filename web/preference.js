/**
 * What an owner likes: a filter over choices that makes the suggested presets theirs.
 *
 * The twin of Python's `homebody.features.photo.preference` and `owner`, which explain both: the
 * same features, added up in the same order, the same particles (`filters.wasm`), the same bytes in
 * the file. To suggest takes no filter, only the mean and covariance that the file carries.
 *
 * @example
 * const owner = readPreference(bytes, { base: bundle.sha256 });
 * const better = owner.learn(await filters(), kernels, catalog, scores, { shown, picked: "wrm-03" });
 * @module
 */

import { decodeJson } from "./bundle/text.js";
import { BaseChangedError, HomebodyError, OwnerStateError, UsageError } from "./errors.js";
import { ParticleFilter } from "./filters.js";
import { dumps, loads } from "./safetensors.js";
import { Misfit, integer, list, record, text } from "./schema.js";
import { follow } from "./suggest.js";
import { CONTEXTS, TRAITS, contexts, traits } from "./traits.js";

/** @import {Catalog} from "./catalog.js" */
/** @import {Instance} from "./kernels/instance.js" */
/** @import {Kernels} from "./kernels.js" */
/** @import {Preset} from "./preset.js" */
/** A preset that was picked for photos of a category, and how much that still counts. @typedef {{preset: string, category: string, count: number}} Habit */
/**
 * @typedef {object} Choice
 * @property {string[]} shown ids of the presets that were offered, 1 to 30
 * @property {string | null} picked the one that was taken; null: none of them
 * @property {string} [category] what the owner says the photo is, if not the strongest
 * @property {string} [photo] its key, so that the same feedback given twice counts once
 */

const TIED = ["light", "contrast", "warmth", "colour", "mono"].map((name) => TRAITS.indexOf(name));
const PRIOR = [[5, 1.5], [0.5, 0.4], [0.3, 0.3], [0.3, 0.3], [0.2, 0.3], [-1, 1]];
const NONE = 5;
/** The state's numbers: curated, four habits, none, traits, traits by context. */
const STATES = PRIOR.length + TRAITS.length + CONTEXTS.length * TIED.length;
const TRAIT = 0.3, BY_CONTEXT = 0.2, WALK = 0.05;
const PARTICLES = 2048;
const OPTIONS = 32;
/** Most presets that may be said to have been shown. */
export const SHOWN = OPTIONS - 2;
const FADE = 0.97, FORGOTTEN = 1 / 64;
const OTHERS = 16;
const RECENT = 256;

const FORMAT = "homebody-owner/1", ASSET = "for-this-photo", FILTER = "choices", FORM = 1;
/** Most bytes of owner state that are read. */
export const FILE_BYTES = 4 << 20;

const id = text({ pattern: /^[a-z][a-z0-9-]{0,39}$/ });
const pair = (/** @type {typeof id} */ one, /** @type {typeof id} */ two) => (/** @type {unknown} */ value, /** @type {string} */ path) => {
  if (!Array.isArray(value) || value.length !== 2) throw new Misfit(`${path} is no pair`);
  return /** @type {[string, string]} */ ([one(value[0], path), two(value[1], path)]);
};
const settingsForm = record({
  form: integer(-(2 ** 31), 2 ** 31),
  habits: list(pair(id, id), { most: 1024 }),
  learned: integer(1, 2 ** 31),
  recent: list(pair(text({ pattern: /^[0-9a-f]{32}$/ }), text({ pattern: /^([a-z][a-z0-9-]{0,39})?$/ })), { most: RECENT }),
});

/** What one owner likes, as it was learned. It does not change: `learn` gives another. */
export class Preference {
  /**
   * @param {{base: string, learned: number, habits: Habit[], recent: [photo: string, pick: string][],
   *   mean: Float64Array, covariance: Float64Array, filter: Uint8Array}} state
   */
  constructor({ base, learned, habits, recent, mean, covariance, filter }) {
    /** SHA-256 of the bundle whose scores it learns on. */
    this.base = base;
    /** How many choices it has learned from. */
    this.learned = learned;
    this.habits = habits;
    /** The last photos and picks; a pick of none is empty. */
    this.recent = recent;
    this.mean = mean;
    this.covariance = covariance;
    /** The particles, as the kernels hold them. */
    this.filter = filter;
  }

  /**
   * Each preset's features for a photo.
   *
   * @param {Kernels} kernels
   * @param {Catalog} catalog
   * @param {Map<string, number>} scores
   * @param {string} category whose list leads
   * @param {Map<string, number>} ranks a preset's place in the curated list that is followed, from 0
   * @param {Preset[]} presets
   * @returns {number[][]} [presets][states]
   */
  features(kernels, catalog, scores, category, ranks, presets) {
    return featuresOf(this.habits, kernels, catalog, scores, category, ranks, presets);
  }

  /** How much each is expected to be liked. @param {number[][]} rows @returns {number[]} */
  utilities(rows) {
    return rows.map((row) => {
      let total = 0;
      for (let i = 0; i < STATES; i++) total += row[i] * this.mean[i];
      return total;
    });
  }

  /** The standard deviation of each utility. @param {number[][]} rows @returns {number[]} */
  doubts(rows) {
    return rows.map((row) => {
      let variance = 0;
      for (let i = 0; i < STATES; i++) {
        let along = 0;
        for (let j = 0; j < STATES; j++) along += row[j] * this.covariance[i * STATES + j];
        variance += along * row[i];
      }
      return Math.sqrt(Math.max(variance, 0));
    });
  }

  /** @param {string} preset */
  hasPicked(preset) {
    return this.habits.some((habit) => habit.preset === preset);
  }

  /**
   * Learn from one choice.
   *
   * @param {Instance} filters from `loadFilters`
   * @param {Kernels} kernels
   * @param {Catalog} catalog
   * @param {Map<string, number>} scores
   * @param {Choice} choice
   * @returns {Preference} this one where the same feedback was given before
   */
  learn(filters, kernels, catalog, scores, choice) {
    return learned(this, this.base, filters, kernels, catalog, scores, choice) ?? this;
  }

  /**
   * Whether the particles are such as a filter could have, and the mean and covariance theirs.
   *
   * @param {Instance} filters
   * @throws {OwnerStateError} they are not
   */
  verify(filters) {
    let filter;
    try {
      filter = filterOf(filters, this.filter);
    } catch (error) {
      if (!(error instanceof HomebodyError)) throw error;
      throw new OwnerStateError(`this is no owner state that fits here (${error.message}); start the owner anew`);
    }
    const same = (/** @type {Float64Array} */ a, /** @type {Float64Array} */ b) => a.every((value, i) => value === b[i]);
    if (!same(this.mean, filter.mean) || !same(this.covariance, filter.covariance)) {
      throw new OwnerStateError("its mean or covariance is not that of its particles; start the owner anew");
    }
  }

  /** The same, for another bundle: to be said to the owner, never done silently. @param {string} base */
  carriedOver(base) {
    return new Preference({ ...this, base });
  }

  /** The bytes of a file of owner state. @returns {Uint8Array<ArrayBuffer>} */
  bytes() {
    const settings = {
      form: FORM,
      habits: this.habits.map(({ preset, category }) => [preset, category]),
      learned: this.learned,
      recent: this.recent,
    };
    return dumps(
      new Map([
        ["mean", { shape: [STATES], values: this.mean }],
        ["covariance", { shape: [STATES, STATES], values: this.covariance }],
        ["filter", { shape: [this.filter.length], values: this.filter }],
        ["habits", { shape: [this.habits.length], values: Float64Array.from(this.habits, ({ count }) => count) }],
      ]),
      { format: FORMAT, asset: ASSET, base: this.base, filter: FILTER, settings: JSON.stringify(settings) });
  }
}

/**
 * The preference after an owner's first choice.
 *
 * @param {string} base SHA-256 of the bundle
 * @param {Instance} filters
 * @param {Kernels} kernels
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {Choice} choice
 * @returns {Preference}
 */
export function firstPreference(base, filters, kernels, catalog, scores, choice) {
  return /** @type {Preference} */ (learned(null, base, filters, kernels, catalog, scores, choice));
}

/**
 * @param {Preference | null} before
 * @param {string} base
 * @param {Instance} filters
 * @param {Kernels} kernels
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {Choice} choice
 * @returns {Preference | null} null where nothing is to be learned
 */
function learned(before, base, filters, kernels, catalog, scores, { shown, picked, category, photo = "" }) {
  const options = shown.map((one) => catalog.preset(one));
  if (options.length < 1 || options.length > SHOWN || new Set(options).size < options.length) {
    throw new UsageError(`${options.length} presets were shown; say 1 to ${SHOWN}, each of them once`);
  }
  const taken = picked === null ? null : catalog.preset(picked);
  const pick = taken?.id ?? "";
  const recent = before?.recent ?? [], habits = before?.habits ?? [], count = before?.learned ?? 0;
  if (photo && recent.findLast(([key]) => key === photo)?.[1] === pick) return null;
  const { lead, ranks } = follow(catalog, scores, category);
  if (taken && !options.includes(taken)) {
    options.push(taken);
    const everything = catalog.presets;
    for (let j = 0; j < OTHERS; j++) {
      const other = everything[(count * 29 + Math.floor((j * everything.length) / OTHERS)) % everything.length];
      if (!options.includes(other) && options.length < OPTIONS - 1) options.push(other);
    }
  }
  const rows = featuresOf(habits, kernels, catalog, scores, lead.id, ranks, options);
  const none = Array.from({ length: STATES }, (_, i) => (i === NONE ? 1 : 0));
  const filter = filterOf(filters, before?.filter);
  filter.choose(Float64Array.from([...rows, none].flat()), taken ? options.indexOf(taken) : options.length);
  return new Preference({
    base,
    learned: count + 1,
    habits: taken ? remembered(habits, taken.id, lead.id) : habits,
    recent: photo ? [...recent, /** @type {[string, string]} */ ([photo, pick])].slice(-RECENT) : recent,
    mean: filter.mean,
    covariance: filter.covariance,
    filter: filter.save(),
  });
}

/** @param {Habit[]} habits @param {string} preset @param {string} category @returns {Habit[]} */
function remembered(habits, preset, category) {
  const faded = habits.map((one) => ({ ...one, count: one.count * FADE })).filter(({ count }) => count >= FORGOTTEN);
  const same = (/** @type {Habit} */ one) => one.preset === preset && one.category === category;
  if (!faded.some(same)) return [...faded, { preset, category, count: 1 }];
  return faded.map((one) => (same(one) ? { ...one, count: one.count + 1 } : one));
}

/** @param {Instance} filters @param {Uint8Array} [saved] */
function filterOf(filters, saved) {
  const spread = [
    ...PRIOR.map(([, one]) => one),
    ...TRAITS.map(() => TRAIT),
    ...Array(STATES - PRIOR.length - TRAITS.length).fill(BY_CONTEXT),
  ];
  const diagonal = (/** @type {number[]} */ values) => {
    const square = new Float64Array(STATES * STATES);
    values.forEach((value, i) => { square[i * STATES + i] = value; });
    return square;
  };
  const filter = new ParticleFilter(filters, {
    mean: spread.map((_, i) => PRIOR[i]?.[0] ?? 0),
    factor: diagonal(spread),
    step: diagonal(spread.map((one) => one * WALK)),
    outputs: OPTIONS,
    particles: PARTICLES,
  });
  if (saved) filter.restore(saved);
  return filter;
}

/**
 * @param {Habit[]} habits
 * @param {Kernels} kernels
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {string} category
 * @param {Map<string, number>} ranks
 * @param {Preset[]} presets
 */
function featuresOf(habits, kernels, catalog, scores, category, ranks, presets) {
  const families = new Map(catalog.presets.map(({ id, family }) => [id, family]));
  /** @type {Record<"preset" | "presetHere" | "family" | "familyHere", Map<string, number>>} */
  const picks = { preset: new Map(), presetHere: new Map(), family: new Map(), familyHere: new Map() };
  const add = (/** @type {Map<string, number>} */ counts, /** @type {string} */ key, /** @type {number} */ count) =>
    counts.set(key, (counts.get(key) ?? 0) + count);
  for (const { preset, category: where, count } of habits) {
    const family = families.get(preset);
    if (family === undefined) continue;
    add(picks.preset, preset, count);
    add(picks.family, family, count);
    if (where !== category) continue;
    add(picks.presetHere, preset, count);
    add(picks.familyHere, family, count);
  }
  const root = (/** @type {Map<string, number>} */ counts, /** @type {string} */ key) => Math.sqrt(counts.get(key) ?? 0);
  const here = contexts(scores);
  return presets.map((preset) => {
    const rank = ranks.get(preset.id), does = traits(kernels, preset);
    return [
      rank === undefined ? 0 : 6 / (6 + rank),
      root(picks.preset, preset.id),
      root(picks.presetHere, preset.id),
      root(picks.family, preset.family),
      root(picks.familyHere, preset.family),
      0,
      ...does,
      ...here.flatMap((much) => TIED.map((trait) => does[trait] * much)),
    ];
  });
}

/**
 * An owner's state from a file's bytes.
 *
 * @param {Uint8Array} data
 * @param {{base?: string}} [options] base: SHA-256 of the bundle in use; without it, any
 * @returns {Preference}
 * @throws {OwnerStateError} it is no owner state of For This Photo
 * @throws {BaseChangedError} it was learned on another bundle
 */
export function readPreference(data, { base } = {}) {
  if (data.length > FILE_BYTES) {
    throw new OwnerStateError(`${data.length} bytes are no owner state; at most ${FILE_BYTES} are read`);
  }
  let file;
  try {
    file = loads(data);
  } catch (error) {
    if (!(error instanceof HomebodyError)) throw error;
    throw new OwnerStateError(`this is no owner state: ${error.message}`);
  }
  const { tensors, metadata } = file;
  const stated = ["format", "asset", "filter"].map((key) => metadata.get(key));
  if (stated.join() !== [FORMAT, ASSET, FILTER].join()) {
    throw new OwnerStateError(
      `this is of ${stated.join(", ")}; give the owner state that homebody photo feedback or the studio wrote`);
  }
  const learnedOn = metadata.get("base") ?? "";
  if (base !== undefined && learnedOn !== base) {
    throw new BaseChangedError(
      `this was learned on the bundle ${learnedOn.slice(0, 16)}…, and the one in use is ${base.slice(0, 16)}…`);
  }
  try {
    return restored(tensors, metadata.get("settings") ?? "", learnedOn);
  } catch (error) {
    if (!(error instanceof HomebodyError) && !(error instanceof Misfit)) throw error;
    throw new OwnerStateError(`this is no owner state that fits here (${error.message}); start the owner anew`);
  }
}

/** @param {Map<string, import("./safetensors.js").Tensor>} tensors @param {string} settings @param {string} base */
function restored(tensors, settings, base) {
  if (!/^[0-9a-f]{64}$/.test(base)) throw new Misfit("its base is no SHA-256");
  if ([...tensors.keys()].toSorted().join() !== "covariance,filter,habits,mean") {
    throw new Misfit("its tensors are others than mean, covariance, filter and habits");
  }
  const stated = settingsForm(decodeJson(new TextEncoder().encode(settings), "settings", { depth: 4 }), "");
  if (stated.form !== FORM) throw new Misfit(`its features are of the form ${stated.form}, not ${FORM}`);
  const numbers = (/** @type {string} */ name, /** @type {number[]} */ shape) => {
    const tensor = /** @type {import("./safetensors.js").Tensor} */ (tensors.get(name));
    if (!(tensor.values instanceof Float64Array) || tensor.shape.join() !== shape.join()) {
      throw new Misfit(`its ${name} is of another shape`);
    }
    if (!tensor.values.every((value) => Math.abs(value) <= 1e100)) throw new Misfit(`its ${name} is beyond 1e100`);
    return tensor.values;
  };
  const counts = numbers("habits", [stated.habits.length]);
  const habits = stated.habits.map(([preset, category], i) => ({ preset, category, count: counts[i] }));
  if (new Set(habits.map(({ preset, category }) => `${preset} ${category}`)).size < habits.length ||
      !counts.every((count) => count > 0 && count <= 1e6)) {
    throw new Misfit("a habit occurs twice, or counts nothing or too much");
  }
  const filter = /** @type {import("./safetensors.js").Tensor} */ (tensors.get("filter"));
  if (!(filter.values instanceof Uint8Array)) throw new Misfit("its filter is no block of bytes");
  return new Preference({
    base, habits, learned: stated.learned, recent: stated.recent,
    mean: numbers("mean", [STATES]),
    covariance: numbers("covariance", [STATES, STATES]),
    filter: filter.values,
  });
}
