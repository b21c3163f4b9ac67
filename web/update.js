/**
 * Updates in the browser: the studio kept for offline use, and bundles exchanged safely.
 *
 * Two things are kept apart. The site itself (pages, modules, the default bundle) is the service
 * worker's: it comes whole from its own origin. A bundle or a catalog may come from a published
 * repository as well; it is believed only with the publisher's signature, never older than what was
 * seen, and used only after it has passed its own samples in this browser. What was there stays until
 * then, and can be had back after.
 * @module
 */
import {
  RELEASE_LIMIT,
  SIGNATURES_BYTES,
  UpdateError,
  canVerify,
  readRelease,
  requireFresh,
  requireItem,
  requireNotOlder,
} from "./update/release.js";
import { keep, load, save, stored } from "./update/state.js";

/** Held (shared) while a photo is edited; the site is exchanged only by who can hold it alone. */
const EDITING = "homebody-editing";
const UPDATING = "homebody-updating";
const FEATURE = "for-this-photo";
const OWN_BUNDLE = `/bundles/${FEATURE}.hb`;
const INTERVAL_MS = 6 * 3600 * 1000;
const PATIENCE_MS = 30_000;

/** @typedef {import("./update/release.js").Item} Item */
/** @typedef {import("./update/state.js").State} State */
/** @typedef {"bundle"|"catalog"} What */
/**
 * What happened, for the page to show. `kind` is one of
 * `offline-ready` (works without the network from now on), `current` (nothing newer), `updated`,
 * `pending` (verified, waits until no photo is edited), `kept` (something was not used: `reason` says
 * why in a word, see {@link UpdateError}, and `message` in a sentence), `rolled-back`, `restart` (a
 * newer studio is here, `activate()` starts it), `unsupported` (this browser cannot: `reason` is
 * `worker` or `ed25519`), `none` (this studio has no source of updates).
 * @typedef {{kind: string, reason?: string, message: string, version?: string, what?: What}} Notice
 */
/**
 * The part of the engine that updates need. Both reject, and keep what they had, unless the new one
 * is whole and passes its samples; a catalog of null is the bundle's own.
 * @typedef {object} Engine
 * @property {(bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>} useBundle
 * @property {(bytes: Uint8Array<ArrayBuffer>|null) => Promise<unknown>} [useCatalog]
 */
/**
 * @typedef {object} Settings
 * @property {Engine} engine
 * @property {(notice: Notice) => void} onNotice
 * @property {number} [interval] how often to look for updates, ms; 0: only when asked
 * @property {number} [patience] how long a server may keep silent, ms
 */

/**
 * Keeps the studio and its bundle up to date.
 *
 * @example
 * const updates = await Updates.start({ engine, onNotice: (notice) => show(notice) });
 * updates.editing = true;   // a photo is open: from now on nothing is exchanged
 * updates.editing = false;  // what waited is exchanged now
 */
export class Updates {
  #engine;
  #say;
  #patience;
  #editing = false;
  #stopEditing = () => {};
  #reload = false;
  #saidUnsupported = false;
  /** @type {ServiceWorkerRegistration|undefined} */
  #registration;

