/** A photo that is open: what is known of it, and what was done to it. */

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

/** @type {Edit} */
export const UNTOUCHED = { preset: null, strength: 100, category: null };

/**
 * A photo of which nothing is known yet.
 *
 * @param {File} file
 * @returns {OpenPhoto}
 */
export function openPhoto(file) {
  return {
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
  };
}

/** Whether the suggestions are there, each with its picture. @param {OpenPhoto} photo */
export function painted({ answer, thumbnails }) {
  return answer !== null && answer.presets.length === thumbnails.size;
}

/** Let go of what suits a photo. @param {OpenPhoto} photo */
export function forgetAnswer(photo) {
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
export async function isHeic(file) {
  const start = await file
    .slice(4, 12)
    .text()
    .catch(() => "");
  return /^ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)/.test(start);
}
