/**
 * The service worker: keeps the whole studio on this device, so that it opens without a network.
 *
 * A version of the site is installed whole or not at all: every file that /studio.json lists is
 * fetched (or taken over from the version before, where the bytes are the same), held to its
 * SHA-256, and only then does the version count. It takes over when no page edits a photo;
 * update.js asks for that. The server writes the site's version into the next line, so that a
 * changed site is a changed service worker.
 */
const VERSION = "development";
const SHELL = `homebody-shell-${VERSION}`;
/** What update.js keeps: verified bundles, and the one file that says which of them counts. */
const UPDATES = "homebody-updates";
const STATE = "/updates/state.json";

/** @typedef {{url: string, sha256: string, size: number}} Listed */
/** @typedef {{url: string, sha256: string, version?: string}} Named */
/** @typedef {{version: string, bundle: Named, updates: unknown, files: Listed[]}} Studio */

const scope = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("message", (event) => {
  if (event.data === "activate") event.waitUntil(scope.skipWaiting());
});
scope.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== scope.location.origin) return;
  // A repository's files are update.js's affair: it verifies them, and the browser asks anew.
  if (url.pathname.startsWith("/repo/")) return;
  event.respondWith(answer(url.pathname, event.request));
});

async function install() {
  try {
    const response = await fetch("/studio.json", { cache: "no-store" });
    if (!response.ok) throw new Error(`/studio.json: status ${response.status}`);
    const studio = /** @type {Studio} */ (await response.clone().json());
    if (studio.version !== VERSION) throw new Error("the site changed meanwhile");
    const cache = await caches.open(SHELL);
    const before = await listed(SHELL);
    // One after the other: the page that is open goes first.
    for (const file of studio.files.filter(needed)) await keep(cache, file, before);
    await cache.put("/studio.json", response);
  } catch (error) {
    await caches.delete(SHELL);
    const reason = error instanceof DOMException && error.name === "QuotaExceededError" ? "storage" : "install";
    await tell({ kind: "kept", reason, message: `${error}` });
    throw error;
  }
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith("homebody-shell-") && name !== SHELL) await caches.delete(name);
  }
  await scope.clients.claim();
  await tell({ kind: "offline-ready", message: "the studio works without the network from now on" });
}

/**
 * Files of other versions that are on this device already, by hash.
 * @param {string} except
 */
async function listed(except) {
  /** @type {Map<string, {cache: Cache, url: string}>} */
  const found = new Map();
  for (const name of await caches.keys()) {
    if (!name.startsWith("homebody-shell-") || name === except) continue;
    const cache = await caches.open(name);
    const studio = /** @type {Studio|undefined} */ (await (await cache.match("/studio.json"))?.json());
    for (const file of studio?.files ?? []) found.set(file.sha256, { cache, url: file.url });
  }
  return found;
}

/**
 * @param {Cache} cache
 * @param {Listed} file
 * @param {Map<string, {cache: Cache, url: string}>} before
 */
async function keep(cache, file, before) {
  const old = before.get(file.sha256);
  const kept = old && (await old.cache.match(old.url));
  const response = kept ?? (await fetch(file.url, { cache: "no-cache" }));
  if (!response.ok) throw new Error(`${file.url}: status ${response.status}`);
  const copy = response.clone();
  if ((await sha256(await response.arrayBuffer())) !== file.sha256) {
    throw new Error(`${file.url} is not what /studio.json lists`);
  }
  await cache.put(file.url, copy);
}

/**
 * @param {string} path
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function answer(path, request) {
  if (path.startsWith("/updates/")) {
    return (await caches.match(path, { cacheName: UPDATES })) ?? new Response("", { status: 404 });
  }
  const kept = await caches.match(path, { cacheName: SHELL });
  if (kept) return path === "/studio.json" ? current(kept) : kept;
  // Not the site's, or taken away by the browser to make room: then it is put back.
  const cache = await caches.open(SHELL);
  const response = await fetch(request);
  const studio = /** @type {Studio|undefined} */ (await (await cache.match("/studio.json"))?.json());
  const file = studio?.files.find((one) => one.url === path);
  if (file && response.ok && needed(file)) await keep(cache, file, new Map()).catch(() => {});
  return response;
}

/**
 * /studio.json, naming the bundle that an update brought if it is here.
 * @param {Response} kept
 * @returns {Promise<Response>}
 */
async function current(kept) {
  try {
    const cache = await caches.open(UPDATES);
    const state = await (await cache.match(STATE))?.json();
    const chosen = state?.bundle.current;
    if (!chosen || !(await cache.match(`/updates/${chosen.sha256}`))) return kept;
    const studio = /** @type {Studio} */ (await kept.clone().json());
    // A newer site may bring a newer bundle than the last update did.
    if (state.bundle.over !== studio.bundle.sha256 && newer(studio.bundle.version, chosen.version)) {
      return kept;
    }
    studio.bundle = { url: `/updates/${chosen.sha256}`, sha256: chosen.sha256, version: chosen.version };
    return new Response(JSON.stringify(studio), { headers: kept.headers });
  } catch {
    return kept;
  }
}

/**
 * Whether version `a` comes after `b` (three numbers; what follows them is not compared).
 * @param {string|undefined} a
 * @param {string|undefined} b
 */
function newer(a, b) {
  const [left, right] = [a, b].map((text) => (text ?? "0").split(/[.+-]/).slice(0, 3).map(Number));
  const at = left.findIndex((value, i) => value !== right[i]);
  return at >= 0 && left[at] > right[at];
}

/**
 * LiteRT comes with and without relaxed SIMD; this browser will only ever load one of them.
 * @param {Listed} file
 */
function needed(file) {
  return !file.url.includes(RELAXED_SIMD ? "litert_wasm_compat_internal" : "litert_wasm_internal");
}
/** (module (func (result v128) i32.const 1 i8x16.splat i32.const 2 i8x16.splat i8x16.relaxed_swizzle)) */
const RELAXED_SIMD = WebAssembly.validate(
  new Uint8Array([
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253,
    15, 65, 2, 253, 15, 253, 128, 2, 11,
  ]),
);

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {unknown} notice */
async function tell(notice) {
  for (const client of await scope.clients.matchAll({ includeUncontrolled: true })) {
    client.postMessage(notice);
  }
}
