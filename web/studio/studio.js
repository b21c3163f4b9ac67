/**
 * What is open in the studio and what has been done to it. Elements show it and listen; nothing
 * here touches the page.
 *
 * Events: `photos` (the list), `photo` (another one is current, or its size is known), `answer`,
 * `catalog` (other presets are there), `taste` (detail: "first", "carried" or "lost"), `thumbnail` (detail: preset id), `suggested` (all thumbnails are there), `edit`, `preview`, `trouble` (detail: an error), `restart`.
 */

import { NotAnImageError } from "../errors.js";

/** @typedef {import("../engine.js").Engine} Engine */
/** @typedef {import("./owner.js").Owner} Owner */
/** @typedef {{id: string, name: string, tier: "free" | "member", family: string, description: string}} Preset */
/** @typedef {{id: string, name: string, description: string}} Family */
/** @typedef {{id: string, name: string, kind: string}} Category */
/** @typedef {{id: string, name: string, tier: "free" | "member", family: string, reason: string, category: string}} Suggested */
/** @typedef {{preset: string | null, strength: number, category: string | null}} Edit */

/**
 * @typedef {object} Answer
 * @property {{id: string, name: string, confidence: number}} category
 * @property {{id: string, confidence: number}[]} [categories]
 * @property {Suggested[]} presets
 * @property {string[]} notes
 */

/**
 * @typedef {object} OpenPhoto
 * @property {File} file
 * @property {string} key names the photo's content; empty until it was read
 * @property {Promise<Info> | null} opening
 * @property {Info | null} info null until it was opened
 * @property {ImageBitmap | null} preview
 * @property {unknown} failure why it cannot be opened
 * @property {number} stops how often the engine has stopped over it
 * @property {Edit} edit
 * @property {Edit | null} before where a change that is going on began
 * @property {Edit[]} past
 * @property {Edit[]} future
 * @property {Answer | null} answer
 * @property {boolean} unsuggested no answer can be had
 * @property {Map<string, ImageBitmap>} thumbnails of the suggested presets
 */

/** @typedef {{id: any, format: string, width: number, height: number, hasGps: boolean}} Info */

/** Photos that the engine holds at once; others are opened again when they are wanted. */
const HELD = 4;
const MOST_PHOTOS = 1000;

/** @type {Edit} */
const UNTOUCHED = { preset: null, strength: 100, category: null };

export class Studio extends EventTarget {
  /** @type {OpenPhoto[]} */
  photos = [];
  /** @type {OpenPhoto | null} */
  photo = null;
  /** The preset under the pointer or the focus, shown until it leaves. @type {string | null} */
  previewed = null;
  /** @type {Map<string, Preset>} */
  presets = new Map();
  /** @type {Family[]} */
  families = [];
  /** @type {Category[]} */
  categories = [];
  /** @type {OpenPhoto[]} those that the engine holds, longest unused first */
  #held = [];

  /**
   * @param {Promise<Engine>} starting photos are taken meanwhile, and wait for it
   * @param {Owner} owner
   * @param {() => Promise<Engine>} start another one, when this one dies
   */
  constructor(starting, owner, start) {
    super();
    this.start = start;
    this.owner = owner;
    /** There once it has `begun`. */
    this.engine = /** @type {Engine} */ (/** @type {unknown} */ (null));
    this.begun = starting.then((engine) => this.adopt(engine));
  }

