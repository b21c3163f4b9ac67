/**
 * The page's side of the engine: everything heavy is done by workers.
 *
 * @example
 * const engine = await Engine.start({ base: new URL("/", location.href) });
 * const { id, preview } = await engine.open(file);
 * const answer = await engine.suggest(id);
 * for await (const { preset, bitmap } of answer.thumbnails) show(preset, bitmap);
 * @module
 */

import { EngineError } from "./errors.js";
import { requireSimd } from "./kernels/module.js";
import { subtle } from "./sha256.js";
import { unwired } from "./engine/wire.js";

/** @import {Catalog} from "./catalog.js" */
/** @import {Answer, BundleIdentity} from "./feature.js" */
/** @import {Report} from "./feature/checking.js" */
/** @import {Scores} from "./pipeline.js" */
/** @import {Reply} from "./engine/wire.js" */
/** @import {Choice} from "./preference.js" */
/** @typedef {{preset: string, bitmap: ImageBitmap}} Thumbnail */
/** What was learned of an owner: a file's bytes, from how many choices, on which bundle. @typedef {{bytes: Uint8Array<ArrayBuffer>, learned: number, base: string}} Taste */
/**
 * @typedef {{catalog: Pick<Catalog, "version" | "families" | "presets" | "categories">, bundle:
 *   BundleIdentity}} Ready
 */
/**
 * @typedef {{id: number, name: string, format: string, width: number, height: number, hasGps: boolean,
 *   preview: ImageBitmap}} Opened
 */
/**
 * @typedef {{resolve: (value: any) => void, reject: (error: Error) => void, onPart?: (part: any) =>
 *   void}} Waiting
 */
/**
 * @typedef {{arguments: any[], resolve: (bitmap: ImageBitmap) => void, reject: (error: Error) => void}}
 *   Rendering
 */

/** Longer side of a thumbnail, in pixels, unless another is asked for. */
const THUMBNAIL_SIDE = 320;

/** How long the screen waits for somebody to ask for the thumbnails of an answer, ms. */
const PATIENCE = 50;

/** The engine, started. Every call may reject with a HomebodyError. */
export class Engine {
  #base;
  #worker;
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #lastId = 0;
  /** @type {EngineError | null} */
  #broken = null;
  /** @type {Rendering | null} */
  #next = null;
  #rendering = false;
  /** Suggestions in the making, and what resolves when there are none. */
  #suggesting = 0;
  #calm = Promise.resolve();
  #calmed = () => {};

  /** @param {URL} base @param {Worker} worker */
  constructor(base, worker) {
    this.#base = base;
    this.#worker = worker;
    /** What is in use now. @type {Ready} */
    this.ready = /** @type {any} */ (null);
    worker.addEventListener("message", ({ data }) => this.#receive(data));
    const stop = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#stop();
    };
    worker.addEventListener("error", stop);
    worker.addEventListener("messageerror", stop);
  }

  /**
   * Start the engine with the bundle that the site names.
   *
   * @param {{base: URL | string}} options the site's root
   * @returns {Promise<Engine>}
   * @throws {import("./errors.js").UnsupportedBrowserError} this browser is too old
   */
  static async start({ base }) {
    requireSimd();
    subtle();
    const root = new URL(base, globalThis.location?.href);
    const engine = new Engine(root, new Worker(new URL("engine.worker.js", root), { name: "homebody" }));
    try {
      engine.ready = await engine.#call("start", [root.href]);
    } catch (error) {
      engine.terminate();
      throw error;
    }
    return engine;
  }

  /**
   * Open a photo: decoded at a small scale; its full pixels only when it is exported.
   *
   * @param {Blob | File} file
   * @returns {Promise<Opened>}
   */
  async open(file) {
    const opened = await this.#call("open", [file]);
    return { ...opened, name: "name" in file ? file.name : "" };
  }

