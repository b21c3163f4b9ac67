/**
 * The engine's worker: the feature, and the photos that are open. `../engine.js` speaks to it.
 * @module
 */

import { readCatalog } from "../catalog.js";
import { BundleError, EngineError } from "../errors.js";
import { Feature, WORKING_SIDE, loadFeature } from "../feature.js";
import { loadKernels } from "../kernels.js";
import { compileLut, render } from "../look.js";
import { loadRuntime } from "../runtime.js";
import { sha256 } from "../sha256.js";
import { flat, resized, toBitmap, within } from "./picture.js";
import { wired } from "./wire.js";

/** @import {Instance} from "../kernels/instance.js" */
/** @import {Kernels, Picture} from "../kernels.js" */
/** @import {Scores} from "../pipeline.js" */
/** @import {Answer} from "../feature.js" */
/** @import {Choice, Preference} from "../preference.js" */
/** @import {Wish} from "../suggest.js" */
/** @import {Reply, Request} from "./wire.js" */
/**
 * @typedef {object} OpenPhoto
 * @property {Blob} blob
 * @property {[width: number, height: number]} size of the whole photo
 * @property {Picture} picture decoded at WORKING_SIDE, on white
 * @property {Feature} feature that was in use when it was opened: a photo is edited with one bundle
 * @property {Promise<Scores> | null} scores
 * @property {Promise<Answer> | null} answering what was asked last of what suits it
 * @property {number} decoding how long decoding took, ms
 */

const PREVIEW_SIDE = 1280;
/** How many times a first photo is rehearsed. */
const WARMING = 4;

/** @type {URL} */
let base;
/** @type {Kernels} */
let kernels;
/** @type {Feature} */
let feature;
/** @type {Map<number, OpenPhoto>} */
const photos = new Map();
let lastId = 0;
/** What learns from an owner's choices; fetched with the first. @type {Promise<Instance> | null} */
let filters = null;
/**
 * The picture that was rendered last, at the size of the screen.
 *
 * @type {{id: number, picture: Picture} | null}
 */
let shown = null;
/**
 * The photo that was decoded last at more than WORKING_SIDE.
 *
 * @type {{id: number, picture: Picture} | null}
 */
let sharp = null;
/** Features of bundles that were replaced. @type {Feature[]} */
let retired = [];
/** Calls that were cancelled while they ran. @type {Set<number>} */
const cancelled = new Set();

/** @param {Request} request */
export async function receive(request) {
  const { id } = request;
  if ("cancel" in request) {
    cancelled.add(id);
    return;
  }
  /** @param {Omit<Reply, "id">} reply @param {Transferable[]} [transfer] */
  const reply = (reply, transfer = []) => self.postMessage({ id, ...reply }, { transfer });
  try {
    const method = methods[/** @type {keyof typeof methods} */ (request.method)];
    const value = await /** @type {any} */ (method)({ id, reply }, ...request.args);
    reply({ value }, bitmapsIn(value));
  } catch (error) {
    reply({ error: wired(error) });
  } finally {
    cancelled.delete(id);
  }
}

/** @typedef {{id: number, reply: (reply: Omit<Reply, "id">, transfer?: Transferable[]) => void}} Call */

