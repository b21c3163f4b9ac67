/**
 * What the studio keeps of its owner, on this device only: corrections, picks, favourites,
 * recents, membership and settings. IndexedDB holds it; where the browser refuses (private
 * windows, no space), it is kept in memory until the page closes.
 */

const STORE = "owner";
const MOST_PICKS = 1000;
const MOST_CORRECTIONS = 5000;

/** @typedef {{category: string, instead: string, bundle: string, at: number}} Correction */
/** @typedef {{preset: string, category: string, strength: number, bundle: string, at: number}} Pick */
/** @typedef {import("../engine.js").Taste} Taste */

/**
 * @typedef {object} Kept
 * @property {string[]} favourites preset ids, newest first
 * @property {string[]} recents preset ids, newest first
 * @property {Record<string, Correction>} corrections by the photo's key
 * @property {Pick[]} picks what was exported, oldest first
 * @property {Taste | null} taste what was learned from that
 * @property {boolean} membership
 * @property {boolean} panel whether the list of all presets is open
 * @property {boolean} keys whether single letters are shortcuts
 * @property {"system" | "dark" | "light"} theme
 * @property {string} language empty: the browser's
 * @property {{type: string, quality: number, gps: boolean}} output
 */

/** @returns {Kept} */
const nothing = () => ({
  favourites: [],
  recents: [],
  corrections: {},
  picks: [],
  taste: null,
  membership: false,
  panel: true,
  keys: true,
  theme: "system",
  language: "",
  output: { type: "image/jpeg", quality: 92, gps: false },
});

/**
 * The owner's store. A change is visible at once and announced as a `change` event whose detail is
 * the name; `trouble` (detail "memory" or "quota") says that it will not outlast the page.
 */
export class Owner extends EventTarget {
  /** @type {Kept} */
  #kept = nothing();
  /** @type {IDBDatabase | null} */
  #database = null;
  #troubled = false;

