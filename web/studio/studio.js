/**
 * What is open in the studio and what has been done to it. Elements show it and listen; nothing
 * here touches the page.
 *
 * Events: `photos` (the list), `photo` (another one is current, or its size is known), `answer`,
 * `catalog` (other presets are there), `taste` (detail: "first", "carried" or "lost"), `thumbnail` (detail: preset id), `suggested` (all thumbnails are there), `edit`, `preview`, `trouble` (detail: an error), `restart`.
 */

import { NotAnImageError } from "../errors.js";
import { change, changeAll, step } from "./history.js";
import { forgetAnswer, isHeic, openPhoto, painted, photoKey, UNTOUCHED } from "./photo.js";
import { known } from "./taste.js";

/** @typedef {import("../engine.js").Engine} Engine */
/** @typedef {import("./owner.js").Owner} Owner */
/** @typedef {import("./photo.js").Edit} Edit */
/** @typedef {import("./photo.js").Info} Info */
/** @typedef {import("./photo.js").OpenPhoto} OpenPhoto */
/** @typedef {import("./photo.js").Suggested} Suggested */
/** @typedef {{id: string, name: string, tier: "free" | "member", family: string, description: string}} Preset */
/** @typedef {{id: string, name: string, description: string}} Family */
/** @typedef {{id: string, name: string, kind: string}} Category */

/** Photos that the engine holds at once; others are opened again when they are wanted. */
const HELD = 4;
const MOST_PHOTOS = 1000;

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
    this.tell("catalog");
    if (first) return;
    this.#held = [];
    for (const photo of this.photos) {
      photo.opening = null;
      forgetAnswer(photo);
      if (photo.edit.preset && !this.presets.has(photo.edit.preset)) photo.edit = UNTOUCHED;
    }
    if (!this.photo) return;
    if (this.photo.failure) this.tell("photo");
    else void this.select(this.photo);
  }

  /**
   * Announce an event.
   *
   * @param {string} type
   * @param {unknown} [detail]
   */
  tell(type, detail) {
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
    const fresh = taken.map(openPhoto);
    this.photos = [...this.photos, ...fresh];
    this.tell("photos");
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
    this.tell("photo");
    try {
      await this.open(photo);
      if (this.photo !== photo) return;
      // The engine is asked before the page shows anything: both work at once.
      const suggesting = photo.answer ? null : this.#suggest(photo);
      this.tell("photo");
      await suggesting;
    } catch (error) {
      if (this.photo !== photo || this.#revive(error)) return;
      if (!photo.failure) {
        // Without suggestions all presets are still there.
        photo.unsuggested = true;
        this.tell("trouble", error);
        this.tell("suggested");
      } else if (this.photos.length === 1) {
        // A photo alone that cannot be opened leaves nothing to stand on.
        this.close(photo);
        this.tell("trouble", error);
      }
      this.tell("photos");
      this.tell("photo");
    }
  }

  /**
   * Say what went wrong; where the engine has stopped, begin another.
   *
   * @param {unknown} error
   */
  fail(error) {
    if (!this.#revive(error)) this.tell("trouble", error);
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
        this.tell("restart");
      },
      (problem) => {
        this.#starting = null;
        this.tell("trouble", problem);
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
      this.tell("photos");
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
   * @param {boolean} [ahead] whether the thumbnails will be taken
   * @returns {Promise<any>} an answer, with its thumbnails
   */
  async ask(photo, ahead) {
    const { id } = await this.open(photo);
    const { category } = photo.edit;
    const member = this.owner.get("membership");
    const taste = await known(this);
    return this.engine.suggest(id, { member, taste, ahead, ...(category ? { category } : {}) });
  }

  /** @param {OpenPhoto} photo */
  async #suggest(photo) {
    const { category } = photo.edit;
    const answer = await this.ask(photo, true);
    if (photo.edit.category !== category || this.photo !== photo) {
      return void answer.thumbnails.return();
    }
    forgetAnswer(photo);
    photo.answer = answer;
    this.tell("answer");
    for await (const { preset, bitmap } of answer.thumbnails) {
      if (photo.answer !== answer) return bitmap.close();
      photo.thumbnails.set(preset, bitmap);
      this.tell("thumbnail", preset);
    }
    this.tell("suggested");
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
    this.tell("photos");
    this.tell("photo");
    return () => {
      this.photos = this.photos.toSpliced(at, 0, photo);
      this.tell("photos");
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
    this.tell("preview");
  }

  /**
   * Change the current photo's edit.
   *
   * @param {Partial<Edit>} part
   * @param {boolean} [going] more of the same gesture will follow; undo takes it back as one
   */
  set(part, going = false) {
    const photo = this.photo;
    if (!photo?.info) return;
    const began = change(photo, part, going);
    this.previewed = null;
    if (!going && part.preset) this.owner.used(part.preset);
    this.#changed(photo, began);
  }

  /** @param {OpenPhoto} photo @param {Edit} from */
  #changed(photo, from) {
    this.tell("edit");
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
    const left = photo && step(photo, from, to);
    if (!left) return false;
    this.previewed = null;
    this.#changed(photo, left);
    return true;
  }

  /**
   * Change several photos' edits at once.
   *
   * @param {Map<OpenPhoto, Partial<Edit>>} edits
   * @returns {() => void} takes it back
   */
  setAll(edits) {
    const back = changeAll(edits);
    this.tell("edit");
    return () => {
      back();
      this.tell("edit");
    };
  }
}