  /** @param {Settings} settings */
  constructor({ engine, onNotice, patience = PATIENCE_MS }) {
    this.#engine = engine;
    this.#patience = patience;
    this.#say = (/** @type {Notice} */ notice) => {
      onNotice(notice);
      return notice;
    };
  }

  /**
   * Register the service worker, put back what earlier updates brought, and look for updates now and
   * then. Never rejects: where something is missing, a notice says so.
   * @param {Settings} settings
   * @returns {Promise<Updates>}
   */
  static async start(settings) {
    const updates = new Updates(settings);
    const { interval = INTERVAL_MS } = settings;
    await updates.#register();
    await exclusively(UPDATING, () => updates.#resume());
    if (interval > 0) {
      // A population that starts together must not ask together.
      setTimeout(() => updates.check(), 2000 + Math.random() * 8000);
      setInterval(() => updates.check(), interval * (0.8 + 0.4 * Math.random()));
    }
    return updates;
  }

  /** Whether a photo is being edited in this page. */
  get editing() {
    return this.#editing;
  }

  set editing(now) {
    if (now === this.#editing) return;
    this.#editing = now;
    if (now) {
      const until = new Promise((resolve) => (this.#stopEditing = () => resolve(undefined)));
      navigator.locks?.request(EDITING, { mode: "shared" }, () => until);
    } else {
      this.#stopEditing();
      if (this.#reload) location.reload();
      else exclusively(UPDATING, () => this.#settle());
    }
  }

  /**
   * What updates brought; null where the site's own is used.
   * @returns {Promise<{bundle: Item|null, catalog: Item|null}>}
   */
  async status() {
    const { bundle, catalog } = await load();
    return { bundle: bundle.current, catalog: catalog.current };
  }

  /**
   * Look for a newer studio, bundle and catalog. Never rejects.
   * @returns {Promise<Notice>} the last of the notices it gave
   */
  async check() {
    this.#registration?.update().catch(() => {}); // offline: what is here stays
    return exclusively(UPDATING, () => this.#check().catch((error) => this.#say(refusal(error))));
  }

  /**
   * Go back to what was there before the last update, which is not taken again. Never rejects.
   * @returns {Promise<Notice>}
   */
  async rollback() {
    return exclusively(UPDATING, async () => {
      try {
        const state = await load();
        const what = state.catalog.current && !state.bundle.current ? "catalog" : "bundle";
        const kept = state[what];
        if (!kept.current) return this.#say({ kind: "current", message: "there is nothing to go back to" });
        await this.#use(what, kept.previous ? await stored(kept.previous) : null);
        kept.refused.push(kept.current.sha256);
        kept.current = kept.previous;
        kept.previous = null;
        await save(state);
        return this.#say({ kind: "rolled-back", what, message: `the ${what} from before the last update is used again` });
      } catch (error) {
        return this.#say(refusal(error));
      }
    });
  }

  /**
   * Start the newer studio that waits, unless some page edits a photo; the pages reload.
   * @returns {Promise<boolean>} whether it starts
   */
  async activate() {
    const waiting = this.#registration?.waiting;
    if (!waiting || this.#editing) return false;
    return navigator.locks.request(EDITING, { ifAvailable: true }, (lock) => {
      if (lock) waiting.postMessage("activate");
      return lock !== null;
    });
  }

  async #register() {
    const container = navigator.serviceWorker;
    /** @param {string} why */
    const unsupported = (why) =>
      this.#say({ kind: "unsupported", reason: "worker", message: `this browser keeps no copy of the studio (${why}), which needs the network each time` });
    if (!container) return unsupported("it has no service workers");
    container.addEventListener("message", (event) => this.#say(event.data));
    let controlled = container.controller !== null;
    container.addEventListener("controllerchange", () => {
      // The first version takes over a page that came from the network: the same files.
      if (controlled && !this.#editing) location.reload();
      this.#reload = controlled;
      controlled = true;
    });
    try {
      this.#registration = await container.register("/sw.js");
    } catch (error) {
      return unsupported(/** @type {Error} */ (error).message);
    }
    const registration = this.#registration;
    const ready = () => this.#say({ kind: "restart", message: "a newer studio is ready" });
    // Nothing is open yet, so this is the moment; elsewhere a photo may be.
    if (registration.waiting && container.controller && !(await this.activate())) ready();
    registration.addEventListener("updatefound", () => {
      const fresh = registration.installing;
      fresh?.addEventListener("statechange", () => {
        if (fresh.state === "installed" && container.controller) ready();
      });
    });
  }

  /** Put an earlier catalog back, and use what was waiting when the page closed. */
  async #resume() {
    try {
      const { catalog } = await load();
      if (catalog.current) await this.#use("catalog", await stored(catalog.current));
    } catch (error) {
      this.#say(refusal(error));
    }
    await this.#settle();
  }

  /** @returns {Promise<Notice>} */
  async #check() {
    const state = await load();
    const studio = JSON.parse(decode(await this.#fetch("/studio.json", 2 ** 20)));
    if (!studio.updates) return this.#say({ kind: "none", message: "this studio has no source of updates" });
    if (!(await canVerify())) {
      /** @type {Notice} */
      const notice = { kind: "unsupported", reason: "ed25519", message: "this browser cannot verify signatures, so nothing is updated" };
      if (this.#saidUnsupported) return notice;
      this.#saidUnsupported = true;
      return this.#say(notice);
    }
    if (!state.key) {
      // The first key that is seen is the one that counts: a later site cannot put its own in.
      state.key = String(studio.updates.key);
      await save(state);
    }
    const url = new URL(studio.updates.url, location.origin);
    const bytes = await this.#fetch(url, RELEASE_LIMIT);
    // After the release: its signature is published before it.
    const signatures = decode(await this.#fetch(`${url}.sig`, SIGNATURES_BYTES));
    const release = await readRelease(bytes, signatures, state.key);
    requireNotOlder(release, state.release);
    state.release = { version: release.version, sha256: release.sha256 };
    await save(state);
    requireFresh(release, new Date());
    const own = studio.files?.find((/** @type {{url: string}} */ file) => file.url === OWN_BUNDLE)?.sha256;
    let news = false;
    for (const [what, item] of /** @type {[What, Item|undefined][]} */ ([
      ["bundle", release.bundles[FEATURE]],
      ["catalog", this.#engine.useCatalog && release.catalogs[FEATURE]],
    ])) {
      const kept = state[what];
      const here = kept.current?.sha256 ?? (what === "bundle" ? own : undefined);
      if (!item || item.sha256 === here || kept.refused.includes(item.sha256)) continue;
      if (kept.pending?.sha256 !== item.sha256) {
        const bytes = await this.#fetch(new URL(`../${item.path}`, url), item.size);
        await requireItem(bytes, item);
        await keep(item, bytes);
      }
      kept.pending = item;
      kept.over = own ?? "";
      await save(state);
      news = true;
    }
    if (!news) return this.#say({ kind: "current", message: "what is here is the newest" });
    return /** @type {Promise<Notice>} */ (this.#settle());
  }

  /**
   * Use what is pending, unless a photo is edited: then it waits.
   * @returns {Promise<Notice|undefined>} the last of the notices it gave
   */
  async #settle() {
    let notice;
    const state = await load();
    for (const what of /** @type {What[]} */ (["bundle", "catalog"])) {
      const kept = state[what];
      const item = kept.pending;
      if (!item) continue;
      const version = item.version;
      if (this.#editing) {
        notice = this.#say({ kind: "pending", what, version, message: `version ${version} waits until the photo is closed` });
        continue;
      }
      kept.pending = null;
      try {
        await this.#use(what, await stored(item));
        kept.previous = kept.current;
        kept.current = item;
        await save(state);
        notice = this.#say({ kind: "updated", what, version, message: `the ${what} is now version ${version}` });
      } catch (error) {
        kept.refused.push(item.sha256);
        await save(state).catch(() => {});
        notice = this.#say(refusal(error));
      }
    }
    return notice;
  }

  /**
   * @param {What} what
   * @param {Uint8Array<ArrayBuffer>|null} bytes null: the site's own
   */
  async #use(what, bytes) {
    if (what === "catalog") await this.#engine.useCatalog?.(bytes);
    else await this.#engine.useBundle(bytes ?? (await this.#fetch(OWN_BUNDLE, 2 ** 27)));
  }

  /**
   * Fetch no more than `limit` bytes, and wait for them no longer than there is patience.
   * @param {string|URL} url
   * @param {number} limit
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   * @throws {UpdateError}
   */
  async #fetch(url, limit) {
    const control = new AbortController();
    const stop = () => control.abort();
    const whole = setTimeout(stop, 20 * this.#patience);
    let silence = setTimeout(stop, this.#patience);
    try {
      const response = await fetch(url, { cache: "no-cache", redirect: "error", signal: control.signal });
      if (!response.ok) {
        throw new UpdateError(`the server answered with status ${response.status}; what is here is kept`, "server");
      }
      /** @type {Uint8Array<ArrayBuffer>[]} */
      const chunks = [];
      let size = 0;
      const reader = response.body?.getReader();
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        clearTimeout(silence);
        silence = setTimeout(stop, this.#patience);
        size += part.value.length;
        if (size > limit) {
          throw new UpdateError(`the server sent more than the ${limit} bytes it may; what is here is kept`, "size");
        }
        chunks.push(part.value);
      }
      return new Uint8Array(await new Blob(chunks).arrayBuffer());
    } catch (error) {
      if (error instanceof UpdateError) throw error;
      throw control.signal.aborted
        ? new UpdateError("the server did not answer in time; what is here is kept", "stalled")
        : new UpdateError("the server cannot be reached; what is here is kept", "offline");
    } finally {
      clearTimeout(whole);
      clearTimeout(silence);
      control.abort();
    }
  }
}

/**
 * An error as a notice: what was there is kept.
 * @param {unknown} error
 * @returns {Notice}
 */
function refusal(error) {
  if (error instanceof DOMException && error.name === "QuotaExceededError") {
    return { kind: "kept", reason: "storage", message: "there is no room for the update; what is here is kept" };
  }
  const { message } = /** @type {Error} */ (error);
  return { kind: "kept", reason: error instanceof UpdateError ? error.code : "check", message };
}

/** @param {Uint8Array} bytes */
function decode(bytes) {
  return new TextDecoder().decode(bytes);
}

/**
 * Run `work` while no other page of this site runs something under the same name.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function exclusively(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}
