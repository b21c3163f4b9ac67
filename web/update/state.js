/**
 * What updates left on this device: one small file that says what counts, and the files it names.
 *
 * The state is replaced in one write, after the files that it names are there, so that a page
 * closed at any moment leaves the old or the new. The service worker reads it too.
 * @module
 */
import { UpdateError, requireItem } from "./release.js";

const CACHE = "homebody-updates";
const STATE = "/updates/state.json";
const REFUSED_LIMIT = 32;

/** @typedef {import("./release.js").Item} Item */
/**
 * @typedef {object} Kept
 * @property {Item|null} current what an update brought; null: the site's own
 * @property {Item|null} previous what was there before it; null: the site's own
 * @property {Item|null} pending verified, and waiting until no photo is edited
 * @property {string[]} refused hashes of what failed here, or was taken back
 * @property {string} over hash of the site's own when `current` came
 */
/** @typedef {{key: string|null, release: {version: number, sha256: string}|null, bundle: Kept, catalog: Kept}} State */

/**
 * The state as it was saved, less what the browser took away since; a fresh one if there is none.
 * @returns {Promise<State>}
 */
export async function load() {
  const cache = await caches.open(CACHE);
  const saved = await (await cache.match(STATE))?.json().catch(() => null);
  /** @param {Partial<Kept>} [kept] @returns {Promise<Kept>} */
  const present = async (kept) => {
    const held = { current: null, previous: null, pending: null, refused: [], over: "", ...kept };
    for (const role of /** @type {const} */ (["current", "previous", "pending"])) {
      if (held[role] && !(await cache.match(address(held[role])))) held[role] = null;
    }
    return held;
  };
  return {
    key: saved?.key ?? null,
    release: saved?.release ?? null,
    bundle: await present(saved?.bundle),
    catalog: await present(saved?.catalog),
  };
}

/**
 * Save the state, then drop the files that it does not name.
 * @param {State} state
 */
export async function save(state) {
  const cache = await caches.open(CACHE);
  const named = [STATE];
  for (const kept of [state.bundle, state.catalog]) {
    kept.refused.splice(0, kept.refused.length - REFUSED_LIMIT);
    for (const item of [kept.current, kept.previous, kept.pending]) if (item) named.push(address(item));
  }
  await cache.put(STATE, new Response(JSON.stringify(state), { headers: { "content-type": "application/json" } }));
  for (const request of await cache.keys()) {
    if (!named.includes(new URL(request.url).pathname)) await cache.delete(request);
  }
}

/**
 * Keep a verified file; it stays once a saved state names it.
 * @param {Item} item
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function keep(item, bytes) {
  const headers = { "content-type": "application/octet-stream" };
  await (await caches.open(CACHE)).put(address(item), new Response(bytes, { headers }));
}

/**
 * A kept file, held to its hash again.
 * @param {Item} item
 * @throws {UpdateError} it is gone, or not what it was
 */
export async function stored(item) {
  const found = await (await caches.open(CACHE)).match(address(item));
  if (!found) throw new UpdateError("the file is no longer on this device; what is here is kept", "storage");
  const bytes = new Uint8Array(await found.arrayBuffer());
  await requireItem(bytes, item);
  return bytes;
}

/** @param {Item} item */
function address(item) {
  return `/updates/${item.sha256}`;
}
