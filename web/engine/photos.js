/**
 * What reading photos takes; the engine's worker fetches it behind its beginning.
 * @module
 */

export { hasGps } from "../image/metadata.js";
export { decode } from "../image/reading.js";
