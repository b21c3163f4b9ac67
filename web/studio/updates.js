/** Newer versions: fetched and verified by `update.js`, announced here without getting in the way. */

import { known, t } from "./words.js";

/** @typedef {import("../update.js").Notice} Notice */
/** @typedef {import("../update.js").Updates} Updates */

/** Notices that only who asked wants to hear. */
const QUIET = ["current", "none", "kept", "unsupported"];

/**
 * A notice in the owner's language.
 *
 * @param {Notice} notice
 * @returns {string}
 */
export function noticeSaid({ kind, reason, message, version = "" }) {
  for (const key of [`update.${kind}.${reason}`, `update.${kind}`]) {
    if (known(key)) return t(key, { version });
  }
  return message;
}

/**
 * Keep the studio up to date from now on; while a photo is open, nothing is exchanged.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {import("./toasts.js").Toasts} toasts
 * @returns {Promise<Updates | null>} null where the browser cannot
 */
export async function keepUpdated(studio, toasts) {
  try {
    const { Updates } = await import("../update.js");
    const engine = {
      useBundle: (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => studio.engine.useBundle(bytes),
      useCatalog: (/** @type {Uint8Array<ArrayBuffer> | null} */ bytes) =>
        studio.engine.useCatalog(bytes),
    };
    const onNotice = (/** @type {Notice} */ notice) => {
      if (["updated", "rolled-back"].includes(notice.kind)) studio.adopt(studio.engine);
      if (QUIET.includes(notice.kind)) return;
      const restart = notice.kind === "restart";
      toasts.show(noticeSaid(notice), {
        lasting: restart,
        ...(restart ? { action: t("update.now"), run: () => void activate() } : {}),
      });
    };
    const updates = await Updates.start({ engine, onNotice });
    const activate = async () => {
      if (!(await updates.activate())) toasts.show(t("update.later"));
    };
    const editing = () => (updates.editing = studio.photos.length > 0);
    studio.addEventListener("photos", editing);
    editing();
    return updates;
  } catch {
    // Without updates the studio is whole: it has what it came with.
    return null;
  }
}
