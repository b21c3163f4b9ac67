// Follows owners in the browser's modules, under node: node preference.mjs HOMEBODY.WASM FILTERS.WASM
// One JSON document in, one out; test_preference.py asks.
import { readFileSync } from "node:fs";

import { readCatalog } from "../../web/catalog.js";
import { loadFilters } from "../../web/filters.js";
import { loadKernels } from "../../web/kernels.js";
import { firstPreference, readPreference } from "../../web/preference.js";
import { suggest } from "../../web/suggest.js";
import { traits } from "../../web/traits.js";

const [, , wasm, filtersWasm] = process.argv;
const kernels = await loadKernels(readFileSync(wasm));
const filters = await loadFilters(readFileSync(filtersWasm));
const { catalog: document, base, begins, choices, photos, files } = JSON.parse(readFileSync(0, "utf8"));
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const text = (data) => Buffer.from(data).toString("base64");
const catalog = readCatalog(bytes(document));

let preference = begins ? readPreference(bytes(begins), { base }) : null;
const steps = (choices ?? []).map(({ scores, ...choice }) => {
  const args = [filters, kernels, catalog, new Map(scores), choice];
  preference = preference ? preference.learn(...args) : firstPreference(base, ...args);
  return preference.learned;
});
const suggestions = (photos ?? []).map(({ scores, tier_mix: tierMix, ...wish }) =>
  suggest(catalog, new Map(scores), { ...wish, tierMix, owner: preference ? { preference, kernels } : undefined }));
const refusals = (files ?? []).map((file) => {
  try {
    readPreference(bytes(file), { base }).verify(filters);
    return "";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
});
console.log(JSON.stringify({
  steps, suggestions, refusals,
  state: preference ? text(preference.bytes()) : "",
  traits: catalog.presets.map((preset) => traits(kernels, preset)),
}));
