/**
 * The catalog: presets, the families they belong to, and the curated list for each category.
 *
 * The twin of Python's `homebody.features.photo.catalog`.
 * @module
 */

import { decodeJson } from "./bundle/text.js";
import { BundleError, CatalogError, UnknownPresetError } from "./errors.js";
import { id, line, name, preset } from "./preset.js";
import { Misfit, boolean, choice, list, nullable, number, optional, record, text } from "./schema.js";

/** @import {Preset} from "./preset.js" */

const MAX_BYTES = 8 << 20;
const DEPTH = 32;

const version = text({ pattern: /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/ });
const share = number(0, 1);
const deltaE = number(0, 200);
const family = record({ id, name, description: line });
const limits = record({
  clipped: share,
  delta_e: list(deltaE, { least: 2, most: 2 }),
  skin_hue: number(0, 180),
  neutral: deltaE,
});
const category = record({
  id,
  name,
  kind: choice(/** @type {const} */ (["content", "photometric"])),
  presets: list(record({ preset: id, reason: line }), { least: 1, most: 500 }),
  exclusive: optional(boolean, () => false),
  limits: optional(nullable(limits), () => null),
});
const catalog = record(
  {
    format: choice(["homebody.catalog/1"]),
    version,
    families: list(family, { least: 1, most: 500 }),
    presets: list(preset, { least: 1, most: 5000 }),
    categories: list(category, { least: 1, most: 200 }),
    limits,
  },
  ({ families, presets, categories }) => {
    const known = unique("family", families.map(({ id }) => id));
    const ids = unique("preset", presets.map(({ id }) => id));
    unique("preset name", presets.map(({ name }) => folded(name)));
    unique("category", categories.map(({ id }) => id));
    for (const { id, family } of presets) {
      if (!known.has(family)) throw new Misfit(`preset '${id}' is of unknown family '${family}'`);
    }
    for (const { id, presets } of categories) {
      unique(`preset in category '${id}'`, presets.map(({ preset }) => preset));
      const stranger = presets.find(({ preset }) => !ids.has(preset));
      if (stranger) throw new Misfit(`category '${id}' lists unknown preset '${stranger.preset}'`);
    }
  },
);

/** @typedef {ReturnType<typeof category>} Category */
/** @typedef {ReturnType<typeof family>} Family */
/** What a catalog says, as plain data. @typedef {ReturnType<typeof catalog>} CatalogData */

/** A catalog that has been read; everything in it fits together. */
export class Catalog {
  #presets;
  #categories;

  /** @param {CatalogData} data */
  constructor(data) {
    this.version = data.version;
    this.families = data.families;
    this.presets = data.presets;
    this.categories = data.categories;
    this.limits = data.limits;
    this.#presets = new Map(data.presets.map((one) => [one.id, one]));
    this.#categories = new Map(data.categories.map((one) => [one.id, one]));
  }

  /** @param {string} id @returns {Preset} */
  preset(id) {
    const found = this.#presets.get(id);
    if (!found) {
      throw new UnknownPresetError(
        `no preset '${String(id).slice(0, 64)}' in the catalog; choose one of its ids`);
    }
    return found;
  }

  /** @param {string} id @returns {Category} */
  category(id) {
    const found = this.#categories.get(id);
    if (!found) {
      throw new CatalogError(
        `no category '${String(id).slice(0, 64)}' in the catalog; it has ${[...this.#categories.keys()].join(", ")}`);
    }
    return found;
  }
}

/**
 * Read a catalog, strictly.
 *
 * @param {Uint8Array} bytes one JSON document
 * @returns {Catalog}
 * @throws {CatalogError} too large, not JSON, an unknown key, a value out of range, or parts that do
 *   not fit together; the message names the place
 */
export function readCatalog(bytes) {
  if (bytes.length > MAX_BYTES) {
    throw new CatalogError(`a catalog of ${bytes.length} bytes; at most ${MAX_BYTES} are read: leave out some presets`);
  }
  try {
    return new Catalog(catalog(decodeJson(bytes, "the catalog", { depth: DEPTH }), ""));
  } catch (error) {
    if (!(error instanceof Misfit || error instanceof BundleError)) throw error;
    throw new CatalogError(`not a preset catalog: ${error.message}`);
  }
}

/** @param {string} what @param {string[]} ids */
function unique(what, ids) {
  const seen = new Set();
  for (const one of ids) {
    if (seen.has(one)) throw new Misfit(`${what} '${one}' occurs twice`);
    seen.add(one);
  }
  return seen;
}

/** A name as it is compared: without regard to case (ß is ss). @param {string} name */
function folded(name) {
  return name.toLowerCase().toUpperCase().toLowerCase();
}