  /**
   * What suits a photo. The thumbnails are rendered as they are asked for, or ahead of that.
   *
   * @param {number} id
   * @param {{count?: number, tierMix?: [number, number], member?: boolean, category?: string,
   *   taste?: Uint8Array | null, side?: number, ahead?: boolean}} [options] category: the owner's
   *   correction, whose list then leads; taste: what was learned of the owner; on another bundle it does
   *   not count; ahead: render the thumbnails at once, while the page is busy with the answer
   * @returns {Promise<Answer & {scores: Scores, thumbnails: AsyncGenerator<Thumbnail>}>}
   */
  async suggest(id, { category, side, ahead, ...wish } = {}) {
    const ended = this.#hold();
    try {
      const answering = this.#call("suggest", [id, category === undefined ? wish : { ...wish, lead: category }]);
      const begun = ahead ? this.#begin(id, null, side, ended) : null; // of what that call will answer
      const answer = await answering;
      if (begun) return { ...answer, thumbnails: this.#taken(begun) };
      const presets = answer.presets.map((/** @type {{id: string}} */ { id }) => id);
      const unasked = setTimeout(ended, PATIENCE);
      const asked = () => clearTimeout(unasked);
      return { ...answer, thumbnails: this.#thumbnails(id, presets, side, asked, ended) };
    } catch (error) {
      ended();
      throw error;
    }
  }

  /**
   * Learn from what the owner picked for a photo.
   *
   * @param {number} id
   * @param {Uint8Array | null} taste what was learned before, on this bundle
   * @param {Choice} choice
   * @returns {Promise<Taste>} what is known now
   */
  learn(id, taste, choice) {
    return this.#call("learn", [id, taste, choice]);
  }

  /**
   * Verify what was learned of an owner elsewhere, or on another bundle, and take it along to this one.
   *
   * @param {Uint8Array} taste
   * @returns {Promise<Taste>}
   * @throws {import("./errors.js").OwnerStateError} it is no owner state
   */
  carryOver(taste) {
    return this.#call("carryOver", [taste]);
  }

  /**
   * Let the screen wait: what suits a photo is wanted before its larger decoding, which takes longer.
   *
   * @returns {() => void} ends that
   */
  #hold() {
    if (this.#suggesting++ === 0) this.#calm = new Promise((resolve) => { this.#calmed = resolve; });
    let ended = false;
    return () => {
      if (!ended && --this.#suggesting === 0) this.#calmed();
      ended = true;
    };
  }

  /**
   * Small renderings of a photo, as they become ready. Whoever stops asking stops them.
   *
   * @param {number} id
   * @param {string[]} presets
   * @param {{side?: number}} [options] the longer side, in pixels
   * @returns {AsyncGenerator<Thumbnail>}
   */
  thumbnails(id, presets, { side } = {}) {
    return this.#thumbnails(id, presets, side);
  }

  /**
   * @param {number} id
   * @param {string[]} presets
   * @param {number} [side]
   * @param {() => void} [onStart]
   * @param {() => void} [onEnd] when all are rendered, whoever takes them
   * @returns {AsyncGenerator<Thumbnail>}
   */
  async *#thumbnails(id, presets, side, onStart, onEnd) {
    onStart?.();
    yield* this.#taken(this.#begin(id, presets, side, onEnd));
  }

  /**
   * Have thumbnails rendered from now on.
   *
   * @param {number} id
   * @param {string[] | null} presets null: those that the suggestion asked for just before will answer
   * @param {number} [side]
   * @param {() => void} [onEnd]
   */
  #begin(id, presets, side = THUMBNAIL_SIDE, onEnd) {
    /** @type {Thumbnail[]} */
    const ready = [];
    let wake = () => {}, ended = false;
    /** @type {Error | null} */
    let failed = null;
    const call = this.#lastId + 1;
    this.#call("thumbnails", [id, presets, side], (part) => {
      if (ended) part.bitmap.close();
      else ready.push(part);
      wake();
    }).catch((error) => { failed = error; }).finally(() => {
      ended = true;
      onEnd?.();
      wake();
    });
    return {
      /** The next one; null after the last. @returns {Promise<Thumbnail | null>} */
      next: async () => {
        for (;;) {
          const next = ready.shift();
          if (next) return next;
          if (failed) throw failed;
          if (ended) return null;
          await new Promise((/** @type {(value?: undefined) => void} */ resolve) => { wake = resolve; });
        }
      },
      /** No more are wanted. */
      stop: () => {
        if (!ended) this.#worker.postMessage({ id: call, cancel: true });
        ended = true;
        for (const { bitmap } of ready.splice(0)) bitmap.close();
      },
    };
  }

  /**
   * What was begun, one by one. Whoever stops asking, even before the first, stops it.
   *
   * @param {{next: () => Promise<Thumbnail | null>, stop: () => void}} begun
   * @returns {AsyncGenerator<Thumbnail>}
   */
  #taken({ next, stop }) {
    const taken = (async function* () {
      try {
        for (let one = await next(); one; one = await next()) yield one;
      } finally {
        stop();
      }
    })();
    const end = taken.return.bind(taken);
    taken.return = (/** @type {any} */ value) => {
      stop();
      return end(value);
    };
    return taken;
  }

  /**
   * A photo with a preset, for the screen. The newest call wins: one that waits behind another
   * rejects with the code "superseded" when a newer one comes.
   *
   * @param {number} id
   * @param {string | null} preset null: the original
   * @param {number} strength 0 to 100
   * @param {{maxSide: number}} options the longer side, in pixels; a photo never grows
   * @returns {Promise<ImageBitmap>}
   */
  render(id, preset, strength, { maxSide }) {
    this.#next?.reject(new EngineError("a newer rendering was asked for", "superseded"));
    return new Promise((resolve, reject) => {
      this.#next = { arguments: [id, preset, strength, maxSide], resolve, reject };
      void this.#renderNext();
    });
  }

  async #renderNext() {
    if (this.#rendering) return;
    this.#rendering = true;
    await new Promise((resolve) => setTimeout(resolve)); // what is asked in the same breath may be a suggestion
    while (this.#next) {
      await this.#calm;
      const now = this.#next;
      this.#next = null;
      await this.#call("render", now.arguments).then(now.resolve, now.reject);
    }
    this.#rendering = false;
  }

  /**
   * Run the bundle's samples in this browser.
   *
   * @param {(progress: {done: number, total: number}) => void} [onProgress]
   * @returns {Promise<Report>}
   */
  check(onProgress) {
    return this.#call("check", [], onProgress);
  }

  /**
   * A photo at full size with a preset, as a file.
   *
   * @param {number} id
   * @param {string | null} preset null: the original's pixels
   * @param {number} strength 0 to 100
   * @param {{type?: string, quality?: number, gps?: boolean, signal?: AbortSignal}} [options] gps:
   *   whether the place where it was taken stays in the file
   * @param {(share: number) => void} [onProgress] 0 to 1
   * @returns {Promise<Blob>}
   */
  async export(id, preset, strength, { signal, ...options } = {}, onProgress) {
    const source = await this.#call("source", [id, preset]);
    signal?.throwIfAborted();
    const worker = new Worker(new URL("export.worker.js", this.#base), { name: "homebody-export", type: "module" });
    try {
      return await new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        worker.addEventListener("message", ({ data: { value, part, error } }) => {
          if (part !== undefined) onProgress?.(part);
          else if (error) reject(unwired(error));
          else resolve(value);
        });
        const stop = (/** @type {Event} */ event) => {
          event.preventDefault();
          reject(new EngineError(
            "the export has stopped, as when memory runs out; close other photos and try again", "stopped"));
        };
        worker.addEventListener("error", stop);
        worker.addEventListener("messageerror", stop);
        worker.postMessage({ ...source, strength, options });
      });
    } finally {
      worker.terminate();
    }
  }

  /** Let go of a photo. @param {number} id @returns {Promise<void>} */
  close(id) {
    return this.#call("close", [id]);
  }

  /**
   * Use another bundle from the next photo on; it is verified and checked first, and photos that are
   * open keep theirs.
   *
   * @param {Uint8Array} bytes
   * @returns {Promise<void>}
   * @throws {import("./errors.js").HomebodyError} it is refused; the one before it stays
   */
  async useBundle(bytes) {
    this.ready = await this.#call("useBundle", [bytes]);
  }

  /**
   * Use another catalog from the next photo on.
   *
   * @param {Uint8Array | null} bytes null: the bundle's own
   * @returns {Promise<void>}
   * @throws {import("./errors.js").CatalogError} it is malformed; the one before it stays
   */
  async useCatalog(bytes) {
    this.ready = await this.#call("useCatalog", [bytes]);
  }

  /** End the workers; every call that waits rejects. */
  terminate() {
    this.#worker.terminate();
    this.#stop();
  }

  /**
   * @param {string} method
   * @param {any[]} args
   * @param {(part: any) => void} [onPart]
   * @returns {Promise<any>}
   */
  #call(method, args, onPart) {
    if (this.#broken) return Promise.reject(this.#broken);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onPart });
      this.#worker.postMessage({ id, method, args });
    });
  }

  /** @param {Reply} reply */
  #receive({ id, value, part, error }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (part !== undefined) {
      waiting.onPart?.(part);
      return;
    }
    this.#waiting.delete(id);
    if (error) waiting.reject(unwired(error));
    else waiting.resolve(value);
  }

  #stop() {
    this.#broken ??= new EngineError("the engine has stopped, as when memory runs out; load the page again", "stopped");
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }
}