  /**
   * Work with this engine and its catalog from now on: at the start, and after another has died.
   *
   * @param {Engine} engine
   */
  adopt(engine) {
    const first = !this.engine;
    this.engine = engine;
    const { catalog } = engine.ready;
    this.presets = new Map(catalog.presets.map((/** @type {Preset} */ one) => [one.id, one]));
    this.families = catalog.families;
    this.categories = catalog.categories;
    this.#tell("catalog");
    if (first) return;
    this.#held = [];
    for (const photo of this.photos) {
      photo.opening = null;
      forgetAnswer(photo);
      if (photo.edit.preset && !this.presets.has(photo.edit.preset)) photo.edit = UNTOUCHED;
    }
    if (!this.photo) return;
    if (this.photo.failure) this.#tell("photo");
    else void this.select(this.photo);
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** The edit that is to be seen: the previewed preset, or what was chosen. */
  get shown() {
    const edit = this.photo?.edit ?? UNTOUCHED;
    if (!this.previewed) return edit;
    const strength = this.previewed === edit.preset ? edit.strength : 100;
    return { ...edit, preset: this.previewed, strength };
  }

  /** Whether the current photo has its suggestions, painted: nothing else is as urgent. */
  get suggested() {
    return !this.photo || this.photo.unsuggested || painted(this.photo);
  }

  /**
   * Whether a preset may be exported.
   *
   * @param {string | null} preset
   */
  allowed(preset) {
    return !preset || this.owner.get("membership") || this.presets.get(preset)?.tier !== "member";
  }

  /**
   * Open more photos; the first of them becomes the current one.
   *
   * @param {File[]} files
   * @returns {number} how many were left out because there are too many
   */
  add(files) {
    const taken = files.slice(0, MOST_PHOTOS - this.photos.length);
    /** @type {OpenPhoto[]} */
    const fresh = taken.map((file) => ({
      file,
      key: "",
      opening: null,
      info: null,
      preview: null,
      failure: null,
      stops: 0,
      edit: UNTOUCHED,
      before: null,
      past: [],
      future: [],
      answer: null,
      unsuggested: false,
      thumbnails: new Map(),
    }));
    this.photos = [...this.photos, ...fresh];
    this.#tell("photos");
    if (fresh[0]) void this.select(fresh[0]);
    return files.length - taken.length;
  }

  /**
   * Make a photo the current one and ask what suits it.
   *
   * @param {OpenPhoto} photo
   */
  async select(photo) {
    const left = this.photo;
    this.photo = photo;
    this.previewed = null;
    // What was not painted to the end begins anew when the photo comes back.
    if (left && left !== photo && !painted(left)) forgetAnswer(left);
    this.#tell("photo");
    try {
      await this.open(photo);
      if (this.photo !== photo) return;
      // The engine is asked before the page shows anything: both work at once.
      const suggesting = photo.answer ? null : this.#suggest(photo);
      this.#tell("photo");
      await suggesting;
    } catch (error) {
      if (this.photo !== photo || this.#revive(error)) return;
      if (!photo.failure) {
        // Without suggestions all presets are still there.
        photo.unsuggested = true;
        this.#tell("trouble", error);
        this.#tell("suggested");
      } else if (this.photos.length === 1) {
        // A photo alone that cannot be opened leaves nothing to stand on.
        this.close(photo);
        this.#tell("trouble", error);
      }
      this.#tell("photos");
      this.#tell("photo");
    }
  }

  /**
   * Say what went wrong; where the engine has stopped, begin another.
   *
   * @param {unknown} error
   */
  fail(error) {
    if (!this.#revive(error)) this.#tell("trouble", error);
  }

  /**
   * Start the engine anew if that is what is wrong. A photo that stops it twice is not tried again.
   *
   * @param {unknown} error
   * @returns {boolean} whether it is being started
   */
  #revive(error) {
    const photo = this.photo;
    if (/** @type {any} */ (error)?.code !== "stopped" || !photo) return false;
    if (this.#starting) return true;
    photo.stops += 1;
    if (photo.stops > 1) photo.failure = error;
    this.#starting = this.start().then(
      (engine) => {
        this.#starting = null;
        this.adopt(engine);
        this.#tell("restart");
      },
      (problem) => {
        this.#starting = null;
        this.#tell("trouble", problem);
      },
    );
    return true;
  }

  /** @type {Promise<void> | null} */
  #starting = null;

  /**
   * Have the engine hold a photo.
   *
   * @param {OpenPhoto} photo
   * @returns {Promise<Info>}
   */
  open(photo) {
    this.#held = [...this.#held.filter((one) => one !== photo), photo];
    photo.opening ??= this.#read(photo);
    while (this.#held.length > HELD) {
      const idle = this.#held.findIndex((one) => one !== this.photo && one !== photo);
      if (idle < 0) break;
      const [left] = this.#held.splice(idle, 1);
      if (left) this.#letGo(left);
    }
    return photo.opening;
  }

  /** @param {OpenPhoto} photo */
  #letGo(photo) {
    photo.opening?.then((info) => this.engine.close(info.id)).catch(() => {});
    photo.opening = null;
    photo.preview = null;
    forgetAnswer(photo);
  }

  /**
   * @param {OpenPhoto} photo
   * @returns {Promise<Info>}
   */
  async #read(photo) {
    await this.begun;
    try {
      const [{ preview, ...info }, key] = await Promise.all([
        this.engine.open(photo.file),
        photo.key || photoKey(photo.file),
      ]);
      const kept = photo.key ? null : this.owner.get("corrections")[key];
      if (kept) photo.edit = { ...photo.edit, category: kept.category };
      Object.assign(photo, { key, info, preview, failure: null });
      this.#tell("photos");
      return info;
    } catch (error) {
      photo.opening = null;
      const heic = /** @type {any} */ (error)?.code !== "stopped" && (await isHeic(photo.file));
      throw (photo.failure = heic ? new NotAnImageError(`${error}`, "heic") : error);
    }
  }

