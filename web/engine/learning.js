/**
 * What learning from an owner takes; the engine's worker fetches it with the first choice.
 * @module
 */

export { loadFilters } from "../filters.js";
export { firstPreference, readPreference } from "../preference.js";
