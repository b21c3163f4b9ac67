/** A photo at full size with its edit: exported, remembered, and learned from. */

import { forgetAnswer } from "./photo.js";
import { known } from "./taste.js";

/** @typedef {import("./photo.js").OpenPhoto} OpenPhoto */
/** @typedef {import("./studio.js").Studio} Studio */

/**
 * Export a photo.
 *
 * @param {Studio} studio
 * @param {OpenPhoto} photo
 * @param {{type: string, quality: number, gps: boolean}} output
 * @param {(share: number) => void} onProgress 0..1
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
export async function exported(studio, photo, output, onProgress, signal) {
  const { preset, strength } = photo.edit;
  const { id } = await studio.open(photo);
  signal.throwIfAborted();
  const blob = await studio.engine.export(id, preset, strength, { ...output, signal }, onProgress);
  signal.throwIfAborted();
  if (preset) {
    const category = photo.edit.category ?? photo.answer?.category.id ?? "";
    const bundle = studio.engine.ready.bundle.sha256;
    studio.owner.picked({ preset, category, strength, bundle, at: Date.now() });
    // An export is done whether or not anything can be learned from it.
    await learn(studio, photo, preset).catch(() => {});
  }
  return blob;
}

/**
 * Of the six that were shown, or of all presets, this one was taken.
 *
 * @param {Studio} studio
 * @param {OpenPhoto} photo
 * @param {string} picked
 */
async function learn(studio, photo, picked) {
  if (!photo.answer) return;
  const { owner } = studio;
  const shown = photo.answer.presets.map(({ id }) => id);
  const { category } = photo.edit;
  const choice = { shown, picked, photo: photo.key, ...(category ? { category } : {}) };
  const { id } = await studio.open(photo);
  const before = owner.get("taste")?.learned ?? 0;
  await known(studio); // taken along, if need be
  const now = await owner.learn((taste) => studio.engine.learn(id, taste?.bytes ?? null, choice));
  // The photo that is being looked at keeps its six; the others are asked anew.
  for (const other of studio.photos) if (other !== studio.photo) forgetAnswer(other);
  if (now && before === 0) studio.tell("taste", "first");
}