  /**
   * Open the store and read all of it.
   *
   * @param {IDBFactory | undefined} [factory]
   * @returns {Promise<Owner>} never rejects
   */
  static async open(factory = globalThis.indexedDB) {
    const owner = new Owner();
    try {
      owner.#database = await connect(factory);
      const store = owner.#database.transaction(STORE).objectStore(STORE);
      const names = /** @type {(keyof Kept)[]} */ (Object.keys(owner.#kept));
      const values = await Promise.all(names.map((name) => settled(store.get(name))));
      for (const [i, name] of names.entries()) {
        // A value of another kind than ours was not written by us.
        if (typeof values[i] === typeof owner.#kept[name] && values[i] !== null) {
          Object.assign(owner.#kept, { [name]: values[i] });
        }
      }
    } catch {
      owner.#database = null;
    }
    return owner;
  }

  /** Whether what is kept outlasts the page. */
  get lasting() {
    return this.#database !== null && !this.#troubled;
  }

  /**
   * @template {keyof Kept} N
   * @param {N} name
   * @returns {Readonly<Kept[N]>}
   */
  get(name) {
    return this.#kept[name];
  }

  /**
   * Change one value. The stored value is read and written in one transaction, so two pages never
   * undo each other's changes.
   *
   * @template {keyof Kept} N
   * @param {N} name
   * @param {(value: Kept[N]) => Kept[N]} change pure
   * @returns {Promise<void>} never rejects
   */
  async update(name, change) {
    this.#kept[name] = change(this.#kept[name]);
    this.dispatchEvent(new CustomEvent("change", { detail: name }));
    try {
      await this.#write(name, change);
    } catch (error) {
      const full = error instanceof DOMException && error.name === "QuotaExceededError";
      if (full && name !== "picks" && this.#kept.picks.length) {
        // Picks are the one thing that grows and can be spared.
        await this.update("picks", () => []);
        return this.update(name, (value) => value);
      }
      this.#trouble(full ? "quota" : "memory");
    }
  }

  /**
   * @template {keyof Kept} N
   * @param {N} name
   * @param {(value: Kept[N]) => Kept[N]} change
   */
  async #write(name, change) {
    if (!this.#database) throw new Error("no database");
    let transaction;
    let fresh = false;
    try {
      transaction = this.#database.transaction(STORE, "readwrite");
    } catch {
      // The browser evicted the database under us: begin it anew with what we hold.
      fresh = true;
      this.#database = await connect(globalThis.indexedDB);
      transaction = this.#database.transaction(STORE, "readwrite");
      for (const [key, value] of Object.entries(this.#kept)) {
        transaction.objectStore(STORE).put(value, key);
      }
    }
    const done = finished(transaction);
    const store = transaction.objectStore(STORE);
    const stored = fresh ? undefined : await settled(store.get(name));
    if (stored !== undefined) this.#kept[name] = change(stored);
    store.put(this.#kept[name], name);
    await done;
  }

  /** @param {string} kind */
  #trouble(kind) {
    if (this.#troubled) return;
    this.#troubled = true;
    this.dispatchEvent(new CustomEvent("trouble", { detail: kind }));
  }

  /**
   * Make a preset a favourite, or no longer one.
   *
   * @param {string} preset
   * @returns {boolean} whether it is one now
   */
  toggleFavourite(preset) {
    const adding = !this.#kept.favourites.includes(preset);
    void this.update("favourites", (ids) => {
      const others = ids.filter((id) => id !== preset);
      return adding ? [preset, ...others] : others;
    });
    return adding;
  }

  /** @param {string} preset */
  used(preset) {
    const others = (/** @type {string[]} */ ids) => ids.filter((id) => id !== preset);
    void this.update("recents", (ids) => [preset, ...others(ids)].slice(0, 24));
  }

  /**
   * Remember what the owner says a photo is; null forgets it.
   *
   * @param {string} photo its key
   * @param {Correction | null} correction
   */
  correct(photo, correction) {
    void this.update("corrections", (all) => {
      const others = Object.entries(all).filter(([key]) => key !== photo);
      if (correction) others.push([photo, correction]);
      return Object.fromEntries(others.slice(-MOST_CORRECTIONS));
    });
  }

  /** @param {Pick} pick */
  picked(pick) {
    void this.update("picks", (picks) => [...picks, pick].slice(-MOST_PICKS));
  }

  /**
   * Change what was learned of the owner. Pages take turns, so that none loses what another learned.
   *
   * @param {(taste: Taste | null) => Promise<Taste | null>} change
   * @returns {Promise<Taste | null>}
   */
  async learn(change) {
    const turn = async () => {
      await this.#renew("taste");
      const taste = await change(this.#kept.taste);
      if (taste !== this.#kept.taste) await this.update("taste", () => taste);
      return taste;
    };
    return (await navigator.locks?.request("homebody-taste", turn)) ?? (navigator.locks ? null : turn());
  }

  /** Read what another page may have written. @param {keyof Kept} name */
  async #renew(name) {
    try {
      const store = this.#database?.transaction(STORE).objectStore(STORE);
      const stored = store && (await settled(store.get(name)));
      if (stored !== undefined) Object.assign(this.#kept, { [name]: stored });
    } catch {
      // What this page knows has to do.
    }
  }

  /** Forget everything but membership, theme and language. */
  async forget() {
    const fresh = nothing();
    for (const name of /** @type {(keyof Kept)[]} */ (Object.keys(fresh))) {
      if (["membership", "theme", "language"].includes(name)) continue;
      await this.update(name, () => fresh[name]);
    }
  }
}

/**
 * @param {IDBFactory | undefined} factory
 * @returns {Promise<IDBDatabase>}
 */
async function connect(factory) {
  if (!factory) throw new Error("no IndexedDB");
  const request = factory.open("homebody", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  const database = await settled(request);
  // Another page brings a newer form: let it.
  database.onversionchange = () => database.close();
  return database;
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransaction} transaction
 * @returns {Promise<void>}
 */
function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}