const methods = {
  /** @param {Call} _call @param {string} url */
  async start(_call, url) {
    base = new URL(url);
    loadRuntime(vendor()).catch(() => {}); // it takes longest; whoever needs it gets the error
    const [{ bundle }, module] = await Promise.all([
      get("studio.json").then((bytes) => JSON.parse(new TextDecoder().decode(bytes))),
      fetched("native/homebody.wasm").then(loadKernels),
    ]);
    kernels = module;
    const bytes = await get(bundle.url);
    if ((await sha256(bytes)) !== bundle.sha256) {
      throw new BundleError("the bundle that came is not the one this page names; load the page again");
    }
    feature = await load(bytes);
    setTimeout(warm); // while the photo is chosen
    return ready();
  },

  /** @param {Call} _call @param {Blob} blob */
  async open(_call, blob) {
    const start = performance.now();
    const { decode, hasGps } = await reading();
    const photo = await decode(blob, { atLeast: WORKING_SIDE, kernels });
    const picture = flat(photo);
    const decoding = performance.now() - start;
    const id = ++lastId;
    photos.set(id, { blob, size: photo.size, picture, feature, scores: null, answering: null, decoding });
    const small = resized(kernels, picture, within([picture.width, picture.height], PREVIEW_SIDE));
    return {
      id,
      format: photo.format,
      width: photo.size[0],
      height: photo.size[1],
      hasGps: hasGps(photo),
      preview: await toBitmap(small),
    };
  },

  /** @param {Call} _call @param {number} id @param {Wish & {taste?: Uint8Array | null}} wish */
  suggest(_call, id, wish) {
    const photo = photoOf(id);
    return photo.answering = answerOf(photo, wish);
  },

  /**
   * Learn from what the owner picked for a photo.
   *
   * @param {Call} _call
   * @param {number} id
   * @param {Uint8Array | null} taste what was learned before
   * @param {Choice} choice
   */
  async learn(_call, id, taste, choice) {
    const { feature, scores, picture } = photoOf(id);
    const [{ firstPreference, readPreference }, learner] = await learning();
    const base = feature.identity.sha256;
    const found = new Map(await (scores ?? feature.scores(picture)));
    return tasted(taste
      ? readPreference(taste, { base }).learn(learner, kernels, feature.catalog, found, choice)
      : firstPreference(base, learner, kernels, feature.catalog, found, choice));
  },

  /**
   * Verify what was learned elsewhere or on another bundle, and take it along to this one.
   *
   * @param {Call} _call
   * @param {Uint8Array} taste
   */
  async carryOver(_call, taste) {
    const [{ readPreference }, learner] = await learning();
    const found = readPreference(taste);
    found.verify(learner);
    return tasted(found.carriedOver(feature.identity.sha256));
  },

  /**
   * @param {Call} call
   * @param {number} id
   * @param {string[] | null} presets null: those of the answer that is in the making
   * @param {number} side
   */
  async thumbnails({ id: call, reply }, id, presets, side) {
    const { picture, feature, answering } = photoOf(id);
    presets ??= (await answering)?.presets.map(({ id }) => id) ?? [];
    await turn(); // the answer itself goes first
    const small = resized(kernels, picture, within([picture.width, picture.height], side));
    for (const preset of presets) {
      if (cancelled.has(call)) return;
      const bitmap = await toBitmap(render(kernels, small, feature.catalog.preset(preset)));
      reply({ part: { preset, bitmap } }, [bitmap]);
      await turn(); // so that what was asked meanwhile goes first
    }
  },

  /**
   * @param {Call} _call
   * @param {number} id
   * @param {string | null} preset
   * @param {number} strength
   * @param {number} maxSide
   */
  async render(_call, id, preset, strength, maxSide) {
    const { feature } = photoOf(id);
    const picture = await onScreen(id, maxSide);
    return toBitmap(preset === null ? picture : render(kernels, picture, feature.catalog.preset(preset), strength));
  },

  /** What an export worker needs. @param {Call} _call @param {number} id @param {string | null} preset */
  source(_call, id, preset) {
    const { blob, feature } = photoOf(id);
    if (preset === null) return { blob, preset, lut: null, kernels: kernels.module };
    const chosen = feature.catalog.preset(preset);
    return { blob, preset: chosen, lut: compileLut(kernels, chosen), kernels: kernels.module };
  },

  /** @param {Call} call */
  check({ reply }) {
    return feature.check((done, total) => reply({ part: { done, total } }));
  },

  /** @param {Call} _call @param {number} id */
  close(_call, id) {
    photos.delete(id);
    letGo();
    if (shown?.id === id) shown = null;
    if (sharp?.id === id) sharp = null;
  },

  /** @param {Call} _call @param {Uint8Array} bytes */
  async useBundle(_call, bytes) {
    const fresh = await load(bytes);
    const report = await fresh.check();
    if (!report.passed) {
      fresh.close();
      throw new EngineError(
        `${report.name} ${report.version} does not run here as it was trained; the one before it stays`, "check");
    }
    retired.push(feature); // photos that are open keep it
    feature = fresh;
    letGo();
    return ready();
  },

  /** @param {Call} _call @param {Uint8Array | null} bytes */
  useCatalog(_call, bytes) {
    feature = feature.withCatalog(bytes === null ? null : readCatalog(bytes));
    return ready();
  },
};

/**
 * What suits a photo.
 *
 * @param {OpenPhoto} photo
 * @param {Wish & {taste?: Uint8Array | null}} wish
 * @returns {Promise<Answer>}
 */
async function answerOf(photo, { taste, ...wish }) {
  const preference = taste ? await tasteOf(taste, photo.feature) : undefined;
  const start = performance.now();
  photo.scores ??= photo.feature.scores(photo.picture);
  photo.scores.catch(() => { photo.scores = null; });
  const scores = await photo.scores;
  const model = performance.now() - start;
  const answer = await photo.feature.suggest(photo.picture, { ...wish, scores, preference });
  answer.timing_ms.decode = photo.decoding;
  answer.timing_ms.model = model;
  return answer;
}

