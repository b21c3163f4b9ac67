/** The same edit, or each photo's own first suggestion, for all open photos. */

import { openDialog } from "./dialog.js";
import { h } from "./element.js";
import { sentence } from "./errors.js";
import { percent, t } from "./words.js";

/** @typedef {import("./photo.js").Edit} Edit */
/** @typedef {import("./photo.js").OpenPhoto} OpenPhoto */
/** @typedef {import("./photo.js").Suggested} Suggested */
/** @typedef {import("./studio.js").Studio} Studio */

/**
 * Offer what can be applied to all.
 *
 * @param {Studio} studio
 * @param {import("./toasts.js").Toasts} toasts
 */
export function openBatch(studio, toasts) {
  const { photo, photos } = studio;
  if (!photo || photos.length < 2) return;
  const name = studio.presets.get(photo.edit.preset ?? "")?.name;
  const progress = h("progress", {
    max: 1,
    value: 0,
    "aria-label": t("batch.progress"),
    hidden: true,
  });
  const stopping = new AbortController();
  const same = h(
    "button",
    {
      type: "button",
      class: "choice",
      disabled: !name,
      onclick: () => finish(applyToAll(studio, photo.edit)),
    },
    h("strong", {}, name ? t("batch.same", { preset: name }) : t("batch.none")),
    h(
      "small",
      {},
      name
        ? t("batch.sameNote", { share: percent(photo.edit.strength / 100) })
        : t("batch.noneNote"),
    ),
  );
  const own = h(
    "button",
    { type: "button", class: "choice", onclick: () => void suggested() },
    h("strong", {}, t("batch.own")),
    h("small", {}, t("batch.ownNote")),
  );
  const dialog = openDialog(
    t("batch.title", { n: photos.length }),
    h("div", { class: "choices" }, same, own),
    progress,
  );
  dialog.addEventListener("close", () => stopping.abort());

  const finish = (/** @type {() => void} */ back) => {
    dialog.close();
    toasts.show(t("batch.done", { n: photos.length }), { action: t("undo"), run: back });
  };
  const suggested = async () => {
    same.disabled = own.disabled = true;
    progress.hidden = false;
    try {
      const report = (/** @type {number} */ share) => (progress.value = share);
      finish(await applySuggested(studio, report, stopping.signal));
    } catch (error) {
      if (stopping.signal.aborted) return;
      dialog.close();
      toasts.show(sentence(error), { kind: "error" });
    }
  };
}

/**
 * Give every open photo an edit's preset and strength.
 *
 * @param {Studio} studio
 * @param {Edit} edit
 * @returns {() => void} takes it back
 */
function applyToAll(studio, { preset, strength }) {
  return studio.setAll(new Map(studio.photos.map((photo) => [photo, { preset, strength }])));
}

/**
 * Give every open photo the first preset that suits it and may be exported.
 *
 * @param {Studio} studio
 * @param {(share: number) => void} onProgress 0..1
 * @param {AbortSignal} signal
 * @returns {Promise<() => void>} takes it back
 */
async function applySuggested(studio, onProgress, signal) {
  /** @type {Map<OpenPhoto, Partial<Edit>>} */
  const edits = new Map();
  for (const [i, photo] of studio.photos.entries()) {
    onProgress(i / studio.photos.length);
    const answer = photo.failure ? null : (photo.answer ?? (await studio.ask(photo)));
    signal.throwIfAborted();
    const first = answer?.presets.find((/** @type {Suggested} */ one) => studio.allowed(one.id));
    if (first) edits.set(photo, { preset: first.id, strength: 100 });
  }
  return studio.setAll(edits);
}