  /**
   * What suits a photo.
   *
   * @param {OpenPhoto} photo
   * @returns {Promise<any>} an answer, with its thumbnails
   */
  async #ask(photo) {
    const { id } = await this.open(photo);
    const { category } = photo.edit;
    const member = this.owner.get("membership");
    const taste = await this.#taste();
    return this.engine.suggest(id, { member, taste, ...(category ? { category } : {}) });
  }

  /** What was learned of the owner, for the bundle in use: said where it is taken along to that. */
  async #taste() {
    const taste = this.owner.get("taste");
    if (!taste) return null;
    if (taste.base === this.engine.ready.bundle.sha256) return taste.bytes;
    return this.useTaste(taste.bytes).then(
      (known) => {
        this.#tell("taste", "carried");
        return known.bytes;
      },
      async () => {
        await this.owner.update("taste", () => null);
        this.#tell("taste", "lost");
        return null;
      },
    );
  }

  /**
   * Suggest from now on what the owner likes as this file says.
   *
   * @param {Uint8Array} bytes
   * @returns {Promise<import("./owner.js").Taste>}
   * @throws {import("../errors.js").OwnerStateError} it is no such file
   */
  async useTaste(bytes) {
    const taste = await this.engine.carryOver(bytes);
    await this.owner.update("taste", () => taste);
    return taste;
  }

  /** Forget what was learned of the owner; the next six are everyone's again. */
  async forgetTaste() {
    await this.owner.update("taste", () => null);
    this.suggestAnew();
  }

  /**
   * Learn from an export: of the six that were shown, or of all presets, this one was taken.
   *
   * @param {OpenPhoto} photo
   * @param {string} picked
   */
  async #learn(photo, picked) {
    if (!photo.answer) return;
    const shown = photo.answer.presets.map(({ id }) => id);
    const { category } = photo.edit;
    const choice = { shown, picked, photo: photo.key, ...(category ? { category } : {}) };
    const { id } = await this.open(photo);
    const before = this.owner.get("taste")?.learned ?? 0;
    await this.#taste(); // taken along, if need be
    const now = await this.owner.learn((taste) =>
      this.engine.learn(id, taste?.bytes ?? null, choice),
    );
    // The photo that is being looked at keeps its six; the others are asked anew.
    for (const other of this.photos) if (other !== this.photo) forgetAnswer(other);
    if (now && before === 0) this.#tell("taste", "first");
  }

  /** @param {OpenPhoto} photo */
  async #suggest(photo) {
    const { category } = photo.edit;
    const answer = await this.#ask(photo);
    if (photo.edit.category !== category || this.photo !== photo) return;
    forgetAnswer(photo);
    photo.answer = answer;
    this.#tell("answer");
    for await (const { preset, bitmap } of answer.thumbnails) {
      if (photo.answer !== answer) return bitmap.close();
      photo.thumbnails.set(preset, bitmap);
      this.#tell("thumbnail", preset);
    }
    this.#tell("suggested");
  }

  /** Ask anew for all photos, as when membership changes. */
  suggestAnew() {
    for (const photo of this.photos) forgetAnswer(photo);
    if (this.photo) void this.select(this.photo);
  }

  /**
   * Close a photo; the one beside it becomes the current one.
   *
   * @param {OpenPhoto} photo
   * @returns {() => void} opens it again, with its edit
   */
  close(photo) {
    const at = this.photos.indexOf(photo);
    this.photos = this.photos.filter((one) => one !== photo);
    this.#held = this.#held.filter((one) => one !== photo);
    this.#letGo(photo);
    if (this.photo === photo) {
      const next = this.photos[Math.min(at, this.photos.length - 1)];
      if (next) void this.select(next);
      else this.photo = null;
    }
    this.#tell("photos");
    this.#tell("photo");
    return () => {
      this.photos = this.photos.toSpliced(at, 0, photo);
      this.#tell("photos");
      void this.select(photo);
    };
  }

  /**
   * Show a preset without choosing it; null shows what is chosen.
   *
   * @param {string | null} preset
   */
  preview(preset) {
    if (this.previewed === preset) return;
    this.previewed = preset;
    this.#tell("preview");
  }

  /**
   * Change the current photo's edit.
   *
   * @param {Partial<Edit>} change
   * @param {boolean} [going] more of the same gesture will follow; undo takes it back as one
   */
  set(change, going = false) {
    const photo = this.photo;
    if (!photo?.info) return;
    const began = (photo.before ??= photo.edit);
    photo.edit = { ...photo.edit, ...change };
    this.previewed = null;
    if (!going) {
      photo.before = null;
      if (JSON.stringify(began) !== JSON.stringify(photo.edit)) {
        photo.past = [...photo.past, began].slice(-200);
        photo.future = [];
      }
      if (change.preset) this.owner.used(change.preset);
    }
    this.#changed(photo, began);
  }

  /** @param {OpenPhoto} photo @param {Edit} from */
  #changed(photo, from) {
    this.#tell("edit");
    if (from.category === photo.edit.category) return;
    const { category } = photo.edit;
    const instead = photo.answer?.category.id ?? "";
    const bundle = this.engine.ready.bundle.sha256;
    const at = Date.now();
    if (photo.key)
      this.owner.correct(photo.key, category ? { category, instead, bundle, at } : null);
    this.#suggest(photo).catch((error) => this.fail(error));
  }

  /** Take the last change back. @returns {boolean} whether there was one */
  undo() {
    return this.#step("past", "future");
  }

  /** Bring back what undo took. @returns {boolean} whether there was something */
  redo() {
    return this.#step("future", "past");
  }

  /** @param {"past" | "future"} from @param {"past" | "future"} to */
  #step(from, to) {
    const photo = this.photo;
    const edit = photo?.[from].at(-1);
    if (!photo || !edit) return false;
    const left = photo.edit;
    photo[from] = photo[from].slice(0, -1);
    photo[to] = [...photo[to], left];
    photo.edit = edit;
    this.previewed = null;
    this.#changed(photo, left);
    return true;
  }

  /**
   * Give every open photo an edit's preset and strength.
   *
   * @param {Edit} edit
   * @returns {() => void} takes it back
   */
  applyToAll({ preset, strength }) {
    return this.#editAll(new Map(this.photos.map((photo) => [photo, { preset, strength }])));
  }

  /**
   * Give every open photo the first preset that suits it and may be exported.
   *
   * @param {(share: number) => void} onProgress 0..1
   * @param {AbortSignal} signal
   * @returns {Promise<() => void>} takes it back
   */
  async applySuggested(onProgress, signal) {
    /** @type {Map<OpenPhoto, Partial<Edit>>} */
    const edits = new Map();
    for (const [i, photo] of this.photos.entries()) {
      onProgress(i / this.photos.length);
      const answer = photo.failure ? null : (photo.answer ?? (await this.#ask(photo)));
      signal.throwIfAborted();
      const first = answer?.presets.find((/** @type {Suggested} */ one) => this.allowed(one.id));
      if (first) edits.set(photo, { preset: first.id, strength: 100 });
    }
    return this.#editAll(edits);
  }

  /** @param {Map<OpenPhoto, Partial<Edit>>} edits */
  #editAll(edits) {
    const before = [...edits.keys()].map(({ edit, past, future }) => ({ edit, past, future }));
    for (const [photo, edit] of edits) {
      photo.past = [...photo.past, photo.edit];
      photo.future = [];
      photo.edit = { ...photo.edit, ...edit };
    }
    this.#tell("edit");
    return () => {
      for (const [i, photo] of [...edits.keys()].entries()) Object.assign(photo, before[i]);
      this.#tell("edit");
    };
  }

  /**
   * A photo at full size, with its edit.
   *
   * @param {OpenPhoto} photo
   * @param {{type: string, quality: number, gps: boolean}} output
   * @param {(share: number) => void} onProgress 0..1
   * @param {AbortSignal} signal
   * @returns {Promise<Blob>}
   */
  async export(photo, output, onProgress, signal) {
    const { preset, strength } = photo.edit;
    const { id } = await this.open(photo);
    signal.throwIfAborted();
    const blob = await this.engine.export(id, preset, strength, { ...output, signal }, onProgress);
    signal.throwIfAborted();
    if (preset) {
      const category = photo.edit.category ?? photo.answer?.category.id ?? "";
      const bundle = this.engine.ready.bundle.sha256;
      this.owner.picked({ preset, category, strength, bundle, at: Date.now() });
      // An export is done whether or not anything can be learned from it.
      await this.#learn(photo, preset).catch(() => {});
    }
    return blob;
  }
}

/** Whether the suggestions are there, each with its picture. @param {OpenPhoto} photo */
function painted({ answer, thumbnails }) {
  return answer !== null && answer.presets.length === thumbnails.size;
}

/** @param {OpenPhoto} photo */
function forgetAnswer(photo) {
  for (const bitmap of photo.thumbnails.values()) bitmap.close();
  photo.answer = null;
  photo.unsuggested = false;
  photo.thumbnails = new Map();
}

/**
 * A name for the photo's content: SHA-256 over its length and first 64 KiB, so that a photo is
 * known again under another file name and no photo is read twice for it.
 *
 * @param {Blob} file
 * @returns {Promise<string>} 32 hexadecimal digits; empty where the browser has no WebCrypto
 */
export async function photoKey(file) {
  if (!globalThis.crypto?.subtle) return "";
  const start = await new Blob([`${file.size}:`, file.slice(0, 65536)]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", start));
  return Array.from(digest.slice(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Whether a file is a HEIC photo by its first bytes, whatever it is called (ISO 23008-12).
 *
 * @param {Blob} file
 */
async function isHeic(file) {
  const start = await file
    .slice(4, 12)
    .text()
    .catch(() => "");
  return /^ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)/.test(start);
}