/** @param {string} path @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function get(path) {
  const response = await fetched(path);
  return new Uint8Array(await response.arrayBuffer().catch(() => {
    throw new EngineError(`${path} could not be fetched (the connection fails); load the page again`);
  }));
}

/** @param {string} path */
async function fetched(path) {
  let why;
  try {
    const response = await fetch(new URL(path.replace(/^\//, ""), base));
    if (response.ok) return response;
    why = `the server answers ${response.status}`;
  } catch {
    why = "the connection fails";
  }
  throw new EngineError(`${path} could not be fetched (${why}); load the page again`);
}

/** What learning takes: its modules, and the filters. */
async function learning() {
  const door = import("./learning.js");
  filters ??= Promise.all([door, fetched("native/filters.wasm")]).then(([{ loadFilters }, module]) => loadFilters(module));
  filters.catch(() => { filters = null; });
  return /** @type {const} */ ([await door, await filters]);
}

/**
 * What the owner likes, if that was learned on the bundle of this photo.
 *
 * @param {Uint8Array} taste
 * @param {Feature} feature
 */
async function tasteOf(taste, feature) {
  const found = (await import("./learning.js")).readPreference(taste);
  return found.base === feature.identity.sha256 ? found : undefined;
}

/** @param {Preference} preference */
function tasted(preference) {
  return { bytes: preference.bytes(), learned: preference.learned, base: preference.base };
}

/** Close the features that no photo is edited with any more; with another catalog, they share a bundle. */
function letGo() {
  const used = new Set([feature, ...Array.from(photos.values(), (photo) => photo.feature)].map(({ bundle }) => bundle));
  for (const one of retired) if (!used.has(one.bundle)) one.close();
  retired = retired.filter(({ bundle }) => used.has(bundle));
}

function vendor() {
  return new URL("vendor/", base).href;
}

/** @param {Uint8Array} bytes */
function load(bytes) {
  return loadFeature(bytes, { kernels, vendor: vendor() });
}

/** What reads photos; fetched behind the engine's beginning. */
function reading() {
  return import("./photos.js");
}

/** Do what a photo needs, with one made of noise, so that the first one finds it compiled. */
async function warm() {
  try {
    const canvas = new OffscreenCanvas(1200, 900), noise = new ImageData(canvas.width, canvas.height);
    for (let i = 0; i < noise.data.length; i++) noise.data[i] = i % 4 === 3 ? 255 : (i * 2654435761) >>> 24;
    canvas.getContext("2d")?.putImageData(noise, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 });
    const { decode } = await reading();
    // Browsers compile well what has run a few times; a photo that comes meanwhile goes first.
    for (let round = 0; round < WARMING && photos.size === 0; round++) {
      const picture = flat(await decode(blob, { atLeast: 200, kernels }));
      const { presets } = await feature.suggest(picture);
      for (const { id } of presets) {
        if (photos.size > 0) return;
        await toBitmap(render(kernels, picture, feature.catalog.preset(id)));
        await turn();
      }
    }
  } catch {
    // A photo that fails too says why.
  }
}

function ready() {
  const { catalog, identity } = feature;
  const { version, families, presets, categories } = catalog;
  return { catalog: { version, families, presets, categories }, bundle: identity };
}

/** @param {number} id */
function photoOf(id) {
  const found = photos.get(id);
  if (!found) throw new EngineError("this photo is not open any more; open it again");
  return found;
}

/**
 * A photo as large as the screen needs it: decoded anew where WORKING_SIDE is too small for that.
 *
 * @param {number} id
 * @param {number} maxSide
 */
async function onScreen(id, maxSide) {
  const photo = photoOf(id);
  const size = within(photo.size, maxSide);
  if (shown?.id === id && shown.picture.width === size[0] && shown.picture.height === size[1]) return shown.picture;
  let { picture } = photo;
  if (picture.width < size[0]) {
    if (sharp?.id !== id || sharp.picture.width < size[0]) {
      sharp = null;
      const { decode } = await reading();
      const decoded = flat(await decode(photo.blob, { atLeast: Math.min(...size), kernels }));
      sharp = { id, picture: decoded };
    }
    picture = sharp.picture;
  }
  shown = { id, picture: resized(kernels, picture, size) };
  return shown.picture;
}

const { port1: door, port2: bell } = new MessageChannel();
/** @type {(() => void)[]} */
const turns = [];
door.onmessage = () => turns.shift()?.();

/** Let messages that wait be received. Unlike a timer's, a message's turn comes at once. */
function turn() {
  return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
    turns.push(resolve);
    bell.postMessage(null);
  });
}

/** @param {any} value @returns {ImageBitmap[]} */
function bitmapsIn(value) {
  return [value, value?.preview].filter((one) => one instanceof ImageBitmap);
}
